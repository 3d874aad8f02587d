"""Validation of values, as one user of schemas sees it."""

from __future__ import annotations

from tests.support.schemas import DECLARING, TREE, compiled, texts

# -- patterns ---------------------------------------------------------------------------------------------


def test_a_recursive_schema_checks_every_level() -> None:
    """A tree is checked at every level."""
    tree = {"name": "a", "children": [{"name": "b", "children": [{"name": 5}, {}]}]}
    assert texts(TREE, tree) == [
        "body.children.0.children.0.name: expected a string, got a number",
        "body.children.0.children.1.name: is required, but missing",
    ]


def test_unique_items_compare_as_json_values() -> None:
    """A boolean is no number, an array no text; many items are compared quickly."""
    assert (
        texts({"uniqueItems": True}, [1, True, "1", [1], [True], {"a": 1}, {"a": True}, 0, False, None, "boolean"])
        == []
    )
    assert texts({"uniqueItems": False}, [1, 1]) == []
    assert texts({"uniqueItems": True}, [[n] if n % 2 else {"n": n} for n in range(50_000)]) == []


# -- what a schema declares ----------------------------------------------------------------------------------------


def test_unknown_members_are_named_with_near_spellings() -> None:
    """Members that the schema does not declare are found at any depth, where it declares any."""
    body = {"Pin": 1, "customer": {"firstName": "a"}, "list": [{"key": 1}, {"kye": 2}], "any": {"thing": [{"x": 1}]}}
    assert sorted((one.path, one.near) for one in compiled(DECLARING).unknown_members(body)) == [
        (("Pin",), ("pin",)),
        (("customer", "firstName"), ("first_name", "last_name")),
        (("list", 1, "kye"), ("key",)),
    ]


# -- sets of schemas -------------------------------------------------------------------------------------------------


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


def test_a_member_may_have_the_name_of_a_keyword() -> None:
    """`false` refuses a member at its own place."""
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


# -- requests ----------------------------------------------------------------------------------------------------------
