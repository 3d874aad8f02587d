"""What is kept of an exchange: masked, in its sandbox, in the log; what is refused and not sent."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from jsonschema import Draft202012Validator

from mockserver import Contract, Engine
from mockserver.agents.toolbox import Toolbox
from mockserver.client.mock import Mock
from mockserver.contract.loading import shipped_folder
from mockserver.remote.arming import describe_armed
from mockserver.server import logs
from tests.support import BATCH, PATH, head, raw, until
from tests.support.drifting_provider import drifting_provider
from tests.support.recording import entries, entry, post, recording
from tests.support.scripted_provider import OK, ScriptedProvider, scripted_provider

GOOD = {"customer_id": "12345678", "card_identifier": "CARD-7", "reference_batch": BATCH, "pin": "q73w91z"}
VALID = {**GOOD, "pin": "1234"}
SCHEMA = Draft202012Validator(json.loads((shipped_folder() / "schemas" / "journal-entry.schema.json").read_bytes()))


@pytest.fixture
async def provider() -> Any:
    async with scripted_provider() as running:
        yield running


def said(body: Any, *headers: str) -> bytes:
    """An answer in JSON."""
    data = json.dumps(body).encode()
    lines = ["HTTP/1.1 200 OK", *headers, f"Content-Length: {len(data)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


async def test_nothing_secret_is_kept(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession
) -> None:
    """Of the request, nor where the answer repeats it, in a text, a header or a URL."""
    number = "4111111111111111"
    body = {
        "pin": "q73w91z",
        "you_sent": {"text": 'token a"b/c refused, pin q73w91z'},
        "number": number,
        "customer_id": 7,
    }
    headers = ("X-Debug: a%22b%2Fc and Bearer-1234", "Set-Cookie: session=opensesame")
    provider.script = [said(body, *headers)]
    sent = {"Authorization": 'Bearer a"b/c', "X-Auth-Token": "Bearer-1234"}
    lines: list[str] = []
    async with recording(contract, provider.url, logs.text_access_log(lines.append)) as url:
        response = await post(client, f"{url}{PATH}?token=verysecret", GOOD, sent)
        assert await response.json(content_type=None) == body
        shown = json.dumps(await entry(client, url))
        async with client.get(f"{url}/__admin/requests/1/report") as response:
            shown += await response.text()
    kept = shown + "".join(lines)
    for secret in ("q73w91z", 'a\\"b/c', "a%22b%2Fc", "Bearer-1234", "verysecret", "opensesame", number):
        assert secret not in kept, secret
    assert "/reply/body/value" in kept
    assert "differs from" in kept or "unknown #1" in kept


@pytest.mark.parametrize("encoding", ["br", "gzip"])
async def test_a_body_that_cannot_be_read_is_not_kept(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession, encoding: str
) -> None:
    """As nobody knows what stands in it; nor is a very large one."""
    provider.script = [f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 7\r\n\r\nq73w91z".encode()]
    async with recording(contract, provider.url) as url:
        await raw(url, head("POST", PATH, "Connection: close", length=2) + b"{}")
        provider.script = [said("x" * 1_100_000)]
        async with client.post(url + PATH, json=GOOD) as response:
            assert len(await response.read()) == 1_100_002
        first, second = await entry(client, url), await entry(client, url, 2)
    assert (first["reply"]["body"], first["recording"]["reason"]) == (
        "",
        f"its content encoding cannot be read: {encoding}",
    )
    assert (second["reply"]["body"], second["recording"]["reason"]) == ("", "a body of more than 1048576 bytes")


async def test_each_kind_of_entry_fits_the_schema(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession
) -> None:
    """JSON, text, bytes; with an operation and without."""
    answers = [
        said({}),
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff",
    ]
    engine = Engine(contract)
    async with recording(contract, provider.url, engine=engine) as url:
        for answer in answers:
            provider.script = [answer]
            for path in (PATH, "/none"):
                await post(client, url + path, GOOD)
        kept = await engine.storage.entries(None)
    assert [[*SCHEMA.iter_errors(json.loads(one.data))] for one in kept] == [[]] * 6


async def test_an_exchange_is_kept_in_its_sandbox(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession
) -> None:
    """Named by the path or the header, which the provider does not see; also where no operation takes the request."""
    async with recording(contract, provider.url) as url:
        for path, headers in (("/sandbox/one" + PATH, {}), (PATH, {"Mock-Sandbox": "two"}), ("/sandbox/one/none", {})):
            await post(client, url + path, GOOD, headers=headers)
        assert [row["sandbox"] for row in await entries(client, url)] == ["one", "two", "one"]
    assert [one.split()[1] for one in provider.requests] == [PATH.encode(), PATH.encode(), b"/none"]


@pytest.mark.parametrize(
    ("path", "headers", "kind"),
    [
        (PATH, {"Mock-Scenario": "malformed"}, "bad-directive"),
        (PATH, {"Mock-Delay": "1s"}, "bad-directive"),
        (PATH, {"Mock-Scenari": "x"}, "bad-directive"),
        ("/sandbox/-/x", {}, "bad-sandbox"),
        (PATH, {"Content-Encoding": "br"}, "unsupported-encoding"),
    ],
)
async def test_what_would_have_no_effect_is_refused(
    contract: Contract,
    provider: ScriptedProvider,
    client: aiohttp.ClientSession,
    path: str,
    headers: dict[str, str],
    kind: str,
) -> None:
    """Nothing is sent to the provider."""
    async with (
        recording(contract, provider.url) as url,
        client.post(url + path, data=b"{}", headers=headers) as response,
    ):
        assert (await response.json())["type"] == f"urn:mockserver:problem:{kind}"
    assert provider.requests == []


async def test_nothing_can_be_armed_where_the_provider_alone_answers(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession
) -> None:
    """It would have no effect."""
    async with recording(contract, provider.url) as url:
        refused = await post(client, f"{url}/__admin/arm", {"scenario": "code=5001"})
        assert (refused.status, (await refused.json())["type"]) == (409, "urn:mockserver:problem:arming-without-effect")
        async with client.get(f"{url}/__admin/armed") as response:
            assert (await response.json())["armed"] == []


async def test_what_is_armed_answers_without_a_connection(contract: Contract, client: aiohttp.ClientSession) -> None:
    """With `fallback`, as the answer to arming says, and so does the command."""
    async with scripted_provider() as provider:
        gone = provider.url
    async with recording(contract, gone, fallback=True) as url:
        armed = await post(client, f"{url}/__admin/arm", {"scenario": "code=5001"})
        assert "only while there is no connection to the provider" in describe_armed(await armed.json())
        assert (await (await post(client, url + PATH, VALID)).json())["error"]["code"] == 5001
        assert (await post(client, url + PATH, VALID)).status == 200


async def test_what_is_armed_waits(contract: Contract, client: aiohttp.ClientSession) -> None:
    """The provider answers, and what is armed is neither expected nor used up."""
    with drifting_provider() as provider:
        async with recording(contract, provider.url, fallback=True) as url:
            await post(client, f"{url}/__admin/arm", {"scenario": "code=5001"})
            assert (await post(client, url + PATH, VALID)).status == 200
            assert (await entry(client, url))["recording"]["expected"] == "activated-existing-customer"
            async with client.get(f"{url}/__admin/armed") as response:
                assert [one["used"] for one in (await response.json())["armed"]] == [0]


async def test_the_log_says_what_an_answer_is(contract: Contract, client: aiohttp.ClientSession) -> None:
    """As text and as JSON, once the answer is sent."""
    text: list[str] = []
    objects: list[str] = []
    with drifting_provider() as provider:
        for write, lines in ((logs.text_access_log, text), (logs.json_access_log, objects)):
            async with recording(contract, f"{provider.url}/sandbox/{write.__name__}", write(lines.append)) as url:
                await post(client, url + PATH, {})
    assert " 400 same as reference-batch-empty #1 " in text[0]
    assert {"entry": "1", "recorded": "same as reference-batch-empty"}.items() <= json.loads(objects[0]).items()


async def test_coverage_counts_the_outcomes_of_the_provider(contract: Contract, client: aiohttp.ClientSession) -> None:
    """As those of the mock."""
    with drifting_provider() as provider:
        async with recording(contract, provider.url) as url:
            for body in ({}, {}, VALID):
                await post(client, url + PATH, body)
            async with client.get(f"{url}/__admin/coverage") as response:
                met = {one["scenario"]: one["met"] for one in (await response.json())["scenarios"] if one["met"]}
    assert met == {"reference-batch-empty": 2, "activated-existing-customer": 1}


async def test_lists_filters_and_reports_tell_it(contract: Contract, client: aiohttp.ClientSession) -> None:
    """By scenario, by text, the unexpected ones; the report in both languages."""
    with drifting_provider() as provider:
        provider.drifts["pin-not-digits"] = lambda reply: reply.body["error"].update(code=4999)
        async with recording(contract, provider.url) as url:
            for body in ({}, {**GOOD, "pin": "12a4"}):
                await post(client, url + PATH, body)

            async def ids(query: str) -> list[str]:
                async with client.get(f"{url}/__admin/requests{query}") as response:
                    return [row["id"] for row in (await response.json())["requests"]]

            assert await ids("?scenario=pin-not-digits") == ["2"]
            assert await ids("?text=differs%20from") == ["2"]
            assert await ids("/unexpected") == ["2"]
            why = (await asyncio.to_thread(Toolbox(Mock(url)).why, "2")).splitlines()
            assert why == [
                f"POST {PATH} -> 400 differs from pin-not-digits",
                "  expected: pin-not-digits",
                "  body /error/code: expected 4400, got 4999",
            ]
            async with client.get(f"{url}/__admin/requests/2/bundle") as response:
                assert (response.status, "differs from pin-not-digits" in await response.text()) == (409, True)
            for language, words in (
                ("en", ("expected 4400, got 4999", "</b> differs from pin-not-digits</h1>")),
                ("es", ("se esperaba 4400, se recibió 4999", "</b> difiere de pin-not-digits</h1>")),
            ):
                async with client.get(
                    f"{url}/__admin/requests/2/report", headers={"Accept-Language": language}
                ) as response:
                    page = await response.text()
                    assert [one for one in words if one not in page] == []


@pytest.mark.parametrize("is_answered", [False, True])
async def test_a_lost_answer_of_the_provider_may_have_changed_something(
    contract: Contract, provider: ScriptedProvider, client: aiohttp.ClientSession, is_answered: bool
) -> None:
    """In the report and in the words for agents, whether the provider or the client ended the connection."""
    answered = asyncio.Event()
    provider.script = [answered, OK] if is_answered else [b""]
    async with recording(contract, provider.url) as url:
        asking = asyncio.ensure_future(client.post(url + PATH, json=VALID))
        await until(lambda: provider.requests)
        if is_answered:  # too late
            asking.cancel()
        with pytest.raises((aiohttp.ClientError, asyncio.CancelledError)):
            await asking
        answered.set()
        while not await entries(client, url):  # noqa: ASYNC110 - the journal is in the server
            await asyncio.sleep(0.01)
        assert "the provider may have done what was asked" in await asyncio.to_thread(Toolbox(Mock(url)).why)
        for language, words in (("en", "The provider may have done"), ("es", "Es posible que el proveedor haya hecho")):
            headers = {"Accept-Language": language}
            async with client.get(f"{url}/__admin/requests/1/report", headers=headers) as response:
                assert words in await response.text()


async def test_the_mock_answers_where_there_is_no_connection(contract: Contract, client: aiohttp.ClientSession) -> None:
    """With `fallback` alone; header, entry, log and report say so, and why. What was sent is not answered again."""
    async with scripted_provider() as provider:
        gone = provider.url
    lines: list[str] = []
    async with recording(contract, gone, logs.text_access_log(lines.append), fallback=True) as url:
        response = await post(client, url + PATH, {})
        assert (response.status, response.headers["Mock-Fallback"]) == (400, "No connection: Connection refused.")
        kept = await entry(client, url)
        async with client.get(f"{url}/__admin/requests/1/report") as page:
            shown = await page.text()
            assert "</b> reference-batch-empty (fallback)</h1>" in shown
            assert "<td>No connection: Connection refused.</td>" in shown
        response = await post(client, f"{url}/other/operation", {})  # of which the mock knows nothing
        assert (response.status, (await response.json())["type"].rpartition(":")[2]) == (502, "provider-unreachable")
    assert (kept["scenario"], kept["fallback"]) == ("reference-batch-empty", "No connection: Connection refused.")
    assert "reference-batch-empty (assumed, by values), fallback #1" in lines[0]
    async with scripted_provider() as provider:
        provider.script = ["reset"]
        async with recording(contract, provider.url, fallback=True) as url:
            with pytest.raises(aiohttp.ClientError):
                await post(client, url + PATH, {})
