"""Violations: what JSON Schema finds, where, in what order and in which words; and requests read into documents."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from mockserver import load
from mockserver.core.contract import Operation, WarningRules
from mockserver.core.model import MISSING, Diagnostic, Request, Settings, Violation
from mockserver.decision.document import MOST_WARNINGS, read_body, read_document
from mockserver.schema import diagnostics
from mockserver.schema.patterns import compile_pattern
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import Validator, is_plain
from mockserver.schema.violations import MOST_VIOLATIONS, value_at


def compiled(schema: Any, **files: Any) -> Validator:
    """A schema that stands inside another file, beside schema files of these names."""
    schemas = SchemaSet()
    faults: list[Diagnostic] = []
    schemas.add({f"{name}.json": text for name, text in files.items()}, lambda _, fault: faults.append(fault))
    validator = schemas.inline(schema, (), faults.append)
    assert faults == []
    assert validator is not None
    return validator


def texts(schema: Any, value: Any, **files: Any) -> list[str]:
    """Where and what, of each violation."""
    return [violation.text for violation in compiled(schema, **files).violations("body", value)]


def only(schema: Any, value: Any) -> Violation:
    """The one violation."""
    [violation] = compiled(schema).violations("body", value)
    return violation


# -- patterns ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^[0-9]{4}$", "1234", True),
        ("^[0-9]{4}$", "1234\n", False),
        ("^[0-9]{4}$", "\n1234", False),
        (r"^\d{4}$", "1234", True),
        (r"^\d{4}$", "１２３４", False),
        (r"^\d{4}$", "١٢٣٤", False),
        (r"^\w+$", "ñ", False),
        (r"^\s$", "\u00a0", False),
        (r"^\p{L}+$", "ñandú", True),
        (r"^.$", "😀", True),
        (r"^.$", "\ud800", True),
        (r"^a[^b]$", "a\ud800", True),
        (r"^.{2}$", "e\u0301", True),
        ("b", "abc", True),
        ("(?i)ABC", "xabcx", True),
        ("^$", "", True),
    ],
)
def test_patterns_have_one_meaning(pattern: str, text: str, found: bool) -> None:
    """Classes are ASCII, `$` is the true end, a pattern is searched for, a character is a code point."""
    assert compile_pattern(pattern)(text) is found
    if "\ud800" not in text:  # which is refused before a pattern is asked
        assert (texts({"pattern": pattern}, text) == []) is found
        if is_plain(pattern, names=True):
            assert (texts({"patternProperties": {pattern: False}}, {text: 1}) != []) is found
            closed = {"patternProperties": {pattern: True}, "additionalProperties": False}
            assert (texts(closed, {text: 1}) == []) is found


def test_patterns_run_in_linear_time() -> None:
    """A pattern that would take a backtracking engine years takes none."""
    assert texts({"pattern": "^(a+)+$"}, "a" * 50_000 + "!") != []


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a{2,1}", "[z-a]", "(?<!a)"])
def test_patterns_that_the_engine_does_not_know_are_refused(pattern: str) -> None:
    """Look-around and back-references are refused with the engine's reason, wherever a pattern can stand."""
    schemas: list[Any] = [{"pattern": pattern}, {"items": {"patternProperties": {pattern: True}}}]
    for schema in schemas:
        faults: list[Diagnostic] = []
        assert SchemaSet().inline(schema, ("here",), faults.append) is None
        [fault] = faults
        assert fault.at[0] == "here"
        assert fault.what.startswith("bad regular expression: ")


# -- words and places -----------------------------------------------------------------------------------------

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
def test_violations_say_what_was_expected_and_what_kind_came(schema: Any, value: Any, text: str) -> None:
    """Every keyword has words of its own, at the place that is meant; a missing member is missing at its own place."""
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
def test_keywords_speak_only_of_their_kind(schema: Any, value: Any) -> None:
    """A keyword for another kind of value says nothing, and `format` is a remark."""
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
def test_messages_never_carry_the_value(schema: Any) -> None:
    """What came is named by its kind alone."""
    assert SECRET not in repr(only(schema, SECRET))
    [inside] = compiled({"properties": {"pin": schema}}).violations("body", {"pin": SECRET})
    assert SECRET not in repr(inside)


