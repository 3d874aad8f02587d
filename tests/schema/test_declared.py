"""What a schema declares: member names and secrets by place."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.core.model import Path
from tests.support.schemas import DECLARING, compiled


def test_declared_names_are_listed_by_place() -> None:
    """References, branches and items declare; `if` and `not` do not."""
    known = compiled(DECLARING).declared.member_names
    assert known(()).names == ("pin", "customer", "list", "pair", "any", "then", "extra")
    assert known(("customer",)).names == ("first_name", "last_name", "self")
    assert known(("list", 7)).names == ("key",)
    assert known(("pair", 0)).names == ("left", "right")
    assert known(("any",)).names == ()
    assert known(("nowhere", "at", "all")).names == ()


def test_values_and_time_stamps_are_known_by_place() -> None:
    """Those of `enum`, from all branches; `format: date-time` in items, behind references."""
    schema = {
        "properties": {
            "where": {"enum": ["a"], "anyOf": [{"enum": ["b"]}]},
            "list": {"items": {"$ref": "#/$defs/row"}},
        },
        "$defs": {"row": {"properties": {"at": {"type": "string", "format": "date-time"}, "on": {"format": "date"}}}},
    }
    known = compiled(schema)
    assert known.values_at(("where",)) == ("a", "b")
    assert known.values_at(("list", 0)) == known.values_at(("nowhere",)) == ()
    places: list[Path] = [("list", 3, "at"), ("list", 3, "on"), ("where",), ("nowhere",)]
    assert [known.is_date_time(place) for place in places] == [True, False, False, False]


def test_write_only_marks_a_secret() -> None:
    """The `writeOnly: true` of an item holds for every item."""
    assert compiled(DECLARING).declared.write_only_places == (("list", "*", "key"), ("pin",))


def test_a_pattern_that_marks_a_secret_marks_the_declared_members_that_match() -> None:
    """`writeOnly` under `patternProperties` holds for any name that matches, declared or not."""
    schema = {
        "properties": {"code_a": {"type": "string"}, "other": {}},
        "patternProperties": {"^code_": {"writeOnly": True}, "^o": {"type": "string"}},
    }
    assert compiled(schema).declared.write_only_places == (("*",), ("code_a",))


OPEN = {
    "properties": {"name": {}, "list": {"items": {"patternProperties": {"^x_": {"properties": {"a": {}}}}}}},
    "patternProperties": {"^x_": {"properties": {"a": {}}}},
    "allOf": [{"patternProperties": {"^y_": {}}}],
}
"""Members by name and by pattern."""


@pytest.mark.parametrize(
    ("schema", "body", "unknown"),
    [
        (OPEN, {"x_1": 1, "y_1": 2, "name": 3}, []),
        (OPEN, {"x_1": {"a": 1, "b": 2}, "z_1": 3}, [("x_1", "b"), ("z_1",)]),
        (OPEN, {"list": [{"x_1": {"b": 1}, "c": 2}]}, [("list", 0, "c"), ("list", 0, "x_1", "b")]),
        ({"patternProperties": {"^x_": {}}}, {"x_1": 1, "z": 2}, [("z",)]),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}, {"b": 1}, []),
        ({"properties": {"a": {}}, "unevaluatedProperties": {"type": "integer"}}, {"b": 1}, []),
        ({"additionalProperties": {"properties": {"a": {}}}}, {"b": {"a": 1, "c": 2}}, [("b", "c")]),
        ({"properties": {"a": {}}, "additionalProperties": True}, {"b": 1}, [("b",)]),
        ({"properties": {"a": {}}, "additionalProperties": {}}, {"b": 1}, [("b",)]),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, [("b",)]),
        (
            {"properties": {"a": {}}, "$ref": "#/$defs/more", "$defs": {"more": OPEN}},
            {"a": 1, "x_1": 2, "b": 3},
            [("b",)],
        ),
    ],
)
def test_members_declared_by_a_pattern_or_a_schema_are_known(schema: Any, body: Any, unknown: list[Path]) -> None:
    """`additionalProperties: true` lets pass what it does not describe; a schema describes it."""
    found = compiled(schema).unknown_members(body)
    assert sorted((one.path for one in found), key=str) == sorted(unknown, key=str)


def test_a_declared_name_or_pattern_allows_a_name() -> None:
    """Below an item or an undeclared member too; where nothing is declared any name may stand."""
    names = compiled(OPEN).declared.member_names
    assert [names(()).allow(name) for name in ("name", "x_1", "y_1", "nmae")] == [True, True, True, False]
    assert [names(("x_7",)).allow(name) for name in ("a", "b")] == [True, False]
    assert [names(("list", "0", "x_1")).allow(name) for name in ("a", "b")] == [True, False]
    assert names(("name",)).allow("anything")
