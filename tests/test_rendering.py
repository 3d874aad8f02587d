"""Bodies from templates, problems, masks."""

import json
from typing import Any

import pytest

from mockserver import rendering
from mockserver.model import MISSING, Mistake, Settings, Tick, Violation, Warn
from mockserver.references import Scope, compile_template

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
    faults: list[Mistake] = []
    template = compile_template(node, SCOPE, (), faults.append)
    facts = {"body": {}, "tick": Tick(5_000_000), "settings": Settings(), "many": [{}, {}]}
    body = rendering.body_of(rendering.form_of(template), facts)
    assert json.loads(body) == template.render(facts)
    assert faults == []


def test_what_is_constant_is_written_once() -> None:
    """A body without references is made beforehand, whatever is in it."""
    template = compile_template({"a%": [1, {"b": "100 %b"}], "d": None}, SCOPE, (), lambda _: None)
    form = rendering.form_of(template)
    assert form.values == ()
    assert rendering.body_of(form, {}) == b'{"a%":[1,{"b":"100 %b"}],"d":null}'

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
    assert json.loads(rendering._listed([Warn("header", "/x", "k", "m", "p")])) == [
        {"in": "header", "pointer": "/x", "keyword": "k", "message": "m"}
    ]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ((), ""),
        (("a",), " Did you mean a?"),
        (("a", "b"), " Did you mean a or b?"),
        (("a", "b", "c"), " Did you mean a, b or c?"),
    ],
)
def test_near_spellings_in_words(names: tuple[str, ...], text: str) -> None:
    """One sentence, or nothing."""
    assert rendering.or_else(names) == text


def test_a_problem_is_rfc_9457() -> None:
    """Type, title, status and detail, then what helps."""
    reply = rendering.unknown_scenario("a\nb", ("one", "two"), ("one",), None)
    assert dict(reply.headers)["Content-Type"] == "application/problem+json"
    body = json.loads(reply.body)
    assert body["type"] == "urn:mockserver:problem:unknown-scenario"
    assert body["status"] == reply.status == 400
    assert body["detail"] == "There is no a\\x0ab. Did you mean one?"
    assert (body["did_you_mean"], body["scenarios"]) == (["one"], ["one", "two"])
    assert reply.decision is None
    elsewhere = json.loads(rendering.unknown_scenario("x", (), (), "other").body)
    assert elsewhere["detail"] == "x is a scenario of other, not of this operation."


def test_a_message_that_is_long_is_cut() -> None:
    """A header stays short; what is cut ends in dots."""
    [entry] = json.loads(rendering._listed([Violation("body", ("a",), "const", "other", "x" * 241)]))
    assert entry == {"pointer": "/a", "keyword": "const", "message": "x" * 237 + "..."}
    [whole] = json.loads(rendering._listed([Violation("body", ("a",), "const", "other", "x" * 240)]))
    assert whole["message"] == "x" * 240


def test_what_has_no_room_says_what_makes_room() -> None:
    """A client is told how long to wait, and a tester what to do."""
    sandbox, record = rendering.no_room(3, 60.0), rendering.no_room_for_record(5)
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
        "detail": "It keeps 5 records, and nothing was changed. POST /__admin/reset makes room, and so does a greater "
        "setting max_records.",
        "limit": 5,
    }
