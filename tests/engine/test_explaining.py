"""Explanations by a running server: the decision without its being made, near misses ranked, as JSON and as text."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from mockserver import Contract, Engine, NearMiss, Request
from mockserver.core.language import Evidence
from mockserver.decision.near_misses import distance, near_seeds
from mockserver.engine.engine import run_sync
from tests.support import LASTING, ONCE, PATH, explain, problem, run


async def explained(client: aiohttp.ClientSession, url: str, spec: object) -> Any:
    """The explanation of a request."""
    async with client.post(f"{url}/__admin/explain", json=spec) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_an_explanation_changes_nothing(url: str, client: aiohttp.ClientSession) -> None:
    """It shows what the request gets, and writes, uses up and journals nothing."""
    for _ in range(2):
        shown = await explained(client, url, {"body": ONCE})
        assert (shown["status"], shown["decision"]["scenario"]) == (200, "activated-existing-customer")
    async with client.post(url + PATH, json=ONCE) as response:
        assert (await response.json())["payload"] == shown["reply"]["payload"]
        assert response.headers["Mock-Entry"] == "1"
    shown = await explained(client, url, {"method": "POST", "path": PATH, "body": json.dumps(ONCE)})
    assert (shown["decision"]["scenario"], shown["decision"]["trigger"]) == ("card-already-activated", "state")
    shown = await explained(client, url + "/sandbox/a", {"body": ONCE})
    assert shown["decision"]["scenario"] == "activated-existing-customer"
    shown = await explained(client, url + "/sandbox/a", {"method": "POST", "path": f"/sandbox/b{PATH}", "body": ONCE})
    assert shown["status"] == 200


async def test_an_explanation_names_an_armed_outcome(url: str, client: aiohttp.ClientSession) -> None:
    """It is not used up."""
    async with client.post(f"{url}/__admin/arm", json={"scenario": "rfc-invalid"}) as response:
        assert response.status < 300
    for _ in range(2):
        async with client.post(f"{url}/__admin/explain?format=text", json={"body": LASTING}) as response:
            assert "because:  it is armed" in await response.text()


async def test_an_explanation_takes_raw_text_and_headers(url: str, client: aiohttp.ClientSession) -> None:
    """A string body is sent as it is."""
    shown = await explained(client, url, {"body": "{"})
    assert shown["violations"][0]["keyword"] == "parse"
    shown = await explained(client, url, {"body": LASTING, "headers": {"Mock-Scenario": "rfc-invalid"}})
    assert (shown["decision"]["trigger"], shown["misses"]) == ("header", [])
    shown = await explained(client, url, {"path": "/nothing", "method": "GET"})
    assert (shown["problem"], shown["status"], "decision" in shown) == ("unknown-path", 404, False)


def sent(name: str, body: object = LASTING, **headers: str) -> Request:
    """A request to a sandbox."""
    told = {"content-type": "application/json", **{n.replace("_", "-"): v for n, v in headers.items()}}
    return Request("POST", f"/sandbox/{name}{PATH}", json.dumps(body).encode(), told)


async def test_explaining_makes_no_sandbox(url: str, client: aiohttp.ClientSession) -> None:
    """The explanation is that of a new one."""
    for query in ("", "?format=text"):
        async with client.post(f"{url}/sandbox/never/__admin/explain{query}", json={"body": ONCE}) as response:
            assert (response.status, "activated-existing-customer" in await response.text()) == (200, True)
        async with client.post(f"{url}/__admin/explain{query}", json={"path": f"/sandbox/other{PATH}"}) as response:
            assert response.status == 200
    async with client.get(f"{url}/__admin/sandboxes") as response:
        assert (await response.json())["sandboxes"] == []


def test_explaining_renews_and_evicts_no_sandbox(contract: Contract) -> None:
    """Without room it says so."""
    now = 0.0
    settings = replace(contract.settings, max_sandboxes=1, sandbox_ttl=60)
    engine = Engine(contract, settings=settings, monotonic=lambda: now)
    engine.handle_sync(sent("a", ONCE))
    assert explain(engine, sent("b")).reply.problem == "no-room-for-sandbox"
    now = 60.0
    for _ in range(2):
        explained = explain(engine, sent("b"))
        assert explained.reply.status == 200
        assert explain(engine, sent("a", ONCE)).reply.status == 400
    gauges = run_sync(engine.storage.gauges())
    assert (run_sync(engine.storage.sandbox_names()), gauges.evictions, gauges.sandboxes) == (("a",), 0, 1)
    reply = engine.handle_sync(sent("b"))
    assert (reply.status, reply.body[-80:]) == (200, explained.reply.body[-80:])
    assert run_sync(engine.storage.sandbox_names()) == ("b",)  # a was still the one used longest ago


def test_an_explanation_says_that_there_is_no_room(contract: Contract) -> None:
    """As the request itself would."""
    engine = Engine(contract, settings=replace(contract.settings, max_records=0))
    for _ in range(2):
        assert explain(engine, sent("a", ONCE)).reply.problem == "no-room-for-record"
        assert engine.handle_sync(sent("a", ONCE)).problem == "no-room-for-record"
    assert explain(engine, sent("a", LASTING)).reply.status == 200


async def test_an_explained_delay_is_that_of_the_next_request(url: str, client: aiohttp.ClientSession) -> None:
    """So is the fault."""
    spec = {"delay": {"uniform": [1, 50]}, "fault": "gateway", "commit": True}
    async with client.post(f"{url}/__admin/arm", json=spec) as response:
        assert response.status == 201
    told = [await explained(client, url, {"body": ONCE}) for _ in range(2)]
    async with client.post(f"{url}/__admin/explain?format=text", json={"body": ONCE}) as response:
        lines = (await response.text()).splitlines()
    async with client.post(url + PATH, json=ONCE) as response:
        assert response.status == 503
    async with client.get(f"{url}/__admin/requests/1") as response:
        entry = await response.json()
    assert [one.pop("reply")["text"] for one in told] == ["Success"] * 2
    assert told[0] == told[1]
    assert [told[0][name] for name in ("fault", "delay_ms", "committed")] == ["gateway", entry["delay_ms"], True]
    assert "  fault:    gateway; what it changes is kept" in lines
    assert f"  delay:    {told[0]['delay_ms']:.0f} ms" in lines


async def test_near_misses_are_ranked(url: str, client: aiohttp.ClientSession) -> None:
    """One with a true condition first, then the fewest false ones."""
    shown = await explained(client, url, {"body": {**LASTING, "card_identifier": "CARD-009"}})
    keys = [(not one["held"], len(one["evidence"])) for one in shown["misses"]]
    assert keys == sorted(keys)
    assert len({held for held, _ in keys}) == 2
    async with client.post(f"{url}/__admin/explain?format=text", json={"body": {**LASTING, "pin": "1"}}) as response:
        said = await response.text()
    told = said.partition("near misses, nearest first:\n")[2].splitlines()
    shown = await explained(client, url, {"body": {**LASTING, "pin": "1"}})
    heads = [line.split()[0] for line in told if line.startswith("  ") and line[2] != " "]
    assert heads == [one["scenario"] for one in shown["misses"]]
    async with client.post(url + PATH, json={**LASTING, "pin": "1"}) as response:
        number = response.headers["Mock-Entry"]
    async with client.get(f"{url}/__admin/requests/{number}") as response:
        assert (await response.json())["misses"] == shown["misses"]


def test_a_key_spelt_nearly_as_a_seed_decides_between_equals(contract: Contract) -> None:
    """Last of all: of two that are as near, the one about a record whose key is nearly a seed's."""
    operation, scenarios = contract.operations[0], contract.operations[0].scenarios
    body = json.dumps({**LASTING, "card_identifier": "TESTUNKNOWN", "customer_id": "12345678"}).encode()
    reply = Engine(contract).handle_sync(Request("POST", PATH, body, {"content-type": "application/json"}))
    assert reply.decision is not None
    facts = reply.decision.facts

    def miss(held: int, *paths: str) -> NearMiss:
        evidence = tuple(Evidence(path, "a", "b") for path in paths)
        return NearMiss(scenarios[0], evidence, held, near_seeds(evidence, operation, facts))

    found = [miss(0, "x"), miss(1, "customer.status", "customer.status"), miss(1, "customer.status")]
    found.append(miss(1, "card.status"))
    assert sorted(found, key=distance) == found[::-1]
    assert found[-1].near_seeds == ("TEST-UNKNOWN",)


