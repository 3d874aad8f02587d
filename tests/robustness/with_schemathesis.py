"""`schemathesis` against the server, with the OpenAPI document that it exports: all checks, valid and invalid data.

`python -m tests.robustness.with_schemathesis [CASES] [SEED]` (20000 and 1) starts the command on a free port and prints
what `schemathesis` says; its exit status. At the end the server has to answer and to have logged no error.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.robustness.tools import SCHEMATHESIS, environment
from tests.support import LASTING, folder, run, serving

LEFT_OUT: Final = ("Mock-Delay", "Mock-Fault")
"""Parameters that are not sent: they ask the server to wait for minutes, to hang, and to answer with what is broken."""

UNFIT: Final = {
    "positive_data_acceptance": "well-formed requests get documented errors, such as a second activation; "
    "schemathesis_checks.py looks instead at what the mock says about the request",
}
"""Checks that do not fit a mock, with why."""


def exported() -> dict[str, Any]:
    """The exported document, without the parameters that are left out."""
    document: dict[str, Any] = json.loads(run("export", "openapi").stdout)
    for path in document["paths"].values():
        for operation in path.values():
            kept = [p for p in operation["parameters"] if p.get("$ref", "").rpartition("/")[2] not in LEFT_OUT]
            operation["parameters"] = kept
    return document


def main(at: Path, cases: int = 20_000, seed: int = 1, tools: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run it in a folder; what came of it."""
    (at / "openapi.json").write_text(json.dumps(exported()), encoding="utf-8")
    # Every generated name of a sandbox makes one.
    room = folder(at / "room", {"room.yaml": "format: 1\nsettings: {max_sandboxes: 1000000}\n"})
    command = str((tools or environment(SCHEMATHESIS)) / "schemathesis")
    with serving("--overlay", str(room), "--log-format", "json") as server:
        ended = subprocess.run(
            [command, "run", str(at / "openapi.json"), "--url", server.url, "--max-examples", str(cases)]
            + ["--seed", str(seed), "--mode", "all", "--checks", "all", "--exclude-checks", ",".join(UNFIT)]
            + ["--continue-on-failure", "--no-color"],
            cwd=at,
            env={**os.environ, "SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("schemathesis_checks.py"))},
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        status, *_ = server.post(LASTING)
        assert status == 200
    loud = [line for line in server.err.seen + server.out.seen if '"error"' in line or "Traceback" in line]
    assert not loud, loud[:3]
    return ended


if __name__ == "__main__":
    numbers = [*map(int, sys.argv[1:])]
    with tempfile.TemporaryDirectory() as place:
        result = main(Path(place), (numbers or [20_000])[0], (numbers[1:] or [1])[0])
    print(result.stdout, result.stderr)
    sys.exit(result.returncode)
