"""The documents' own examples, kept as golden files, against the mock: byte for byte up to white space."""

import json
from pathlib import Path
from typing import Any

import pytest

from mockserver import Contract, Engine, Reply, Request, frozen_clock, load, parse_instant

FOLDER = Path(__file__).parent
SUCCESS_CLOCK = "2024-11-15T14:32:18.123Z"
ERROR_CLOCK = "2025-11-18T11:50:57.960232171-06:00"

OUTCOMES: dict[str, Any] = json.loads((FOLDER / "outcomes.json").read_bytes())
EXAMPLES = {
    "example-1": "activated-existing-customer",
    "example-2": "activated-new-customer",
    "example-3": "activated-customer-id-wins",
    "example-4": "activated-composite-balance",
}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return load()


def send(contract: Contract, body: bytes, clock: str, headers: dict[str, str] | None = None) -> Reply:
    """The reply of a fresh mock whose clock stands at a document's instant."""
    engine = Engine(contract, clock=frozen_clock(parse_instant(clock)))
    return engine.handle_sync(Request("POST", "/debit/v1/activateCardForCustomer", body, headers or {}))


def squeezed(text: bytes) -> bytes:
    """A JSON text without the white space between its tokens; members keep their order and spelling."""
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode()


@pytest.mark.parametrize(("example", "scenario"), EXAMPLES.items())
def test_a_documented_request_gets_the_documented_answer(contract: Contract, example: str, scenario: str) -> None:
    """Each example of the documents, on a fresh state at the documents' instant, gets the one success body."""
    body = (FOLDER / f"{example}.request.json").read_bytes()
    expected = squeezed((FOLDER / "success.json").read_bytes())
    if example == "example-4":  # the echoed customer_id is the request's own
        expected = expected.replace(b'"12345678"', b'"85"')
    reply = send(contract, body, SUCCESS_CLOCK)
    assert dict(reply.all_headers)["Mock-Scenario"] == scenario
    assert reply.body == expected


def test_the_documented_error_envelope_is_replayed(contract: Contract) -> None:
    """The one error that the documents show whole comes back whole."""
    body = {
        "customer_id": "TEST-RFC-INVALID",
        "card_identifier": "CARD-001",
        "reference_batch": "7e4b85e27c4610824900af48f340394d",
    }
    reply = send(contract, json.dumps(body).encode(), ERROR_CLOCK)
    assert reply.body == squeezed((FOLDER / "error.json").read_bytes())


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_documented_outcome_has_its_error_object(contract: Contract, outcome: str) -> None:
    """Members, order and spelling are exact."""
    scenario = next(s for s in contract.scenarios if s.id == outcome)
    assert scenario.provenance == "documented"
    reply = send(contract, b"", ERROR_CLOCK, {"mock-scenario": outcome})
    assert json.dumps(json.loads(reply.body)["error"]) == json.dumps(OUTCOMES[outcome])
    assert reply.status == (400 if OUTCOMES[outcome] else 200)


def test_other_outcomes_are_assumed(contract: Contract) -> None:
    """Each with its open point."""
    assert {s.id for s in contract.scenarios if s.provenance == "documented"} == set(OUTCOMES)
    for scenario in contract.scenarios:
        assert scenario.provenance == "documented" or scenario.assumed


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_heading_is_in_the_documents(contract: Contract, outcome: str) -> None:
    """As a line."""
    headings = (FOLDER / "headings.txt").read_text(encoding="utf-8").splitlines()
    scenario = next(s for s in contract.scenarios if s.id == outcome)
    assert scenario.heading in headings


def test_an_odd_documented_answer_has_a_note(contract: Contract) -> None:
    """For readers."""
    notes = {s.id: s.note or "" for s in contract.scenarios}
    assert "FIRST name" in notes["last-name-empty"]
    assert "whith" in notes["email-taken"]
    assert "already have" in notes["physical-card-exists"]
