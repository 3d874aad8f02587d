"""The vocabulary: the frozen values that every other module speaks in.

Knows no file, no library, no HTTP and no operation; what is compiled stands here as a callable.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, cast


class Missing(enum.Enum):
    """The type of `MISSING`, which stands for a member that is not there (null is a value)."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

Facts: TypeAlias = dict[str, Any]
"""What a decision may look at: root name (`body`, `header`, a lookup's name, ...) to value or `MISSING`."""

Path: TypeAlias = tuple[str | int, ...]
Source: TypeAlias = Literal["documented", "assumed"]
Origin: TypeAlias = Literal["seed", "request", "default"]
Trigger: TypeAlias = Literal["values", "state", "header", "armed", "default"]


# -- what can be wrong in a file ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a file, at a path inside it; the loader adds file, line and column."""

    at: Path
    what: str
    expected: str
    came: str = ""
    hint: str = ""


Report: TypeAlias = Callable[[Fault], None]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file: its name as given by the user, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


# -- a request ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` and `query` are decoded; `headers` answers to lower-case names."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that JSON Schema found wrong: where (`root` and `path`), which keyword, what came instead.

    `message` says what was expected and what kind of thing came; it never holds a value of the request.
    `came` is one of `values.CAME`. `known` are the names allowed where a name or a word is unknown, and
    `about` is the schema's description of the place; both serve people who write files.
    """

    root: str
    path: Path
    keyword: str
    came: str
    message: str
    known: tuple[str, ...] = ()
    about: str = ""

    @property
    def where(self) -> str:
        """The path as YAML writes it: `body.person.name`."""
        return ".".join((self.root, *map(str, self.path)))

    @property
    def pointer(self) -> str:
        """The JSON Pointer (RFC 6901) inside the root."""
        return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in self.path)

    @property
    def text(self) -> str:
        """Where and what, in one line."""
        return f"{self.where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Warn:
    """Something accepted that a client probably did not mean; `point` is the open point it rests on."""

    root: str
    pointer: str
    keyword: str
    message: str
    point: str


@dataclass(frozen=True, slots=True)
class Document:
    """A request as read: its JSON body (`MISSING` where it is none), violations in a stable order, warnings."""

    body: Any
    violations: tuple[Violation, ...] = ()
    warnings: tuple[Warn, ...] = ()


# -- state ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """A keyed record. `view` holds its members and, as paths see them, `key` and `origin`.

    origin: `seed` (from a file), `request` (written by an earlier request), `default` (an open
    collection's answer for a key never seen).
    """

    view: Mapping[str, Any]

    @classmethod
    def make(cls, key: str, members: Mapping[str, Any], origin: Origin) -> Record:
        """A record of these members."""
        return cls({**members, "key": key, "origin": origin})

    @property
    def origin(self) -> Origin:
        """Where the record comes from."""
        return cast(Origin, self.view["origin"])


@dataclass(frozen=True, slots=True)
class Collection:
    """A named set of records. `seeds` holds None for a tombstone: a key that does not exist.

    `constant` names the seeds that no request changes. `reserved` tells a key of the reserved form, and
    `test_values` are the seeds of that form as the file spells them.
    """

    name: str
    open: bool
    default: Mapping[str, Any]
    seeds: Mapping[str, Record | None]
    constant: frozenset[str]
    reserved: Callable[[str], bool]
    test_values: tuple[str, ...]
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Write:
    """Members to merge into a record at commit."""

    collection: str
    key: str
    members: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A record fetched by key before a decision, or many by a list of keys (`many`)."""

    name: str
    collection: Collection
    path: str
    key: Callable[[Facts], Any]
    many: bool
    fold: Callable[[str], str] | None
    unless: Callable[[Facts], Any] | None


@dataclass(frozen=True, slots=True)
class NewId:
    """An id drawn before deciding and used up at commit: `prefix` and a number counted up from `first`."""

    name: str
    first: int
    prefix: str
    unused_in: str | None


# -- the contract ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a condition did not hold: where, what was expected, what came."""

    path: str
    expected: str
    came: str


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition.

    `fails` gives None where it holds, otherwise what was expected; `evidence` says the same at length.
    `reads` names the roots it looks at; `claims` tells whether it names a violation; `first` gives
    the violation it rests on. `text` is the condition in words.
    """

    text: str
    fails: Callable[[Facts], str | None]
    evidence: Callable[[Facts], tuple[Evidence, ...]]
    reads: frozenset[str] = frozenset()
    claims: Callable[[Violation], bool] | None = None
    first: Callable[[Facts], Violation | None] | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """An open point that an answer rests on, where `when` holds (always, if there are no conditions)."""

    id: str
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a scenario: its conditions, its source, and the points it rests on beside the scenario's."""

    conditions: tuple[Condition, ...]
    source: Source
    heading: str | None
    assumed: tuple[Point, ...]
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Change:
    """What a scenario does to the record of one lookup: member to (`set` or `add`, value)."""

    lookup: Lookup
    members: Mapping[str, tuple[Literal["set", "add"], Template]]


@dataclass(frozen=True, slots=True)
class Envelope:
    """The shape of an answer: status, body (with `${respond}` in it), and its schema."""

    name: str
    status: Template
    assumed: tuple[Point, ...]
    violations: Callable[[Any], tuple[Violation, ...]]


@dataclass(frozen=True, slots=True)
class Example:
    """A request that meets a scenario, after the requests whose bodies stand in `before`."""

    request: Any
    before: tuple[Any, ...]
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    position: Position


@dataclass(frozen=True, slots=True)
class Scenario:
    """One named case: when it applies (`ways`, tried in order), what it answers, what it changes."""

    id: str
    operation: str
    source: Source
    heading: str | None
    note: str | None
    assumed: tuple[Point, ...]
    ways: tuple[Way, ...]
    envelope: Envelope
    status: Template
    body: Template
    pieces: tuple[bytes | Callable[[Facts], Any], ...]
    changes: tuple[Change, ...]
    new: frozenset[str]
    examples: tuple[Example, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Operation:
    """A method and a path with all that is needed to decide a request to it.

    `read` turns a request and its path parameters into a document.
    """

    id: str
    method: str
    path: str
    parameters: tuple[str, ...]
    read: Callable[[Request, Mapping[str, str], Settings], Document]
    lookups: tuple[Lookup, ...]
    new: tuple[NewId, ...]
    scenarios: tuple[Scenario, ...]
    by_id: Mapping[str, Scenario]
    assumed: tuple[str, ...]

    def fill(self, parameters: Mapping[str, str]) -> str:
        """The path with its parameters filled in."""
        path = self.path
        for name in self.parameters:
            path = path.replace("{" + name + "}", parameters.get(name, name))
        return path


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user can set without touching a scenario; see `contract.schema.json` for each."""

    error_status: int = 400
    mock_headers: bool = True
    require_headers: tuple[str, ...] = ()
    require_sandbox: bool = False
    seed: int = 0
    utc_offset: str = "+00:00"
    max_body: int = 1_048_576
    max_depth: int = 64


@dataclass(frozen=True, slots=True)
class Replaced:
    """Something that an overlay put in the place of something else (`before` is None where it is new)."""

    what: str
    position: Position
    before: Position | None


@dataclass(frozen=True, slots=True)
class Contract:
    """All that is loaded. `hash` tells one set of files from another, whatever their comments and layout."""

    hash: str
    operations: tuple[Operation, ...]
    collections: Mapping[str, Collection]
    assumptions: Mapping[str, str]
    settings: Settings
    replaced: tuple[Replaced, ...] = ()

    @property
    def scenarios(self) -> Iterable[Scenario]:
        """Every scenario, operation by operation, in the order of checks."""
        return (scenario for operation in self.operations for scenario in operation.scenarios)


# -- a decision -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tick:
    """The one reading of the clock for a request: nanoseconds since 1970-01-01T00:00:00Z."""

    now_ns: int


@dataclass(frozen=True, slots=True)
class Decision:
    """Which scenario answers, how it was met, what it rests on, and what it changes."""

    operation: Operation
    scenario: Scenario
    way: Way | None
    trigger: Trigger
    source: Source
    assumed: tuple[str, ...]
    document: Document
    facts: Facts
    writes: tuple[Write, ...]


@dataclass(frozen=True, slots=True)
class Miss:
    """A scenario that was tried and did not apply, with the evidence against its nearest way."""

    scenario: Scenario
    evidence: tuple[Evidence, ...]
    held: int


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, headers and body. `decision` is None where the API did not answer (a misuse)."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    decision: Decision | None = None
    problem: str | None = None