@pytest.mark.parametrize(
    ("value", "came"),
    [(None, "null"), ("", "empty"), (" \t\u3000", "blank"), ("a", "other"), ([], "other"), ({}, "other"), (0, "other")],
)
def test_what_came_is_one_of_five_words(value: Any, came: str) -> None:
    """`came` tells null, empty, blank and other apart, and what is missing."""
    assert only({"not": {}}, value).got == came
    assert only({"required": ["a"]}, {}).got == "missing"


def test_violations_have_one_order_whatever_the_schema_looks_like() -> None:
    """By place, numbers by size, then by keyword: never by the order of keys in the schema or in the request."""
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


def test_what_is_found_twice_is_said_once() -> None:
    """Two branches that find the same at one place make one violation, with the description if one has it."""
    described = {"required": ["a"], "properties": {"a": {"description": "An a."}}}
    for branches in ([described, {"required": ["a"]}], [{"required": ["a"], "properties": {"a": True}}, described]):
        [violation] = compiled({"allOf": branches}).violations("body", {})
        assert violation.about == "An a."


def test_the_number_of_violations_is_bounded() -> None:
    """A request with a great many violations is described by some of them."""
    found = compiled({"items": {"type": "null"}}).violations("body", [1] * 40_000)
    assert len(found) == MOST_VIOLATIONS


def test_a_value_is_found_at_its_path() -> None:
    """Members and items are found; where the path leads nowhere, nothing is."""
    value = {"a": [{"b": None}], "1": 2}
    assert value_at(value, ("a", 0, "b")) is None
    assert value_at(value, ("1",)) == 2
    assert value_at(value, ("a", "x")) is MISSING
    assert value_at(value, ("a", 0, "b", "c")) is MISSING
    assert value_at(value, ()) is value


# -- references and recursion ----------------------------------------------------------------------------------

TREE = {"properties": {"name": {"type": "string"}, "children": {"items": {"$ref": "#"}}}, "required": ["name"]}


def test_a_schema_may_refer_to_itself_below() -> None:
    """A tree is checked at every level."""
    tree = {"name": "a", "children": [{"name": "b", "children": [{"name": 5}, {}]}]}
    assert texts(TREE, tree) == [
        "body.children.0.children.0.name: expected a string, got a number",
        "body.children.0.children.1.name: is required, but missing",
    ]


def test_a_value_too_deep_for_a_schema_is_a_violation() -> None:
    """A request that nests deeper than checking can follow is refused, not a crash."""
    tree: Any = {"name": "a"}
    for _ in range(5_000):
        tree = {"name": "a", "children": [tree]}
    [violation] = compiled(TREE).violations("body", tree)
    assert (violation.keyword, violation.text) == ("parse", "body: nested too deep for its schema")


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf", "not"])
def test_references_that_double_at_each_level_are_refused(keyword: str) -> None:
    """Thirty levels would take a billion steps: the schema is refused when files are loaded."""
    levels: dict[str, Any] = {}
    for n in range(30):
        twice = [{"$ref": f"#/$defs/d{n + 1}"}] * 2
        levels[f"d{n}"] = {"not": {"anyOf": twice}} if keyword == "not" else {keyword: twice}
    schema = {"$ref": "#/$defs/d0", "$defs": {**levels, "d30": {"type": "string"}}}
    faults: list[Diagnostic] = []
    assert SchemaSet().inline(schema, ("here",), faults.append) is None
    assert faults == [
        Diagnostic(("here",), "schemas that refer to each other too often", "at most 50000 checks of one value", "more")
    ]


