"""Where schemas stand in a schema, and how they refer to others: the keywords that hold schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mockserver.core.model import Path

_IN_PLACE = ("if", "then", "else", "not")
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
OTHER_MEMBER_KEYWORDS: Final = ("additionalProperties", "unevaluatedProperties")
"""Keywords for members that a schema does not name."""

ANY_ITEM_KEYWORDS: Final = ("contains", "unevaluatedItems")
"""Keywords for any item of an array."""

_SINGLE = ("items", *ANY_ITEM_KEYWORDS, *OTHER_MEMBER_KEYWORDS, "propertyNames")
_BY_NAME = ("properties", "patternProperties", "$defs", "dependentSchemas")
IN_PLACE_KEYWORDS: Final = frozenset([*_IN_PLACE, *_IN_PLACE_LISTS, "dependentSchemas"])
"""Keywords whose schemas apply to the same value (in-place applicators)."""

DECLARING_KEYWORDS: Final = IN_PLACE_KEYWORDS - {"if", "not"}
"""Those of them whose schemas declare members of the value."""

NAMING_KEYWORDS: Final = frozenset(["$schema", "$id", "$anchor", "$dynamicAnchor"])
"""Keywords that name a schema or its dialect."""

_STEPS = frozenset([*_IN_PLACE_LISTS, "prefixItems", *_BY_NAME])
"""Keywords that hold several schemas, each under a name or an index."""


KEYWORDS: Final = frozenset(
    [*_IN_PLACE, *_IN_PLACE_LISTS, *_SINGLE, *_BY_NAME, *NAMING_KEYWORDS, "prefixItems", "contentSchema"]
    + [
        "$ref",
        "$dynamicRef",
        "$vocabulary",
        "$comment",
        "type",
        "enum",
        "const",
        "format",
        "required",
        "dependentRequired",
    ]
    + ["multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern"]
    + ["maxItems", "minItems", "uniqueItems", "maxContains", "minContains", "maxProperties", "minProperties"]
    + ["title", "description", "default", "deprecated", "readOnly", "writeOnly", "examples"]
    + ["contentEncoding", "contentMediaType"]
)
"""Every keyword of JSON Schema 2020-12."""

OLDER_KEYWORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "additionalItems": ("items",),
    "definitions": ("$defs",),
    "dependencies": ("dependentRequired", "dependentSchemas"),
    "id": ("$id",),
    "$recursiveAnchor": ("$dynamicAnchor",),
    "$recursiveRef": ("$dynamicRef",),
}
"""Keywords of older drafts, which do nothing here, with those that took their place."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A keyword that refers to another schema, and its text."""

    keyword: str
    text: str


def subschemas(schema: Any) -> Iterator[tuple[Path, Any]]:
    """The schemas directly in a schema, each with the path to it."""
    if isinstance(schema, dict):
        for keyword in (*_IN_PLACE, *_SINGLE):
            if keyword in schema:
                yield (keyword,), schema[keyword]
        for keyword in (*_IN_PLACE_LISTS, "prefixItems"):
            yield from (((keyword, i), s) for i, s in enumerate(schema.get(keyword, ())))
        for keyword in _BY_NAME:
            yield from (((keyword, name), s) for name, s in schema.get(keyword, {}).items())


def identities(schema: Any) -> set[int]:
    """The identities of a schema and of all schemas that stand in it, but for booleans, which are all the same two."""
    return {id(sub) for _, sub in walk_schemas(schema) if isinstance(sub, dict)}


def walk_schemas(schema: Any) -> Iterator[tuple[Path, Any]]:
    """A schema and all schemas that stand in it, however deep, each with its place."""
    pending: list[tuple[Path, Any]] = [((), schema)]
    while pending:
        at, sub = pending.pop()
        yield at, sub
        pending.extend(((*at, *step), inner) for step, inner in subschemas(sub))


def walk_values(value: Any) -> Iterator[tuple[Path, Any]]:
    """All that stands in a JSON value, each with its place; its schemas come once more at the end.

    `True` is one object wherever it stands: a table of places by identity then has one where it is a schema.
    """
    pending: list[tuple[Path, Any]] = [((), value)]
    while pending:
        at, part = pending.pop()
        yield at, part
        steps = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        pending.extend(((*at, step), inner) for step, inner in steps)
    yield from walk_schemas(value)


def replace_schemas(value: Any, schemas: Mapping[int, Mapping[str, Any]]) -> Any:
    """A copy of a JSON value with other schemas in place of those of these identities."""
    if isinstance(value, list):
        return [replace_schemas(item, schemas) for item in value]
    if isinstance(value, dict):
        return {name: replace_schemas(member, schemas) for name, member in schemas.get(id(value), value).items()}
    return value


def references(schema: Any) -> Iterator[Reference]:
    """The references of a schema."""
    if isinstance(schema, dict):
        yield from (Reference(keyword, schema[keyword]) for keyword in ("$ref", "$dynamicRef") if keyword in schema)


def ends_with_keyword(path: Sequence[str | int], *keywords: str) -> bool:
    """Whether a path through schemas ends with one of these, and not with a member that is called like it."""
    at = 0
    while at < len(path) - 1:
        at += 2 if path[at] in _STEPS else 1
    return at == len(path) - 1 and path[at] in keywords
