"""A client's connection: passes bytes between asyncio and aiohttp, limits their time, and refuses what is no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, cast

from mockserver.core import problems
from mockserver.server.logs import edge_log
from mockserver.server.response import Outbox, last_answer, mock_failed, unreadable_head
from mockserver.server.timeouts import TimeoutMonitor

LINGER_SECONDS: Final = 10.0
"""How long a client that was refused may go on sending before it has read why."""

HALF_CLOSED_SECONDS: Final = 1.0
"""How long a client that closed its side waits for answers at most."""

HALF_CLOSED_IDLE: Final = 0.1
"""How long nothing is answered before the other side is closed as well."""


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections of one port, and what they share.

    slow_heads, slow_readers: those that are sending a head, and those that do not take what is sent to them.
    stopping: set when the server stops.
    """

    outbox: Outbox
    slow_heads: TimeoutMonitor[Connection]
    slow_readers: TimeoutMonitor[Connection]
    request_timeout: Callable[[], float]
    stopping: asyncio.Event
    open: set[Connection] = field(default_factory=set)


class Connection(asyncio.Protocol):
    """Stands between asyncio's transport and the protocol that aiohttp makes for a connection.

    interrupted: set when a wait makes no sense any more, as the client left or the server stops.
    lost: set when the connection is gone.
    received: what came of the request that is being answered, up to the end of its head and perhaps beyond.
    body_listener: is given what comes while a body is read; None where none is.
    is_lingering: the last answer is on its way, and what still comes is not read.
    """

    def __init__(self, shared: Connections, http: asyncio.Protocol) -> None:
        """Pass on to `http`."""
        self._shared = shared
        self._http = http
        self.interrupted = asyncio.Event()
        self.lost = asyncio.Event()
        self.received: list[bytes] = []
        self.body_listener: Callable[[bytes], None] | None = None
        self._head: list[bytes] = []  # what came of a request that nobody answers yet
        self._is_head_pending = False
        self._is_busy = False  # a request is being answered
        self.is_lingering = False
        self._half_closed_until: float | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._unread = 0  # bytes that waited for the client when it was last looked at

    # -- what asyncio calls -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take up the connection."""
        self._transport = cast(asyncio.Transport, transport)
        self._shared.open.add(self)
        if self._shared.stopping.is_set():
            self.interrupted.set()
        self._http.connection_made(ConnectionTransport(self, self._transport))

    def data_received(self, data: bytes) -> None:
        """Pass on what came, and count the time from the first byte of a request."""
        if self.is_lingering:
            return
        if self.body_listener is not None:
            self.body_listener(data)
        elif self._is_head_pending or data.strip(b"\r\n"):  # lines between requests mean nothing
            self._is_head_pending = True
            if not self._is_busy:
                self._head.append(data)
                self._shared.slow_heads.add(self)
        self._http.data_received(data)

    def eof_received(self) -> bool:
        """Keep our side open where the client, which closed its own, may still be answered."""
        is_answered = self._is_busy or self._is_head_pending
        if self.is_lingering or self.body_listener is not None or not is_answered:
            return False
        if not self._transport.can_write_eof():  # with TLS there is no closing one side alone
            return False
        self._half_closed_until = asyncio.get_running_loop().time() + HALF_CLOSED_SECONDS
        self._close_half_closed()
        return True

    def pause_writing(self) -> None:
        """Watch a client that does not read."""
        self._writable.clear()
        self._unread = self._transport.get_write_buffer_size()
        self._shared.slow_readers.add(self)
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """Go on: it reads."""
        self._writable.set()
        self._shared.slow_readers.discard(self)
        self._http.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake who waits, and forget the connection."""
        self._shared.open.discard(self)
        self._shared.slow_heads.discard(self)
        self._shared.slow_readers.discard(self)
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._writable.set()
        self.interrupted.set()
        self.lost.set()
        self._http.connection_lost(exc)

    # -- what happens to a request ------------------------------------------------------------------

    def begin_request(self) -> float:
        """Take note that a head came whole and is being answered; when the request began, in the time of the loop."""
        since = self._shared.slow_heads.discard(self)
        self.received, self._head = self._head, []
        self._is_head_pending, self._is_busy = False, True
        return asyncio.get_running_loop().time() if since is None else since

    def end_request(self) -> None:
        """Take note that it was answered."""
        self._is_busy, self.received = False, []
        if self._is_head_pending and not self.is_lingering:  # the time that an answer takes is not the client's
            self._shared.slow_heads.add(self)
        if self._half_closed_until is not None:
            self._close_half_closed()

    def _close_half_closed(self) -> None:
        """Close a half-closed connection once nothing was answered for a moment: aiohttp does not say what waits."""
        loop = asyncio.get_running_loop()
        until = self._half_closed_until or loop.time()
        if self._close_timer is not None:
            self._close_timer.cancel()
        if self._is_busy:
            self._close_timer = loop.call_at(until, self.close)
        else:
            self._close_timer = loop.call_at(min(until, loop.time() + HALF_CLOSED_IDLE), self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self._is_busy:
            self._close_half_closed()
        else:
            self.close()

    def refuse_slow_head(self) -> None:
        """Answer 408 to a request whose head did not come in time."""
        self.send_and_close(last_answer(problems.too_slow(self._shared.request_timeout())))

    def check_reader(self) -> None:
        """Cut a client that has taken nothing of what waits for it."""
        unread, self._unread = self._unread, self._transport.get_write_buffer_size()
        if self._unread >= unread:
            self._transport.abort()
        else:
            self._shared.slow_readers.add(self)

    def refuse_unreadable(self, answer: bytes) -> None:
        """Put a problem document in the place of `answer`, which aiohttp gives by itself to what it cannot read."""
        if self.is_lingering:
            return
        if answer.split(b" ", 2)[1].startswith(b"5"):
            self.send_and_close(last_answer(mock_failed()))
        else:
            edge_log.warning("mockserver: refused a request that is no HTTP")
            self.send_and_close(last_answer(unreadable_head(b"".join(self._head))))

    @property
    def is_half_closed(self) -> bool:
        """Whether the client has closed its side, so that nothing more comes."""
        return self._half_closed_until is not None

    # -- what is sent -------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether the client can be sent anything."""
        return not self._transport.is_closing()

    def send(self, data: bytes) -> None:
        """Send a whole answer, together with others of this turn of the event loop."""
        self._shared.outbox.send(self._transport, data)

    def write(self, data: bytes) -> None:
        """Send bytes at once."""
        if not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait for a client that does not read what was sent before."""
        if not self._writable.is_set():
            await self._writable.wait()

    async def wait(self, seconds: float) -> None:
        """Wait, but no longer than the client is there and the server runs."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.interrupted.wait()

    def send_and_close(self, data: bytes) -> None:
        """Send the last answer, and let go of what still comes until the client has left, or long enough.

        Closed with bytes unread, a connection is reset, and the answer on it lost.
        """
        if self.is_lingering or self._transport.is_closing():
            return
        self._shared.slow_heads.discard(self)
        self._transport.write(data)
        if self.is_half_closed:
            self.close()
            return
        self.is_lingering = True
        if self._transport.can_write_eof():
            with contextlib.suppress(OSError):  # it has left
                self._transport.write_eof()
        self._transport.resume_reading()  # which aiohttp may have paused
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._close_timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.abort)

    def close(self) -> None:
        """Close once all is sent."""
        self._shared.outbox.flush()
        self._transport.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    def reset(self) -> None:
        """Reset the connection: a true RST, which needs SO_LINGER with time 0; without it the client sees an end."""
        connection = self._transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


class ConnectionTransport(asyncio.Transport):
    """The transport that aiohttp writes to.

    Answers go past it; all that aiohttp writes by itself is its refusal of what it cannot read.
    """

    def __init__(self, connection: Connection, transport: asyncio.Transport) -> None:
        """Stand in front of `transport`."""
        super().__init__()
        self.connection = connection
        self._transport = transport

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the socket."""
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Whether nothing more is sent."""
        return self._transport.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Refuse what aiohttp could not read."""
        self.connection.refuse_unreadable(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Refuse what aiohttp could not read."""
        self.connection.refuse_unreadable(b"".join(list_of_data))

    def close(self) -> None:
        """Close, unless the connection lingers and closes by itself."""
        if not self.connection.is_lingering:
            self.connection.close()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._transport.resume_reading()
