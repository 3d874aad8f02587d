"""The vocabulary: the frozen values of requests and records."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct, field
from msgspec.structs import force_setattr

from mockserver.base.json_pointer import json_pointer
from mockserver.base.values import MAX_REQUEST_DEPTH


class Missing(enum.Enum):
    """The type of `MISSING`, which marks an absent member (null is a value)."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

Path: TypeAlias = tuple[str | int, ...]
Provenance: TypeAlias = Literal["documented", "assumed"]
Origin: TypeAlias = Literal["seed", "request", "default"]
Trigger: TypeAlias = Literal["values", "state", "header", "armed", "default"]


def member_of(value: Any, step: str | int) -> Any:
    """The member or the item of a JSON value that a step of a path leads to; `MISSING` if there is none."""
    if value is MISSING:
        return MISSING
    if isinstance(value, list):
        return value[int(step)] if str(step).isdecimal() and int(step) < len(value) else MISSING
    return value.get(step, MISSING) if isinstance(value, Mapping) else MISSING


def value_at(value: Any, path: Iterable[str | int]) -> Any:
    """What stands at a path in a JSON value; `MISSING` if there is nothing."""
    for step in path:
        value = member_of(value, step)
    return value


# -- a request ------------------------------------------------------------------------------------


EMPTY_MAPPING: Final[Mapping[str, str]] = MappingProxyType({})


class Request(Struct, frozen=True, gc=False):
    """One request. `query` is decoded; `headers` answers to lower-case names.

    `path` begins with the sandbox if that was sent. It is decoded, except that a `/` or `%` within a segment stays
    `%2F` or `%25`. `reads_chunks`: the answer may come in chunks, which HTTP/1.0 does not have.
    """

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = EMPTY_MAPPING
    query: Mapping[str, str] = EMPTY_MAPPING
    reads_chunks: bool = True


class Violation(Struct, frozen=True, gc=False):
    """One thing that JSON Schema found wrong: where (`root` and `path`), which keyword, what was got.

    `message` says what was expected and what kind of thing was got; it never holds a value of the request.
    `got` is one of `values.KINDS_OF_ABSENCE`; `other` means that a value is there. `known` lists the allowed names if a
    name or a word is unknown, `description` is the description in the schema; both help people who write files.
    `values` holds what the message says by name, so that others can word it in another language.
    """

    root: str
    path: Path
    keyword: str
    got: str
    message: str
    known: tuple[str, ...] = ()
    description: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""
    """The path as YAML writes it: `body.person.name`. Conditions compare it often, so it is made once."""

    def __post_init__(self) -> None:
        """Derive `where`."""
        force_setattr(self, "where", ".".join((self.root, *map(str, self.path))))

    @property
    def pointer(self) -> str:
        """The JSON Pointer (RFC 6901) inside the root."""
        return json_pointer(self.path)

    @property
    def text(self) -> str:
        """Where and what, in one line."""
        return f"{self.where}: {self.message}"


class UnknownMember(Struct, frozen=True, gc=False):
    """A member of a value that its schema does not declare, with the names that are spelt nearly like it."""

    path: Path
    near: tuple[str, ...]


class RequestWarning(Struct, frozen=True, gc=False, omit_defaults=True):
    """Something accepted that a client probably did not mean; `assumption` is the id of what accepting it rests on.

    `values` holds what the message says by name, beside what the pointer names.
    """

    root: str
    pointer: str
    keyword: str
    message: str
    assumption: str = field(name="point")
    values: Mapping[str, str] = field(default_factory=dict)


class Document(Struct, frozen=True, gc=False):
    """A request as read: its JSON body (`MISSING` where it is none), violations in a stable order, warnings.

    In a decision the violation that decided stands first.
    secret_places: where secrets stand in the body. They are masked in `body`, so that no decision rests on one and no
    answer, record or explanation shows one; but not where the whole body counts as a secret.
    """

    request: Request
    parameters: Mapping[str, str] = EMPTY_MAPPING
    body: Any = MISSING
    violations: tuple[Violation, ...] = ()
    warnings: tuple[RequestWarning, ...] = ()
    secret_places: tuple[Path, ...] = ()


# -- state ----------------------------------------------------------------------------------------


