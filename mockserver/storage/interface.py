"""What the engine needs of a storage; `tests/storage` holds every implementation to it.

Everything that changes while a server runs is in a storage: sandboxes with their records, ids, armed outcomes, turns,
clocks, settings and scenarios added at run time; the journal; coverage counts. All methods that may have to wait for
another machine are coroutines. Those of the store in memory never suspend, so that a request is atomic on one event
loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from mockserver.core.contract import Contract, Operation, Scenario
from mockserver.core.model import Document, Record, Settings
from mockserver.core.reply import Effects
from mockserver.decision.order import Order
from mockserver.decision.view import Armed, View
from mockserver.storage.coverage import Observation, Tally


class Entry(Struct, frozen=True, gc=False):
    """A journal entry: `data` is one masked JSON document (`schemas/journal-entry.schema.json`), encoded once.

    It is empty where no journal is kept.
    """

    id: str
    sandbox: str
    data: bytes


class Committed(Struct, frozen=True):
    """All effects were applied, and the entry was kept."""


class Conflict(Struct, frozen=True):
    """Something that the view saw has changed since; nothing was applied. Look and decide again."""


class Full(Struct, frozen=True):
    """The records do not fit into the sandbox, which keeps at most so many; nothing was applied."""

    limit: int


class Gone(Struct, frozen=True):
    """The sandbox was reset, dropped or evicted since it was looked at; nothing was applied."""


CommitResult: TypeAlias = Committed | Conflict | Full | Gone


class Counter(Struct, frozen=True):
    """How many ids of a name were used up, and how far the search for an unused one came beyond the first."""

    used: int
    searched: int


class State(Struct, frozen=True):
    """What a sandbox keeps beside the seeds: its records (None: a tombstone) by collection and key, and counters."""

    records: Mapping[str, Mapping[str, Record | None]]
    counters: Mapping[str, Counter]


class Clock(Struct, frozen=True):
    """The clock of a sandbox: frozen at an instant, or running with an offset; all in nanoseconds."""

    frozen_ns: int | None = None
    offset_ns: int = 0

    def read(self, real_ns: int) -> int:
        """The sandbox's time when it is really `real_ns`."""
        return real_ns + self.offset_ns if self.frozen_ns is None else self.frozen_ns


class Carried(Struct, frozen=True):
    """What a sandbox has under another contract: settings, scenarios added, armed outcomes, turns by operation."""

    settings: Settings
    added: Mapping[str, tuple[Scenario, ...]]
    armed: tuple[Armed, ...]
    turns: Mapping[str, Mapping[str, int]]


class Sandbox(Protocol):
    """One sandbox. Attributes may be as old as the storage's last look at what others changed."""

    name: str
    settings: Settings
    own_settings: Mapping[str, Any]
    clock: Clock
    armed: tuple[Armed, ...]
    added: Mapping[str, tuple[Scenario, ...]]
    """Scenarios added at run time by operation, in order."""
    turns: Mapping[str, Mapping[str, int]]
    """By operation and scenario with answers in turn, the requests that it counted."""
    incomplete: bool
    """Whether the sandbox was evicted since it was first used, so that its journal may lack entries."""

    # -- one request ------------------------------------------------------------------------------------

    def next_entry_id(self) -> str:
        """The id of the entry of the request that is being answered."""

    async def look(self, operation: Operation, document: Document) -> View:
        """All that a decision about a request may see. Nothing is changed or used up."""

    async def no_room(self, effects: Effects) -> Full | None:
        """What `commit` would answer where the records of these effects have no room; None where they have."""

    async def commit(self, view: View, effects: Effects, entry: Entry, observation: Observation) -> CommitResult:
        """Apply the effects and keep the entry, all or nothing; the observation is counted once it is delivered."""

    async def delivered(self, entry_id: str, *, complete: bool) -> None:
        """End the lease of a request and count its outcome. `complete`: its answer was sent whole."""

    # -- what a tester changes --------------------------------------------------------------------------

    def order(self, operation: Operation) -> Order:
        """The scenarios in force."""

    async def set_scenarios(self, operation: Operation, added: Sequence[Scenario], changed: str) -> None:
        """Put the scenarios added at run time; the answers in turn of the one that `changed` begin again."""

    async def arm(self, armed: Callable[[int], Armed]) -> Armed:
        """Arm what is made of an unused id."""

    async def disarm(self, ids: Iterable[int]) -> None:
        """Take away what is armed by id."""

    async def set_clock(self, clock: Clock) -> None:
        """Put the clock."""

    async def configure(self, changes: Mapping[str, Any]) -> None:
        """Change settings of this sandbox alone; another seed begins generated ids again."""

    async def state(self) -> State:
        """What the sandbox keeps beside the seeds."""

    async def load_state(self, state: State) -> None:
        """Put a state in the place of what the sandbox keeps."""

    async def find_record(self, collection: str, key: str) -> Record | None:
        """The record of a key as a lookup finds it: written, a seed, or the default of an open collection."""

    async def is_written(self, collection: str, key: str) -> bool:
        """Whether something was written under a key, be it a tombstone."""

    async def put_record(self, collection: str, key: str, record: Record | None) -> Full | None:
        """Put a record in the place of what was there (None: a tombstone); or say that there is no room."""

    async def restore_record(self, collection: str, key: str) -> None:
        """Bring a key back to its seed or the default."""


