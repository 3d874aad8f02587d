"""Requests to one sandbox wait for each other."""

from __future__ import annotations

import asyncio

import pytest

from mockserver.redis_storage import queues
from mockserver.redis_storage.queues import Queues
from mockserver.storage.interface import StorageError
from tests.support import PATIENCE


async def test_one_after_the_other_by_sandbox() -> None:
    """Those of another sandbox do not wait."""
    waiting, order = Queues(), list[str]()

    async def work(sandbox: str, name: str, turns: int) -> None:
        async with waiting.wait(sandbox):
            for _ in range(turns):
                await asyncio.sleep(0)
            order.append(name)

    await asyncio.gather(work("a", "first", 9), work("a", "second", 1), work("b", "other", 1))
    assert order == ["other", "first", "second"]


async def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes after is let in once the block ends, however it ends."""
    monkeypatch.setattr(queues, "WAIT_SECONDS", 0.01)
    waiting = Queues()

    async def work(ends: asyncio.Event) -> None:
        async with waiting.wait("a"):
            await ends.wait()

    never, now = asyncio.Event(), asyncio.Event()
    now.set()
    first = asyncio.create_task(work(never))
    await asyncio.sleep(0)
    with pytest.raises(StorageError, match="more requests wait for the sandbox than commit in"):
        await work(now)
    monkeypatch.setattr(queues, "WAIT_SECONDS", PATIENCE)
    first.cancel()
    await work(now)
