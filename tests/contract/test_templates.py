"""Paths and references: what they find, what they keep, what is wrong with them at boot."""

from typing import Any

import pytest

from mockserver.contract.paths import Context, Scope, compile_path
from mockserver.contract.templates import compile_template
from mockserver.core.language import Template
from mockserver.core.model import MISSING, Diagnostic, Facts, Settings, Tick
from mockserver.schema.schema_set import SchemaSet

MEMBERS: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {
    ("body", ()): ("name", "list", "deep"),
    ("now", ()): ("utc_millis", "offset_nanos", "epoch_millis"),
    ("new", ()): ("id",),
    ("things[]", ()): ("size", "key"),
}
SCOPE = Scope(
    ("body", "header", "query", "now", "new", "settings", "things", "one"),
    lambda root, path: MEMBERS.get((root, path), ()),
    sensitive=(("body", "deep", "secret"),),
    many=frozenset({"things"}),
)
FACTS: Facts = {
    "body": {"name": "Laura", "list": ["a", {"b": 2}], "deep": {"er": {"x": None}}},
    "header": {"x-name": "caf\udcc3\udca9", "y": "1"},
    "query": {},
    "now": None,
    "new": {"id": "id_1"},
    "settings": Settings(error_status=418, utc_offset="-06:00"),
    "tick": Tick(1_731_681_138_123_456_789),
    "things": [{"size": 1, "key": "a"}, {"key": "b"}],
    "one": MISSING,
}


def template(node: Any) -> tuple[Template, list[Diagnostic]]:
    faults: list[Diagnostic] = []
    return compile_template(node, Context(SCOPE, SchemaSet(), faults.append)), faults


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("body", FACTS["body"]),
        ("body.name", "Laura"),
        ("body.name.x", MISSING),
        ("body.list.0", "a"),
        ("body.list.1.b", 2),
        ("body.list.2", MISSING),
        ("body.list.b", MISSING),
        ("body.deep.er.x", None),
        ("body.deep.er.y", MISSING),
        ("header.X-Name", "café"),
        ("header.none", MISSING),
        ("query.a", MISSING),
        ("one", MISSING),
        ("one.member", MISSING),
        ("new.id", "id_1"),
        ("settings.error_status", 418),
        ("now.utc_millis", "2024-11-15T14:32:18.123Z"),
        ("now.offset_nanos", "2024-11-15T08:32:18.123456789-06:00"),
        ("now.epoch_millis", 1_731_681_138_123),
    ],
)
def test_a_path_finds_what_stands_there(path: str, value: Any) -> None:
    """A path gives the value at its place, typed, or MISSING."""
    faults: list[Diagnostic] = []
    place = compile_path(path, Context(SCOPE, SchemaSet(), faults.append))
    assert faults == []
    assert place is not None
    assert place.extract(FACTS) == value or place.extract(FACTS) is value


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("bdy.name", "did you mean body?"),
        ("body.nmae", "did you mean name?"),
        ("now.utc_mills", "did you mean utc_millis?"),
        ("zzzz.name", ""),
        ("body..name", ""),
        ("body.na me", ""),
        ("", ""),
    ],
)
def test_a_path_to_nowhere_is_a_fault(path: str, hint: str) -> None:
    """An unknown root or member is a fault with the near spelling."""
    faults: list[Diagnostic] = []
    assert compile_path(path, Context(SCOPE, SchemaSet(), faults.append, ("at",))) is None
    assert [(fault.at, fault.hint) for fault in faults] == [(("at",), hint)]


