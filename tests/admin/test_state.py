"""The state of a sandbox over the admin API: records one by one."""

import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from yarl import URL

from mockserver import Contract, Engine
from mockserver.engine.engine import run_sync
from mockserver.server.server import serving
from tests.support import ONCE, PATH, problem


async def call(
    client: aiohttp.ClientSession, method: str, url: str, body: Any = None, *, status: int = 200
) -> dict[str, Any]:
    """One admin request; its answer."""
    data = None if method in ("GET", "DELETE") else json.dumps(body)
    async with client.request(method, url, data=data) as response:
        text = await response.read()
        assert response.status == status, text
        return problem(text) if status >= 400 else json.loads(text)


async def activate(client: aiohttp.ClientSession, url: str, card: str = "CARD-001", **more: Any) -> tuple[str, Any]:
    """Activate a card: the scenario, and the payload."""
    async with client.post(url + PATH, json={**ONCE, "card_identifier": card, **more}) as response:
        body = await response.json()
        return response.headers.get("Mock-Scenario", body.get("type", "")), body.get("payload")


async def test_a_record_is_shown_with_its_origin(url: str, client: aiohttp.ClientSession) -> None:
    """Default, seed, tombstone or request."""
    state = f"{url}/__admin/state/cards"
    default = await call(client, "GET", f"{state}/CARD-001")
    assert (default["key"], default["origin"]) == ("CARD-001", "default")
    await activate(client, url)
    written = await call(client, "GET", f"{state}/CARD-001")
    assert (written["origin"], written["members"]["status"]) == ("request", "activated")
    assert written["entry"] == "1"
    origins = {r["key"]: (r["origin"], r["members"] is None) for r in (await call(client, "GET", state))["records"]}
    assert origins["CARD-001"] == ("request", False)
    assert origins["TEST-ACTIVATED"] == ("seed", False)
    tombstone = next(key for key, one in origins.items() if one == ("seed", True))
    assert (await call(client, "GET", f"{state}/{tombstone}"))["members"] is None


async def test_a_record_is_put_patched_and_restored(url: str, client: aiohttp.ClientSession) -> None:
    """What is written decides requests; DELETE restores the default."""
    record = f"{url}/__admin/state/cards/CARD-001"
    assert (await call(client, "PUT", record, {"status": "activated"}))["origin"] == "request"
    assert (await activate(client, url))[0] == "card-already-activated"
    patched = await call(client, "PATCH", record, {"status": "issued", "card_id": "card_1"})
    assert patched["members"] == {"status": "issued", "card_id": "card_1"}
    assert (await call(client, "PATCH", record, {"card_id": None}))["members"] == {"status": "issued"}
    await call(client, "PUT", record, {"status": "activated"})
    assert (await call(client, "DELETE", record))["origin"] == "default"
    assert (await activate(client, url))[0] == "activated-existing-customer"


async def test_null_hides_a_seed_until_it_is_restored(url: str, client: aiohttp.ClientSession) -> None:
    """It makes a tombstone; DELETE restores the seed."""
    record = f"{url}/__admin/state/cards/TEST-ACTIVATED"
    assert await call(client, "PUT", record, None) == {"key": "TEST-ACTIVATED", "origin": "request", "members": None}
    assert (await call(client, "GET", record))["members"] is None
    await call(client, "PATCH", record, {"status": "issued"}, status=404)
    assert (await call(client, "DELETE", record))["origin"] == "seed"


@pytest.mark.parametrize("key", ["a/b", "50%", "a b", "%2F", "a?b#c", "caf\u00e9", ".."])
async def test_any_key_can_be_percent_encoded(url: str, client: aiohttp.ClientSession, key: str) -> None:
    """In the path, below a sandbox as well."""
    quoted = "".join(f"%{byte:02X}" for byte in key.encode())
    for prefix in ("", "/sandbox/a", "/%73andbox/a"):
        path = URL(f"{url}{prefix}/__admin/state/cards/{quoted}", encoded=True)
        async with client.put(path, json={"status": "activated"}) as response:
            assert (await response.json())["key"] == key
        async with client.get(path) as response:
            assert (await response.json())["members"] == {"status": "activated"}
    assert (await activate(client, url, card=key))[0] == "card-already-activated"


async def test_keys_are_folded_as_in_requests(url: str, client: aiohttp.ClientSession) -> None:
    """Where letters' case does not matter in requests, it does not here."""
    put = await call(client, "PUT", f"{url}/__admin/state/batches/ABC", {})
    assert put["key"] == "abc"


@pytest.mark.parametrize(
    ("path", "body", "status", "hint"),
    [
        ("cards/X", {"status": "lost"}, 400, "status"),
        ("cards/X", {"statu": "issued"}, 400, "status"),
        ("cards/X", [], 400, "body"),
        ("card/X", {}, 404, "cards"),
        ("cards/" + "x" * 513, {}, 400, "512"),
        ("cards/%20", {}, 400, "blank"),
        ("cards/%FF", {}, 400, "UTF-8"),
    ],
)
async def test_a_record_that_does_not_fit_is_refused(
    url: str, client: aiohttp.ClientSession, path: str, body: Any, status: int, hint: str
) -> None:
    """It is checked against its collection; nothing changes."""
    async with client.put(URL(f"{url}/__admin/state/{path}", encoded=True), json=body) as response:
        shown = problem(await response.read())
        assert response.status == status
    assert hint in json.dumps(shown)
    assert (await call(client, "GET", f"{url}/__admin/state"))["records"] == {}


