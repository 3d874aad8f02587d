"""Long work in steps, so that other requests are answered between them."""

from __future__ import annotations

import asyncio
import time
from typing import Final

STEP_SECONDS: Final = 0.004
"""How long one step may take: another request needs some five turns of the event loop, each after such a step."""


class Pacer:
    """Lets others run after each step of long work."""

    def __init__(self) -> None:
        """Begin the first step."""
        self._began = time.perf_counter()

    async def pause(self) -> None:
        """Let others run, if the step has taken its time."""
        if time.perf_counter() - self._began >= STEP_SECONDS:
            await asyncio.sleep(0)
            self._began = time.perf_counter()
