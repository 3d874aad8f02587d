"""A short share of tests/robustness/stopping.py, a clock that jumps, and folders that may not be read."""

import json
import subprocess
import tempfile
from itertools import cycle
from pathlib import Path

import pytest

from mockserver import Contract, Engine, Request
from tests.support import MOCKSERVER, ONCE, PATH, PATIENCE, another_user, journal
from tests.support.stops import killed_and_restarted, stopped_under_load


async def test_a_stop_under_load_loses_no_request() -> None:
    """Each logged request has reached its client whole; the status is 0."""
    stop = await stopped_under_load(seed=1, clients=16, seconds=0.5)
    assert (stop.lost, stop.cut, stop.status, stop.said) == (0, 0, 0, [])
    assert stop.taken > 0


async def test_a_start_after_a_kill_uses_the_same_port() -> None:
    """Whatever state the connections were in."""
    assert (await killed_and_restarted(seed=1, clients=16, seconds=0.2))[0] < PATIENCE


def test_a_jumping_clock_does_no_harm(contract: Contract) -> None:
    """Back to 1970, ahead by centuries, standing still: the journal keeps its order."""
    day = 86_400_000_000_000
    hands = cycle((0, 20_000 * day, 19_999 * day, 150_000 * day, 1, 1))
    engine = Engine(contract, clock=lambda: next(hands))
    for number in range(30):
        body = json.dumps({**ONCE, "card_identifier": f"CARD-{number}", "customer_id": f"{number}"}).encode()
        replies = [engine.handle_sync(Request("POST", PATH, body)) for _ in range(2)]
        shown = [json.loads(reply.body) for reply in replies]
        assert [reply.status for reply in replies] == [200, 400]
        assert [one["error"].get("code") for one in shown] == [None, 4433]
        assert all(one["timestamp"] for one in shown)
    found = [entry.id for entry in journal(engine)]
    assert found == [str(number) for number in range(60, 0, -1)]


@pytest.mark.parametrize("option", ["--contract", "--overlay", "--mounts"])
def test_an_unreadable_folder_is_reported(option: str) -> None:
    """As another user: which folder and why, status 1."""
    with tempfile.TemporaryDirectory() as name:
        at = Path(name) / "closed"
        at.mkdir(0)
        Path(name).chmod(0o755)
        command: list[str | Path] = [*another_user(), MOCKSERVER, "--port", "0", option, at]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"{at}" in ended.stderr
    assert "Permission denied" in ended.stderr
    assert ended.stderr.endswith("in the contract\n")
