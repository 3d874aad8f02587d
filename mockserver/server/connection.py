"""A client's connection: passes bytes between asyncio and aiohttp, limits their time, refuses what is not HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Final, cast

from mockserver.core import problems
from mockserver.core.reply import Problem
from mockserver.server.connections import Connections
from mockserver.server.head import unreadable_head
from mockserver.server.logs import log_refusal
from mockserver.server.response import encode_closing_reply, internal_error
from mockserver.server.transport import ConnectionTransport

LINGER_SECONDS: Final = 10.0
"""How long a refused client may go on sending before it has read why."""

LINGER_IDLE_SECONDS: Final = 1.0
"""How long a refused client may send nothing before its connection is closed."""

HALF_CLOSED_SECONDS: Final = 1.0
"""How long a client that closed its side waits for replies at most."""

HALF_CLOSED_IDLE_SECONDS: Final = 0.1
"""How long a half-closed connection may be without a request before our side is closed as well."""

CLIENT_RESET_SECONDS: Final = 0.05
"""How long `confirm_client` waits for the reset with which a client that left answers data."""


class Connection(asyncio.Protocol):
    """Stands between asyncio's transport and the protocol that aiohttp makes for a connection.

    interrupted: set when the client left or the server stops, so that nobody waits any longer.
    lost: set when the connection is closed.
    request_bytes: what was received of a request before its handling began: its head, perhaps some of its body.
        Empty if it was pipelined behind another one. `server.body` checks the chunk framing from there on.
    body_listener: called with the bytes received while a body is read; None at other times.
    is_lingering: the last reply was written, and what the client still sends is dropped.
    """

    def __init__(self, shared: Connections, aiohttp_protocol: asyncio.Protocol) -> None:
        """Pass everything received on to `aiohttp_protocol`."""
        self._shared = shared
        self._aiohttp_protocol = aiohttp_protocol
        self.interrupted = asyncio.Event()
        self.lost = asyncio.Event()
        self.request_bytes: list[bytes] = []
        self.body_listener: Callable[[bytes], None] | None = None
        self._pending_bytes: list[bytes] = []  # of the next request, while none is handled
        self._is_request_pending = False
        self._is_busy = False  # a request is being handled
        self.is_lingering = False
        self._is_still_sending = True  # read only while `is_lingering`
        self._half_closed_until: float | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._unread_bytes = 0  # in the write buffer at the last check

    # -- what asyncio calls -------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; called by asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        self._idle_since = asyncio.get_running_loop().time()
        self._aiohttp_protocol.connection_made(ConnectionTransport(self, self._transport))
        self._shared.add(self)

    def data_received(self, data: bytes) -> None:
        """Pass the data on to aiohttp, which parses a head and calls `Handler.__call__` (see `Server`).

        The time limit of a request begins with its first byte. One that comes in one piece with the end of the request
        before it is not timed: the limit of idle connections holds until more bytes come.
        """
        if self.is_lingering:
            self._is_still_sending = True
            return
        if self.body_listener is not None:
            self.body_listener(data)
        elif self._is_request_pending or data.strip(b"\r\n"):  # line ends between requests have no meaning
            if not self._is_busy:  # bytes of a pipelined request are not kept; its time begins at `end_request`
                self._note_head_bytes(data)
            self._is_request_pending = True
        self._aiohttp_protocol.data_received(data)

    def _note_head_bytes(self, data: bytes) -> None:
        """Keep the bytes of a head, and limit the time from its first one on."""
        if not self._is_request_pending:
            self._shared.awaited_heads.stop_watching(self)  # `Connections.add` began the time for a first byte
        self._pending_bytes.append(data)
        self._shared.awaited_heads.watch(self)  # from the second piece on it is watched already

    def eof_received(self) -> bool:
        """Keep our side open while a client that closed its own may still get a reply."""
        gets_reply = self._is_busy or self._is_request_pending
        if self.is_lingering or self.body_listener is not None or not gets_reply:
            return False
        if not self._transport.can_write_eof():  # TLS cannot close one side alone
            return False
        self._half_closed_until = asyncio.get_running_loop().time() + HALF_CLOSED_SECONDS
        self._schedule_half_closed_close()
        return True

    def pause_writing(self) -> None:
        """Begin to watch a client that does not read."""
        self._writable.clear()
        self._unread_bytes = self._transport.get_write_buffer_size()
        self._shared.slow_readers.watch(self)
        self._aiohttp_protocol.pause_writing()

    def resume_writing(self) -> None:
        """Stop watching: the client reads."""
        self._writable.set()
        self._shared.slow_readers.stop_watching(self)
        self._aiohttp_protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake all that wait for this connection, and forget it."""
        self._shared.discard(self)
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._writable.set()
        self.interrupted.set()
        self.lost.set()
        self._aiohttp_protocol.connection_lost(exc)

    # -- what happens to a request ------------------------------------------------------------------

    def begin_request(self) -> float:
        """Note that the handling of a request begins; return when its first byte was received, in loop time."""
        first_byte_at = self._shared.awaited_heads.stop_watching(self)
        self.request_bytes, self._pending_bytes = self._pending_bytes, []
        self._is_request_pending, self._is_busy = False, True
        return asyncio.get_running_loop().time() if first_byte_at is None else first_byte_at

    def end_request(self) -> None:
        """Note that the handling of the request ended."""
        self._is_busy, self.request_bytes = False, []
        self._idle_since = asyncio.get_running_loop().time()
        if self._is_request_pending and not self.is_lingering:  # the limit of the next request begins now
            self._shared.awaited_heads.watch(self)
        if self._half_closed_until is not None:
            self._schedule_half_closed_close()

    def _schedule_half_closed_close(self) -> None:
        """Have a half-closed connection closed after a short idle time: aiohttp does not tell what is queued."""
        loop = asyncio.get_running_loop()
        until = self._half_closed_until or loop.time()
        if self._close_timer is not None:
            self._close_timer.cancel()
        if self._is_busy:
            self._close_timer = loop.call_at(until, self.close)
        else:
            self._close_timer = loop.call_at(min(until, loop.time() + HALF_CLOSED_IDLE_SECONDS), self._close_if_idle)

    def _close_if_idle(self) -> None:
        if self._is_busy:
            self._schedule_half_closed_close()
        else:
            self.close()

    def is_idle_since(self, time: float) -> bool:
        """Whether no request was pending or handled since then, in loop time."""
        is_used = self._is_busy or self._is_request_pending or self.is_lingering
        return not is_used and self._idle_since <= time and self.is_open

    def refuse(self, problem: Problem) -> None:
        """Reply with a problem to what is not handled, and close."""
        log_refusal(problem)
        self._shared.count_problem(problem)
        self.send_and_close(encode_closing_reply(problem))

    def end_slow_head(self) -> None:
        """Reply 408 to a request whose head was not complete in time; close a connection that sent none at all."""
        if self._is_request_pending:
            self.refuse(problems.too_slow(self._shared.request_timeout()))
        else:
            self.close()

    def check_slow_reader(self) -> None:
        """Abort the connection if the client has read nothing since the last check."""
        unread, self._unread_bytes = self._unread_bytes, self._transport.get_write_buffer_size()
        if self._unread_bytes >= unread:
            self._transport.abort()
        else:
            self._shared.slow_readers.watch(self)

    def refuse_unreadable(self, answer: bytes) -> None:
        """Send a problem document in place of aiohttp's own `answer` to what it could not parse."""
        if self.is_lingering:
            return
        if answer.split(b" ", 2)[1].startswith(b"5"):
            self.send_and_close(encode_closing_reply(internal_error()))
        else:
            message = answer.partition(b"\r\n\r\n")[2].decode("utf-8", "replace")
            self.refuse(unreadable_head(b"".join(self._pending_bytes), message))

    @property
    def is_half_closed(self) -> bool:
        """Whether the client has closed its side and sends nothing more."""
        return self._half_closed_until is not None

    # -- what is sent -------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent to the client."""
        return not self._transport.is_closing()

    def enqueue(self, data: bytes) -> None:
        """Send a whole reply, together with others of this event loop iteration; from here on it counts as sent."""
        self._shared.write_queue.enqueue(self._transport, data)

    def write(self, data: bytes) -> None:
        """Send data now, behind the replies that were enqueued."""
        self._shared.write_queue.flush()
        if not self._transport.is_closing():
            self._transport.write(data)

    async def confirm_client(self) -> bool:
        """Whether the client is still there after what was sent; call it once all was sent.

        A client that closed its side may only have ended its request. One that left answers data with a reset.
        """
        if self.is_half_closed and self.is_open:
            self._shared.write_queue.flush()
            await asyncio.sleep(CLIENT_RESET_SECONDS)
            sock = self._transport.get_extra_info("socket")
            return self.is_open and not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return self.is_open

    async def drain(self) -> None:
        """Wait until the client has read enough of what was sent."""
        if not self._writable.is_set():
            await self._writable.wait()

    async def sleep_while_open(self, seconds: float) -> None:
        """Wait; end early when the client leaves or the server stops."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.interrupted.wait()

    def send_and_close(self, data: bytes) -> None:
        """Send the last reply, then drop what the client still sends until it leaves or the time is up.

        A connection that is closed with unread bytes is reset, and the reply is lost with it.
        """
        if self.is_lingering or self._transport.is_closing():
            return
        self._shared.awaited_heads.stop_watching(self)
        self.write(data)
        if self.is_half_closed:
            self.close()
            return
        self.is_lingering = True
        if self._transport.can_write_eof():
            with contextlib.suppress(OSError):  # the client left
                self._transport.write_eof()
        self._transport.resume_reading()  # aiohttp may have paused it
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._end_linger(asyncio.get_running_loop().time() + LINGER_SECONDS)

    def _end_linger(self, until: float) -> None:
        """Close at the time, or once the client sends nothing any more; look again until then."""
        loop = asyncio.get_running_loop()
        if not self._is_still_sending or loop.time() >= until:
            self._transport.abort()
        else:
            self._is_still_sending = False
            self._close_timer = loop.call_later(LINGER_IDLE_SECONDS, self._end_linger, until)

    def close(self) -> None:
        """Close after everything was sent."""
        self._shared.write_queue.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once; what was not sent is lost."""
        self._transport.abort()

    def reset(self) -> None:
        """Reset the connection. Only SO_LINGER with time 0 sends an RST; otherwise the client sees a normal end."""
        self._shared.write_queue.flush()
        if (sock := self._transport.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
