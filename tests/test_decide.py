"""The pure decision, asked with hand-made records, and what an answer may echo."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mockserver import Contract, Engine, Request, load
from mockserver.core.model import Collection, Record, Settings, Tick
from mockserver.core.reply import Decision
from mockserver.decision.decide import decide, gather, misses, misspelt
from mockserver.decision.document import read_document
from mockserver.decision.order import in_order

BATCH = "7e4b85e27c4610824900af48f340394d"


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


def decided(contract: Contract, body: Any, records: dict[tuple[str, str], Record | None] | None = None) -> Decision:
    """The decision on a body, with these records instead of a store's."""
    operation = contract.operations[0]
    asked = Request("POST", operation.path, json.dumps(body).encode())
    document = read_document(operation, asked, {}, Settings())

    def find(collection: Collection, key: str) -> Mapping[str, Any] | None:
        if records is not None and (collection.name, key) in records:
            record = records[collection.name, key]
            return None if record is None else record.view
        return collection.unseen(key) if collection.open else None

    new = {"customer_id": "1", "card_id": "card_1"}
    facts = gather(operation, asked, {}, document, Settings(), Tick(0), find, new)
    assert misspelt(facts) is None
    return decide(operation, document, facts)


def test_records_decide(contract: Contract) -> None:
    """The same request is answered by what its records say."""
    body = {"customer_id": "c", "card_identifier": "k", "reference_batch": BATCH}
    assert decided(contract, body).scenario.id == "activated-existing-customer"
    used = Record.make("k", {"status": "activated"}, "request")
    assert decided(contract, body, {("cards", "k"): used}).scenario.id == "card-already-activated"
    assert decided(contract, body, {("cards", "k"): used}).trigger == "state"
    seeded = Record.make("k", {"status": "activated"}, "seed")
    assert decided(contract, body, {("cards", "k"): seeded}).trigger == "values"
    assert decided(contract, body, {("cards", "k"): None}).scenario.id == "card-batch-mismatch"
    assert decided(contract, body, {("customers", "c"): None}).scenario.id == "customer-unknown"
    assert decided(contract, body, {("customers", "c"): None}).trigger == "default"


def test_writes_are_values(contract: Contract) -> None:
    """What an activation changes is told as values, and only what was there is kept."""
    body = {
        "customer": {"first_name": "A", "last_name": "B", "email": "A@B"},
        "card_identifier": "k",
        "reference_batch": BATCH.upper(),
    }
    writes = {write.collection: (write.key, dict(write.members)) for write in decided(contract, body).writes}
    assert writes == {
        "cards": ("k", {"status": "activated", "batch": BATCH, "card_id": "card_1"}),
        "customers": ("1", {"kind": "individual", "cards": ["k"], "email": "A@B"}),
        "emails": ("a@b", {"customer": "1"}),
    }


def test_a_list_keeps_each_value_once(contract: Contract) -> None:
    """add appends to a list, but not what is in it."""
    body = {"customer_id": "c", "card_identifier": "k", "reference_batch": BATCH}
    for before, after in [(["j"], ["j", "k"]), (["j", "k"], ["j", "k"])]:
        owner = Record.make("c", {"kind": "enterprise", "cards": before}, "request")
        writes = decided(contract, body, {("customers", "c"): owner}).writes
        assert [w.members["cards"] for w in writes if w.collection == "customers"] == [after]


def test_a_change_of_state_waits_for_a_sound_request(contract: Contract) -> None:
    """The misses before an answer say so where a violation stood in the way of an activation."""
    operation = contract.operations[0]
    body = {"customer_id": "c", "card_identifier": "k", "reference_batch": BATCH, "device_id": 5, "pin": 1}
    asked = Request("POST", operation.path, json.dumps(body).encode())
    document = read_document(operation, asked, {}, Settings())

    def find(collection: Collection, key: str) -> Mapping[str, Any] | None:
        return collection.unseen(key) if collection.open else None

    facts = gather(operation, asked, {}, document, Settings(), Tick(0), find, {})
    decision = decide(operation, document, facts)
    facts["unclaimed"] = ()  # as if a scenario had named the violation
    evidence = {miss.scenario.id: miss.evidence for miss in misses(decision, facts)}
    assert [
        (e.path, e.came)
        for e in evidence["activated-existing-customer"]
        if e.expected == "none, since this scenario changes state"
    ] == [("violation", "body.device_id, body.pin")]


def test_what_is_forced_writes_nothing(contract: Contract) -> None:
    """A scenario that changes state is answered, and that is all."""
    operation = contract.operations[0]
    asked = Request("POST", operation.path, b"{}")
    document = read_document(operation, asked, {}, Settings())
    facts = gather(operation, asked, {}, document, Settings(), Tick(0), lambda *_: None, {"card_id": "1"})
    forced = operation.by_id["activated-existing-customer"]
    assert forced.changes
    assert decide(operation, document, facts, forced).writes == ()


