"""One request and the answer that is due to it: sent whole, or as a stream."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import HttpVersion11, web
from msgspec import Struct

from mockserver.core.reply import Feed, Headers, Reply
from mockserver.server.connection import Connection
from mockserver.server.response import BODILESS, CHUNKED, CLOSE, KEEP_ALIVE, chunk, head

HEARTBEAT: Final = 15.0
"""Seconds after which a stream in which nothing happens shows that it is there."""


class Exchange(Struct, frozen=True):
    """A request on a connection, and the reply to it.

    added_headers: those that the edge adds to the reply's.
    is_refusal: the request did not come as a whole, and its client may still be sending.
    """

    request: web.BaseRequest
    connection: Connection
    reply: Reply
    added_headers: Headers
    keep_alive: bool
    is_refusal: bool = False

    async def send_reply(self, body: bytes) -> None:
        """Send the reply with this body."""
        await self.send(self.reply.status, self.reply.headers, body, self.own_headers)

    @property
    def own_headers(self) -> Headers:
        """The headers that this answer does not share with others."""
        return self.reply.own_headers + self.added_headers

    async def send(self, status: int, headers: Headers, body: bytes, own_headers: Headers = ()) -> None:
        """Send an answer whole, once the client has taken those before."""
        connection = self.connection
        await connection.drain()
        data = self._head(status, headers, len(body), own_headers, keep_alive=self.keep_alive)
        if self.request.method != "HEAD" and status not in BODILESS:
            data += body
        if self.is_refusal:
            connection.send_and_close(data)
        elif self.keep_alive:
            connection.send(data)
        else:
            connection.write(data)

    def reply_head(self) -> bytes:
        """Build the head of the reply, with its length, for a connection that is closed after it."""
        reply = self.reply
        return self._head(reply.status, reply.headers, len(reply.body), self.own_headers, keep_alive=False)

    def _head(
        self, status: int, headers: Headers, length: int | None, own_headers: Headers, *, keep_alive: bool
    ) -> bytes:
        """Build the head of an answer, with what it says of the connection."""
        version = self.request.version
        if not keep_alive:
            own_headers = own_headers if CLOSE in headers else (*own_headers, CLOSE)
        elif version < HttpVersion11:
            own_headers = (*own_headers, KEEP_ALIVE)
        return head(status, headers, length, version, own_headers)

    async def stream(self, feed: Feed) -> None:
        """Send what a feed has whenever it has something, until the client leaves or the server stops."""
        reply, connection = self.reply, self.connection
        is_chunked = self.request.version >= HttpVersion11
        own_headers = (*self.own_headers, CHUNKED) if is_chunked else self.own_headers
        wake = asyncio.Event()
        feed.open(wake.set)
        interrupted = asyncio.ensure_future(connection.interrupted.wait())
        try:
            connection.write(self._head(reply.status, reply.headers, None, own_headers, keep_alive=False))
            data = reply.body
            while not interrupted.done():
                if data:
                    connection.write(chunk(data) if is_chunked else data)
                await connection.drain()
                waiting = asyncio.ensure_future(wake.wait())
                await asyncio.wait((waiting, interrupted), timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                wake.clear()
                data = feed.take() or b": still here\n\n"
            connection.write(chunk(b"") if is_chunked else b"")
        finally:
            interrupted.cancel()
            feed.close()
