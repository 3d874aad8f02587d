"""The pure decision, asked with hand-made records, and what an answer may echo."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mockserver import Contract, Engine, Request, load
from mockserver.core.contract import Turn, Turns
from mockserver.core.directives import NO_DIRECTIVES, Directives
from mockserver.core.faults import Fault, FixedDelay, LognormalDelay, UniformDelay
from mockserver.core.model import Collection, Document, Record, Settings
from mockserver.core.reply import Decision, Reply
from mockserver.decision.decide import decide, sample_delay_ms
from mockserver.decision.document import read_document
from mockserver.decision.near_misses import near_misses
from mockserver.decision.order import compile_order
from mockserver.decision.router import Route
from mockserver.decision.view import ArmedOutcome, View, fetch_records, make_facts

BATCH = "7e4b85e27c4610824900af48f340394d"
BODY = {"customer_id": "c", "card_identifier": "k", "reference_batch": BATCH}
NEW = {"customer_id": "1", "card_id": "card_1"}

Written = Mapping[tuple[str, str], Record | None]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


def document_of(contract: Contract, body: Any) -> Document:
    operation = contract.operations[0]
    return read_document(operation, Request("POST", operation.path, json.dumps(body).encode()), {}, Settings())


def route_of(contract: Contract, directives: Directives = NO_DIRECTIVES) -> Route:
    return Route(contract, contract.operations[0], {}, "", directives)


def view_of(contract: Contract, document: Document, written: Written | None = None) -> View:
    """What a decision sees where these records were written, and nothing else."""
    operation = contract.operations[0]

    def find(collection: Collection, key: str) -> Record | None:
        if written is not None and (collection.name, key) in written:
            return written[collection.name, key]
        return collection.unwritten_record(key)

    order = compile_order(operation.scenarios)
    facts = make_facts(document, Settings(), order, 0, NEW)
    lookups = fetch_records(operation.lookups, facts, find)
    return View(facts, lookups, order, operation.id)


def decided(
    contract: Contract,
    body: Any = BODY,
    written: Written | None = None,
    directives: Directives = NO_DIRECTIVES,
    armed: tuple[ArmedOutcome, ...] = (),
) -> Decision:
    """The decision on a body, with these records instead of a storage's."""
    document = document_of(contract, body)
    view = replace(view_of(contract, document, written), armed=armed)
    decision = decide(route_of(contract, directives), document, view)
    assert isinstance(decision, Decision)
    return decision


def test_the_answer_depends_on_records(contract: Contract) -> None:
    """The same request gets another answer where its records differ."""
    body = BODY
    assert decided(contract, body).scenario.id == "activated-existing-customer"
    used = Record.make("k", {"status": "activated"}, "request")
    assert decided(contract, body, {("cards", "k"): used}).scenario.id == "card-already-activated"
    assert decided(contract, body, {("cards", "k"): used}).trigger == "state"
    seeded = Record.make("k", {"status": "activated"}, "seed")
    assert decided(contract, body, {("cards", "k"): seeded}).trigger == "values"
    assert decided(contract, body, {("cards", "k"): None}).scenario.id == "card-batch-mismatch"
    assert decided(contract, body, {("customers", "c"): None}).scenario.id == "customer-unknown"
    assert decided(contract, body, {("customers", "c"): None}).trigger == "default"


def test_writes_are_values_of_the_decision(contract: Contract) -> None:
    """They list each change with the record before it."""
    body = {
        "customer": {"first_name": "A", "last_name": "B", "email": "A@B"},
        "card_identifier": "k",
        "reference_batch": BATCH.upper(),
    }
    effects = decided(contract, body).effects
    assert sorted(effects.consumed_id_names) == ["card_id", "customer_id"]
    writes = {write.collection: (write.key, dict(write.members)) for write in effects.writes}
    assert writes == {
        "cards": ("k", {"status": "activated", "batch": BATCH, "card_id": "card_1"}),
        "customers": ("1", {"kind": "individual", "cards": ["k"], "email": "A@B"}),
        "emails": ("a@b", {"customer": "1"}),
    }


def test_add_appends_a_value_once(contract: Contract) -> None:
    """A value that is no list becomes the first item."""
    for before, after in [(["j"], ["j", "k"]), (["j", "k"], ["j", "k"]), ("j", ["j", "k"])]:
        owner = Record.make("c", {"kind": "enterprise", "cards": before}, "request")
        writes = decided(contract, BODY, {("customers", "c"): owner}).effects.writes
        assert [w.members["cards"] for w in writes if w.collection == "customers"] == [after]


