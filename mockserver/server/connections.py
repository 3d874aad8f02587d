"""The open connections of a server: the limits of their number and of their time, and their common write queue."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeVar

from mockserver.core.problems import too_many_connections
from mockserver.core.reply import Problem

_T = TypeVar("_T")

MIN_IDLE_SECONDS: Final = 1.0
"""How long a connection has to be idle before it may be closed to make room for another."""

MAX_TIMEOUTS_PER_TURN: Final = 10
TIMEOUT_PAUSE_SECONDS: Final = 0.01
"""At most so many items time out in one loop iteration; the rest follow after a pause, so that others are served."""


class TimeoutMonitor(Generic[_T]):
    """Calls back for each item that was watched for longer than a limit; one timer serves all items."""

    def __init__(self, limit: Callable[[], float], on_timeout: Callable[[_T], None]) -> None:
        """Call `on_timeout` with each item after `limit()` seconds."""
        self._limit = limit
        self._on_timeout = on_timeout
        self._since: dict[_T, float] = {}  # the oldest first
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, watched: _T) -> None:
        """Watch an item from now on, unless it is watched already."""
        loop = asyncio.get_running_loop()
        since = self._since.setdefault(watched, loop.time())
        if self._timer is None:
            self._timer = loop.call_at(since + self._limit(), self._check)

    def stop_watching(self, watched: _T) -> float | None:
        """Watch an item no more; return since when it was watched, in loop time, or None."""
        return self._since.pop(watched, None)

    def stop(self) -> None:
        """Watch nothing any more."""
        self._since.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _check(self) -> None:
        loop, limit = asyncio.get_running_loop(), self._limit()
        now, self._timer = loop.time(), None
        for watched, since in list(self._since.items())[:MAX_TIMEOUTS_PER_TURN]:
            if since + limit > now:
                break
            del self._since[watched]
            self._on_timeout(watched)
        first = next(iter(self._since.values()), None)
        if first is not None and self._timer is None:
            self._timer = loop.call_at(max(first + limit, now + TIMEOUT_PAUSE_SECONDS), self._check)


class LimitedConnection(Protocol):
    """What the limits need of a connection.

    interrupted: set when the client left or the server stops, so that nobody waits any longer.
    lost: set when the connection is closed.
    """

    interrupted: asyncio.Event
    lost: asyncio.Event

    def is_idle_since(self, time: float) -> bool:
        """Whether no request was pending or handled since then, in loop time."""

    def end_slow_head(self) -> None:
        """Refuse a request whose head was not complete in time; close a connection that sent none at all."""

    def check_slow_reader(self) -> None:
        """Abort the connection if the client has read nothing since the last check."""

    def refuse(self, problem: Problem) -> None:
        """Reply with a problem to what is not handled, and close."""

    def close(self) -> None:
        """Close after everything was sent."""

    def abort(self) -> None:
        """Close at once; what was not sent is lost."""


class WriteQueue:
    """Collects the replies of one event loop iteration and writes them at its end.

    Clients are then woken together, not one by one: it saves some 5 µs a reply under load (explanation/performance.md).
    """

    def __init__(self) -> None:
        """Begin without replies."""
        self._pending: list[tuple[asyncio.WriteTransport, bytes]] = []

    def enqueue(self, transport: asyncio.WriteTransport, data: bytes) -> None:
        """Write the data at the end of this iteration."""
        if not self._pending:
            asyncio.get_running_loop().call_soon(self.flush)
        self._pending.append((transport, data))

    def flush(self) -> None:
        """Write what is collected."""
        pending, self._pending = self._pending, []
        for transport, data in pending:
            if not transport.is_closing():
                transport.write(data)


class Connections:
    """The open connections of a server, and what they share.

    awaited_heads: connections that have sent nothing yet, or whose current head is not complete.
    slow_readers: connections whose client does not read what was sent.
    count_problem: counts a request that is refused before it is handled.
    """

    def __init__(
        self,
        request_timeout: Callable[[], float],
        limit: Callable[[], int],
        stopping: asyncio.Event,
        count_problem: Callable[[Problem], None],
    ) -> None:
        """Take up `limit()` connections; `stopping` is set when the server stops."""
        self.request_timeout = request_timeout
        self.count_problem = count_problem
        self.write_queue = WriteQueue()
        self.awaited_heads = TimeoutMonitor[LimitedConnection](request_timeout, lambda one: one.end_slow_head())
        self.slow_readers = TimeoutMonitor[LimitedConnection](request_timeout, lambda one: one.check_slow_reader())
        self._limit = limit
        self._stopping = stopping
        self._open: dict[LimitedConnection, None] = {}  # the oldest first

    def add(self, connection: LimitedConnection) -> None:
        """Register a connection. Over the limit, close an idle one, or else refuse this one."""
        self._open[connection] = None
        self.awaited_heads.watch(connection)
        if self._stopping.is_set():
            connection.interrupted.set()
        if len(self._open) > self._limit():
            idle_since = asyncio.get_running_loop().time() - MIN_IDLE_SECONDS
            idle = next((one for one in self._open if one.is_idle_since(idle_since)), None)
            if idle is not None:
                idle.close()
            else:
                connection.refuse(too_many_connections(self._limit()))

    def discard(self, connection: LimitedConnection) -> None:
        """Forget a connection that is closed."""
        self._open.pop(connection, None)
        self.awaited_heads.stop_watching(connection)
        self.slow_readers.stop_watching(connection)

    def interrupt(self) -> None:
        """Wake all that wait for a connection."""
        for connection in self._open:
            connection.interrupted.set()

    async def close(self, seconds: float) -> None:
        """Close all connections; abort those that are still open after so many seconds."""
        self.awaited_heads.stop()
        for connection in list(self._open):
            connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._open:
                    await next(iter(self._open)).lost.wait()
        for connection in list(self._open):
            connection.abort()
        self.slow_readers.stop()
