"""The journal: what came in, what was decided and why, what went out; bounded by entries and by bytes.

Knows entries, which are masked before they come here, and who listens for new ones; it knows no HTTP and no file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple, cast

from mockserver.core.contract import RETIRED, Alternative, Decision, Operation, Scenario
from mockserver.core.model import (
    MISSING,
    NOTHING,
    Document,
    Facts,
    RequestWarning,
    Settings,
    Tick,
    Trigger,
    Violation,
    make,
)
from mockserver.core.values import read, read_kept
from mockserver.decision.decide import completed, key_of
from mockserver.decision.rendering import reply_headers

MOST_QUEUED: Final = 1_000
"""Entries that wait for a listener that is slow; beyond this the oldest ones are lost to it."""

MOST_COUNTED: Final = 100_000
"""Sandboxes whose lost entries are counted; beyond this every sandbox counts as having lost some."""


class Entry(NamedTuple):
    """One request and its reply, secrets masked in shape. `at_ns` is the sandbox's time.

    What can be made again when somebody looks is not kept: thousands of entries are written for each that is read,
    and a value in pieces takes many times the bytes and the time of its text. `head` is the headers, a line each;
    `problem_headers` those of a reply that is no scenario's. `found` has, in the order of the operation's lookups,
    what each came to: None for the default record of an open collection, a text for what requests wrote; `new` the ids
    drawn, in the operation's order. `is_json`: the body was read as a JSON object.

    `problem` is the kind of problem where the API did not answer; `fault` the kind of fault that was performed
    instead of the answer; `cause` the entry that wrote the record on which the decision rested; `weight` the bytes
    that the entry is reckoned to take beside its bodies.

    The members from `sandbox` on are the same in the entries of many requests; see `Kept`.
    """

    id: int
    at_ns: int
    micros: int
    delay_ms: float
    body: bytes
    reply_body: bytes
    cause: int | None
    found: tuple[Any, ...]
    new: tuple[str, ...]
    sandbox: str
    weight: int
    method: str
    target: str
    head: str
    is_json: bool
    status: int
    problem: str | None
    problem_headers: tuple[tuple[str, str], ...]
    fault: str | None
    committed: bool
    contract: str = ""
    operation: Operation | None = None
    scenario: Scenario | None = None
    alternative: Alternative | None = None
    trigger: Trigger = "default"
    assumed: tuple[str, ...] = ()
    violations: tuple[Violation, ...] = ()
    warnings: tuple[RequestWarning, ...] = ()
    unclaimed: tuple[Violation, ...] = ()
    turned: tuple[tuple[str, int], ...] = ()
    scenarios: tuple[Scenario, ...] = ()
    parameters: Mapping[str, str] = NOTHING
    query: Mapping[str, str] = NOTHING
    settings: Settings | None = None

    @property
    def size(self) -> int:
        """The bytes that the entry is reckoned to take."""
        return self.weight + 2 * len(self.body) + len(self.reply_body)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The request's headers as name and value."""
        lines = [line.partition(": ") for line in self.head.split("\n")] if self.head else []
        return tuple((name, value) for name, _, value in lines)

    @property
    def first_headers(self) -> dict[str, str]:
        """The request's headers by name in lower case; of one that came several times the first, which decides."""
        found: dict[str, str] = {}
        for name, value in self.headers:
            found.setdefault(name.lower(), value)
        return found

    @property
    def reply_headers(self) -> tuple[tuple[str, str], ...]:
        """The reply's headers as name and value."""
        decision = self.decision
        if decision is None or self.settings is None:
            return self.problem_headers
        return reply_headers(decision, self.contract, self.id, mock_headers=self.settings.mock_headers)

    @property
    def decision(self) -> Decision | None:
        """The decision without what it looked at and what it wrote; None where no scenario answered."""
        operation, scenario = self.operation, self.scenario
        if operation is None or scenario is None:
            return None
        source = self.alternative.source if self.alternative is not None else scenario.source
        document = Document(MISSING, self.violations, self.warnings)
        met = (operation, scenario, self.alternative, self.trigger, source, self.assumed)
        return Decision(*met, document, {}, (), self.cause or 0, self.turned, self.scenarios)

    @property
    def remembered(self) -> Decision | None:
        """The decision made again with the masked request: it explains itself, as no condition compares a secret."""
        decision = self.decision
        if decision is None or self.settings is None:
            return None
        body = read(self.body, len(self.body)) if self.is_json else MISSING
        facts: Facts = {
            "body": body,
            "header": self.first_headers,
            "query": dict(self.query),
            "path": dict(self.parameters),
            "new": dict(zip((new.name for new in decision.operation.new), self.new, strict=True)),
            "settings": self.settings,
            "tick": Tick(self.at_ns),
            "violations": self.violations,
            "unclaimed": self.unclaimed,
        }
        keys: dict[str, str | None] = {}
        for lookup, found in zip(decision.operation.lookups, self.found, strict=True):
            facts[lookup.name] = read_kept(found) if type(found) is bytes else found
            keys[lookup.name] = key = None if lookup.many else key_of(lookup, facts)
            if found is None and key is not None:
                facts[lookup.name] = lookup.collection.unseen(key)
        facts["@keys"] = keys
        again = completed(decision._replace(document=decision.document._replace(body=body), facts=facts))
        return again._replace(facts={**again.facts, "body": body}, assumed=self.assumed)


