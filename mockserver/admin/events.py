"""The admin route that streams new journal entries as server-sent events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from mockserver.admin.api import PREFIX, AdminError, Call, Route
from mockserver.admin.journal import FILTERS, bool_parameter, entries_of, entry_filter
from mockserver.core.reply import Reply
from mockserver.core.values import encode_json
from mockserver.engine.entries import JournalEntry, decode_entry
from mockserver.engine.views import server_sent_event
from mockserver.storage.interface import Entry, Listener


class _Events:
    """A feed of new entries as server-sent events."""

    def __init__(
        self,
        listen: Callable[[Callable[[], None]], Listener],
        is_wanted: Callable[[JournalEntry], bool],
        missed: Iterable[Entry],
    ) -> None:
        """Send `missed` first, then new entries that are wanted."""
        self._listen = listen
        self._is_wanted = is_wanted
        self._listener: Listener | None = None
        self._first = self._events(missed)

    def open(self, wake: Callable[[], None]) -> None:
        """See `Feed`."""
        self._listener = self._listen(wake)
        wake()

    def take(self) -> bytes:
        """See `Feed`."""
        first, self._first = self._first, b""
        if self._listener is None:
            return first
        lost, self._listener.missed = self._listener.missed, 0
        lost_event = b"event: lost\ndata: %s\n\n" % encode_json({"entries": lost}) if lost else b""
        return first + lost_event + self._events(self._listener.take())

    def close(self) -> None:
        """See `Feed`."""
        if self._listener is not None:
            self._listener.close()

    def _events(self, entries: Iterable[Entry]) -> bytes:
        read = (decode_entry(entry.data) for entry in entries)
        return b"".join(server_sent_event(entry) for entry in read if self._is_wanted(entry))


async def _events(call: Call) -> Reply:
    sandbox = None if bool_parameter(call, "all") else call.sandbox
    feed = _Events(
        lambda wake: call.engine.storage.listen(sandbox, wake), await entry_filter(call), await _missed(call)
    )
    headers = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"))
    return Reply(200, headers, b": listening\n\n", feed=feed)


async def _missed(call: Call) -> Sequence[Entry]:
    """The entries after the one of the header `Last-Event-ID`, oldest first; none without it."""
    last_id = call.headers.get("last-event-id", "")
    try:
        return (await entries_of(call, after=last_id))[::-1] if last_id else ()
    except AdminError:
        return ()  # the id of something else


ROUTES: Final = (
    Route(
        "GET",
        f"{PREFIX}/events",
        "New requests as server-sent events.",
        _events,
        query=FILTERS,
        media_type="text/event-stream",
    ),
)
