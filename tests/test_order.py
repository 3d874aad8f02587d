"""Which scenarios are tried at all: those passed over are those that could not apply."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Engine, Request, load
from mockserver.contract import Contract
from mockserver.decide import near_miss
from mockserver.model import MISSING
from mockserver.order import FEWEST, in_force, in_order

CONTRACT = """
format: 1
operations:
  ask:
    request: POST /ask
    body: ask.schema.json
    envelopes: {plain: {status: 200, body: "${respond}"}}
"""
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {}, "b": {}, "n": {"type": "integer"}}}
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


def write(folder: Path, whens: list[dict[str, Any]]) -> Contract:
    (folder / "contract.yaml").write_text(CONTRACT)
    (folder / "ask.schema.json").write_text(json.dumps(SCHEMA))
    scenarios: list[dict[str, Any]] = [
        {"scenario": f"s{n}", "assumed": [], "when": when, "respond": {"plain": n}} for n, when in enumerate(whens)
    ]
    for n, scenario in enumerate(scenarios):
        if n % 3 == 0:
            scenario["also"] = [{"assumed": [], "when": whens[(n + 5) % len(whens)]}]
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
def test_no_scenario_is_passed_over_that_applies(asked: Contract, body: Any) -> None:
    """The one that answers is the first against which there is no evidence, of all in turn."""
    reply = Engine(asked).explain(Request("POST", "/ask", json.dumps(body).encode())).reply
    assert reply.decision is not None
    document, facts = reply.decision.document, reply.decision.facts
    facts = {**facts, "body": document.body if document.body is not MISSING else {}}
    first = next(s for s in asked.operations[0].scenarios if not near_miss(s, document, facts).evidence)
    assert reply.decision.scenario.id == first.id


def test_many_scenarios_are_found_by_a_value(tmp_path: Path) -> None:
    """Of a thousand that each ask for a value of their own, one is tried, and those that ask for something else."""
    whens: list[dict[str, Any]] = [{"body.a": f"v{n}"} for n in range(1_000)]
    contract = write(tmp_path, whens)
    order = in_order(contract.operations[0].scenarios)
    tried = order.calm.of({"body": {"a": "v501"}})
    assert [scenario.id for scenario, _ in tried] == ["s501", "last"]
    tried = order.calm.of({"body": {"a": "v500"}})  # which s495 asks for as well, another way
    assert [scenario.id for scenario, _ in tried] == ["s495", "s500", "last"]
    assert [scenario.id for scenario, _ in order.calm.of({"body": {"a": ["v500"]}})] == ["last"]


def test_a_few_scenarios_are_tried_one_by_one(tmp_path: Path) -> None:
    """Below the bound there is nothing to look up."""
    contract = write(tmp_path, [{"body.a": str(n)} for n in range(FEWEST // 2)])
    assert in_order(contract.operations[0].scenarios).calm.found == ()


def test_run_time_scenarios_go_first_or_take_a_place(asked: Contract) -> None:
    """A new one is tried first; one of a file's id stands where that stood."""
    operation = asked.operations[0]
    third, new = operation.scenarios[2], operation.scenarios[0]
    renamed = type(new)(**{name: getattr(new, name) for name in new.__dataclass_fields__} | {"id": "new"})
    order = in_force(operation, (renamed, third))
    assert [scenario.id for scenario in order] == ["new", *(scenario.id for scenario in operation.scenarios)]
