"""Schemas compared: the relation of each keyword, and the laws that hold for all of them."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.comparison.keywords import Relation, flip
from mockserver.comparison.plain_keywords import SchemaDifference, relation_of
from mockserver.comparison.references import LinkedSchema
from mockserver.comparison.schemas import schema_differences


def differences(before: Any, now: Any) -> tuple[SchemaDifference, ...]:
    files = {"a.json": before}, {"a.json": now}
    return schema_differences(LinkedSchema(before, files[0]), LinkedSchema(now, files[1]))


@pytest.mark.parametrize(
    ("before", "now", "relation"),
    [
        ({}, {}, "same"),
        ({}, {"title": "A thing", "format": "date", "x-own": 1}, "same"),
        (True, {}, "same"),
        (False, True, "looser"),
        ({}, False, "stricter"),
        ({"type": "string"}, {"type": ["string", "null"]}, "looser"),
        ({"type": "number"}, {"type": "integer"}, "stricter"),
        ({"type": ["number", "integer"]}, {"type": "number"}, "same"),
        ({"type": "string"}, {"type": "integer"}, "different"),
        ({"type": "string"}, {}, "looser"),
        ({"const": 1}, {"enum": [1.0, 2]}, "looser"),
        ({"enum": [1, 2]}, {"const": 2, "enum": [2, 1]}, "stricter"),
        ({"const": 1}, {"const": 1, "enum": [2]}, "stricter"),
        ({"enum": [{"a": 1.0, "b": [2]}]}, {"enum": [{"b": [2.0], "a": 1}]}, "same"),
        ({"enum": [1]}, {"enum": [True]}, "different"),
        ({"minimum": 1}, {"minimum": 2}, "stricter"),
        ({"minimum": 1}, {"exclusiveMinimum": 1}, "stricter"),
        ({"maximum": 1}, {"exclusiveMaximum": 1}, "stricter"),
        ({"exclusiveMaximum": 2}, {"maximum": 1.5}, "stricter"),
        ({"minimum": 1, "exclusiveMinimum": 3}, {"exclusiveMinimum": 3}, "same"),
        ({"type": "integer", "minimum": 1}, {"type": "integer", "exclusiveMinimum": 0}, "same"),
        ({"type": "integer", "exclusiveMaximum": 5}, {"type": "integer", "maximum": 4.5}, "same"),
        ({"exclusiveMinimum": 0}, {"minimum": 1}, "stricter"),
        ({"type": "string"}, {"enum": ["a", "b"]}, "stricter"),
        ({"type": ["string", "null"]}, {"const": None}, "stricter"),
        ({"type": "number"}, {"enum": [1, 1.5]}, "stricter"),
        ({"type": "integer"}, {"enum": [1.0]}, "stricter"),
        ({"type": "string"}, {"enum": [True, [], {}]}, "different"),
        ({"type": "string", "minLength": 1}, {"enum": ["a", "b"]}, "unknown"),
        ({"minLength": 1}, {"pattern": "."}, "unknown"),
        ({"minLength": 1, "pattern": "."}, {"minLength": 2, "pattern": "."}, "stricter"),
        ({"minProperties": 1}, {"required": ["a"]}, "unknown"),
        ({"type": "integer"}, {"type": "number", "multipleOf": 1}, "unknown"),
        ({"maximum": 1}, {"maximum": 2.5}, "looser"),
        ({}, {"minLength": 0}, "same"),
        ({"maxLength": 3}, {}, "looser"),
        ({}, {"maxItems": 3}, "stricter"),
        ({}, {"pattern": "a"}, "stricter"),
        ({"pattern": "a"}, {"pattern": "b"}, "unknown"),
        ({"multipleOf": 0.1}, {"multipleOf": 0.3}, "stricter"),
        ({"multipleOf": 6}, {"multipleOf": 3}, "looser"),
        ({"multipleOf": 6}, {"multipleOf": 4}, "different"),
        ({"multipleOf": 6}, {}, "looser"),
        ({"uniqueItems": True}, {"uniqueItems": False}, "looser"),
        ({}, {"uniqueItems": True}, "stricter"),
        ({"required": ["a"]}, {"required": ["a", "b"]}, "stricter"),
        ({"dependentRequired": {"a": ["b", "c"]}}, {"dependentRequired": {"a": ["c"]}}, "looser"),
        ({}, {"properties": {"a": {"type": "string"}}}, "stricter"),
        ({}, {"properties": {"a": True}}, "same"),
        ({"additionalProperties": False}, {"additionalProperties": False, "properties": {"a": {}}}, "looser"),
        ({"additionalProperties": False}, {"additionalProperties": {"type": "string"}}, "looser"),
        ({"patternProperties": {"^x": {}}}, {"patternProperties": {"^x": {"type": "null"}}}, "stricter"),
        ({}, {"patternProperties": {"^x": False}}, "stricter"),
        ({"patternProperties": {"^x": {}}, "additionalProperties": False}, {"additionalProperties": False}, "unknown"),
        ({"patternProperties": {"^x": {}}}, {"patternProperties": {"^x": {}}, "properties": {"a": {}}}, "unknown"),
        ({"propertyNames": {"maxLength": 2}}, {"propertyNames": {"maxLength": 3}}, "looser"),
        ({"items": {"minimum": 1}}, {}, "looser"),
        ({}, {"items": False}, "stricter"),
        ({"prefixItems": [{"type": "string"}]}, {"prefixItems": [{"type": "string"}, {"type": "null"}]}, "stricter"),
        ({"contains": {"minimum": 1}}, {"contains": {"minimum": 2}}, "stricter"),
        ({"contains": {}}, {}, "looser"),
        ({"contains": {}, "maxContains": 2}, {"contains": {"type": "null"}, "maxContains": 2}, "unknown"),
        ({"contains": {}, "maxContains": 2}, {"contains": {}, "maxContains": 2}, "same"),
        ({"allOf": [{"minimum": 1}]}, {"allOf": [{"minimum": 2}]}, "stricter"),
        ({"allOf": [{"minimum": 1}]}, {"allOf": [{"minimum": 1}, {"maximum": 5}]}, "stricter"),
        ({"anyOf": [{"minimum": 1}]}, {"anyOf": [{"type": "null"}, {"minimum": 1}]}, "looser"),
        ({"anyOf": [{"minimum": 1}, {"type": "null"}]}, {"anyOf": [{"type": "null"}]}, "stricter"),
        ({"anyOf": [{"minimum": 1}]}, {"anyOf": [{"type": "null"}, {"minimum": 2}]}, "unknown"),
        ({"anyOf": [{}]}, {}, "looser"),
        ({"anyOf": [{"const": 1}, {"const": 2}]}, {"enum": [1, 2]}, "unknown"),
        ({"allOf": [{"properties": {"a": {"minimum": 1}}}]}, {"properties": {"a": {"minimum": 1}}}, "unknown"),
        ({"not": {"type": "null"}, "minimum": 1}, {"minimum": 0}, "looser"),
        *(
            ({keyword: [{"type": "null"}, {"minimum": 1}, {"maxLength": 2}]}, {keyword: reordered}, "same")
            for keyword in ("allOf", "anyOf", "oneOf")
            for reordered in [[{"maxLength": 2}, {"minimum": 1}, {"type": "null"}]]
        ),
        ({"anyOf": [{"type": "null"}, {"minimum": 1}]}, {"anyOf": [{"minimum": 2}, {"type": "null"}]}, "stricter"),
        ({"oneOf": [{"type": "null"}, {"type": "null"}]}, {"oneOf": [{"type": "null"}, {"minimum": 1}]}, "unknown"),
        ({"oneOf": [{"minimum": 1}]}, {"oneOf": [{"minimum": 2}]}, "unknown"),
        ({"oneOf": [{"minimum": 1}]}, {"oneOf": [{"minimum": 1}, {"type": "null"}]}, "unknown"),
        ({"not": {"minimum": 2}}, {"not": {"minimum": 1}}, "stricter"),
        ({}, {"not": {"minimum": 1}}, "stricter"),
        ({"not": {}}, {}, "looser"),
        ({"if": {"type": "null"}}, {"if": {"type": "string"}}, "unknown"),
        ({"if": {"title": "a"}, "then": {}}, {"if": {"title": "b"}, "then": {"minimum": 1}}, "stricter"),
        ({"then": {"minimum": 1}}, {"if": {"type": "null"}, "else": {"minimum": 2}}, "stricter"),
        ({"dependentSchemas": {"a": {"minProperties": 1}}}, {"dependentSchemas": {}}, "looser"),
        ({"unevaluatedProperties": False}, {"unevaluatedProperties": False, "properties": {"a": {}}}, "unknown"),
        ({"unevaluatedProperties": False, "title": "a"}, {"unevaluatedProperties": False}, "same"),
        ({"$defs": {"a": {"type": "null"}}}, {"$defs": {}}, "same"),
    ],
)
def test_the_relation_of_two_schemas(before: Any, now: Any, relation: Relation) -> None:
    """In both directions."""
    assert relation_of(differences(before, now)) == relation
    assert relation_of(differences(now, before)) == flip(relation)


def test_references_are_followed() -> None:
    """Into other places, beside other keywords, and in circles."""
    tree = {"properties": {"next": {"$ref": "a.json#"}, "name": {"$ref": "a.json#/$defs/name"}}}
    before = {**tree, "$defs": {"name": {"maxLength": 5}}}
    now = {**tree, "$defs": {"name": {"maxLength": 6}}}
    assert [(one.at, one.keyword, one.relation) for one in differences(before, now)] == [
        ("/name", "maxLength", "looser")
    ]
    beside = {"$defs": {"a": {"minLength": 1}}, "maxLength": 3, "$ref": "a.json#/$defs/a"}
    assert differences(beside, {"allOf": [{"minLength": 1}], "maxLength": 3}) == ()
    circle = {"type": "object", "properties": {"a": {"$ref": "a.json#"}}, "$ref": "a.json#"}
    assert differences(circle, circle | {"properties": {"a": {"$ref": "a.json#"}}}) == ()
    assert differences({"$ref": "a.json#"}, True) == ()
    listed = {"allOf": [{"minimum": 1}], "$ref": "a.json#/allOf/0"}
    assert relation_of(differences(listed, {"minimum": 1})) == "unknown"


# -- laws ---------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 4) | st.sampled_from(["", "a", "ab", "abc"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["null", "boolean", "object", "array", "number", "integer", "string"])
NUMBERS = st.integers(0, 3)


def keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
    several = st.lists(inner, min_size=1, max_size=2)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            **dict.fromkeys(("minimum", "exclusiveMaximum", "minLength", "maxItems", "maxProperties"), NUMBERS),
            "multipleOf": st.integers(1, 4),
            "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
            "properties": names,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=1),
            **dict.fromkeys(("additionalProperties", "items", "not", "if", "then", "else", "propertyNames"), inner),
            **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), several),
            "contains": inner,
            "maxContains": NUMBERS,
            "dependentSchemas": names,
            "unevaluatedProperties": inner,
        },
    )


SCHEMAS = st.recursive(st.booleans() | keywords(st.booleans()), keywords, max_leaves=4)


@st.composite
def near_schemas(draw: st.DrawFn) -> tuple[Any, Any]:
    """A schema, and the same with a few keywords that are others."""
    before = draw(SCHEMAS)
    if isinstance(before, bool):
        return before, draw(SCHEMAS)
    other = draw(keywords(st.booleans()))
    changed = dict([*other.items()][: draw(st.integers(0, 2))])
    dropped = draw(st.sampled_from([None, *before])) if before else None
    return before, {name: value for name, value in {**before, **changed}.items() if name != dropped}


LAW = settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])


@LAW
@given(near_schemas())
def test_the_other_way_round_looser_is_stricter(pair: tuple[Any, Any]) -> None:
    """Difference by difference; a schema does not differ from itself."""
    before, now = pair
    there = sorted((one.at, one.keyword, one.relation) for one in differences(before, now))
    back = sorted((one.at, one.keyword, flip(one.relation)) for one in differences(now, before))
    assert [*map(str, there)] == [*map(str, back)]
    assert differences(before, before) == ()


@LAW
@given(near_schemas(), st.lists(VALUES, min_size=12, max_size=12))
def test_what_is_looser_accepts_all_that_was_accepted(pair: tuple[Any, Any], values: list[Any]) -> None:
    """By another implementation; `same` accepts the same, `stricter` is the other way round."""
    accepts, accepts_now = (jsonschema_rs.validator_for(schema).is_valid for schema in pair)
    relation = relation_of(differences(*pair))
    for value in values:
        if relation in ("looser", "same"):
            assert accepts_now(value) or not accepts(value)
        if relation in ("stricter", "same"):
            assert accepts(value) or not accepts_now(value)
