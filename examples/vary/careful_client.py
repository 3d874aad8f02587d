"""A client that reads the contract: JSON as JSON, instants as instants, ids as text, and members by name."""

from datetime import datetime

import requests

PATH = "/debit/v1/activateCardForCustomer"


def activate(base_url: str, body: dict) -> tuple[str, datetime]:
    """Activate a card: its id, and when. Raises `ValueError` with the code of an error."""
    answer = requests.post(base_url + PATH, json=body, timeout=5).json()
    error = answer.get("error") or {}
    if error:
        raise ValueError(int(error["code"]))
    return answer["payload"]["card_id"], datetime.fromisoformat(answer["timestamp"])
