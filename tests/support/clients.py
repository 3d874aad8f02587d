"""Requests by an aiohttp client."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from tests.support.samples import LASTING, ONCE, PATH


async def get_json(client: aiohttp.ClientSession, url: str, status: int = 200, method: str = "GET") -> Any:
    """The JSON of an answer of this status."""
    async with client.request(method, url) as response:
        assert response.status == status, await response.text()
        return await response.json(content_type=None)


async def post_body(client: aiohttp.ClientSession, url: str, body: object, **headers: str) -> aiohttp.ClientResponse:
    """One request, its answer read."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.post(url + PATH, json=body, headers=named) as response:
        await response.read()
        return response


async def send_five(client: aiohttp.ClientSession, url: str) -> None:
    """Five requests of different kinds."""
    await post_body(client, url, ONCE)
    await post_body(client, url, ONCE)
    await post_body(client, url, {**ONCE, "pin": "12a4"}, Mock_Scenario="provider-communication")
    await post_body(client, url, {**LASTING, "card_identifier": 7})
    await post_body(client, url, LASTING, Mock_Scenario="nothing")


async def activate(
    client: aiohttp.ClientSession, url: str, prefix: str = "", headers: Mapping[str, str] | None = None
) -> tuple[str, str | None]:
    """Activate one card; the scenario that answered and the new customer's card id."""
    async with client.post(f"{url}{prefix}{PATH}", json=ONCE, headers=headers) as response:
        payload = (await response.json()).get("payload", {})
    return response.headers["Mock-Scenario"].removeprefix("activated-"), payload.get("card_id")


def mock_headers(response: aiohttp.ClientResponse) -> set[str]:
    """The names of the headers about an answer, but for the entry's."""
    return {name for name in response.headers if name.startswith("Mock-") and name != "Mock-Entry"}