async def test_a_near_seed_is_named_in_the_evidence(url: str, client: aiohttp.ClientSession) -> None:
    """In JSON and text, by the command with and without a server."""
    body = {**LASTING, "card_identifier": "TESTACTIVATED"}
    shown = await explained(client, url, {"body": body})
    assert shown["decision"]["scenario"] == "activated-existing-customer"
    miss = next(one for one in shown["misses"] if one["scenario"] == "card-already-activated")
    assert miss["did_you_mean"][0] == "TEST-ACTIVATED"
    async with client.post(f"{url}/__admin/explain?format=text", json={"body": body}) as response:
        by_server = await response.text()
    told = by_server.partition("  card-already-activated  (")[2].splitlines()
    assert told[1:4] == [
        '    card.status: expected "activated"',
        '                 got      "issued"',
        f"    hint: did you mean {' or '.join(miss['did_you_mean'])}?",
    ]
    stdin = json.dumps(body)
    for options in ((), ("--url", url)):
        text, as_json = [
            await asyncio.to_thread(run, "explain", "--request", "-", *options, *more, stdin=stdin)
            for more in ((), ("--json",))
        ]
        assert text.stdout.partition("answer:")[0] == by_server.partition("answer:")[0]
        assert text.stdout.partition("near misses")[2] == by_server.partition("near misses")[2]
        assert json.loads(as_json.stdout)["misses"] == shown["misses"]


