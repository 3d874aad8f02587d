"""A client that reads the example: it works with the answers of the document, and with no other form of them."""

import re
from datetime import datetime

import requests

PATH = "/debit/v1/activateCardForCustomer"


def activate(base_url: str, body: dict) -> tuple[str, datetime]:
    """Activate a card: its id, and when. Raises `ValueError` with the code of an error."""
    response = requests.post(base_url + PATH, json=body, timeout=5)
    assert response.headers["Content-Type"] == "application/json"
    error = re.search(r'"error":{"code":(\d+)', response.text)
    if error:
        raise ValueError(int(error[1]))
    answer = response.json()
    assert answer["error"] == {}
    assert answer["endpoint"] == "debit/v1/activateCardForCustomer"
    assert set(answer["payload"]) == {"card_id", "customer_id", "status"}
    assert re.fullmatch(r"card_\d+", answer["payload"]["card_id"])
    return answer["payload"]["card_id"], datetime.strptime(answer["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: DTZ007
