"""The job in plain Python, for what is written by hand beside the mock. Knows no library."""

from __future__ import annotations

import datetime as dt
from typing import Any

PATH = "/debit/v1/activateCardForCustomer"


def success(customer: object, card: str = "card_987654321", timestamp: str | None = None) -> dict[str, Any]:
    """A success, with the time of now unless another is given."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "text": "Success",
        "timestamp": timestamp or now,
        "endpoint": PATH[1:],
        "error": {},
        "payload": {"card_id": card, "customer_id": customer, "status": "activated"},
    }
