"""The thinnest whole path: one scenario from YAML over a real socket."""

import aiohttp

from mockserver import Engine, load
from mockserver.server.server import serving


async def test_a_card_is_activated_over_a_real_socket() -> None:
    """A documented request gets the documented answer."""
    body = {
        "customer_id": "12345678",
        "card_identifier": "CARD-001",
        "reference_batch": "7e4b85e27c4610824900af48f340394d",
    }
    async with serving(Engine(load())) as url, aiohttp.ClientSession() as client:
        response = await client.post(f"{url}/debit/v1/activateCardForCustomer", json=body)
        answer = await response.json()
    assert response.status == 200
    assert response.headers["Mock-Scenario"] == "activated-existing-customer"
    assert answer["payload"] == {"card_id": "card_987654321", "customer_id": "12345678", "status": "activated"}
