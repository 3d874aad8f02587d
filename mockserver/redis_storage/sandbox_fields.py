"""A sandbox as its fields in the store are; whoever changes it reads it again."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from mockserver.core.contract import Operation, Scenario
from mockserver.core.model import Settings
from mockserver.decision.order import Order
from mockserver.decision.view import ArmedOutcome
from mockserver.redis_storage.changes import Change, Reading, Wanted, decode_reading, encode
from mockserver.redis_storage.connection import other_served
from mockserver.redis_storage.shared import Shared
from mockserver.storage.interface import Conflict, Full, SandboxClock, StorageError

MAX_CONFLICTS: Final = 60
"""How often a request is decided again because others were faster; the last times some seconds after the first."""

MAX_PAUSE_SECONDS: Final = 0.25
"""The longest pause before that; the first are some milliseconds. It keeps servers out of each other's way."""


class SandboxFields:
    """The attributes of `interface.Sandbox`, and how they are read and changed."""

    def __init__(self, shared: Shared, name: str, fields: Mapping[str, str]) -> None:
        """`fields` are those of the sandbox in the store."""
        self.name = name
        self.shared = shared
        self.born = fields.get("born", "")
        self._conflicts = 0
        self._take_over(fields)

    def _take_over(self, fields: Mapping[str, str]) -> None:
        self.fields, values = fields, self.shared.values
        self.own_settings: Mapping[str, Any] = _decode_settings(fields.get("settings", "{}"))
        self.settings: Settings = dataclasses.replace(self.shared.settings, **self.own_settings)
        self.clock = msgspec.json.decode(fields["clock"], type=SandboxClock) if "clock" in fields else SandboxClock()
        self.evicted_before = fields.get("evicted_before") == "1"
        self.armed_count = int(fields.get("last_armed", 0))
        scenarios: dict[str, tuple[Scenario, ...]] = {}
        armed: dict[int, ArmedOutcome] = {}
        turn_counts: dict[str, dict[str, int]] = {}
        for field, text in fields.items():
            kind, _, rest = field.partition(":")
            if kind == "scenarios":
                scenarios[rest] = values.decode_scenarios(rest, text)
            elif kind == "armed":
                armed[int(rest)] = values.decode_armed(int(rest), text)
            elif kind == "turn":
                operation, scenario = msgspec.json.decode(rest)
                turn_counts.setdefault(operation, {})[scenario] = int(text)
        self.runtime_scenarios: Mapping[str, tuple[Scenario, ...]] = scenarios
        self.armed: tuple[ArmedOutcome, ...] = tuple(armed[number] for number in sorted(armed))
        self.turn_counts: Mapping[str, Mapping[str, int]] = turn_counts

    def scenario_order(self, operation: Operation) -> Order:
        """The scenarios in force."""
        return self.shared.values.order(operation, self.runtime_scenarios.get(operation.id, ()))

    async def read(self, wanted: Wanted) -> Reading:
        """Read records, and the sandbox anew."""
        store, contract = self.shared.store, self.shared.contract.hash
        answer = await store.run("look", self.name, encode(wanted), contract)
        if isinstance(answer, list):
            raise other_served(store.address, "contract", answer[0].decode(), contract)
        reading = decode_reading(answer)
        self._take_over(reading.sandbox)
        return reading

    async def refresh(self) -> None:
        """Read the sandbox anew."""
        await self.read(Wanted())

    def new_change(self, **changes: Any) -> Change:
        """A change of this sandbox within the limits of the settings; `changes` are other members of it."""
        settings = self.shared.settings
        return Change(self.name, self.born, settings.max_records, settings.max_state_bytes, **changes)

    async def conflict(self) -> Conflict:
        """The result if others were faster, after a random pause. Raises `StorageError` if they were too often."""
        self._conflicts += 1
        if self._conflicts > MAX_CONFLICTS:
            raise StorageError(f"the sandbox has changed {MAX_CONFLICTS} times while a request was decided")
        longest = min(0.001 * 2**self._conflicts, MAX_PAUSE_SECONDS)
        await asyncio.sleep(longest * os.urandom(1)[0] / 255)
        return Conflict()

    def full(self, result: str) -> Full | None:
        """`Full` if the result of a change is the name of a limit."""
        settings = self.shared.settings
        if result == "max_records":
            return Full("max_records", settings.max_records)
        return Full("max_state_bytes", settings.max_state_bytes) if result == "max_state_bytes" else None


def _decode_settings(text: str) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in msgspec.json.decode(text).items()}
