"""A listener to the journal that servers share; it polls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct

from mockserver.storage.interface import Entry, StorageError
from mockserver.storage.memory_journal import EntryQueue

POLL_SECONDS: Final = 0.1
"""Between two polls of the journal."""


class NewEntries(Struct, frozen=True):
    """Entries that are newer than others, oldest first, and the sequence number of the newest that ever was."""

    entries: Sequence[Entry]
    newest: int


class RedisListener(EntryQueue):
    """See `interface.Listener`."""

    def __init__(
        self,
        entries_since: Callable[[int | None], Awaitable[NewEntries]],
        newest: int,
        sandbox: str | None,
        wake: Callable[[], None],
    ) -> None:
        """Begin to poll for what is newer than the sequence number `newest`, as `entries_since` gives it."""
        super().__init__(sandbox, wake)
        self._entries_since = entries_since
        self._newest = newest
        self._task = asyncio.get_running_loop().create_task(self._poll())

    async def _poll(self) -> None:
        while True:
            try:
                found = await self._entries_since(self._newest)
                self._newest = found.newest
                for entry in found.entries:
                    self.offer(entry)
            except StorageError:
                pass  # requests say so; the stream goes on when the store is back
            await asyncio.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Stop listening."""
        self._task.cancel()
