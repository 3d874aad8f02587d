"""Schemas by file name: references between files, and what is reported of each."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema_specifications import REGISTRY

from mockserver.core.diagnostics import Diagnostic
from mockserver.schema.schema_set import SchemaSet, compile_own_schema
from mockserver.schema.subschemas import KEYWORDS, OLDER_KEYWORDS
from tests.support.schemas import compiled, texts

VOCABULARIES = ("core", "applicator", "unevaluated", "validation", "meta-data", "format-annotation", "content")


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


def test_a_schema_file_with_a_dialect_is_checked_like_any() -> None:
    """A `$schema` in a referenced file changes neither patterns nor places."""
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


def test_a_reference_may_lead_below_an_unknown_keyword() -> None:
    """`definitions` and the like are followed, and their own references checked."""
    schema = {"definitions": {"a": {"items": {"$ref": "#/definitions/b"}}, "b": {"type": "null"}}}
    assert texts({**schema, "$ref": "#/definitions/a"}, [None, 1]) == ["body.1: expected null, got a number"]
    tree = {"definitions": {"a": {"type": "object", "properties": {"a": {"$ref": "#/definitions/a"}}}}}
    below = {"a": {"a": {"a": 1}}}
    assert texts({**tree, "$ref": "#/definitions/a"}, below) == ["body.a.a.a: expected an object, got a number"]


def test_densely_linked_schemas_compile_quickly() -> None:
    """A dozen definitions, each with a member for every other, have endless paths; loading is not slowed."""
    names = [f"d{n}" for n in range(14)]
    definitions = {d: {"properties": {name: {"$ref": f"#/$defs/{name}"} for name in names}} for d in names}
    validator = compiled({"$ref": "#/$defs/d0", "$defs": definitions})
    assert validator.declared.member_names(("d1", "d2")).names == tuple(names)


def test_a_reported_schema_is_not_reported_again() -> None:
    """The set remembers it as unsound."""
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


def test_a_schema_that_refers_to_an_unsound_file_is_unsound() -> None:
    """It is not reported itself, and checking against it raises nothing."""
    for text in ("#/$defs/gone", "#"):
        schemas, faults = reported({"a.json": {"items": {"$ref": "b.json"}}, "b.json": {"$ref": text}, "c.json": {}})
        assert [(name, came) for name, _, came in faults] == [("b.json", text)]
        assert schemas.names == ("c.json",)
        assert schemas.unsound == {"a.json", "b.json"}
        assert schemas.validator("a.json") is None
        more: list[Diagnostic] = []
        assert schemas.compile_inline({"$ref": "b.json"}, (), more.append) is None
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
    validator = schemas.compile_inline({"properties": {"b": {"$ref": "b.json"}, "d": {"$ref": "d.json"}}}, (), print)
    assert validator is not None
    found = validator.violations("body", {"b": {"x": 1, "y": 2}, "d": [3]})
    assert [(violation.text, violation.description) for violation in found] == [
        ("body.b.x: expected a string, got a number", ""),
        ("body.b.y: expected null, got a number", "A y."),
        ("body.d.0: expected a string, got a number", ""),
    ]
    _, faults = reported({"b.json": {"$id": "https://example.com/b", "$ref": "c.json"}, "c.json": {}})
    assert faults == [("b.json", "$ref that leads nowhere", "c.json")]


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"b.json": {"$id": "c.json"}, "c.json": {}}, "b.json/$id"),
        ({"c.json": {}, "b.json": {"$defs": {"x": {"$id": "https://schemas.invalid/c.json"}}}}, "b.json/$defs/x/$id"),
        ({"b.json": {"items": {"$id": "b.json"}}}, "b.json/items/$id"),
        ({"b.json": {"$id": "https://a/b"}, "c.json": {"$id": "https://a/b#"}}, "c.json/$id"),
        ({"b.json": {"allOf": [{"$id": "x/"}, {"$id": "x/"}]}}, "b.json/allOf/0/$id"),
        ({"b.json": {"$anchor": "z", "items": {"$dynamicAnchor": "z"}}}, "b.json/items/$dynamicAnchor"),
        ({"b.json": {"$id": "https://json-schema.org/draft/2020-12/schema"}}, "b.json/$id"),
        ({"b.json": {"$id": "http://json-schema.org/draft-07/schema#"}}, "b.json/$id"),
        ({"b.json": {"$id": "b.json", "items": {"$id": "c.json", "$anchor": "z"}, "$anchor": "z"}}, ""),
    ],
)
def test_two_schemas_have_no_name_in_common(files: dict[str, Any], place: str) -> None:
    """A reference to it would silently mean one of them."""
    diagnostics: list[str] = []
    schemas = SchemaSet()
    schemas.add(files, lambda name, found: diagnostics.append("/".join(map(str, (name, *found.at)))))
    assert diagnostics == ([place] if place else [])


def test_a_schema_in_another_file_takes_no_name_of_a_file() -> None:
    """It would stand for that file in the schema's own references."""
    schemas, _ = reported({"c.json": {"type": "string"}})
    found: list[Diagnostic] = []
    assert schemas.compile_inline({"$id": "c.json", "items": {"$ref": "c.json"}}, ("at",), found.append) is None
    assert [(one.at, one.what) for one in found] == [(("at", "$id"), "$id that another schema has")]


