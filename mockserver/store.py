"""Records, their provenance and the counters of new ids, by sandbox: the interface, and the one in memory.

Knows collections, not operations. The seeds are shared and never change; a sandbox keeps only what
requests wrote, so that a reset drops one object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Protocol

from mockserver.model import Collection, NewId, Record, Write

_BLOCK = 1_000_000
"""Ids of one sandbox are counted within a block of this many, so that two sandboxes do not collide."""

_BLOCKS = 8_000_000_000
"""The number of blocks; the greatest id stays below 2^53, exact in every JSON reader."""


class Store(Protocol):
    """What the engine needs of a store. Between `find` and `commit` of one request nothing else is written."""

    def find(self, sandbox: str, collection: Collection, key: str) -> Record | None:
        """The record of a key, the default of an open collection, or None where there is none."""

    def draw(self, sandbox: str, new: NewId) -> str:
        """The next unused id; drawing it again gives the same until it is used up by `commit`."""

    def commit(self, sandbox: str, writes: Iterable[Write], used: Iterable[str]) -> None:
        """Merge the writes into their records and use up the ids of these names."""

    def reset(self, sandbox: str) -> None:
        """Bring a sandbox back to its seeds."""


class _Sandbox:
    __slots__ = ("base", "counters", "free", "records")

    def __init__(self, name: str, seed: int, collections: Iterable[str]) -> None:
        self.base = _base(name, seed)
        self.records: dict[str, dict[str, Record]] = {c: {} for c in collections}
        self.counters: dict[str, int] = {}
        self.free: dict[str, int] = {}  # where the search for an unused id went last; derived from the records


def _base(name: str, seed: int) -> int:
    """Where a sandbox's ids begin: at the start for the default sandbox and seed, elsewhere far from it."""
    if not name and not seed:
        return 0
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return (1 + int.from_bytes(digest[:8], "big") % (_BLOCKS - 1)) * _BLOCK


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
        found = self._of(sandbox).records[collection.name].get(key)
        if found is not None:
            return found
        if key in collection.seeds:
            return collection.seeds[key]
        return Record.make(key, collection.default, "default") if collection.open else None

    def draw(self, sandbox: str, new: NewId) -> str:
        """See `Store`."""
        state = self._of(sandbox)
        number = new.first + state.base + state.counters.get(new.name, 0)
        if new.unused_in is not None:
            number = max(number, state.free.get(new.name, 0))
            records = state.records[new.unused_in]
            seeds = self._collections[new.unused_in].seeds
            while f"{new.prefix}{number}" in records or f"{new.prefix}{number}" in seeds:
                number += 1
            state.free[new.name] = number
        return f"{new.prefix}{number}"

    def commit(self, sandbox: str, writes: Iterable[Write], used: Iterable[str]) -> None:
        """See `Store`."""
        state = self._of(sandbox)
        for write in writes:
            before = self.find(sandbox, self._collections[write.collection], write.key)
            members = {**before.view, **write.members} if before else write.members
            state.records[write.collection][write.key] = Record.make(write.key, members, "request")
        for name in used:
            state.counters[name] = state.counters.get(name, 0) + 1
            if name in state.free:
                state.free[name] += 1

    def reset(self, sandbox: str) -> None:
        """See `Store`."""
        self._sandboxes.pop(sandbox, None)