def test_references_that_lead_from_schema_to_schema_for_long_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of thousands is told of when files are loaded, and soon."""
    monkeypatch.setattr(diagnostics, "MOST_STEPS", 1_000)
    chain = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(100)}
    faults: list[Diagnostic] = []
    assert SchemaSet().inline({"$defs": {**chain, "d100": {}}}, (), faults.append) is None
    [fault] = faults
    assert fault.what == "$ref that leads through too many others"
    assert fault.expected == "schemas that refer to each other less"
    assert fault.got.removeprefix("#/$defs/") in chain


def test_items_are_unique_as_json_has_it() -> None:
    """A boolean is no number, and an array no text; many are compared in the time of few."""
    assert (
        texts({"uniqueItems": True}, [1, True, "1", [1], [True], {"a": 1}, {"a": True}, 0, False, None, "boolean"])
        == []
    )
    assert texts({"uniqueItems": False}, [1, 1]) == []
    assert texts({"uniqueItems": True}, [[n] if n % 2 else {"n": n} for n in range(50_000)]) == []


def test_a_regular_expression_has_a_length() -> None:
    """Searching takes time for each of its characters."""
    assert only({"pattern": "a" * 10_000}, "b").keyword == "pattern"
    faults: list[Diagnostic] = []
    assert SchemaSet().inline({"pattern": "a" * 10_001}, (), faults.append) is None
    assert [fault.what for fault in faults] == ["bad regular expression: longer than 10000 characters"]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"properties": {"a": {"anyOf": [{"not": {"$ref": "#/properties/a"}}]}}},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"if": {"$ref": "#/$defs/a"}}}},
        {"$dynamicAnchor": "node", "$dynamicRef": "#node"},
        {"dependentSchemas": {"x": {"$ref": "#"}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}},
    ],
)
def test_a_schema_that_only_leads_back_to_itself_is_refused(schema: Any) -> None:
    """An endless reference is found when files are loaded."""
    faults: list[Diagnostic] = []
    assert SchemaSet().inline(schema, (), faults.append) is None
    assert {fault.what.partition(" ")[2] for fault in faults} == {"that leads back to itself"}


def test_schemas_refer_to_each_other_by_file_name() -> None:
    """A file, a place in it, an anchor and a nested $id are found; nothing is fetched."""
    files = {
        "other": {"$defs": {"text": {"type": "string"}, "named": {"$anchor": "number", "type": "number"}}},
        "back": {"properties": {"a": {"$ref": "other.json#number"}}},
    }
    schema = {
        "properties": {
            "t": {"$ref": "other.json#/$defs/text"},
            "n": {"$ref": "back.json#/properties/a"},
            "i": {"$id": "inner", "$defs": {"x": {"type": "null"}}, "properties": {"y": {"$ref": "#/$defs/x"}}},
        }
    }
    assert texts(schema, {"t": 1, "n": "x", "i": {"y": 1}}, **files) == [
        "body.i.y: expected null, got a number",
        "body.n: expected a number, got a string",
        "body.t: expected a string, got a number",
    ]


def test_a_file_that_names_its_dialect_is_checked_like_any() -> None:
    """A `$schema` in a file that is referred to changes neither patterns nor places."""
    digits = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {"pin": {"pattern": r"^\d{4}$"}},
        "required": ["name"],
    }
    for pin in ("1234\n", "１２３４"):
        assert texts({"items": {"$ref": "digits.json"}}, [{"pin": pin}], digits=digits) == [
            "body.0.name: is required, but missing",
            r"body.0.pin: expected text that matches ^\d{4}$, got other text",
        ]


def test_a_schema_may_refer_to_a_place_that_is_no_keyword() -> None:
    """`definitions` and the like are followed, and checked for references of their own."""
    schema = {"definitions": {"a": {"items": {"$ref": "#/definitions/b"}}, "b": {"type": "null"}}}
    assert texts({**schema, "$ref": "#/definitions/a"}, [None, 1]) == ["body.1: expected null, got a number"]
    tree = {"definitions": {"a": {"type": "object", "properties": {"a": {"$ref": "#/definitions/a"}}}}}
    below = {"a": {"a": {"a": 1}}}
    assert texts({**tree, "$ref": "#/definitions/a"}, below) == ["body.a.a.a: expected an object, got a number"]


def test_schemas_that_refer_to_each_other_a_lot_are_compiled_at_once() -> None:
    """A dozen definitions, each with a member for every other, have no end of places; loading does not wait for it."""
    names = [f"d{n}" for n in range(14)]
    definitions = {d: {"properties": {name: {"$ref": f"#/$defs/{name}"} for name in names}} for d in names}
    validator = compiled({"$ref": "#/$defs/d0", "$defs": definitions})
    assert validator.known(("d1", "d2")) == tuple(names)


# -- what a schema declares ----------------------------------------------------------------------------------------

DECLARING: Any = {
    "properties": {
        "pin": {"writeOnly": True},
        "customer": {"$ref": "#/$defs/customer"},
        "list": {"items": {"properties": {"key": {"writeOnly": True}}}},
        "pair": {"prefixItems": [{"properties": {"left": True}}, {"properties": {"right": True}}]},
        "any": True,
    },
    "allOf": [{"properties": {"extra": {"writeOnly": False}}}],
    "if": {"properties": {"asked": True}},
    "then": {"properties": {"then": True}},
    "not": {"properties": {"never": True}},
    "$defs": {
        "customer": {"properties": {"first_name": True, "last_name": True, "self": {"$ref": "#/$defs/customer"}}}
    },
}


def test_declared_names_are_known_by_place() -> None:
    """References, branches and items declare; `if` and `not` do not; elsewhere nothing is known."""
    known = compiled(DECLARING).known
    assert known(()) == ("pin", "customer", "list", "pair", "any", "then", "extra")
    assert known(("customer",)) == ("first_name", "last_name", "self")
    assert known(("list", 7)) == ("key",)
    assert known(("pair", 0)) == ("left", "right")
    assert known(("any",)) == ()
    assert known(("nowhere", "at", "all")) == ()


def test_secrets_are_the_places_marked_write_only() -> None:
    """`writeOnly: true` marks a secret; an item's is that of every item."""
    assert compiled(DECLARING).secrets == (("list", "*", "key"), ("pin",))


