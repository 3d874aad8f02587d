"""One sandbox of the shared store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from mockserver.core.contract import Operation, Scenario
from mockserver.core.model import Document, Facts, Record, RecordUpdate
from mockserver.core.reply import Effects
from mockserver.decision.view import ArmedOutcome, LookupResults, View, fetch_records, make_facts
from mockserver.redis_storage.changes import (
    Reading,
    Value,
    Wanted,
    decode_counter,
    json_text,
    record_field,
    turn_field,
)
from mockserver.redis_storage.records import Draw, KnownRecords, candidates, write_apart
from mockserver.redis_storage.sandbox_fields import SandboxFields
from mockserver.redis_storage.shared import Shared
from mockserver.storage.coverage import Observation
from mockserver.storage.interface import CommitResult, Committed, Entry, Full, Gone, SandboxClock, State, StorageError
from mockserver.storage.memory_records import (
    decode_record,
    encode_record,
    id_offset,
    merge_writes,
)
from mockserver.storage.memory_usage import size_of_armed, size_of_scenarios
from mockserver.variation.sandboxes import number_request, vary_ids


class _Draft(Struct, frozen=True):
    """What a look makes of the records that it knows; not whole while `records.missing` has some."""

    facts: Facts
    lookups: LookupResults
    drawn: Mapping[str, Draw]
    records: KnownRecords


class _Versions(Struct, frozen=True):
    """What a look has read and drawn; see `View.versions`."""

    fields: Mapping[str, str]
    read: Mapping[str, Value]
    drawn: Mapping[str, Draw]


class RedisSandbox(SandboxFields):
    """See `interface.Sandbox`. It is of one request: others have objects of their own."""

    def __init__(
        self,
        shared: Shared,
        name: str,
        fields: Mapping[str, str],
        entry_id: str = "",
        first_reading: Reading | None = None,
    ) -> None:
        """`entry_id` is an id that was drawn with the fields; `first_reading` is what the first look reads."""
        super().__init__(shared, name, fields)
        self._entry_id = entry_id
        self._first_reading = first_reading

    # -- one request ------------------------------------------------------------------------------------

    async def next_entry_id(self) -> str:
        """The id of the entry of the request that is being answered."""
        entry_id, self._entry_id = self._entry_id, ""
        return entry_id or await self.shared.next_entry_id()

    async def look(self, operation: Operation, document: Document) -> View:
        """All that a decision about a request may see. Nothing is changed or used up.

        The keys of lookups are known before; only where one stands in another record is there one more round trip.
        """
        reading, self._first_reading = self._first_reading, None
        if reading is None:
            reading = await self.read(self.wanted(operation, document))
        known, lost = {**reading.records}, reading.lost
        while (draft := self._draft(operation, document, known)).records.missing:
            reading = await self.read(Wanted(tuple(draft.records.missing)))
            known.update(reading.records)
            lost |= reading.lost
        wrote = {one.entry_id for found in draft.lookups.found.values() for one in found}
        return View(
            facts=draft.facts,
            lookups=draft.lookups,
            order=self.scenario_order(operation),
            operation_id=operation.id,
            armed=self.armed,
            turn_counts=self.turn_counts.get(operation.id, {}),
            sandbox=self.name,
            delays_drawn=int(self.fields.get("delays", 0)),
            lost_entry_ids=lost & wrote if self.shared.settings.journal_entries else frozenset(),
            versions=_Versions(self.fields, {field: known[field] for field in draft.records.read}, draft.drawn),
        )

    def wanted(self, operation: Operation, document: Document) -> Wanted:
        """What a look reads, as far as it is known before; the sandbox need not be read yet."""
        missing = self._draft(operation, document, {}).records.missing
        return Wanted(tuple(missing), candidates(operation.id_rules, id_offset(self.name, self.settings.seed)))

    def _draft(self, operation: Operation, document: Document, known: Mapping[str, Value]) -> _Draft:
        records = KnownRecords(known, self.shared.contract.collections)
        settings, id_rules = self.settings, operation.id_rules
        if settings.vary:
            settings = number_request(settings, int(self.fields.get("varied", 0)) + 1)
            id_rules = vary_ids(settings, id_rules)
        base, fields = id_offset(self.name, settings.seed), self.fields
        drawn = {rule.name: records.draw(rule, base, fields.get(f"id:{rule.name}")) for rule in id_rules}
        new = {name: draw.text for name, draw in drawn.items()}
        now_ns = self.clock.read(self.shared.now_ns())
        facts = make_facts(document, settings, self.scenario_order(operation), now_ns, new)
        return _Draft(facts, fetch_records(operation.lookups, facts, records.find), drawn, records)

    async def _record_changes(self, read: Mapping[str, Value], effects: Effects, entry: str) -> dict[str, Any]:
        """The members of a `Change` that read and write records."""
        known, collections = dict(read), self.shared.contract.collections
        missing = {record_field(one.collection, one.key) for one in effects.writes} - known.keys()
        if missing:
            known.update((await self.read(Wanted(tuple(missing)))).records)
        merged = merge_writes(effects.writes, collections, KnownRecords(known, collections).find, entry)
        return {"read": known, "records": {record_field(one.collection, one.key): one.data.decode() for one in merged}}

    async def check_room(self, effects: Effects) -> Full | None:
        """`Full` if the records of these effects have no room, as `commit` would say; otherwise None."""
        if not effects.writes:
            return None
        change = self.new_change(**{**await self._record_changes({}, effects, ""), "read": {}}, is_trial=True)
        return self.full(await self.shared.change(change))

    async def commit(self, view: View, effects: Effects, entry: Entry, observation: Observation) -> CommitResult:
        """Apply the effects and keep the entry, all or nothing; the observation is counted once it is delivered."""
        before, read = view.versions.fields, dict(view.versions.read)
        fields: dict[str, Value] = {}
        expected: dict[str, Value] = {}
        growth = 0
        for name in effects.consumed_id_names:
            draw: Draw = view.versions.drawn[name]
            used = decode_counter(before.get(f"id:{name}")).used + 1
            fields[f"id:{name}"] = json_text([used, 0 if draw.unused is None else draw.offset + 1])
            expected["settings"] = before.get("settings", False)
            if draw.unused is not None:
                read[draw.unused] = False
        if effects.armed_id is not None:
            armed = next(one for one in view.armed if one.id == effects.armed_id)
            left = armed.after_use
            fields[f"armed:{armed.id}"] = self.shared.values.encode_armed(left) if left is not None else False
            growth = -size_of_armed(armed) if left is None else 0
        for scenario in effects.counted_scenarios:
            fields[turn_field(view.operation_id, scenario)] = str(view.turn_counts.get(scenario, 0) + 1)
        if effects.drew_delay:
            fields["delays"] = str(view.delays_drawn + 1)
        if view.facts.settings.vary:
            fields["varied"] = str(int(before.get("varied", 0)) + 1)
        expected.update((field, before.get(field, False)) for field in fields)
        change = self.new_change(
            expected=expected,
            fields=fields,
            growth=growth,
            entry={"id": entry.id, "data": entry.data.decode(), **self.shared.journal_limits},
            **await self._record_changes(read, effects, entry.id),
        )
        result = await self.shared.change(change)
        if result == "conflict":
            return await self.conflict()
        if result == "gone":
            return Gone()
        full = self.full(result)
        if full is None:
            self.shared.pending[entry.id] = observation
        return full or Committed()

    # -- what a tester changes --------------------------------------------------------------------------

    async def _apply(self, **changes: Any) -> Full | None:
        """Change the sandbox if the fields to be written are as they were read, then read it again."""
        expected = {field: self.fields.get(field, False) for field in changes["fields"]}
        result = await self.shared.change(self.new_change(**changes, expected=expected))
        if result == "conflict":
            raise StorageError(f"sandbox {self.name or '(default)'} was changed meanwhile by another request")
        if result == "ok":
            await self.refresh()
        return self.full(result)

    async def set_scenarios(self, operation: Operation, scenarios: Sequence[Scenario], changed: str) -> Full | None:
        """Replace the run-time scenarios of an operation; the answers in turn of the one that `changed` begin again.

        `Full` if there is no room.
        """
        before = self.runtime_scenarios.get(operation.id, ())
        return await self._apply(
            fields={f"scenarios:{operation.id}": self.shared.values.encode_scenarios(operation.id, scenarios)},
            forgotten=(turn_field(operation.id, changed),),
            growth=size_of_scenarios(scenarios) - size_of_scenarios(before),
        )

    async def arm(self, make: Callable[[int], ArmedOutcome]) -> ArmedOutcome | Full:
        """Arm what `make` gives for an unused id; `Full` if there is no room."""
        armed = make(0)
        text = self.shared.values.encode_armed(armed)
        result = await self.shared.change(self.new_change(armed=text, growth=size_of_armed(armed)))
        if result.isdecimal():
            armed = make(int(result))
            await self.refresh()
        return self.full(result) or armed

    async def disarm(self, ids: Iterable[int]) -> None:
        """Remove armed outcomes by id."""
        for number in ids:
            while (armed := next((one for one in self.armed if one.id == number), None)) is not None:
                field = f"armed:{number}"
                change = self.new_change(
                    expected={field: self.fields[field]}, fields={field: False}, growth=-size_of_armed(armed)
                )
                result = await self.shared.change(change)
                await self.refresh()
                if result != "conflict":
                    break
                await self.conflict()  # used meanwhile

    async def set_clock(self, clock: SandboxClock) -> None:
        """Replace the clock."""
        await self._apply(fields={"clock": msgspec.json.encode(clock).decode()})

    async def configure(self, changes: Mapping[str, Any]) -> None:
        """Change settings of this sandbox alone; a seed restarts the generated ids, `vary` the count of requests."""
        own = json_text({**self.own_settings, **changes})
        forgotten = [*(("id:", "delays") if "seed" in changes else ()), *(("varied",) if "vary" in changes else ())]
        await self._apply(fields={"settings": own}, forgotten=tuple(forgotten))

    async def state(self) -> State:
        """What the sandbox keeps beside the seeds."""
        await self.refresh()
        records: dict[str, dict[str, Record | None]] = {name: {} for name in self.shared.contract.collections}
        for field, data in (await self.shared.store.command("HGETALL", f"records:{self.name}")).items():
            collection, _, key = field.decode().partition("\n")
            if collection in records:  # of another contract, before this one was adopted
                records[collection][key] = decode_record(data)
        counters = {name[3:]: decode_counter(text) for name, text in self.fields.items() if name.startswith("id:")}
        return State(records, counters)

    async def load_state(self, state: State) -> Full | None:
        """Replace what the sandbox keeps; `Full` if there is no room."""
        records = {
            record_field(collection, key): encode_record(record).decode()
            for collection, own in state.records.items()
            for key, record in own.items()
        }
        counters = {f"id:{name}": json_text([one.used, one.searched]) for name, one in state.counters.items()}
        replacement = await write_apart(self.shared.store, await self.shared.next_entry_id(), records)
        change = self.new_change(fields=counters, forgotten=("id:",), replacement=replacement)
        result = await self.shared.change(change)
        await self.shared.store.command("UNLINK", replacement.name)  # where it had no room
        if result == "conflict":
            raise StorageError("the store has lost a part of the state before it was whole; load it again")
        return self.full(result)

    async def find_record(self, collection: str, key: str) -> Record | None:
        """The record of a key as a lookup finds it: written, a seed, or the default of an open collection."""
        collections = self.shared.contract.collections
        return KnownRecords(await self._stored(collection, key), collections).find(collections[collection], key)

    async def is_written(self, collection: str, key: str) -> bool:
        """Whether a record or a tombstone was written under a key."""
        return any((await self._stored(collection, key)).values())

    async def _stored(self, collection: str, key: str) -> Mapping[str, Value]:
        return (await self.read(Wanted((record_field(collection, key),)))).records

    async def put_record(self, collection: str, key: str, record: Record | None) -> Full | None:
        """Write a record (None: a tombstone) in place of what was there; `Full` if there is no room."""
        change = self.new_change(records={record_field(collection, key): encode_record(record).decode()})
        return self.full(await self.shared.change(change))

    async def update_record(self, collection: str, key: str, update: RecordUpdate) -> Record | Full | None:
        """Write what `update` makes of the record that a lookup finds, at once, and return it; `Full`: no room."""
        collections, field = self.shared.contract.collections, record_field(collection, key)
        while True:
            stored = await self._stored(collection, key)
            record = update(KnownRecords(stored, collections).find(collections[collection], key))
            change = self.new_change(read=stored, records={field: encode_record(record).decode()})
            result = await self.shared.change(change)
            if result != "conflict":
                return self.full(result) or record
            await self.conflict()

    async def restore_record(self, collection: str, key: str) -> None:
        """Remove what was written under a key, so that its seed or the default shows again."""
        await self.shared.change(self.new_change(records={record_field(collection, key): False}))
