"""The fast first answer to "well formed?" and the reference are of one mind, on whatever schema and value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.core.model import Diagnostic
from mockserver.schema.keywords import META, Checker
from mockserver.schema.patterns import compile_pattern
from mockserver.schema.validation import SchemaSet, Validator
from mockserver.schema.wellformed import compile_wellformed, is_schema

REQUEST = json.loads(
    (Path(__file__).parents[1] / "schemas" / "activate-card-for-customer.request.schema.json").read_text()
)


def broken(_: object) -> None:
    raise AssertionError


def validator(schema: Any, **others: Any) -> Validator:
    schemas = SchemaSet()
    schemas.add({f"{name}.json": other for name, other in others.items()}, lambda *_: broken(_))
    compiled = schemas.inline(schema, (), broken)
    assert compiled is not None
    return compiled


def fast(schema: Any) -> Any:
    """The fast check of a schema without references."""
    return compile_wellformed(schema, None, lambda *_: None)


# -- schemas and values -----------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])
PATTERNS = st.sampled_from(
    [r"^\d+$", r"^[^\s\p{Z}]*$", r"a.b", r"^\w{1,3}$", r"(?i)A", r"\bx", r"^(?:a|b)+$", r"^\S+$"]
)
TEXTS = st.text(alphabet="abx1 \n\u00a0\u0661\u00e9_-", max_size=5)
NUMBERS = st.one_of(st.integers(-3, 3), st.integers(2**53 - 2, 2**64 - 1), st.sampled_from([0.5, 1.0, -0.0, 1e300]))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
KINDS = st.sampled_from(["string", "number", "integer", "boolean", "null", "object", "array"])
SMALL = st.integers(0, 3)
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.booleans(),
    st.builds(lambda k: {"type": k}, st.one_of(KINDS, st.lists(KINDS, min_size=1, unique=True))),
    st.builds(lambda v: {"const": v}, VALUES),
    st.builds(lambda v: {"enum": v}, st.lists(VALUES, min_size=1, max_size=3)),
    st.builds(lambda p: {"pattern": p}, PATTERNS),
    st.builds(lambda k, n: {k: n}, st.sampled_from(["minLength", "maxLength", "minItems", "maxItems"]), SMALL),
    st.builds(lambda k, n: {k: n}, st.sampled_from(["minProperties", "maxProperties"]), SMALL),
    st.builds(
        lambda k, n: {k: n},
        st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]),
        NUMBERS,
    ),
    st.builds(lambda n: {"required": n}, st.lists(NAMES, max_size=2, unique=True)),
    st.builds(
        lambda n: {"dependentRequired": n}, st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2)
    ),
)


def _grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(inner, min_size=1, max_size=2)
    return st.one_of(
        st.builds(lambda k, s: {k: s}, st.sampled_from(["not", "items", "additionalProperties", "contains"]), inner),
        st.builds(lambda k, s: {k: s}, st.sampled_from(["allOf", "anyOf", "oneOf", "prefixItems"]), some),
        st.builds(
            lambda k, s: {k: s},
            st.sampled_from(["properties", "dependentSchemas"]),
            st.dictionaries(NAMES, inner, max_size=2),
        ),
        st.builds(lambda a, b, c: {"if": a, "then": b, "else": c}, inner, inner, inner),
        st.builds(
            lambda a, b, n: {"properties": {n: a}, "additionalProperties": b, "propertyNames": {"maxLength": 1}},
            inner,
            inner,
            NAMES,
        ),
        st.builds(lambda a, b: {**(a if isinstance(a, dict) else {}), "allOf": [b]}, inner, inner),
    )


SCHEMAS = st.recursive(LEAVES, _grown, max_leaves=5)


@settings(max_examples=300)
@given(SCHEMAS, VALUES, st.booleans())
def test_both_come_to_one_verdict(schema: Any, value: Any, referred: bool) -> None:
    """What the fast one lets through, the reference finds nothing in, and the other way round."""
    if referred:
        schema = {"$defs": {"x": schema}, "properties": {"a": {"$ref": "#/$defs/x"}}, "$ref": "#/$defs/x"}
    found = validator(schema)
    slow = not list(Checker(schema).iter_errors(value))
    assert found._well_formed is not None
    assert found._well_formed(value) is slow
    assert (not found.violations("body", value)) is slow


@settings(max_examples=200)
@given(SCHEMAS, SCHEMAS, VALUES)
def test_both_come_to_one_verdict_on_schemas_that_refer_to_themselves(one: Any, other: Any, value: Any) -> None:
    """From a member, an item, or by way of another schema."""
    schema = {
        "$defs": {
            "one": {"allOf": [one], "properties": {"a": {"$ref": "#/$defs/one"}, "b": {"$ref": "#/$defs/other"}}},
            "other": {"anyOf": [other, True], "items": {"$ref": "#"}, "properties": {"c": {"$ref": "#/$defs/one"}}},
        },
        "$ref": "#/$defs/other",
        "additionalProperties": {"$ref": "#/$defs/one"},
    }
    found = validator(schema)
    assert found._well_formed is not None
    assert found._well_formed(value) is (not list(Checker(schema).iter_errors(value)))


KEYWORDS = st.sampled_from(
    ["$id", "$ref", "$anchor", "$defs", "$dynamicRef", "$comment", "$vocabulary", "type", "enum", "const", "pattern"]
    + ["minLength", "maxItems", "multipleOf", "required", "dependentRequired", "dependentSchemas", "properties"]
    + ["patternProperties", "items", "prefixItems", "allOf", "not", "if", "contains", "uniqueItems", "title", "format"]
    + ["default", "examples", "deprecated", "writeOnly", "contentSchema", "definitions", "dependencies", "x-own"]
)
TEXTS_OF_SCHEMAS = st.sampled_from(
    ["", "#", "a#b", "a\n", "#/$defs/a", "string", "integer", "http://[", "x.json", "(", "é"]
)
NO_SCHEMAS = st.recursive(
    st.one_of(VALUES, TEXTS_OF_SCHEMAS, LEAVES),
    lambda inner: st.one_of(
        st.dictionaries(KEYWORDS, inner, max_size=3),
        st.lists(inner, max_size=3),
        st.dictionaries(NAMES, inner, max_size=2),
    ),
    max_leaves=6,
)


@settings(max_examples=500)
@given(st.dictionaries(KEYWORDS, NO_SCHEMAS, max_size=3))
def test_what_is_taken_for_a_schema_is_one(schema: Any) -> None:
    """The fast answer and the reference come to one verdict on the text of a schema."""
    assert is_schema(schema) is (not list(Checker(META).iter_errors(schema)))


@pytest.mark.parametrize("value", ["\ud800", {"title": "\ud800"}, {"minimum": float("nan")}, {"const": object()}])
def test_a_schema_that_cannot_be_taken_in_is_left_to_the_reference(value: Any) -> None:
    """What no JSON text gives raises nothing."""
    assert is_schema(value) in (True, False)


@pytest.mark.parametrize(("levels", "expected"), [(99, True), (100, False), (200_000, False)])
def test_a_schema_without_an_end_is_followed_so_far(levels: int, expected: bool) -> None:
    """Deeper values are left to the reference, which has a bound of its own."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    found = validator({"$defs": {"list": {"items": {"$ref": "#/$defs/list"}}}, "$ref": "#/$defs/list"})
    assert found._well_formed is not None
    assert found._well_formed(value) is expected


MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(
            TEXTS, VALUES, st.sampled_from(["1234", "1234\n", "１２３４", "a" * 32, "7" * 32, "\x1c", "\x85"])
        )
        for name in ["customer_id", "card_identifier", "reference_batch", "pin", "device_id", "balance"]
    }
    | {
        "customer": st.one_of(
            VALUES,
            st.fixed_dictionaries(
                {},
                optional={
                    name: st.one_of(TEXTS, VALUES, st.just("PEGL800101AB1"), st.just("ÑÑÑ800101AB1"))
                    for name in ["first_name", "last_name", "email", "phone_number", "rfc"]
                },
            ),
        )
    },
)


@settings(max_examples=200)
@given(st.one_of(MEMBERS, VALUES))
def test_both_come_to_one_verdict_of_the_shipped_schema(body: Any) -> None:
    """The request schema of the shipped contract, on bodies near to well-formed ones."""
    found = validator(REQUEST)
    assert found._well_formed is not None
    assert found._well_formed(body) is (not list(Checker(REQUEST).iter_errors(body)))


# -- regular expressions ------------------------------------------------------------------------------

ATOMS = st.sampled_from(
    [
        "a",
        "-",
        "&",
        "é",
        "Ñ",
        ".",
        r"\.",
        r"\d",
        r"\w",
        r"\s",
        r"\v",
        r"\p{Z}",
        r"\p{Cc}",
        "[a-c]",
        r"[^\s\p{Cc}]",
        r"[\d_]",
    ]
    + [
        r"[\w-]",
        "[^a]",
        "[.*+]",
        r"[\n\t]",
        "[\x1c-\x1f\x85]",
        "[é-ü]",
        "[a&b]",
        r"[^\x00-\x20\x7f-\xa0　]",
        r"[\x09-\x0d]",
        "^",
        "$",
        "(?:ab|c)",
        "(a)",
        "|",
    ]
    + [r"\b", r"\D", r"\S", r"\W", "(?i)a", r"\x41", r"\pL", "[[:alpha:]]", r"\Qa\E", r"\z", "[]a]", "\t"]
)
QUANTIFIERS = st.sampled_from(["", "", "", "*", "+", "?", "*?", "{2}", "{1,}", "{0,2}"])
PIECES = st.lists(
    st.builds(lambda a, q: a + (q if a not in ("^", "|", "(?i)a") else ""), ATOMS, QUANTIFIERS), max_size=4
)
SUBJECTS = st.text(alphabet="aAbcé\u00fcÑ.-_&*1\u0661 \u00a0\u2028\u3000\n\r\t\x0b\x0c\x1c\x85\u200b\x00Q", max_size=6)


