"""The validator of requests and the reference, the library `jsonschema`, are of one mind on any schema and value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError

from mockserver.core.diagnostics import Diagnostic
from mockserver.schema.diagnostics import syntax_diagnostics
from mockserver.schema.patterns import compile_pattern
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import Validator, is_plain

REQUEST = json.loads(
    (Path(__file__).parents[2] / "schemas" / "activate-card-for-customer.request.schema.json").read_text()
)


def never(fault: Diagnostic) -> None:
    raise AssertionError(fault)


def compiled(schema: Any) -> Validator:
    validator = SchemaSet().compile_inline(schema, (), never)
    assert validator is not None
    return validator


Found = set[tuple[tuple[str | int, ...], str]]
"""Path and keyword of each violation."""


def ours(schema: Any, value: Any) -> Found:
    return {(violation.path, violation.keyword) for violation in compiled(schema).violations("body", value)}


def theirs(schema: Any, value: Any) -> Found:
    """The errors of the reference, each at the member that it is about."""
    return {
        ((*error.absolute_path, *member), keyword)
        for error in Draft202012Validator(schema).iter_errors(value)
        for keyword, member in _members(error)
    }


def _members(error: ValidationError) -> Iterator[tuple[str, tuple[str, ...]]]:
    keyword = str(error.validator)
    instance: Any = error.instance
    schema: Any = error.schema
    if "propertyNames" in error.absolute_schema_path:
        yield "propertyNames", (instance,)
    elif keyword == "required":
        yield from ((keyword, (name,)) for name in schema["required"] if name not in instance)
    elif keyword == "dependentRequired":
        missing = (name for trigger, names in schema[keyword].items() if trigger in instance for name in names)
        yield from ((keyword, (name,)) for name in missing if name not in instance)
    elif keyword == "additionalProperties":
        yield from ((keyword, (name,)) for name in instance if name not in schema.get("properties", ()))
    else:
        yield keyword, ()


# -- schemas and values -----------------------------------------------------------------------------

NAMING_KEYWORDS = st.sampled_from(["a", "b", "c"])
PATTERNS = st.sampled_from(["^a", "[0-9]", "a.b|x", "^(?:a|b)+", "^[^x]*x", "1{2,3}", ""])
TEXTS = st.text(alphabet="abx1 \u00a0\u0661\u00e9_-", max_size=5)
INTEGERS = st.one_of(st.integers(-3, 3), st.integers(2**53 - 2, 2**64 + 1), st.sampled_from([2**70, -(2**70), 10**400]))
NUMBERS = st.one_of(INTEGERS, st.sampled_from([0.5, 1.0, -0.0, 1e300]))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMING_KEYWORDS, inner, max_size=3)),
    max_leaves=6,
)
KINDS = st.sampled_from(["string", "number", "integer", "boolean", "null", "object", "array"])
MAX_UNCOUNTED_SCHEMAS = st.integers(0, 3)
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([True, {"not": {}}, {"uniqueItems": True}, {"additionalProperties": False}]),
    st.builds(lambda k: {"type": k}, st.one_of(KINDS, st.lists(KINDS, min_size=1, unique=True))),
    st.builds(lambda v: {"const": v}, VALUES),
    st.builds(lambda v: {"enum": v}, st.lists(VALUES, min_size=1, max_size=3)),
    st.builds(lambda p: {"pattern": p}, PATTERNS),
    st.builds(lambda n: {"multipleOf": n}, st.sampled_from([1, 2, 3, 2**65])),
    st.builds(
        lambda k, n: {k: n}, st.sampled_from(["minLength", "maxLength", "minItems", "maxItems"]), MAX_UNCOUNTED_SCHEMAS
    ),
    st.builds(lambda k, n: {k: n}, st.sampled_from(["minProperties", "maxProperties"]), MAX_UNCOUNTED_SCHEMAS),
    st.builds(
        lambda k, n: {k: n},
        st.sampled_from(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]),
        NUMBERS,
    ),
    st.builds(lambda n: {"required": n}, st.lists(NAMING_KEYWORDS, max_size=2, unique=True)),
    st.builds(
        lambda n: {"dependentRequired": n},
        st.dictionaries(NAMING_KEYWORDS, st.lists(NAMING_KEYWORDS, max_size=2, unique=True), max_size=2),
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
            st.dictionaries(NAMING_KEYWORDS, inner, max_size=2),
        ),
        st.builds(lambda p, s: {"patternProperties": {p: s}}, st.sampled_from(["^[ab]$", "c|a"]), inner),
        st.builds(lambda a, b, c: {"if": a, "then": b, "else": c}, inner, inner, inner),
        st.builds(
            lambda a, b, n: {"properties": {n: a}, "additionalProperties": b, "propertyNames": {"pattern": "[ab]"}},
            inner,
            st.one_of(inner, st.just(False)),
            NAMING_KEYWORDS,
        ),
        st.builds(lambda a, b: {**(a if isinstance(a, dict) else {}), "allOf": [b]}, inner, inner),
    )


SCHEMAS = st.recursive(LEAVES, _grown, max_leaves=5)


@settings(max_examples=200)
@given(SCHEMAS, VALUES, st.booleans())
def test_both_validators_find_the_same_violations(schema: Any, value: Any, referred: bool) -> None:
    """Path and keyword of each violation are equal."""
    if referred:
        schema = {"$defs": {"x": schema}, "properties": {"a": {"$ref": "#/$defs/x"}}, "$ref": "#/$defs/x"}
    assert ours(schema, value) == theirs(schema, value)


@settings(max_examples=100)
@given(SCHEMAS, SCHEMAS, VALUES)
def test_both_validators_agree_on_recursive_schemas(one: Any, other: Any, value: Any) -> None:
    """Recursion through a member, an item or another schema."""
    schema = {
        "$defs": {
            "one": {"allOf": [one], "properties": {"a": {"$ref": "#/$defs/one"}, "b": {"$ref": "#/$defs/other"}}},
            "other": {"anyOf": [other, True], "items": {"$ref": "#"}, "properties": {"c": {"$ref": "#/$defs/one"}}},
        },
        "$ref": "#/$defs/other",
        "additionalProperties": {"$ref": "#/$defs/one"},
    }
    assert ours(schema, value) == theirs(schema, value)


MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        name: st.one_of(TEXTS, VALUES, st.sampled_from(["1234", "a" * 32, "7" * 32, "\x1c", "\x85"]))
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


@settings(max_examples=100)
@given(st.one_of(MEMBERS, VALUES))
def test_both_validators_agree_on_the_shipped_schema(body: Any) -> None:
    """On bodies that are nearly well formed."""
    assert ours(REQUEST, body) == theirs(REQUEST, body)


# -- what is a schema ---------------------------------------------------------------------------------

KEYWORDS = st.sampled_from(
    ["$anchor", "$defs", "$comment", "$vocabulary", "type", "enum", "const", "minLength", "maxItems", "multipleOf"]
    + ["required", "dependentRequired", "dependentSchemas", "properties", "items", "prefixItems", "allOf", "not", "if"]
    + ["contains", "uniqueItems", "title", "format", "default", "examples", "deprecated", "writeOnly", "contentSchema"]
    + ["definitions", "dependencies", "x-own"]
)
NO_SCHEMAS = st.recursive(
    st.one_of(VALUES, st.sampled_from(["", "#", "a#b", "string", "integer", "x.json", "é"]), LEAVES),
    lambda inner: st.one_of(
        st.dictionaries(KEYWORDS, inner, max_size=3),
        st.lists(inner, max_size=3),
        st.dictionaries(NAMING_KEYWORDS, inner, max_size=2),
    ),
    max_leaves=6,
)


@settings(max_examples=200)
@given(st.dictionaries(KEYWORDS, NO_SCHEMAS, max_size=3))
def test_both_validators_agree_on_what_a_schema_is(schema: Any) -> None:
    """Both accept or both refuse the text of a schema."""
    assert ([*syntax_diagnostics(schema)] == []) is Draft202012Validator(Draft202012Validator.META_SCHEMA).is_valid(
        schema
    )


# -- regular expressions ------------------------------------------------------------------------------

ATOMS = st.sampled_from(
    ["a", "-", "&", "é", "Ñ", ".", r"\.", r"\d", r"\w", r"\s", r"\v", r"\t", r"\p{Z}", r"\p{Cc}", "[a-c]", "[^a]"]
    + [r"[^\s\p{Cc}]", r"[\d_]", r"[\w-]", "[.*+]", r"[\n\t]", "[\x1c-\x1f\x85]", "[é-ü]", "[a&b]", "[a&&b]", "[a--b]"]
    + [
        r"[^\x00-\x20\x7f-\xa0　]",
        r"[\x09-\x0d]",
        "^",
        "$",
        "(?:ab|c)",
        "(a)",
        "|",
        r"\b",
        r"\D",
        r"\S",
        r"\W",
        "(?i)a",
    ]
    + [r"\x41", r"\pL", "[[:alpha:]]", r"\Qa\E", r"\z", "[]a]", "\t", "[a[b]", "~", "[~~a]", " ", "#"]
)
QUANTIFIERS = st.sampled_from(["", "", "", "*", "+", "?", "*?", "{2}", "{1,}", "{0,2}"])
PIECES = st.lists(
    st.builds(lambda a, q: a + (q if a not in ("^", "|", "(?i)a") else ""), ATOMS, QUANTIFIERS), max_size=4
)
SUBJECTS = st.text(
    alphabet="aAbcé\u00fcÑ.-_&*1\u0661 \u00a0\u2028\u3000\n\r\t\x0b\x0c\x1c\x85\u200b\x00Q~#[", max_size=6
)


@settings(max_examples=300)
@given(PIECES.map("".join), SUBJECTS)
def test_patterns_mean_the_same_in_both_validators(pattern: str, text: str) -> None:
    """`$` is the true end and classes are ASCII in both."""
    try:
        expected = compile_pattern(pattern)(text)
    except ValueError:
        return  # refused as the files are loaded
    assert (compiled({"pattern": pattern}).violations("body", text) == ()) is expected
    if is_plain(pattern):
        for_names = compiled({"patternProperties": {pattern: False}})
        assert (for_names.violations("body", {text: 1}) != ()) is expected


@pytest.mark.parametrize(
    ("pattern", "plain", "text", "found"),
    [
        ("^[0-9]{4}$", True, "1234\n", False),
        (r"^\d$", True, "\uff11", False),
        (r"^\w$", True, "é", False),
        (r"^\s$", False, "\u00a0", False),
        ("^.$", False, "\u2028", True),
        ("^.$", False, "\r", True),
        ("[[:alpha:]]", False, "a", True),
        (r"^\Qa.b\E$", False, "a.b", True),
        ("[a&&b]", False, "&", True),
        ("[^x]{999}" * 20, False, "x", False),
    ],
)
def test_our_engine_searches_where_engines_differ(pattern: str, plain: bool, text: str, found: bool) -> None:
    """The library's engine searches only where both agree."""
    assert is_plain(pattern) is plain
    assert (compiled({"properties": {"a": {"pattern": pattern}}}).violations("body", {"a": text}) == ()) is found
