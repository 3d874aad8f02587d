"""Coverage of the contract: what was met and how, and how the client behaved on the way."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support import BATCH, LASTING, ONCE, PATH, PING, folder

from mockserver import Contract, Engine, Request, load
from mockserver.admin import coverage as admin_coverage
from mockserver.core.model import FAULTS, Fault, Violation
from mockserver.core.reply import Reply
from mockserver.engine.engine import orders
from mockserver.engine.examples import scenarios
from mockserver.engine.linter import requests
from mockserver.server.server import serving
from mockserver.storage import coverage
from mockserver.storage.coverage import MOST_APART, MOST_REMEMBERED, MOST_STRAYS, OTHER, Tally


def post(body: object, path: str = PATH, query: Mapping[str, str] | None = None, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request("POST", path, raw, named, query or {})


async def covered(client: aiohttp.ClientSession, url: str, query: str = "") -> dict[str, Any]:
    async with client.get(f"{url}/__admin/coverage{query}") as response:
        assert response.status == 200
        shown: dict[str, Any] = await response.json()
        return shown


def row(shown: Mapping[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(r for r in shown["scenarios"] if r["scenario"] == name)
    return found


def met(tally: Tally, contract: Contract) -> dict[str, int]:
    return {s.id: seen for s in contract.scenarios if (seen := tally.of(s).met)}


# -- the tally ----------------------------------------------------------------------------------------


def test_each_answer_counts_for_its_scenario_by_its_trigger(contract: Contract) -> None:
    """By values, by state, by header: told apart, in the sandbox where it was."""
    engine = Engine(contract)
    for request in (post(ONCE), post(ONCE), post({}, mock_scenario="card-already-activated")):
        engine.handle_sync(request)
    tally = engine.coverage.of("")
    assert tally.requests == 3
    assert met(tally, contract) == {"activated-existing-customer": 1, "card-already-activated": 2}
    assert tally.of(contract.operations[0].by_id["card-already-activated"]).triggers == {"state": 1, "header": 1}
    assert engine.coverage.of("a").requests == 0


def test_an_answer_that_a_fault_took_was_not_met(contract: Contract) -> None:
    """A reset hides the answer from the client; a slow one arrives."""
    engine, scenario = Engine(contract), contract.operations[0].by_id["activated-existing-customer"]
    engine.handle_sync(post(LASTING, mock_fault="reset"))
    seen = engine.coverage.of("").of(scenario)
    assert (seen.met, seen.triggers, seen.faults) == (0, {}, {"reset": 1})
    engine.handle_sync(post(LASTING, mock_fault="dribble"))
    seen = engine.coverage.of("").of(scenario)
    assert (seen.met, seen.triggers, seen.faults) == (1, {"values": 1}, {"reset": 1, "dribble": 1})


def test_every_kind_of_fault_takes_the_answer_or_not() -> None:
    """All do but the one that is only slow."""
    assert [kind for kind in (None, *FAULTS) if not coverage.takes_answer(kind)] == [None, "dribble"]


def test_what_takes_the_place_of_a_scenario_is_not_the_contracts(contract: Contract) -> None:
    """A run-time scenario of the same id answers something else than what is documented."""
    operation = contract.operations[0]
    engine = Engine(contract)
    reply = engine.explain(post(LASTING)).reply
    assert reply.decision is not None
    other = reply.replace(decision, scenario=replace(reply.decision.scenario, note="another"))
    engine.coverage.seen("", post(LASTING), replace(reply, decision=other), 0)
    assert engine.coverage.of("").requests == 1
    assert engine.coverage.of("").of(operation.by_id[other.scenario.id]).met == 0


def sent(engine: Engine, request: Request, at_ms: int, sandbox: str = "", fault: Fault | None = None) -> Reply:
    """Count a request as if it had come at that time."""
    reply = engine.explain(request).replace(reply, fault=fault)
    engine.coverage.seen(sandbox, request, reply, at_ms * 1_000_000)
    return reply


def test_a_request_sent_again_is_told_with_the_answer_before_it(contract: Contract) -> None:
    """After which answer and fault, and how long after the last time."""
    engine = Engine(contract)
    sent(engine, post(ONCE), 0, fault=Fault("reset"))
    sent(engine, post(ONCE), 10)
    sent(engine, post(ONCE), 110)
    sent(engine, post(ONCE), 140)
    sent(engine, post({**ONCE, "customer_id": "2"}), 150)
    sent(engine, post(ONCE), 150, sandbox="other")
    again = engine.coverage.of("").again
    name = "activated-existing-customer"
    operation = contract.operations[0]
    assert again.keys() == {(operation.id, name, True, "reset"), (operation.id, name, True, None)}
    assert again[operation.id, name, True, "reset"] == coverage.RetryStats(1, 10_000_000, 10_000_000)
    assert again[operation.id, name, True, None] == coverage.RetryStats(2, 30_000_000, 100_000_000)
    assert engine.coverage.of("").of(operation.by_id[name]).retried == 3
    assert engine.coverage.of("other").again == {}


def test_only_what_is_the_same_throughout_is_sent_again(contract: Contract) -> None:
    """Another query, another forced scenario or a sandbox begun anew make it another request."""
    engine = Engine(contract)
    for forced in ("rfc-invalid", "email-taken"):
        engine.handle_sync(post({}, mock_scenario=forced))
    engine.handle_sync(post({}, query={"a": "1"}))
    engine.handle_sync(post({}, query={"a": "2"}))
    run_now(engine.storage.reset(""))
    engine.handle_sync(post({}, query={"a": "2"}))
    assert engine.coverage.total().again == {}
    engine.handle_sync(post({}, query={"a": "2"}))
    assert len(engine.coverage.total().again) == 1


@pytest.mark.parametrize(("fault", "times"), [("reset; commit=true", 1), ("reset", 0), ("dribble; commit=true", 0)])
def test_sent_again_after_a_lost_answer_is_told(contract: Contract, fault: str, times: int) -> None:
    """The trap of integrations: it took effect, the client does not know, and sends it once more."""
    engine = Engine(contract)
    engine.handle_sync(post(ONCE, mock_fault=fault))
    engine.handle_sync(post(ONCE))
    assert engine.coverage.of("").lost_again == times


@pytest.mark.parametrize(
    ("path", "query", "secret"),
    [
        (PATH, {}, False),
        (PATH, {"page": "1"}, False),
        (PATH, {"PIN": "1234"}, True),
        (PATH, {"Authorization-ecommerce": "x"}, True),
        (PATH, {"q": "4111111111111111"}, True),
        ("/cards/4111 1111 1111 1111", {}, True),
        ("/sandbox/qa" + PATH, {}, False),
        ("/phones/5215512345678", {}, False),
    ],
)
def test_a_secret_in_a_url_is_counted(contract: Contract, path: str, query: dict[str, str], secret: bool) -> None:
    """By the name of a sensitive member or header, or as an account number; in misuses as well."""
    engine = Engine(contract)
    engine.handle_sync(post(LASTING, path, query))
    assert engine.coverage.total().secrets_in_url == secret


def test_malformed_requests_are_counted_by_place(contract: Contract) -> None:
    """Once a request and place; the body as a whole is the empty pointer."""
    engine = Engine(contract)
    for body in ({**ONCE, "pin": "1x"}, {**ONCE, "pin": "12345"}, [1]):
        engine.handle_sync(post(body))
    assert engine.coverage.of("").malformed == {"/pin": 2, "": 1}


@pytest.mark.parametrize(
    ("violation", "place"),
    [
        (Violation("body", ("items", 3, "name"), "type", "other", ""), "/items/*/name"),
        (Violation("query", ("page",), "type", "other", ""), "query/page"),
        (Violation("body", ("a/b~",), "type", "other", ""), "/a~1b~0"),
        (Violation("body", ("inner", "4111111111111111"), "additionalProperties", "other", ""), "/inner/*"),
        (Violation("body", ("4111111111111111",), "type", "other", ""), "/0000000000000000"),
    ],
)
def test_a_place_holds_nothing_that_the_client_made_up(violation: Violation, place: str) -> None:
    """Indices and unknown names are folded, numbers of accounts masked."""
    assert coverage._place(violation) == place


def test_explaining_counts_nothing(contract: Contract) -> None:
    """What was only asked was not met."""
    engine = Engine(contract)
    engine.explain(post(LASTING))
    assert engine.coverage.total() == Tally()


def test_it_needs_no_journal(contract: Contract) -> None:
    """With the journal turned off everything is counted as with it."""
    engine = Engine(contract, settings=replace(contract.settings, journal_entries=0))
    engine.handle_sync(post(LASTING))
    assert met(engine.coverage.of(""), contract) == {"activated-existing-customer": 1}


def test_no_value_of_a_request_is_kept(contract: Contract) -> None:
    """Neither body, path nor query can be read from what is remembered."""
    engine = Engine(contract)
    for _ in range(2):
        engine.handle_sync(post({**LASTING, "pin": "s3cr3t"}, "/sandbox/a" + PATH, {"q": "s3cr3t"}))
    kept = [getattr(engine.coverage, name) for name in dir(engine.coverage)]
    assert "/pin" in str(kept)
    assert "s3cr3t" not in str(kept)


# -- bounds -------------------------------------------------------------------------------------------


def test_what_is_remembered_is_bounded(contract: Contract) -> None:
    """However many requests differ; one among the last ones is still known again."""
    engine = Engine(contract)
    reply = engine.explain(post(LASTING)).reply
    numbers = [b"%d" % n for n in range(2 * MOST_REMEMBERED + 10)]
    for number in numbers:
        engine.coverage.seen("", post(number), reply, 0)
    assert len(engine.coverage._young) + len(engine.coverage._old) <= 2 * MOST_REMEMBERED
    engine.coverage.seen("", post(numbers[-MOST_REMEMBERED]), reply, 0)
    assert sum(again.count for again in engine.coverage.of("").again.values()) == 1
    engine.coverage.seen("", post(numbers[0]), reply, 0)
    assert sum(again.count for again in engine.coverage.of("").again.values()) == 1


def test_a_tally_is_bounded(contract: Contract) -> None:
    """Run-time scenarios and places without end are counted as others; the contract's always stand for themselves."""
    tally = Tally()
    for number in range(MOST_APART + 10):
        tally.answered(("o", f"s{number}", False, None), "values")
        tally.sent_again(("o", f"s{number}", False, None), coverage.RetryStats(1, 1, 1))
        tally.broken(f"/{number}")
    own = contract.operations[0].scenarios[0]
    tally.answered((own.operation, own.id, True, None), "values")
    tally.add(tally)
    for counted in (tally.answers, tally.again, tally.malformed):
        assert len(counted) <= MOST_APART + 2
    assert tally.of(own).met == 2
    assert tally.malformed[OTHER] == 20


