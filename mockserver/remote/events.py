"""New journal entries of a running server as they come, over its server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mockserver.client.http_client import RefusedError, UnreachableError
from mockserver.remote.options import print_notice
from mockserver.remote.remote_server import RemoteServer, fail

RESUME_SECONDS: Final = 5.0
"""How long a broken connection is tried again."""

_PAUSE_SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Event:
    """A server-sent event: its type, its data, and the id with which a stream is resumed."""

    type: str
    data: Any
    id: str


class EventStream:
    """The stream of one server; a connection that breaks is resumed behind the last entry, and said so."""

    def __init__(self, remote: RemoteServer, query: Mapping[str, str]) -> None:
        """Read the entries that match the query."""
        self._remote = remote
        self._query = query
        self._last_id = ""
        self._is_open = False
        self._broken_at: float | None = None

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Give a row for each new entry, until the server stops; an error ends the command."""
        while True:
            headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
            try:
                for event in _events(self._remote.stream("/events", self._query, headers)):
                    self._note_opened()
                    if event.type == "lost":
                        print_notice(f"{event.data['entries']} requests are not shown: they came too fast")
                    elif event.type == "cleared":
                        print_notice(f"the journal of {_sandbox_words(event.data['sandbox'])} was emptied")
                    elif event.type == "entry":
                        self._last_id = event.id
                        yield event.data
            except UnreachableError as error:
                self._wait_to_resume(error)
            except (RefusedError, ValueError) as error:
                fail(str(error))
            else:
                break
        if not self._is_open:
            fail("the answer is not a stream of events; is --url right?")
        print_notice("the server has stopped")

    def _note_opened(self) -> None:
        if not self._is_open:
            print_notice("listening; Ctrl-C ends it")
        elif self._broken_at is not None:
            print_notice("resumed" if self._last_id else "listening again; requests in between are not shown")
        self._is_open, self._broken_at = True, None

    def _wait_to_resume(self, error: UnreachableError) -> None:
        if not self._is_open:
            fail(f"{error}; {error.hint or 'is the server up, and is --url right?'}")
        if self._broken_at is None:
            print_notice(f"the connection broke: {error}")
            self._broken_at = time.monotonic()
        elif time.monotonic() - self._broken_at > RESUME_SECONDS:
            fail(f"not resumed within {RESUME_SECONDS:g} s: {error}")
        time.sleep(_PAUSE_SECONDS)


def _sandbox_words(name: str | None) -> str:
    """The sandbox of a deletion in words; None stands for all of them."""
    return "every sandbox" if name is None else f"sandbox {name or '(default)'}"


def _events(lines: Iterable[bytes]) -> Iterator[Event]:
    """The events in the lines of a stream; a comment, with which it begins, is an event without a type."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode("utf-8", "replace").partition(": ")
        if line:
            fields[name] = value
        elif fields:
            yield Event(fields.get("event", ""), json.loads(fields.get("data", "null")), fields.get("id", ""))
            fields = {}
