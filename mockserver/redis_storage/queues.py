"""Where requests to one sandbox wait for each other, each for the commit of the one before.

Without it each change would make all the others decide again: many times the work if all of them write one record.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from mockserver.storage.interface import StorageError

WAIT_SECONDS: Final = 10.0
"""The longest time that a request waits."""


class Queues:
    """One queue for each sandbox that this server uses now."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def wait(self, sandbox: str) -> AsyncIterator[None]:
        """Wait for the requests before, and keep those after waiting within the block. Raises `StorageError`."""
        lock = self._locks.get(sandbox)
        if lock is None:
            lock = self._locks[sandbox] = asyncio.Lock()
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await lock.acquire()
        except TimeoutError:
            raise StorageError(f"more requests wait for the sandbox than commit in {WAIT_SECONDS:g} seconds") from None
        try:
            yield
        finally:
            lock.release()
