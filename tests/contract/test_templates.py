"""Templates: the values that references give, and what is wrong with them at boot."""

from typing import Any

import pytest

from mockserver.contract.paths import Context
from mockserver.contract.templates import compile_template, place_of_respond
from mockserver.core.diagnostics import Diagnostic
from mockserver.core.language import Template
from mockserver.core.model import MISSING
from mockserver.schema.schema_set import SchemaSet
from tests.support.facts import some_facts
from tests.support.scopes import FACTS, SCOPE


def template(node: Any) -> tuple[Template, list[Diagnostic]]:
    faults: list[Diagnostic] = []
    return compile_template(node, Context(SCOPE, SchemaSet(), faults.append)), faults


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
    """A reference that is a whole string keeps its JSON type; a missing value is left out."""
    compiled, faults = template(node)
    assert faults == []
    assert compiled.render(FACTS) == value


def test_each_over_a_missing_lookup_is_an_empty_list() -> None:
    """A lookup of many that is not there gives an empty list."""
    compiled, _ = template({"each": "things", "give": "${item.key}"})
    assert compiled.render(some_facts()) == []


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
def test_a_template_is_certain_if_no_request_can_leave_it_missing(node: Any, certain: bool) -> None:
    """Only references that always resolve count as certain."""
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
def test_each_mistake_in_a_template_is_reported(node: Any, what: str | None, at: tuple[Any, ...]) -> None:
    """Each mistake is one diagnostic, at its place."""
    found = [(fault.what, fault.at) for fault in template(node)[1]]
    if what is None:  # the whole holds a secret
        assert found[0][0] == "body.deep is a secret"
    else:
        assert found == [(what, at)]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("${respond}", ()),
        ({"a": 1, "b": {"c": "${respond}"}}, ("b", "c")),
        ({"a": [1, {"b": "${respond}"}]}, ("a", 1, "b")),
        ({"a": "<${respond}>"}, None),
    ],
)
def test_the_place_of_a_scenarios_own_part(body: Any, place: Any) -> None:
    assert place_of_respond(body) == place
