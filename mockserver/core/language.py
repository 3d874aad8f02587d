"""Compiled parts of a contract: conditions and templates, as callables over the facts of a request; schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct, field

from mockserver.core.model import MISSING, Facts, Path, UnknownMember, Violation

EvidenceKind: TypeAlias = Literal["value", "missing", "record", "violations", "holds"]
"""What was got: a value as JSON, nothing, a record, the violations of the request, or a condition that holds."""


class Evidence(Struct, frozen=True):
    """Why a condition did not hold: where, what was expected, what was got.

    `condition` is what did not hold as the file writes it, and `kind` says what `got` is, so that others can word both.
    """

    path: str
    expected: str
    got: str
    condition: Mapping[str, Any] = field(default_factory=dict)
    kind: EvidenceKind = "value"


class EqualValue(Struct, frozen=True):
    """The condition that the value at a place, a path as text, equals the operand."""

    place: str
    extract: Callable[[Facts], Any]
    operand: Any


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A compiled condition.

    text: the condition in words.
    written: the condition as the file writes it, its name and its operand.
    failure: None if it holds, otherwise what was expected; `evidence` says the same in detail.
    reads: the roots it reads.
    selects_violation: whether it names a violation; `first_violation` returns the first that it names.
    can_hold_without_violations: whether it can hold for a request without violations.
    equals: set if it holds only where the value at a place equals one text, number, boolean or null.
    """

    text: str
    failure: Callable[[Facts], str | None]
    evidence: Callable[[Facts], tuple[Evidence, ...]]
    written: Mapping[str, Any]
    reads: frozenset[str] = frozenset()
    selects_violation: Callable[[Violation], bool] | None = None
    first_violation: Callable[[Facts], Violation | None] | None = None
    can_hold_without_violations: bool = True
    equals: EqualValue | None = None


def all_hold(conditions: Iterable[Condition], facts: Facts) -> bool:
    """Whether all conditions hold."""
    for condition in conditions:  # noqa: SIM110 - a generator with all() takes three times as long
        if condition.failure(facts) is not None:
            return False
    return True


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A compiled value: `constant` if it has no references, otherwise `render`.

    `certain`: it has a value for every request. `members` and `items` keep the parts of an object or an array, so that
    constant parts are encoded once. `new` names the new ids that it may use.
    """

    render: Callable[[Facts], Any]
    reads: frozenset[str] = frozenset()
    certain: bool = True
    constant: Any = MISSING
    members: Mapping[str, Template] | None = None
    items: tuple[Template, ...] | None = None
    new: frozenset[str] = frozenset()


class CompiledBody(Struct, frozen=True):
    """The JSON of a body as a format string: one `%b` for each of the `values`."""

    text: bytes
    values: tuple[Callable[[Facts], Any], ...]


class Validator(Protocol):
    """A compiled JSON Schema."""

    def violations(self, root: str, instance: Any) -> tuple[Violation, ...]:
        """All that is wrong with `instance`, sorted by place and keyword."""

    def unknown_members(self, instance: Any) -> Iterable[UnknownMember]:
        """The members of `instance` that the schema does not declare."""

    def values_at(self, path: Path) -> tuple[Any, ...]:
        """The values that the schema lists at a place (`enum`); none where it lists none."""

    def is_date_time(self, path: Path) -> bool:
        """Whether the schema gives the text at a place the format `date-time`."""
