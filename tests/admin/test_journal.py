"""The journal: bounded, filtered, paged, told whole; every answer and its log line name its entry."""

import asyncio
import json
import weakref
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from mockserver import Contract, Engine, Request
from mockserver.entries.journal_entry import decode_entry
from mockserver.server import logs
from mockserver.server import server as edge
from tests.support import LASTING, ONCE, PATH, head, journal, problem, raw
from tests.support.clients import get_json, post_body, send_five

JSON = {"content-type": "application/json"}


def sent(engine: Engine, body: object, path: str = PATH, **headers: str) -> Any:
    """One request in process."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return engine.handle_sync(Request("POST", path, json.dumps(body).encode(), {**JSON, **named}))


async def test_an_answer_names_its_entry_and_its_cause(url: str, client: aiohttp.ClientSession) -> None:
    """Mock-Entry leads to the entry, Mock-Cause to the one that wrote the record, on problems as well."""
    first, second = await post_body(client, url, ONCE), await post_body(client, url, ONCE)
    assert (first.headers["Mock-Entry"], second.headers["Mock-Cause"]) == ("1", "1")
    misused = await post_body(client, url, ONCE, Mock_Scenario="nothing")
    assert misused.headers["Mock-Entry"] == "3"
    assert (await get_json(client, f"{url}/__admin/requests/3"))["problem"] == "unknown-scenario"
    entry = await get_json(client, f"{url}/__admin/requests/{second.headers['Mock-Entry']}")
    assert (entry["scenario"], entry["trigger"], entry["cause"]) == ("card-already-activated", "state", "1")


async def test_a_refused_request_has_an_entry(contract: Contract) -> None:
    """A body that is too long, a bad sandbox name; the answer names the entry."""
    engine = Engine(contract, settings=replace(contract.settings, max_body=10))
    async with edge.serving(engine) as url:
        for data in (head("POST", PATH, length=11) + b"x" * 11, head("POST", f"/sandbox/*{PATH}", "Connection: close")):
            assert b"Mock-Entry: " in await raw(url, data)
    assert [entry.problem for entry in journal(engine, None)] == ["bad-sandbox", "body-too-large"]


async def test_a_log_line_names_entry_and_cause(contract: Contract) -> None:
    """In both forms."""
    lines: list[str] = []
    for log in (logs.text_access_log, logs.json_access_log):
        async with edge.serving(Engine(contract), log=log(lines.append)) as url, aiohttp.ClientSession() as client:
            await post_body(client, url, ONCE)
            await post_body(client, url, ONCE)
    assert " #1 " in lines[0]
    assert " #2 after #1 " in lines[1]
    assert [json.loads(line).get("cause") for line in lines[2:]] == [None, "1"]
    assert [json.loads(line)["entry"] for line in lines[2:]] == ["1", "2"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("?limit=2", [5, 4]),
        ("?limit=2&before=4", [3, 2]),
        ("?scenario=card-already-activated", [2]),
        ("?source=assumed", [4]),
        ("?trigger=header", [3]),
        ("?trigger=state&source=documented", [2]),
        ("?since=1970-01-01T00:00:00Z", [5, 4, 3, 2, 1]),
        ("?since=9999-01-01T00:00:00Z", []),
        ("?text=card-001", [3, 2, 1]),
        ("?text=UNKNOWN-scenario", [5]),
        ("?all=true", [5, 4, 3, 2, 1]),
    ],
)
async def test_requests_are_filtered_and_paged(
    url: str, client: aiohttp.ClientSession, query: str, ids: list[int]
) -> None:
    """By scenario, source, trigger, instant and text, newest first, a page at a time."""
    await send_five(client, url)
    page = await get_json(client, f"{url}/__admin/requests{query}")
    assert [one["id"] for one in page["requests"]] == [str(number) for number in ids]
    assert ("before" in page) is ("limit" in query)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=x",
        "before=-1",
        "since=now",
        "format=xml",
        "all=yes",
        "scenaro=a",
        "source=assume",
        "trigger=x",
        "trace=4BF92F3577B34DA6A3CE929D0E0E4736",
    ],
)
async def test_a_bad_filter_is_refused(url: str, client: aiohttp.ClientSession, query: str) -> None:
    """An unknown name or value is a problem."""
    async with client.get(f"{url}/__admin/requests?{query}") as response:
        assert response.status == 400
        assert query.partition("=")[0] in problem(await response.read())["detail"]


async def test_requests_are_found_by_trace_id(url: str, client: aiohttp.ClientSession) -> None:
    """Answered or refused; a header that is not well formed has none. The text of the search finds it too."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    for path, parent in [
        (PATH, f"00-{trace}-00f067aa0ba902b7-01"),
        ("/x", f"00-{trace}-b9c7c989f97918e1-00"),
        (PATH, "00-1"),
    ]:
        async with client.post(url + path, json=LASTING, headers={"Traceparent": parent}):
            pass
    every = await get_json(client, f"{url}/__admin/requests")
    assert [one["trace"] for one in every["requests"]] == [None, trace, trace]
    for query in (f"trace={trace}", f"text={trace}"):
        found = await get_json(client, f"{url}/__admin/requests?{query}")
        assert [one["id"] for one in found["requests"]] == ["2", "1"]
    assert (await get_json(client, f"{url}/__admin/requests?trace={'1' * 32}"))["requests"] == []
    assert (await get_json(client, f"{url}/__admin/requests/1"))["trace"] == trace


