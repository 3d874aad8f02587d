"""Which scenarios are tried at all: those passed over are those that could not apply."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Engine, Request, load
from mockserver.core.contract import Contract
from mockserver.core.model import MISSING
from mockserver.decision.index import MIN_TABLE_SIZE
from mockserver.decision.near_misses import near_miss
from mockserver.decision.order import compile_order, scenarios_in_force
from tests.support import explain
from tests.support.facts import request_facts, some_facts

CONTRACT = """
format: 1
operations:
  ask:
    request: POST /ask
    body: ask.schema.json
    envelopes: {plain: {status: 200, body: "${respond}"}}
"""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {}, "b": {}, "c": {}, "d": {}, "n": {"type": "integer"}},
}
VALUES: list[Any] = ["x", "y", "", 0, 1, 1.5, True, False, None, "present"]
WHENS: list[dict[str, Any]] = [
    *({"body.a": {"equals": value} if isinstance(value, str) else value} for value in VALUES),
    *({"body.a": value, "body.b": "x"} for value in VALUES[:4]),
    *({"body.b": value} for value in VALUES[:3]),
    {"violation": {"at": "body.n"}, "body.a": "x"},
    {"body.a": {"not": "x"}, "body.b": "y"},
    {"any": [{"body.a": "x"}, {"violation": {"at": "body.n"}}]},
    {"none": [{"violation": {"at": "body.n"}}], "body.b": 1},
    {"all": [{"violation": {"at": "body.n"}}, {"body.b": 1}]},
    {"body.b": "absent", "body.a": "y"},
]


STATEFUL = """
format: 1
assumptions: {always: It rests on it., at-times: Where it has to.}
collections:
  things:
    open: true
    default: {state: fresh, size: 1}
    members: {state: {}, size: {}}
    seeds: {x: {state: used}, y: null}
  people: {open: false, members: {state: {}}, seeds: {x: {state: fresh}, y: {state: used}}}
operations:
  ask:
    request: POST /ask
    body: ask.schema.json
    lookups:
      thing: {in: things, key: body.a}
      person: {in: people, key: body.b}
      many: {in: people, keys: body.c}
    envelopes: {plain: {status: 200, body: "${respond}"}}
