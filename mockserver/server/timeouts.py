"""A monitor that reports what stays in one state for too long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Generic, TypeVar

_T = TypeVar("_T")

MAX_TIMEOUTS_PER_TURN: Final = 10
TIMEOUT_PAUSE_SECONDS: Final = 0.01
"""At most so many time out in one loop iteration, the next after a pause: others are served between."""


class TimeoutMonitor(Generic[_T]):
    """Calls back for each item that was watched for longer than a limit; one timer serves all items."""

    def __init__(self, limit: Callable[[], float], on_timeout: Callable[[_T], None]) -> None:
        """Call `on_timeout` with each item after `limit()` seconds."""
        self._limit = limit
        self._on_timeout = on_timeout
        self._since: dict[_T, float] = {}  # the oldest first
        self._timer: asyncio.TimerHandle | None = None

    def add(self, watched: _T) -> None:
        """Watch an item from now on, unless it is watched already."""
        loop = asyncio.get_running_loop()
        since = self._since.setdefault(watched, loop.time())
        if self._timer is None:
            self._timer = loop.call_at(since + self._limit(), self._check)

    def discard(self, watched: _T) -> float | None:
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