def test_unknown_members_are_named_with_near_spellings() -> None:
    """Members that the schema does not declare are found at any depth, where it declares any."""
    body = {"Pin": 1, "customer": {"firstName": "a"}, "list": [{"key": 1}, {"kye": 2}], "any": {"thing": [{"x": 1}]}}
    assert sorted(compiled(DECLARING).unknown(body)) == [
        (("Pin",), ("pin",)),
        (("customer", "firstName"), ("first_name", "last_name")),
        (("list", 1, "kye"), ("key",)),
    ]


# -- sets of schemas -------------------------------------------------------------------------------------------------


def test_a_set_knows_its_sound_schemas_by_file_name() -> None:
    """What was reported is remembered as unsound, so that nobody reports it again."""
    schemas = SchemaSet()
    reported: list[tuple[str, str]] = []
    schemas.add(
        {"good.json": {"type": "null"}, "bad.json": {"type": 5}, "lost.json": {"$ref": "gone.json"}},
        lambda name, fault: reported.append((name, fault.what)),
    )
    assert schemas.names == ("good.json",)
    assert schemas.data == {"good.json": {"type": "null"}}
    assert schemas.unsound == {"bad.json", "lost.json"}
    assert reported == [
        ("bad.json", "no JSON Schema: wrong value for schema.type"),
        ("lost.json", "$ref that leads nowhere"),
    ]
    assert schemas.validator("good.json") is not None
    assert schemas.validator("bad.json") is None
    assert schemas.validator("none.json") is None


