"""One sandbox of the storage in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from mockserver.core.contract import Operation, Scenario
from mockserver.core.model import Collection, Document, IdRule, Record, RecordUpdate, Settings
from mockserver.core.reply import Effects
from mockserver.decision.order import Order, compile_order, scenarios_in_force
from mockserver.decision.view import ArmedOutcome, View, fetch_records, make_facts
from mockserver.storage.coverage import Observation
from mockserver.storage.interface import (
    CommitResult,
    Committed,
    Conflict,
    Entry,
    Full,
    Gone,
    ReloadedSandbox,
    SandboxClock,
    State,
)
from mockserver.storage.memory_records import ReadRecord, RecordChange, Records, total_size
from mockserver.storage.memory_shared import Shared
from mockserver.storage.memory_usage import Usage, size_of_armed, size_of_scenarios
from mockserver.variation.sandboxes import number_request, vary_ids


class _Versions(Struct, frozen=True, gc=False):
    """What a look has read and drawn; the commit compares it with what there is then, if `revision` has grown."""

    revision: int
    reads: list[ReadRecord]
    id_rules: tuple[IdRule, ...]


class _CachedOrder(Struct, frozen=True):
    """The order of the contract's and these run-time scenarios; made again when either changes."""

    operation: Operation
    scenarios: tuple[Scenario, ...]
    order: Order


