"""Snapshots of a sandbox over the admin API: all that it keeps beside the seeds."""

import io
import json
from typing import Any

import aiohttp
import pytest

from mockserver import Contract, Engine, Request, load
from mockserver.admin.routes import routes
from mockserver.decision.sandbox_names import SandboxPath
from mockserver.http_api.api import LARGE_BODY, AdminApi
from mockserver.http_api.pieces import PIECE_BYTES
from mockserver.server.body import MAX_ADMIN_BODY
from mockserver.server.server import serving
from tests.admin.test_state import activate, call
from tests.support import ONCE, PATH, PING, folder, problem


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


@pytest.mark.parametrize("path", ["state", "state/cards"])
async def test_state_is_sent_in_pieces_as_it_was_at_one_moment(contract: Contract, path: str) -> None:
    """A slow client holds one piece; what is written meanwhile does not show."""
    engine = Engine(contract)
    api = AdminApi(engine, routes)
    cards = {f"K-{number:0100}": {"members": {"status": "issued"}} for number in range(2_000)}
    snapshot = json.dumps({"format": 1, "records": {"cards": cards}}).encode()
    state = SandboxPath("", "/__admin/state")
    assert (await api.handle("PUT", state, {}, {}, snapshot)).status == 200
    reply = await api.handle("GET", SandboxPath("", f"/__admin/{path}"), {}, {}, b"")
    assert reply.pieces is not None
    first = await anext(reply.pieces)
    assert (await api.handle("PUT", state, {}, {}, b'{"format": 1, "records": {}}')).status == 200
    pieces = [first, *[piece async for piece in reply.pieces]]
    assert all(len(piece) < PIECE_BYTES + 1_000 for piece in pieces)
    assert len(pieces) > 3
    records = json.loads(b"".join(pieces))["records"]
    given = records["cards"] if path == "state" else {one["key"] for one in records}
    assert {*given} >= {*cards}
