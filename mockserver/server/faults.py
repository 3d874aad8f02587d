"""Faults, performed on the wire: what goes wrong below the contract.

Knows sockets and aiohttp's transports; which request gets which fault was decided before.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from mockserver.core.model import Fault
from mockserver.core.reply import Reply
from mockserver.server import wire

GARBAGE: Final = bytes(range(256)) * 2
"""What a `garbage` answer consists of: no HTTP, no text."""

DRIBBLES: Final = 20
"""The pieces in which a `dribble` sends a body."""


_LOOK_SECONDS: Final = 0.2
"""How often a wait looks whether its client is still there."""


class _Performed(web.Response):
    """Stands for an answer that was put on the wire, or kept off it, already."""

    async def prepare(self, _: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send nothing more."""
        return None

    async def write_eof(self, _: Any = b"") -> None:
        """Send nothing more."""


def done() -> web.Response:
    """An answer of which nothing more is sent; the connection is closed."""
    response = _Performed()
    response.force_close()
    return response


async def perform(fault: Fault, request: web.BaseRequest, reply: Reply, stopping: asyncio.Event) -> web.Response:
    """Do what the fault says with the answer `reply`; a server that is stopping ends whatever waits."""
    return await _PERFORMERS[fault.kind](fault, request, reply, stopping)


async def pause(seconds: float, stopping: asyncio.Event, request: web.BaseRequest | None = None) -> None:
    """Wait, but not for longer than the server runs, nor than the client of a request is there."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (left := end - loop.time()) > 0 and not stopping.is_set():
        if request is not None and (request.transport is None or request.transport.is_closing()):
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), min(left, _LOOK_SECONDS))


async def _hang(fault: Fault, request: web.BaseRequest, _: Reply, stopping: asyncio.Event) -> web.Response:
    """Keep the connection open and say nothing."""
    await pause(fault.seconds, stopping, request)
    return _abort(request)


async def _reset(_: Fault, request: web.BaseRequest, __: Reply, ___: asyncio.Event) -> web.Response:
    """Reset the connection: a true RST, which needs SO_LINGER with time 0; without it the client sees a clean end."""
    transport = request.transport
    connection = transport.get_extra_info("socket") if transport is not None else None
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return _abort(request)


def _abort(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return done()


async def _empty(_: Fault, request: web.BaseRequest, __: Reply, ___: asyncio.Event) -> web.Response:
    """Close the connection without a byte."""
    return _send(request, b"")


async def _truncate(_: Fault, request: web.BaseRequest, reply: Reply, __: asyncio.Event) -> web.Response:
    """Send the headers and half of the body that they announce, then close."""
    return _send(request, wire.head(reply, "Connection: close") + reply.body[: len(reply.body) // 2])


async def _garbage(_: Fault, request: web.BaseRequest, __: Reply, ___: asyncio.Event) -> web.Response:
    """Send bytes that are no HTTP, then close."""
    return _send(request, GARBAGE)


async def _malformed(_: Fault, __: web.BaseRequest, reply: Reply, ___: asyncio.Event) -> web.Response:
    """Send a sound HTTP answer whose JSON ends too early."""
    return web.Response(status=reply.status, headers=reply.headers, body=reply.body[: len(reply.body) * 2 // 3])


async def _dribble(fault: Fault, request: web.BaseRequest, reply: Reply, stopping: asyncio.Event) -> web.Response:
    """Send the whole answer, piece by piece over the fault's seconds."""
    transport = request.transport
    if transport is None:
        return done()
    transport.write(wire.head(reply, "Connection: close"))
    size = max(1, -(-len(reply.body) // DRIBBLES))
    for start in range(0, len(reply.body), size):
        await pause(fault.seconds / DRIBBLES, stopping, request)
        if transport.is_closing():
            return done()
        transport.write(reply.body[start : start + size])
    return _send(request, b"")


async def _gateway(fault: Fault, _: web.BaseRequest, reply: Reply, __: asyncio.Event) -> web.Response:
    """Answer as a gateway in front of the provider would: HTML or nothing, no envelope."""
    reason = http.HTTPStatus(fault.status).phrase if fault.status in {s.value for s in http.HTTPStatus} else "Error"
    title = f"{fault.status} {reason}"
    page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>\r\n"
    headers = {name: value for name, value in reply.headers if name.startswith("Mock-")}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    if not fault.html:
        return web.Response(status=fault.status, headers=headers)
    return web.Response(status=fault.status, headers=headers, text=page, content_type="text/html")


def _send(request: web.BaseRequest, data: bytes) -> web.Response:
    if request.transport is not None:
        request.transport.write(data)
        request.transport.close()
    return done()


_PERFORMERS: Final[dict[str, Callable[[Fault, web.BaseRequest, Reply, asyncio.Event], Awaitable[web.Response]]]] = {
    "hang": _hang,
    "reset": _reset,
    "empty": _empty,
    "truncate": _truncate,
    "malformed": _malformed,
    "garbage": _garbage,
    "dribble": _dribble,
    "gateway": _gateway,
}
