"""An outcome with the provider's answer in it, as an overlay has it."""

import pytest

from mockserver import Contract, load
from mockserver.provider.overlay import accepted_scenario

SAID = "Accepted from the provider on 2026-11-29."


@pytest.fixture(scope="module")
def shipped() -> Contract:
    return load()


@pytest.mark.parametrize("outcome", ["last-name-empty", "first-name-empty"])
def test_a_note_keeps_its_languages(shipped: Contract, outcome: str) -> None:
    """What was accepted is said behind each text, or alone where there is no note."""
    difference = {"at": "status", "kind": "status", "expected": 400, "came": 422}
    accepted = accepted_scenario(
        shipped,
        {"id": outcome, "operation": "activateCardForCustomer", "result": "differs", "differences": [difference]},
        "2026-11-29",
    )
    notes = shipped.operations[0].by_id[outcome].notes
    assert accepted["respond"]["status"] == 422
    assert accepted["note"] == ({language: f"{text} {SAID}" for language, text in notes.items()} or SAID)
