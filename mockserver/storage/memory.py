"""The storage in memory: all sandboxes of one process, the journal and the coverage counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from mockserver.core.contract import Contract
from mockserver.core.model import Settings
from mockserver.decision.order import Order
from mockserver.storage.coverage import Observation, Tally
from mockserver.storage.interface import Entry, Gauges, ReloadedSandbox
from mockserver.storage.journal import JournalListener
from mockserver.storage.sandbox import MemorySandbox
from mockserver.storage.shared import Shared

MAX_EVICTED_NAMES: Final = 100_000
"""Evicted names that are remembered; beyond this every name counts as evicted before."""


class MemoryStorage:
    """See `interface.Storage`. Nothing in it suspends."""

    def __init__(
        self,
        contract: Contract,
        settings: Settings,
        now_ns: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin without sandboxes; `now_ns` and `monotonic` are the clocks that are read."""
        self._shared = Shared(contract, settings, now_ns, lambda name: name in self._sandboxes)
        self._evictions = 0
        self._monotonic = monotonic
        self._sandboxes: dict[str, MemorySandbox] = {}
        """By name, the least recently used first."""
        self._evicted: dict[str, None] = {}
        self._evicted_others = False

    @property
    def orders(self) -> Mapping[str, Order]:
        """See `Storage`."""
        return self._shared.orders

    # -- sandboxes --------------------------------------------------------------------------------------

    async def sandbox(self, name: str) -> MemorySandbox | None:
        """See `Storage`."""
        now = self._monotonic()
        sandbox = self._sandboxes.pop(name, None)
        if sandbox is None:
            if not self._make_room(name, now):
                return None
            sandbox = self._new(name, now)
        sandbox.last_used = now
        self._sandboxes[name] = sandbox
        return sandbox

    async def find(self, name: str) -> MemorySandbox | None:
        """See `Storage`."""
        return self._sandboxes.get(name)

    async def peek(self, name: str) -> MemorySandbox | None:
        """See `Storage`."""
        found = self._sandboxes.get(name)
        if found is not None:
            return found
        now = self._monotonic()
        return self._new(name, now) if not self._is_full(name) or self._idle(now) is not None else None

    async def sandbox_names(self) -> tuple[str, ...]:
        """See `Storage`."""
        return tuple(self._sandboxes)

    async def was_evicted(self, name: str) -> bool:
        """See `Storage`."""
        sandbox = self._sandboxes.get(name)
        return self._was_evicted(name) if sandbox is None else sandbox.evicted_before

    async def reset(self, name: str) -> bool:
        """See `Storage`."""
        self._shared.journal.clear(name)
        self._shared.coverage.drop(name)
        self._evicted.pop(name, None)
        sandbox = self._sandboxes.pop(name, None)
        if sandbox is not None:
            sandbox.gone = True
        return sandbox is not None

    async def reset_all(self) -> tuple[str, ...]:
        """See `Storage`."""
        names = tuple(self._sandboxes)
        for sandbox in self._sandboxes.values():
            sandbox.gone = True
        self._sandboxes.clear()
        self._evicted.clear()
        self._evicted_others = False
        self._shared.journal.clear_all()
        self._shared.coverage.clear()
        return names

    async def sandboxes(self) -> Sequence[MemorySandbox]:
        """See `Storage`."""
        return tuple(self._sandboxes.values())

    async def serve(
        self,
        contract: Contract,
        settings: Settings,
        reloaded: Mapping[str, ReloadedSandbox],
        id_offsets: Mapping[str, int],
    ) -> None:
        """See `Storage`."""
        self._shared.serve(contract, settings)
        for sandbox in self._sandboxes.values():
            sandbox.use_contract(contract.collections, reloaded[sandbox.name], id_offsets)

    def _new(self, name: str, now: float) -> MemorySandbox:
        return MemorySandbox(self._shared, name, last_used=now, evicted_before=self._was_evicted(name))

    def _was_evicted(self, name: str) -> bool:
        return self._evicted_others or name in self._evicted

    def _is_full(self, name: str) -> bool:
        """Whether a sandbox of this name has no room; the default one always has."""
        return bool(name) and len(self._sandboxes) - ("" in self._sandboxes) >= self._shared.settings.max_sandboxes

    def _idle(self, now: float) -> MemorySandbox | None:
        """The least recently used sandbox that is idle long enough and has no answer on its way."""
        for sandbox in self._sandboxes.values():
            if now - sandbox.last_used < self._shared.settings.sandbox_ttl:
                return None
            if sandbox.name and not sandbox.pending:
                return sandbox
        return None

    def _make_room(self, name: str, now: float) -> bool:
        """Evict an idle sandbox if there is no room; whether there is room now."""
        if not self._is_full(name):
            return True
        idle = self._idle(now)
        if idle is None:
            return False
        del self._sandboxes[idle.name]
        idle.gone = True
        self._shared.coverage.drop(idle.name)
        self._evictions += 1
        self._evicted[idle.name] = None
        if len(self._evicted) > MAX_EVICTED_NAMES:
            self._evicted.clear()
            self._evicted_others = True
        return True

    # -- journal and counts -----------------------------------------------------------------------------

    def next_entry_id(self) -> str:
        """See `Storage`."""
        return self._shared.journal.next_id()

    async def add_entry(self, entry: Entry, observation: Observation) -> None:
        """See `Storage`."""
        self._shared.journal.add(entry)
        self._shared.coverage.add(observation, complete=True)

    async def entries(self, sandbox: str | None, *, before: str = "", after: str = "") -> Sequence[Entry]:
        """See `Storage`."""
        return self._shared.journal.entries(sandbox, before=before, after=after)

    async def entry(self, entry_id: str) -> Entry | None:
        """See `Storage`."""
        return self._shared.journal.find(entry_id)

    async def clear_entries(self, sandbox: str) -> int:
        """See `Storage`."""
        return self._shared.journal.clear(sandbox)

    async def lost_entries(self, sandbox: str) -> int:
        """See `Storage`."""
        return self._shared.journal.lost(sandbox)

    def listen(self, sandbox: str | None, wake: Callable[[], None]) -> JournalListener:
        """See `Storage`."""
        return self._shared.journal.listen(sandbox, wake)

    async def tally(self, sandbox: str | None) -> Tally:
        """See `Storage`."""
        return self._shared.coverage.total() if sandbox is None else self._shared.coverage.tally(sandbox)

    def gauges(self) -> Gauges:
        """See `Storage`."""
        armed = sum(len(sandbox.armed) for sandbox in self._sandboxes.values())
        journal = self._shared.journal
        return Gauges(len(self._sandboxes), self._evictions, armed, len(journal), journal.size, journal.evictions)