def reported(files: dict[str, Any]) -> tuple[SchemaSet, list[tuple[str, str, str]]]:
    """A set of schemas, and file, what and came of each fault."""
    schemas, faults = SchemaSet(), list[tuple[str, str, str]]()
    schemas.add(files, lambda name, fault: faults.append((name, fault.what, fault.got)))
    return schemas, faults


def test_what_refers_to_an_unsound_file_is_unsound_but_not_reported() -> None:
    """A reference in it leads nowhere or back to itself; checking against either ends in no traceback."""
    for text in ("#/$defs/gone", "#"):
        schemas, faults = reported({"a.json": {"items": {"$ref": "b.json"}}, "b.json": {"$ref": text}, "c.json": {}})
        assert [(name, came) for name, _, came in faults] == [("b.json", text)]
        assert schemas.names == ("c.json",)
        assert schemas.unsound == {"a.json", "b.json"}
        assert schemas.validator("a.json") is None
        more: list[Diagnostic] = []
        assert schemas.inline({"$ref": "b.json"}, (), more.append) is None
        assert more == []


def test_a_file_with_an_id_may_refer_to_its_neighbours() -> None:
    """Reached by file name, its references are relative to its `$id`, as those of the file that it refers to are."""
    files = {
        "b.json": {"$id": "https://example.com/d/b", "properties": {"x": {"$ref": "c"}, "y": {"$ref": "#/$defs/y"}}}
        | {"$defs": {"y": {"type": "null", "description": "A y."}}},
        "c.json": {"$id": "https://example.com/d/c", "type": "string"},
        "d.json": {"$id": "renamed", "items": {"$ref": "./c.json"}},
    }
    schemas, faults = reported(files)
    assert faults == []
    validator = schemas.inline({"properties": {"b": {"$ref": "b.json"}, "d": {"$ref": "d.json"}}}, (), print)
    assert validator is not None
    found = validator.violations("body", {"b": {"x": 1, "y": 2}, "d": [3]})
    assert [(violation.text, violation.about) for violation in found] == [
        ("body.b.x: expected a string, got a number", ""),
        ("body.b.y: expected null, got a number", "A y."),
        ("body.d.0: expected a string, got a number", ""),
    ]
    _, faults = reported({"b.json": {"$id": "https://example.com/b", "$ref": "c.json"}, "c.json": {}})
    assert faults == [("b.json", "$ref that leads nowhere", "c.json")]


def test_a_file_may_have_any_name() -> None:
    """In a reference it may stand as it is, or as in a URL."""
    schemas, faults = reported({"a (1).json": {"type": "null"}, "é#?%.json": {"minimum": 5}})
    assert faults == []
    schema = {"allOf": [{"$ref": "a (1).json"}, {"$ref": "a%20(1).json"}, {"$ref": "é%23%3F%25.json"}]}
    validator = schemas.inline(schema, (), print)
    assert validator is not None
    assert [violation.keyword for violation in validator.violations("body", 4)] == ["minimum", "type"]


@pytest.mark.parametrize(
    ("odd", "sound"),
    [
        ({"contentSchema": {"$ref": "gone.json"}}, ()),
        ({"dependencies": {"a": {"$ref": "gone.json"}}}, ("b.json",)),
    ],
)
def test_what_the_library_does_not_take_is_reported(odd: Any, sound: tuple[str, ...]) -> None:
    """A reference that no keyword of ours holds is followed by the library alone."""
    schemas, faults = reported({"a.json": odd, "b.json": {"type": "null"}})
    [(name, what, came)] = faults
    assert (name, what) == ("a.json", "schema that cannot be compiled")
    assert "gone.json" in came
    assert schemas.names == sound
    inline: list[Diagnostic] = []
    assert SchemaSet().inline(odd, ("here",), inline.append) is None
    assert [(fault.at, fault.what) for fault in inline] == [(("here",), "schema that cannot be compiled")]


