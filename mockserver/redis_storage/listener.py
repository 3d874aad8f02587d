"""A listener to the journal that servers share; it polls."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct

from mockserver.storage.interface import Entry, StorageError
from mockserver.storage.memory_journal import MAX_QUEUED

POLL_SECONDS: Final = 0.1
"""Between two polls of the journal."""


class NewEntries(Struct, frozen=True):
    """Entries that are newer than others, oldest first, and the sequence number of the newest that ever was."""

    entries: Sequence[Entry]
    newest: int


class RedisListener:
    """See `interface.Listener`."""

    def __init__(
        self,
        entries_since: Callable[[int | None], Awaitable[NewEntries]],
        sandbox: str | None,
        wake: Callable[[], None],
    ) -> None:
        """Begin to poll; `entries_since` gives what is newer than a sequence number, None for the beginning."""
        self.missed = 0
        self._entries_since = entries_since
        self._sandbox = sandbox
        self._wake = wake
        self._queue: deque[Entry] = deque(maxlen=MAX_QUEUED)
        self._task = asyncio.get_running_loop().create_task(self._poll())

    async def _poll(self) -> None:
        last: int | None = None
        while True:
            try:
                found = await self._entries_since(last)
                last = found.newest
                for entry in found.entries:
                    self._offer(entry)
            except StorageError:
                pass  # requests say so; the stream goes on when the store is back
            await asyncio.sleep(POLL_SECONDS)

    def _offer(self, entry: Entry) -> None:
        if self._sandbox is None or self._sandbox == entry.sandbox:
            self.missed += len(self._queue) == MAX_QUEUED
            self._queue.append(entry)
            self._wake()

    def take(self) -> tuple[Entry, ...]:
        """The entries since the last call, oldest first."""
        entries = tuple(self._queue)
        self._queue.clear()
        return entries

    def close(self) -> None:
        """Stop listening."""
        self._task.cancel()