def test_names_without_a_sandbox_are_bounded(contract: Contract) -> None:
    """Misuses under ever new names leave counts, not names; those of a sandbox that is there stay."""
    engine = Engine(contract, settings=replace(contract.settings, max_sandboxes=2))
    engine.handle_sync(post(LASTING, "/sandbox/real" + PATH))
    for number in range(MOST_STRAYS + 50):
        engine.handle_sync(post({}, f"/sandbox/s{number}/nothing"))
    assert len(engine.coverage._tallies) <= MOST_STRAYS + 3
    assert met(engine.coverage.of("real"), contract) == {"activated-existing-customer": 1}
    assert engine.coverage.total().problems == MOST_STRAYS + 50


def test_a_sandbox_that_is_thrown_out_leaves_its_counts_to_the_total(contract: Contract) -> None:
    """Its tally is gone with it; nothing is lost in total, nor counted twice."""
    ticks = count()
    settings = replace(contract.settings, max_sandboxes=1, sandbox_ttl=0.0)
    engine = Engine(contract, settings=settings, monotonic=lambda: float(next(ticks)))
    for name in ("a", "b"):
        engine.handle_sync(post(LASTING, f"/sandbox/{name}{PATH}"))
    assert (engine.coverage.of("a").requests, engine.coverage.of("b").requests) == (0, 1)
    assert engine.coverage.total().requests == 2


