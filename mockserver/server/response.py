"""Answers as bytes, and the outbox that writes the answers of one turn of the event loop together."""

from __future__ import annotations

import asyncio
import functools
import http
import re
import time
from typing import Final
from wsgiref.handlers import format_date_time

from aiohttp import HttpVersion11, web

from mockserver.core.problems import no_http, problem
from mockserver.core.reply import Headers, Reply
from mockserver.version import __version__

SERVER: Final = f"mockserver/{__version__}"

CLOSE: Final = ("Connection", "close")
KEEP_ALIVE: Final = ("Connection", "keep-alive")
CHUNKED: Final = ("Transfer-Encoding", "chunked")

MAX_HEADERS: Final = 128
MAX_LINE: Final = 8_190
"""Limits on the head of a request: how many headers, and the bytes of one or of the request line."""

BODILESS: Final = (204, 304)
"""Statuses whose answers have neither a body nor its length."""


class Sent(web.StreamResponse):
    """Tells aiohttp that the answer is on the wire already, and whether the connection stays open."""

    def __init__(self, *, keep_alive: bool) -> None:
        """Have no state but this, so that one object serves every request."""
        super().__init__()
        self._stays_open = keep_alive

    @property
    def keep_alive(self) -> bool:
        """Whether another request may follow on the connection."""
        return self._stays_open

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write nothing."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Write nothing."""


SENT_AND_OPEN: Final = Sent(keep_alive=True)
SENT_AND_CLOSED: Final = Sent(keep_alive=False)


def head(
    status: int,
    headers: Headers,
    length: int | None,
    version: tuple[int, int] = HttpVersion11,
    own_headers: Headers = (),
) -> bytes:
    """Build the head of an answer; `length` is that of its body, None where it is not announced.

    `own_headers` are those that differ from answer to answer; the lines of the others are made once. Raises
    `ValueError` where a header holds the end of a line.
    """
    begin = _begin(status, headers, old=version < HttpVersion11)
    sized = "" if length is None or status in BODILESS else f"Content-Length: {length}\r\n"
    return f"{begin}{_lines(own_headers)}{sized}{_date(int(time.time()))}\r\n".encode("utf-8", "surrogateescape")


@functools.lru_cache(maxsize=512)
def _begin(status: int, headers: Headers, *, old: bool) -> str:
    """The status line and the headers that many answers share.

    Made once for all of them: worth 1.7 µs a request (docs/performance.md).
    """
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.{0 if old else 1} {status} {phrase}\r\nServer: {SERVER}\r\n{_lines(headers)}"


def _lines(headers: Headers) -> str:
    """Header lines. Raises `ValueError` where one would hold the end of a line."""
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    text = "".join(lines)
    if text.count("\r") != len(lines) or text.count("\n") != len(lines):
        raise ValueError("a header holds the end of a line")
    return text


def last_answer(reply: Reply) -> bytes:
    """Build the whole of an answer after which the connection is closed."""
    headers = reply.all_headers if CLOSE in reply.headers else (*reply.all_headers, CLOSE)
    return head(reply.status, headers, len(reply.body)) + reply.body


def mock_failed() -> Reply:
    """500: the fault is the mock's own."""
    what = "This is a fault of the mock, not of the request; its log says more."
    return problem(500, "broken", "The mock failed", what)


def unreadable_head(received: bytes) -> Reply:
    """Say what is wrong with a head that aiohttp could not read: its size, or that it is no HTTP."""
    lines = received.lstrip(b"\r\n").partition(b"\r\n\r\n")[0].split(b"\r\n")
    begins_well = re.match(rb"[A-Z]{1,20} ", lines[0])
    if begins_well and (len(lines) > MAX_HEADERS + 1 or any(len(line) > MAX_LINE for line in lines)):
        what = f"A request has at most {MAX_HEADERS} headers, and no line longer than {MAX_LINE} bytes."
        return problem(431, "headers-too-large", "The head of the request is too large", what)
    return no_http("What came could not be read.")


def chunk(data: bytes) -> bytes:
    """Frame a part of a body whose length is not announced; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@functools.lru_cache(maxsize=1)
def _date(second: int) -> str:
    return f"Date: {format_date_time(second)}\r\n"


class Outbox:
    """Writes the answers of one turn of the event loop at its end.

    A client that is woken by each takes turns with the server: gathering saves some 5 µs an answer under load
    (docs/performance.md).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write in the turns of this loop."""
        self._loop = loop
        self._waiting: list[tuple[asyncio.WriteTransport, bytes]] = []

    def send(self, transport: asyncio.WriteTransport, data: bytes) -> None:
        """Have bytes written at the end of this turn."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append((transport, data))

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        for transport, data in waiting:
            if not transport.is_closing():
                transport.write(data)
