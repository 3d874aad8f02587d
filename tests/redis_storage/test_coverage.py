"""Counts of answers that are out go to the store together."""

from __future__ import annotations

import asyncio
from typing import Any

from mockserver import Contract
from mockserver.redis_storage.coverage import Deliveries
from mockserver.storage.coverage import Observation
from mockserver.storage.interface import Entry
from tests.support.stores import close_stores, needs_redis, redis_storage


class StoreInTurns:
    """Says what was sent; the first call ends when it is told to."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.go_on = asyncio.Event()

    async def run(self, script: str, *group: bytes) -> None:
        """Take a group."""
        assert script == "delivered"
        self.sizes.append(len(group))
        await self.go_on.wait()


async def test_counts_that_come_during_a_round_trip_go_with_the_next() -> None:
    """All are in the store when the call returns, and none waits for others to come."""
    store: Any = StoreInTurns()
    deliveries = Deliveries(store)
    first = asyncio.create_task(deliveries.count({}))
    await asyncio.sleep(0)
    assert store.sizes == [1]
    others = [asyncio.create_task(deliveries.count({})) for _ in range(5)]
    await asyncio.sleep(0)
    assert store.sizes == [1]
    assert not any(one.done() for one in (first, *others))
    store.go_on.set()
    await asyncio.gather(first, *others)
    assert store.sizes == [1, 5]
    await deliveries.count({})
    assert store.sizes == [1, 5, 1]


async def test_refused_requests_to_any_number_of_sandboxes_are_counted(contract: Contract) -> None:
    """The counts of those without a sandbox are put together from time to time."""
    needs_redis()
    storage = redis_storage(contract, contract.settings)
    for number in range(1_010):
        await storage.add_entry(Entry(str(number), "", b"{}"), Observation(f"stray{number}", 0))
    assert (await storage.tally(None)).requests == (await storage.tally_of_prefix("stray")).requests == 1_010
    await close_stores()
