"""The body of a request: read within its limits of size and time, or refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Final

from aiohttp import HttpVersion11, web
from msgspec import Struct

from mockserver.core import problems
from mockserver.core.content_encoding import decode_content
from mockserver.core.model import Settings
from mockserver.core.reply import Problem, Reply
from mockserver.server.connection import Connection
from mockserver.server.head import BROKEN_CHUNKS

MAX_ADMIN_BODY: Final = 16_777_216
"""In bytes; snapshots of tens of thousands of records fit."""

_CHUNK_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,16}(?:[ \t;][^\n]*)?\r\n")
_MAX_SIZE_LINE: Final = 8_190


class ReceivedBody(Struct, frozen=True):
    """A body as it was sent, and its content: without its content encoding."""

    sent: bytes
    content: bytes


async def receive_body(
    request: web.BaseRequest, connection: Connection, first_byte_at: float, settings: Settings, *, for_admin: bool
) -> ReceivedBody | Problem:
    """Read the body of a request; return a problem where it breaks a limit or cannot be decoded.

    `first_byte_at` is in loop time. `for_admin`: the admin API has a limit of its own. Raises `OSError` where the
    client leaves.
    """
    content = request.content
    limit = max(MAX_ADMIN_BODY, settings.max_body) if for_admin else settings.max_body
    subject = " of a request to the admin API" if for_admin else ""
    try:
        if content.is_eof():  # it was received with the head, as with most clients
            body = content.read_nowait()
        elif request.content_length is not None and request.content_length > limit:
            return problems.too_large(limit, subject)
        else:
            if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11:
                connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await _read_rest(request, connection, first_byte_at + settings.request_timeout, limit)
    except TimeoutError:
        return problems.too_slow(settings.request_timeout)
    except (BrokenChunksError, web.RequestPayloadError):
        return problems.not_http(BROKEN_CHUNKS)
    if len(body) > limit:
        return problems.too_large(limit, subject)
    if not body or "Content-Encoding" not in request.headers:
        return ReceivedBody(body, body)
    decoded = decode_content(body, request.headers.getall("Content-Encoding"), limit, subject)
    return decoded if isinstance(decoded, Reply) else ReceivedBody(body, decoded)


async def _read_rest(request: web.BaseRequest, connection: Connection, deadline: float, limit: int) -> bytes:
    """Read a body that is not complete yet, to its end or just beyond the limit."""
    if connection.is_half_closed:
        raise ConnectionResetError("the client closed its side before the end of the body")
    content, framing, body = request.content, ChunkFraming(), bytearray()
    timer = asyncio.timeout_at(deadline)
    try:
        async with timer:
            connection.body_listener = _chunk_listener(request, connection, framing, timer)
            while not content.at_eof() and len(body) <= limit:
                body += await content.readany()
    except TimeoutError:
        if framing.is_broken:
            raise BrokenChunksError from None
        raise
    except OSError as error:
        error.__traceback__ = None  # breaks a reference cycle: the stream keeps the error, whose frames keep the stream
        raise ConnectionResetError("the client left before the end of the body") from None
    finally:
        connection.body_listener = None
        del timer  # it refers to the task, whose cancellation refers to this frame
    return bytes(body)


def _chunk_listener(
    request: web.BaseRequest, connection: Connection, framing: ChunkFraming, timer: asyncio.Timeout
) -> Callable[[bytes], None]:
    """The listener for the bytes of a body: it ends the wait for more as soon as the chunk framing is broken."""
    if "chunked" not in request.headers.get("Transfer-Encoding", "").lower():
        return _ignore
    begin, found, rest = b"".join(connection.request_bytes).lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not found or not begin.startswith(request.method.encode()):  # pipelined: its head was not kept
        return _ignore

    def feed(data: bytes) -> None:
        framing.feed(data)
        if framing.is_broken and not timer.expired():
            timer.reschedule(asyncio.get_running_loop().time())

    feed(rest)
    return feed


def _ignore(data: bytes) -> None:
    """Check nothing."""


class BrokenChunksError(Exception):
    """The chunk framing of a body is not valid HTTP/1.1."""


class ChunkFraming:
    """Checks the chunk framing of a body as it is received: aiohttp does not wake a reader when it is broken."""

    def __init__(self) -> None:
        """Start before the size line of the first chunk."""
        self.is_broken = False
        self._line = b""  # a size line or the end of a chunk, as far as received
        self._left = 0  # bytes of the chunk that are not received yet
        self._is_at_size = True
        self._is_after_last = False  # only trailers follow; aiohttp checks them

    def feed(self, data: bytes) -> None:
        """Check more data."""
        at = 0
        while at < len(data) and not self.is_broken and not self._is_after_last:
            if self._left:
                taken = min(self._left, len(data) - at)
                self._left, at = self._left - taken, at + taken
                continue
            end = data.find(b"\n", at, at + _MAX_SIZE_LINE) + 1
            self._line += data[at : end or len(data)][:_MAX_SIZE_LINE]
            at = end or len(data)
            if end:
                self._end_line()
            elif len(self._line) >= (_MAX_SIZE_LINE if self._is_at_size else 2):
                self.is_broken = True

    def _end_line(self) -> None:
        line, self._line = self._line, b""
        if not self._is_at_size:
            self.is_broken, self._is_at_size = line != b"\r\n", True
            return
        self.is_broken = not _CHUNK_SIZE.fullmatch(line)
        if not self.is_broken:
            self._left = int(re.split(rb"[ \t;\r]", line, maxsplit=1)[0], 16)
            self._is_at_size, self._is_after_last = False, not self._left