class Kept(NamedTuple):
    """An entry as it is kept, in a third of the memory, as much of it is the same in many.

    `usual` are the members from `sandbox` on, which they share: first the sandbox, then the weight.
    """

    id: int
    at_ns: int
    micros: int
    delay_ms: float
    body: bytes
    reply_body: bytes
    cause: int | None
    found: tuple[Any, ...]
    new: tuple[str, ...]
    usual: tuple[Any, ...]

    @property
    def whole(self) -> Entry:
        """The entry."""
        members: tuple[Any, ...] = (*self[:-1], *self.usual)
        # Where no scenario answered, the last ones are not kept; to fill them in takes many times as long.
        return make(Entry, members) if len(members) == len(Entry._fields) else Entry(*members)


class Listener:
    """Waits for new entries of one sandbox, or of all (None)."""

    __slots__ = ("_journal", "_queue", "_sandbox", "_wake", "missed")

    def __init__(self, journal: Journal, sandbox: str | None, wake: Callable[[], None]) -> None:
        """`wake` is called at each entry; it must not wait."""
        self._journal = journal
        self._sandbox = sandbox
        self._wake = wake
        self._queue: deque[Kept] = deque(maxlen=MOST_QUEUED)
        self.missed = 0

    def offer(self, entry: Kept) -> None:
        """Queue an entry, if it is one to wait for."""
        if self._sandbox is None or self._sandbox == entry.usual[0]:
            self.missed += len(self._queue) == MOST_QUEUED
            self._queue.append(entry)
            self._wake()

    def take(self) -> tuple[Entry, ...]:
        """What came since the last time, oldest first."""
        taken = tuple(entry.whole for entry in self._queue)
        self._queue.clear()
        return taken

    def close(self) -> None:
        """Listen no more."""
        self._journal.listeners.discard(self)


class Journal:
    """Entries of all sandboxes, the oldest dropped first; per sandbox it is known how many were lost."""

    def __init__(self, max_entries: int, max_bytes: int) -> None:
        """Hold at most so many entries and so many bytes; no entries, no journal."""
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self._entries: deque[Kept] = deque()
        self._lost: dict[str, int] = {}
        self._forgot = 0
        self.listeners: set[Listener] = set()
        self.size = 0
        self.last_id = 0
        self.evictions = 0

    def __len__(self) -> int:
        return len(self._entries)

    def next_id(self) -> int:
        """The id of the entry that will be added next."""
        self.last_id += 1
        return self.last_id

    def add(self, entry: Kept) -> None:
        """Keep an entry, drop the oldest ones where there is no room, and tell who listens."""
        entries = self._entries
        entries.append(entry)
        self.size += _size(entry)
        while len(entries) > self.max_entries or self.size > self.max_bytes:
            dropped = entries.popleft()
            self.size -= _size(dropped)
            self.evictions += 1
            sandbox = dropped.usual[0]
            self._lost[sandbox] = self._lost.get(sandbox, 0) + 1
            if len(self._lost) > MOST_COUNTED:
                self._lost.clear()
                self._forgot = 1
        for listener in self.listeners:
            listener.offer(entry)

    def listen(self, sandbox: str | None, wake: Callable[[], None]) -> Listener:
        """Listen for new entries of a sandbox, or of all (None), until the listener is closed."""
        listener = Listener(self, sandbox, wake)
        self.listeners.add(listener)
        return listener

    def of(self, sandbox: str) -> Iterator[Entry]:
        """The entries of a sandbox, newest first."""
        return (entry.whole for entry in reversed(self._entries) if entry.usual[0] == sandbox)

    def all(self) -> Iterator[Entry]:
        """The entries of every sandbox, newest first."""
        return (entry.whole for entry in reversed(self._entries))

    def find(self, number: int) -> Entry | None:
        """The entry of an id, if it is still there."""
        return next((entry.whole for entry in self._entries if entry.id == number), None)

    def lost(self, sandbox: str) -> int:
        """How many entries of a sandbox were dropped for want of room, at least."""
        return self._lost.get(sandbox, self._forgot)

    def lighten(self, kept: Iterable[Operation]) -> None:
        """Let go of the scenarios that did not answer, in entries of operations that are not `kept`."""
        known = {id(operation) for operation in kept}
        alone: dict[tuple[int, int], Operation] = {}
        lighter: dict[int, tuple[Any, ...]] = {}  # by what it stands for, which is there until all are done

        def light(entry: Kept) -> Kept:
            usual = lighter.get(id(entry.usual))
            if usual is None:
                usual = lighter[id(entry.usual)] = lightened(entry.whole, entry.usual)
            return entry if usual is entry.usual else entry._replace(usual=usual)

        def lightened(entry: Entry, usual: tuple[Any, ...]) -> tuple[Any, ...]:
            operation, scenario = entry.operation, entry.scenario
            if operation is None or scenario is None or id(operation) in known or operation.run_time is RETIRED:
                return usual
            one = alone.setdefault((id(operation), id(scenario)), operation.alone(scenario))
            return entry._replace(operation=one, scenarios=one.scenarios)[-len(usual) :]

        self._entries = deque(map(light, self._entries))

    def clear(self, sandbox: str) -> int:
        """Drop the entries of a sandbox because somebody asked to; how many there were."""
        kept = deque(entry for entry in self._entries if entry.usual[0] != sandbox)
        dropped = len(self._entries) - len(kept)
        self._entries = kept
        self.size = sum(map(_size, kept))
        self._lost.pop(sandbox, None)
        return dropped

    def clear_all(self) -> None:
        """Drop all entries, and know of none that were lost."""
        self._entries.clear()
        self._lost.clear()
        self._forgot = self.size = 0


def _size(entry: Kept) -> int:
    """The size of an entry, as it says itself when it is whole."""
    return cast(int, entry.usual[1]) + 2 * len(entry.body) + len(entry.reply_body)
