"""Answers as bytes: head and body in one piece, put on the wire in one write.

Knows HTTP/1.1 and transports as something to write to; it knows no library for HTTP, and no request but what its
answer depends on.
"""

from __future__ import annotations

import functools
import http
import time
from typing import Any, Final
from wsgiref.handlers import format_date_time

from mockserver.core.reply import Reply
from mockserver.version import __version__

SERVER: Final = f"mockserver/{__version__}"

MOST_WAITING: Final = 65_536
"""Bytes that may wait for a client to read them; with more, nothing else is read from it."""


class Whole:
    """An answer that is ready to be sent, on a connection that stays open.

    It takes the place of the library's response, which takes ten times as long to make the same bytes.
    """

    __slots__ = ("_data", "keep_alive")

    def __init__(self, reply: Reply) -> None:
        """Make the bytes. Raises `ValueError` where a header would end its line."""
        self._data = whole(reply)
        self.keep_alive = True

    async def prepare(self, request: Any) -> None:
        """Write them, and wait for a client that does not read."""
        transport = request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client left")
        transport.write(self._data)
        if transport.get_write_buffer_size() > MOST_WAITING:
            await request.writer.drain()

    async def write_eof(self) -> None:
        """There is nothing more."""


def whole(reply: Reply) -> bytes:
    """Head and body. Raises `ValueError` where a header would end its line."""
    return head(reply) + reply.body


def head(reply: Reply, *more: str) -> bytes:
    """The head of an answer whose body is sent whole; `more` are header lines. Raises `ValueError`."""
    headers, lines = reply.headers, 2 + len(more)
    last = f"Content-Length: {len(reply.body)}\r\n{_date(int(time.time()))}\r\n"
    if headers:  # the last is often the only one unlike those before
        name, value = headers[-1]
        last, lines = f"{name}: {value}\r\n{last}", lines + 1
    if more:
        last += "\r\n".join(more) + "\r\n"
    if last.count("\r") != lines or last.count("\n") != lines:
        raise ValueError(_TORN)
    return (_begin(reply.status, headers[:-1]) + last + "\r\n").encode("utf-8", "surrogateescape")


_TORN: Final = "a header holds the end of a line"


@functools.lru_cache(maxsize=512)
def _begin(status: int, headers: tuple[tuple[str, str], ...]) -> str:
    """The status line and these headers."""
    lines = [f"{name}: {value}\r\n" for name, value in headers]
    text = "".join(lines)
    if text.count("\r") != len(lines) or text.count("\n") != len(lines):
        raise ValueError(_TORN)
    return f"{_status_line(status)}\r\n{text}"


@functools.lru_cache(maxsize=1)
def _date(second: int) -> str:
    return f"Date: {format_date_time(second)}"


@functools.lru_cache(maxsize=512)
def _status_line(status: int) -> str:
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.1 {status} {phrase}\r\nServer: {SERVER}"
