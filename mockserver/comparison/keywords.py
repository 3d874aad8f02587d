"""The relation between two values of one keyword of JSON Schema; `MISSING` stands for a keyword that is not there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, Final, Literal, TypeAlias

from mockserver.base.values import encode_ascii_json, equal
from mockserver.core.model import MISSING

Relation: TypeAlias = Literal["same", "looser", "stricter", "different", "unknown"]
"""What a difference does to the values that are accepted.

`same`: nothing; `looser`: more are; `stricter`: fewer are; `different`: some more, some fewer; `unknown`: the
keywords do not tell.
"""

_FLIPPED: Final[Mapping[Relation, Relation]] = {"looser": "stricter", "stricter": "looser"}


def flip(relation: Relation) -> Relation:
    """The relation the other way round, from the new schema to the old one."""
    return _FLIPPED.get(relation, relation)


def join(relations: Iterable[Relation]) -> Relation:
    """The relation of several differences together."""
    found = {*relations} - {"same"}
    if "unknown" in found:
        return "unknown"
    if len(found) > 1:
        return "different"
    return found.pop() if found else "same"


def _relation(*, looser: bool, stricter: bool) -> Relation:
    if looser and stricter:
        return "different"
    return "looser" if looser else "stricter" if stricter else "same"


def _superset_relation(before: frozenset[Any], now: frozenset[Any]) -> Relation:
    """The relation of sets of what is accepted."""
    return _relation(looser=not now <= before, stricter=not before <= now)


# -- keywords that stand alone --------------------------------------------------------------------------


def _lower_bound(default: float) -> Callable[[Any, Any], Relation]:
    def relation(before: Any, now: Any) -> Relation:
        low, high = _or(before, default), _or(now, default)
        return _relation(looser=high < low, stricter=high > low)

    return relation


def _upper_bound(before: Any, now: Any) -> Relation:
    return flip(_lower_bound(math.inf)(before, now))


def _or(value: Any, default: Any) -> Any:
    return default if value is MISSING else value


def presence(before: Any, now: Any) -> Relation:
    """The relation of a constraint that was added or removed; `unknown` if it was changed."""
    return "stricter" if before is MISSING else "looser" if now is MISSING else "unknown"


def _multiple_of(before: Any, now: Any) -> Relation:
    if before is MISSING or now is MISSING:
        return presence(before, now)
    ratio = Fraction(str(now)) / Fraction(str(before))
    return _relation(looser=ratio.denominator != 1, stricter=(1 / ratio).denominator != 1)


def _unique_items(before: Any, now: Any) -> Relation:
    unique, unique_now = before is True, now is True
    return _relation(looser=unique and not unique_now, stricter=unique_now and not unique)


_TYPES: Final = frozenset(["null", "boolean", "object", "array", "number", "integer", "string"])


def _types(value: Any) -> frozenset[str]:
    if value is MISSING:
        return _TYPES
    named = frozenset([value] if isinstance(value, str) else value)
    return named | {"integer"} if "number" in named else named


def _type(before: Any, now: Any) -> Relation:
    return _superset_relation(_types(before), _types(now))


def _required(before: Any, now: Any) -> Relation:
    return flip(_superset_relation(frozenset(_or(before, ())), frozenset(_or(now, ()))))


def _dependent_required(before: Any, now: Any) -> Relation:
    return flip(_superset_relation(_pairs(_or(before, {})), _pairs(_or(now, {}))))


def _pairs(dependencies: Mapping[str, Iterable[str]]) -> frozenset[tuple[str, str]]:
    return frozenset((name, needed) for name, all_needed in dependencies.items() for needed in all_needed)


ALONE: Final[Mapping[str, Callable[[Any, Any], Relation]]] = {
    "type": _type,
    "required": _required,
    "dependentRequired": _dependent_required,
    **dict.fromkeys(("minimum", "exclusiveMinimum"), _lower_bound(-math.inf)),
    **dict.fromkeys(("minLength", "minItems", "minProperties"), _lower_bound(0)),
    **dict.fromkeys(
        ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"),
        _upper_bound,
    ),
    "pattern": presence,
    "multipleOf": _multiple_of,
    "uniqueItems": _unique_items,
}
"""The keywords whose relation no other keyword changes."""

# -- enum and const -------------------------------------------------------------------------------------


def allowed_values(schema: Mapping[str, Any]) -> Any:
    """The values that `enum` and `const` allow; `MISSING` where there is neither."""
    choices = schema.get("enum", MISSING)
    if "const" not in schema:
        return choices
    constant = schema["const"]
    return [constant] if choices is MISSING or any(equal(constant, choice) for choice in choices) else []


def allowed_relation(before: Any, now: Any) -> Relation:
    """The relation of allowed values."""
    if before is MISSING or now is MISSING:
        return "same" if before is now else presence(before, now)
    return _superset_relation(frozenset(map(_key, before)), frozenset(map(_key, now)))


def _key(value: Any) -> str:
    """A text that equal JSON values have in common."""
    return encode_ascii_json(_normal(value))


def _normal(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_normal(item) for item in value]
    return {name: _normal(value[name]) for name in sorted(value)} if isinstance(value, dict) else value


# -- all that are compared ------------------------------------------------------------------------------

UNEVALUATED: Final = ("unevaluatedProperties", "unevaluatedItems")
"""Keywords that depend on all others."""

CONTAINS: Final = ("contains", "minContains", "maxContains")
"""Keywords that are compared together."""

COMPARED: Final = frozenset([*ALONE, "enum", "const", "properties", "patternProperties", "additionalProperties"]) | {
    *CONTAINS,
    *UNEVALUATED,
    *("prefixItems", "items", "propertyNames", "dependentSchemas"),
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref", "$dynamicRef", "$defs"),
}
"""The keywords that are compared. The others accept and refuse nothing: a change of one is `same`."""