ECHO = {
    "echo.schema.json": json.dumps(
        {
            "type": "object",
            "properties": {
                "list": {"type": "array", "items": {"type": "integer"}},
                "object": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}},
            },
        }
    ),
    "echo.yaml": """
format: 1
operations:
  echo:
    request: POST /echo
    body: echo.schema.json
    envelopes: {plain: {status: 200, body: "${respond}"}}
""",
    "scenarios.yaml": """
format: 1
operation: echo
scenarios:
- scenario: echo
  documented: Echo
  respond:
    plain:
      list: {first_of: ["${body.list}", none]}
      object: {first_of: ["${body.object}", none]}
      whole: {first_of: ["${body}", none]}
""",
}


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ('{"list": [1], "object": {"a": 1}}', {"list": [1], "object": {"a": 1}}),
        ('{"list": [1, "x"], "object": {"a": "x", "b": 2}}', {"list": "none", "object": {"b": 2}}),
        ('{"list": 1, "object": {"a": "x"}}', {"list": "none", "object": "none"}),
        ("[", {"list": "none", "object": "none", "whole": "none"}),
    ],
)
def test_what_is_malformed_is_not_echoed(tmp_path: Path, body: str, answer: dict[str, Any]) -> None:
    """An answer repeats what the request holds, but no member that breaks its schema."""
    for name, text in ECHO.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    came = json.loads(Engine(load(tmp_path)).handle_sync(Request("POST", "/echo", body.encode())).body)
    assert {name: came[name] for name in answer} == answer


OPEN_POINTS = {
    "ask.schema.json": "{}",
    "contract.yaml": """
format: 1
assumptions: {shape: s, always: a, with-a: a, other-way: o, with-b: b}
operations:
  ask:
    request: POST /ask
    body: ask.schema.json
    envelopes: {plain: {status: 200, assumed: [shape], body: "${respond}"}}
""",
    "scenarios.yaml": """
format: 1
operation: ask
scenarios:
- scenario: asked
  documented: Asked
  assumed: [always, with-a: {body.a: present, body.c: absent}]
  when: {body.x: 1}
  also:
  - {assumed: [other-way, always, with-b: {body.b: present, body.c: absent}], when: {body.x: 2}}
  respond: {plain: {}}
- {scenario: rest, assumed: [], respond: {plain: {}}}
""",
}


@pytest.mark.parametrize(
    ("body", "source", "points"),
    [
        ({"x": 1}, "documented", "shape, always"),
        ({"x": 1, "a": 1}, "documented", "shape, always, with-a"),
        ({"x": 1, "a": 1, "c": 1}, "documented", "shape, always"),
        ({"x": 1, "b": 1}, "documented", "shape, always"),
        ({"x": 2}, "assumed", "shape, always, other-way"),
        ({"x": 2, "b": 1}, "assumed", "shape, always, other-way, with-b"),
        ({"x": 2, "b": 1, "c": 1}, "assumed", "shape, always, other-way"),
        ({"x": 2, "a": 1, "b": 1}, "assumed", "shape, always, with-a, other-way, with-b"),
        ({}, "assumed", "shape"),
    ],
)
def test_an_answer_names_the_open_points_that_it_rests_on(
    tmp_path: Path, body: dict[str, Any], source: str, points: str
) -> None:
    """Those of the envelope, of the scenario and of the way it was met, each once; with conditions, where they hold."""
    for name, text in OPEN_POINTS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    reply = Engine(load(tmp_path)).handle_sync(Request("POST", "/ask", json.dumps(body).encode()))
    headers = dict(reply.headers)
    assert (headers["Mock-Source"], headers["Mock-Assumed"]) == (source, points)


def test_what_is_forced_rests_on_no_condition(tmp_path: Path) -> None:
    """A forced answer names the points that always hold, whatever the request has."""
    for name, text in OPEN_POINTS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    asked = Request("POST", "/ask", b'{"x": 1, "a": 1}', {"mock-scenario": "asked"})
    assert dict(Engine(load(tmp_path)).handle_sync(asked).headers)["Mock-Assumed"] == "shape, always"


def test_no_scenario_is_a_bug_and_not_an_answer(contract: Contract) -> None:
    """What the loader rules out is not passed over in silence."""
    operation = contract.operations[0]
    asked = Request("POST", operation.path, b"{}")
    document = read_document(operation, asked, {}, Settings())
    facts = gather(operation, asked, {}, document, Settings(), Tick(0), lambda *_: None, {})
    with pytest.raises(RuntimeError, match="no scenario of activateCardForCustomer answers"):
        decide(operation, document, facts, order=in_order((), ()))
