"""Resident memory of the command at its first answer and under load: `python tests/benchmarks/memory.py SECONDS NAME=PYTHON...`.

PYTHON is the interpreter of an environment in which the mock is installed. The requests of `wrk` are about 100 cards, so that
nothing grows but the journal, and that only until it has its 10,000 entries. Needs Linux, two cores and `wrk`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from measuring import HERE, PATH, free_port, running, table

STEPS = 3


def measured(python: str, seconds: int) -> list[str]:
    """A line of the table."""
    port, count = free_port(), 0
    command = [str(Path(python).parent / "mockserver"), "--port", str(port), "--log-format", "none"]
    with running(command, port, echo=False) as server:
        seen, before = [server.resident()], server.seconds()
        for _ in range(STEPS):
            asked = subprocess.run(
                ["taskset", "-c", "1", "wrk", "-t1", "-c32", f"-d{seconds}s", "-s", str(HERE / "fixed.lua")]
                + [f"http://127.0.0.1:{port}{PATH}"],
                capture_output=True,
                text=True,
                check=True,
            )
            found = re.search(r"(\d+) requests in", asked.stdout)
            assert found is not None, asked.stdout
            count += int(found[1])
            seen.append(server.resident())
        spent = (server.seconds() - before) / count * 1e6
    return [*(f"{one:.1f}" for one in seen), f"{count:,}", f"{spent:.0f}"]


def main(seconds: int, pythons: dict[str, str]) -> None:
    titles = (
        "",
        "first answer",
        *(f"{step * seconds} s" for step in range(1, STEPS + 1)),
        "requests",
        "CPU us/request",
    )
    print(table(titles, {name: measured(python, seconds) for name, python in pythons.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), dict(argument.split("=", 1) for argument in sys.argv[2:]))
