"""Compiled conditions and templates of the scenario language, as callables over the facts of a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from mockserver.core.model import MISSING, Facts, Violation


class Evidence(Struct, frozen=True):
    """Why a condition did not hold: where, what was expected, what was got."""

    path: str
    expected: str
    got: str


class EqualValue(Struct, frozen=True):
    """That the value which is extracted has to be this one."""

    extract: Callable[[Facts], Any]
    operand: Any


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A compiled condition.

    `fails` gives None where it holds, otherwise what was expected; `evidence` says the same at length.
    `reads` names the roots it looks at; `claims` tells whether it names a violation; `first` gives
    the violation it rests on. `text` is the condition in words.

    `without_violations`: it may hold for a request without violations. `equals`: it holds only where the value at
    `place` is the operand, a text, a number, a boolean or null.
    """

    text: str
    fails: Callable[[Facts], str | None]
    evidence: Callable[[Facts], tuple[Evidence, ...]]
    reads: frozenset[str] = frozenset()
    claims: Callable[[Violation], bool] | None = None
    first: Callable[[Facts], Violation | None] | None = None
    without_violations: bool = True
    place: str = ""
    equals: EqualValue | None = None


def all_hold(conditions: Iterable[Condition], facts: Facts) -> bool:
    """Whether every one of some conditions holds."""
    return all(condition.fails(facts) is None for condition in conditions)


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


class BodyFormat(Struct, frozen=True):
    """The JSON of a body, `%b` where one of the `values` goes."""

    text: bytes
    values: tuple[Callable[[Facts], Any], ...]
