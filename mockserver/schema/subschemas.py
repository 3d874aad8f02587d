"""Where schemas stand in a schema and how they refer to others: by keyword, as text.

Knows the keywords of JSON Schema that hold schemas; it knows no file and resolves no reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mockserver.core.model import Path

_IN_PLACE = ("if", "then", "else", "not")
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_ITEMS = ("items", "contains", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "propertyNames")
_BY_NAME = ("properties", "patternProperties", "$defs", "dependentSchemas")
SAME_PLACE: Final = frozenset([*_IN_PLACE, *_IN_PLACE_LISTS, "dependentSchemas"])
"""Keywords whose schemas are asked about the same value."""

DECLARE: Final = SAME_PLACE - {"if", "not"}
"""Those of them whose schemas say what members a value may have."""

_NAMES = frozenset(["$schema", "$id", "$anchor", "$dynamicAnchor"])


def subschemas(schema: Any) -> Iterator[tuple[Path, Any]]:
    """The schemas that stand right in a schema, each with the way to it."""
    if isinstance(schema, dict):
        for keyword in (*_IN_PLACE, *_ITEMS):
            if keyword in schema:
                yield (keyword,), schema[keyword]
        for keyword in (*_IN_PLACE_LISTS, "prefixItems"):
            yield from (((keyword, i), s) for i, s in enumerate(schema.get(keyword, ())))
        for keyword in _BY_NAME:
            yield from (((keyword, name), s) for name, s in schema.get(keyword, {}).items())


def ids(schema: Any) -> set[int]:
    """The identities of a schema and of all schemas that stand in it."""
    return {id(sub) for _, sub in walk(schema)}


def walk(schema: Any) -> Iterator[tuple[Path, Any]]:
    """A schema and all schemas that stand in it, however deep, each with its place."""
    pending: list[tuple[Path, Any]] = [((), schema)]
    while pending:
        at, sub = pending.pop()
        yield at, sub
        pending.extend(((*at, *step), inner) for step, inner in subschemas(sub))


def parts(value: Any) -> Iterator[tuple[Path, Any]]:
    """All that stands in a JSON value, each with its place; schemas last, as a `true` is one wherever it stands."""
    pending: list[tuple[Path, Any]] = [((), value)]
    while pending:
        at, part = pending.pop()
        yield at, part
        steps = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        pending.extend(((*at, step), inner) for step, inner in steps)
    yield from walk(value)


def rewritten(value: Any, links: Mapping[int, Mapping[str, str]]) -> Any:
    """A copy of a schema. `links` has the references of each schema in it by identity; those lose their names."""
    if isinstance(value, list):
        return [rewritten(item, links) for item in value]
    if not isinstance(value, dict):
        return value
    if id(value) not in links:
        return {name: rewritten(member, links) for name, member in value.items()}
    found = links[id(value)]
    return {k: found[k] if k in found else rewritten(v, links) for k, v in value.items() if k not in _NAMES}


def references(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The references of a schema: keyword and text."""
    return ((keyword, schema[keyword]) for keyword in ("$ref", "$dynamicRef") if keyword in schema)
