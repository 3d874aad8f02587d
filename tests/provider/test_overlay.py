"""An outcome with the provider's answer in it, as an overlay has it."""

from pathlib import Path

import pytest

from mockserver import Contract, load
from mockserver.provider.bindings_template import yaml_key
from mockserver.provider.overlay import NotAcceptedError, accepted_scenario
from tests.support import PING, folder

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


def test_a_part_of_the_scenario_in_a_list_is_accepted(tmp_path: Path) -> None:
    """As one in an object is."""
    files = {name: text.replace('body: "${respond}"', 'body: {all: ["${respond}"]}') for name, text in PING.items()}
    contract = load(overlays=[folder(tmp_path / "ping", files)])
    difference = {"at": "body /all/0/word", "kind": "value", "expected": "pong", "came": "ping"}
    outcome = {"id": "pong", "operation": "ping", "result": "differs", "differences": [difference]}
    assert accepted_scenario(contract, outcome, "2026-11-29")["respond"] == {"success": {"word": "ping"}}


@pytest.mark.parametrize(("name", "key"), [("a-1.b", "a-1.b"), ("null", '"null"'), ("True", '"True"'), ("7", '"7"')])
def test_a_name_that_yaml_would_not_read_as_a_text_is_in_quotes(name: str, key: str) -> None:
    assert yaml_key(name) == key