@settings(max_examples=800)
@given(PIECES.map("".join), SUBJECTS)
def test_a_regular_expression_means_the_same(pattern: str, text: str) -> None:
    """Whichever engine answers, `$` is the true end and classes are ASCII."""
    try:
        expected = compile_pattern(pattern)(text)
    except ValueError:
        return  # refused as the files are loaded
    found = fast({"pattern": pattern})
    assert found is not None
    assert found(text) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("^[0-9]{4}$", "1234\n", False),
        (r"^\d$", "\uff11", False),
        (r"^\s$", "\u00a0", False),
        (r"^\w$", "é", False),
        ("^.$", "\u2028", True),
        ("^.$", "\r", True),
        ("[[:alpha:]]", "a", True),
        (r"^\Qa.b\E$", "a.b", True),
    ],
)
def test_traps_of_regular_expressions(pattern: str, text: str, matches: bool) -> None:
    """Where engines differ, both answer as ours does."""
    assert compile_pattern(pattern)(text) is matches
    assert fast({"pattern": pattern})(text) is matches


# -- what is left to the reference ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "schema",
    [
        {"multipleOf": 0.1},
        {"uniqueItems": True},
        {"patternProperties": {"^a": {}}},
        {"unevaluatedProperties": False},
        {"$dynamicRef": "#a", "$defs": {"a": {"$dynamicAnchor": "a"}}},
        {"properties": {"a": {"$id": "inner.json", "type": "string"}}},
    ],
)
def test_what_the_two_may_read_differently_is_left_to_the_reference(schema: Any) -> None:
    """Inexact numbers, and keywords whose meaning depends on others."""
    assert validator(schema)._well_formed is None


def test_a_schema_that_grows_without_measure_is_left_to_the_reference() -> None:
    """References to references multiply; filling them in stops at a bound."""
    levels = {f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 8} for n in range(6)} | {"l6": {"type": "string"}}
    found = validator({"$defs": levels, "$ref": "#/$defs/l0"})
    assert found._well_formed is None


def test_a_reference_that_leads_nowhere_is_left_to_the_reference() -> None:
    """Whoever resolves it reports it."""
    assert fast({"$ref": "#/nowhere"}) is None


def test_references_to_other_files_are_filled_in() -> None:
    """What a reference leads to counts, beside what stands with it."""
    found = validator({"$ref": "other.json#/$defs/x", "minLength": 2}, other={"$defs": {"x": {"pattern": "^a"}}})
    assert found._well_formed is not None
    assert [found._well_formed(text) for text in ("ab", "a", "bb")] == [True, False, False]


@pytest.mark.parametrize("value", ["\ud800", 2**70, float("inf"), float("nan"), {1: 2}, object()])
def test_a_value_that_cannot_be_taken_in_is_left_to_the_reference(value: Any) -> None:
    """What no JSON text gives raises nothing."""
    assert fast({"type": "string", "minLength": 1})(value) in (True, False)
    assert fast({"type": "boolean"})(value) is False


def test_a_mistake_in_a_schema_is_told_as_before() -> None:
    """The fast one has no say in what is a schema."""
    told: list[Diagnostic] = []
    assert SchemaSet().inline({"type": "strin"}, (), told.append) is None
    assert [mistake.what for mistake in told] == ["no JSON Schema: wrong value for schema.type"]


def test_members_that_depend_on_one_that_is_not_there() -> None:
    """They are not missed."""
    assert list(Checker({"dependentRequired": {"a": ["b"]}}).iter_errors({"c": 1})) == []


def test_unknown_members_are_found_in_a_list_as_well() -> None:
    """Wherever the value begins."""
    found = validator({"items": {"properties": {"name": {}}}})
    assert list(found.unknown([{"nam": 1}])) == [((0, "nam"), ("name",))]