def test_every_documented_example_meets_its_outcome(contract: Contract) -> None:
    """Each example on a fresh state: in total every outcome is met, documented and assumed."""
    engine = Engine(contract)
    for operation in contract.operations:
        for scenario in operation.scenarios:
            for request in requests(operation, scenario.examples[0]):
                engine.handle_sync(request)
            run_now(engine.storage.reset(""))
    assert met(engine.coverage.total(), contract).keys() == {s.id for s in contract.scenarios}
    assert engine.coverage.of("") == Tally()


# -- the route ----------------------------------------------------------------------------------------


async def send(client: aiohttp.ClientSession, line: str) -> None:
    """Send what a curl line of ours says."""
    words = shlex.split(line)
    options = list(zip(words[3::2], words[4::2], strict=True))
    headers = dict(value.split(": ", 1) for name, value in options if name == "-H")
    data = next((value for name, value in options if name == "-d"), "")
    method = next((value for name, value in options if name == "-X"), "POST" if data else "GET")
    async with client.request(method, words[2], data=data.encode(), headers=headers) as response:
        await response.read()


@pytest.mark.parametrize("sandbox", ["", "/sandbox/qa"])
async def test_the_curl_lines_meet_all_that_is_missing(url: str, client: aiohttp.ClientSession, sandbox: str) -> None:
    """Run one after the other in one sandbox they come to 18 of 18 documented outcomes, and all assumed ones."""
    shown = await covered(client, url + sandbox)
    assert shown["documented"] == {"met": 0, "of": 18, "percent": 0.0}
    for one in shown["scenarios"]:
        await send(client, one["curl"])
    shown = await covered(client, url + sandbox)
    assert shown["documented"] == {"met": 18, "of": 18, "percent": 100.0}
    assert shown["assumed"]["met"] == shown["assumed"]["of"] == 4
    assert shown["requests"] == 22
    triggers = [trigger for one in shown["scenarios"] for trigger in one["triggers"]]
    assert triggers.count("values") + triggers.count("default") >= 21


