"""Faults, performed on the wire: what goes wrong below the contract."""

from __future__ import annotations

import http
from collections.abc import Awaitable, Callable
from typing import Final

from mockserver.core.model import Fault
from mockserver.server.exchange import Exchange

GARBAGE: Final = bytes(range(256)) * 2
"""What a `garbage` answer consists of: no HTTP, no text."""

DRIBBLES: Final = 20
"""The pieces in which a `dribble` sends a body."""


async def perform(fault: Fault, exchange: Exchange) -> bool:
    """Do what the fault says with the answer that is due; whether all of it was sent to a client that is there.

    A server that is stopping ends whatever waits.
    """
    return await PERFORMERS[fault.kind](fault, exchange)


async def _hang(fault: Fault, exchange: Exchange) -> bool:
    """Keep the connection open and say nothing."""
    await exchange.connection.wait(fault.seconds)
    exchange.connection.abort()
    return False


async def _reset(fault: Fault, exchange: Exchange) -> bool:  # noqa: ARG001 - as all performers are called
    """Reset the connection."""
    exchange.connection.reset()
    return False


async def _empty(fault: Fault, exchange: Exchange) -> bool:  # noqa: ARG001 - as all performers are called
    """Close the connection without a byte."""
    return _end(exchange, b"")


async def _truncate(fault: Fault, exchange: Exchange) -> bool:  # noqa: ARG001 - as all performers are called
    """Send the headers and half of the body that they announce, then close."""
    body = exchange.reply.body
    return _end(exchange, exchange.reply_head() + body[: len(body) // 2])


async def _garbage(fault: Fault, exchange: Exchange) -> bool:  # noqa: ARG001 - as all performers are called
    """Send bytes that are no HTTP, then close."""
    return _end(exchange, GARBAGE)


async def _malformed(fault: Fault, exchange: Exchange) -> bool:  # noqa: ARG001 - as all performers are called
    """Send a sound HTTP answer whose JSON ends too early."""
    body = exchange.reply.body
    await exchange.send_reply(body[: len(body) * 2 // 3])
    return False


async def _dribble(fault: Fault, exchange: Exchange) -> bool:
    """Send the whole answer, piece by piece over the fault's seconds."""
    body, connection = exchange.reply.body, exchange.connection
    connection.write(exchange.reply_head())
    size = max(1, -(-len(body) // DRIBBLES))
    for start in range(0, len(body), size):
        await connection.wait(fault.seconds / DRIBBLES)
        connection.write(body[start : start + size])
    is_sent = connection.is_open
    connection.close()
    return is_sent


async def _gateway(fault: Fault, exchange: Exchange) -> bool:
    """Answer as a gateway in front of the provider would: HTML or nothing, no envelope."""
    reason = http.HTTPStatus(fault.status).phrase if fault.status in {s.value for s in http.HTTPStatus} else "Error"
    title = f"{fault.status} {reason}"
    page = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>\r\n"
    headers = [(name, value) for name, value in exchange.reply.all_headers if name.startswith("Mock-")]
    if fault.retry_after is not None:
        headers.append(("Retry-After", str(fault.retry_after)))
    if fault.html:
        headers.append(("Content-Type", "text/html; charset=utf-8"))
    await exchange.send(fault.status, tuple(headers), page.encode() if fault.html else b"")
    return False


def _end(exchange: Exchange, data: bytes) -> bool:
    exchange.connection.write(data)
    exchange.connection.close()
    return False


PERFORMERS: Final[dict[str, Callable[[Fault, Exchange], Awaitable[bool]]]] = {
    "hang": _hang,
    "reset": _reset,
    "empty": _empty,
    "truncate": _truncate,
    "malformed": _malformed,
    "garbage": _garbage,
    "dribble": _dribble,
    "gateway": _gateway,
}
