"""What a schema or a value may ask for: no crash, no endless time, no memory without end, and the numbers are exact."""

from __future__ import annotations

import math
from typing import Any

import pytest

from mockserver.base.values import MAX_CHECKED_DEPTH
from mockserver.core.diagnostics import Diagnostic
from mockserver.schema.limits import MAX_CHECKS, MAX_ERRORS, TOO_DEEP, TOO_MUCH, Limits
from mockserver.schema.references import BASE_URI, SchemaRegistry
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import Validator


def compiled(schema: Any, *, exact: bool = False) -> Validator:
    faults: list[Diagnostic] = []
    validator = SchemaSet(exact=exact).compile_inline(schema, (), faults.append)
    assert faults == []
    assert validator is not None
    return validator


def limits(schema: Any) -> Limits:
    return Limits(SchemaRegistry().with_schemas({BASE_URI: schema}).locate(BASE_URI))


def keywords(schema: Any, value: Any, *, exact: bool = False) -> list[str]:
    return [violation.keyword for violation in compiled(schema, exact=exact).violations("body", value)]


def messages(schema: Any, value: Any) -> list[tuple[str, str]]:
    return [(violation.keyword, violation.message) for violation in compiled(schema).violations("body", value)]


def nested(levels: int, leaf: Any = 1) -> Any:
    for _ in range(levels):
        leaf = {"a": leaf}
    return leaf


TREE = {"type": ["object", "integer"], "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}}
TWICE = {"allOf": [{"properties": {"a": {"$ref": "#"}}}, {"properties": {"a": {"$ref": "#"}}}]}


@pytest.mark.parametrize("levels", [MAX_CHECKED_DEPTH, 5_000, 200_000])
def test_a_value_too_deep_for_the_stack_is_a_violation(levels: int) -> None:
    """Whether it would be well formed or not."""
    assert messages(TREE, nested(levels)) == [("parse", TOO_DEEP)]
    assert messages(TREE, nested(levels, "x")) == [("parse", TOO_DEEP)]
    assert messages(TREE, nested(64)) == []
    assert [message for _, message in messages(TREE, nested(64, "x"))] == [
        "expected an object or an integer, got a string"
    ]


@pytest.mark.parametrize("schema", [{"type": "null"}, {"uniqueItems": True, "items": {"type": "null"}}])
def test_a_value_too_deep_to_be_copied_is_a_violation(schema: Any) -> None:
    """Whatever the schema says about it."""
    assert messages(schema, [nested(300), nested(300)]) == [("parse", TOO_DEEP)]


@pytest.mark.parametrize("keyword", ["const", "enum"])
def test_a_value_too_deep_to_be_compared_is_refused_or_unequal(keyword: str) -> None:
    """It does not crash the check."""
    assert keywords({keyword: [1]}, nested(200_000)) == ["parse"]


def test_checks_that_double_at_each_level_are_refused() -> None:
    """Eight levels take some hundred checks; sixty-four would never end."""
    assert messages(TWICE, nested(8)) == []
    assert messages(TWICE, nested(64)) == [("parse", TOO_MUCH)]
    levels: dict[str, Any] = {
        f"d{n}": {"allOf": [{"properties": {"a": {"$ref": f"#/$defs/d{n + 1}"}}}] * 2} for n in range(40)
    }
    once = {"$ref": "#/$defs/d0", "$defs": {**levels, "d40": {}}}
    assert messages(once, nested(8)) == []
    assert messages(once, nested(40)) == [("parse", TOO_MUCH)]


def test_a_wide_value_with_many_errors_is_refused() -> None:
    """A thousand errors with a copy of 200,000 numbers each would take gigabytes."""
    schema = {"allOf": [{"maxItems": 200_000}] * 1_000}
    assert messages(schema, [0] * 200_000) == []
    assert messages(schema, [0] * 200_001) == [("parse", TOO_MUCH)]
    assert keywords({"maxItems": 1}, [0] * 200_000) == ["maxItems"]
    assert messages({"items": {"type": "null"}}, [0] * (MAX_ERRORS + 1)) == [("parse", TOO_MUCH)]


@pytest.mark.parametrize(
    ("schema", "value", "checks"),
    [
        (TREE, {"a": {"a": 1, "x": {}}, "b": 1}, 7),
        ({"properties": {"a": True}, "additionalProperties": {"$ref": "#"}}, nested(3), 2),
        ({"properties": {"b": True}, "additionalProperties": {"$ref": "#"}}, nested(3), 7),
        ({"patternProperties": {"^x": {"$ref": "#"}}, "propertyNames": True}, nested(2), 7),
        ({"items": {"$ref": "#"}, "prefixItems": [True]}, [[1], [[1]]], 5),
        ({"items": {"$ref": "#"}, "contains": {"minimum": 1}}, [[1]], 7),
        ({"items": {"type": "null"}}, "text", 1),
    ],
)
def test_checks_are_counted_by_member_and_item(schema: Any, value: Any, checks: int) -> None:
    """A member that has a schema of its own is not checked against that of the others; an item is like a member.

    Copies count for a fiftieth, so that it is a little more.
    """
    measured = limits(schema)
    measured.is_small = False
    assert measured.reason_to_refuse(value, checks + 1) == ""
    assert measured.reason_to_refuse(value, checks) == TOO_MUCH


def test_small_values_skip_the_count() -> None:
    """No schema can ask for much of a value of that size."""
    assert limits({"type": "object"}).is_small
    assert limits({"type": "object"}).reason_to_refuse(nested(10), MAX_ERRORS) == ""
    assert not limits(TREE).is_small
    assert limits(TREE).reason_to_refuse(nested(10), MAX_CHECKS) == ""


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [
        ({"type": "integer"}, 2**70, []),
        ({"const": 2**70}, 2**70, []),
        ({"const": 2**70}, 2**70 + 1, ["const"]),
        ({"enum": [2**64]}, 2**64 + 1, ["enum"]),
        ({"enum": [2**70]}, float(2**70), []),
        ({"maximum": 2**70}, 2**70, []),
        ({"maximum": 2**70}, 2**70 + 1, ["maximum"]),
        ({"exclusiveMinimum": -(2**70)}, -(2**70), ["exclusiveMinimum"]),
        ({"maximum": 2.0**53}, 2**53 + 1, ["maximum"]),
        ({"minimum": 1.5}, 10**400, []),
        ({"multipleOf": 3}, 3 * 2**70, []),
        ({"multipleOf": 3}, 2**70, ["multipleOf"]),
        ({"uniqueItems": True}, [2**70, 2**70 + 1], []),
        ({"uniqueItems": True}, [2**70, float(2**70)], ["uniqueItems"]),
        ({"uniqueItems": True}, [2**53 + 1, 2.0**53], []),
        ({"multipleOf": 0.01}, 1.13, []),
    ],
)
def test_numbers_are_exact_however_large(schema: Any, value: Any, found: list[str]) -> None:
    """An integer of any size is that integer, in a schema and in a value."""
    assert keywords(schema, value) == found


