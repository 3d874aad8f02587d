"""The state of a sandbox over the admin API: records one by one, and all of it as a snapshot."""

import io
import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from yarl import URL

from mockserver import Contract, Engine, Request, load
from mockserver.engine.engine import run_sync
from mockserver.http_api.api import LARGE_BODY
from mockserver.server.body import MAX_ADMIN_BODY
from mockserver.server.server import serving
from tests.support import ONCE, PATH, PING, folder, problem


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
    assert shown["violations"][0]["pointer"] == "/status"
    assert (await call(client, "GET", record))["origin"] == "default"


async def test_an_unknown_key_of_a_closed_collection_is_404(
    url: str, client: aiohttp.ClientSession, contract: Contract
) -> None:
    """A near key is named."""
    closed = next(name for name, collection in contract.collections.items() if not collection.open)
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


async def test_a_snapshot_moves_to_another_server(url: str, client: aiohttp.ClientSession, contract: Contract) -> None:
    """Records, tombstones and counters: the next answers are the same."""
    await activate(client, url, customer_id=None, customer=CUSTOMER)
    await call(client, "PUT", f"{url}/__admin/state/cards/GONE", None)
    snapshot = await call(client, "GET", f"{url}/__admin/state")
    assert (snapshot["contract"], snapshot["sandbox"]) == (contract.hash, "")
    async with serving(Engine(contract)) as other:
        loaded = await call(client, "PUT", f"{other}/__admin/state", snapshot)
        assert (loaded["status"], "note" in loaded) == ("loaded", False)
        assert await call(client, "GET", f"{other}/__admin/state") == snapshot
        assert (await activate(client, other))[0] == "card-already-activated"
        assert (await activate(client, other, card="GONE"))[0] != "activated-existing-customer"
        another = {"customer_id": None, "customer": {**CUSTOMER, "email": "other@example.com"}}
        answers = [await activate(client, base, card="NEXT", **another) for base in (url, other)]
        assert answers[0] == answers[1]
        assert answers[0][1]["card_id"].endswith("2")


CUSTOMER = {
    "first_name": "Laura",
    "last_name": "P\u00e9rez",
    "email": "laura@example.com",
    "phone_number": "+5215512345678",
}


async def test_a_snapshot_of_another_contract_is_taken_if_it_fits(
    client: aiohttp.ClientSession, contract: Contract, tmp_path: Any
) -> None:
    """Otherwise nothing changes."""
    other = load(None, [folder(tmp_path, PING)])
    assert other.hash != contract.hash
    async with serving(Engine(contract)) as first, serving(Engine(other)) as second:
        await activate(client, first)
        snapshot = await call(client, "GET", f"{first}/__admin/state")
        loaded = await call(client, "PUT", f"{second}/__admin/state", snapshot)
        assert contract.hash in loaded["note"]
        breaks: tuple[dict[str, Any], ...] = (
            {"format": 2},
            {"records": {"things": {}}},
            {"records": {"cards": {"A": {"members": {"status": "lost"}}}}},
            {"records": {"cards": {"A": {"members": {}, "origin": "seed"}}}},  # seeds are the contract's
            {"records": {"cards": {"A": {"members": {}, "origin": "default"}}}},
            {"records": {"cards": {" ": {"members": {}}}}},  # no route would reach it
            {"new": {"other": {"used": 1, "searched": 1}}},
            {"new": {"card_id": {"used": 1.0, "searched": 1}}},
            {"new": {"card_id": {"used": -1, "searched": 1}}},
        )
        for broken in breaks:
            status = 404 if "things" in str(broken) else 400
            await call(client, "PUT", f"{second}/__admin/state", {**snapshot, **broken}, status=status)
        kept = await call(client, "GET", f"{second}/__admin/state")
        assert kept["records"] == snapshot["records"]


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


async def test_two_keys_of_one_record_are_refused(url: str, client: aiohttp.ClientSession) -> None:
    """A snapshot that a person wrote, with a key in two spellings, would lose one of the records."""
    records = {"batches": {"ABC": {"members": {}}, "abc": {"members": None}}}
    async with client.put(f"{url}/__admin/state", json={"format": 1, "records": records}) as response:
        shown = problem(await response.read())
        assert (response.status, "ABC and abc" in shown["detail"]) == (400, True)
    assert (await call(client, "GET", f"{url}/__admin/state"))["records"] == {}


async def test_a_large_snapshot_is_loaded_again(client: aiohttp.ClientSession, contract: Contract) -> None:
    """The admin API reads more than an operation does, and says how much."""
    engine = Engine(contract)
    for number in range(6_000):
        card = {"card_identifier": f"CARD-{number:050}", "customer_id": "TEST-CUSTOMER"}
        body = json.dumps({**ONCE, **card}).encode()
        engine.handle_sync(Request("POST", PATH, body, {"content-type": "application/json"}))
    async with serving(engine) as url:
        async with client.get(f"{url}/__admin/state") as response:
            data = await response.read()
        assert len(data) > contract.settings.max_body
        async with client.put(f"{url}/sandbox/copy/__admin/state", data=io.BytesIO(data)) as response:
            assert (response.status, (await response.json())["status"]) == (200, "loaded")
        async with client.get(f"{url}/sandbox/copy/__admin/state") as response:
            assert (await response.json())["records"] == json.loads(data)["records"]
        too_much = io.BytesIO(b" " * (MAX_ADMIN_BODY + 1))
        async with client.put(f"{url}/__admin/state", data=too_much) as response:
            shown = problem(await response.read())
        assert response.status == 413
        assert shown["detail"] == f"At most {MAX_ADMIN_BODY} bytes of a request to the admin API are read."
        async with client.post(url + PATH, data=io.BytesIO(data)) as response:
            assert (response.status, problem(await response.read())["limit"]) == (413, contract.settings.max_body)


async def test_counters_of_any_size_are_given_and_taken(url: str, client: aiohttp.ClientSession) -> None:
    """What one server gives another one takes; beyond that numbers are not exact."""
    snapshot = {"format": 1, "records": {}, "new": {"card_id": {"used": 2**53 - 1, "searched": 2**53 - 1}}}
    await call(client, "PUT", f"{url}/__admin/state", snapshot)
    given = await call(client, "GET", f"{url}/__admin/state")
    assert given["new"] == snapshot["new"]
    await call(client, "PUT", f"{url}/__admin/state", given)
    snapshot["new"] = {"card_id": {"used": 2**53, "searched": 0}}
    await call(client, "PUT", f"{url}/__admin/state", snapshot, status=400)


async def test_a_large_snapshot_is_taken_up_in_steps(url: str, client: aiohttp.ClientSession) -> None:
    """Parsed in a thread, and as exact as a small one; what is wrong in it is told."""
    cards = {f"K-{number}": {"members": {"status": "issued"}} for number in range(3_000)}
    snapshot = {"format": 1, "records": {"cards": cards}}
    assert len(json.dumps(snapshot)) > LARGE_BODY
    assert (await call(client, "PUT", f"{url}/__admin/state", snapshot))["records"] == 3_000
    listed = (await call(client, "GET", f"{url}/__admin/state/cards"))["records"]
    assert {record["key"] for record in listed} > set(cards)
    assert len((await call(client, "GET", f"{url}/__admin/state"))["records"]["cards"]) == 3_000
    broken = json.dumps(snapshot).replace('"K-1":', '"K-0":').encode()
    async with client.put(f"{url}/__admin/state", data=broken) as response:
        assert (response.status, "K-0 comes twice" in problem(await response.read())["detail"]) == (400, True)
