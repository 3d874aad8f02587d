"""Requests as an HTTP Archive (HAR 1.2)."""

import asyncio
import json
import socket
import struct
from urllib.parse import urlsplit

import aiohttp
import pytest

from mockserver import Contract, Engine, Request
from mockserver.engine.engine import run_sync
from mockserver.reports.har import har_entry, har_pieces
from mockserver.server.server import serving
from tests.support import LASTING, ONCE, PATH, PATIENCE, head, journal
from tests.support.clients import get_json, post_body, send_five


async def test_requests_are_exported_as_har(url: str, client: aiohttp.ClientSession) -> None:
    """HAR 1.2, oldest first, all or the last ones."""
    await send_five(client, url)
    archive = (await get_json(client, f"{url}/__admin/requests?format=har"))["log"]
    assert (archive["version"], len(archive["entries"])) == ("1.2", 5)
    assert archive["entries"][0]["request"]["url"] == f"{url}{PATH}"
    assert json.loads(archive["entries"][0]["request"]["postData"]["text"]) == ONCE
    short = (await get_json(client, f"{url}/__admin/requests?format=har&limit=1"))["log"]
    assert [one["response"]["status"] for one in short["entries"]] == [400]
    await post_body(client, url, LASTING, Mock_Fault="gateway; status=502")
    (spoilt,) = (await get_json(client, f"{url}/__admin/requests?format=har&limit=1"))["log"]["entries"]
    assert (spoilt["response"]["status"], spoilt["response"]["content"]["text"]) == (502, "")
    assert spoilt["response"]["comment"] == "fault: gateway"
    assert "comment" not in spoilt
    await post_body(client, url, {**LASTING, "pin": "1234"}, Cookie="a=1")
    (masked,) = (await get_json(client, f"{url}/__admin/requests?format=har&limit=1"))["log"]["entries"]
    assert '"pin":"0000"' in masked["request"]["postData"]["text"]
    assert masked["comment"].startswith("masked: /request/headers/")
    assert masked["comment"].endswith(", /request/body/value/pin")


async def test_addresses_are_those_in_front_of_a_proxy(url: str, client: aiohttp.ClientSession) -> None:
    """In archive, bug report and coverage; who sends without it is shown the server's own."""
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "test.example", "X-Forwarded-Prefix": "/mock"}
    for headers in ({}, proxied):
        async with client.post(url + PATH, json=LASTING, headers=headers):
            pass
    async with client.get(f"{url}/__admin/requests?format=har", headers=proxied) as response:
        entries = (await response.json())["log"]["entries"]
    assert [entry["request"]["url"] for entry in entries] == [url + PATH, f"https://test.example/mock{PATH}"]
    async with client.get(f"{url}/__admin/requests/2/report") as response:
        assert f"https://test.example/mock{PATH}" in await response.text()
    for form in ("json", "junit"):
        async with client.get(f"{url}/sandbox/a/__admin/coverage?format={form}", headers=proxied) as response:
            assert f"https://test.example/mock/sandbox/a{PATH}" in await response.text()


