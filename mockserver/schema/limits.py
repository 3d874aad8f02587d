"""How much work a value is for a schema: what would take too long, too much memory or too deep a stack is refused.

A schema that refers to itself twice for one member checks twice as much with each level of a value. So the checks are
counted before a value is checked, where the schema can ask for many; and before errors are asked for, as the library
makes all of them at once, each with a copy of the value that it is about.
"""

from __future__ import annotations

import graphlib
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from mockserver.base.values import MAX_CHECKED_DEPTH
from mockserver.schema.references import LocatedSchema
from mockserver.schema.subschemas import ANY_ITEM_KEYWORDS, OTHER_MEMBER_KEYWORDS

MAX_CHECKS: Final = 1_000_000
"""Checks of one part of a value against one schema, where only the verdict is needed."""

MAX_ERRORS: Final = 20_000
"""The same where errors are needed: making one takes far longer than a verdict."""

MAX_SCHEMAS: Final = 5_000
"""Schemas that one value may be checked against; a file that asks for more is refused."""

COPIES_PER_CHECK: Final = 50
"""Parts of a value that are copied in the time of one check."""

MAX_UNCOUNTED_SCHEMAS: Final = 2_000
"""The most schemas in a small schema; a reference counts as the schemas that it leads to.

If they are few enough for the size of a value, no check takes too much, and the checks are not counted.
"""

TOO_DEEP: Final = "nested too deep for its schema"
TOO_MUCH: Final = "takes too much to check against its schema"

Key: TypeAlias = str | int
Counts: TypeAlias = Mapping[int, int]
"""How often something is checked against each schema."""

_CONTAINERS: Final = (dict, list)
_OTHER_MEMBER: Final = "\0"
_OTHER_ITEM: Final = sys.maxsize


@dataclass(frozen=True, slots=True)
class _CheckedPart:
    """A part of a value: how often it is checked against each schema, and how many checks around it copy it."""

    value: Any
    schemas: Counts
    copies: int


class Limits:
    """The checks that a schema asks for. Schemas are told apart by identity."""

    def __init__(self, schema: LocatedSchema) -> None:
        self._schemas = schema.reachable()
        self._start = id(schema.schema)
        self._below: dict[int, Mapping[Key, Counts]] = {}
        self._together: dict[int, Counter[int]] = {}
        """For each schema: itself and all that the same value is checked against with it, each with how often."""
        same_place = {
            node: Counter(id(part.schema) for part in one.in_place_schemas()) for node, one in self._schemas.items()
        }
        for node in graphlib.TopologicalSorter(same_place).static_order():
            self._together[node] = Counter([node])
            for part, times in same_place[node].items():
                self._together[node].update({one: n * times for one, n in self._together[part].items()})
        self._filled = self._filled_in()
        self.too_much = max(found.total() for found in self._together.values()) > MAX_SCHEMAS
        """Whether the schema is too much for whatever value."""
        self.is_small = self._filled <= MAX_UNCOUNTED_SCHEMAS

    def _filled_in(self) -> float:
        """How many schemas there are if references are filled in; without end where one comes back to itself."""
        leads_to = {
            node: Counter(
                id(part.schema) for part in [*(p for s, p in one.subschemas() if s[0] != "$defs"), *one.targets()]
            )
            for node, one in self._schemas.items()
        }
        sizes: dict[int, int] = {}
        try:
            for node in graphlib.TopologicalSorter(leads_to).static_order():
                sizes[node] = 1 + sum(sizes[part] * times for part, times in leads_to[node].items())
        except graphlib.CycleError:
            return float("inf")
        return sizes[self._start]

    def reason_to_refuse(self, value: Any, max_checks: int) -> str:
        """Why a value takes more than `max_checks`; empty if it does not."""
        if self.is_small and _size(value) * self._filled <= max_checks:
            return ""
        level, work, known = [_CheckedPart(value, {self._start: 1}, 0)], 0.0, dict[Any, Mapping[Key, Counts]]()
        for _ in range(MAX_CHECKED_DEPTH):
            below: list[_CheckedPart] = []
            for checked in level:
                checks = sum(self._together[node].total() * times for node, times in checked.schemas.items())
                copies = checked.copies + checks
                work += checks + copies / COPIES_PER_CHECK
                state = tuple(checked.schemas.items())
                schemas = known.get(state) or known.setdefault(state, self._counts_below(checked.schemas))
                unchecked = []
                others = schemas[_OTHER_ITEM if isinstance(checked.value, list) else _OTHER_MEMBER]
                for key, part in _parts(checked.value):
                    found = schemas.get(key, others)
                    if found:
                        below.append(_CheckedPart(part, found, copies))
                    else:
                        unchecked.append(part)
                work += (_size(unchecked) - 1) * copies / COPIES_PER_CHECK
                if work > max_checks:
                    return TOO_MUCH
            if not below:
                return ""
            level = below
        return TOO_DEEP

    def _counts_below(self, schemas: Counts) -> Mapping[Key, Counts]:
        """How often each member and item of a value is checked, by schema, if the value is checked against these."""
        all_children = [(self._below.get(node) or self._children(node), times) for node, times in schemas.items()]
        found: dict[Key, Counter[int]] = {_OTHER_MEMBER: Counter(), _OTHER_ITEM: Counter()}
        found.update((key, Counter()) for children, _ in all_children for key in children)
        for key, counter in found.items():
            for children, times in all_children:
                checked = children[key if key in children else _other(key)]
                counter.update({child: n * times for child, n in checked.items()})
        return found

    def _children(self, node: int) -> Mapping[Key, Counts]:
        """For each member and item that a schema tells apart: how often it is checked against each schema."""
        together = [(self._schemas[one], times) for one, times in self._together[node].items()]
        found: dict[Key, Counter[int]] = {_OTHER_MEMBER: Counter(), _OTHER_ITEM: Counter()}
        found.update((key, Counter()) for one, _ in together for key in _declared(one.schema))
        for one, times in together:
            for step, part in one.subschemas():
                for key, children in found.items():
                    if _applies(one.schema, step[0], step[-1], key):
                        children[id(part.schema)] += times
        self._below[node] = found
        return found


def _other(key: Key) -> Key:
    return _OTHER_ITEM if isinstance(key, int) else _OTHER_MEMBER


def _parts(value: Any) -> Iterable[tuple[Key, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _size(value: Any) -> int:
    """How many values there are in a value, with itself."""
    size, level = 1, [value]
    while level:
        parts = [
            node.values() if isinstance(node, dict) else node
            for node in level
            if node and isinstance(node, _CONTAINERS)
        ]
        level = [part for inner in parts for part in inner]
        size += len(level)
    return size


def _declared(schema: Any) -> set[Key]:
    """The members and items that a schema names."""
    if not isinstance(schema, dict):
        return set()
    return {*schema.get("properties", ()), *range(len(schema.get("prefixItems", ())))}


def _applies(schema: Any, keyword: Key, name: Key, key: Key) -> bool:
    """Whether a keyword, with this name below it, applies to a member or an item."""
    if keyword in ("properties", "prefixItems"):
        return name == key
    if keyword in (*OTHER_MEMBER_KEYWORDS, "items"):
        return isinstance(key, int) is (keyword == "items") and key not in _declared(schema)
    if isinstance(key, int):
        return keyword in ANY_ITEM_KEYWORDS
    return keyword in ("patternProperties", "propertyNames")  # whichever the pattern is