async def test_requests_are_found_by_their_code(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Though a varied body writes it in another way: 7e3."""
    engine = Engine(contract, settings=replace(contract.settings, vary="1:numbers"))
    async with edge.serving(engine) as url:
        bodies = []
        for _ in range(8):
            async with client.post(url + PATH, json=LASTING, headers={"Mock-Scenario": "rfc-invalid"}) as response:
                bodies.append(await response.text())
        assert any("7000" not in body for body in bodies)
        found = await get_json(client, f"{url}/__admin/requests?text=7000")
        assert [one["code"] for one in found["requests"]] == [7000] * 8


async def test_requests_are_filtered_by_the_code_of_their_scenario(url: str, client: aiohttp.ClientSession) -> None:
    """A code of several scenarios stands for all of them; the bare code is meant as one."""
    for name in ("card-already-activated", "rfc-invalid", "reference-batch-empty", "card-batch-mismatch"):
        async with client.post(url + PATH, json=LASTING, headers={"Mock-Scenario": name}):
            pass
    for query, ids in (
        ("scenario=code%3D4433", ["1"]),
        ("scenario=code=4400", ["4", "3"]),
        ("scenario=code=4400&source=assumed", []),
        ("scenario=code=5001", []),
    ):
        found = await get_json(client, f"{url}/__admin/requests?{query}")
        assert [one["id"] for one in found["requests"]] == ids
    for word, near in (("4433", "code=4433"), ("code=4434", "code=4433")):
        async with client.get(f"{url}/__admin/requests?scenario={word}") as response:
            assert response.status == 400
            refused = problem(await response.read())
        assert f"; not {word}." in refused["detail"]
        assert refused["did_you_mean"][0] == near


async def test_a_filter_by_an_unknown_scenario_is_refused(url: str, client: aiohttp.ClientSession) -> None:
    """An id is known as long as an entry names it."""
    for query, meant in [
        ("source=documentd", "documented"),
        ("trigger=stat", "state"),
        ("scenario=rfc-invalit", "rfc-invalid"),
    ]:
        for path in ("requests", "requests/unexpected", "requests?format=har&"):
            async with client.get(f"{url}/__admin/{path}{'' if path.endswith('&') else '?'}{query}") as response:
                assert response.status == 400
                assert problem(await response.read())["did_you_mean"][0] == meant
    assert await get_json(client, f"{url}/__admin/requests?scenario=rfc-invalid") == {
        "requests": [],
        "lost": 0,
        "incomplete": False,
    }
    mine = f"{url}/__admin/scenarios/mine"
    async with client.put(mine, data="documented: Mine.\nrespond: {error: {code: 1}}\n") as response:
        assert response.status == 201
    await post_body(client, url, LASTING)
    async with client.delete(mine) as response:
        assert response.status == 200
    assert len((await get_json(client, f"{url}/__admin/requests?scenario=mine"))["requests"]) == 1


async def test_unexpected_answers_are_marked(url: str, client: aiohttp.ClientSession) -> None:
    """Problems, assumed and default answers, and forced ones that were malformed."""
    await send_five(client, url)
    await post_body(client, url, LASTING, Mock_Scenario="provider-communication")
    page = await get_json(client, f"{url}/__admin/requests/unexpected")
    assert [one["id"] for one in page["requests"]] == ["5", "4", "3"]
    everything = (await get_json(client, f"{url}/__admin/requests"))["requests"]
    assert {one["id"] for one in everything if one["unexpected"]} == {"3", "4", "5"}


async def test_an_entry_has_all_details(url: str, client: aiohttp.ClientSession) -> None:
    """Request, violations, decision, evidence, records, reply, timing."""
    await post_body(client, url, ONCE, Authorization_Ecommerce="Bearer s3cret")
    await post_body(client, url, {**ONCE, "pin": "12a4"})
    first, second = [await get_json(client, f"{url}/__admin/requests/{number}") for number in (1, 2)]
    assert first["request"]["body"] == ONCE
    assert {"name": "Authorization-Ecommerce", "value": "Xxxxxx x0xxxx"} in first["request"]["headers"]
    card = next(one for one in first["records"] if one["lookup"] == "card")
    assert (card["before"]["status"], card["after"]["status"], card["after"]["origin"]) == (
        "issued",
        "activated",
        "request",
    )
    assert first["committed"] is True
    assert first["reply"]["body"]["payload"]["status"] == "activated"
    assert {"micros", "delay_ms", "time"} <= first.keys()
    assert [v["at"] for v in second["violations"]] == ["body.pin"]
    assert second["decision"]["because"] == ["violation at body.pin, keyword pattern"]
    assert second["misses"][0]["evidence"][0]["expected"]
    assert "12a4" not in json.dumps(second)


async def test_an_entry_names_the_retry_of_its_lost_answer(url: str, client: aiohttp.ClientSession) -> None:
    """And the retry names the entry; a cut answer, and one that a client did not wait for, are lost as well."""
    lost = {"Mock-Fault": "truncate; commit=true"}
    async with client.post(url + PATH, json=ONCE, headers=lost) as response:
        with pytest.raises(aiohttp.ClientError):
            await response.read()
    asking = asyncio.ensure_future(post_body(client, url, ONCE, Mock_Delay="20s"))
    while len((await get_json(client, f"{url}/__admin/requests"))["requests"]) < 2:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    asking.cancel()
    while not (await get_json(client, f"{url}/__admin/requests/2"))["client_left"]:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)
    await post_body(client, url, ONCE)
    cut, left, repeated = [await get_json(client, f"{url}/__admin/requests/{number}") for number in (1, 2, 3)]
    assert (cut["retried_by"]["id"], cut["retried_by"]["answer_lost"], cut["retry_of"]) == ("2", True, None)
    assert (left["retried_by"]["id"], left["retried_by"]["code"], left["retry_of"]["id"]) == ("3", 4433, "1")
    assert left["retried_by"]["after_ms"] >= 200
    assert (repeated["retried_by"], repeated["retry_of"]["scenario"]) == (None, "card-already-activated")


async def test_an_unknown_entry_is_404(url: str, client: aiohttp.ClientSession) -> None:
    """An entry of another sandbox names it."""
    await post_body(client, url, LASTING)
    for path in ("requests/2", "requests/x", "requests/2/bundle"):
        assert "no entry" in (await get_json(client, f"{url}/__admin/{path}", 404))["detail"]
    assert "(default)" in (await get_json(client, f"{url}/sandbox/a/__admin/requests/1", 404))["detail"]


async def test_a_search_needs_no_accents(url: str, client: aiohttp.ClientSession) -> None:
    """Nor does a text without them hide from a search with them."""
    for name in ("Muñoz", "Munoz"):
        await post_body(client, url, {**LASTING, "device_id": name})
    for text in ("muñoz", "MUNOZ", "mun\u0303oz"):
        page = await get_json(client, f"{url}/__admin/requests?{urlencode({'text': text})}")
        assert [one["id"] for one in page["requests"]] == ["2", "1"]


async def test_a_search_finds_all_its_words_in_any_order(url: str, client: aiohttp.ClientSession) -> None:
    """Wherever they stand: in the request, the reply, its code or the id of the scenario."""
    await post_body(client, url, {**LASTING, "device_id": "José Ángel", "alias": "Muñoz Peña"})
    await post_body(client, url, {**LASTING, "device_id": "José"})
    for text, ids in (
        ("jose angel muñoz", ["1"]),
        ("peña  angel", ["1"]),
        ("muñoz test-card post", ["1"]),
        ("jose nobody", []),
        (" ", ["2", "1"]),
    ):
        page = await get_json(client, f"{url}/__admin/requests?{urlencode({'text': text})}")
        assert [one["id"] for one in page["requests"]] == ids, text


async def test_the_journal_of_a_sandbox_is_emptied(url: str, client: aiohttp.ClientSession) -> None:
    """Of that one alone; ids go on."""
    await post_body(client, url, LASTING)
    await post_body(client, url + "/sandbox/a", LASTING)
    assert await get_json(client, f"{url}/sandbox/a/__admin/requests", method="DELETE") == {
        "status": "cleared",
        "requests": 1,
    }
    page = await get_json(client, f"{url}/__admin/requests?all=true")
    assert [one["id"] for one in page["requests"]] == ["1"]


async def test_the_cause_of_an_answer_may_be_deleted(url: str, client: aiohttp.ClientSession) -> None:
    """The header says so; explanations too have it from the sandbox as it is."""
    async with client.post(url + PATH, json=ONCE) as first:
        cause_entry_id = first.headers["Mock-Entry"]
    async with client.post(url + PATH, json=ONCE) as second:
        assert second.headers["Mock-Cause"] == cause_entry_id
    async with client.delete(f"{url}/__admin/requests") as response:
        assert response.status == 200
    async with client.post(url + PATH, json=ONCE) as third:
        assert third.headers["Mock-Cause"] == f"{cause_entry_id}; deleted"


async def test_a_list_keeps_rows_and_no_decoded_entries(
    contract: Contract, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many clients that ask at once hold little: an entry is let go as soon as its row is made."""
    alive: weakref.WeakSet[Any] = weakref.WeakSet()
    most = 0

    class Decoded:
        def __init__(self, data: bytes) -> None:
            nonlocal most
            self._entry = decode_entry(data)
            alive.add(self)
            most = max(most, len(alive))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._entry, name)

    monkeypatch.setattr("mockserver.admin.journal.decode_entry", Decoded)
    async with edge.serving(Engine(contract)) as url:
        for number in range(20):
            await post_body(client, url, {**ONCE, "card_identifier": f"C-{number}"})
        page = await get_json(client, f"{url}/__admin/requests?limit=15")
    assert (len(page["requests"]), page["before"]) == (15, page["requests"][-1]["id"])
    assert most <= 3
