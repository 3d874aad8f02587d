"""A compiled contract, and what is decided with it: scenarios, operations, decisions, replies; all frozen.

Knows no file, no library, no HTTP and no operation; what is compiled stands here as a callable.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, TypeAlias

from mockserver.core.model import (
    MISSING,
    Collection,
    Delay,
    Document,
    Facts,
    Fault,
    Lookup,
    NewId,
    Path,
    Position,
    Provenance,
    Settings,
    Trigger,
    Violation,
    Write,
)


class Evidence(NamedTuple):
    """Why a condition did not hold: where, what was expected, what came."""

    path: str
    expected: str
    came: str


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A compiled condition.

    `fails` gives None where it holds, otherwise what was expected; `evidence` says the same at length.
    `reads` names the roots it looks at; `claims` tells whether it names a violation; `first` gives
    the violation it rests on. `text` is the condition in words.

    `settled`: of records that nobody wrote (absent ones, and the default ones of a collection) it always says the
    same, if it reads nothing else, as it does not look at their keys; and of members of the body that are there and
    not null, empty or blank, whatever they are. `calm`: it may hold of a request without
    violations. `equals`: it holds only where the value that is extracted is this one, a text, a number, a boolean or
    null; `place` says where that stands.
    """

    text: str
    fails: Callable[[Facts], str | None]
    evidence: Callable[[Facts], tuple[Evidence, ...]]
    reads: frozenset[str] = frozenset()
    claims: Callable[[Violation], bool] | None = None
    first: Callable[[Facts], Violation | None] | None = None
    settled: bool = False
    calm: bool = True
    place: str = ""
    equals: tuple[Callable[[Facts], Any], Any] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Assumption:
    """An open point that an answer rests on, where `when` holds (always, if there are no conditions)."""

    id: str
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Alternative:
    """One way to a scenario: its conditions, its source, and the points it rests on beside the scenario's."""

    conditions: tuple[Condition, ...]
    source: Provenance
    heading: str | None
    assumed: tuple[Assumption, ...]
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A compiled value: `constant` where it has no references, otherwise `render`.

    `certain`: it can be resolved whatever the request is. `members` / `items` keep the shape of an
    object or an array, so that its constant parts can be written once.
    """

    render: Callable[[Facts], Any]
    reads: frozenset[str] = frozenset()
    certain: bool = True
    constant: Any = MISSING
    members: Mapping[str, Template] | None = None
    items: tuple[Template, ...] | None = None
    new: frozenset[str] = frozenset()


class Change(NamedTuple):
    """What a scenario does to the record of one lookup.

    `members` has each with its value where that is always the same; those `rendered` each time follow with whether
    the value is added to what is there.
    """

    lookup: Lookup
    members: Mapping[str, Any]
    rendered: tuple[tuple[str, bool, Template], ...]


class BodyForm(NamedTuple):
    """The JSON of a body, `%b` where one of the `values` goes."""

    text: bytes
    values: tuple[Callable[[Facts], Any], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """The shape of an answer: status, body (with `${respond}` in it), and its schema; `schema` names its file."""

    name: str
    status: Template
    assumed: tuple[Assumption, ...]
    violations: Callable[[Any], tuple[Violation, ...]]
    schema: str | None = None


class Validator(Protocol):
    """A compiled JSON Schema."""

    def violations(self, root: str, instance: Any) -> tuple[Violation, ...]:
        """All that is wrong with `instance`, sorted by place and keyword."""

    def unknown(self, instance: Any) -> Iterable[tuple[Path, tuple[str, ...]]]:
        """The members of `instance` that the schema does not declare, each with near spellings."""


@dataclass(frozen=True, slots=True, eq=False)
class WarningRules:
    """What a client is warned about, each with the assumption that accepting it rests on.

    `content_type`: the one expected, in lower case. `any_header`: names of headers, one of which should be sent.
    """

    unknown_members: str | None = None
    content_type: tuple[str, str] | None = None
    any_header: tuple[tuple[str, ...], str] | None = None


class Example(NamedTuple):
    """A request that meets a scenario, after the requests whose bodies stand in `before`."""

    request: Any
    before: tuple[Any, ...]
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    position: Position


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """One named case: when it applies (`ways`, tried in order), what it answers, what it changes.

    `given` is its text, where it was given while the mock runs.
    """

    id: str
    operation: str
    source: Provenance
    heading: str | None
    note: str | None
    assumed: tuple[Assumption, ...]
    alternatives: tuple[Alternative, ...]
    envelope: Envelope
    status: Template
    body: Template
    form: BodyForm
    changes: tuple[Change, ...]
    new: frozenset[str]
    examples: tuple[Example, ...]
    position: Position
    fault: Fault | None = None
    delay: Delay | None = None
    turns: Turns | None = None
    source_text: str | None = None

    @property
    def answers_all(self) -> bool:
        """Whether it answers whatever comes, and so can be the last one."""
        aside = self.turns is not None and any(turn.scenario is None for turn in self.turns.turns)
        return not aside and not self.changes and any(not way.conditions for way in self.alternatives)


class Turn(NamedTuple):
    """What the next `times` requests get: a scenario, or (None) whatever answers anyway; with a fault, a delay."""

    scenario: Scenario | None = None
    fault: Fault | None = None
    delay: Delay | None = None
    times: int = 1


class Turns(NamedTuple):
    """Answers in turn; after the last one it stays (`cycle` false), or all begin again."""

    turns: tuple[Turn, ...]
    cycle: bool = False

    def at(self, count: int) -> Turn:
        """Whose turn it is after `count` requests."""
        if self.cycle:
            count %= sum(turn.times for turn in self.turns)
        for turn in self.turns:
            count -= turn.times
            if count < 0:
                return turn
        return self.turns[-1]

    @property
    def form(self) -> tuple[object, ...]:
        """What makes a place in the series mean the same in another one: how many answers, and where it passes."""
        return (self.cycle, *((turn.times, turn.scenario is None) for turn in self.turns))


class RuntimeCompiler(NamedTuple):
    """Compiles what is given while the mock runs, against its operation; see `loading.given_scenario`.

    Both take a `layers.ConfigNode` whose data has passed the format, and report to its source.
    """

    conditions: Callable[[Any], tuple[Condition, ...]]
    scenario: Callable[[Any], Scenario | None]


RETIRED = RuntimeCompiler(lambda _: (), lambda _: None)
"""That of an operation that is served no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A method and a path with all that is needed to decide a request to it.

    `body` checks the body, `parameter_schemas` the roots `path` and `query`, where they have a schema. `sensitive` are
    the places of secrets, each beginning with its root. `schemas` names the schema files of `body`, `query` and `path`,
    where there are any.
    """

    id: str
    method: str
    path: str
    parameters: tuple[str, ...]
    body: Validator | None
    parameter_schemas: tuple[tuple[str, Validator], ...]
    warnings: WarningRules
    lookups: tuple[Lookup, ...]
    new: tuple[NewId, ...]
    scenarios: tuple[Scenario, ...]
    by_id: Mapping[str, Scenario]
    assumed: tuple[str, ...]
    sensitive: tuple[Path, ...]
    run_time: RuntimeCompiler
    schemas: Mapping[str, str] = field(default_factory=dict)

    def alone(self, scenario: Scenario) -> Operation:
        """An operation that is served no more, as a decision of its day remembers it: with what answered alone."""
        return replace(self, scenarios=(scenario,), by_id={scenario.id: scenario}, run_time=RETIRED)

    def fill(self, parameters: Mapping[str, str]) -> str:
        """The path with its parameters filled in."""
        path = self.path
        for name in self.parameters:
            path = path.replace("{" + name + "}", parameters.get(name, name))
        return path


class Replaced(NamedTuple):
    """Something that an overlay put in the place of something else (`before` is None where it is new)."""

    what: str
    position: Position
    before: Position | None


Relink: TypeAlias = Callable[[Callable[[str, Path], str]], Mapping[str, Any]]
"""Gives the schemas by file name; each reference in them is written as the argument says for file and path."""


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """All that is loaded. `hash` tells one set of files from another, whatever their comments and layout."""

    hash: str
    operations: tuple[Operation, ...]
    collections: Mapping[str, Collection]
    assumptions: Mapping[str, str]
    settings: Settings
    replaced: tuple[Replaced, ...] = ()
    schemas: Relink = lambda _: {}

    @property
    def scenarios(self) -> Iterable[Scenario]:
        """Every scenario, operation by operation, in the order of checks."""
        return (scenario for operation in self.operations for scenario in operation.scenarios)


class Reload(NamedTuple):
    """What came of loading the files anew, at a real time.

    `errors` says why they make no contract, each with its place (`at`) and what to try; then nothing was changed.
    `notes` says what sandboxes had that the new contract has no place for.
    """

    at_ns: int
    errors: tuple[Mapping[str, str], ...] = ()
    notes: tuple[str, ...] = ()


class Decision(NamedTuple):
    """Which scenario answers, how it was met, what it rests on, and what it changes.

    `turned` are the scenarios with answers in turn that this request counts for, each with the count before it.
    `scenarios` are those that were in force, in order.
    """

    operation: Operation
    scenario: Scenario
    alternative: Alternative | None
    trigger: Trigger
    source: Provenance
    assumed: tuple[str, ...]
    document: Document
    facts: Facts
    writes: tuple[Write, ...]
    cause: int = 0
    turned: tuple[tuple[str, int], ...] = ()
    scenarios: tuple[Scenario, ...] = ()


class NearMiss(NamedTuple):
    """A scenario that was tried and did not apply, with the evidence against its nearest way."""

    scenario: Scenario
    evidence: tuple[Evidence, ...]
    held: int


class Feed(Protocol):
    """What is sent bit by bit, until the client leaves or the server stops."""

    def open(self, wake: Callable[[], None]) -> None:
        """Begin; `wake` is called whenever there is something to take."""

    def take(self) -> bytes:
        """What is to be sent now."""

    def close(self) -> None:
        """Nobody takes any more."""


class Reply(NamedTuple):
    """An answer: status, headers and body. `decision` is None where the API did not answer (a misuse).

    `entry` is the id of its journal entry, 0 where it has none; `sandbox` is the one that was derived from the
    request, if any; `feed` is what follows the body, if anything; `later` takes its time and gives the answer.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    decision: Decision | None = None
    problem: str | None = None
    fault: Fault | None = None
    delay_ms: float = 0.0
    entry: int = 0
    sandbox: str = ""
    feed: Feed | None = None
    later: Callable[[], Awaitable[Reply]] | None = None

    def __await__(self) -> Generator[None, None, Reply]:
        """Give the reply itself, so that `Engine.handle` can be awaited."""
        yield from ()
        return self
