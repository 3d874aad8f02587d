"""An index by equality, so that thousands of scenarios that differ by one value cost no more than a few.

Worth 880 µs a request at 1,022 scenarios (explanation/performance.md). The result is that of trying every scenario
in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar

from mockserver.core.language import Condition, EqualValue
from mockserver.core.model import Facts

MIN_TABLE_SIZE: Final = 8
"""A place that fewer items compare gets no table."""

_T = TypeVar("_T")

_HASHED: Final = frozenset([str, int, float, bool, type(None)])
"""The types of values that a table can hold; a value of another type equals none of them."""


class EqualityIndex(Generic[_T]):
    """Items in order, each with conditions that all have to hold."""

    def __init__(self, items: Iterable[tuple[Sequence[Condition], _T]]) -> None:
        """Build the tables. An item is always tried unless one of them covers it."""
        items = tuple(items)
        self.all = tuple(item for _, item in items)
        by_place: dict[str, list[tuple[int, EqualValue]]] = {}
        for number, (conditions, _) in enumerate(items):
            equals = next((one.equals for one in conditions if one.equals is not None), None)
            if equals is not None:
                by_place.setdefault(equals.place, []).append((number, equals))
        self._tables: list[tuple[Callable[[Facts], Any], dict[Any, list[int]]]] = []
        indexed: set[int] = set()
        for items_of_place in by_place.values():
            if len(items_of_place) < MIN_TABLE_SIZE:
                continue
            table: dict[Any, list[int]] = {}
            for number, equals in items_of_place:
                table.setdefault(equals.operand, []).append(number)
                indexed.add(number)
            _, first = items_of_place[0]
            self._tables.append((first.extract, table))
        self._always = tuple(number for number in range(len(items)) if number not in indexed)

    def candidates(self, facts: Facts) -> Sequence[_T]:
        """The items that may apply, in order; the conditions of all others do not hold."""
        if not self._tables:
            return self.all
        found = list(self._always)
        for extract, table in self._tables:
            value = extract(facts)
            if type(value) in _HASHED:
                found += table.get(value, ())
        return [self.all[number] for number in sorted(found)]
