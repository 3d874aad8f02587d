"""What a comparison gives: changes, each with a verdict and its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from mockserver.base.json_pointer import json_pointer
from mockserver.base.values import equal
from mockserver.core.model import MISSING, Path

Verdict: TypeAlias = Literal["breaking", "compatible", "cosmetic"]

VERDICTS: Final[tuple[Verdict, ...]] = ("breaking", "compatible", "cosmetic")
"""The verdicts, the worst first."""

Part: TypeAlias = Literal[
    "operation",
    "envelope",
    "outcome",
    "example",
    "request",
    "answer",
    "open answer",
    "collection",
    "reserved value",
    "setting",
    "assumption",
    "contract",
]


class Place(Struct, frozen=True):
    """A named part of a contract, such as an outcome of an operation; `operation` is empty outside operations."""

    part: Part
    name: str
    operation: str = ""


class Change(Struct, frozen=True):
    """One change: where (`at` is a JSON Pointer or a word inside the place), the values, and what it means.

    `before` and `now` are JSON values; `MISSING` where there is none.
    """

    place: Place
    at: str
    before: Any
    now: Any
    verdict: Verdict
    reason: str

    @property
    def kind(self) -> str:
        """`added`, `removed` or `changed`."""
        return "added" if self.before is MISSING else "removed" if self.now is MISSING else "changed"


class Side(Struct, frozen=True):
    """One of the two contracts: its name as the user gave it, and its hash."""

    name: str
    hash: str


class Comparison(Struct, frozen=True):
    """The changes from an old contract to a new one, in the order of the contract."""

    old: Side
    new: Side
    changes: tuple[Change, ...]

    def of_verdict(self, verdict: Verdict) -> tuple[Change, ...]:
        """The changes of one verdict."""
        return tuple(change for change in self.changes if change.verdict == verdict)

    @property
    def verdict(self) -> Verdict | None:
        """The worst verdict; None where nothing changed."""
        return next((verdict for verdict in VERDICTS if self.of_verdict(verdict)), None)


class ValueDifference(Struct, frozen=True):
    """A part in which two JSON values differ: its JSON Pointer and both values (`MISSING` where there is none).

    `order` tells that only the order of an object's members differs.
    """

    at: str
    before: Any
    now: Any
    order: bool = False


_DIRECTIVES: Final = ("first_of", "each")
"""Members that make an object a template of the scenario language, which is compared as one value."""


def value_differences(
    before: Any, now: Any, at: Path = (), same: Callable[[Any, Any], bool] = equal
) -> Iterator[ValueDifference]:
    """The smallest parts in which two JSON values differ; `same` compares those that are no lists and no objects."""
    if _is_object(before) and _is_object(now):
        for name in {**before, **now}:
            yield from value_differences(before.get(name, MISSING), now.get(name, MISSING), (*at, name), same)
        if list(before) != list(now) and before.keys() == now.keys():
            yield ValueDifference(json_pointer(at), list(before), list(now), order=True)
    elif isinstance(before, list) and isinstance(now, list):
        for index in range(max(len(before), len(now))):
            yield from value_differences(_item(before, index), _item(now, index), (*at, index), same)
    elif not same(before, now):
        yield ValueDifference(json_pointer(at), before, now)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not any(name in value for name in _DIRECTIVES)


def _item(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else MISSING
