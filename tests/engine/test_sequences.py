"""Answers in turn: how many requests each is for, what comes after the last, and what counts."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver import Engine, Request, load
from mockserver.core.contract import Turn, Turns
from mockserver.core.faults import Fault, FixedDelay
from mockserver.engine.linter import check
from mockserver.engine.sample_requests import triggering_request
from mockserver.export.outcomes import outcomes
from mockserver.server.server import serving
from tests.support import LASTING, PATH, explain, folder

FILE = """\
format: 1
operation: activateCardForCustomer
scenarios:
- scenario: flaky
  documented: Flaky.
  when: {{header.x-flaky: present}}
  responses:
  - {{respond: {{status: 503, error: {{code: 1}}}}, times: 2}}
  - {last}
  repeat: {repeat}
"""


async def codes(client: aiohttp.ClientSession, url: str, count: int, **headers: str) -> list[int]:
    """The statuses of so many requests."""
    got = []
    for _ in range(count):
        async with client.post(url + PATH, json=LASTING, headers={"X-Flaky": "1", **headers}) as response:
            await response.read()
            got.append(response.status)
    return got


def overlay(tmp_path: Path, last: str, repeat: str) -> Any:
    return load(overlays=[folder(tmp_path / "flaky", {"flaky.yaml": FILE.format(last=last, repeat=repeat)})])


@pytest.mark.parametrize(
    ("last", "repeat", "due"),
    [
        ("pass: true", "last", [503, 503, 200, 200, 200, 200]),
        ("pass: true", "cycle", [503, 503, 200, 503, 503, 200]),
        ("respond: {status: 418, error: {code: 2}}", "last", [503, 503, 418, 418, 418, 418]),
        ("respond: {status: 418, error: {code: 2}}", "cycle", [503, 503, 418, 503, 503, 418]),
    ],
)
async def test_a_scenario_answers_in_turn(
    tmp_path: Path, client: aiohttp.ClientSession, last: str, repeat: str, due: list[int]
) -> None:
    """Then it stays with the last answer, stands aside, or begins again."""
    async with serving(Engine(overlay(tmp_path, last, repeat))) as url:
        assert await codes(client, url, 6) == due


async def test_answers_in_turn_count_as_the_scenario_of_the_contract(
    tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    """Coverage counts each of them, `check` accepts an example of it, and a way to trigger it by values is found."""
    texts = FILE.format(last="respond: {status: 418, error: {code: 2}}", repeat="last")
    texts += f"  examples: [{{request: {json.dumps(LASTING)}, headers: {{x-flaky: '1'}}}}]\n"
    contract = load(overlays=[folder(tmp_path / "flaky", {"flaky.yaml": texts})])
    assert check(contract) == ()
    flaky = contract.operations[0].by_id["flaky"]
    engine = Engine(contract)
    request = await triggering_request(engine, "", contract.operations[0], flaky)
    assert request.headers["x-flaky"] == "1"
    assert "mock-scenario" not in request.headers
    assert [outcome.example for outcome in outcomes(contract, contract.settings, lambda one: one is flaky)] == [
        flaky.examples[0]
    ]
    async with serving(engine) as url:
        assert await codes(client, url, 3) == [503, 503, 418]
        async with client.get(url + "/__admin/coverage") as response:
            rows = (await response.json())["scenarios"]
    assert [(row["met"], row["triggers"]) for row in rows if row["scenario"] == "flaky"] == [(3, {"values": 3})]


async def test_a_forced_answer_takes_no_turn(tmp_path: Path, client: aiohttp.ClientSession) -> None:
    """Counters belong to a sandbox; a reset restarts them."""
    async with serving(Engine(overlay(tmp_path, "pass: true", "last"))) as url:
        assert await codes(client, url, 1) == [503]
        assert await codes(client, url, 3, **{"Mock-Scenario": "flaky"}) == [503] * 3
        assert await codes(client, f"{url}/sandbox/a", 3) == [503, 503, 200]
        async with client.post(url + PATH, json=LASTING) as response:
            assert response.status == 200
        assert await codes(client, url, 2) == [503, 200]
        async with client.post(f"{url}/__admin/reset") as response:
            assert response.status == 200
        assert await codes(client, url, 3) == [503, 503, 200]


async def test_a_run_time_scenario_counts_its_turns(url: str, client: aiohttp.ClientSession) -> None:
    """Putting it again restarts them."""
    text = "documented: F.\nresponses: [{respond: {status: 503, error: {code: 1}}}, {pass: true}]\n"
    for status in (201, 200):
        async with client.put(f"{url}/__admin/scenarios/flaky", data=text) as response:
            assert response.status == status
        assert await codes(client, url, 3) == [503, 200, 200]


def test_explaining_counts_nothing(tmp_path: Path) -> None:
    """Neither outcomes nor turns."""
    engine = Engine(overlay(tmp_path, "pass: true", "last"))
    request = Request("POST", PATH, b"{}", {"x-flaky": "1"})
    for _ in range(2):
        explained = [explain(engine, request).reply.status for _ in range(3)]
        assert explained == [503] * 3
        assert engine.handle_sync(request).status == 503
    explanation = explain(engine, request)
    assert explanation.reply.decision is not None
    assert explanation.reply.decision.scenario.id != "flaky"
    assert "flaky" not in {miss.scenario.id for miss in explanation.near_misses}


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.booleans(), st.integers(0, 100))
def test_turns_equal_the_list_written_out(times: list[int], cycle: bool, count: int) -> None:
    """After its end the last one, or all again."""
    turns = Turns(tuple(Turn(times=n) for n in times), cycle)
    written = [turn for turn in turns.turns for _ in range(turn.times)]
    assert turns.turn_after(count) is (
        written[count % len(written)] if cycle else written[min(count, len(written) - 1)]
    )


def test_a_scenario_that_stood_aside_is_no_near_miss(tmp_path: Path) -> None:
    """It did match."""
    near = "- {{scenario: {0}, documented: Near., when: {{header.x-{0}: '1'}}, respond: {{error: {{code: 3}}}}}}\n"
    file = FILE.format(last="pass: true", repeat="last")
    before, after = file.partition("- scenario: flaky")[0] + near.format("before"), near.format("after")
    file = before + file[file.index("- scenario: flaky") :] + after
    engine = Engine(load(overlays=[folder(tmp_path / "flaky", {"flaky.yaml": file})]))
    asked = Request("POST", PATH, json.dumps(LASTING).encode(), {"x-flaky": "1"})
    for _ in range(2):
        engine.handle_sync(asked)
    explained = explain(engine, asked)
    assert explained.reply.decision is not None
    assert explained.reply.decision.scenario.id == "activated-existing-customer"
    missed = [miss.scenario.id for miss in explained.near_misses]
    assert "flaky" not in missed
    assert {"before", "after", "card-already-activated"} <= set(missed)


def test_a_scenario_with_alternatives_takes_one_turn_a_request(tmp_path: Path) -> None:
    """Where it stands aside, all alternatives do."""
    also = (
        "  when: {{header.x-flaky: present}}\n  also: [{{documented: B., when: {{body.card_identifier: present}}}}]\n"
    )
    file = FILE.replace("  when: {{header.x-flaky: present}}\n", also).format(last="pass: true", repeat="cycle")
    engine = Engine(load(overlays=[folder(tmp_path / "flaky", {"flaky.yaml": file})]))
    both = Request("POST", PATH, json.dumps(LASTING).encode(), {"x-flaky": "1"})
    assert [engine.handle_sync(both).status for _ in range(6)] == [503, 503, 200] * 2


def test_series_mean_the_same_by_their_structure() -> None:
    """By how many answers each has, where it stands aside and whether it begins again; not by what they say."""
    answer = next(iter(load().scenarios))
    series = Turns((Turn(answer, times=2), Turn()))
    assert series.reload_key == Turns((Turn(answer, Fault("reset"), times=2), Turn(delay=FixedDelay(1)))).reload_key
    for other in (Turns(series.turns, cycle=True), Turns((Turn(answer), Turn())), Turns((Turn(answer, times=2),) * 2)):
        assert other.reload_key != series.reload_key