def test_what_is_trusted_is_sound() -> None:
    """The schemas of the package itself; a mistake in them stops everything."""
    with pytest.raises(AssertionError, match="cannot be compiled"):
        SchemaSet().trust({"a.json": {"$ref": "gone.json"}})


def test_a_dynamic_reference_leads_to_the_outermost_anchor() -> None:
    """A strict tree refuses a misspelt member at every level."""
    files = {
        "tree": {
            "$dynamicAnchor": "node",
            "properties": {"data": True, "children": {"items": {"$dynamicRef": "#node"}}},
        },
        "strict": {"$dynamicAnchor": "node", "$ref": "tree.json", "unevaluatedProperties": False},
    }
    value = {"children": [{"daat": 1}]}
    assert texts({"$ref": "tree.json"}, value, **files) == []
    assert texts({"$ref": "strict.json"}, value, **files) == ["body.children.0: has a member that is not known"]


def test_patterns_of_names_may_stand_beside_unevaluated_properties() -> None:
    """Both engines run in linear time."""
    schema = {"patternProperties": {"^x-": True}, "unevaluatedProperties": False}
    assert texts(schema, {"x-a": 1}) == []
    assert texts(schema, {"x-a": 1, "y": 2}) == ["body: has a member that is not known"]


def test_members_that_are_called_like_keywords_are_members() -> None:
    """`false` refuses a member at its own place; as a keyword it refuses items and names where they are held."""
    schema = {
        "properties": {"items": False, "propertyNames": False, "properties": {"properties": {"items": False}}},
        "$defs": {"none": {"items": False}},
        "allOf": [{"properties": {"list": {"$ref": "#/$defs/none"}, "empty": {"propertyNames": False}}}],
    }
    value = {"items": {}, "propertyNames": {}, "properties": {"items": 1}, "list": [1, 2], "empty": {"a": 1, "b": 2}}
    assert texts(schema, value) == [
        "body.empty.a: is a member whose name is not allowed",
        "body.empty.b: is a member whose name is not allowed",
        "body.items: is not allowed",
        "body.list: has more items than are allowed",
        "body.properties.items: is not allowed",
        "body.propertyNames: is not allowed",
    ]


def test_too_few_of_none_is_too_few() -> None:
    """The keyword that is broken is named: `minContains` where it is there."""
    assert only({"contains": {"const": 1}, "minContains": 2}, [2]).keyword == "minContains"
    assert only({"contains": {"const": 1}}, [2]).keyword == "contains"


def test_a_set_is_rewritten_with_its_references_as_asked_for() -> None:
    """By pointer, file name, anchor, `$id` or to a `true`: each is told by file and place; names are left out."""
    schemas = SchemaSet()
    first = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {
            "$id": {"$ref": "two.json"},
            "b": {"$ref": "#/properties/%24id"},
            "c": {"$ref": "two.json#mark"},
        },
        "items": {"$id": "sub/three.json", "$defs": {"x": True}, "contains": {"$ref": "#/$defs/x"}},
        "const": {"$ref": "no reference"},
        "prefixItems": [{"$dynamicRef": "#/x-odd/0"}],
        "x-odd": [{"$ref": "#/$defs/y"}],
        "$defs": {"y": {"readOnly": True}},
    }
    faults: list[Diagnostic] = []
    two = {"$defs": {"m": {"$anchor": "mark", "type": "string"}}}
    schemas.add({"one.json": first, "two.json": two}, lambda _, fault: faults.append(fault))
    assert faults == []
    assert schemas.relinked(lambda name, at: f"{name}:{'/'.join(map(str, at))}") == {
        "one.json": {
            "properties": {
                "$id": {"$ref": "two.json:"},
                "b": {"$ref": "one.json:properties/$id"},
                "c": {"$ref": "two.json:$defs/m"},
            },
            "items": {"$defs": {"x": True}, "contains": {"$ref": "one.json:items/$defs/x"}},
            "const": {"$ref": "no reference"},
            "prefixItems": [{"$dynamicRef": "one.json:x-odd/0"}],
            "x-odd": [{"$ref": "one.json:$defs/y"}],
            "$defs": {"y": {"readOnly": True}},
        },
        "two.json": {"$defs": {"m": {"type": "string"}}},
    }
    assert first["const"] == {"$ref": "no reference"}
    assert "$schema" in first


