"""The admin route that streams new journal entries as server-sent events.

Each entry is decoded and rendered once for all readers, and they are woken at most every `PACE_SECONDS`: many readers
cost the operations little.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final
from weakref import WeakKeyDictionary

from mockserver.admin.journal import FILTERS, bool_parameter, entries_of, entry_filter
from mockserver.base.values import encode_json
from mockserver.core.reply import Reply
from mockserver.engine.engine import Engine
from mockserver.entries.journal_entry import JournalEntry, decode_entry
from mockserver.entries.views import server_sent_event
from mockserver.http_api.api import ADMIN_PREFIX, AdminError, Call, Route, admin_error
from mockserver.storage.interface import Entry, Listener, Storage
from mockserver.storage.pacing import Pacer

MAX_READERS: Final = 50
"""Streams at the same time."""

MAX_QUEUED: Final = 1_000
"""Events that wait for one slow reader; beyond this it loses the oldest ones."""

PACE_SECONDS: Final = 0.05
"""The least time between two wakings of the readers."""


class EventReader:
    """The feed of one client: the events that it wants, rendered."""

    def __init__(self, hub: EventHub, sandbox: str | None, is_wanted: Callable[[JournalEntry], bool]) -> None:
        """Read the events of a sandbox, or of all (None), from the hub once the stream is open."""
        self.sandbox = sandbox
        self.is_wanted = is_wanted
        self._hub = hub
        self._queue: deque[bytes] = deque(maxlen=MAX_QUEUED)
        self._lost = 0
        self._wake: Callable[[], None] = _do_nothing

    def open(self, wake: Callable[[], None]) -> None:
        """See `Feed`."""
        self._wake = wake
        self._hub.join(self)
        wake()

    def offer(self, event: bytes) -> None:
        """Queue an event, and wake the client."""
        self._lost += len(self._queue) == MAX_QUEUED
        self._queue.append(event)
        self._wake()

    def lose(self, count: int) -> None:
        """Count events that were lost before they were rendered."""
        self._lost += count
        self._wake()

    def take(self) -> bytes:
        """See `Feed`."""
        lost, self._lost = self._lost, 0
        lost_event = b"event: lost\ndata: %s\n\n" % encode_json({"entries": lost}) if lost else b""
        events = b"".join(self._queue)
        self._queue.clear()
        return lost_event + events

    def close(self) -> None:
        """See `Feed`."""
        self._hub.leave(self)


def _do_nothing() -> None:
    """Wake nobody: the stream has not begun."""


class EventHub:
    """Renders each new entry once, and offers it to the readers; it works only while there are any."""

    def __init__(self, storage: Storage) -> None:
        """Have no readers."""
        self._storage = storage
        self._readers: set[EventReader] = set()
        self._listener: Listener | None = None
        self._pending: deque[Entry] = deque()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._readers)

    def join(self, reader: EventReader) -> None:
        """Add a reader; it gets the entries from now on."""
        if self._listener is None:
            wake = asyncio.Event()
            self._listener = self._storage.listen(None, wake.set)
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

    def _publish(self, entry: Entry) -> None:
        readers = [one for one in self._readers if one.sandbox is None or one.sandbox == entry.sandbox]
        if readers:
            decoded = decode_entry(entry.data)
            event = server_sent_event(decoded)
            for reader in readers:
                if reader.is_wanted(decoded):
                    reader.offer(event)


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
    sandbox = None if bool_parameter(call, "all") else call.sandbox
    reader = EventReader(hub, sandbox, await entry_filter(call))
    await _offer_missed(call, reader)
    headers = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"))
    return Reply(200, headers, b": listening\n\n", feed=reader)


async def _offer_missed(call: Call, reader: EventReader) -> None:
    """Offer the entries after the one of the header `Last-Event-ID`; none without it.

    The last look finds none. With the store in memory it does not suspend: no entry can come before `EventHub.join`.
    """
    last_id = call.headers.get("last-event-id", "")
    pacer = Pacer()
    while entries := await _entries_after(call, last_id):
        for entry in reversed(entries):
            decoded = decode_entry(entry.data)
            if reader.is_wanted(decoded):
                reader.offer(server_sent_event(decoded))
            await pacer.pause()
        last_id = entries[0].id


async def _entries_after(call: Call, entry_id: str) -> Sequence[Entry]:
    try:
        return await entries_of(call, after=entry_id) if entry_id else ()
    except AdminError:
        return ()  # the id of something else


ROUTES: Final = (
    Route(
        "GET",
        f"{ADMIN_PREFIX}/events",
        "New requests as server-sent events.",
        _stream_events,
        query=FILTERS,
        media_type="text/event-stream",
        responses={200: "The stream.", 503: f"There are {MAX_READERS} readers already."},
    ),
)
