"""How many bytes a sandbox keeps: records, armed outcomes and run-time scenarios."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mockserver.base.values import count_members, encode_json
from mockserver.core.contract import Scenario
from mockserver.decision.view import ArmedOutcome
from mockserver.storage.interface import Full
from mockserver.storage.memory_shared import Shared

CONDITION_BYTES: Final = 2_500
"""What a condition takes when it is compiled."""


class Usage:
    """The bytes of one sandbox, which count for the limit of all."""

    def __init__(self, shared: Shared) -> None:
        """Begin with nothing."""
        self._shared = shared
        self._records = 0
        self._runtime = 0
        self._is_released = False

    def full(self, growth: int) -> Full | None:
        """`Full` if so many bytes more have no room."""
        limit = self._shared.settings.max_state_bytes
        return Full("max_state_bytes", limit) if growth > 0 and self._shared.state_bytes + growth > limit else None

    def set_records(self, size: int) -> None:
        """Count the records."""
        if not self._is_released:
            self._shared.state_bytes += size - self._records
            self._records = size

    def set_runtime(self, armed: Iterable[ArmedOutcome], scenarios: Iterable[Iterable[Scenario]]) -> None:
        """Count armed outcomes and run-time scenarios: their text as sent, and an estimate for what it compiles to."""
        if not self._is_released:
            size = sum(map(size_of_armed, armed)) + sum(map(size_of_scenarios, scenarios))
            self._shared.state_bytes += size - self._runtime
            self._runtime = size

    def release(self) -> None:
        """Count nothing any more: the sandbox is gone."""
        self.set_records(0)
        self.set_runtime((), ())
        self._is_released = True


def size_of_armed(armed: ArmedOutcome) -> int:
    """The bytes of an armed outcome, as it was sent and compiled."""
    return len(encode_json(dict(armed.spec))) + CONDITION_BYTES * count_members(armed.spec.get("when", {}))


def size_of_scenarios(scenarios: Iterable[Scenario]) -> int:
    """The bytes of run-time scenarios, as they were sent and compiled; each member of one has a colon."""
    texts = [one.runtime_text or "" for one in scenarios]
    return sum(len(text.encode("utf-8", "replace")) + CONDITION_BYTES * text.count(":") for text in texts)
