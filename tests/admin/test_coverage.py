"""Coverage of the contract: what was met and how, and how the client behaved on the way."""

import asyncio
import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from mockserver import Contract, Engine, Request, load
from mockserver.admin import coverage as admin_coverage
from mockserver.contract.folders import COVERAGE_SCHEMA_FILE
from mockserver.contract.loading import compile_runtime_scenario, format_validator
from mockserver.core.faults import FAULTS, loses_answer
from mockserver.core.model import Violation
from mockserver.engine.engine import run_sync
from mockserver.engine.linter import example_requests
from mockserver.engine.listing import iter_scenario_rows
from mockserver.engine.reloading import ReloadedContract, serve
from mockserver.server.server import serving
from mockserver.storage import observations
from mockserver.storage.coverage import (
    MAX_STRAY_TALLIES,
    Coverage,
    Observation,
    Outcome,
    RetryStats,
    Tally,
)
from mockserver.storage.memory import MemoryStorage
from tests.support import BATCH, LASTING, ONCE, PATH, PATIENCE, PING, explain, folder, head

SCHEMA = format_validator(COVERAGE_SCHEMA_FILE)


def post(body: object, path: str = PATH, query: Mapping[str, str] | None = None, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request("POST", path, raw, named, query or {})


async def covered(client: aiohttp.ClientSession, url: str, query: str = "") -> dict[str, Any]:
    async with client.get(f"{url}/__admin/coverage{query}") as response:
        assert response.status == 200
        shown: dict[str, Any] = await response.json()
        assert SCHEMA.violations("coverage", shown) == ()
        return shown


def row(shown: Mapping[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(r for r in shown["scenarios"] if r["scenario"] == name)
    return found


def tallied(engine: Engine, sandbox: str | None = "") -> Tally:
    """What was counted of a sandbox, or in total (None)."""
    return run_sync(engine.storage.tally(sandbox))


def met(tally: Tally, contract: Contract) -> dict[str, int]:
    return {s.id: seen for s in contract.scenarios if (seen := tally.counts_of(s).delivered)}


# -- the tally ----------------------------------------------------------------------------------------


def test_each_answer_counts_by_scenario_and_trigger(contract: Contract) -> None:
    """By values, state or header, in its sandbox."""
    engine = Engine(contract)
    for request in (post(ONCE), post(ONCE), post({}, mock_scenario="card-already-activated")):
        engine.handle_sync(request)
    tally = tallied(engine)
    assert tally.requests == 3
    assert met(tally, contract) == {"activated-existing-customer": 1, "card-already-activated": 2}
    assert tally.counts_of(contract.operations[0].by_id["card-already-activated"]).triggers == {"state": 1, "header": 1}
    assert tallied(engine, "a").requests == 0


def test_an_answer_lost_to_a_fault_does_not_count(contract: Contract) -> None:
    """A slow one does."""
    engine, scenario = Engine(contract), contract.operations[0].by_id["activated-existing-customer"]
    engine.handle_sync(post(LASTING, mock_fault="reset"))
    seen = tallied(engine).counts_of(scenario)
    assert (seen.delivered, seen.triggers, seen.faults) == (0, {}, {"reset": 1})
    engine.handle_sync(post(LASTING, mock_fault="dribble"))
    seen = tallied(engine).counts_of(scenario)
    assert (seen.delivered, seen.triggers, seen.faults) == (1, {"values": 1}, {"reset": 1, "dribble": 1})


def test_every_fault_but_dribble_loses_the_answer() -> None:
    """Dribble is only slow."""
    assert [kind for kind in (None, *FAULTS) if not loses_answer(kind)] == [None, "dribble"]


def test_a_run_time_replacement_does_not_count_for_the_contract(contract: Contract) -> None:
    """It answers something else than what is documented."""
    operation, name = contract.operations[0], "activated-existing-customer"
    engine = Engine(contract)
    text = b"documented: Mine.\nwhen: {body.customer_id: present}\nrespond: {error: {code: 9}}\n"
    sandbox = run_sync(engine.storage.use_sandbox(""))
    assert sandbox is not None
    run_sync(sandbox.set_scenarios(operation, [compile_runtime_scenario(operation, text, name)], name))
    reply = engine.handle_sync(post(LASTING))
    assert reply.decision is not None
    assert reply.decision.scenario.id == name
    tally = tallied(engine)
    assert (tally.requests, tally.counts_of(operation.by_id[name]).delivered) == (1, 0)
    assert tally.outcomes == {(Outcome(operation.id, name, from_contract=False), "values"): 1}


ANSWERED = Outcome("activateCardForCustomer", "activated-existing-customer", from_contract=True)


def seen(at_ms: int, sandbox: str = "", mark: int = 1, fault: str | None = None) -> Observation:
    """A request that came at that time; those of one mark are the same."""
    answered = Outcome(ANSWERED.operation, ANSWERED.scenario, from_contract=True, fault=fault)
    return Observation(sandbox, at_ms * 1_000_000, answered, "values", mark)


def test_a_retry_is_counted_by_the_answer_before_it(contract: Contract) -> None:
    """By outcome and fault, with the time between."""
    counted = Coverage(lambda _: True, 10)
    came = [seen(0, fault="reset"), seen(10), seen(110), seen(140), seen(150, mark=2), seen(150, "other")]
    for observation in came:
        counted.add(observation, complete=True)
    again = counted.tally("").retries
    reset = Outcome(ANSWERED.operation, ANSWERED.scenario, from_contract=True, fault="reset")
    assert again == {
        reset: RetryStats(1, 10_000_000, 10_000_000),
        ANSWERED: RetryStats(2, 30_000_000, 100_000_000),
    }
    assert counted.tally("").counts_of(contract.operations[0].by_id[ANSWERED.scenario]).retries == 3
    assert counted.tally("other").retries == {}


def test_only_an_equal_request_is_a_retry(contract: Contract) -> None:
    """Another query, forced scenario or a reset makes it another request."""
    engine = Engine(contract)
    for forced in ("rfc-invalid", "email-taken"):
        engine.handle_sync(post({}, mock_scenario=forced))
    engine.handle_sync(post({}, query={"a": "1"}))
    engine.handle_sync(post({}, query={"a": "2"}))
    run_sync(engine.storage.reset(""))
    engine.handle_sync(post({}, query={"a": "2"}))
    assert tallied(engine, None).retries == {}
    engine.handle_sync(post({}, query={"a": "2"}))
    assert len(tallied(engine, None).retries) == 1


@pytest.mark.parametrize(("fault", "times"), [("reset; commit=true", 1), ("reset", 0), ("dribble", 0)])
def test_a_retry_after_a_lost_answer_is_counted(contract: Contract, fault: str, times: int) -> None:
    """It took effect, but the client does not know."""
    engine = Engine(contract)
    engine.handle_sync(post(ONCE, mock_fault=fault))
    engine.handle_sync(post(ONCE))
    assert tallied(engine).retries_after_loss == times


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
    assert tallied(engine, None).secrets_in_url == secret


def test_malformed_requests_are_counted_by_place(contract: Contract) -> None:
    """Once a request and place; the body as a whole is the empty pointer."""
    engine = Engine(contract)
    for body in ({**ONCE, "pin": "1x"}, {**ONCE, "pin": "12345"}, [1]):
        engine.handle_sync(post(body))
    assert tallied(engine).violations == {"/pin": 2, "": 1}


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
def test_counted_places_hold_no_client_text(violation: Violation, place: str) -> None:
    """Indices and unknown names are folded, account numbers masked."""
    assert observations._violation_place(violation) == place


def test_explaining_counts_nothing(contract: Contract) -> None:
    """Neither outcomes nor turns."""
    engine = Engine(contract)
    explain(engine, post(LASTING))
    assert tallied(engine, None) == Tally()


def test_coverage_needs_no_journal(contract: Contract) -> None:
    """Counts are the same without one."""
    engine = Engine(contract, settings=replace(contract.settings, journal_entries=0))
    engine.handle_sync(post(LASTING))
    assert met(tallied(engine), contract) == {"activated-existing-customer": 1}


def test_coverage_keeps_no_value_of_a_request(contract: Contract) -> None:
    """Neither body, path nor query."""
    engine = Engine(contract)
    for _ in range(2):
        engine.handle_sync(post({**LASTING, "pin": "s3cr3t"}, "/sandbox/a" + PATH, {"q": "s3cr3t"}))
    assert isinstance(engine.storage, MemoryStorage)
    counted = engine.storage._shared.coverage
    kept = [getattr(counted, name) for name in dir(counted)]
    assert "/pin" in str(kept)
    assert "s3cr3t" not in str(kept)


def test_an_answer_whose_client_left_does_not_count(contract: Contract) -> None:
    """A retry of it is one after a lost answer."""
    engine = Engine(contract)
    for complete in (False, True):
        reply = run_sync(engine.handle(post(ONCE)))
        assert tallied(engine).requests == int(complete)  # not before it is sent
        run_sync(engine.delivered(reply, complete=complete))
        run_sync(engine.delivered(reply, complete=complete))  # counts once
    tally = tallied(engine)
    assert (tally.requests, met(tally, contract)) == (2, {"card-already-activated": 1})
    assert (tally.retries_after_loss, sum(again.count for again in tally.retries.values())) == (1, 1)


def test_an_answer_that_outlives_its_sandbox_is_not_counted(contract: Contract) -> None:
    """A reset between the decision and the sending begins the counts anew, be the sandbox there again or not."""
    engine = Engine(contract)
    for again in (False, True):
        reply = run_sync(engine.handle(post(ONCE)))
        run_sync(engine.storage.reset(""))
        if again:
            engine.handle_sync(post(LASTING))
        run_sync(engine.delivered(reply))
        assert tallied(engine).requests == int(again)


# -- bounds -------------------------------------------------------------------------------------------


def test_counts_for_unknown_sandboxes_are_bounded(contract: Contract) -> None:
    """Problems under ever new names leave counts, not names."""
    engine = Engine(contract, settings=replace(contract.settings, max_sandboxes=2))
    engine.handle_sync(post(LASTING, "/sandbox/real" + PATH))
    for number in range(MAX_STRAY_TALLIES + 50):
        engine.handle_sync(post({}, f"/sandbox/s{number}/nothing"))
    assert isinstance(engine.storage, MemoryStorage)
    assert len(engine.storage._shared.coverage._tallies) <= MAX_STRAY_TALLIES + 3
    assert met(tallied(engine, "real"), contract) == {"activated-existing-customer": 1}
    assert tallied(engine, None).problems == MAX_STRAY_TALLIES + 50


def test_an_evicted_sandbox_stays_in_the_total(contract: Contract) -> None:
    """Its counts are neither lost nor doubled."""
    ticks = count()
    settings = replace(contract.settings, max_sandboxes=1, sandbox_ttl=0.0)
    engine = Engine(contract, settings=settings, monotonic=lambda: float(next(ticks)))
    for name in ("a", "b"):
        engine.handle_sync(post(LASTING, f"/sandbox/{name}{PATH}"))
    assert (tallied(engine, "a").requests, tallied(engine, "b").requests) == (0, 1)
    assert tallied(engine, None).requests == 2


def test_the_examples_meet_every_outcome(contract: Contract) -> None:
    """Each on a fresh state, documented and assumed."""
    engine = Engine(contract)
    for operation in contract.operations:
        for scenario in operation.scenarios:
            for request in example_requests(operation, scenario.examples[0]):
                engine.handle_sync(request)
            run_sync(engine.storage.reset(""))
    assert met(tallied(engine, None), contract).keys() == {s.id for s in contract.scenarios}
    assert tallied(engine) == Tally()


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
async def test_the_curl_lines_of_missing_outcomes_meet_them(
    url: str, client: aiohttp.ClientSession, sandbox: str
) -> None:
    """In turn, in one sandbox: 18 of 18 documented, and all assumed."""
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


async def test_a_delayed_answer_whose_client_left_does_not_count(
    contract: Contract, client: aiohttp.ClientSession
) -> None:
    """The request counts once that is known."""
    engine = Engine(contract)
    async with serving(engine) as url:
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        body = json.dumps(ONCE).encode()
        writer.write(head("POST", PATH, "Mock-Delay: 20s", length=len(body)) + body)
        async with asyncio.timeout(PATIENCE):
            while not await engine.storage.entries(""):  # noqa: ASYNC110 - nothing else tells of it
                await asyncio.sleep(0)
            assert (await covered(client, url))["requests"] == 0
            writer.transport.abort()
            while not (await covered(client, url))["requests"]:
                pass
        reader.feed_eof()
        shown = await covered(client, url)
        assert (shown["documented"]["met"], row(shown, "activated-existing-customer")["met"]) == (0, 0)
        async with client.post(url + PATH, json=ONCE):
            pass
        await client.post(url + PATH, data=body)
        shown = await covered(client, url)
        assert shown["behaviour"]["sent_again_after_answer_lost"] == 1
        assert row(shown, "activated-existing-customer")["retried"] == 1


async def test_a_retry_after_a_lost_answer_is_shown(url: str, client: aiohttp.ClientSession) -> None:
    """After which answer and fault, how often and how soon; without a journal."""
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


async def test_the_total_survives_the_reset_of_a_sandbox(url: str, client: aiohttp.ClientSession) -> None:
    """Only a reset of all restarts it."""
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


async def test_asking_for_coverage_makes_no_sandbox(url: str, client: aiohttp.ClientSession) -> None:
    """An unused name has empty coverage."""
    assert (await covered(client, url + "/sandbox/new"))["requests"] == 0
    async with client.get(f"{url}/__admin/sandboxes") as response:
        assert (await response.json())["sandboxes"] == []


async def test_examples_run_once_a_contract(
    contract: Contract, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another contract or error status runs them again."""
    ran: list[Contract] = []

    def counted(one: Contract) -> Iterator[dict[str, Any]]:
        ran.append(one)
        return iter_scenario_rows(one)

    monkeypatch.setattr(admin_coverage, "iter_scenario_rows", counted)
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
        await serve(engine, ReloadedContract(other), other.settings)
        assert row(await covered(client, url), "pong")["met"] == 0
        assert len(ran) == 3


async def test_a_bad_parameter_is_refused(url: str, client: aiohttp.ClientSession) -> None:
    """A flag is true or false."""
    async with client.get(f"{url}/__admin/coverage?all=yes") as response:
        assert response.status == 400
        assert (await response.json())["type"] == "urn:mockserver:problem:bad-parameter"


async def test_a_bad_host_is_not_in_the_curl_lines(url: str, client: aiohttp.ClientSession) -> None:
    """A good one is."""
    assert row(await covered(client, url), "rfc-invalid")["curl"].startswith(f"curl -i {url}{PATH} ")
    async with client.get(f"{url}/__admin/coverage", headers={"Host": "localhost;reboot"}) as response:
        assert response.status in (400, 403)


async def test_the_curl_lines_obey_required_headers_and_sandbox(
    contract: Contract, client: aiohttp.ClientSession
) -> None:
    """Statuses are this server's."""
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


async def test_curl_lines_keep_reserved_values_where_other_keys_were_used(
    url: str, client: aiohttp.ClientSession
) -> None:
    """What an earlier request wrote for a customer of the examples is no reason to force an outcome by name."""
    async with client.post(url + PATH, json=ONCE):
        pass
    one = row(await covered(client, url), "provider-communication")
    assert "Mock-Scenario" not in one["curl"]
    assert json.loads(one["body"])["card_identifier"] == "TEST-PROVIDER-DOWN"
    await send(client, one["curl"])
    assert row(await covered(client, url), "provider-communication")["met"] == 1


async def test_while_something_is_armed_curl_lines_force_by_name(url: str, client: aiohttp.ClientSession) -> None:
    """Otherwise the armed outcome would answer."""
    async with client.post(f"{url}/__admin/arm", json={"scenario": "email-taken", "times": "always"}):
        pass
    shown = await covered(client, url)
    assert all("Mock-Scenario" in one["curl"] for one in shown["scenarios"])
    await send(client, row(shown, "rfc-invalid")["curl"])
    assert row(await covered(client, url), "rfc-invalid")["met"] == 1


async def test_while_a_fault_is_armed_outcomes_without_a_body_are_forced(
    tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    """Nothing in such a request can avoid the fault."""
    engine = Engine(load(overlays=[folder(tmp_path / "ping", PING)]))
    async with serving(engine) as url:
        spec = {"fault": "empty", "operation": "ping", "times": "always"}
        async with client.post(f"{url}/__admin/arm", json=spec) as response:
            assert response.status == 201
        assert "Mock-Scenario: pong" in row(await covered(client, url), "pong")["curl"]


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


async def test_a_request_with_another_value_is_no_retry(url: str, client: aiohttp.ClientSession) -> None:
    """In any member of the body."""
    for batch in (BATCH, BATCH[::-1]):
        async with client.post(url + PATH, json={**LASTING, "reference_batch": batch}):
            pass
    assert (await covered(client, url))["behaviour"]["retries"] == []


async def test_coverage_by_a_prefix_of_sandboxes_outlives_resets(url: str, client: aiohttp.ClientSession) -> None:
    """A run on a shared server names its sandboxes alike, and resets them before each test."""
    for name, body in [("ci-7-a", LASTING), ("ci-7-b", {}), ("ci-8-a", {**LASTING, "pin": "12a4"})]:
        async with client.post(f"{url}/sandbox/{name}{PATH}", json=body):
            pass
        async with client.post(f"{url}/sandbox/{name}/__admin/reset") as response:
            assert response.status == 200
    shown = await covered(client, url, "?sandbox_prefix=ci-7-")
    met = {one["scenario"] for one in shown["scenarios"] if one["met"]}
    assert met == {"activated-existing-customer", "reference-batch-empty"}
    assert (shown["requests"], shown["sandbox"], shown["sandbox_prefix"], shown["incomplete"]) == (
        2,
        None,
        "ci-7-",
        False,
    )
    async with client.get(f"{url}/__admin/coverage?sandbox_prefix=ci-7-&format=text") as response:
        assert (await response.text()).startswith("sandboxes ci-7-...: 2 of ")
    for query in ("?sandbox_prefix=", "?sandbox_prefix=a&all=true"):
        async with client.get(f"{url}/__admin/coverage{query}") as response:
            assert (response.status, (await response.json())["type"]) == (400, "urn:mockserver:problem:bad-parameter")
