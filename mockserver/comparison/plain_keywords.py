"""How two schemas differ in the keywords that have no schemas in them, such as `type`, `minimum` and `enum`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mockserver.base.values import equal
from mockserver.comparison.keywords import (
    ALONE,
    BOUNDS,
    COMPARED,
    OVERLAPPING,
    Relation,
    allowed_relation,
    allowed_values,
    bound_relation,
    join,
    type_relation,
)
from mockserver.core.model import MISSING


class SchemaDifference(Struct, frozen=True):
    """A keyword that differs between two schemas: `at` points to the value that it describes."""

    at: str
    keyword: str
    relation: Relation
    before: Any
    now: Any


def relation_of(differences: Iterable[SchemaDifference]) -> Relation:
    """The relation of two schemas, from their differences."""
    return join(one.relation for one in differences)


def plain_differences(before: Mapping[str, Any], now: Mapping[str, Any], at: str) -> list[SchemaDifference]:
    """The differences; `unknown` where one is looser and one stricter of keywords that may say the same."""
    found = [*_each_difference(before, now, at)]
    for keyword, others in OVERLAPPING.items():
        group = [one for one in found if one.relation != "same" and one.keyword in {keyword, *others}]
        names = {one.keyword for one in group}
        if keyword in names and len(names) > 1 and relation_of(group) == "different":
            found = [replace(one, relation="unknown") if one in group else one for one in found]
    return found


def _each_difference(before: Mapping[str, Any], now: Mapping[str, Any], at: str) -> Iterator[SchemaDifference]:
    """The differences of keywords that have no schemas in them."""
    for keyword in {**before, **now}:
        one, other = before.get(keyword, MISSING), now.get(keyword, MISSING)
        if equal(one, other):
            continue
        if keyword == "type":
            yield SchemaDifference(at, keyword, type_relation(before, now), one, other)
        elif keyword in ALONE:
            yield SchemaDifference(at, keyword, ALONE[keyword](one, other), one, other)
        elif keyword not in COMPARED:
            yield SchemaDifference(at, keyword, "same", one, other)
    for keyword, exclusive in BOUNDS.items():
        yield from _bounds(keyword, exclusive, before, now, at)
    one, other = allowed_values(before), allowed_values(now)
    if not equal(one, other):
        yield SchemaDifference(at, "enum", allowed_relation(one, other), one, other)


def _bounds(
    inclusive: str, exclusive: str, before: Mapping[str, Any], now: Mapping[str, Any], at: str
) -> Iterator[SchemaDifference]:
    """The difference of two keywords as one: of the keyword that is there, or of both as an object."""
    group, group_now = ({k: schema[k] for k in (inclusive, exclusive) if k in schema} for schema in (before, now))
    if equal(group, group_now):
        return
    relation = bound_relation(inclusive, before, now)
    if len({**group, **group_now}) > 1:
        yield SchemaDifference(at, inclusive, relation, group or MISSING, group_now or MISSING)
    else:
        keyword = next(iter({**group, **group_now}))
        yield SchemaDifference(at, keyword, relation, group.get(keyword, MISSING), group_now.get(keyword, MISSING))