async def test_an_archive_comes_in_pieces_of_bounded_size(
    contract: Contract, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunked, in pages of the journal, and whole; `limit` takes the newest that match."""
    monkeypatch.setattr("mockserver.reports.har._PAGE_ENTRIES", 3)
    monkeypatch.setattr("mockserver.reports.har._PAGE_BYTES", 4_000)
    async with serving(Engine(contract)) as url:
        for number in range(11):
            async with client.post(f"{url}{PATH}?n={number}", json=LASTING if number % 2 else {}):
                pass
        for query, numbers in [
            ("", [*range(11)]),
            ("&limit=4", [7, 8, 9, 10]),
            ("&scenario=activated-existing-customer&limit=3", [5, 7, 9]),
            ("&scenario=activated-existing-customer&limit=99", [1, 3, 5, 7, 9]),
            ("&before=3", [0, 1]),
        ]:
            async with client.get(f"{url}/__admin/requests?format=har{query}") as response:
                assert response.headers["Transfer-Encoding"] == "chunked"
                found = await response.json()
            urls = [entry["request"]["url"] for entry in found["log"]["entries"]]
            assert urls == [f"{url}{PATH}?n={number}" for number in numbers], query


async def test_an_archive_ends_where_the_journal_is_cleared(contract: Contract) -> None:
    """It stays JSON."""
    engine = Engine(contract)
    for _ in range(150):
        engine.handle_sync(Request("POST", PATH, b"{}", {"content-type": "application/json"}))
    pieces = har_pieces(engine.storage, "", "", 150, lambda _: True)
    archive = await anext(pieces) + await anext(pieces)
    await engine.storage.clear_entries("")
    archive += b"".join([piece async for piece in pieces])
    assert len(json.loads(archive)["log"]["entries"]) == 100


@pytest.mark.parametrize("waits", ["Mock-Delay: 300s", "Mock-Fault: dribble; seconds=300"])
@pytest.mark.parametrize("resets", [False, True])
async def test_an_archive_says_that_the_client_left(
    contract: Contract, client: aiohttp.ClientSession, waits: str, *, resets: bool
) -> None:
    """By status 0 and `_error`, as browsers do; list, entry and report say so as well."""
    engine = Engine(contract)
    async with serving(engine) as url:
        split = urlsplit(url)
        _, writer = await asyncio.open_connection(split.hostname, split.port)
        body = json.dumps(LASTING).encode()
        writer.write(head("POST", PATH, waits, length=len(body)) + body)
        async with asyncio.timeout(PATIENCE):
            while not await engine.storage.entries(""):  # noqa: ASYNC110 - nothing else tells of it
                await asyncio.sleep(0.005)
            (row,) = (await get_json(client, f"{url}/__admin/requests"))["requests"]
            assert row["client_left"] is False
            if resets:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.close()
            while not journal(engine)[0].client_left:  # noqa: ASYNC110 - nothing else tells of it
                await asyncio.sleep(0.005)
        (row,) = (await get_json(client, f"{url}/__admin/requests"))["requests"]
        assert (row["client_left"], row["status"]) == (True, 200)
        (one,) = (await get_json(client, f"{url}/__admin/requests?format=har"))["log"]["entries"]
        left = "the client left before the full answer was sent"
        reply = one["response"]
        assert (reply["status"], reply["_error"], reply["content"]["text"], reply["headers"]) == (0, left, "", [])
        assert reply["comment"].endswith(left)
        async with client.get(f"{url}/__admin/requests/{row['id']}/report") as response:
            assert left in await response.text()


@pytest.mark.parametrize("fault", ["", "hang; seconds=0", "reset", "truncate", "gateway; status=502"])
def test_an_archive_blames_no_client_for_a_fault(contract: Contract, fault: str) -> None:
    """An answer that a fault took was taken by the fault; one that was sent whole has no error."""
    engine = Engine(contract)
    headers = {"content-type": "application/json"} | ({"mock-fault": fault} if fault else {})
    reply = run_sync(engine.handle(Request("POST", PATH, json.dumps(LASTING).encode(), headers)))
    run_sync(engine.delivered(reply, complete=not fault))
    (entry,) = journal(engine)
    assert not entry.client_left
    assert "_error" not in har_entry(entry)["response"]


def test_an_archive_says_that_the_client_of_a_problem_left(contract: Contract) -> None:
    """An answer of the mock itself can be lost as well."""
    engine = Engine(contract)
    reply = run_sync(engine.handle(Request("GET", "/no-such", b"", {})))
    run_sync(engine.delivered(reply, complete=False))
    (entry,) = journal(engine)
    assert (entry.problem, entry.client_left, har_entry(entry)["response"]["status"]) == ("unknown-path", True, 0)
