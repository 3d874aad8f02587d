"""Bodies from templates, problems, masks."""

import json
from typing import Any

import pytest

from mockserver.contract.paths import Context, Scope
from mockserver.contract.templates import compile_body_format, compile_template, render_body
from mockserver.core import problems
from mockserver.core.model import MISSING, Diagnostic, RequestWarning, Settings, Tick, Violation
from mockserver.core.reply import Reply
from mockserver.decision import rendering
from mockserver.schema.schema_set import SchemaSet

SCOPE = Scope(("body", "now", "settings"), lambda _, __: (), many=frozenset({"many"}))


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
def test_the_form_of_a_body_gives_the_json_of_the_template(node: Any) -> None:
    """Cutting a body into constant bytes and values changes nothing of its JSON."""
    faults: list[Diagnostic] = []
    template = compile_template(node, Context(SCOPE, SchemaSet(), faults.append))
    facts = {"body": {}, "tick": Tick(5_000_000), "settings": Settings(), "many": [{}, {}]}
    body = render_body(compile_body_format(template), facts)
    assert json.loads(body) == template.render(facts)
    assert faults == []


def test_what_is_constant_is_written_once() -> None:
    """A body without references is made beforehand, whatever is in it."""
    template = compile_template({"a%": [1, {"b": "100 %b"}], "d": None}, Context(SCOPE, SchemaSet(), lambda _: None))
    form = compile_body_format(template)
    assert form.values == ()
    assert render_body(form, {}) == b'{"a%":[1,{"b":"100 %b"}],"d":null}'

    assert template.constant is not MISSING


def test_a_listing_is_ascii_bounded_and_counted() -> None:
    """At most ten are shown, then a count; pointers are cut; the body needs no place of its own."""
    found = [Violation("body", ("é" * 200, str(i)), "type", "other", "expected é") for i in range(12)]
    shown = rendering._listed(found)
    assert shown.isascii()
    entries = json.loads(shown)
    assert len(entries) == 11
    assert entries[-1] == {"more": 2}
    assert all(len(entry["pointer"]) <= rendering.LONGEST_POINTER for entry in entries[:-1])
    assert json.loads(rendering._listed([RequestWarning("header", "/x", "k", "m", "p")])) == [
        {"in": "header", "pointer": "/x", "keyword": "k", "message": "m"}
    ]


def test_a_problem_is_rfc_9457() -> None:
    """Type, title, status and detail, then what helps."""
    reply = problems.unknown_scenario("a\nb", ("one", "two"), ("one",), None)
    assert dict(reply.headers)["Content-Type"] == "application/problem+json"
    body = json.loads(reply.body)
    assert body["type"] == "urn:mockserver:problem:unknown-scenario"
    assert body["status"] == reply.status == 400
    assert body["detail"] == "There is no a\\x0ab. Did you mean one?"
    assert (body["did_you_mean"], body["scenarios"]) == (["one"], ["one", "two"])
    assert reply.decision is None
    elsewhere = json.loads(problems.unknown_scenario("x", (), (), "other").body)
    assert elsewhere["detail"] == "x is a scenario of other, not of this operation."


def test_a_message_that_is_long_is_cut() -> None:
    """A header stays short; what is cut ends in dots."""
    [entry] = json.loads(rendering._listed([Violation("body", ("a",), "const", "other", "x" * 241)]))
    assert entry == {"pointer": "/a", "keyword": "const", "message": "x" * 237 + "..."}
    [whole] = json.loads(rendering._listed([Violation("body", ("a",), "const", "other", "x" * 240)]))
    assert whole["message"] == "x" * 240


@pytest.mark.parametrize(("room", "shown", "more"), [(2, 2, 1), (1.9, 1, 2), (0.5, 1, 2)])
def test_a_listing_has_a_length(monkeypatch: pytest.MonkeyPatch, room: float, shown: int, more: int) -> None:
    """As many are shown as have room, and one in any case."""
    found = [Violation("body", ("a",), "const", "other", "x" * 100)] * 3
    one = len(rendering._listed(found[:1])) - len("[]")
    monkeypatch.setattr(rendering, "LONGEST_LIST", room * one)
    assert json.loads(rendering._listed(found))[shown:] == [{"more": more}]