@pytest.mark.parametrize("dialect", ["", "#"])
def test_the_dialect_may_be_named(dialect: str) -> None:
    """Only 2020-12 is understood; its name may end in an empty fragment."""
    assert texts({"$schema": f"https://json-schema.org/draft/2020-12/schema{dialect}", "type": "null"}, None) == []


# -- requests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "came", "message"),
    [
        (b"", "missing", "expected a JSON object, got nothing"),
        (b" \r\n\t", "missing", "expected a JSON object, got nothing"),
        (b"{", "other", "not JSON, reading stopped at line 1, column 2"),
        (b'{"a": NaN}', "other", "not JSON, reading stopped at line 1, column 7"),
        (b'{"a": Infinity}', "other", "not JSON, reading stopped at line 1, column 7"),
        (b"{} {}", "other", "not JSON, reading stopped at line 1, column 4"),
        (b"{'a': 1}", "other", "not JSON, reading stopped at line 1, column 2"),
        (b'\xef\xbb\xbf{"a": 1}', "other", "not JSON, reading stopped at line 1, column 1"),
        (b'{"a": "\xff"}', "other", "not UTF-8 at byte 7"),
        (b'{"a": "\xed\xa0\x80"}', "other", "not UTF-8 at byte 7"),
        (b"[" * 65 + b"]" * 65, "other", "nested deeper than 64 levels"),
        (b"[" * 5_000 + b"]" * 5_000, "other", "nested deeper than 64 levels"),
        (b"[]", "other", "expected a JSON object, got an array"),
        (b"null", "null", "expected a JSON object, got null"),
        (b'""', "empty", "expected a JSON object, got a string"),
        (b'" "', "blank", "expected a JSON object, got a string"),
        (b"true", "other", "expected a JSON object, got a boolean"),
        (b"1", "other", "expected a JSON object, got a number"),
    ],
)
def test_a_body_that_is_no_json_object_is_one_violation(data: bytes, came: str, message: str) -> None:
    """Whatever is not a JSON object in UTF-8 is a violation of the body, keyword `parse`, that never shows it."""
    body, violations = read_body(data, 64)
    assert body is MISSING
    assert violations == (Violation("body", (), "parse", came, message),)


def test_a_lone_surrogate_is_no_text() -> None:
    """An escape that is half a character is refused."""
    body, [violation] = read_body(b'{"a": "\\ud800"}', 64)
    assert body is MISSING
    assert violation.message == "not JSON, half of a surrogate pair stands alone at line 1, column 8"


def test_a_body_at_the_limit_of_depth_is_read() -> None:
    """The limit counts levels."""
    data = b'{"a":' + b"[" * 63 + b"]" * 63 + b"}"
    body, violations = read_body(data, 64)
    assert (body, violations) == (json.loads(data), ())


BODY = compiled({"properties": {"name": {"type": "string"}}})
NUMBER = compiled({"properties": {"n": {"pattern": "^[0-9]+$"}}, "required": ["n"]})


def reading(body: Validator | None, others: tuple[tuple[str, Validator], ...], warnings: WarningRules) -> Operation:
    """An operation that reads a request with these schemas and rules."""
    return replace(load().operations[0], body=body, parameter_schemas=others, warnings=warnings)