@pytest.mark.parametrize("text", ["c.json", "c.json#/$defs/gone", "#/$defs/gone", "gone.json"])
@pytest.mark.parametrize("name", ["https://example.com/d/b.json", "sub/b.json", "urn:x:b"])
def test_a_reference_that_leads_nowhere_is_reported_where_it_stands(name: str, text: str) -> None:
    """Though the file is reached from another one, and though a file has the relative name."""
    files = {
        "a.json": {"properties": {"b": {"$ref": "b.json"}}},
        "b.json": {"$id": name, "properties": {"c": {"$ref": text}}},
        "c.json": {"type": "string"},
    }
    schemas = SchemaSet()
    found: list[tuple[str, Diagnostic]] = []
    schemas.add(files, lambda file, diagnostic: found.append((file, diagnostic)))
    ((file, diagnostic),) = found
    assert (file, diagnostic.at, diagnostic.got) == ("b.json", ("properties", "c", "$ref"), text)
    assert ("there is a file c.json" in diagnostic.hint) is text.startswith("c.json")
    assert schemas.validator("a.json") is None


def test_a_file_may_have_any_name() -> None:
    """In a reference it may stand as it is, or as in a URL."""
    schemas, faults = reported({"a (1).json": {"type": "null"}, "é#?%.json": {"minimum": 5}})
    assert faults == []
    schema = {"allOf": [{"$ref": "a (1).json"}, {"$ref": "a%20(1).json"}, {"$ref": "é%23%3F%25.json"}]}
    validator = schemas.compile_inline(schema, (), print)
    assert validator is not None
    assert [violation.keyword for violation in validator.violations("body", 4)] == ["minimum", "type"]


@pytest.mark.parametrize(
    ("odd", "sound"),
    [
        ({"contentSchema": {"$ref": "gone.json"}}, ()),
        ({"dependencies": {"a": {"$ref": "gone.json"}}}, ("b.json",)),
    ],
)
def test_an_error_of_the_library_is_reported(odd: Any, sound: tuple[str, ...]) -> None:
    """Also for references in places that only the library follows."""
    schemas, faults = reported({"a.json": odd, "b.json": {"type": "null"}})
    [(name, what, came)] = faults
    assert (name, what) == ("a.json", "schema that cannot be compiled")
    assert "gone.json" in came
    assert schemas.names == sound
    inline: list[Diagnostic] = []
    assert SchemaSet().compile_inline(odd, ("here",), inline.append) is None
    assert [(fault.at, fault.what) for fault in inline] == [(("here",), "schema that cannot be compiled")]


def test_a_mistake_in_a_schema_of_the_package_stops_everything() -> None:
    """The schemas of the package itself are trusted."""
    with pytest.raises(AssertionError, match="cannot be compiled"):
        SchemaSet().add_trusted({"a.json": {"$ref": "gone.json"}})


def test_references_are_rewritten_for_exports() -> None:
    """By pointer, file name, anchor, `$id` or to a `true`."""
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
    assert schemas.rewrite_references(lambda name, at: f"{name}:{'/'.join(map(str, at))}") == {
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


def test_the_list_of_keywords_is_that_of_the_dialect() -> None:
    """The vocabularies of the schema of schemas name the same, beside keywords of older drafts."""
    vocabularies = [REGISTRY.contents(f"https://json-schema.org/draft/2020-12/meta/{name}") for name in VOCABULARIES]
    assert {name for one in vocabularies for name in one["properties"]} == KEYWORDS
    older = REGISTRY.contents("https://json-schema.org/draft/2020-12/schema")["properties"].keys()
    assert older <= OLDER_KEYWORDS.keys()


def test_a_broken_schema_of_our_own_is_a_fault_of_the_program() -> None:
    """It says which one; a sound one takes integers without a fraction alone."""
    with pytest.raises(RuntimeError, match="a schema of this program is broken"):
        compile_own_schema({"type": "text"})
    assert compile_own_schema({"type": "integer"}).violations("it", 5.0)