def test_a_scenario_with_writes_needs_a_request_without_violations(contract: Contract) -> None:
    """The misses say so where a violation stood in the way."""
    operation = contract.operations[0]
    document = document_of(contract, {**BODY, "device_id": 5, "pin": 1})
    facts = replace(view_of(contract, document).facts, unclaimed=())  # as if a scenario had named the violation
    evidence = {miss.scenario.id: miss.evidence for miss in near_misses(operation, operation.scenarios, facts)}
    assert [
        (e.path, e.got)
        for e in evidence["activated-existing-customer"]
        if e.expected == "none, since this scenario changes state"
    ] == [("violation", "body.device_id, body.pin")]


def test_the_violation_that_decided_stands_first(contract: Contract) -> None:
    """Before those that stand before it in the body; the others keep their order."""
    body = {"customer_id": "1", "pin": 1}
    found = [one.pointer for one in document_of(contract, body).violations]
    shown = [one.pointer for one in decided(contract, body).document.violations]
    assert found == ["/card_identifier", "/pin", "/reference_batch"]
    assert shown == ["/pin", "/card_identifier", "/reference_batch"]


def test_a_forced_scenario_writes_nothing(contract: Contract) -> None:
    """No record, no id used up, no violation shown."""
    forced = Directives(scenario="activated-existing-customer")
    for body in ({}, BODY):
        decision = decided(contract, body, directives=forced)
        assert decision.scenario.changes
        assert (decision.alternative, decision.trigger, decision.applies_changes) == (None, "header", False)
        assert (decision.effects.writes, decision.effects.consumed_id_names) == ((), ())


def armed_with(turn: Turn, number: int = 1, **more: Any) -> ArmedOutcome:
    return ArmedOutcome(number, "activateCardForCustomer", Turns((turn,)), 1, more.pop("when", ()), {}, **more)


def test_precedence_is_header_armed_scenarios(contract: Contract) -> None:
    """An armed outcome is used up only where it answers."""
    scenarios = contract.operations[0].by_id
    first = armed_with(Turn(scenarios["rfc-invalid"]))
    second = armed_with(Turn(scenarios["email-taken"]), 2)
    decision = decided(contract, armed=(first, second))
    assert (decision.scenario.id, decision.trigger, decision.effects.armed_id) == ("rfc-invalid", "armed", 1)
    decision = decided(contract, armed=(first,), directives=Directives(scenario="unauthorized"))
    assert (decision.scenario.id, decision.trigger, decision.effects.armed_id) == ("unauthorized", "header", None)
    decision = decided(contract, armed=(replace(first, operation="other"), second))
    assert (decision.scenario.id, decision.effects.armed_id) == ("email-taken", 2)
    assert decided(contract, armed=(replace(first, operation="other"),)).effects.armed_id is None


@pytest.mark.parametrize(("commit", "written"), [(False, 0), (True, 2)])
@pytest.mark.parametrize("by", ["header", "armed"])
def test_a_fault_writes_only_with_commit(contract: Contract, commit: bool, written: int, by: str) -> None:
    """Ids are used up in any case."""
    fault = Fault("reset", commit=commit)
    armed = (armed_with(Turn(fault=fault)),) if by == "armed" else ()
    directives = Directives(fault=fault) if by == "header" else NO_DIRECTIVES
    decision = decided(contract, armed=armed, directives=directives)
    assert (decision.scenario.id, decision.trigger) == ("activated-existing-customer", "values")
    assert (decision.fault, decision.applies_changes, len(decision.effects.writes)) == (fault, commit, written)
    assert set(decision.effects.consumed_id_names) == decision.scenario.new_ids != frozenset()
    assert decision.effects.armed_id == (1 if armed else None)


def test_a_dribble_writes_as_its_answer_arrives(contract: Contract) -> None:
    """A client that has the whole answer finds the change made."""
    decision = decided(contract, directives=Directives(fault=Fault("dribble")))
    assert (decision.applies_changes, len(decision.effects.writes)) == (True, 2)


def test_an_unknown_forced_scenario_is_a_problem(contract: Contract) -> None:
    """It names near spellings, and no scenario answers in its place."""
    document = document_of(contract, BODY)
    reply = decide(route_of(contract, Directives(scenario="rfc-invalit")), document, view_of(contract, document))
    assert isinstance(reply, Reply)
    assert (reply.problem, json.loads(reply.body)["did_you_mean"]) == ("unknown-scenario", ["rfc-invalid"])


