"""Answers that are ready, written together once all that came in the same turn of the event loop is answered.

Knows transports as something to write to; it knows no HTTP and no request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sized
from typing import Final

_NOTHING: Final = ()


class Outbox:
    """Holds answers until the end of a turn of the loop: a client that is woken by each takes turns with the server.

    With many clients at once that is a fifth of the time that a request takes, and answers come more evenly. Where
    nothing else is to be done in the turn, as for one client alone, nothing is held.
    """

    __slots__ = ("_loop", "_rest", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Write on transports of this loop."""
        self._loop = loop
        # What is left to do in this turn. A loop that does not tell has all written at once.
        self._rest: Sized = getattr(loop, "_ready", _NOTHING)
        self._waiting: list[tuple[asyncio.WriteTransport, bytes]] = []

    def send(self, transport: asyncio.WriteTransport, data: bytes) -> None:
        """Have bytes written before anything else is read from the network."""
        if not self._waiting:
            if not self._rest:
                transport.write(data)
                return
            self._loop.call_soon(self._flush)
        self._waiting.append((transport, data))

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport, data in waiting:
            if not transport.is_closing():
                transport.write(data)
