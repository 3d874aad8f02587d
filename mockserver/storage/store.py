"""Records, their provenance and the counters of new ids, by sandbox: the interface, and the one in memory.

Knows collections, not operations. The seeds are shared and never change; a sandbox keeps only what
requests wrote, so that a reset drops one object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from collections.abc import Collection as Collection_
from typing import Any, Final, NamedTuple, Protocol, cast

from mockserver.core.model import Collection, NewId, Record, Write
from mockserver.core.values import read_kept, write_to_keep

_BLOCK = 1_000_000
"""Ids of one sandbox are counted within a block of this many, so that two sandboxes do not collide."""

_FIRST_BLOCK, _BLOCKS = 7_000_000_000, 2_000_000_000
"""The blocks: ids have 16 digits that begin with 7 or 8, so that none looks like a payment account number, and
stay below 2^53, exact in every JSON reader."""


class Store(Protocol):
    """What the engine needs of a store. Between `find` and `commit` of one request nothing else is written."""

    def find(self, sandbox: str, collection: Collection, key: str) -> Record | None:
        """The record of a key, the default of an open collection, or None where there is none."""

    def finder(self, sandbox: str) -> Callable[[Collection, str], Mapping[str, Any] | None]:
        """What finds the views of a sandbox's records, for one request."""

    def draw(self, sandbox: str, ids: Iterable[NewId]) -> dict[str, str]:
        """The next unused ids by name; drawing them again gives the same until they are used up by `commit`."""

    def commit(self, sandbox: str, writes: Iterable[Write], used: Iterable[str], entry: int = 0) -> None:
        """Merge the writes into their records, as of a journal entry, and use up the ids of these names."""

    def fits(self, sandbox: str, writes: Collection_[Write], most: int) -> bool:
        """Whether a sandbox keeps no more than `most` records once these are written."""

    def written(self, sandbox: str) -> State:
        """What a sandbox keeps beside the seeds."""

    def put(self, sandbox: str, collection: str, key: str, record: Record | None) -> None:
        """Put a record in the place of what was there; None is a tombstone."""

    def restore(self, sandbox: str, collection: str, key: str) -> None:
        """Bring a key back to its seed or the default."""

    def load(self, sandbox: str, state: State) -> None:
        """Put a state in the place of what a sandbox keeps."""

    def reseed(self, sandbox: str, seed: int) -> None:
        """Begin the new ids of a sandbox again, from another seed; its records stay."""

    def reset(self, sandbox: str) -> None:
        """Bring a sandbox back to its seeds."""

    def adopt(self, collections: Mapping[str, Collection], seed: int, skipped: Mapping[str, int]) -> None:
        """Keep the records of other collections from now on, in every sandbox.

        Those of a collection that is gone wait until it is back, or for a reset. `seed` is that of sandboxes to
        come; new ids of these names begin so much `skipped` lower than before, and go on above those given out.
        """


class State(NamedTuple):
    """What a sandbox keeps: its own records (None: a tombstone) by collection and key, and the counters of new ids.

    A counter is how many ids were `used`, and how far the search for an unused one came beyond the first id.
    """

    records: Mapping[str, Mapping[str, Record | None]]
    counters: Mapping[str, tuple[int, int]]


class _Kept(MutableMapping[str, Record | None]):
    """The records of a collection, packed: their views as JSON.

    That takes less memory by far, and in what is one object without others no garbage is looked for. Whether there is
    a key is asked of `packed` itself where it is asked at every request.
    """

    __slots__ = ("packed",)

    def __init__(self, records: Mapping[str, Record | None] | None = None) -> None:
        self.packed: dict[str, bytes | Mapping[str, Any] | None] = {}
        self.update(records or {})

    def view(self, key: str) -> Mapping[str, Any] | None:
        """What a record holds; None of a tombstone."""
        packed = self.packed[key]
        return cast(Mapping[str, Any], read_kept(packed)) if isinstance(packed, bytes) else packed

    def __getitem__(self, key: str) -> Record | None:
        view = self.view(key)
        return None if view is None else Record(view)

    def __setitem__(self, key: str, record: Record | None) -> None:
        if record is None:
            self.packed[key] = None
        else:
            self.keep(key, record.view)

    def keep(self, key: str, view: Mapping[str, Any]) -> None:
        """Keep what a record holds."""
        try:
            self.packed[key] = write_to_keep(view)
        except TypeError:  # a lone surrogate, or a number of more than 64 bits
            self.packed[key] = view

    def __delitem__(self, key: str) -> None:
        del self.packed[key]

    def __contains__(self, key: object) -> bool:
        return key in self.packed

    def __iter__(self) -> Iterator[str]:
        return iter(self.packed)

    def __len__(self) -> int:
        return len(self.packed)


_NOTHING: Final[Mapping[str, Any]] = {}


def _view(record: Record | None) -> Mapping[str, Any]:
    return _NOTHING if record is None else record.view


