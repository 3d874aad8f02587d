"""Who takes too long: what has begun and does not come to its end.

Knows the time of the event loop; it knows no connection and no HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

AT_ONCE: Final = 10
BREATH: Final = 0.01
"""So many are let go at once, and after so many seconds the next, so that nobody else waits for a crowd of them."""


class Slow(Protocol):
    """What may take too long."""

    def let_go(self) -> bool:
        """End it; false where it is not the client that takes long."""


class Watch:
    """Which connections have begun something that they do not finish, the longest first.

    One timer watches over all, and there is none as long as nothing is unfinished.
    """

    def __init__(self, limit: Callable[[], float]) -> None:
        """Let each take at most so many seconds, as the limit is by then."""
        self.limit = limit
        self._since: dict[Slow, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Slow) -> None:
        """It has begun something; what it began before counts on."""
        loop = asyncio.get_running_loop()
        now = self._since.setdefault(connection, loop.time())
        if self._timer is None:
            self._timer = loop.call_at(now + self.limit(), self._look)

    def discard(self, connection: Slow) -> None:
        """It has finished."""
        self._since.pop(connection, None)

    def stop(self) -> None:
        """Look no more."""
        self._since.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        loop, limit = asyncio.get_running_loop(), self.limit()
        now, self._timer = loop.time(), None
        for _ in range(AT_ONCE):
            connection, since = next(iter(self._since.items()), (None, now))
            if connection is None or since + limit > now:
                break
            del self._since[connection]
            if not connection.let_go():
                self.add(connection)
        if self._since:
            first = next(iter(self._since.values()))
            self._timer = loop.call_at(max(first + limit, now + BREATH), self._look)
