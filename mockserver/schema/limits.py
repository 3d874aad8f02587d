"""How much work a value is for a schema: what would take too long, too much memory or too deep a stack is refused.

A schema that refers to itself twice for one member checks twice as much with each level of a value. How many schemas
one value at each level is checked against can be told from the schema alone; times the values at that level it is the
work. It is measured before a value is checked against a schema that comes back to itself, and before errors are asked
for: the library makes all of them at once, each with a copy of the value that it is about.
"""

from __future__ import annotations

import graphlib
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mockserver.schema.patterns import compile_pattern
from mockserver.schema.references import Located

DEEPEST: Final = 250
"""Levels of a value that are checked; the library copies no deeper value."""

MOST_CHECKS: Final = 1_000_000
"""Checks of one part of a value, where only the verdict is asked for."""

MOST_COPIES: Final = 50_000
"""The same where errors are asked for; also, how many schemas one value may be checked against."""

TOO_DEEP: Final = "nested too deep for its schema"
TOO_MUCH: Final = "takes too much to check against its schema"

_OTHER_MEMBER: Final = "\0"
_OTHER_ITEM: Final = sys.maxsize


@dataclass(frozen=True, slots=True)
class Limits:
    """By level, how many schemas one value is checked against at most; below, as many as at the last one."""

    checks: tuple[int, ...]

    @property
    def endless(self) -> bool:
        """Whether a value is followed however deep it is."""
        return self.checks[-1] > 0

    @property
    def too_much(self) -> bool:
        """Whether the schema is too much for any value."""
        return self.checks[0] > MOST_COPIES

    def excess(self, value: Any, most: int) -> str:
        """Why a value takes more than so many checks, or copies of its parts, or nothing."""
        level, copies, work = [value], 0, 0
        for depth in range(DEEPEST):
            copies += self.checks[min(depth, len(self.checks) - 1)]  # an error holds all that stands in its value
            work += copies * len(level)
            if work > most:
                return TOO_MUCH
            parts = [
                node.values() if isinstance(node, dict) else node for node in level if isinstance(node, dict | list)
            ]
            level = [part for inner in parts for part in inner]
            if not level:
                return ""
        return TOO_DEEP


def limits_of(schema: Located) -> Limits:
    """What a schema asks for, worked out once."""
    graph = _Graph(schema.reachable())
    start = id(schema.schema)
    entries = graph.entries(start)
    now = {node: graph.together[node].total() for node in entries}
    checks = [now[start]]
    before: Mapping[int, int] = {}
    while now != before and now[start] <= MOST_CHECKS and len(checks) < DEEPEST:
        before, now = now, {node: graph.most_below(node, now) for node in entries}
        checks.append(now[start])
    return Limits(tuple(checks))


class _Graph:
    """Schemas by identity: which of them are checked for one value, and which for its members and items."""

    def __init__(self, schemas: Mapping[int, Located]) -> None:
        self._schemas = schemas
        self.together: dict[int, Counter[int]] = {}
        """For each schema: itself and all that the same value is checked against with it, each with how often."""
        same_place = {node: Counter(id(part.schema) for part in one.same_place()) for node, one in schemas.items()}
        for node in graphlib.TopologicalSorter(same_place).static_order():
            self.together[node] = Counter([node])
            for part, times in same_place[node].items():
                self.together[node].update({one: n * times for one, n in self.together[part].items()})
        self._below: dict[int, list[Counter[int]]] = {}

    def entries(self, start: int) -> list[int]:
        """The schema to begin with, and all that some member or item is checked against."""
        found, pending = {start}, [start]
        while pending:
            below = {child for children in self._children(pending.pop()) for child in children}
            pending.extend(below - found)
            found |= below
        return list(found)

    def most_below(self, node: int, checks: Mapping[int, int]) -> int:
        """The checks for the member or item with most of them, `checks` being those of each schema there."""
        return max(sum(checks[child] * n for child, n in found.items()) for found in self._children(node))

    def _children(self, node: int) -> list[Counter[int]]:
        """For each member and item that a schema tells apart: the schemas that it is checked against."""
        if node not in self._below:
            together = [(self._schemas[one], times) for one, times in self.together[node].items()]
            keys: set[str | int] = {_OTHER_MEMBER, _OTHER_ITEM}
            keys.update(*(_declared(one.schema) for one, _ in together))
            found = {key: Counter[int]() for key in keys}
            for one, times in together:
                for step, part in one.parts():
                    for key in keys:
                        if _applies(one.schema, step[0], step[-1], key):
                            found[key][id(part.schema)] += times
            self._below[node] = list(found.values())
        return self._below[node]


def _declared(schema: Any) -> set[str | int]:
    """The members and items that a schema says something of by themselves."""
    if not isinstance(schema, dict):
        return set()
    return {*schema.get("properties", ()), *range(len(schema.get("prefixItems", ())))}


def _applies(schema: Any, keyword: str | int, name: str | int, key: str | int) -> bool:
    """Whether a keyword, with this name below it, is about a member or an item."""
    if keyword in ("properties", "prefixItems"):
        return name == key
    if keyword == "patternProperties":
        return isinstance(key, str) and (key == _OTHER_MEMBER or compile_pattern(str(name))(key))
    if keyword in ("additionalProperties", "unevaluatedProperties", "items"):
        return isinstance(key, int) is (keyword == "items") and key not in _declared(schema)
    return keyword in (("contains", "unevaluatedItems") if isinstance(key, int) else ("propertyNames",))
