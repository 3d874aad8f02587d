"""The admin route that streams new journal entries as server-sent events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from mockserver.admin.api import PREFIX, AdminError, Call, Route
from mockserver.admin.journal import ABOUT, entries_of, entry_filter, flag
from mockserver.core.reply import Reply
from mockserver.core.values import write
from mockserver.engine.entries import JournalEntry, read_entry
from mockserver.engine.views import server_sent_event
from mockserver.storage.interface import Entry, Listener


class _Events:
    """New entries as server-sent events."""

    def __init__(
        self,
        listen: Callable[[Callable[[], None]], Listener],
        is_wanted: Callable[[JournalEntry], bool],
        missed: Iterable[Entry],
    ) -> None:
        """`missed` came before, and is sent first; of what comes, what is wanted."""
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
        told = b"event: lost\ndata: %s\n\n" % write({"entries": lost}) if lost else b""
        return first + told + self._events(self._listener.take())

    def close(self) -> None:
        """See `Feed`."""
        if self._listener is not None:
            self._listener.close()

    def _events(self, entries: Iterable[Entry]) -> bytes:
        read = (read_entry(entry.data) for entry in entries)
        return b"".join(server_sent_event(entry) for entry in read if self._is_wanted(entry))


async def _events(call: Call) -> Reply:
    sandbox = None if flag(call, "all") else call.sandbox
    feed = _Events(
        lambda wake: call.engine.storage.listen(sandbox, wake), await entry_filter(call), await _missed(call)
    )
    headers = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"))
    return Reply(200, headers, b": listening\n\n", feed=feed)


async def _missed(call: Call) -> Sequence[Entry]:
    """The entries since the one that a client saw last, oldest first; none where it names none."""
    seen = call.headers.get("last-event-id", "")
    try:
        return (await entries_of(call, after=seen))[::-1] if seen else ()
    except AdminError:
        return ()  # an id of something else


ROUTES: Final = (
    Route(
        "GET",
        f"{PREFIX}/events",
        "New requests as server-sent events.",
        _events,
        query=ABOUT,
        media="text/event-stream",
    ),
)
