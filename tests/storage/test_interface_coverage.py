"""Any storage: what it counts of the requests whose answers are out."""

from __future__ import annotations

import time

from mockserver.storage.coverage import Observation, Outcome
from mockserver.storage.interface import Committed, Entry
from tests.storage.storages import NO_EFFECTS, Mock


async def test_the_request_that_began_first_was_sent_again(mock: Mock) -> None:
    """Also if its answer is out, or lost, only after that of its retry, as with a delay."""
    now = time.perf_counter_ns()
    for fault, seconds_ago in (("reset", 900), (None, 700)):
        view, sandbox = await mock.look(), await mock.sandbox()
        entry = Entry(await sandbox.next_entry_id(), "", b"{}")
        mock.entries.append(entry.id)
        observation = Observation(
            "",
            now - seconds_ago * 1_000_000_000,
            Outcome("use", "rest", from_contract=True, fault=fault),
            committed=True,
        )
        assert await sandbox.commit(view, NO_EFFECTS, entry, observation) == Committed()
    for entry_id in reversed(mock.entries):
        await mock.storage.delivered("", entry_id, complete=True)
    tally = await mock.storage.tally("")
    [(outcome, retries)] = tally.retries.items()
    assert (outcome.fault, retries.count, tally.retries_after_loss) == ("reset", 1, 1)
    assert 150 < retries.shortest_ns / 1e9 == retries.longest_ns / 1e9 < 250