async def test_a_patch_is_checked_as_a_whole(url: str, client: aiohttp.ClientSession) -> None:
    """A member that breaks its schema changes nothing."""
    record = f"{url}/__admin/state/cards/X"
    shown = await call(client, "PATCH", record, {"status": "lost"}, status=400)
    (violation,) = shown["violations"]
    assert {name: violation[name] for name in ("at", "pointer", "keyword", "came")} == {
        "at": "record.status",
        "pointer": "/status",
        "keyword": "enum",
        "came": "other",
    }
    assert violation["values"]["operand"] == ["issued", "activated"]
    assert (await call(client, "GET", record))["origin"] == "default"


async def test_an_unknown_key_of_a_closed_collection_is_404(
    url: str, client: aiohttp.ClientSession, contract: Contract
) -> None:
    """A near key is named."""
    closed = next(name for name, collection in contract.collections.items() if not collection.is_open)
    seed = next(iter(contract.collections[closed].seeds))
    shown = await call(client, "GET", f"{url}/__admin/state/{closed}/{seed}x", status=404)
    assert shown["did_you_mean"][0] == seed
    record = f"{url}/__admin/state/{closed}/nobody"
    await call(client, "PATCH", record, {}, status=404)
    assert await call(client, "DELETE", record) == {"key": "nobody", "origin": None, "members": None}


async def test_a_misspelt_test_value_has_no_default(url: str, client: aiohttp.ClientSession) -> None:
    """A key of the reserved form is a seed, or was written; it is not proposed to itself."""
    record = f"{url}/__admin/state/cards/TEST-ACTIVATD"
    for method, body in (("GET", None), ("PATCH", {"status": "activated"})):
        shown = await call(client, method, record, body, status=404)
        assert shown["did_you_mean"][0] == "TEST-ACTIVATED"
    await call(client, "PUT", record, {"status": "activated"})
    assert (await call(client, "GET", record))["members"] == {"status": "activated"}
    await call(client, "PATCH", record, {"status": "issued"})
    await call(client, "PUT", f"{url}/__admin/state/cards/GONE", None)
    assert (await call(client, "PATCH", f"{url}/__admin/state/cards/GONE", {}, status=404))["did_you_mean"] == []


async def test_reading_a_record_needs_room_for_its_sandbox(client: aiohttp.ClientSession, contract: Contract) -> None:
    """Otherwise 503; reading makes none."""
    engine = Engine(contract, settings=replace(contract.settings, max_sandboxes=1))
    async with serving(engine) as url:
        await call(client, "GET", f"{url}/sandbox/a/__admin/state")
        assert run_sync(engine.storage.sandbox_names()) == ()
        await call(client, "PUT", f"{url}/sandbox/a/__admin/state/cards/X", {})
        for path in ("", "/cards", "/cards/X"):
            await call(client, "GET", f"{url}/sandbox/b/__admin/state{path}", status=503)
        await call(client, "PUT", f"{url}/sandbox/b/__admin/state/cards/X", {}, status=503)
    assert await engine.storage.sandbox_names() == ("a",)


async def test_a_full_sandbox_answers_507(client: aiohttp.ClientSession, contract: Contract) -> None:
    """Existing records can be written."""
    engine = Engine(contract, settings=replace(contract.settings, max_records=2))
    async with serving(engine) as url:
        many = {"customer_id": "TEST-CUSTOMER"}  # a seed that no request changes: only cards are written
        for card in ("A", "B", "C"):
            await activate(client, url, card=card, **many)
        before = await call(client, "GET", f"{url}/__admin/state")
        assert sum(map(len, before["records"].values())) == 2
        async with client.post(url + PATH, json={**ONCE, **many, "card_identifier": "D"}) as response:
            assert (response.status, problem(await response.read())["limit"]) == (507, 2)
        shown = await call(client, "PUT", f"{url}/__admin/state/cards/D", {}, status=507)
        assert "max_records" in shown["detail"]
        records: dict[str, Any] = {"cards": {key: {"members": {}} for key in "ABC"}}
        await call(client, "PUT", f"{url}/__admin/state", {"format": 1, "records": records}, status=507)
        assert await call(client, "GET", f"{url}/__admin/state") == before
        await call(client, "PATCH", f"{url}/__admin/state/cards/A", {"status": "issued"})
        met, _ = await activate(client, f"{url}/sandbox/other", **many)
        assert met == "activated-existing-customer"


async def test_each_sandbox_has_its_records(url: str, client: aiohttp.ClientSession) -> None:
    """The prefix names it; a reset empties it."""
    await call(client, "PUT", f"{url}/sandbox/a/__admin/state/cards/X", {"status": "activated"})
    assert (await call(client, "GET", f"{url}/__admin/state/cards/X"))["origin"] == "default"
    await call(client, "POST", f"{url}/sandbox/a/__admin/reset")
    assert (await call(client, "GET", f"{url}/sandbox/a/__admin/state"))["records"] == {}
