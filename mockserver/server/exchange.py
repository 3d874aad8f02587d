"""A request and its reply on a connection: sent at once, or as a stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Final

from aiohttp import HttpVersion11, web
from msgspec import Struct

from mockserver.core.reply import BrokenOffError, Feed, Framing, Headers, Relay, Reply
from mockserver.server.connection import Connection
from mockserver.server.response import (
    BODILESS_STATUSES,
    CHUNKED,
    CLOSE,
    KEEP_ALIVE,
    encode_chunk,
    encode_head,
    encode_relayed_head,
    vary_head,
)
from mockserver.storage.pacing import Pacer
from mockserver.variation.wire import cut

PACKET_PAUSE_SECONDS: Final = 0.002
"""The time between the packets of a variation, so that a client receives them one by one."""

HEARTBEAT_SECONDS: Final = 15.0
"""Seconds of silence after which a stream sends a comment, so that the client keeps it open."""


class Exchange(Struct, frozen=True):
    """A request on a connection, and the reply to it.

    extra_headers: sent after those of the reply.
    is_refused: the request was refused before all of it was read: its client may still be sending.
    """

    request: web.BaseRequest
    connection: Connection
    reply: Reply
    extra_headers: Headers
    keep_alive: bool
    is_refused: bool = False

    async def send_reply(self, body: bytes) -> None:
        """Send the reply with this body."""
        await self.send(self.reply.status, self.reply.headers, body, self.own_headers)

    @property
    def body(self) -> bytes:
        """The body of the reply, for faults; empty if none may be sent, as `send` sees to by itself."""
        return self.reply.body if self._sends_body(self.reply.status) else b""

    def _sends_body(self, status: int) -> bool:
        return self.request.method != "HEAD" and status not in BODILESS_STATUSES

    @property
    def own_headers(self) -> Headers:
        """The headers of this reply alone; the others are encoded once for many replies."""
        return self.reply.own_headers + self.extra_headers

    async def send(self, status: int, headers: Headers, body: bytes, own_headers: Headers = ()) -> None:
        """Send status, headers and body, once the client has read what was sent before."""
        connection = self.connection
        await connection.drain()
        data = self._head(status, headers, len(body), own_headers, keep_alive=self.keep_alive)
        if self._sends_body(status):
            data += body
        if self.is_refused:
            connection.send_and_close(data)
        elif self.keep_alive:
            connection.enqueue(data)  # replies of one turn of the loop are written together
        else:
            connection.write(data)

    async def send_framed(self, framing: Framing) -> None:
        """Send the reply in the chunks and packets of a variation, its headers in another case and order."""
        reply, connection = self.reply, self.connection
        await connection.drain()
        body = self.body
        is_chunked = bool(framing.chunk_ends)
        length = None if is_chunked else len(reply.body)
        own_headers = (*self.own_headers, CHUNKED) if is_chunked else self.own_headers
        if is_chunked:
            body = b"".join(map(encode_chunk, (*cut(body, framing.chunk_ends), b"")))
        head = self._head(reply.status, reply.headers, length, own_headers, keep_alive=self.keep_alive)
        data = (vary_head(head, framing.header_seed) if framing.header_seed else head) + body
        for packet in cut(data, framing.packet_ends):
            connection.write(packet)
            await connection.sleep_while_open(PACKET_PAUSE_SECONDS if framing.packet_ends else 0)

    def reply_head(self) -> bytes:
        """Encode the head of the reply, for a connection that is closed after it."""
        reply = self.reply
        return self._head(reply.status, reply.headers, len(reply.body), self.own_headers, keep_alive=False)

    def _head(
        self, status: int, headers: Headers, length: int | None, own_headers: Headers, *, keep_alive: bool
    ) -> bytes:
        """Encode a head, with its `Connection` header."""
        if CLOSE not in headers:
            own_headers += self._connection_header(keep_alive=keep_alive)
        return encode_head(status, headers, length, self.request.version, own_headers)

    def _connection_header(self, *, keep_alive: bool) -> Headers:
        """The header that says what becomes of the connection, where HTTP does not say so by itself."""
        if not keep_alive:
            return (CLOSE,)
        return (KEEP_ALIVE,) if self.request.version < HttpVersion11 else ()

    def _begin_stream(self) -> Callable[[bytes], None]:
        """Send the head of a body of unknown length; return what sends a piece, or with an empty one the end."""
        reply, write = self.reply, self.connection.write
        is_chunked = self.request.version >= HttpVersion11
        own_headers = (*self.own_headers, CHUNKED) if is_chunked else self.own_headers
        write(self._head(reply.status, reply.headers, None, own_headers, keep_alive=False))
        return (lambda piece: write(encode_chunk(piece))) if is_chunked else write

    async def send_pieces(self, pieces: AsyncGenerator[bytes, None]) -> None:
        """Send a body in pieces, each once the client has read those before it, until the client leaves."""
        connection, write, pacer = self.connection, self._begin_stream(), Pacer()
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                await connection.drain()
                await pacer.pause()
                if not connection.is_open:
                    return
                write(piece)
        write(b"")

    async def send_relay(self, relay: Relay) -> bool:
        """Pass on another server's answer as it comes; return whether all of it was sent to a connected client.

        An answer that breaks off ends for the client as it did for us.
        """
        reply, connection, request = self.reply, self.connection, self.request
        has_length = any(name.lower() == "content-length" for name, _ in reply.headers)
        has_end = has_length or not self._sends_body(reply.status)  # the head says where the body ends
        is_chunked = not has_end and request.version >= HttpVersion11
        keep_alive = self.keep_alive and (has_end or is_chunked)
        headers = (*reply.headers, CHUNKED) if is_chunked else reply.headers
        headers += self._connection_header(keep_alive=keep_alive)
        await connection.drain()
        connection.write(encode_relayed_head(reply.status, relay.reason, headers, request.version))
        try:
            while piece := await relay.read():
                connection.write(encode_chunk(piece) if is_chunked else piece)
                await connection.drain()
                if not connection.is_open:
                    return False
        except BrokenOffError as error:
            connection.reset() if error.was_reset else connection.close()
            return True
        connection.write(encode_chunk(b"") if is_chunked else b"")
        is_sent = await connection.confirm_client()
        if not keep_alive:
            connection.close()
        return is_sent

    async def send_feed(self, feed: Feed) -> None:
        """Send what the feed gives, until the client leaves or the server stops."""
        connection, wake = self.connection, asyncio.Event()
        feed.open(wake.set)
        interrupted = asyncio.ensure_future(connection.interrupted.wait())
        try:
            write, data = self._begin_stream(), self.reply.body
            while not interrupted.done():
                if data:
                    write(data)
                await connection.drain()
                waiting = asyncio.ensure_future(wake.wait())
                await asyncio.wait(
                    (waiting, interrupted), timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                waiting.cancel()
                wake.clear()
                data = feed.take() or b": still here\n\n"
            write(b"")
        finally:
            interrupted.cancel()
            feed.close()
