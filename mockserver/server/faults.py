"""Faults: what goes wrong below the contract, performed on the connection."""

from __future__ import annotations

import http
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
    connection = exchange.connection
    match fault.kind:
        case "hang":  # nothing is sent, and the connection stays open
            await connection.sleep_while_open(fault.seconds)
            connection.abort()
        case "reset":
            connection.reset()
        case "empty":  # not a byte is sent
            connection.close()
        case "truncate":  # the body breaks off in the middle
            connection.write(exchange.reply_head() + exchange.body[: len(exchange.body) // 2])
            connection.close()
        case "malformed":  # the HTTP is valid, its JSON breaks off
            body = exchange.reply.body
            await exchange.send_reply(body[: len(body) * 2 // 3])
        case "garbage":
            connection.write(GARBAGE)
            connection.close()
        case "dribble":
            return await _dribble(fault.seconds, exchange)
        case "gateway":
            await _reply_as_gateway(fault, exchange)
    return False


async def _dribble(seconds: float, exchange: Exchange) -> bool:
    """Send the full reply in pieces over so many seconds."""
    body, connection = exchange.body, exchange.connection
    connection.write(exchange.reply_head())
    size = max(1, -(-len(body) // DRIBBLE_PIECES))
    for start in range(0, len(body), size):
        await connection.sleep_while_open(seconds / DRIBBLE_PIECES)
        connection.write(body[start : start + size])
    is_sent = await connection.confirm_client()
    connection.close()
    return is_sent


async def _reply_as_gateway(fault: Fault, exchange: Exchange) -> None:
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