class Listener(Protocol):
    """Waits for new entries."""

    missed: int
    """Entries that were lost to this listener, as it was too slow."""

    def take(self) -> tuple[Entry, ...]:
        """What came since the last time, oldest first."""

    def close(self) -> None:
        """Listen no more."""


class Gauges(Struct, frozen=True):
    """What there is at this moment."""

    sandboxes: int
    evictions: int
    armed: int
    journal_entries: int
    journal_bytes: int
    journal_evictions: int


class Storage(Protocol):
    """All sandboxes, the journal and the coverage counts. The default sandbox has an empty name."""

    @property
    def orders(self) -> Mapping[str, Order]:
        """The contract's scenarios in order, by operation."""

    # -- sandboxes --------------------------------------------------------------------------------------

    async def sandbox(self, name: str) -> Sandbox | None:
        """The sandbox of a name, made on first use; None where there is no room for one more.

        It is not evicted while an answer that was committed in it is on its way (`Sandbox.delivered`).
        """

    async def find(self, name: str) -> Sandbox | None:
        """The sandbox of a name, if it is there; this is no use of it."""

    async def peek(self, name: str) -> Sandbox | None:
        """What `sandbox` would give, without making it or its being a use of it."""

    async def names(self) -> tuple[str, ...]:
        """The names of all sandboxes that are there."""

    async def lacks(self, name: str) -> bool:
        """Whether the sandbox of a name was evicted since it was first used, be it there again or not."""

    async def reset(self, name: str) -> bool:
        """Bring a sandbox back to its seeds and settings, with an empty journal; whether it was there."""

    async def reset_all(self) -> tuple[str, ...]:
        """Bring every sandbox back, and forget all of those that are gone; the names of those that were there."""

    async def sandboxes(self) -> Sequence[Sandbox]:
        """All sandboxes that are there."""

    async def serve(
        self, contract: Contract, settings: Settings, carried: Mapping[str, Carried], skipped: Mapping[str, int]
    ) -> None:
        """Serve another contract from now on, in one step.

        `carried` is what the sandboxes have under it, by name; their records stay. Generated ids of the names in
        `skipped` begin so much lower than before, and go on above those given out.
        """

    # -- journal and counts -----------------------------------------------------------------------------

    def next_entry_id(self) -> str:
        """The id of the entry of a request that came to no sandbox."""

    async def add_entry(self, entry: Entry, observation: Observation) -> None:
        """Keep the entry of a request that came to no decision, and count it."""

    async def entries(self, sandbox: str | None, *, before: str = "", after: str = "") -> Sequence[Entry]:
        """The entries of a sandbox, or of all (None), newest first: those older or newer than the entry of an id.

        Raises `ValueError` for what can be no id.
        """

    async def entry(self, entry_id: str) -> Entry | None:
        """The entry of an id, if it is still there."""

    async def clear_entries(self, sandbox: str) -> int:
        """Drop the entries of a sandbox because somebody asked to; how many there were."""

    async def lost_entries(self, sandbox: str) -> int:
        """How many entries of a sandbox were dropped, at least, as the journal was full."""

    def listen(self, sandbox: str | None, wake: Callable[[], None]) -> Listener:
        """Listen for new entries of a sandbox, or of all (None); `wake` is called at each and must not wait."""

    async def tally(self, sandbox: str | None) -> Tally:
        """What was counted of a sandbox, or of all that ever were (None)."""

    def gauges(self) -> Gauges:
        """What there is now."""
