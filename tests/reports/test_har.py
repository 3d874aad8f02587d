"""Requests as an HTTP Archive (HAR 1.2)."""

import json

import aiohttp
import pytest

from mockserver import Contract, Engine, Request
from mockserver.reports.har import har_pieces
from mockserver.server.server import serving
from tests.support import LASTING, ONCE, PATH
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
