"""The admin route that streams new journal entries, and deletions of the journal, as server-sent events.

Each entry is decoded and rendered once for all readers, and they are woken at most every `PACE_SECONDS`: many readers
cost the operations little.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from weakref import WeakKeyDictionary

from mockserver.admin.journal import FILTERS, entries_of, entry_filter
from mockserver.base.values import encode_json
from mockserver.core.reply import Reply
from mockserver.engine.engine import Engine
from mockserver.entries.journal_entry import JournalEntry, decode_entry
from mockserver.entries.views import server_sent_event
from mockserver.http_api.api import ADMIN_PREFIX, Call, Route
from mockserver.http_api.errors import AdminError, admin_error
from mockserver.http_api.parameters import Scope, scope_of
from mockserver.storage.interface import Cleared, Entry, Listener, Storage, StorageError
from mockserver.storage.pacing import Pacer

MAX_READERS: Final = 50
"""Streams at the same time."""

MAX_QUEUED: Final = 1_000
"""Events that wait for one slow reader; beyond this it loses the oldest ones."""

RETRY_SECONDS: Final = 0.5
"""Between two tries to begin a stream while the store is away."""

PACE_SECONDS: Final = 0.05
"""The least time between two wakings of the readers."""


class EventReader:
    """The feed of one client: the events that it wants, rendered."""

    def __init__(
        self,
        hub: EventHub,
        scope: Scope,
        is_wanted: Callable[[JournalEntry], bool],
        missed: Callable[[], Awaitable[Sequence[Entry]]],
    ) -> None:
        """Read the events of these sandboxes from the hub once the stream is open.

        `missed` gives the entries that the client has missed before, newest first.
        """
        self.scope = scope
        self._is_wanted = is_wanted
        self._hub = hub
        self._missed = missed
        self._queue: deque[bytes] = deque(maxlen=MAX_QUEUED)
        self._held: deque[JournalEntry | Cleared] | None = deque(maxlen=MAX_QUEUED)
        """Entries and deletions that wait until those that were missed are queued."""
        self._resumed: set[str] = set()
        """The ids of entries that were missed, as some of them come from the hub too."""
        self._lost = 0
        self._comment = b""
        self._wake: Callable[[], None] = _do_nothing
        self._beginning: asyncio.Task[None] | None = None

    def open(self, wake: Callable[[], None]) -> None:
        """See `Feed`."""
        self._wake = wake
        self._beginning = asyncio.create_task(self._begin())

    async def _begin(self) -> None:
        """Join the hub, then queue what was missed, then what came meanwhile: no entry can come between."""
        while True:
            try:
                await self._hub.join(self)
                missed = await self._missed()
                break
            except StorageError:  # requests say so; the stream begins when the store is back
                await asyncio.sleep(RETRY_SECONDS)
        self._comment = b": listening\n\n"
        pacer = Pacer()
        for entry in reversed(missed):
            self._resumed.add(entry.id)
            decoded = decode_entry(entry.data)
            if self._is_wanted(decoded):
                self._append(server_sent_event(decoded))
            await pacer.pause()
        held, self._held = self._held, None
        for news in held or ():
            self.offer(news, _event_of(news))
        self._wake()

    def offer(self, news: JournalEntry | Cleared, event: bytes) -> None:
        """Queue an entry that the client wants and has not got yet, or a deletion, as an event; wake the client."""
        if self._held is not None:
            self._lost += len(self._held) == MAX_QUEUED
            self._held.append(news)
        elif isinstance(news, Cleared) or (news.id not in self._resumed and self._is_wanted(news)):
            self._append(event)
            self._wake()

    def _append(self, event: bytes) -> None:
        self._lost += len(self._queue) == MAX_QUEUED
        self._queue.append(event)

    def lose(self, count: int) -> None:
        """Count events that were lost before they were rendered."""
        self._lost += count
        self._wake()

    def take(self) -> bytes:
        """See `Feed`."""
        comment, self._comment = self._comment, b""
        lost, self._lost = self._lost, 0
        lost_event = b"event: lost\ndata: %s\n\n" % encode_json({"entries": lost}) if lost else b""
        events = b"".join(self._queue)
        self._queue.clear()
        return comment + lost_event + events

    def close(self) -> None:
        """See `Feed`."""
        if self._beginning is not None:
            self._beginning.cancel()
        self._hub.leave(self)


def _event_of(news: JournalEntry | Cleared) -> bytes:
    """An entry or a deletion as a server-sent event."""
    if isinstance(news, Cleared):
        return b"event: cleared\ndata: %s\n\n" % encode_json({"sandbox": news.sandbox})
    return server_sent_event(news)


def _do_nothing() -> None:
    """Wake nobody: the stream has not begun."""


class EventHub:
    """Renders each new entry once, and offers it to the readers; it works only while there are any."""

    def __init__(self, storage: Storage) -> None:
        """Have no readers."""
        self._storage = storage
        self._readers: set[EventReader] = set()
        self._listener: Listener | None = None
        self._pending: deque[Entry | Cleared] = deque()
        self._task: asyncio.Task[None] | None = None
        self._joining = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._readers)

    async def join(self, reader: EventReader) -> None:
        """Add a reader; it gets the entries from now on. Raises `StorageError`."""
        async with self._joining:
            if self._listener is None:
                wake = asyncio.Event()
                self._listener = await self._storage.listen(None, wake.set)
                self._task = asyncio.create_task(self._run(self._listener, wake))
        self._pending.extend(self._listener.take())
        while self._pending:  # recorded before the new reader joined: only for the others
            self._publish(self._pending.popleft())
        self._readers.add(reader)

    def leave(self, reader: EventReader) -> None:
        """Remove a reader; after the last one, stop."""
        self._readers.discard(reader)
        if not self._readers and self._listener is not None and self._task is not None:
            self._task.cancel()
            self._listener.close()
            self._listener = self._task = None
            self._pending.clear()

    async def _run(self, listener: Listener, wake: asyncio.Event) -> None:
        while True:
            await wake.wait()
            wake.clear()
            lost, listener.missed = listener.missed, 0
            for reader in self._readers if lost else ():
                reader.lose(lost)
            self._pending.extend(listener.take())
            pacer = Pacer()
            while self._pending:
                self._publish(self._pending.popleft())
                await pacer.pause()
            await asyncio.sleep(PACE_SECONDS)

    def _publish(self, news: Entry | Cleared) -> None:
        readers = [one for one in self._readers if news.sandbox is None or one.scope.has(news.sandbox)]
        if readers:
            decoded = news if isinstance(news, Cleared) else decode_entry(news.data)
            event = _event_of(decoded)
            for reader in readers:
                reader.offer(decoded, event)


_HUBS: Final[WeakKeyDictionary[Engine, EventHub]] = WeakKeyDictionary()


def event_hub(engine: Engine) -> EventHub:
    """The hub of an engine, made on first use."""
    hub = _HUBS.get(engine)
    if hub is None:
        hub = _HUBS[engine] = EventHub(engine.storage)
    return hub


async def _stream_events(call: Call) -> Reply:
    hub = event_hub(call.engine)
    if len(hub) >= MAX_READERS:
        detail = f"There are {MAX_READERS} readers, which is the most; a stream that ends makes room."
        raise admin_error(503, "too-many-readers", "There is no room for one more reader of events", detail)
    reader = EventReader(hub, scope_of(call), await entry_filter(call), lambda: _missed_entries(call))
    headers = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"))
    return Reply(200, headers, b"", feed=reader)


async def _missed_entries(call: Call) -> Sequence[Entry]:
    """The entries after the one of the header `Last-Event-ID`, newest first; none without it."""
    entry_id = call.headers.get("last-event-id", "")
    try:
        return await entries_of(call, after=entry_id) if entry_id else ()
    except AdminError:
        return ()  # the id of something else


ROUTES: Final = (
    Route(
        "GET",
        f"{ADMIN_PREFIX}/events",
        "New requests as server-sent events, and deletions of the journal.",
        _stream_events,
        query=FILTERS,
        media_types=("text/event-stream",),
        responses={200: "The stream.", 503: f"There are {MAX_READERS} readers already."},
    ),
)
