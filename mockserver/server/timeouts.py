"""A monitor that finds what takes too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar

_T = TypeVar("_T")

TIMEOUTS_AT_ONCE: Final = 10
TIMEOUTS_PAUSE: Final = 0.01
"""So many time out in one turn, and the next after so many seconds, so that nobody waits for a crowd."""


class TimeoutMonitor(Generic[_T]):
    """Finds what has been in one state for longer than a limit; one timer serves all of them."""

    def __init__(self, limit: Callable[[], float], on_timeout: Callable[[_T], None]) -> None:
        """Call `on_timeout` for each that takes longer than `limit` says by then, in seconds."""
        self._limit = limit
        self._on_timeout = on_timeout
        self._since: dict[_T, float] = {}  # the longest first
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watched: _T) -> None:
        """Begin to count, unless it counts already."""
        loop = asyncio.get_running_loop()
        since = self._since.setdefault(watched, loop.time())
        if self._timer is None:
            self._timer = loop.call_at(since + self._limit(), self._look)

    def discard(self, watched: _T) -> float | None:
        """Count no more; when it began, in the time of the loop."""
        return self._since.pop(watched, None)

    def stop(self) -> None:
        """Look no more."""
        self._since.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        loop, limit = asyncio.get_running_loop(), self._limit()
        now, self._timer = loop.time(), None
        for watched, since in list(self._since.items())[:TIMEOUTS_AT_ONCE]:
            if since + limit > now:
                break
            del self._since[watched]
            self._on_timeout(watched)
        first = next(iter(self._since.values()), None)
        if first is not None and self._timer is None:
            self._timer = loop.call_at(max(first + limit, now + TIMEOUTS_PAUSE), self._look)
