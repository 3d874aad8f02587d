"""Many clients at once: nothing crosses over between sandboxes, and a card is activated once."""

import asyncio
import json
import ssl
from collections import Counter
from pathlib import Path

import aiohttp
import trustme

from mockserver import Contract, Engine
from mockserver.server.server import serving
from mockserver.server.tls import server_context
from tests.support import ONCE, PATH, answer, head


def body(card: str, **more: str) -> dict[str, str]:
    return {**ONCE, "card_identifier": card, **more}


async def test_five_hundred_clients_in_fifty_sandboxes(url: str) -> None:
    """Each client has a connection of its own and activates a card that its nine neighbours have too.

    In every sandbox one of ten succeeds, and all that a sandbox keeps and tells is its own.
    """

    async def client(number: int) -> tuple[str, str, str]:
        sandbox = f"worker-{number % 50}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/sandbox/{sandbox}{PATH}", json=body("CARD-1", customer_id=sandbox)) as response,
        ):
            payload = (await response.json()).get("payload") or {}
            return sandbox, response.headers["Mock-Scenario"], payload.get("customer_id", "")

    met = await asyncio.gather(*map(client, range(500)))
    assert Counter(scenario for _, scenario, _ in met) == {
        "activated-existing-customer": 50,
        "card-already-activated": 450,
    }
    successes = [(sandbox, customer) for sandbox, scenario, customer in met if scenario.startswith("activated")]
    assert sorted(successes) == sorted((f"worker-{n}", f"worker-{n}") for n in range(50))
    ids = set()
    async with aiohttp.ClientSession() as session:
        for number in range(50):
            async with session.get(f"{url}/sandbox/worker-{number}/__admin/state") as response:
                records = (await response.json())["records"]
            assert list(records["cards"]) == ["CARD-1"]
            assert list(records["customers"]) == [f"worker-{number}"]
            async with session.get(f"{url}/sandbox/worker-{number}/__admin/requests") as response:
                entries = (await response.json())["requests"]
            assert [entry["sandbox"] for entry in entries] == [f"worker-{number}"] * 10
            ids.add(records["cards"]["CARD-1"]["members"]["card_id"])
    assert len(ids) == 50


async def test_one_card_is_activated_by_one_of_a_thousand(url: str) -> None:
    """A thousand requests at once: exactly one succeeds, the rest get 4433."""
    connector = aiohttp.TCPConnector(limit=200)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def activate() -> tuple[int, int]:
            async with session.post(url + PATH, json=body("CARD-1")) as response:
                return response.status, (await response.json())["error"].get("code", 0)

        met = Counter(await asyncio.gather(*(activate() for _ in range(1_000))))
    assert met == {(200, 0): 1, (400, 4433): 999}


async def activations(url: str, trust: ssl.SSLContext | bool = True, delay: str = "0ms") -> Counter[str]:
    """What answers 200 requests at once for one card, by scenario."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100, ssl=trust)) as session:

        async def activate() -> str:
            async with session.post(url + PATH, json=body("CARD-1"), headers={"Mock-Delay": delay}) as response:
                return response.headers["Mock-Scenario"]

        return Counter(await asyncio.gather(*(activate() for _ in range(200))))


ONE_OF_200 = {"activated-existing-customer": 1, "card-already-activated": 199}


async def test_one_card_is_activated_once_by_delayed_requests(url: str) -> None:
    """All wait before their answers are sent."""
    assert await activations(url, delay="20ms") == ONE_OF_200


async def test_one_card_is_activated_once_over_tls(contract: Contract, tmp_path: Path) -> None:
    """With a connection each for a hundred requests."""
    authority, trust = trustme.CA(), ssl.create_default_context()
    authority.configure_trust(trust)
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    offered = server_context(tmp_path / "both.pem", tmp_path / "both.pem", print)
    async with serving(Engine(contract), tls=offered) as url:
        assert await activations(url, trust) == ONE_OF_200


async def test_one_card_is_activated_once_by_pipelined_requests(url: str) -> None:
    """On one connection, all sent before an answer is read."""
    data = json.dumps(body("CARD-1")).encode()
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write((head("POST", PATH, length=len(data)) + data) * 200)
    scenarios = [(await answer(reader))[1]["mock-scenario"] for _ in range(200)]
    writer.close()
    assert scenarios == ["activated-existing-customer", *["card-already-activated"] * 199]


async def test_512_parallel_arms_are_each_used_once(url: str) -> None:
    """Over eight sandboxes, as one takes a hundred."""
    names = [f"s{number % 8}" for number in range(512)]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100)) as session:

        async def post(name: str, path: str, data: object) -> tuple[int, str]:
            async with session.post(f"{url}/sandbox/{name}{path}", json=data) as response:
                return response.status, response.headers.get("Mock-Scenario", "")

        armed = await asyncio.gather(*(post(name, "/__admin/arm", {"scenario": "rfc-invalid"}) for name in names))
        assert Counter(armed) == {(201, ""): len(names)}
        used = await asyncio.gather(*(post(name, PATH, body("CARD-1")) for name in names))
        assert Counter(used) == {(400, "rfc-invalid"): len(names)}
        left = await asyncio.gather(*(post(name, PATH, body("CARD-1")) for name in names[:8]))
        assert Counter(left) == {(200, "activated-existing-customer"): 8}