def wheres(
    operation: Operation,
    body: bytes = b"{}",
    headers: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    parameters: Mapping[str, str] | None = None,
) -> list[tuple[str, str, str]]:
    """Where, keyword and what came, of each violation of a request."""
    document = read_document(
        operation, Request("GET", "/", body, headers or {}), parameters or {}, settings or Settings()
    )
    return [(v.where, v.keyword, v.got) for v in document.violations]


def test_violations_come_by_part_of_the_request() -> None:
    """Headers first, then path, query and body."""
    operation = reading(BODY, (("path", NUMBER), ("query", NUMBER)), WarningRules())
    settings = Settings(require_headers=("X-Key", "X-Other", "X-Third"))
    headers = {"x-key": "k", "x-other": " "}
    assert wheres(operation, b'{"name": 5}', headers, settings, {"n": "x"}) == [
        ("header.x-other", "required", "blank"),
        ("header.x-third", "required", "missing"),
        ("path.n", "pattern", "other"),
        ("query.n", "required", "missing"),
        ("body.name", "type", "other"),
    ]
    assert wheres(operation, b"{", headers, parameters={"n": "1"})[-1] == ("body", "parse", "other")


def test_the_words_for_a_header_tell_missing_and_blank_apart() -> None:
    """A required header that is sent empty is not taken."""
    operation = reading(None, (), WarningRules())
    settings = Settings(require_headers=("X-A", "X-B"))
    document = read_document(operation, Request("GET", "/", b"", {"x-a": ""}), {}, settings)
    assert [v.text for v in document.violations] == [
        "header.x-a: is required, but blank",
        "header.x-b: is required, but missing",
    ]


def test_a_body_that_no_schema_describes_is_not_looked_at() -> None:
    """An operation without a body schema takes any body."""
    document = read_document(reading(None, (), WarningRules()), Request("GET", "/", b"{"), {}, Settings())
    assert (document.body, document.violations, document.warnings) == (MISSING, (), ())


WARNING = WarningRules("extra", ("application/json", "types"), (("X-A", "X-B"), "keys"))


def warnings(operation: Operation, body: bytes, **headers: str) -> list[tuple[str, str, str, str]]:
    """Keyword, pointer, message and point of each warning."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    found = read_document(operation, Request("POST", "/", body, sent), {}, Settings()).warnings
    return [(warn.keyword, warn.pointer, warn.message, warn.point) for warn in found]


def test_what_is_accepted_with_a_warning_is_named() -> None:
    """Unknown members, other content types and missing headers are named, each with its open point."""
    operation = reading(BODY, (), WARNING)
    assert warnings(operation, b'{"name": "a"}', content_type="Application/JSON ; charset=utf-8", x_b="1") == []
    assert warnings(operation, b'{"Name/": 1, "\xc3\xb1": 2}', content_type="text/plain") == [
        ("content-type", "/content-type", "expected application/json, got another one", "types"),
        ("authentication", "", "none of X-A, X-B was sent; none is required here", "keys"),
        ("unknown-member", "/Name~1", "Name/ is not a documented member, did you mean name?", "extra"),
        ("unknown-member", "/ñ", "\\xf1 is not a documented member", "extra"),
    ]
    assert warnings(operation, b"{", x_a="") == [
        ("content-type", "/content-type", "expected application/json, got none", "types")
    ]


def test_warnings_do_not_need_a_body() -> None:
    """Headers that a client should send are looked at for an operation without a body too."""
    operation = reading(None, (), WarningRules(any_header=(("X-A",), "keys")))
    assert [keyword for keyword, *_ in warnings(operation, b"")] == ["authentication"]


def test_the_number_of_warnings_is_bounded() -> None:
    """A body with a great many unknown members is described by some of them."""
    body = json.dumps(dict.fromkeys(map(str, range(5_000)))).encode()
    assert len(warnings(reading(BODY, (), WarningRules(unknown_members="extra")), body)) == MOST_WARNINGS