"""
OF_RECORDS: list[dict[str, Any]] = [
    {"thing.state": "fresh", "body.b": "fresh"},
    {"thing.state": "fresh", "body.d": "empty"},
    {"thing.state": {"same_as": "body.d"}},
    {"body.d.e": "absent", "body.d": "present", "body.b": "absent"},
    {"thing.state": "fresh", "body.d": {"starts_with": "f"}, "body.c": {"contains": "x"}},
    {"body.b": {"any": ["z", "empty"]}, "thing": "present", "person": "absent"},
    {"body.c": {"any": [None, "empty"]}, "thing.state": "fresh"},
    {"all": [{"body.b": {"not": "empty"}}, {"body.a": "absent"}], "body.c": "present"},
    {"body.b": {"not": {"any": ["absent", "z"]}}, "person": "absent", "body.c": {"not": "present"}},
    {"thing.state": "used", "body.n": 1},
    {"thing.key": "0", "person": "absent"},
    {"thing.key": {"same_as": "person.key"}},
    {"thing": {"same_as": "person"}},
    {"thing": {"not": {"same_as": "body.c"}}, "body.b": "y"},
    {"thing.state": {"same_as": "person.state"}, "thing.size": "present"},
    {"none": [{"thing": "present"}, {"person": "present"}], "body.a": "present"},
    {"any": [{"person.state": "used"}, {"all": [{"thing": "absent"}, {"body.b": "x"}]}]},
    {"thing.origin": "default", "person.state": {"not": "fresh"}},
    {"many": {"some_item": "present"}, "thing.size": 1},
    {"thing.origin": "default", "body.b": ""},
    {"violation": {"at": "body.n"}, "thing.state": "fresh"},
    {"thing.state": "fresh"},
    {"person": "absent"},
]


def write(folder: Path, whens: list[dict[str, Any]], contract: str = CONTRACT) -> Contract:
    (folder / "contract.yaml").write_text(contract)
    (folder / "ask.schema.json").write_text(json.dumps(SCHEMA))
    scenarios: list[dict[str, Any]] = [
        {"scenario": f"s{n}", "assumed": [], "when": when, "respond": {"plain": n}} for n, when in enumerate(whens)
    ]
    for n, scenario in enumerate(scenarios):
        if n % 3 == 0:
            scenario["also"] = [{"assumed": [], "when": whens[(n + 5) % len(whens)]}]
    if "assumptions" in contract:
        for n, scenario in enumerate(scenarios):
            scenario["assumed"] = ["always", {"at-times": whens[(n + 3) % len(whens)]}]
            scenario["assumed"] = [point for point in scenario["assumed"] if "violation" not in str(point)]
    last = {"scenario": "last", "assumed": [], "respond": {"plain": "last"}}
    text = json.dumps({"format": 1, "operation": "ask", "scenarios": [*scenarios, last]})
    (folder / "scenarios.yaml").write_text(text)
    return load(folder)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return write(tmp_path_factory.mktemp("order"), WHENS * 2)


BODIES = st.fixed_dictionaries(
    {},
    optional={
        "a": st.sampled_from([*VALUES, [], {}]),
        "b": st.sampled_from([*VALUES, ["x"]]),
        "n": st.sampled_from([1, "no number"]),
    },
)


@given(BODIES)
def test_no_matching_scenario_is_skipped(asked: Contract, body: Any) -> None:
    """The answer is the first scenario without evidence against it."""
    engine, request = Engine(asked), Request("POST", "/ask", json.dumps(body).encode())
    operation, facts = asked.operations[0], request_facts(engine, request)
    first = next(s for s in operation.scenarios if not near_miss(s, operation, facts).evidence)
    decision = explain(engine, request).reply.decision
    assert decision is not None
    assert decision.scenario.id == first.id


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """One for all examples."""
    return Engine(write(tmp_path_factory.mktemp("stateful"), OF_RECORDS * 2, STATEFUL))


BY_NAME: dict[str, list[Any]] = {
    "a": [MISSING, "x", "y", "0", "1", ""],
    "b": [MISSING, "x", "z", " ", "used", 1],
    "c": [MISSING, ["x"], [], "x", None],
    "d": [MISSING, {"e": None}, "\t", "fresh", False],
    "n": [MISSING, 1, "no number"],
}
BODIES_IN_TURN = [
    {name: value for name, value in zip(BY_NAME, values, strict=True) if value is not MISSING}
    for values in itertools.product(*BY_NAME.values())
]


def test_the_answer_follows_from_the_conditions(engine: Engine) -> None:
    """Whatever state earlier requests left."""
    for body in random.Random(1).sample(BODIES_IN_TURN, 600):
        assert_decided_by_conditions(engine, body)


def assert_decided_by_conditions(engine: Engine, body: dict[str, Any]) -> None:
    request, operation = Request("POST", "/ask", json.dumps(body).encode()), engine.contract.operations[0]
    decision, facts = explain(engine, request).reply.decision, request_facts(engine, request)
    assert decision is not None
    assert facts.body == body
    first = next(s for s in operation.scenarios if not near_miss(s, operation, facts).evidence)
    assert decision.scenario.id == first.id
    assert decision.alternative is not None
    assumptions = (*first.envelope.assumed, *first.assumed, *decision.alternative.assumed)
    held = [one.id for one in assumptions if all(condition.failure(facts) is None for condition in one.when)]
    assert decision.assumed == tuple(dict.fromkeys(held))


@pytest.mark.parametrize(
    ("logic", "met"),
    [
        ("any", [{"a": "x"}, {"n": "no number"}, {"a": "x", "n": "no number"}]),
        ("all", [{"a": "x", "n": "no number"}]),
        ("none", [{}]),
    ],
)
def test_groups_with_violation_conditions_apply_to_any_request(
    tmp_path: Path, logic: str, met: list[dict[str, Any]]
) -> None:
    """`any` of a violation or a value can hold without violations."""
    engine = Engine(write(tmp_path, [{logic: [{"body.a": "x"}, {"violation": {"at": "body.n"}}]}]))
    for body in ({}, {"a": "x"}, {"n": "no number"}, {"a": "x", "n": "no number"}):
        reply = engine.handle_sync(Request("POST", "/ask", json.dumps(body).encode()))
        assert dict(reply.all_headers)["Mock-Scenario"] == ("s0" if body in met else "last")


def test_one_of_a_thousand_scenarios_is_found_by_its_value(tmp_path: Path) -> None:
    """Only it and those without an equality are tried."""
    whens: list[dict[str, Any]] = [{"body.a": f"v{n}"} for n in range(1_000)]
    order = compile_order(write(tmp_path, whens).operations[0].scenarios)

    def tried(value: Any) -> list[str]:
        return [one.scenario.id for one in order.without_violations.candidates(some_facts({"a": value}))]

    assert tried("v501") == ["s501", "last"]
    assert tried("v500") == ["s495", "s500", "last"]  # which s495 asks for as well, another way
    assert tried(["v500"]) == ["last"]


def test_a_few_scenarios_are_tried_one_by_one(tmp_path: Path) -> None:
    """Below the bound there is nothing to look up."""
    contract = write(tmp_path, [{"body.a": str(n)} for n in range(MIN_TABLE_SIZE // 2)])
    index = compile_order(contract.operations[0].scenarios).without_violations
    assert index.candidates(some_facts({"a": "0"})) is index.all


def test_run_time_scenarios_go_first_or_take_a_place(asked: Contract) -> None:
    """A new one is tried first; one of a file's id stands where that stood."""
    operation = asked.operations[0]
    third, new = operation.scenarios[2], dataclasses.replace(operation.scenarios[0], id="new")
    replaced = dataclasses.replace(third, notes={"en": "replaced"})
    order = scenarios_in_force(operation, (new, replaced))
    assert [scenario.id for scenario in order] == ["new", *(scenario.id for scenario in operation.scenarios)]
    assert order[3] is replaced
