"""A second operation is YAML and JSON Schema alone: it reads what the first one wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp

from mockserver import Engine, check, load
from mockserver.server.server import serving
from tests.support import BATCH, PATH

OVERLAY = Path(__file__).parent / "second-operation"


async def get(client: aiohttp.ClientSession, url: str, customer: str, **query: str) -> tuple[int, str, Any]:
    """Status, scenario and body of the second operation's answer."""
    async with client.get(f"{url}/debit/v1/customers/{customer}/cards", params=query) as response:
        return response.status, response.headers.get("Mock-Scenario", ""), await response.json(content_type=None)


async def activate(client: aiohttp.ClientSession, url: str, card: str, **members: Any) -> Any:
    """The payload of an activation that succeeds."""
    body = {"card_identifier": card, "reference_batch": BATCH, **members}
    async with client.post(f"{url}{PATH}", json=body) as response:
        assert response.status == 200
        return (await response.json())["payload"]


async def test_the_second_operation_lists_records_of_the_first() -> None:
    """Path and query parameters choose the customer and the view."""
    async with serving(Engine(load(overlays=[OVERLAY]))) as url, aiohttp.ClientSession() as client:
        assert await get(client, url, "TEST-ENTERPRISE") == (404, "no-cards", {"error": "no cards"})
        first = await activate(client, url, "CARD-001", customer_id="TEST-ENTERPRISE")
        second = await activate(client, url, "CARD-002", customer_id="TEST-ENTERPRISE")
        keys = {"customer": "TEST-ENTERPRISE", "cards": ["CARD-001", "CARD-002"]}
        assert await get(client, url, "TEST-ENTERPRISE") == (200, "cards", keys)
        assert await get(client, url, "TEST-ENTERPRISE", view="keys") == (200, "cards", keys)
        status, scenario, full = await get(client, url, "TEST-ENTERPRISE", view="full")
        assert (status, scenario) == (200, "cards-in-full")
        assert full["cards"] == [
            {"key": "CARD-001", "id": first["card_id"], "status": "activated", "batch": BATCH},
            {"key": "CARD-002", "id": second["card_id"], "status": "activated", "batch": BATCH},
        ]


async def test_the_second_operation_finds_a_generated_id() -> None:
    """Percent escapes in the path are decoded."""
    async with serving(Engine(load(overlays=[OVERLAY]))) as url, aiohttp.ClientSession() as client:
        made = await activate(client, url, "CARD 1/2", customer={"first_name": "Laura", "last_name": "Pérez"})
        found = await get(client, url, made["customer_id"])
        assert found == (200, "cards", {"customer": made["customer_id"], "cards": ["CARD 1/2"]})
        await activate(client, url, "CARD-002", customer_id="ñ 1")
        assert await get(client, url, "ñ%201") == (200, "cards", {"customer": "ñ 1", "cards": ["CARD-002"]})


async def test_a_bad_query_parameter_is_a_violation() -> None:
    """Its value is not repeated."""
    async with serving(Engine(load(overlays=[OVERLAY]))) as url, aiohttp.ClientSession() as client:
        status, scenario, body = await get(client, url, "TEST-HAS-CARD", view="hush")
        assert (status, scenario) == (400, "query-bad")
        assert body == {"error": 'query.view: expected one of "keys", "full", got other text'}


async def test_built_in_features_work_for_any_operation() -> None:
    """Misspelt test values, forced scenarios, sandboxes and methods."""
    async with serving(Engine(load(overlays=[OVERLAY]))) as url, aiohttp.ClientSession() as client:
        status, _, body = await get(client, url, "TEST-HAS-CRAD")
        assert (status, body["member"], body["did_you_mean"][0]) == (400, "path.customer_id", "TEST-HAS-CARD")
        path = f"{url}/debit/v1/customers/85/cards"
        async with client.get(path, headers={"Mock-Scenario": "nobody"}) as response:
            assert (response.status, await response.json()) == (404, {"error": "no such customer"})
            assert response.headers["Mock-Assumed"] == "second-operation"
        async with client.post(path) as response:
            assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
        await activate(client, f"{url}/sandbox/a", "CARD-001", customer_id="85")
        assert (await get(client, f"{url}/sandbox/a", "85"))[1] == "cards"
        assert (await get(client, f"{url}/sandbox/b", "85"))[1] == "no-cards"


def test_examples_with_parameters_are_checked() -> None:
    """The linter runs examples with path and query parameters."""
    contract = load(overlays=[OVERLAY])
    assert check(contract) == ()
    operation = contract.operations[-1]
    assert (operation.method, operation.path) == ("GET", "/debit/v1/customers/{customer_id}/cards")
    assert [s.id for s in operation.scenarios] == ["query-bad", "no-cards", "cards-in-full", "cards", "nobody"]
    assert all(s.examples for s in operation.scenarios)
