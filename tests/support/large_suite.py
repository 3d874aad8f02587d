"""A suite of many tests that would disturb each other without sandboxes, and a script that runs it ten times.

`python -m tests.support.large_suite` runs 200 tests with four workers and a shared server, each time in another order.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.support import environment

SUITE: Final = '''\
"""All tests use the same keys; each counts on being alone with its mock."""

import os
import urllib.error
import urllib.request
import json

import pytest

MANY = int(os.environ["MANY"]) // 5
BODY = {"customer_id": "1", "card_identifier": "CARD-1", "reference_batch": "7e4b85e27c4610824900af48f340394d"}


def post(mock, **changes):
    data = json.dumps({**BODY, **changes}).encode()
    request = urllib.request.Request(mock.url + "/debit/v1/activateCardForCustomer", data)
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, response.headers["Mock-Scenario"], json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Mock-Scenario"], json.loads(error.read())


@pytest.mark.parametrize("number", range(MANY))
def test_state(mockserver, number):
    assert post(mockserver)[1] == "activated-existing-customer"
    assert post(mockserver)[1] == "card-already-activated"
    assert mockserver.state.get("cards", "CARD-1")["status"] == "activated"


@pytest.mark.parametrize("number", range(MANY))
def test_armed(mockserver, number):
    mockserver.arm("rfc-invalid", times=2, when={"body.customer_id": "1"})
    assert [post(mockserver)[1] for _ in range(3)] == ["rfc-invalid", "rfc-invalid", "activated-existing-customer"]
    mockserver.verify_armed_used()


@pytest.mark.parametrize("number", range(MANY))
def test_lost_answer(mockserver, number):
    mockserver.fault("reset", commit=True)
    with pytest.raises(ConnectionResetError):
        post(mockserver)
    assert post(mockserver)[1] == "card-already-activated"
    mockserver.verify(when={"body.card_identifier": "CARD-1"}, exactly=2)


@pytest.mark.mockserver(clock="2024-11-15T14:32:18.123Z", seed=7)
@pytest.mark.parametrize("number", range(MANY))
def test_time_and_ids(mockserver, number):
    first, second = (post(mockserver, card_identifier=f"CARD-{n}", customer_id=f"{n}")[2] for n in (1, 2))
    assert first["timestamp"] == second["timestamp"] == "2024-11-15T14:32:18.123Z"
    assert int(second["payload"]["card_id"][5:]) - int(first["payload"]["card_id"][5:]) == 1


@pytest.mark.parametrize("number", range(MANY))
def test_scenarios(mockserver, number):
    mockserver.scenarios.put("ours", {"assumed": [], "respond": {"error": {"code": 7000, "hints": ["ours"]}}})
    assert post(mockserver)[1] == "ours"
    assert [row["scenario"] for row in mockserver.requests()] == ["ours"]
    mockserver.reset()
    assert post(mockserver)[1] == "activated-existing-customer"
'''

CONFTEST: Final = """\
import os
import random


def pytest_collection_modifyitems(items):
    random.Random(os.environ["ORDER"]).shuffle(items)
"""


def written(folder: Path) -> Path:
    """The suite in a folder."""
    (folder / "test_many.py").write_text(SUITE, encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n", encoding="utf-8"
    )
    return folder


def main() -> int:
    """Run it ten times; the number of runs with a failure."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        suite = written(Path(folder))
        for number in range(10):
            began = time.monotonic()
            ended = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-n", "4", "--mockserver-shared", *sys.argv[1:]],
                cwd=suite,
                env={**environment(), "MANY": "200", "ORDER": f"{os.getpid()}/{number}"},
                capture_output=True,
                text=True,
                check=False,
            )
            failed += ended.returncode != 0
            shown = "\n".join(ended.stdout.strip().splitlines()[-20 if ended.returncode else -1 :])
            sys.stdout.write(f"run {number + 1}: {shown} ({time.monotonic() - began:.1f}s in all)\n")
            sys.stdout.flush()
    return failed


if __name__ == "__main__":
    sys.exit(main())
