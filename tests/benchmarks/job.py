"""The job in plain Python, for what is written by hand beside the mock. Knows no library."""

from __future__ import annotations

import datetime as dt
from typing import Any

PATH = "/debit/v1/activateCardForCustomer"


def answer(customer: object, card: str = "card_987654321") -> dict[str, Any]:
    """A success with a fresh timestamp."""
    return {
        "text": "Success",
        "timestamp": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "endpoint": PATH[1:],
        "error": {},
        "payload": {"card_id": card, "customer_id": customer, "status": "activated"},
    }