@pytest.mark.parametrize(
    ("node", "value"),
    [
        (1, 1),
        ("text", "text"),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        ("${body.list.1}", {"b": 2}),
        ("${body.list.1.b}", 2),
        ("<${body.name}-${body.list.1.b}>", "<Laura-2>"),
        ("<${body.list.7}>", MISSING),
        ({"a": "${body.name}", "b": "${body.list.7}"}, {"a": "Laura"}),
        (["${body.name}", "${body.list.7}", 1], ["Laura", 1]),
        ({"first_of": ["${body.list.7}", "${body.deep.er.x}", "${body.name}", "z"]}, "Laura"),
        ({"first_of": ["${body.list.7}", "z"]}, "z"),
        ({"first_of": ["${body.list.7}", "${new.id}"]}, "id_1"),
        (
            {"each": "things", "give": {"s": "${item.size}", "n": "${body.name}"}},
            [{"s": 1, "n": "Laura"}, {"n": "Laura"}],
        ),
        ({"each": "things", "give": "${item.key}"}, ["a", "b"]),
        ({"each": "things", "give": "${item.size}"}, [1]),
        ("$ {body.name} $x", "$ {body.name} $x"),
    ],
)
def test_a_template_keeps_types(node: Any, value: Any) -> None:
    """A reference that is a whole string keeps its JSON type; what is missing is left out."""
    compiled, faults = template(node)
    assert faults == []
    assert compiled.render(FACTS) == value


def test_each_of_nothing_is_an_empty_list() -> None:
    """A lookup of many that is not there gives an empty list."""
    compiled, _ = template({"each": "things", "give": "${item.key}"})
    assert compiled.render({}) == []


@pytest.mark.parametrize(
    ("node", "certain"),
    [
        ("text", True),
        ("${new.id}", True),
        ("${now.utc_millis}", True),
        ("at ${now.utc_millis}", True),
        ("${body.name}", False),
        ("x${body.name}", False),
        ({"a": {"b": "${body.name}"}}, False),
        (["${body.name}"], False),
        ({"first_of": ["${body.name}", 0]}, True),
        ({"each": "things", "give": "${item.key}"}, True),
    ],
)
def test_certain_is_what_does_not_depend_on_the_request(node: Any, certain: bool) -> None:
    """Only what is resolved whatever the request is counts as certain."""
    assert template(node)[0].certain is certain


@pytest.mark.parametrize(
    ("node", "what", "at"),
    [
        ("${body.nope}", "unknown reference body.nope: body has no member nope", ()),
        ({"a": ["${nope.x}"]}, "unknown reference nope.x", ("a", 0)),
        ("${body.name", "a reference that does not end", ()),
        ("${body.name}${", "a reference that does not end", ()),
        ("${body.deep.secret}", "body.deep.secret is a secret", ()),
        ("${body.deep}${body.name}", None, ()),
        ("${header.Authorization-x}", "header.Authorization-x is a secret", ()),
        ("${header.cookie}", "header.cookie is a secret", ()),
        ("a ${header.proxy-authorization}", "header.proxy-authorization is a secret", ()),
        ({"first_of": ["${header.cookie}", "a"]}, "header.cookie is a secret", ("first_of", 0)),
        ("${now}", "now is no value", ()),
        ({"first_of": []}, "first_of without choices", ("first_of",)),
        ({"first_of": "x"}, "first_of without choices", ("first_of",)),
        ({"first_of": ["${body.name}"]}, "the last choice of first_of may be missing", ("first_of", 0)),
        ({"first_of": ["a"], "otherwise": "b"}, "unknown member otherwise", ("otherwise",)),
        ({"each": "things"}, "each needs a lookup of many records, and give", ("each",)),
        ({"give": 1}, "each needs a lookup of many records, and give", ()),
        ({"each": "one", "give": 1}, "each needs a lookup of many records, and give", ("each",)),
        ({"each": "things", "give": 1, "where": 2}, "unknown member where", ("where",)),
        (
            {"each": "things", "give": "${item.colour}"},
            "unknown reference item.colour: item has no member colour",
            ("give",),
        ),
    ],
)
def test_what_is_wrong_with_a_template_is_a_fault(node: Any, what: str | None, at: tuple[Any, ...]) -> None:
    """Each mistake is one fault, at its place."""
    found = [(fault.what, fault.at) for fault in template(node)[1]]
    if what is None:  # the whole holds a secret
        assert found[0][0] == "body.deep is a secret"
    else:
        assert found == [(what, at)]
