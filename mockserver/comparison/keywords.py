"""The relation between two values of one keyword of JSON Schema; `MISSING` stands for a keyword that is not there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

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


def _lower_limit(before: Any, now: Any, default: float = 0) -> Relation:
    low, high = _or(before, default), _or(now, default)
    return _relation(looser=high < low, stricter=high > low)


def _upper_limit(before: Any, now: Any) -> Relation:
    return flip(_lower_limit(before, now, math.inf))


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


def _required(before: Any, now: Any) -> Relation:
    return flip(_superset_relation(frozenset(_or(before, ())), frozenset(_or(now, ()))))


def _dependent_required(before: Any, now: Any) -> Relation:
    return flip(_superset_relation(_pairs(_or(before, {})), _pairs(_or(now, {}))))


def _pairs(dependencies: Mapping[str, Iterable[str]]) -> frozenset[tuple[str, str]]:
    return frozenset((name, needed) for name, all_needed in dependencies.items() for needed in all_needed)


ALONE: Final[Mapping[str, Callable[[Any, Any], Relation]]] = {
    "required": _required,
    "dependentRequired": _dependent_required,
    **dict.fromkeys(("minLength", "minItems", "minProperties"), _lower_limit),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties"), _upper_limit),
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


# -- type ---------------------------------------------------------------------------------------------

_TYPES: Final = frozenset(["null", "boolean", "object", "array", "number", "integer", "string"])


def type_relation(before: Mapping[str, Any], now: Mapping[str, Any]) -> Relation:
    """The relation of the types of two schemas; beside `enum` or `const`, of those that its values have."""
    return _superset_relation(_types(before), _types(now))


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    value = schema.get("type", MISSING)
    named = _TYPES if value is MISSING else frozenset([value] if isinstance(value, str) else value)
    types = named | {"integer"} if "number" in named else named
    allowed = allowed_values(schema)
    return types if allowed is MISSING else types & frozenset(map(_type_of, allowed))


def _type_of(value: Any) -> str:
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    names = {type(None): "null", bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
    return names[type(value)]


# -- minimum and maximum --------------------------------------------------------------------------------

BOUNDS: Final[Mapping[str, str]] = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}
"""Keywords that are compared together with another one."""


class _Bound(Struct, frozen=True, order=True):
    """A bound as a lower one, an upper one with its sign turned: the greater one is stricter."""

    value: float
    is_exclusive: bool = False


def bound_relation(inclusive: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Relation:
    """The relation of `minimum` with `exclusiveMinimum`, or of `maximum` with `exclusiveMaximum`."""
    are_integers = all(_types(schema) == {"integer"} for schema in (before, now))
    bound, bound_now = (_bound(inclusive, schema, are_integers) for schema in (before, now))
    return _relation(looser=bound_now < bound, stricter=bound_now > bound)


def _bound(inclusive: str, schema: Mapping[str, Any], are_integers: bool) -> _Bound:
    """The strictest bound; among integers, what is more than 0 is at least 1."""
    sign = 1 if inclusive == "minimum" else -1
    found = [
        _Bound(sign * schema[keyword], keyword != inclusive)
        for keyword in (inclusive, BOUNDS[inclusive])
        if keyword in schema
    ]
    if are_integers:
        found = [_Bound(math.floor(one.value) + 1 if one.is_exclusive else math.ceil(one.value)) for one in found]
    return max(found, default=_Bound(-math.inf))


# -- keywords that may say the same ---------------------------------------------------------------------

OVERLAPPING: Final[Mapping[str, frozenset[str]]] = {
    "pattern": frozenset(["minLength", "maxLength"]),
    "multipleOf": frozenset(["type"]),
    "required": frozenset(["minProperties"]),
    "enum": frozenset([*ALONE, *BOUNDS, *BOUNDS.values()]),
}
"""Keywords that may refuse what others refuse: if one gets looser and another stricter, both are `unknown`."""

# -- all that are compared ------------------------------------------------------------------------------

UNEVALUATED: Final = ("unevaluatedProperties", "unevaluatedItems")
"""Keywords that depend on all others."""

CONTAINS: Final = ("contains", "minContains", "maxContains")
"""Keywords that are compared together."""

PLAIN: Final = frozenset([*ALONE, *BOUNDS, *BOUNDS.values(), "type", "enum", "const"])
"""Keywords that have no schemas in them."""

COMPARED: Final = PLAIN | {
    *("properties", "patternProperties", "additionalProperties"),
    *CONTAINS,
    *UNEVALUATED,
    *("prefixItems", "items", "propertyNames", "dependentSchemas"),
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref", "$dynamicRef", "$defs"),
}
"""The keywords that are compared. The others accept and refuse nothing: a change of one is `same`."""