def test_what_has_no_room_says_what_makes_room() -> None:
    """A client is told how long to wait, and a tester what to do."""
    sandbox, record = (
        problems.no_room_for_sandbox(Settings(max_sandboxes=3, sandbox_ttl=60.0)),
        problems.no_room_for_record(5),
    )
    assert json.loads(sandbox.body) == {
        "type": "urn:mockserver:problem:no-room-for-sandbox",
        "title": "There is no room for one more sandbox",
        "status": 503,
        "detail": "There are 3 sandboxes, each used within the last 60 s. DELETE /__admin/sandboxes/NAME makes room, "
        "and so does a greater setting max_sandboxes.",
    }
    assert dict(sandbox.headers) == {"Content-Type": "application/problem+json", "Retry-After": "5"}
    assert json.loads(record.body) == {
        "type": "urn:mockserver:problem:no-room-for-record",
        "title": "There is no room for one more record in this sandbox",
        "status": 507,
        "detail": "It keeps at most 5 records, and this would make it more; nothing was changed. POST /__admin/reset "
        "makes room, and so does a greater setting max_records.",
        "limit": 5,
    }


PROBLEMS: list[tuple[Reply, dict[str, Any], dict[str, str]]] = [
    (
        problems.unknown_test_value("body.thing", "things", ("TEST-A",), ("TEST-A", "TEST-B")),
        {
            "type": "urn:mockserver:problem:unknown-test-value",
            "title": "A value of the reserved form is no reserved test value",
            "status": 400,
            "detail": "body.thing has the form of a reserved test value, but things have none of that name. "
            "Did you mean TEST-A?",
            "member": "body.thing",
            "did_you_mean": ["TEST-A"],
            "test_values": ["TEST-A", "TEST-B"],
        },
        {},
    ),
    (
        problems.bad_sandbox("What is wrong."),
        {
            "type": "urn:mockserver:problem:bad-sandbox",
            "title": "The request names no usable sandbox",
            "status": 400,
            "detail": "What is wrong.",
        },
        {},
    ),
    (
        problems.bad_directive("What is wrong."),
        {
            "type": "urn:mockserver:problem:bad-directive",
            "title": "A directive in the request headers cannot be understood",
            "status": 400,
            "detail": "What is wrong.",
        },
        {},
    ),
    (
        problems.too_large(1000),
        {
            "type": "urn:mockserver:problem:body-too-large",
            "title": "The request body is too large",
            "status": 413,
            "detail": "At most 1000 bytes are read.",
            "limit": 1000,
        },
        {"Connection": "close"},
    ),
    (
        problems.too_slow(2.5),
        {
            "type": "urn:mockserver:problem:too-slow",
            "title": "The request did not come to its end in time",
            "status": 408,
            "detail": "All of it has to be here 2.5 s after its beginning; the setting request_timeout changes that.",
            "limit": 2.5,
        },
        {},
    ),
    (
        problems.not_http("What is wrong."),
        {
            "type": "urn:mockserver:problem:no-http",
            "title": "The request is no HTTP/1.1",
            "status": 400,
            "detail": "What is wrong.",
        },
        {},
    ),
    (
        problems.not_found("/thigs\n" + "x" * 300, ("/things", "/__admin"), ("/things",)),
        {
            "type": "urn:mockserver:problem:unknown-path",
            "title": "Nothing is served at this path",
            "status": 404,
            "detail": "There is no " + ("/thigs\\x0a" + "x" * 300)[:197] + ".... Did you mean /things? "
            "A sandbox goes in front: /sandbox/NAME/...",
            "did_you_mean": ["/things"],
            "paths": ["/things", "/__admin"],
        },
        {},
    ),
    (
        problems.wrong_method("P\nUT", ("POST", "GET"), {"Mock-Assumed": "method"}),
        {
            "type": "urn:mockserver:problem:wrong-method",
            "title": "This path is not served with this method",
            "status": 405,
            "detail": "Expected POST or GET, got P\\x0aUT.",
        },
        {"Allow": "POST, GET", "Mock-Assumed": "method"},
    ),
]


@pytest.mark.parametrize(("reply", "body", "headers"), PROBLEMS, ids=[reply.problem or "" for reply, _, _ in PROBLEMS])
def test_a_problem_says_what_is_wrong_and_what_to_try(
    reply: Reply, body: dict[str, Any], headers: dict[str, str]
) -> None:
    """Each has a type that programs know it by, words for people, and a status that clients understand."""
    assert json.loads(reply.body) == body
    assert list(json.loads(reply.body)) == list(body)
    assert reply.status == body["status"]
    assert dict(reply.headers) == {"Content-Type": "application/problem+json", **headers}
    assert reply.problem == body["type"].removeprefix("urn:mockserver:problem:")
