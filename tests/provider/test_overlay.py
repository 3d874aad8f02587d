"""An outcome with the provider's answer in it, as an overlay has it."""

import pytest

from mockserver import Contract, load
from mockserver.provider.overlay import NotAcceptedError, accepted_scenario

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


@pytest.mark.parametrize("kind", ["form", "repeated"])
def test_a_difference_without_a_value_of_its_own_is_not_accepted(shipped: Contract, kind: str) -> None:
    """In the scenario's own part of the body too: what came is no value to answer with."""
    difference = {"at": "body /error/code", "kind": kind, "expected": "once", "came": "more than once"}
    outcome = {"id": "rfc-invalid", "operation": "activateCardForCustomer", "result": "differs"}
    with pytest.raises(NotAcceptedError, match="change it by hand"):
        accepted_scenario(shipped, {**outcome, "differences": [difference]}, "2026-11-29")
