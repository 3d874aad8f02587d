"""Near misses: which scenarios almost matched, in which order, and what speaks against each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockserver import Contract, Engine, Request, load
from mockserver.core.language import Evidence
from mockserver.core.model import Facts
from mockserver.core.reply import NearMiss
from mockserver.decision.near_misses import distance, matches, near_miss, near_misses
from tests.support import BATCH, explain, folder
from tests.support.facts import request_facts

FILES = {
    "ask.schema.json": '{"properties": {"a": {}, "b": {}, "c": {}, "z": {}, "thing": {}, "things": {}, "n": '
    '{"type": "integer"}}}',
    "contract.yaml": """\
format: 1
collections:
  things: {open: true, default: {size: 1}, members: {size: {}}, seeds: {KNOWN-THING: {size: 2}}}
operations:
  ask:
    request: POST /ask
    body: ask.schema.json
    lookups:
      thing: {in: things, key: body.thing}
      things: {in: things, keys: body.things}
    envelopes: {plain: {status: 200, body: "${respond}"}}
""",
    "scenarios.yaml": """\
format: 1
operation: ask
scenarios:
- {scenario: two-wrong, documented: A., when: {body.a: 1, body.b: 1, body.c: 1}, respond: {plain: 1}}
- {scenario: none-held, documented: A., when: {body.z: 1}, respond: {plain: 1}}
- scenario: two-ways
  documented: A.
  when: {body.a: 7, body.b: 7}
  also: [{documented: B., when: {body.a: 1, body.b: 8}}]
  respond: {plain: 1}
- {scenario: by-thing, documented: A., when: {body.a: 1, thing.size: 2}, respond: {plain: 1}}
- {scenario: writes, documented: A., when: {body.a: 1}, respond: {plain: 1}, then: {thing: {size: 5}}}
- {scenario: rest, documented: A., respond: {plain: 1}}
""",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine(load(folder(tmp_path_factory.mktemp("near"), FILES)))


def facts_of(engine: Engine, **body: Any) -> Facts:
    return request_facts(engine, Request("POST", "/ask", json.dumps(body).encode()))


def missed(engine: Engine, **body: Any) -> list[str]:
    operation = engine.contract.operations[0]
    return [miss.scenario.id for miss in near_misses(operation, operation.scenarios, facts_of(engine, **body))]


def test_near_misses_are_sorted_by_distance(engine: Engine) -> None:
    """A condition holds and the fewest do not; equal ones in the order of scenarios."""
    assert missed(engine, a=1, n="x") == ["two-ways", "by-thing", "writes", "two-wrong", "none-held"]
    assert missed(engine, n="x") == ["none-held", "two-ways", "by-thing", "writes", "two-wrong"]


def test_scenarios_after_the_match_are_no_misses(engine: Engine) -> None:
    """They were not tried; one that stood aside did match."""
    assert missed(engine, a=1, b=8) == ["two-wrong", "none-held"]
    operation, facts = engine.contract.operations[0], facts_of(engine, a=1, b=8)
    aside = near_misses(operation, operation.scenarios, facts, ["two-ways"])
    assert [miss.scenario.id for miss in aside] == ["by-thing", "two-wrong", "none-held"]
    assert near_misses(operation, (), facts) == ()


def test_the_nearest_alternative_counts_for_a_scenario(engine: Engine) -> None:
    """The one with the least evidence against it."""
    operation, facts = engine.contract.operations[0], facts_of(engine, a=1, b=2)
    miss = near_miss(operation.by_id["two-ways"], operation, facts)
    assert (miss.held, [one.path for one in miss.evidence]) == (1, ["body.b"])
    assert miss.evidence[0].got == "2"
    miss = near_miss(operation.by_id["two-ways"], operation, facts_of(engine, b=7))
    assert [(one.path, one.got) for one in miss.evidence] == [("body.a", "nothing (missing)")]


def test_a_violation_is_evidence_against_a_scenario_with_writes(engine: Engine) -> None:
    """Though all its conditions hold."""
    operation = engine.contract.operations[0]
    writes = operation.by_id["writes"]
    assert matches(writes, facts_of(engine, a=1))
    facts = facts_of(engine, a=1, n="x")
    assert not matches(writes, facts)
    miss = near_miss(writes, operation, facts)
    condition = {"violation": "absent"}
    expected = "none, since this scenario changes state"
    assert miss.evidence == (Evidence("violation", expected, "body.n", condition, "violations"),)
    assert miss.held == 1


def test_a_key_near_a_seed_is_named(engine: Engine) -> None:
    """Only for records that the evidence is about."""
    operation = engine.contract.operations[0]

    def spelt(scenario: str, **body: Any) -> tuple[str, ...]:
        facts = facts_of(engine, **body)
        return near_miss(operation.by_id[scenario], operation, facts).near_seeds

    assert spelt("by-thing", a=1, thing="KNOWN-THNG") == ("KNOWN-THING",)
    assert spelt("by-thing", a=2, thing="KNOWN-THING") == ()
    assert spelt("by-thing", a=1, thing="QUITE-ANOTHER-KEY") == ()
    assert spelt("by-thing", a=1, things=["KNOWN-THNG"]) == ()
    assert spelt("two-ways", a=1, thing="KNOWN-THNG") == ()


def test_a_near_spelling_decides_between_equals(engine: Engine) -> None:
    """Of two requests that miss by as much, the one that nearly named a seed is nearer."""
    operation = engine.contract.operations[0]
    scenario = operation.by_id["by-thing"]
    against = []
    for thing in ("QUITE-ANOTHER-KEY", "KNOWN-THNG"):
        facts = facts_of(engine, a=1, thing=thing)
        against.append(near_miss(scenario, operation, facts))
    nothing = NearMiss(scenario, (), 0)
    assert sorted([nothing, *against], key=distance) == [*against[::-1], nothing]


def test_the_nearest_miss_of_a_used_card_is_the_activation(contract: Contract) -> None:
    """It missed by the card's status alone."""
    body = {"customer_id": "1", "card_identifier": "TEST-ACTIVATED", "reference_batch": BATCH}
    explanation = explain(Engine(contract), Request("POST", contract.operations[0].path, json.dumps(body).encode()))
    assert explanation.reply.decision is not None
    assert explanation.reply.decision.scenario.id == "card-already-activated"
    assert all(miss.evidence for miss in explanation.near_misses)
    missed = [miss.scenario.id for miss in explanation.near_misses]
    assert "card-missing-in-batch" in missed
    assert explanation.reply.decision.scenario.id not in missed
