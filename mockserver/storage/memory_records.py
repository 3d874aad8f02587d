"""The records of one sandbox and its counters of new ids, in memory.

Seeds are shared and never change. Only what requests wrote is kept, as JSON: a third of the memory of objects
(explanation/performance.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from mockserver.core.model import Collection, IdRule, Record, Write
from mockserver.decision.view import Find
from mockserver.storage.interface import Counter, State
from mockserver.storage.pacing import Pacer

encode_record: Final = msgspec.json.Encoder().encode
decode_record: Final = msgspec.json.Decoder(Record | None).decode
"""A record as JSON, and back; None, a tombstone, is `null`."""

_BLOCK: Final = 1_000_000
"""Each sandbox counts its ids in a block of this size, so that two sandboxes do not collide."""

_FIRST_BLOCK: Final = 7_000_000_000
_BLOCKS: Final = 2_000_000_000
"""The blocks: ids have 16 digits that begin with 7 or 8, so that none looks like a payment account number, and stay
below 2^53, exact in every JSON reader."""

RECORD_OVERHEAD: Final = 200
"""Bytes that a record takes beside its key and its JSON: two objects and their place in a dictionary."""

StoredRecords = dict[str, bytes]
"""Records of a collection by key, as JSON."""


class ReadRecord(Struct, frozen=True, gc=False):
    """A record that a look has read: collection, key, and the bytes that were stored."""

    collection: str
    key: str
    stored: bytes | None


class RecordChange(Struct, frozen=True, gc=False):
    """A record that is to be stored."""

    collection: str
    key: str
    data: bytes


class RecordsOfState(Mapping[str, Record | None]):
    """The records of a collection as they were at one moment; each is decoded when it is asked for."""

    def __init__(self, stored: StoredRecords) -> None:
        """Take stored records, which nobody else changes."""
        self._stored = stored

    def __getitem__(self, key: str) -> Record | None:
        return decode_record(self._stored[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)


class Records:
    """What one sandbox keeps beside the seeds."""

    def __init__(self, name: str, seed: int, collections: Mapping[str, Collection]) -> None:
        """Begin with the seeds; `name` and `seed` say where generated ids begin."""
        self.collections = collections
        self.count = 0
        self.size = 0
        """In bytes, with records of removed collections."""
        self._stored: dict[str, StoredRecords] = {collection: {} for collection in collections}
        self._of_removed_collections: dict[str, StoredRecords] = {}
        self._ids_used: dict[str, int] = {}
        self._search_start: dict[str, int] = {}
        """How far from the first id the next search for an unused one begins."""
        self._last_found: dict[str, int] = {}
        """How far the last search for an unused id went, to save the next one; not part of the state."""
        self._id_offset = id_offset(name, seed)
        self.revision = 0
        """How often records or ids have changed: while it is the same, whatever was read is the same."""

    def stored(self, collection: str, key: str) -> bytes | None:
        """What is stored under a key; the same object until somebody writes it."""
        return self._stored[collection].get(key)

    def find_and_note(self, reads: list[ReadRecord], collection: Collection, key: str) -> Record | None:
        """The record of a key: written, a seed, or the default of an open collection; None if there is none.

        What was read is appended to `reads`.
        """
        data = self._stored[collection.name].get(key)
        reads.append(ReadRecord(collection.name, key, data))
        return decode_record(data) if data is not None else collection.unwritten_record(key)

    def find(self, collection: Collection, key: str) -> Record | None:
        """The same as `find_and_note`, without the note."""
        return self.find_and_note([], collection, key)

    # -- generated ids ----------------------------------------------------------------------------------

    def draw(self, ids: Iterable[IdRule]) -> dict[str, str]:
        """The next unused ids by name; drawing again gives the same until they are consumed."""
        return {one.name: self.next_id(one) for one in ids}

    def next_id(self, rule: IdRule) -> str:
        """The next unused id; asking again gives the same until it is consumed or its key is taken."""
        start, used = rule.first + self._id_offset, self._ids_used.get(rule.name, 0)
        if rule.unused_in is None:
            return f"{rule.prefix}{start + used}"
        number = start + max(used, self._search_start.get(rule.name, 0), self._last_found.get(rule.name, 0))
        text = f"{rule.prefix}{number}"
        stored, seeds = self._stored[rule.unused_in], self.collections[rule.unused_in].seeds
        while text in stored or text in seeds:
            number += 1
            text = f"{rule.prefix}{number}"
        self._last_found[rule.name] = number - start
        return text

    def consume(self, names: Iterable[str]) -> None:
        """Use up the ids that were drawn last, by name."""
        for name in names:
            self.revision += 1
            self._ids_used[name] = self._ids_used.get(name, 0) + 1
            if name in self._last_found:
                self._search_start[name] = self._last_found[name] + 1

    def reseed(self, name: str, seed: int) -> None:
        """Restart the ids from another seed; the records stay."""
        self.revision += 1
        self._id_offset = id_offset(name, seed)
        self._ids_used, self._search_start, self._last_found = {}, {}, {}

    # -- writing ----------------------------------------------------------------------------------------

    def merged(self, writes: Iterable[Write], entry_id: str) -> list[RecordChange]:
        """The records of the keys that a request writes, with the members that it writes merged into them."""
        return merge_writes(writes, self.collections, self.find, entry_id)

    def change(self, collection: str, key: str, record: Record | None) -> RecordChange:
        """The change that writes a record in place of what was there; None is a tombstone."""
        return RecordChange(collection, key, encode_record(record))

    def put(self, collection: str, key: str, record: Record | None) -> None:
        """Write a record in place of what was there; None is a tombstone."""
        self.apply([self.change(collection, key, record)])

    def count_added(self, changes: Iterable[RecordChange]) -> int:
        """How many records more there would be after these changes."""
        return sum(change.key not in self._stored[change.collection] for change in changes)

    def bytes_added(self, changes: Iterable[RecordChange]) -> int:
        """How many bytes more there would be after these changes."""
        return sum([_growth(change, self._stored[change.collection].get(change.key)) for change in changes])

    def apply(self, changes: Iterable[RecordChange]) -> None:
        """Store records."""
        for change in changes:
            stored = self._stored[change.collection]
            before = stored.get(change.key)
            self.revision += 1
            self.count += before is None
            self.size += _growth(change, before)
            stored[change.key] = change.data

    def restore(self, collection: str, key: str) -> None:
        """Remove what was written under a key."""
        before = self._stored[collection].pop(key, None)
        if before is not None:
            self.revision += 1
            self.count -= 1
            self.size -= len(before) + _fixed_size(key)
            self._last_found = {}

    # -- all of it --------------------------------------------------------------------------------------

    def state(self) -> State:
        """All that is kept beside the seeds, as it is now."""
        names = {**self._ids_used, **self._search_start}
        counters = {name: Counter(self._ids_used.get(name, 0), self._search_start.get(name, 0)) for name in names}
        return State({name: RecordsOfState({**stored}) for name, stored in self._stored.items()}, counters)

    async def encode(self, state: State) -> list[RecordChange]:
        """What `load` stores for a state; other requests run while it is encoded."""
        changes, pacer = [], Pacer()
        for collection, records in state.records.items():
            for key, record in records.items():
                changes.append(self.change(collection, key, record))
                await pacer.pause()
        return changes

    def load(self, changes: Iterable[RecordChange], counters: Mapping[str, Counter]) -> None:
        """Replace what is kept."""
        self.revision += 1
        self._stored = {name: {} for name in self.collections}
        self._of_removed_collections, self.count, self.size = {}, 0, 0
        self.apply(changes)
        self._ids_used = {name: one.used for name, one in counters.items() if one.used}
        self._search_start = {name: one.searched for name, one in counters.items() if one.searched}
        self._last_found = {}

    def use_collections(self, collections: Mapping[str, Collection], id_offsets: Mapping[str, int]) -> None:
        """Keep the records of these collections from now on.

        Records of a removed collection are kept aside until it is back, or for a reset. `id_offsets` says by how much
        the ids of a name begin lower than before; they go on above those given out.
        """
        self.revision += 1
        before = {**self._of_removed_collections, **self._stored}
        self._stored = {name: _fold_keys(before.pop(name, {}), one.fold) for name, one in collections.items()}
        self._of_removed_collections = {name: stored for name, stored in before.items() if stored}
        self.collections = collections
        self.count = sum(map(len, self._stored.values()))
        kept = (*self._stored.values(), *self._of_removed_collections.values())
        self.size = sum(len(data) + _fixed_size(key) for stored in kept for key, data in stored.items())
        for name in self._ids_used.keys() & id_offsets.keys():
            self._ids_used[name] += id_offsets[name]
            if name in self._search_start:
                self._search_start[name] += id_offsets[name]
        self._last_found = {}


def total_size(changes: Iterable[RecordChange]) -> int:
    """The bytes of these records where nothing was stored before."""
    return sum([_growth(change, None) for change in changes])


def merge_writes(
    writes: Iterable[Write], collections: Mapping[str, Collection], find: Find, entry_id: str
) -> list[RecordChange]:
    """The records of the keys that a request writes, with the members that it writes merged into those of before."""
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for write in writes:
        members = merged.get((write.collection, write.key))
        if members is None:
            before = find(collections[write.collection], write.key)
            members = merged[write.collection, write.key] = {**before.visible} if before is not None else {}
        members.update(write.members)
        members["key"], members["origin"] = write.key, "request"
    return [
        RecordChange(collection, key, encode_record(Record(members, entry_id)))
        for (collection, key), members in merged.items()
    ]


def _growth(change: RecordChange, before: bytes | None) -> int:
    return len(change.data) + (_fixed_size(change.key) if before is None else -len(before))


def _fixed_size(key: str) -> int:
    return len(key) + RECORD_OVERHEAD


def _fold_keys(stored: StoredRecords, fold: Callable[[str], str]) -> StoredRecords:
    """Records under their folded keys; one whose folded key is taken keeps its own."""
    if fold is str:
        return stored
    found = {key: data for key, data in stored.items() if fold(key) == key}
    for key, data in stored.items():
        if key not in found:
            place = key if fold(key) in found else fold(key)
            found[place] = _rename(data, place)
    return found


def _rename(data: bytes, key: str) -> bytes:
    record = decode_record(data)
    return data if record is None else encode_record(Record({**record.visible, "key": key}, record.entry_id))


def id_offset(name: str, seed: int) -> int:
    """Where the ids of a sandbox begin: at 0 for the default sandbox and seed, in a block of its own for others."""
    if not name and not seed:
        return 0
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return (_FIRST_BLOCK + int.from_bytes(digest[:8], "big") % _BLOCKS) * _BLOCK