class MemorySandbox:
    """See `interface.Sandbox`. Nothing in it suspends."""

    def __init__(self, shared: Shared, name: str, *, last_used: float, evicted_before: bool) -> None:
        """Begin with the seeds and the settings of the server."""
        self.name = name
        self.settings: Settings = shared.settings
        self.own_settings: Mapping[str, Any] = {}
        self.clock = SandboxClock()
        self.armed: tuple[ArmedOutcome, ...] = ()
        self.evicted_before = evicted_before
        self.last_used = last_used
        self.records = Records(name, shared.settings.seed, shared.contract.collections)
        self.turn_counts: Mapping[str, Mapping[str, int]] = {}
        self.runtime_scenarios: Mapping[str, tuple[Scenario, ...]] = {}
        self.gone = False
        """Whether the sandbox was reset, dropped or evicted; requests that began in it no longer count."""
        self.pending: dict[str, Observation] = {}
        """Observations of requests whose answers are on their way, by entry; each keeps the sandbox from eviction."""
        self._shared = shared
        self._orders: dict[str, _CachedOrder] = {}
        self._delays_drawn = 0
        self._varied_count = 0
        self.armed_count = 0
        self._usage = Usage(shared)

    # -- one request ------------------------------------------------------------------------------------

    async def next_entry_id(self) -> str:
        """The id of the entry of the request that is being answered."""
        return self._shared.journal.next_id()

    async def look(self, operation: Operation, document: Document) -> View:
        """All that a decision about a request may see. Nothing is changed or used up."""
        order, records = self.scenario_order(operation), self.records
        reads: list[ReadRecord] = []
        now_ns = self.clock.read(self._shared.now_ns())
        settings, id_rules = self.settings, operation.id_rules
        if settings.vary:
            settings = number_request(settings, self._varied_count + 1)
            id_rules = vary_ids(settings, id_rules)
        facts = make_facts(document, settings, order, now_ns, records.draw(id_rules))
        lookups = fetch_records(operation.lookups, facts, partial(records.find_and_note, reads))
        return View(
            facts=facts,
            lookups=lookups,
            order=order,
            operation_id=operation.id,
            armed=self.armed,
            turn_counts=self.turn_counts.get(operation.id, {}),
            sandbox=self.name,
            delays_drawn=self._delays_drawn,
            lost_entry_ids=self._shared.journal.lost_ids(one.entry_id for own in lookups.found.values() for one in own),
            versions=_Versions(records.revision, reads, id_rules),
        )

    async def check_room(self, effects: Effects) -> Full | None:
        """`Full` if the records of these effects have no room, as `commit` would say; otherwise None."""
        return self._full(self.records.merged(effects.writes, self._shared.journal.unused_id))

    def _full(self, changes: Sequence[RecordChange]) -> Full | None:
        """`Full` if these changes of records have no room."""
        limit, added = self._shared.settings.max_records, self.records.count_added(changes)
        if added and self.records.count + added > limit:
            return Full("max_records", limit)
        return self._usage.full(self.records.bytes_added(changes))

    def _store(self, changes: Sequence[RecordChange]) -> Full | None:
        full = self._full(changes)
        if full is None:
            self.records.apply(changes)
            self._usage.set_records(self.records.size)
        return full

    def retire(self) -> None:
        """Let go of everything: the sandbox is reset, dropped or evicted."""
        self.gone = True
        self._usage.release()

    async def commit(self, view: View, effects: Effects, entry: Entry, observation: Observation) -> CommitResult:
        """Apply the effects and keep the entry, all or nothing; the observation is counted once it is delivered."""
        if self.gone:
            return Gone()
        if self._has_changed(view, effects):
            return Conflict()
        if effects.writes:
            full = self._store(self.records.merged(effects.writes, entry.id))
            if full is not None:
                return full
        self.records.consume(effects.consumed_id_names)
        self._delays_drawn += effects.drew_delay
        self._varied_count += view.facts.settings.vary != ""
        if effects.armed_id is not None:
            after_use = (one.after_use if one.id == effects.armed_id else one for one in self.armed)
            self.armed = tuple(one for one in after_use if one is not None)
            self._usage.set_runtime(self.armed, self.runtime_scenarios.values())
        if effects.counted_scenarios:
            self.turn_counts = {
                **self.turn_counts,
                view.operation_id: _with_counts(self.turn_counts.get(view.operation_id, {}), effects.counted_scenarios),
            }
        self._shared.journal.add(entry)
        self.pending[entry.id] = observation
        return Committed()

    def _has_changed(self, view: View, effects: Effects) -> bool:
        """Whether something that the decision read has changed since the look."""
        if view.versions.revision != self.records.revision and self._have_records_or_ids_changed(view, effects):
            return True
        for scenario in effects.counted_scenarios:
            if self.turn_counts.get(view.operation_id, {}).get(scenario, 0) != view.turn_counts.get(scenario, 0):
                return True
        if effects.armed_id is None:
            return False
        used = next(one for one in view.armed if one.id == effects.armed_id)
        return all(one is not used for one in self.armed)

    def _have_records_or_ids_changed(self, view: View, effects: Effects) -> bool:
        """Whether a record that was read, or an id that was drawn and is consumed, has changed since the look."""
        records, versions = self.records, view.versions
        if any(records.stored(one.collection, one.key) is not one.stored for one in versions.reads):
            return True
        consumed = [one for one in versions.id_rules if one.name in effects.consumed_id_names]
        return any(records.next_id(one) != view.facts.new[one.name] for one in consumed)

    def count_delivered(self, entry_id: str, *, complete: bool) -> None:
        """Count the outcome of a request whose answer is out; `complete`: all of it was sent."""
        observation = self.pending.pop(entry_id, None)
        if observation is not None:
            self._shared.coverage.add(observation, complete=complete)

    # -- what a tester changes --------------------------------------------------------------------------

    def scenario_order(self, operation: Operation) -> Order:
        """The scenarios in force."""
        scenarios = self.runtime_scenarios.get(operation.id)
        if not scenarios:
            return self._shared.orders[operation.id]
        cached = self._orders.get(operation.id)
        if cached is None or cached.scenarios is not scenarios or cached.operation is not operation:
            order = compile_order(scenarios_in_force(operation, scenarios), scenarios)
            cached = self._orders[operation.id] = _CachedOrder(operation, scenarios, order)
        return cached.order

    async def set_scenarios(self, operation: Operation, scenarios: Sequence[Scenario], changed: str) -> Full | None:
        """Replace the run-time scenarios of an operation; the answers in turn of the one that `changed` begin again.

        `Full` if there is no room.
        """
        before = self.runtime_scenarios.get(operation.id, ())
        full = self._usage.full(size_of_scenarios(scenarios) - size_of_scenarios(before))
        if full is not None:
            return full
        self.runtime_scenarios = {**self.runtime_scenarios, operation.id: tuple(scenarios)}
        counts = self.turn_counts.get(operation.id, {})
        self.turn_counts = {
            **self.turn_counts,
            operation.id: {name: n for name, n in counts.items() if name != changed},
        }
        self._usage.set_runtime(self.armed, self.runtime_scenarios.values())
        return None

    async def arm(self, make: Callable[[int], ArmedOutcome]) -> ArmedOutcome | Full:
        """Arm what `make` gives for an unused id; `Full` if there is no room."""
        armed = make(self.armed_count + 1)
        full = self._usage.full(size_of_armed(armed))
        if full is not None:
            return full
        self.armed_count += 1
        self.armed = (*self.armed, armed)
        self._usage.set_runtime(self.armed, self.runtime_scenarios.values())
        return armed

    async def disarm(self, ids: Iterable[int]) -> None:
        """Remove armed outcomes by id."""
        removed = frozenset(ids)
        self.armed = tuple(one for one in self.armed if one.id not in removed)
        self._usage.set_runtime(self.armed, self.runtime_scenarios.values())

    async def set_clock(self, clock: SandboxClock) -> None:
        """Replace the clock."""
        self.clock = clock

    async def configure(self, changes: Mapping[str, Any]) -> None:
        """Change settings of this sandbox alone; a seed restarts the generated ids, `vary` the count of requests."""
        self.own_settings = {**self.own_settings, **changes}
        self.settings = dataclasses.replace(self.settings, **changes)
        if "vary" in changes:
            self._varied_count = 0
        if "seed" in changes:
            self._delays_drawn = 0
            self.records.reseed(self.name, changes["seed"])

    def use_contract(
        self, collections: Mapping[str, Collection], reloaded: ReloadedSandbox, id_offsets: Mapping[str, int]
    ) -> None:
        """Use another contract from now on."""
        self.settings, self.armed = reloaded.settings, reloaded.armed
        self.runtime_scenarios = reloaded.runtime_scenarios
        self.turn_counts = reloaded.turn_counts
        self.records.use_collections(collections, id_offsets)
        self._usage.set_records(self.records.size)
        self._usage.set_runtime(self.armed, self.runtime_scenarios.values())

    async def state(self) -> State:
        """What the sandbox keeps beside the seeds."""
        return self.records.state()

    async def load_state(self, state: State) -> Full | None:
        """Replace what the sandbox keeps; `Full` if there is no room."""
        changes = await self.records.encode(state)
        # A reload may have come meanwhile.
        changes = [one for one in changes if one.collection in self.records.collections]
        limit = self._shared.settings.max_records
        full = Full("max_records", limit) if len(changes) > limit else None
        full = full or self._usage.full(total_size(changes) - self.records.size)
        if full is None:
            self.records.load(changes, state.counters)
            self._usage.set_records(self.records.size)
        return full

    async def find_record(self, collection: str, key: str) -> Record | None:
        """The record of a key as a lookup finds it: written, a seed, or the default of an open collection."""
        return self.records.find(self.records.collections[collection], key)

    async def is_written(self, collection: str, key: str) -> bool:
        """Whether a record or a tombstone was written under a key."""
        return self.records.stored(collection, key) is not None

    async def put_record(self, collection: str, key: str, record: Record | None) -> Full | None:
        """Write a record (None: a tombstone) in place of what was there; `Full` if there is no room."""
        return self._store([self.records.change(collection, key, record)])

    async def update_record(self, collection: str, key: str, update: RecordUpdate) -> Record | Full | None:
        """Write what `update` makes of the record that a lookup finds, at once, and return it; `Full`: no room."""
        record = update(await self.find_record(collection, key))
        return await self.put_record(collection, key, record) or record

    async def restore_record(self, collection: str, key: str) -> None:
        """Remove what was written under a key, so that its seed or the default shows again."""
        self.records.restore(collection, key)
        self._usage.set_records(self.records.size)


def _with_counts(before: Mapping[str, int], scenarios: Iterable[str]) -> Mapping[str, int]:
    """The counts of answers in turn, one more for each of these scenarios."""
    return {**before, **{scenario: before.get(scenario, 0) + 1 for scenario in scenarios}}
