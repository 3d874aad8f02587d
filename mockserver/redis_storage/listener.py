"""A listener to the journal that servers share; it polls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct

from mockserver.storage.interface import Cleared, Entry, StorageError
from mockserver.storage.memory_journal import EntryQueue

POLL_SECONDS: Final = 0.1
"""Between two polls of the journal."""


class News(Struct, frozen=True):
    """Deletions and entries after a sequence number, oldest first, and the newest sequence number that ever was.

    Entries come last: those that are left are newer than a deletion in their sandbox.
    """

    items: Sequence[Entry | Cleared]
    newest: int


class RedisListener(EntryQueue):
    """See `interface.Listener`."""

    def __init__(
        self,
        news_since: Callable[[int | None], Awaitable[News]],
        newest: int,
        sandbox: str | None,
        wake: Callable[[], None],
    ) -> None:
        """Begin to poll for what is newer than the sequence number `newest`, as `news_since` gives it."""
        super().__init__(sandbox, wake)
        self._news_since = news_since
        self._newest = newest
        self._task = asyncio.get_running_loop().create_task(self._poll())

    async def _poll(self) -> None:
        while True:
            try:
                found = await self._news_since(self._newest)
                self._newest = found.newest
                for item in found.items:
                    self.offer(item)
            except StorageError:
                pass  # requests say so; the stream goes on when the store is back
            await asyncio.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Stop listening."""
        self._task.cancel()