async def test_the_text_form_names_place_expected_and_got(url: str, client: aiohttp.ClientSession) -> None:
    """With file and line."""
    spec = {"body": {**LASTING, "pin": "12a4"}}
    async with client.post(f"{url}/__admin/explain?format=text", json=spec) as response:
        assert response.content_type == "text/plain"
        lines = (await response.text()).splitlines()
    assert lines[0] == f"POST {PATH} -> 400 pin-not-digits"
    assert '    customer.access: expected "refused"' in lines
    assert "12a4" not in "\n".join(lines)
    async with client.post(f"{url}/__admin/explain?format=yaml", json=spec) as response:
        assert (response.status, "format" in problem(await response.read())["detail"]) == (400, True)


@pytest.mark.parametrize("spec", [{"bodi": 1}, {"headers": {"a": 1}}, {"operation": "activate"}, []])
async def test_a_bad_request_to_explain_is_refused(url: str, client: aiohttp.ClientSession, spec: object) -> None:
    """With a problem."""
    async with client.post(f"{url}/__admin/explain", json=spec) as response:
        assert response.status == 400
        problem(await response.read())


async def test_an_explanation_shows_no_account_number(url: str, client: aiohttp.ClientSession) -> None:
    """Neither in the path nor in the answer, the evidence and the records."""
    number = "4111 1111 1111 1111"
    for path in (PATH, f"/{number}"):
        body = {**ONCE, "card_identifier": number, "customer_id": number, number: 1}
        for form in ("json", "text"):
            spec = {"method": "POST", "path": path, "body": body}
            async with client.post(f"{url}/__admin/explain?format={form}", json=spec) as response:
                assert response.status == 200
                assert number not in await response.text()
