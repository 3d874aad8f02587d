"""Faults: what goes wrong below the contract, performed on the connection."""

from __future__ import annotations

import http
from collections.abc import Awaitable, Callable
from typing import Final

from mockserver.core.faults import Fault
from mockserver.server.exchange import Exchange

GARBAGE: Final = bytes(range(256)) * 2
"""What `garbage` sends: neither HTTP nor text."""

DRIBBLE_PIECES: Final = 20
"""The number of pieces in which `dribble` sends a body."""


async def perform(fault: Fault, exchange: Exchange) -> bool:
    """Perform the fault; return whether the full reply was sent to a connected client.

    A fault that waits ends early when the server stops.
    """
    return await PERFORMERS[fault.kind](fault, exchange)


async def _perform_hang(fault: Fault, exchange: Exchange) -> bool:
    """Send nothing, and keep the connection open."""
    await exchange.connection.sleep_while_open(fault.seconds)
    exchange.connection.abort()
    return False


async def _perform_reset(fault: Fault, exchange: Exchange) -> bool:  # noqa: ARG001 - all performers have one signature
    """Reset the connection."""
    exchange.connection.reset()
    return False


async def _perform_empty(fault: Fault, exchange: Exchange) -> bool:  # noqa: ARG001 - all performers have one signature
    """Close the connection without a byte."""
    return _write_and_close(exchange, b"")


async def _perform_truncate(fault: Fault, exchange: Exchange) -> bool:  # noqa: ARG001 - all performers have one signature
    """Send the head and half of the body, then close."""
    body = exchange.body
    return _write_and_close(exchange, exchange.reply_head() + body[: len(body) // 2])


async def _perform_garbage(fault: Fault, exchange: Exchange) -> bool:  # noqa: ARG001 - all performers have one signature
    """Send bytes that are not HTTP, then close."""
    return _write_and_close(exchange, GARBAGE)


async def _perform_malformed(fault: Fault, exchange: Exchange) -> bool:  # noqa: ARG001 - all performers have one signature
    """Send valid HTTP whose JSON breaks off."""
    body = exchange.reply.body
    await exchange.send_reply(body[: len(body) * 2 // 3])
    return False


async def _perform_dribble(fault: Fault, exchange: Exchange) -> bool:
    """Send the full reply in pieces over the seconds of the fault."""
    body, connection = exchange.body, exchange.connection
    connection.write(exchange.reply_head())
    size = max(1, -(-len(body) // DRIBBLE_PIECES))
    for start in range(0, len(body), size):
        await connection.sleep_while_open(fault.seconds / DRIBBLE_PIECES)
        connection.write(body[start : start + size])
    is_sent = await connection.confirm_client()
    connection.close()
    return is_sent


async def _perform_gateway(fault: Fault, exchange: Exchange) -> bool:
    """Reply as a gateway in front of the API does: HTML or no body, no envelope."""
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


def _write_and_close(exchange: Exchange, data: bytes) -> bool:
    exchange.connection.write(data)
    exchange.connection.close()
    return False


PERFORMERS: Final[dict[str, Callable[[Fault, Exchange], Awaitable[bool]]]] = {
    "hang": _perform_hang,
    "reset": _perform_reset,
    "empty": _perform_empty,
    "truncate": _perform_truncate,
    "malformed": _perform_malformed,
    "garbage": _perform_garbage,
    "dribble": _perform_dribble,
    "gateway": _perform_gateway,
}
