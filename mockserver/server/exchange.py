"""One request and the answer that is due to it: sent whole, or as a stream."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from aiohttp import HttpVersion11, web

from mockserver.core.contract import Feed, Reply
from mockserver.server.connection import Connection
from mockserver.server.response import BODILESS, CHUNKED, CLOSE, KEEP_ALIVE, Headers, chunk, head

HEARTBEAT: Final = 15.0
"""Seconds after which a stream in which nothing happens shows that it is there."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request on a connection, and the reply to it.

    headers: those of the reply, and what the edge adds to them.
    is_refusal: the request did not come as a whole, and its client may still be sending.
    """

    request: web.BaseRequest
    connection: Connection
    reply: Reply
    headers: Headers
    keep_alive: bool
    is_refusal: bool = False

    async def send(self, status: int, headers: Headers, body: bytes) -> None:
        """Send an answer whole, once the client has taken those before."""
        connection = self.connection
        await connection.drain()
        data = self.head(status, headers, len(body), keep_alive=self.keep_alive)
        if self.request.method != "HEAD" and status not in BODILESS:
            data += body
        if self.is_refusal:
            connection.send_and_close(data)
        elif self.keep_alive:
            connection.send(data)
        else:
            connection.write(data)

    def head(self, status: int, headers: Headers, length: int | None, *, keep_alive: bool) -> bytes:
        """Build the head of an answer, with what it says of the connection."""
        version = self.request.version
        if not keep_alive:
            headers = headers if CLOSE in headers else (*headers, CLOSE)
        elif version < HttpVersion11:
            headers = (*headers, KEEP_ALIVE)
        return head(status, headers, length, version)

    async def stream(self, feed: Feed) -> None:
        """Send what a feed has whenever it has something, until the client leaves or the server stops."""
        reply, connection = self.reply, self.connection
        is_chunked = self.request.version >= HttpVersion11
        headers = (*self.headers, CHUNKED) if is_chunked else self.headers
        wake = asyncio.Event()
        feed.open(wake.set)
        interrupted = asyncio.ensure_future(connection.interrupted.wait())
        try:
            connection.write(self.head(reply.status, headers, None, keep_alive=False))
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
