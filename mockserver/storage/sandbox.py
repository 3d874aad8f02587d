"""One sandbox of the storage in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace as changed

from mockserver.core.contract import Operation, Scenario
from mockserver.core.model import Collection, Document, NewId, Record, Settings, Tick
from mockserver.core.reply import Effects
from mockserver.decision.order import Order, in_force, order_of
from mockserver.decision.view import Armed, View, facts_of, look_up
from mockserver.storage.coverage import Observation
from mockserver.storage.interface import Carried, Clock, CommitResult, Committed, Conflict, Entry, Full, Gone, State
from mockserver.storage.records import ReadRecord, Records
from mockserver.storage.shared import Shared


class _Versions(Struct, frozen=True, gc=False):
    """What a look has read, to tell at the commit whether it has changed since."""

    read: list[ReadRecord]
    new: tuple[NewId, ...]


class _Order(Struct, frozen=True):
    """The order that was made of the contract's scenarios and those that were added."""

    operation: Operation
    added: tuple[Scenario, ...]
    order: Order


class MemorySandbox:
    """See `interface.Sandbox`. Nothing in it suspends."""

    def __init__(self, shared: Shared, name: str, *, touched: float, incomplete: bool) -> None:
        """Begin with the seeds and the settings of the server."""
        self.name = name
        self.settings: Settings = shared.settings
        self.own_settings: Mapping[str, Any] = {}
        self.clock = Clock()
        self.armed: tuple[Armed, ...] = ()
        self.incomplete = incomplete
        self.touched = touched
        self.records = Records(name, shared.settings.seed, shared.contract.collections)
        self.turns: Mapping[str, Mapping[str, int]] = {}
        self.added: Mapping[str, tuple[Scenario, ...]] = {}
        self.gone = False
        """Whether the sandbox was reset, dropped or evicted; a request that began in it is not counted any more."""
        self.pending: dict[str, Observation] = {}
        """Observations of requests whose answers are on their way, by entry; each is a lease."""
        self._shared = shared
        self._orders: dict[str, _Order] = {}
        self._delays = 0
        self._last_armed = 0

    # -- one request ------------------------------------------------------------------------------------

    def next_entry_id(self) -> str:
        """See `Sandbox`."""
        return self._shared.journal.next_id()

    async def look(self, operation: Operation, document: Document) -> View:
        """See `Sandbox`."""
        order, records, read = self.order(operation), self.records, list[ReadRecord]()
        facts = facts_of(document, self.settings, order)
        facts["new"] = records.draw(operation.new)
        facts["tick"] = Tick(self.clock.read(self._shared.now_ns()))
        lookups = look_up(operation.lookups, facts, partial(records.read, read))
        return View(
            facts=facts,
            keys=lookups.keys,
            found=lookups.found,
            misspelt=lookups.misspelt,
            order=order,
            operation=operation.id,
            armed=self.armed,
            turns=self.turns.get(operation.id, {}),
            sandbox=self.name,
            delays=self._delays,
            versions=_Versions(read, operation.new),
        )

    async def no_room(self, effects: Effects) -> Full | None:
        """See `Sandbox`."""
        limit = self._shared.settings.max_records
        places = [(write.collection, write.key) for write in effects.writes]
        return Full(limit) if places and not self.records.fits(places, limit) else None

    async def commit(self, view: View, effects: Effects, entry: Entry, observation: Observation) -> CommitResult:
        """See `Sandbox`."""
        if self.gone:
            return Gone()
        if self._has_changed(view, effects):
            return Conflict()
        full, records = await self.no_room(effects), self.records
        if full is not None:
            return full
        for write in effects.writes:
            records.merge(write, entry.id)
        records.use(effects.new)
        self._delays += effects.delay
        if effects.armed is not None:
            self.armed = _used_once(self.armed, effects.armed)
        if effects.turns:
            self.turns = {**self.turns, view.operation: _counted(self.turns.get(view.operation, {}), effects.turns)}
        self._shared.journal.add(entry)
        self.pending[entry.id] = observation
        return Committed()

    def _has_changed(self, view: View, effects: Effects) -> bool:
        """Whether something that the decision rests on has changed since the look."""
        records, versions = self.records, view.versions
        for one in versions.read:
            if records.stored(one.collection, one.key) is not one.stored:
                return True
        if effects.new:
            for new in versions.new:
                if new.name in effects.new and records.next_id(new) != view.facts["new"][new.name]:
                    return True
        for scenario in effects.turns:
            if self.turns.get(view.operation, {}).get(scenario, 0) != view.turns.get(scenario, 0):
                return True
        if effects.armed is None:
            return False
        seen = next(one for one in view.armed if one.id == effects.armed)
        return all(one is not seen for one in self.armed)

    async def delivered(self, entry_id: str, *, complete: bool) -> None:
        """See `Sandbox`."""
        observation = self.pending.pop(entry_id, None)
        if observation is not None and not self.gone:
            self._shared.coverage.add(observation, complete=complete)

    # -- what a tester changes --------------------------------------------------------------------------

    def order(self, operation: Operation) -> Order:
        """See `Sandbox`."""
        added = self.added.get(operation.id)
        if not added:
            return self._shared.orders[operation.id]
        known = self._orders.get(operation.id)
        if known is None or known.added is not added or known.operation is not operation:
            known = self._orders[operation.id] = _Order(operation, added, order_of(in_force(operation, added), added))
        return known.order

    async def set_scenarios(self, operation: Operation, added: Sequence[Scenario], changed: str) -> None:
        """See `Sandbox`."""
        self.added = {**self.added, operation.id: tuple(added)}
        counts = self.turns.get(operation.id, {})
        self.turns = {**self.turns, operation.id: {name: n for name, n in counts.items() if name != changed}}

    async def arm(self, armed: Callable[[int], Armed]) -> Armed:
        """See `Sandbox`."""
        self._last_armed += 1
        made = armed(self._last_armed)
        self.armed = (*self.armed, made)
        return made

    async def disarm(self, ids: Iterable[int]) -> None:
        """See `Sandbox`."""
        gone = frozenset(ids)
        self.armed = tuple(one for one in self.armed if one.id not in gone)

    async def set_clock(self, clock: Clock) -> None:
        """See `Sandbox`."""
        self.clock = clock

    async def configure(self, changes: Mapping[str, Any]) -> None:
        """See `Sandbox`."""
        self.own_settings = {**self.own_settings, **changes}
        self.settings = replace(self.settings, **changes)
        if "seed" in changes:
            self._delays = 0
            self.records.reseed(self.name, changes["seed"])

    def adopt(self, collections: Mapping[str, Collection], carried: Carried, skipped: Mapping[str, int]) -> None:
        """Go on under another contract."""
        self.settings, self.added, self.armed = carried.settings, carried.added, carried.armed
        self.turns = carried.turns
        self.records.adopt(collections, skipped)

    async def state(self) -> State:
        """See `Sandbox`."""
        return self.records.state()

    async def load_state(self, state: State) -> None:
        """See `Sandbox`."""
        self.records.load(state)

    async def find_record(self, collection: str, key: str) -> Record | None:
        """See `Sandbox`."""
        return self.records.find(self.records.collections[collection], key)

    async def is_written(self, collection: str, key: str) -> bool:
        """See `Sandbox`."""
        return self.records.stored(collection, key) is not None

    async def put_record(self, collection: str, key: str, record: Record | None) -> Full | None:
        """See `Sandbox`."""
        limit = self._shared.settings.max_records
        if not self.records.fits([(collection, key)], limit):
            return Full(limit)
        self.records.put(collection, key, record)
        return None

    async def restore_record(self, collection: str, key: str) -> None:
        """See `Sandbox`."""
        self.records.restore(collection, key)


def _used_once(armed: tuple[Armed, ...], used: int) -> tuple[Armed, ...]:
    """What is armed after a request has used one of it; what has no requests left is gone."""
    left = []
    for one in armed:
        if one.id != used:
            left.append(one)
        elif one.left is None or one.left > 1:
            left.append(changed(one, used=one.used + 1, left=None if one.left is None else one.left - 1))
    return tuple(left)


def _counted(before: Mapping[str, int], scenarios: Iterable[str]) -> Mapping[str, int]:
    """The counts of answers in turn with one more request for these scenarios."""
    return {**before, **{scenario: before.get(scenario, 0) + 1 for scenario in scenarios}}
