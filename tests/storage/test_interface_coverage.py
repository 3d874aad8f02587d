"""Any storage: what it counts of the requests whose answers are out."""

from __future__ import annotations

import time

from mockserver.storage.coverage import Observation, Outcome
from mockserver.storage.interface import Committed, Entry
from tests.storage.storages import NO_EFFECTS, Mock


async def test_the_request_that_began_first_was_sent_again(mock: Mock) -> None:
    """Also if its answer is out, or lost, only after that of its retry, as with a delay."""
    now = time.perf_counter_ns()
    for fault, milliseconds_ago in (("reset", 900), (None, 700)):
        view, sandbox = await mock.look(), await mock.sandbox()
        entry = Entry(await sandbox.next_entry_id(), "", b"{}")
        mock.entries.append(entry.id)
        observation = Observation(
            "",
            now - milliseconds_ago * 1_000_000,
            Outcome("use", "rest", from_contract=True, fault=fault),
            committed=True,
        )
        assert await sandbox.commit(view, NO_EFFECTS, entry, observation) == Committed()
    for entry_id in reversed(mock.entries):
        await mock.storage.delivered("", entry_id, complete=True)
    tally = await mock.storage.tally("")
    [(outcome, retries)] = tally.retries.items()
    assert (outcome.fault, retries.count, tally.retries_after_loss) == ("reset", 1, 1)
    assert 150_000_000 < retries.shortest_ns == retries.longest_ns < 250_000_000
