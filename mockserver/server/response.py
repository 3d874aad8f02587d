"""Replies encoded as HTTP/1.1, and what aiohttp is told of them."""

from __future__ import annotations

import functools
import http
import time
from typing import Final
from wsgiref.handlers import format_date_time

from aiohttp import HttpVersion10, HttpVersion11, web

from mockserver.core.problems import problem
from mockserver.core.reply import Headers, Problem, Reply
from mockserver.variation.wire import vary_headers
from mockserver.version import __version__

SERVER: Final = f"mockserver/{__version__}"

CLOSE: Final = ("Connection", "close")
KEEP_ALIVE: Final = ("Connection", "keep-alive")
CHUNKED: Final = ("Transfer-Encoding", "chunked")

BODILESS_STATUSES: Final = (204, 304)
"""Statuses whose replies have neither a body nor a `Content-Length`."""


class SentResponse(web.StreamResponse):
    """Tells aiohttp that the reply is written already, and whether the connection stays open."""

    def __init__(self, *, keep_alive: bool) -> None:
        """Keep only whether the connection stays open: one object serves many requests."""
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


SENT_KEEP_ALIVE: Final = SentResponse(keep_alive=True)
SENT_CLOSE: Final = SentResponse(keep_alive=False)


def encode_head(
    status: int,
    headers: Headers,
    length: int | None,
    version: tuple[int, int] = HttpVersion11,
    own_headers: Headers = (),
) -> bytes:
    """Encode status line and headers; `length` is that of the body, None for no `Content-Length`.

    `own_headers` differ from reply to reply; the lines of `headers` are cached. Raises `ValueError` where a header
    holds a line break.
    """
    begin = _shared_lines(status, headers, old=version == HttpVersion10)
    sized = "" if length is None or status in BODILESS_STATUSES else f"Content-Length: {length}\r\n"
    return f"{begin}{_header_lines(own_headers)}{sized}{_date_line(int(time.time()))}\r\n".encode(
        "utf-8", "surrogateescape"
    )


def encode_relayed_head(status: int, reason: str, headers: Headers, version: tuple[int, int]) -> bytes:
    """Encode the head of another server's answer, with nothing of our own in it."""
    begin = f"HTTP/1.{0 if version == HttpVersion10 else 1} {status} {reason}\r\n"
    return f"{begin}{_header_lines(headers)}\r\n".encode("utf-8", "surrogateescape")


@functools.lru_cache(maxsize=512)
def _shared_lines(status: int, headers: Headers, *, old: bool) -> str:
    """The status line and the headers that many replies share.

    Cached: worth 1.7 µs a request (explanation/performance.md).
    """
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.{0 if old else 1} {status} {phrase}\r\nServer: {SERVER}\r\n{_header_lines(headers)}"


def _header_lines(headers: Headers) -> str:
    """Header lines. Raises `ValueError` where a header holds a line break."""
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    text = "".join(lines)
    if text.count("\r") != len(lines) or text.count("\n") != len(lines):
        raise ValueError("a header holds a line break")
    return text


def encode_closing_reply(reply: Reply) -> bytes:
    """Encode a whole reply after which the connection is closed."""
    headers = reply.all_headers if CLOSE in reply.headers else (*reply.all_headers, CLOSE)
    return encode_head(reply.status, headers, len(reply.body)) + reply.body


def internal_error() -> Problem:
    """500: a bug of the mock itself."""
    what = "This is a fault of the mock, not of the request; its log says more."
    return problem(500, "broken", "The mock failed", what)


def vary_head(head: bytes, seed: str) -> bytes:
    """An encoded head with its headers in the order and the case of a variation."""
    status_line, *lines = head.decode("utf-8", "surrogateescape").removesuffix("\r\n\r\n").split("\r\n")
    headers = tuple((name, value) for name, _, value in (line.partition(": ") for line in lines))
    return f"{status_line}\r\n{_header_lines(vary_headers(headers, seed))}\r\n".encode("utf-8", "surrogateescape")


def encode_chunk(data: bytes) -> bytes:
    """Encode one chunk of a body (`Transfer-Encoding: chunked`); an empty one ends the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


@functools.lru_cache(maxsize=1)
def _date_line(second: int) -> str:
    return f"Date: {format_date_time(second)}\r\n"
