"""Requests and contracts that tests send and load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

PATH: Final = "/debit/v1/activateCardForCustomer"


BATCH: Final = "7e4b85e27c4610824900af48f340394d"


LASTING: Final = {"customer_id": "TEST-CUSTOMER", "card_identifier": "TEST-CARD", "reference_batch": BATCH}
"""A request that succeeds however often it is sent."""


ONCE: Final = {"customer_id": "12345678", "card_identifier": "CARD-001", "reference_batch": BATCH}
"""A request that succeeds once in a sandbox."""


PING: Final = {
    "ping.yaml": """\
format: 1
operations:
  ping:
    request: GET /v1/ping/{word}
    envelopes:
      success: {status: 200, body: "${respond}"}
""",
    "ping.scenarios.yaml": """\
format: 1
operation: ping
scenarios:
- scenario: pong
  documented: Ping.
  respond: {success: {word: "pong"}}
  examples: [{path: {word: "a b"}, query: {again: "1"}, headers: {x-one: two}}]
""",
}
"""An overlay with a second operation, which has no body and no state."""


def folder(at: Path, files: Mapping[str, str]) -> Path:
    """A folder with these files."""
    at.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (at / name).write_text(text, encoding="utf-8")
    return at


def problem(body: bytes | str) -> dict[str, Any]:
    """A problem document, its members checked."""
    shown: dict[str, Any] = json.loads(body)
    assert {"type", "title", "status", "detail"} <= shown.keys()
    return shown
