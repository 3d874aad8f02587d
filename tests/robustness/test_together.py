"""Many clients at once: nothing crosses over between sandboxes, and a card is activated once."""

import asyncio
from collections import Counter

import aiohttp

from tests.support import ONCE, PATH


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
