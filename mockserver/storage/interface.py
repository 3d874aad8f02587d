"""What the engine needs of a storage; `tests/storage` holds every implementation to it.

All that changes while a server runs is in a storage: sandboxes, journal and coverage counts. Methods that may wait for
another machine are coroutines. Those of the store in memory never suspend: a request is atomic on one event loop.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct

from mockserver.core.contract import Contract, Operation, Scenario
from mockserver.core.model import Document, Record, RecordUpdate, Settings
from mockserver.core.reply import Effects
from mockserver.decision.order import Order
from mockserver.decision.view import ArmedOutcome, View
from mockserver.storage.coverage import Observation, Tally


class Entry(Struct, frozen=True, gc=False):
    """A journal entry: `data` is one masked JSON document, encoded once; it is empty if no journal is kept."""

    id: str
    sandbox: str
    data: bytes


class Cleared(Struct, frozen=True):
    """That all entries of a sandbox, or of every one (None), were deleted."""

    sandbox: str | None


class StorageError(Exception):
    """The storage cannot be used now; its text says why. Any coroutine of a storage may raise it."""


class Committed(Struct, frozen=True):
    """All effects were applied, and the entry was kept."""


class Conflict(Struct, frozen=True):
    """Something that the view has read has changed; nothing was applied. Look and decide again."""


class Full(Struct, frozen=True):
    """What was to be kept does not fit into the limit of a setting; nothing was applied."""

    setting: Literal["max_records", "max_state_bytes"]
    limit: int


class Gone(Struct, frozen=True):
    """The sandbox was reset, dropped or evicted since it was looked at; nothing was applied."""


CommitResult: TypeAlias = Committed | Conflict | Full | Gone


class Counter(Struct, frozen=True):
    """The counter of a generated id: how many were used up, and how far beyond the first the next search starts."""

    used: int
    searched: int


class State(Struct, frozen=True):
    """What a sandbox keeps beside the seeds: its records (None: a tombstone) by collection and key, and counters."""

    records: Mapping[str, Mapping[str, Record | None]]
    counters: Mapping[str, Counter]


class SandboxClock(Struct, frozen=True):
    """The clock of a sandbox: frozen at an instant, or running with an offset; all in nanoseconds."""

    frozen_ns: int | None = None
    offset_ns: int = 0

    def read(self, real_ns: int) -> int:
        """The time of the sandbox at the real time `real_ns`."""
        return real_ns + self.offset_ns if self.frozen_ns is None else self.frozen_ns


class ReloadedSandbox(Struct, frozen=True):
    """What a sandbox has after a reload: settings, run-time scenarios, armed outcomes, turns by operation."""

    settings: Settings
    runtime_scenarios: Mapping[str, tuple[Scenario, ...]]
    armed: tuple[ArmedOutcome, ...]
    turn_counts: Mapping[str, Mapping[str, int]]


class FirstLook(Struct, frozen=True):
    """What a request is going to look for: a storage on another machine fetches it together with the sandbox."""

    operation: Operation
    document: Document


class Sandbox(Protocol):
    """One sandbox. Attributes may lag behind what other machines changed, until the next look."""

    name: str
    settings: Settings
    own_settings: Mapping[str, Any]
    clock: SandboxClock
    armed: tuple[ArmedOutcome, ...]
    armed_count: int
    """Outcomes that were armed since the sandbox was made."""
    runtime_scenarios: Mapping[str, tuple[Scenario, ...]]
    """Scenarios added at run time by operation, in order."""
    turn_counts: Mapping[str, Mapping[str, int]]
    """Requests counted for scenarios with answers in turn, by operation and scenario."""
    evicted_before: bool
    """Whether a sandbox of this name was evicted, so that its journal may lack entries."""

    # -- one request ------------------------------------------------------------------------------------

    async def next_entry_id(self) -> str:
        """The id of the entry of the request that is being answered."""

    async def look(self, operation: Operation, document: Document) -> View:
        """All that a decision about a request may see. Nothing is changed or used up."""

    async def check_room(self, effects: Effects) -> Full | None:
        """`Full` if the records of these effects have no room, as `commit` would say; otherwise None."""

    async def commit(self, view: View, effects: Effects, entry: Entry, observation: Observation) -> CommitResult:
        """Apply the effects and keep the entry, all or nothing; the observation is counted once it is delivered."""

    # -- what a tester changes --------------------------------------------------------------------------

    def scenario_order(self, operation: Operation) -> Order:
        """The scenarios in force."""

    async def set_scenarios(self, operation: Operation, scenarios: Sequence[Scenario], changed: str) -> Full | None:
        """Replace an operation's run-time scenarios; turns of the one `changed` begin again. `Full`: no room."""

    async def arm(self, make: Callable[[int], ArmedOutcome]) -> ArmedOutcome | Full:
        """Arm what `make` gives for an unused id; `Full` if there is no room."""

    async def disarm(self, ids: Iterable[int]) -> None:
        """Remove armed outcomes by id."""

    async def set_clock(self, clock: SandboxClock) -> None:
        """Replace the clock."""

    async def configure(self, changes: Mapping[str, Any]) -> None:
        """Change settings of this sandbox alone; a seed restarts the generated ids, `vary` the count of requests."""

    async def state(self) -> State:
        """What the sandbox keeps beside the seeds."""

    async def load_state(self, state: State) -> Full | None:
        """Replace what the sandbox keeps; `Full` if there is no room."""

    async def find_record(self, collection: str, key: str) -> Record | None:
        """The record of a key as a lookup finds it: written, a seed, or the default of an open collection."""

    async def is_written(self, collection: str, key: str) -> bool:
        """Whether a record or a tombstone was written under a key."""

    async def put_record(self, collection: str, key: str, record: Record | None) -> Full | None:
        """Write a record (None: a tombstone) in place of what was there; `Full` if there is no room."""

    async def update_record(self, collection: str, key: str, update: RecordUpdate) -> Record | Full | None:
        """Write what `update` makes of the record that a lookup finds, at once, and return it; `Full`: no room."""

    async def restore_record(self, collection: str, key: str) -> None:
        """Remove what was written under a key, so that its seed or the default shows again."""