class Record(Struct, frozen=True, gc=False, omit_defaults=True):
    """A keyed record.

    `visible` is what paths see: its members with `key` and `origin`. `entry_id` is the id of the journal entry whose
    request wrote it last, empty if none did.

    origin: `seed` (from a file), `request` (written since: by a request, by hand or from a snapshot), `default` (an
    open collection's answer for a key never seen).
    """

    visible: Mapping[str, Any] = field(name="view")
    entry_id: str = field(name="entry", default="")

    @classmethod
    def make(cls, key: str, members: Mapping[str, Any], origin: Origin, entry: str = "") -> Record:
        """A record of these members."""
        return cls({**members, "key": key, "origin": origin}, entry)

    @property
    def origin(self) -> str:
        """Where the record comes from."""
        return str(self.visible["origin"])

    @property
    def members(self) -> dict[str, Any]:
        """The members that the contract names, without `key` and `origin`."""
        return {name: value for name, value in self.visible.items() if name not in ("key", "origin")}


RecordUpdate: TypeAlias = Callable[[Record | None], Record | None]
"""Makes a record of the one that a lookup finds; None is a tombstone, or that it finds none."""


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """A named set of records. `seeds` holds None for a tombstone: a key that does not exist.

    If it `is_open`, a key never seen has a record as well, with `default_members`. `constant_seeds` names the seeds
    that no request changes. `is_reserved` tells whether a key has the reserved form; `test_values` are the seeds of
    that form, spelt as in the file. `fold` normalizes a key, and `violations` checks the members of a record.
    `title` is the name for people, by language.
    """

    name: str
    is_open: bool
    default_members: Mapping[str, Any]
    seeds: Mapping[str, Record | None]
    constant_seeds: frozenset[str]
    is_reserved: Callable[[str], bool]
    test_values: tuple[str, ...]
    members: tuple[str, ...]
    fold: Callable[[str], str]
    violations: Callable[[Any], tuple[Violation, ...]]
    title: Mapping[str, str]

    def unwritten_record(self, key: str) -> Record | None:
        """The record of a key that nobody wrote: its seed, else the default of an open collection; None for none."""
        if key in self.seeds:
            return self.seeds[key]
        return Record({**self.default_members, "key": key, "origin": "default"}) if self.is_open else None


class Write(Struct, frozen=True, gc=False):
    """Members to merge into a record at commit."""

    collection: str
    key: str
    members: Mapping[str, Any]


class Lookup(Struct, frozen=True, gc=False):
    """A record fetched by key before a decision, or several by a list of keys (`is_list`).

    `path` says where the key stands, as text. `fold` normalizes the key, if set. Nothing is fetched where `unless` has
    a value that is not blank.
    """

    name: str
    collection: Collection
    path: str
    key: Callable[[Facts], Any]
    is_list: bool
    fold: Callable[[str], str] | None
    unless: Callable[[Facts], Any] | None


class IdRule(Struct, frozen=True, gc=False):
    """How an id is drawn before deciding, which a commit uses up: `prefix` and a number counted up from `first`.

    `unused_in` names the collection whose keys are passed over, if any. `is_opaque`: clients may not read its form.
    """

    name: str
    first: int
    prefix: str
    unused_in: str | None
    is_opaque: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user can set without touching a scenario; see `contract.schema.json` for each."""

    error_status: int = 400
    mock_headers: bool = True
    require_headers: tuple[str, ...] = ()
    require_sandbox: bool = False
    seed: int = 0
    utc_offset: str = "+00:00"
    vary: str = ""
    max_body: int = 1_048_576
    max_depth: int = MAX_REQUEST_DEPTH
    request_timeout: float = 30.0
    max_sandboxes: int = 1_000
    sandbox_ttl: float = 600.0
    sandbox_from: str = ""
    journal_entries: int = 10_000
    journal_bytes: int = 67_108_864
    max_records: int = 1_000_000
    max_state_bytes: int = 536_870_912


class Facts(Struct, frozen=True, gc=False):
    """All that conditions and templates read of a request and its sandbox; what is absent is `MISSING`.

    now_ns: the one reading of the sandbox's clock, nanoseconds since 1970-01-01T00:00:00Z.
    new: the ids drawn for it, by name.
    unclaimed: the violations that no scenario names.
    violation: the members of the one that decided, for templates.
    records: what each lookup found, by its name: what paths see of a record, or a list of such for a lookup of many.
    item: one of such a list, inside `give`.
    """

    settings: Settings
    now_ns: int = 0
    body: Any = MISSING
    header: Mapping[str, str] = EMPTY_MAPPING
    query: Mapping[str, str] = EMPTY_MAPPING
    path: Mapping[str, str] = EMPTY_MAPPING
    new: Mapping[str, str] = EMPTY_MAPPING
    violations: tuple[Violation, ...] = ()
    unclaimed: tuple[Violation, ...] = ()
    violation: Any = MISSING
    records: dict[str, Any] = field(default_factory=dict)
    item: Any = MISSING