async def test_a_forced_outcome_is_met_by_header(url: str, client: aiohttp.ClientSession) -> None:
    """It is met; that it was forced is told."""
    async with client.post(url + PATH, json={}, headers={"Mock-Scenario": "rfc-invalid"}):
        pass
    shown = await covered(client, url)
    one = row(shown, "rfc-invalid")
    assert (one["met"], one["triggers"], one["status"], one["error"]["code"]) == (1, {"header": 1}, 400, 7000)
    assert one["heading"].startswith("Invalid RFC")
    assert shown["documented"] == {"met": 1, "of": 18, "percent": 5.6}


async def test_a_retry_after_a_lost_answer_is_shown(url: str, client: aiohttp.ClientSession) -> None:
    """After which answer and fault, how often and how soon; what the journal holds has no part in it."""
    with pytest.raises(aiohttp.ClientError):
        await client.post(url + PATH, json=ONCE, headers={"Mock-Fault": "reset; commit=true"})
    async with client.post(url + PATH, json=ONCE):
        pass
    async with client.delete(f"{url}/__admin/requests"):
        pass
    shown = await covered(client, url)
    [retry] = shown["behaviour"]["retries"]
    assert (retry["after"], retry["fault"], retry["count"]) == ("activated-existing-customer", "reset", 1)
    assert 0 <= retry["shortest_ms"] == retry["longest_ms"] < 60_000
    assert shown["behaviour"]["sent_again_after_answer_lost"] == 1
    assert row(shown, "activated-existing-customer")["retried"] == 1
    assert row(shown, "activated-existing-customer")["faults"] == {"reset": 1}
    assert row(shown, "card-already-activated")["triggers"] == {"state": 1}


async def test_the_total_outlives_a_reset_but_one_of_all(url: str, client: aiohttp.ClientSession) -> None:
    """A reset begins the tally of its sandbox anew; only a reset of everything begins the total anew."""
    for name in ("a", "b"):
        async with client.post(f"{url}/sandbox/{name}{PATH}", json=LASTING):
            pass
    async with client.post(f"{url}/sandbox/a/__admin/reset"):
        pass
    assert (await covered(client, url + "/sandbox/a"))["requests"] == 0
    assert (await covered(client, url + "/sandbox/b"))["requests"] == 1
    total = await covered(client, url, "?all=true")
    assert (total["sandbox"], total["requests"]) == (None, 2)
    async with client.post(f"{url}/__admin/reset?all=true"):
        pass
    assert (await covered(client, url, "?all=true"))["requests"] == 0


async def test_looking_makes_no_sandbox(url: str, client: aiohttp.ClientSession) -> None:
    """Coverage of a name that nobody used is empty, and the name stays unused."""
    assert (await covered(client, url + "/sandbox/new"))["requests"] == 0
    async with client.get(f"{url}/__admin/sandboxes") as response:
        assert (await response.json())["sandboxes"] == []


