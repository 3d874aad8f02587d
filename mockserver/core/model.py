"""The vocabulary: the frozen values that every other module speaks in.

Knows no file, no library, no HTTP and no operation; what is compiled stands here as a callable. Most are named tuples,
which take a third of the time of frozen dataclasses, to make one as to make the class at each start. Dataclasses are
what others are told to change by `dataclasses.replace`, and what is read at each request, a little faster there; those
that hold callables are equal to themselves alone.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar, cast


class Missing(enum.Enum):
    """The type of `MISSING`, which stands for a member that is not there (null is a value)."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

make: Final = tuple.__new__
"""Makes a named tuple of all its members in a third of the time of its own way; what is made at each request is."""

_K = TypeVar("_K")
_V = TypeVar("_V")


def remember(known: dict[_K, _V], key: _K, value: _V, most: int) -> _V:
    """Keep a value that would be made again; once there are the most that may be, all begins anew."""
    if len(known) >= most:
        known.clear()
    known[key] = value
    return value


Facts: TypeAlias = dict[str, Any]
"""What a decision may look at: root name (`body`, `header`, a lookup's name, ...) to value or `MISSING`."""

Path: TypeAlias = tuple[str | int, ...]
Provenance: TypeAlias = Literal["documented", "assumed"]
Origin: TypeAlias = Literal["seed", "request", "default"]
Trigger: TypeAlias = Literal["values", "state", "header", "armed", "default"]


# -- what can be wrong in a file ------------------------------------------------------------------


class Diagnostic(NamedTuple):
    """One thing that is wrong in a file, at a path inside it; the loader adds file, line and column."""

    at: Path
    what: str
    expected: str
    came: str = ""
    hint: str = ""


Report: TypeAlias = Callable[[Diagnostic], None]


class Position(NamedTuple):
    """A place in a file: its name as given by the user, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


# -- a request ------------------------------------------------------------------------------------


NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Request(NamedTuple):
    """One request. `path` and `query` are decoded; `headers` answers to lower-case names.

    Requests with the same number in `alike` have the same headers; with 0 nobody knows.
    """

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = NOTHING
    query: Mapping[str, str] = NOTHING
    alike: int = 0


class Violation(NamedTuple):
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


class RequestWarning(NamedTuple):
    """Something accepted that a client probably did not mean; `point` is the open point it rests on."""

    root: str
    pointer: str
    keyword: str
    message: str
    point: str


class Document(NamedTuple):
    """A request as read: its JSON body (`MISSING` where it is none), violations in a stable order, warnings."""

    body: Any
    violations: tuple[Violation, ...] = ()
    warnings: tuple[RequestWarning, ...] = ()


# -- state ----------------------------------------------------------------------------------------


class Record(NamedTuple):
    """A keyed record: its members and, as paths see them, `key` and `origin`, in one `view`.

    Under `@entry` stands the id of the journal entry whose request wrote it last.

    origin: `seed` (from a file), `request` (written by an earlier request), `default` (an open
    collection's answer for a key never seen).
    """

    view: Mapping[str, Any]

    @classmethod
    def make(cls, key: str, members: Mapping[str, Any], origin: Origin, entry: int = 0) -> Record:
        """A record of these members."""
        return cls({**members, "key": key, "origin": origin, "@entry": entry})

    @property
    def origin(self) -> Origin:
        """Where the record comes from."""
        return cast(Origin, self.view["origin"])


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """A named set of records. `seeds` holds None for a tombstone: a key that does not exist.

    `constant` names the seeds that no request changes. `reserved` tells a key of the reserved form, and
    `test_values` are the seeds of that form as the file spells them. `fold` is how its keys are written, and
    `violations` what is wrong with the members of a record.
    """

    name: str
    open: bool
    default: Mapping[str, Any]
    seeds: Mapping[str, Record | None]
    constant: frozenset[str]
    reserved: Callable[[str], bool]
    test_values: tuple[str, ...]
    members: tuple[str, ...]
    fold: Callable[[str], str]
    violations: Callable[[Any], tuple[Violation, ...]]

    def unseen(self, key: str) -> Mapping[str, Any]:
        """The view of a key that was never seen, in an open collection."""
        return {**self.default, "key": key, "origin": "default", "@entry": 0}


class Write(NamedTuple):
    """Members to merge into a record at commit."""

    collection: str
    key: str
    members: Mapping[str, Any]


class Lookup(NamedTuple):
    """A record fetched by key before a decision, or many by a list of keys (`many`).

    `member`: the key is this member of the body, whatever else the request has.
    """

    name: str
    collection: Collection
    path: str
    key: Callable[[Facts], Any]
    many: bool
    fold: Callable[[str], str] | None
    unless: Callable[[Facts], Any] | None
    member: str | None


class NewId(NamedTuple):
    """An id drawn before deciding and used up at commit: `prefix` and a number counted up from `first`."""

    name: str
    first: int
    prefix: str
    unused_in: str | None


class Delay(NamedTuple):
    """How long an answer waits, in ms: `fixed` (a), `uniform` (a to b), `lognormal` (median a, sigma b, cap c)."""

    kind: Literal["fixed", "uniform", "lognormal"]
    a: float
    b: float = 0.0
    c: float = 0.0


FAULTS: Final = ("hang", "reset", "empty", "truncate", "malformed", "garbage", "dribble", "gateway")


class Fault(NamedTuple):
    """What goes wrong below the contract instead of an answer, or with it.

    `commit`: whether what the request changes is committed all the same. `seconds`: how long a `hang` or a
    `dribble` lasts at most. `status`, `retry_after`, `html`: of a `gateway`'s answer.
    """

    kind: str
    commit: bool = False
    seconds: float = 30.0
    status: int = 503
    retry_after: int | None = None
    html: bool = True


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
    request_timeout: float = 30.0
    max_sandboxes: int = 1_000
    sandbox_ttl: float = 600.0
    sandbox_from: str = ""
    journal_entries: int = 10_000
    journal_bytes: int = 67_108_864
    max_records: int = 1_000_000


class Tick(NamedTuple):
    """The one reading of the clock for a request: nanoseconds since 1970-01-01T00:00:00Z."""

    now_ns: int
