"""The storage in memory: all sandboxes of one process, the journal and the coverage counts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

from mockserver.core.contract import Contract
from mockserver.core.model import Settings
from mockserver.decision.order import Order
from mockserver.storage.coverage import Observation, Tally
from mockserver.storage.interface import Entry, FirstLook, Gauges, ReloadedSandbox
from mockserver.storage.memory_journal import JournalListener
from mockserver.storage.memory_sandbox import MemorySandbox
from mockserver.storage.memory_shared import Shared

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
        """The order of the contract's scenarios, by operation."""
        return self._shared.orders

    # -- sandboxes --------------------------------------------------------------------------------------

    def queue(self, name: str) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - nobody waits
        """Let everybody in: nothing suspends between a look and its commit."""
        return nullcontext()

    async def use_sandbox(
        self,
        name: str,
        first_look: FirstLook | None = None,  # noqa: ARG002 - all is at hand
    ) -> MemorySandbox | None:
        """The sandbox of a name, made on first use; None if there is no room for one more."""
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
        """The sandbox of a name, if it exists; this does not count as use."""
        return self._sandboxes.get(name)

    async def peek(self, name: str) -> MemorySandbox | None:
        """What `use_sandbox` would give; a new sandbox is not kept, and this does not count as use."""
        found = self._sandboxes.get(name)
        if found is not None:
            return found
        now = self._monotonic()
        return self._new(name, now) if not self._is_full(name) or self._idle(now) is not None else None

    async def delivered(self, sandbox: str, entry_id: str, *, complete: bool) -> None:
        """Count the outcome of a request whose answer is out; `complete`: all of it was sent."""
        found = self._sandboxes.get(sandbox)
        if found is not None:
            found.count_delivered(entry_id, complete=complete)

    async def sandbox_names(self) -> tuple[str, ...]:
        """The names of all sandboxes."""
        return tuple(self._sandboxes)

    async def was_evicted(self, name: str) -> bool:
        """Whether a sandbox of this name was evicted, whether or not there is one again."""
        sandbox = self._sandboxes.get(name)
        return self._was_evicted(name) if sandbox is None else sandbox.evicted_before

    async def reset(self, name: str) -> bool:
        """Reset a sandbox to its seeds and settings, with an empty journal; whether it existed."""
        self._shared.journal.clear_sandbox(name)
        self._shared.coverage.drop(name)
        self._evicted.pop(name, None)
        sandbox = self._sandboxes.pop(name, None)
        if sandbox is not None:
            sandbox.retire()
        return sandbox is not None

    async def reset_all(self) -> tuple[str, ...]:
        """Reset every sandbox, and forget those that were evicted; the names of those that existed."""
        names = tuple(self._sandboxes)
        for sandbox in self._sandboxes.values():
            sandbox.retire()
        self._sandboxes.clear()
        self._evicted.clear()
        self._evicted_others = False
        self._shared.journal.clear_all()
        self._shared.coverage.clear()
        return names

    async def sandboxes(self) -> Sequence[MemorySandbox]:
        """All sandboxes."""
        return tuple(self._sandboxes.values())

    async def use_contract(
        self,
        contract: Contract,
        settings: Settings,
        reloaded: Mapping[str, ReloadedSandbox],
        id_offsets: Mapping[str, int],
    ) -> None:
        """Serve another contract from now on, in one step."""
        self._shared.use_contract(contract, settings)
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
        idle.retire()
        self._shared.coverage.drop(idle.name)
        self._evictions += 1
        self._evicted[idle.name] = None
        if len(self._evicted) > MAX_EVICTED_NAMES:
            self._evicted.clear()
            self._evicted_others = True
        return True

    # -- journal and counts -----------------------------------------------------------------------------

    async def next_entry_id(self) -> str:
        """The id of the entry of a request without a sandbox."""
        return self._shared.journal.next_id()

    async def add_entry(self, entry: Entry, observation: Observation) -> None:
        """Keep the entry of a request that the mock refused, and count it."""
        self._shared.journal.add(entry)
        self._shared.coverage.add(observation, complete=True)

    async def entries(
        self, sandbox: str | None, *, before: str = "", after: str = "", limit: int = sys.maxsize
    ) -> Sequence[Entry]:
        """See `Storage`."""
        return self._shared.journal.entries(sandbox, before=before, after=after, limit=limit)

    async def entry(self, entry_id: str) -> Entry | None:
        """The entry of an id, if it is still there."""
        return self._shared.journal.find(entry_id)

    async def replace_entry(self, entry: Entry) -> None:
        """Keep an entry in place of the one with its id, if that is still there; listeners are not told."""
        self._shared.journal.replace(entry)

    async def clear_entries(self, sandbox: str) -> int:
        """Delete the entries of a sandbox; how many there were."""
        return self._shared.journal.clear_sandbox(sandbox)

    async def lost_entries(self, sandbox: str) -> int:
        """How many entries of a sandbox, at least, were dropped because the journal was full."""
        return self._shared.journal.lost(sandbox)

    async def listen(self, sandbox: str | None, wake: Callable[[], None]) -> JournalListener:
        """Listen to a sandbox, or to all (None); `wake` is called at each entry or deletion and must not wait."""
        return self._shared.journal.listen(sandbox, wake)

    async def tally_of_prefix(self, prefix: str) -> Tally:
        """See `Storage`."""
        return self._shared.coverage.total_of(prefix)

    async def tally(self, sandbox: str | None) -> Tally:
        """The coverage counts of a sandbox, or of all that ever were (None)."""
        return self._shared.coverage.total() if sandbox is None else self._shared.coverage.tally(sandbox)

    async def gauges(self) -> Gauges:
        """The figures of this moment."""
        armed = sum(len(sandbox.armed) for sandbox in self._sandboxes.values())
        journal = self._shared.journal
        return Gauges(
            len(self._sandboxes),
            self._evictions,
            armed,
            len(journal),
            journal.size,
            journal.evictions,
            self._shared.state_bytes,
        )

    async def check(self) -> None:
        """Memory can always be used."""

    async def close(self) -> None:
        """Memory has nothing to close."""
