"""The journal in memory: the last entries as the bytes that were written once."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from mockserver.storage.interface import Cleared, Entry

MAX_QUEUED: Final = 1_000
"""Entries and deletions that wait for a slow listener; beyond this it loses the oldest ones."""

MAX_COUNTED_SANDBOXES: Final = 100_000
"""Sandboxes whose lost entries are counted; beyond this every sandbox counts as having lost some."""


class EntryQueue:
    """New entries of one sandbox, or of all (None), and deletions of them, until a listener takes them."""

    def __init__(self, sandbox: str | None, wake: Callable[[], None]) -> None:
        """`wake` is called at each entry or deletion; it must not wait."""
        self._sandbox = sandbox
        self._wake = wake
        self._queue: deque[Entry | Cleared] = deque(maxlen=MAX_QUEUED)
        self.missed = 0

    def offer(self, news: Entry | Cleared) -> None:
        """Queue an entry of the sandbox that is listened to, or the deletion of its entries."""
        if self._sandbox is None or news.sandbox in (self._sandbox, None):
            self.missed += len(self._queue) == MAX_QUEUED
            self._queue.append(news)
            self._wake()

    def take(self) -> tuple[Entry | Cleared, ...]:
        """Entries and deletions since the last call, oldest first."""
        news = tuple(self._queue)
        self._queue.clear()
        return news


class JournalListener(EntryQueue):
    """Waits for new entries of a journal, and for deletions."""

    def __init__(self, journal: Journal, sandbox: str | None, wake: Callable[[], None]) -> None:
        """`wake` is called at each entry or deletion; it must not wait."""
        super().__init__(sandbox, wake)
        self._journal = journal

    def close(self) -> None:
        """Stop listening."""
        self._journal.listeners.discard(self)


class Journal:
    """The entries of all sandboxes, the oldest dropped first, and how many each sandbox has lost."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        """Hold at most so many entries and bytes; no journal is kept where `max_entries` is 0."""
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.listeners: set[JournalListener] = set()
        self.size = 0
        self.evictions = 0
        self._entries: deque[Entry] = deque()
        self._ids: set[str] = set()
        """Of the entries, so that a request can ask for one without a search."""
        self._lost: dict[str, int] = {}
        self._lost_by_others = 0
        self._last_id = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def unused_id(self) -> str:
        """The id that `next_id` gives; ids count up."""
        return str(self._last_id + 1)

    def next_id(self) -> str:
        """An unused id, which is used now."""
        self._last_id += 1
        return str(self._last_id)

    def add(self, entry: Entry) -> None:
        """Keep an entry, drop the oldest ones where there is no room, and wake the listeners."""
        if not self.max_entries:
            return
        self._entries.append(entry)
        self._ids.add(entry.id)
        self.size += len(entry.data)
        self._make_room()
        self._tell(entry)

    def _tell(self, news: Entry | Cleared) -> None:
        for listener in self.listeners:
            listener.offer(news)

    def replace(self, entry: Entry) -> None:
        """Keep an entry in place of the one with its id, if that is still there."""
        place = next((i for i, one in enumerate(self._entries) if one.id == entry.id), None)
        if place is None:
            return
        self.size += len(entry.data) - len(self._entries[place].data)
        self._entries[place] = entry
        self._make_room()

    def _make_room(self) -> None:
        """Drop the oldest entries until the others are within the limits."""
        while len(self._entries) > self.max_entries or self.size > self.max_bytes:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        dropped = self._entries.popleft()
        self._ids.discard(dropped.id)
        self.size -= len(dropped.data)
        self.evictions += 1
        self._lost[dropped.sandbox] = self._lost.get(dropped.sandbox, 0) + 1
        if len(self._lost) > MAX_COUNTED_SANDBOXES:
            self._lost.clear()
            self._lost_by_others = 1

    def listen(self, sandbox: str | None, wake: Callable[[], None]) -> JournalListener:
        """Listen to a sandbox, or to all (None), until the listener is closed."""
        listener = JournalListener(self, sandbox, wake)
        self.listeners.add(listener)
        return listener

    def entries(
        self, sandbox: str | None, *, before: str = "", after: str = "", limit: int = sys.maxsize
    ) -> list[Entry]:
        """The entries of a sandbox, or of all (None), newest first; see `Storage`."""
        low = entry_number(after) if after else 0
        high = entry_number(before) if before else self._last_id + 1
        of_sandbox = [one for one in reversed(self._entries) if sandbox is None or one.sandbox == sandbox]
        found = [one for one in of_sandbox if low < int(one.id) < high] if before or after else of_sandbox
        return found[-limit:] if after else found[:limit]

    def find(self, entry_id: str) -> Entry | None:
        """The entry of an id, if it is still there."""
        return next((entry for entry in self._entries if entry.id == entry_id), None)

    def lost_ids(self, ids: Iterable[str]) -> frozenset[str]:
        """The ids of entries that were dropped or deleted; none where no journal is kept."""
        return frozenset(one for one in ids if one and one not in self._ids) if self.max_entries else frozenset()

    def lost(self, sandbox: str) -> int:
        """How many entries of a sandbox, at least, were dropped because the journal was full."""
        return self._lost.get(sandbox, self._lost_by_others)

    def clear_sandbox(self, sandbox: str) -> int:
        """Delete the entries of a sandbox; how many there were."""
        kept = deque(entry for entry in self._entries if entry.sandbox != sandbox)
        dropped = len(self._entries) - len(kept)
        self._entries = kept
        self._ids = {entry.id for entry in kept}
        self.size = sum(len(entry.data) for entry in kept)
        self._lost.pop(sandbox, None)
        self._tell(Cleared(sandbox))
        return dropped

    def clear_all(self) -> None:
        """Delete all entries and the counts of lost ones."""
        self._entries.clear()
        self._ids.clear()
        self._lost.clear()
        self._lost_by_others = self.size = 0
        self._tell(Cleared(None))


def entry_number(entry_id: str) -> int:
    """The number that an entry id is. Raises `ValueError`."""
    if not entry_id.isascii() or not entry_id.isdecimal() or len(entry_id) > 20:
        raise ValueError(f"expected the id of an entry, got {entry_id[:40]}")
    return int(entry_id)