class _Sandbox:
    __slots__ = ("aside", "base", "count", "counters", "free", "records")

    def __init__(self, name: str, seed: int, collections: Iterable[str]) -> None:
        self.base = _base(name, seed)
        self.records = {c: _Kept() for c in collections}
        self.aside: dict[str, _Kept] = {}  # of collections that are gone
        self.count = 0
        self.counters: dict[str, int] = {}
        self.free: dict[str, int] = {}  # where the search for an unused id went last, from the sandbox's base

    def view(self, collection: Collection, key: str) -> Mapping[str, Any] | None:
        records, seeds = self.records[collection.name], collection.seeds
        if key in records.packed:
            return records.view(key)
        if key in seeds:
            return None if (seed := seeds[key]) is None else seed.view
        return collection.unseen(key) if collection.open else None

    def merge(self, collection: Collection, key: str, members: Mapping[str, Any], entry: int) -> None:
        """Merge what a request writes, of a journal entry, into what there is."""
        records = self.records[collection.name]
        if key in records.packed:
            before = records.view(key) or _NOTHING
        else:
            self.count += 1
            unseen = collection.default if collection.open else _NOTHING
            before = _view(collection.seeds[key]) if key in collection.seeds else unseen
        records.keep(key, {**before, **members, "key": key, "origin": "request", "@entry": entry})

    def write(self, collection: str, key: str, record: Record | None) -> None:
        records = self.records[collection]
        self.count += key not in records.packed
        records[key] = record

    def adopt(self, collections: Mapping[str, Collection], skipped: Mapping[str, int]) -> None:
        known = {**self.aside, **self.records}
        self.records = {name: _folded(known.pop(name, _Kept()), one.fold) for name, one in collections.items()}
        self.aside = {name: records for name, records in known.items() if records}
        self.count = sum(map(len, self.records.values()))
        for name in self.counters.keys() & skipped.keys():
            self.counters[name] += skipped[name]


def _folded(records: _Kept, fold: Callable[[str], str]) -> _Kept:
    """Records under the keys by which they are looked up; one whose place is taken keeps its own."""
    if fold is str:
        return records
    found = {key: record for key, record in records.items() if fold(key) == key}
    for key, record in records.items():
        if key not in found:
            place = key if fold(key) in found else fold(key)
            found[place] = record and Record({**record.view, "key": place})
    return _Kept(found)


def _base(name: str, seed: int) -> int:
    """Where a sandbox's ids begin: at the start for the default sandbox and seed, elsewhere far from it."""
    if not name and not seed:
        return 0
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return (_FIRST_BLOCK + int.from_bytes(digest[:8], "big") % _BLOCKS) * _BLOCK


class MemoryStore:
    """A store in this process."""

    def __init__(self, collections: Mapping[str, Collection], seed: int = 0) -> None:
        self._collections = collections
        self._seed = seed
        self._sandboxes: dict[str, _Sandbox] = {}

    def _of(self, sandbox: str) -> _Sandbox:
        state = self._sandboxes.get(sandbox)
        if state is None:
            state = self._sandboxes[sandbox] = _Sandbox(sandbox, self._seed, self._collections)
        return state

    def find(self, sandbox: str, collection: Collection, key: str) -> Record | None:
        """See `Store`."""
        view = self._of(sandbox).view(collection, key)
        return None if view is None else Record(view)

    def finder(self, sandbox: str) -> Callable[[Collection, str], Mapping[str, Any] | None]:
        """See `Store`."""
        return self._of(sandbox).view

    def draw(self, sandbox: str, ids: Iterable[NewId]) -> dict[str, str]:
        """See `Store`."""
        state, drawn = self._of(sandbox), {}
        base, counters, free = state.base, state.counters, state.free
        for name, first, prefix, unused_in in ids:
            number = first + base + counters.get(name, 0)
            text = f"{prefix}{number}"
            if unused_in is not None:
                if base + free.get(name, 0) > number:
                    number = base + free[name]
                    text = f"{prefix}{number}"
                records, seeds = state.records[unused_in].packed, self._collections[unused_in].seeds
                while text in records or text in seeds:
                    number += 1
                    text = f"{prefix}{number}"
                free[name] = number - base
            drawn[name] = text
        return drawn

    def commit(self, sandbox: str, writes: Iterable[Write], used: Iterable[str], entry: int = 0) -> None:
        """See `Store`."""
        state = self._of(sandbox)
        for name, key, members in writes:
            state.merge(self._collections[name], key, members, entry)
        for name in used:
            state.counters[name] = state.counters.get(name, 0) + 1
            if name in state.free:
                state.free[name] += 1

    def fits(self, sandbox: str, writes: Collection_[Write], most: int) -> bool:
        """See `Store`."""
        state = self._of(sandbox)
        if state.count + len(writes) <= most:
            return True
        new = {(collection, key) for collection, key, _ in writes if key not in state.records[collection]}
        return not new or state.count + len(new) <= most

    def written(self, sandbox: str) -> State:
        """See `Store`."""
        state = self._of(sandbox)
        counters = {n: (state.counters.get(n, 0), state.free.get(n, 0)) for n in {**state.counters, **state.free}}
        return State(state.records, counters)

    def put(self, sandbox: str, collection: str, key: str, record: Record | None) -> None:
        """See `Store`."""
        self._of(sandbox).write(collection, key, record)

    def restore(self, sandbox: str, collection: str, key: str) -> None:
        """See `Store`."""
        state = self._of(sandbox)
        if key in state.records[collection]:
            del state.records[collection][key]
            state.count -= 1

    def load(self, sandbox: str, state: State) -> None:
        """See `Store`."""
        base = self._of(sandbox).base
        self.reset(sandbox)
        fresh = self._of(sandbox)
        fresh.base = base
        for collection, records in state.records.items():
            fresh.records[collection] = _Kept(records)
        fresh.count = sum(map(len, state.records.values()))
        fresh.counters = {name: used for name, (used, _) in state.counters.items() if used}
        fresh.free = {name: free for name, (_, free) in state.counters.items() if free}

    def reseed(self, sandbox: str, seed: int) -> None:
        """See `Store`."""
        state = self._of(sandbox)
        state.base, state.counters, state.free = _base(sandbox, seed), {}, {}

    def reset(self, sandbox: str) -> None:
        """See `Store`."""
        self._sandboxes.pop(sandbox, None)

    def adopt(self, collections: Mapping[str, Collection], seed: int, skipped: Mapping[str, int]) -> None:
        """See `Store`."""
        self._collections, self._seed = collections, seed
        for state in self._sandboxes.values():
            state.adopt(collections, skipped)