@pytest.mark.parametrize(
    ("schema", "value", "found"),
    [
        ({"type": "integer"}, 5, []),
        ({"type": "integer"}, 5.0, ["type"]),
        ({"type": "number"}, 5.0, []),
        ({"type": "number"}, 5, []),
        ({"type": ["integer", "null"]}, True, ["type"]),
        ({"type": ["integer", "null"]}, None, []),
        ({"type": "integer"}, 2**70, []),
        ({"items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}, [1, "a", 5.0], ["anyOf"]),
        ({"properties": {"a": {"const": 5}}}, {"a": 5.0}, []),
        ({"type": ["array", "object"]}, "a", ["type"]),
        ({"type": "boolean"}, False, []),
    ],
)
def test_an_exact_schema_set_refuses_a_float_as_integer(schema: Any, value: Any, found: list[str]) -> None:
    """JSON Schema takes 5.0 as an integer; files that people write do not."""
    assert keywords(schema, value, exact=True) == found
    assert keywords({"type": "integer"}, 5.0) == []


@pytest.mark.parametrize("value", ["\ud800", {"a": "x\udfff"}, {"\ud800": 1}, [[{"a": "\ud800"}]]])
def test_a_lone_surrogate_is_a_violation(value: Any) -> None:
    """A JSON escape can hold one."""
    schema = {
        "properties": {"a": {"type": "null"}},
        "propertyNames": {"maxLength": 1},
        "items": {"items": {"properties": {"a": {"minLength": 9}}}},
        "minLength": 9,
    }
    assert messages(schema, value) == [("parse", "holds half of a surrogate pair, which is no text")]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_have_no_json_type(value: float) -> None:
    """No reader of ours gives one."""
    for kind in ("number", "integer", "null", "string"):
        assert keywords({"type": kind}, value) == ["type"]
    assert keywords({"maximum": 2}, value) == []


def test_a_lone_surrogate_in_a_schema_is_reported() -> None:
    """So is a schema that is nested too deep."""
    faults: list[Diagnostic] = []
    deep: Any = {}
    for _ in range(300):
        deep = {"not": deep}
    for schema in ({"title": "\ud800"}, deep):
        assert SchemaSet().compile_inline(schema, ("here",), faults.append) is None
    assert [(fault.at, fault.what, fault.got) for fault in faults] == [
        (("here",), "no JSON Schema", "Failed to get UTF-8 representation"),
        (("here",), "no JSON Schema", "Recursion limit reached"),
    ]
