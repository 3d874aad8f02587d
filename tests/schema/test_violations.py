"""Violations: place, keyword and words, in one order, without the value."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from mockserver.schema.violations import MAX_VIOLATIONS
from tests.support.schemas import TREE, compiled, only, texts

MESSAGES: list[tuple[Any, Any, str]] = [
    ({"type": "string"}, 5, "body: expected a string, got a number"),
    ({"type": ["string", "null"]}, [], "body: expected a string or null, got an array"),
    ({"type": ["array", "object", "boolean"]}, None, "body: expected an array, an object or a boolean, got null"),
    ({"type": "integer"}, 1.5, "body: expected an integer, got a number with a fraction"),
    ({"type": "integer"}, True, "body: expected an integer, got a boolean"),
    ({"type": "number"}, {}, "body: expected a number, got an object"),
    ({"pattern": "^a$"}, "b", "body: expected text that matches ^a$, got other text"),
    ({"pattern": "^a$", "x-expected": "an a"}, "", "body: expected an a, got empty text"),
    ({"pattern": "^a$", "x-expected": "an a"}, " \t", "body: expected an a, got only white space"),
    ({"pattern": "^a$", "x-expected": {"en": "an a", "es": "una a"}}, "b", "body: expected an a, got other text"),
    ({"minLength": 1}, "", "body: expected at least 1 character, got 0"),
    ({"minLength": 4}, "abc", "body: expected at least 4 characters, got 3"),
    ({"maxLength": 1}, "😀😀", "body: expected at most 1 character, got 2"),
    ({"minItems": 2}, [1], "body: expected at least 2 items, got 1"),
    ({"maxItems": 1}, [1, 2], "body: expected at most 1 item, got 2"),
    ({"minProperties": 1}, {}, "body: expected at least 1 member, got 0"),
    ({"maxProperties": 0}, {"a": 1}, "body: expected at most 0 members, got 1"),
    ({"minimum": 5}, 4, "body: expected a number of at least 5, got a smaller one"),
    ({"maximum": 5}, 6, "body: expected a number of at most 5, got a greater one"),
    ({"exclusiveMinimum": 5}, 5, "body: expected a number greater than 5, got another one"),
    ({"exclusiveMaximum": 5}, 5, "body: expected a number less than 5, got another one"),
    ({"multipleOf": 5}, 6, "body: expected a multiple of 5, got another number"),
    ({"enum": ["a", "b"]}, "c", 'body: expected one of "a", "b", got other text'),
    ({"enum": ["a", "b"]}, 5, 'body: expected one of "a", "b", got a number'),
    ({"enum": [1, None]}, 2, "body: expected one of 1, null, got another number"),
    ({"enum": [1]}, True, "body: expected one of 1, got a boolean"),
    ({"enum": ["a"]}, None, 'body: expected one of "a", got null'),
    ({"const": {"a": 1}}, {"a": 2}, 'body: expected {"a":1}, got another object'),
    ({"const": "a"}, "", 'body: expected "a", got empty text'),
    ({"uniqueItems": True}, [1, 1.0], "body: expected items that are all different"),
    ({"uniqueItems": True}, [[{"a": [1]}], [{"a": [1.0]}]], "body: expected items that are all different"),
    ({"anyOf": [{"type": "null"}, {"minimum": 5}]}, 4, "body: fits none of the forms that are allowed"),
    ({"oneOf": [True, True]}, 4, "body: expected exactly one of the forms that are allowed to fit"),
    ({"oneOf": [False, False]}, 4, "body: expected exactly one of the forms that are allowed to fit"),
    ({"not": {"type": "string"}}, "a", "body: is of a form that is not allowed"),
    ({"contains": {"const": 1}}, [2], "body: an item that has to be there is missing"),
    ({"contains": {"const": 1}, "minContains": 2}, [1], "body: has too few items of one form"),
    ({"contains": {"const": 1}, "maxContains": 1}, [1, 1], "body: has too many items of one form"),
    ({"propertyNames": {"maxLength": 1}}, {"a": 1, "bc": 2}, "body.bc: is a member whose name is not allowed"),
    ({"properties": {"a": False}}, {"a": 1}, "body.a: is not allowed"),
    (False, 1, "body: is not allowed"),
    ({"additionalProperties": False}, {"a": 1}, "body.a: is not a member that is known here"),
    ({"additionalProperties": {"type": "null"}}, {"a": 1}, "body.a: expected null, got a number"),
    ({"patternProperties": {"^x": {"type": "null"}}}, {"x1": 1, "y": 1}, "body.x1: expected null, got a number"),
    ({"unevaluatedProperties": False}, {"a": 1}, "body: has a member that is not known"),
    ({"prefixItems": [True], "unevaluatedItems": False}, [1, 2], "body: has an item that is not known"),
    ({"prefixItems": [True], "items": False}, [1, 2], "body: has more items than are allowed"),
    ({"items": {"not": {}}}, [1], "body.0: is of a form that is not allowed"),
    ({"prefixItems": [True, False]}, [1, 2], "body.1: is not allowed"),
    ({"allOf": [False]}, 1, "body: is not allowed"),
    ({"prefixItems": [{"type": "null"}]}, [1], "body.0: expected null, got a number"),
    ({"required": ["a"]}, {}, "body.a: is required, but missing"),
    ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "body.b: is required, but missing"),
    ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"a": 1}, "body.b: is required, but missing"),
    ({"if": {"required": ["a"]}, "then": {"required": ["b"]}}, {"a": 1}, "body.b: is required, but missing"),
    ({"if": {"required": ["a"]}, "else": {"required": ["b"]}}, {}, "body.b: is required, but missing"),
    (
        {"properties": {"a": {"items": {"required": ["b"]}}}},
        {"a": [{"b": 1}, {}]},
        "body.a.1.b: is required, but missing",
    ),
]


@pytest.mark.parametrize(("schema", "value", "text"), MESSAGES, ids=[text for _, _, text in MESSAGES])
def test_violations_say_what_was_expected_and_got(schema: Any, value: Any, text: str) -> None:
    """Each keyword has its own words; a missing member is reported at its own place."""
    assert texts(schema, value) == [text]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"required": ["a"], "dependentRequired": {"a": ["b"]}, "propertyNames": {"maxLength": 1}}, "text"),
        ({"patternProperties": {"^x": False}, "additionalProperties": False, "minProperties": 3}, ["list"]),
        ({"pattern": "^a$", "minLength": 5, "maxLength": 0}, 5),
        ({"minimum": 5, "multipleOf": 2, "contains": False, "uniqueItems": True}, "text"),
        ({"dependentRequired": {"a": ["b"]}}, {"c": 1}),
        ({"if": {"type": "string"}, "then": False}, 5),
        ({"format": "email", "contentEncoding": "base64"}, "no e-mail"),
    ],
)
def test_keywords_ignore_other_kinds_of_value(schema: Any, value: Any) -> None:
    """`format` is an annotation."""
    assert texts(schema, value) == []


SECRET = "hush-4242"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"pattern": "^a$"},
        {"maxLength": 2},
        {"enum": ["a"]},
        {"const": "a"},
        {"not": {}},
        {"anyOf": [False]},
        {"oneOf": [False]},
        False,
    ],
)
def test_messages_never_hold_the_value(schema: Any) -> None:
    """Only the kind of the value is named."""
    assert SECRET not in repr(only(schema, SECRET))
    [inside] = compiled({"properties": {"pin": schema}}).violations("body", {"pin": SECRET})
    assert SECRET not in repr(inside)


@pytest.mark.parametrize(
    ("value", "came"),
    [(None, "null"), ("", "empty"), (" \t\u3000", "blank"), ("a", "other"), ([], "other"), ({}, "other"), (0, "other")],
)
def test_came_is_one_of_five_words(value: Any, came: str) -> None:
    """`came` tells missing, null, empty, blank and other apart."""
    assert only({"not": {}}, value).got == came
    assert only({"required": ["a"]}, {}).got == "missing"


def test_violations_have_one_order() -> None:
    """By place, numbers by size, then by keyword; never by the order of members."""
    parts = {
        "required": ["z", "a"],
        "properties": {"m": {"type": "string", "enum": ["x"]}, "b": {"items": {"type": "null"}}},
        "maxProperties": 1,
        "propertyNames": {"maxLength": 1},
    }
    members = {"m": 5, "b": list(range(11)), "cc": 1}
    expected = [
        "body: expected at most 1 member, got 3",
        "body.a: is required, but missing",
        *(f"body.b.{index}: expected null, got a number" for index in range(11)),
        "body.cc: is a member whose name is not allowed",
        'body.m: expected one of "x", got a number',
        "body.m: expected a string, got a number",
        "body.z: is required, but missing",
    ]
    for order in itertools.permutations(parts):
        schema = {name: parts[name] for name in order}
        assert texts(schema, members) == expected
        assert texts(schema, dict(reversed(members.items()))) == expected


def test_equal_violations_are_merged() -> None:
    """Two branches that find the same at one place give one violation."""
    described = {"required": ["a"], "properties": {"a": {"description": "An a."}}}
    for branches in ([described, {"required": ["a"]}], [{"required": ["a"], "properties": {"a": True}}, described]):
        [violation] = compiled({"allOf": branches}).violations("body", {})
        assert violation.description == "An a."


def test_the_number_of_violations_is_bounded() -> None:
    """Beyond the bound the rest are left out."""
    found = compiled({"items": {"type": "null"}}).violations("body", [1] * 15_000)
    assert len(found) == MAX_VIOLATIONS


def test_a_value_too_deep_for_a_schema_is_a_violation() -> None:
    """A request that nests deeper than checking can follow is refused, not a crash."""
    tree: Any = {"name": "a"}
    for _ in range(5_000):
        tree = {"name": "a", "children": [tree]}
    [violation] = compiled(TREE).violations("body", tree)
    assert (violation.keyword, violation.text) == ("parse", "body: nested too deep for its schema")


def test_an_empty_array_breaks_contains_or_min_contains() -> None:
    """The broken keyword is named: `minContains` where it is given."""
    assert only({"contains": {"const": 1}, "minContains": 2}, [2]).keyword == "minContains"
    assert only({"contains": {"const": 1}}, [2]).keyword == "contains"
