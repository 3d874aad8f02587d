"""The transport that aiohttp is given in place of the socket's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol


class TransportOwner(Protocol):
    """What the transport needs of a connection."""

    is_lingering: bool

    def refuse_unreadable(self, answer: bytes) -> None:
        """Send a problem in place of aiohttp's own `answer` to what it could not parse."""

    def close(self) -> None:
        """Close after everything was sent."""


class ConnectionTransport(asyncio.Transport):
    """The transport that aiohttp writes to.

    Replies do not pass through it: all that aiohttp writes is its own answer to what it cannot parse.
    """

    def __init__(self, connection: TransportOwner, transport: asyncio.Transport) -> None:
        """Wrap `transport`."""
        super().__init__()
        self.connection = connection
        self._transport = transport

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Information on the socket, by name."""
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Whether nothing more can be sent."""
        return self._transport.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send a problem in place of the error of aiohttp: it writes only its own errors here."""
        self.connection.refuse_unreadable(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send a problem in place of the error of aiohttp: it writes only its own errors here."""
        self.connection.refuse_unreadable(b"".join(list_of_data))

    def close(self) -> None:
        """Close, unless the connection lingers: then it closes later."""
        if not self.connection.is_lingering:
            self.connection.close()

    def abort(self) -> None:
        """Close at once; what was not sent is lost."""
        self._transport.abort()

    def pause_reading(self) -> None:
        """Stop reading for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()