async def test_examples_run_once_for_a_contract(
    contract: Contract, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Asked again, it counts anew and runs nothing; another contract, or another status of errors, is run."""
    ran: list[Contract] = []

    def counted(one: Contract) -> list[dict[str, Any]]:
        ran.append(one)
        return scenarios(one)

    monkeypatch.setattr(admin_coverage, "scenarios", counted)
    engine = Engine(contract)
    async with serving(engine) as url:
        for number in range(3):
            assert (await covered(client, url))["requests"] == number
            async with client.post(url + PATH, json=LASTING):
                pass
        assert len(ran) == 1
        async with client.put(f"{url}/__admin/settings", json={"error_status": 422}):
            pass
        assert {r["status"] for r in (await covered(client, url))["scenarios"] if r["error"]} == {422, 401}
        other = load(overlays=[folder(tmp_path / "ping", PING)])
        engine.take(other, other.settings, {}, orders(other))
        assert row(await covered(client, url), "pong")["met"] == 0
        assert len(ran) == 3


async def test_a_bad_parameter_is_refused(url: str, client: aiohttp.ClientSession) -> None:
    """A flag is true or false."""
    async with client.get(f"{url}/__admin/coverage?all=yes") as response:
        assert response.status == 400
        assert (await response.json())["type"] == "urn:mockserver:problem:bad-parameter"


async def test_a_host_that_is_none_is_not_repeated(url: str, client: aiohttp.ClientSession) -> None:
    """The curl lines name the host that the request was sent to, if it can be one."""
    assert row(await covered(client, url), "rfc-invalid")["curl"].startswith(f"curl -i {url}{PATH} ")
    async with client.get(f"{url}/__admin/coverage", headers={"Host": "x;reboot"}) as response:
        assert "reboot" not in await response.text()


async def test_settings_that_ask_of_all_are_kept_to(contract: Contract, client: aiohttp.ClientSession) -> None:
    """The curl lines send the headers and name the sandbox that this server asks for; statuses are this server's."""
    settings = replace(
        contract.settings, require_headers=("Authorization-ecommerce",), require_sandbox=True, error_status=200
    )
    async with serving(Engine(contract, settings=settings)) as url:
        shown = await covered(client, url)
        assert row(shown, "rfc-invalid")["status"] == 200
        assert f"{url}/sandbox/demo{PATH}" in row(shown, "rfc-invalid")["curl"]
        for one in shown["scenarios"]:
            await send(client, one["curl"])
        assert (await covered(client, url + "/sandbox/demo"))["documented"]["met"] == 18


async def test_an_armed_outcome_is_no_way_by_values(url: str, client: aiohttp.ClientSession) -> None:
    """While something is armed the curl lines name what they want."""
    async with client.post(f"{url}/__admin/arm", json={"scenario": "email-taken", "times": "always"}):
        pass
    shown = await covered(client, url)
    assert all("Mock-Scenario" in one["curl"] for one in shown["scenarios"])
    await send(client, row(shown, "rfc-invalid")["curl"])
    assert row(await covered(client, url), "rfc-invalid")["met"] == 1


async def test_a_contract_of_ones_own_is_covered(tmp_path: Any, client: aiohttp.ClientSession) -> None:
    """A second operation without a body, a scenario that needs requests before it, one met by state alone."""
    at = folder(
        tmp_path / "own",
        {
            "own.yaml": """\
format: 1
collections: {things: {open: true, default: {}, members: {owner: {type: string}}}}
operations:
  take:
    request: POST /things/{id}
    lookups: {thing: {in: things, key: path.id}}
    envelopes: {plain: {status: 200, body: "${respond}"}}
  look:
    request: GET /things/{id}
    lookups: {thing: {in: things, key: path.id}}
    envelopes: {plain: {status: 200, body: "${respond}"}}
""",
            "take.yaml": """\
format: 1
operation: take
scenarios:
- scenario: taken
  documented: Taken
  when: {thing.owner: present}
  respond: {plain: taken}
  examples: [{path: {id: "a b"}, before: [{}], request: {}}]
- scenario: yours
  documented: Yours
  when: {thing: present}
  then: {thing: {owner: somebody}}
  respond: {plain: yours}
  examples: [{path: {id: "a b"}, request: {}}]
- scenario: rest
  documented: Rest
  respond: {plain: rest}
  examples: []
""",
            "look.yaml": """\
format: 1
operation: look
scenarios:
- scenario: seen
  documented: ScenarioCounts
  respond: {plain: seen}
  examples: [{path: {id: a}, query: {x: "1"}}]
""",
        },
    )
    async with serving(Engine(load(at))) as url:
        shown = await covered(client, url)
        for one in shown["scenarios"]:
            await send(client, one["curl"])
        shown = await covered(client, url)
        assert {one["scenario"]: one["triggers"] for one in shown["scenarios"]} == {
            "taken": {"header": 1},
            "yours": {"header": 1},
            "rest": {"header": 1},
            "seen": {"default": 1},
        }
        assert shown["documented"] == {"met": 4, "of": 4, "percent": 100.0}
        assert shown["assumed"] == {"met": 0, "of": 0, "percent": 100.0}


async def test_another_batch_is_no_retry(url: str, client: aiohttp.ClientSession) -> None:
    """A request with another value in its body is another request."""
    for batch in (BATCH, BATCH[::-1]):
        async with client.post(url + PATH, json={**LASTING, "reference_batch": batch}):
            pass
    assert (await covered(client, url))["behaviour"]["retries"] == []
