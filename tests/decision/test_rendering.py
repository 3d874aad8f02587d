"""Bodies from templates, problems, masks."""

import json
from pathlib import Path
from typing import Any

import pytest

from mockserver import Engine, Request, load
from mockserver.contract.paths import Context, Scope
from mockserver.contract.templates import compile_body, compile_template, render_body
from mockserver.core.diagnostics import Diagnostic
from mockserver.core.model import MISSING, RequestWarning, Violation
from mockserver.decision import rendering
from mockserver.export import openapi
from mockserver.schema.declared import DeclaredNames
from mockserver.schema.schema_set import SchemaSet
from tests.support.facts import some_facts

SCOPE = Scope(("body", "now", "settings"), lambda _, __: DeclaredNames(), list_lookups=frozenset({"many"}))


@pytest.mark.parametrize(
    "node",
    [
        {"a": 1},
        {"a": "${now.epoch_millis}", "b": [1, "${now.epoch_millis}", {"c": None}], "d": {}},
        ["${now.epoch_millis}"],
        {"a": {"first_of": ["${body.x}", 'é"\n']}, "b": {"each": "many", "give": 1}},
        {"a": "${body.missing}", "b": 1},
        {"100 %": ["%b", "${now.epoch_millis}", "%%"]},
        ["${body.missing}", 1],
        "${now.epoch_millis}",
        "at ${now.epoch_millis}",
    ],
)
def test_a_compiled_body_gives_the_json_of_its_template(node: Any) -> None:
    """Cutting it into constant bytes and values changes nothing."""
    faults: list[Diagnostic] = []
    template = compile_template(node, Context(SCOPE, SchemaSet(), faults.append))
    facts = some_facts({}, now_ns=5_000_000, records={"many": [{}, {}]})
    body = render_body(compile_body(template), facts)
    assert json.loads(body) == template.render(facts)
    assert faults == []


def test_a_constant_body_is_rendered_once() -> None:
    """A body without references is rendered at boot."""
    template = compile_template({"a%": [1, {"b": "100 %b"}], "d": None}, Context(SCOPE, SchemaSet(), lambda _: None))
    form = compile_body(template)
    assert form.values == ()
    assert render_body(form, some_facts()) == b'{"a%":[1,{"b":"100 %b"}],"d":null}'

    assert template.constant is not MISSING


def test_a_header_list_is_ascii_bounded_and_counted() -> None:
    """At most ten items, then a count; pointers are cut."""
    found = [Violation("body", ("é" * 200, str(i)), "type", "other", "expected é") for i in range(12)]
    shown = rendering._header_list(found)
    assert shown.isascii()
    entries = json.loads(shown)
    assert len(entries) == 11
    assert entries[-1] == {"more": 2}
    assert all(len(entry["pointer"]) <= rendering.LONGEST_POINTER for entry in entries[:-1])
    assert json.loads(rendering._header_list([RequestWarning("header", "/x", "k", "m", "p")])) == [
        {"in": "header", "pointer": "/x", "keyword": "k", "message": "m"}
    ]


def test_a_long_message_in_a_header_is_cut() -> None:
    """It ends in dots."""
    [entry] = json.loads(rendering._header_list([Violation("body", ("a",), "const", "other", "x" * 241)]))
    assert entry == {"pointer": "/a", "keyword": "const", "message": "x" * 237 + "..."}
    [whole] = json.loads(rendering._header_list([Violation("body", ("a",), "const", "other", "x" * 240)]))
    assert whole["message"] == "x" * 240


@pytest.mark.parametrize(("room", "shown", "more"), [(2, 2, 1), (1.9, 1, 2), (0.5, 1, 2)])
def test_the_length_of_a_header_list_is_bounded(
    monkeypatch: pytest.MonkeyPatch, room: float, shown: int, more: int
) -> None:
    """As many items as fit, and at least one."""
    found = [Violation("body", ("a",), "const", "other", "x" * 100)] * 3
    one = len(rendering._header_list(found[:1])) - len("[]")
    monkeypatch.setattr(rendering, "MAX_LIST_CHARS", room * one)
    assert json.loads(rendering._header_list(found))[shown:] == [{"more": more}]


HEADERS = """\
format: 1
operations:
  make:
    request: POST /things/{id}
    new: {number: {first: 7}}
    envelopes: {ok: {status: 201, body: {}}}
"""
SCENARIO = """\
format: 1
operation: make
scenarios:
- scenario: made
  documented: Made.
  respond:
    ok: {}
    headers: {Location: "/things/${path.id}/${new.number}", retry-after: 5, content-type: application/vnd.api+json}
"""


def test_a_scenario_sends_headers(tmp_path: Path) -> None:
    """With references; a content type of its own in place of JSON's; no character that a header cannot hold."""
    (tmp_path / "contract.yaml").write_text(HEADERS, "utf-8")
    (tmp_path / "make.yaml").write_text(SCENARIO, "utf-8")
    engine = Engine(load(tmp_path))

    def headers(request: Request) -> list[tuple[str, str]]:
        return [one for one in engine.handle_sync(request).all_headers if not one[0].startswith("Mock-")]

    own = [("retry-after", "5"), ("content-type", "application/vnd.api+json")]
    assert headers(Request("POST", "/things/a")) == [("Location", "/things/a/7"), *own]
    assert headers(Request("POST", "/things/é\r\nX: y")) == [("Location", "/things/???X: y/8"), *own]
    assert headers(Request("POST", "/things/a", headers={"mock-fault": "gateway"})) == [
        ("Content-Type", "application/json")
    ]


def test_headers_of_a_scenario_are_in_the_export(tmp_path: Path) -> None:
    """OpenAPI names them with the status that they come with."""
    (tmp_path / "contract.yaml").write_text(HEADERS, "utf-8")
    (tmp_path / "make.yaml").write_text(SCENARIO, "utf-8")
    contract = load(tmp_path)
    document = openapi.document(contract, contract.settings, "http://127.0.0.1:8080")
    shown = document["paths"]["/things/{id}"]["post"]["responses"]["201"]["headers"]
    assert [name for name in shown if not name.startswith("Mock-")] == ["Location", "retry-after"]