def test_a_code_forces_the_scenario_that_answers_with_it(contract: Contract) -> None:
    """One code of several scenarios is a problem."""
    forced = decided(contract, directives=Directives(scenario="code=5001"))
    assert (forced.scenario.id, forced.trigger) == ("provider-communication", "header")
    document = document_of(contract, BODY)
    reply = decide(route_of(contract, Directives(scenario="code=4400")), document, view_of(contract, document))
    assert isinstance(reply, Reply)
    assert reply.problem == "ambiguous-code"


def test_a_misspelt_test_value_is_a_problem_unless_something_forces_the_answer(contract: Contract) -> None:
    """An armed scenario or a header answers all the same; an armed fault alone does not."""
    body = {**BODY, "card_identifier": "TEST-CRAD"}
    document = document_of(contract, body)
    view = view_of(contract, document)
    fault = armed_with(Turn(fault=Fault("reset")))
    for one in (view, replace(view, armed=(fault,))):
        reply = decide(route_of(contract), document, one)
        assert isinstance(reply, Reply)
        assert (reply.problem, json.loads(reply.body)["did_you_mean"][0]) == ("unknown-test-value", "TEST-CARD")
    scenario = armed_with(Turn(contract.operations[0].by_id["rfc-invalid"]))
    assert decided(contract, body, armed=(scenario,)).scenario.id == "rfc-invalid"
    assert decided(contract, body, directives=Directives(scenario="unauthorized")).scenario.id == "unauthorized"


def test_a_delay_is_a_function_of_seed_sandbox_and_number() -> None:
    """A fixed one depends on nothing, and a lognormal one stays below its cap."""
    uniform, lognormal = UniformDelay(10, 2_000), LognormalDelay(100, 0.5, 150)
    for delay in (uniform, lognormal):
        series = [sample_delay_ms(delay, 0, "a", number) for number in range(50)]
        assert series == [sample_delay_ms(delay, 0, "a", number) for number in range(50)]
        assert series != [sample_delay_ms(delay, 1, "a", number) for number in range(50)]
        assert series != [sample_delay_ms(delay, 0, "b", number) for number in range(50)]
        assert len(set(series)) > 20
    assert all(10 <= sample_delay_ms(uniform, 0, "", number) <= 2_000 for number in range(200))
    assert max(sample_delay_ms(lognormal, 0, "", number) for number in range(200)) == 150
    assert {sample_delay_ms(LognormalDelay(100, 0.0, 150), 0, "", number) for number in range(5)} == {100.0}
    assert {sample_delay_ms(FixedDelay(3), seed, "", 0) for seed in range(5)} == {3}


def test_a_fixed_delay_does_not_advance_the_series(contract: Contract) -> None:
    """Only drawn delays do."""
    for delay, drawn in ((FixedDelay(5), False), (UniformDelay(5, 5), True), (None, False)):
        decision = decided(contract, directives=Directives(delay=delay))
        assert (decision.delay_ms, decision.effects.drew_delay) == (0.0 if delay is None else 5.0, drawn)


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
def test_a_malformed_member_is_not_echoed(tmp_path: Path, body: str, answer: dict[str, Any]) -> None:
    """An answer repeats only members that fit their schema."""
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
def test_an_answer_lists_its_assumptions(tmp_path: Path, body: dict[str, Any], source: str, points: str) -> None:
    """Those of envelope, scenario and alternative, each once; conditional ones where they hold."""
    for name, text in OPEN_POINTS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    reply = Engine(load(tmp_path)).handle_sync(Request("POST", "/ask", json.dumps(body).encode()))
    headers = dict(reply.all_headers)
    assert (headers["Mock-Source"], headers["Mock-Assumed"]) == (source, points)


def test_a_forced_answer_lists_unconditional_assumptions(tmp_path: Path) -> None:
    """Whatever the request has."""
    for name, text in OPEN_POINTS.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    asked = Request("POST", "/ask", b'{"x": 1, "a": 1}', {"mock-scenario": "asked"})
    assert dict(Engine(load(tmp_path)).handle_sync(asked).all_headers)["Mock-Assumed"] == "shape, always"


def test_an_operation_without_a_matching_scenario_raises(contract: Contract) -> None:
    """The loader rules it out."""
    document = document_of(contract, {})
    view = replace(view_of(contract, document), order=compile_order(()))
    with pytest.raises(RuntimeError, match="no scenario of activateCardForCustomer answers"):
        decide(route_of(contract), document, view)