class Listener(Protocol):
    """Waits for new entries, and for deletions of all entries of a sandbox."""

    missed: int
    """How many of them this listener lost because it was too slow."""

    def take(self) -> tuple[Entry | Cleared, ...]:
        """Entries and deletions since the last call, oldest first."""

    def close(self) -> None:
        """Stop listening."""


class Gauges(Struct, frozen=True):
    """The figures of this moment."""

    sandboxes: int
    evictions: int
    armed: int
    journal_entries: int
    journal_bytes: int
    journal_evictions: int
    state_bytes: int


class Storage(Protocol):
    """All sandboxes, the journal and the coverage counts. The default sandbox has an empty name."""

    @property
    def orders(self) -> Mapping[str, Order]:
        """The order of the contract's scenarios, by operation."""

    # -- sandboxes --------------------------------------------------------------------------------------

    def queue(self, name: str) -> AbstractAsyncContextManager[None]:
        """Let one request at a time to a sandbox into the block, where several would make each other decide again."""

    async def use_sandbox(self, name: str, first_look: FirstLook | None = None) -> Sandbox | None:
        """The sandbox of a name, made on first use; None if there is no room for one more.

        `first_look`: what its first `look` is about. Committed answers that are not `delivered` prevent an eviction.
        """

    async def find(self, name: str) -> Sandbox | None:
        """The sandbox of a name, if it exists; this does not count as use."""

    async def peek(self, name: str) -> Sandbox | None:
        """What `use_sandbox` would give; a new sandbox is not kept, and this does not count as use."""

    async def delivered(self, sandbox: str, entry_id: str, *, complete: bool) -> None:
        """Count the outcome of a request whose answer is out; `complete`: all of it was sent."""

    async def sandbox_names(self) -> tuple[str, ...]:
        """The names of all sandboxes."""

    async def was_evicted(self, name: str) -> bool:
        """Whether a sandbox of this name was evicted, whether or not there is one again."""

    async def reset(self, name: str) -> bool:
        """Reset a sandbox to its seeds and settings, with an empty journal; whether it existed."""

    async def reset_all(self) -> tuple[str, ...]:
        """Reset every sandbox, and forget those that were evicted; the names of those that existed."""

    async def sandboxes(self) -> Sequence[Sandbox]:
        """All sandboxes."""

    async def use_contract(
        self,
        contract: Contract,
        settings: Settings,
        reloaded: Mapping[str, ReloadedSandbox],
        id_offsets: Mapping[str, int],
    ) -> None:
        """Serve another contract from now on, in one step; ids begin lower by `id_offsets`, above those given out."""

    # -- journal and counts -----------------------------------------------------------------------------

    async def next_entry_id(self) -> str:
        """The id of the entry of a request without a sandbox."""

    async def add_entry(self, entry: Entry, observation: Observation) -> None:
        """Keep the entry of a request that the mock refused, and count it."""

    async def entries(
        self, sandbox: str | None, *, before: str = "", after: str = "", limit: int = sys.maxsize
    ) -> Sequence[Entry]:
        """The entries of a sandbox, or of all (None), newest first: those older or newer than the entry of an id.

        `limit`: at most so many, those nearest to that entry. Raises `ValueError` where that is not the id of an entry.
        """

    async def entry(self, entry_id: str) -> Entry | None:
        """The entry of an id, if it is still there."""

    async def replace_entry(self, entry: Entry) -> None:
        """Keep an entry in place of the one with its id, if that is still there; listeners are not told."""

    async def clear_entries(self, sandbox: str) -> int:
        """Delete the entries of a sandbox; how many there were."""

    async def lost_entries(self, sandbox: str) -> int:
        """How many entries of a sandbox, at least, were dropped because the journal was full."""

    async def listen(self, sandbox: str | None, wake: Callable[[], None]) -> Listener:
        """Listen to a sandbox, or to all (None); `wake` is called at each entry or deletion and must not wait."""

    async def tally_of_prefix(self, prefix: str) -> Tally:
        """The counts of all sandboxes whose names begin with a prefix; those before a reset or drop count too."""

    async def tally(self, sandbox: str | None) -> Tally:
        """The coverage counts of a sandbox, or of all that ever were (None)."""

    async def gauges(self) -> Gauges:
        """The figures of this moment."""

    async def check(self) -> None:
        """Raise `StorageError` if the storage cannot be used now."""

    async def close(self) -> None:
        """Close what is open outside of this process, at the end of an event loop; the next use opens it again."""
