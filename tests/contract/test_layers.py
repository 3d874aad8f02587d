"""Overlays: three lines of one's own over a contract, and not a copy of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mockserver import ConfigError, Contract, Engine, Reply, Request, load
from mockserver.base.values import encode_json
from mockserver.cli.main import main
from mockserver.contract.loading import compile_runtime_scenario, shipped_folder
from mockserver.core.provider_verification import ProviderVerification
from tests.support import BATCH, LASTING, ONCE, PATH, run

SCENARIOS = Path("scenarios") / "activate-card-for-customer.yaml"


def overlay(folder: Path, text: str, name: str = "own.yaml") -> Path:
    """A folder with one file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    return folder


def send(contract: Contract, body: dict[str, Any]) -> tuple[int, str]:
    """Status and scenario (or problem) of the answer to a body, on a fresh state."""
    reply = reply_to(contract, body)
    return reply.status, reply.decision.scenario.id if reply.decision else str(reply.problem)


def reply_to(contract: Contract, body: dict[str, Any]) -> Reply:
    """The answer to a body, on a fresh state."""
    return Engine(contract).handle_sync(Request("POST", PATH, encode_json(body), {"content-type": "application/json"}))


def replace_schemas(contract: Contract) -> dict[str, bool]:
    """What overlays brought, and whether it replaced something."""
    return {one.what: one.before is not None for one in contract.replaced}


def ids(contract: Contract) -> list[str]:
    """The ids of all scenarios, in the order in which they are tried."""
    return [scenario.id for scenario in contract.scenarios]


def test_an_overlay_closes_a_collection(tmp_path: Path) -> None:
    """Two lines: then only seeds and written records exist."""
    own = overlay(tmp_path, "format: 1\ncollections: {cards: {open: false}}\n")
    contract = load(overlays=[own])
    assert send(load(), ONCE)[0] == 200
    assert send(contract, ONCE) == (400, "card-batch-mismatch")
    assert send(contract, LASTING)[0] == 200
    [one] = contract.replaced
    assert one.what == "member open of collection cards"
    assert str(one.position) == f"{tmp_path / 'own.yaml'}:2:23"
    assert one.before is not None
    assert one.before.file == str(Path("scenarios/contract.yaml"))


def test_an_overlay_adds_and_replaces_seeds(tmp_path: Path) -> None:
    """A seed with a new key is added, one with the same key replaced as a whole."""
    own = overlay(
        tmp_path,
        "format: 1\ncollections:\n  cards:\n    seeds:\n"
        "      TEST-MINE: {status: activated}\n      TEST-ACTIVATED: {status: issued}\n",
    )
    contract = load(overlays=[own])
    assert send(contract, {**ONCE, "card_identifier": "TEST-MINE"}) == (400, "card-already-activated")
    assert send(contract, {**ONCE, "card_identifier": "TEST-ACTIVATED"})[0] == 200
    assert replace_schemas(contract) == {
        "seed TEST-MINE of collection cards": False,
        "seed TEST-ACTIVATED of collection cards": True,
    }


def test_an_overlay_changes_one_setting(tmp_path: Path) -> None:
    """The others stay."""
    contract = load(overlays=[overlay(tmp_path, "format: 1\nsettings: {error_status: 200}\n")])
    assert send(contract, {})[0] == 200
    assert contract.settings.utc_offset == load().settings.utc_offset == "-06:00"
    assert replace_schemas(contract) == {"setting error_status": True}
    required = load(overlays=[overlay(tmp_path, "format: 1\nsettings: {require_headers: [X-Key]}\n")])
    assert required.settings.require_headers == ("X-Key",)
    assert send(required, ONCE) == (401, "unauthorized")


def test_a_scenario_is_replaced_in_its_place(tmp_path: Path) -> None:
    """A scenario with a known id takes the place of the old one in the order of checks."""
    own = overlay(
        tmp_path,
        "format: 1\noperation: activateCardForCustomer\nscenarios:\n"
        "- scenario: pin-not-four\n  assumed: [check-order]\n  when: {violation: {at: body.pin}}\n"
        "  respond: {status: 422, error: {code: 1}}\n",
    )
    contract = load(overlays=[own])
    assert ids(contract) == ids(load())
    assert send(contract, {**ONCE, "pin": "123"}) == (422, "pin-not-four")
    assert replace_schemas(contract) == {"scenario pin-not-four of activateCardForCustomer": True}


def test_an_added_scenario_is_tried_first(tmp_path: Path) -> None:
    """Scenarios with new ids go before those of the contract, in their own order."""
    own = overlay(
        tmp_path,
        "format: 1\noperation: activateCardForCustomer\nscenarios:\n"
        "- {scenario: mine, assumed: [rfc], when: {header.x-mine: present}, respond: {error: {code: 1}}}\n"
        "- {scenario: mine-too, assumed: [rfc], when: {body.pin: present}, respond: {error: {code: 2}}}\n",
    )
    contract = load(overlays=[own])
    assert ids(contract) == ["mine", "mine-too", *ids(load())]
    assert send(contract, {"pin": "1"}) == (400, "mine-too")
    assert replace_schemas(contract) == {
        "scenario mine of activateCardForCustomer": False,
        "scenario mine-too of activateCardForCustomer": False,
    }


def test_the_last_overlay_wins(tmp_path: Path) -> None:
    """Its scenarios go before those of earlier overlays."""
    head = "format: 1\noperation: activateCardForCustomer\nscenarios:\n"
    rest = "assumed: [rfc], when: {body.pin: present}, respond: {error: {code: 1}}"
    one = overlay(tmp_path / "one", "format: 1\nsettings: {error_status: 418}\nassumptions: {mine: One.}\n")
    overlay(one, f"{head}- {{scenario: one, {rest}}}\n", "more.yaml")
    two = overlay(tmp_path / "two", "format: 1\nsettings: {error_status: 422}\nassumptions: {mine: Two.}\n")
    overlay(two, f"{head}- {{scenario: two, {rest}}}\n", "more.yaml")
    contract = load(overlays=[one, two])
    assert ids(contract)[:2] == ["two", "one"]
    assert contract.settings.error_status == 422
    assert contract.assumptions["mine"] == "Two."
    assert load(overlays=[two, one]).settings.error_status == 418
    last = {one.what: one for one in contract.replaced}["setting error_status"]
    assert (str(last.position), str(last.before)) == (f"{two / 'own.yaml'}:2:12", f"{one / 'own.yaml'}:2:12")
    assert len(contract.replaced) == 6


def test_a_schema_is_replaced_by_its_file_name(tmp_path: Path) -> None:
    """An overlay may hold schemas alone; one with a known file name takes the old one's place everywhere."""
    name = "activate-card-for-customer.request.schema.json"
    text = (shipped_folder() / "schemas" / name).read_text("utf-8").replace('"minLength": 4', '"minLength": 3')
    contract = load(overlays=[overlay(tmp_path, text, name)])
    assert send(contract, {**ONCE, "pin": "123"})[0] == 200
    assert send(load(), {**ONCE, "pin": "123"})[0] == 400
    assert replace_schemas(contract) == {f"schema {name}": True}
    assert contract.hash != load().hash


def test_a_replaced_schema_must_still_be_what_others_refer_to(tmp_path: Path) -> None:
    """References of the contract into a schema are checked against the one that replaced it."""
    overlay(tmp_path, "{}", "activate-card-for-customer.request.schema.json")
    with pytest.raises(ConfigError) as raised:
        load(overlays=[tmp_path])
    assert "$ref that leads nowhere" in {problem.what for problem in raised.value.diagnostics}


@pytest.mark.parametrize("nested", [True, False])
def test_an_overlay_has_either_layout(nested: bool, tmp_path: Path) -> None:
    """An overlay is nested or flat, as a contract is; dot-names in it are passed over."""
    folder = overlay(tmp_path / "scenarios" if nested else tmp_path, "format: 1\nsettings: {seed: 7}\n")
    overlay(folder, "{", "..data.yaml")
    if nested:
        overlay(tmp_path / "schemas", "true", "mine.json")
    assert load(overlays=[tmp_path]).settings.seed == 7


def test_a_fault_of_an_overlay_is_reported_in_its_file(tmp_path: Path) -> None:
    """Faults of several overlays come together."""
    one = overlay(tmp_path / "one", "format: 1\nsettings: {error_statsu: 200}\n")
    two = overlay(tmp_path / "two", "format: 1\ncollections: {cards: {seeds: {TEST-X: {statsu: issued}}}}\n")
    with pytest.raises(ConfigError) as raised:
        load(overlays=[one, two])
    first, second = raised.value.diagnostics
    assert (str(first.position), first.hint) == (f"{one / 'own.yaml'}:2:12", "did you mean error_status?")
    assert (str(second.position), second.hint) == (f"{two / 'own.yaml'}:2:40", "did you mean status?")


def test_a_new_scenario_may_not_catch_everything(tmp_path: Path) -> None:
    """An overlay cannot put an unconditional scenario before the contract's own."""
    own = overlay(
        tmp_path,
        "format: 1\noperation: activateCardForCustomer\nscenarios:\n"
        "- {scenario: all, assumed: [rfc], respond: {error: {code: 1}}}\n",
    )
    with pytest.raises(ConfigError) as raised:
        load(overlays=[own])
    [problem] = raised.value.diagnostics
    assert problem.what == "a scenario without conditions before others"


def test_the_last_scenario_can_be_replaced(tmp_path: Path) -> None:
    """The final scenario too is replaced by its id."""
    last = ids(load())[-1]
    own = overlay(
        tmp_path,
        "format: 1\noperation: activateCardForCustomer\nscenarios:\n"
        f"- {{scenario: {last}, assumed: [rfc], respond: {{status: 410, error: {{code: 1}}}}}}\n",
    )
    unknown = {"customer_id": "TEST-UNKNOWN", "card_identifier": "CARD-001", "reference_batch": BATCH}
    assert send(load(overlays=[own]), unknown) == (410, last)


def test_check_lists_what_overlays_replaced(tmp_path: Path) -> None:
    """The command says of each part of an overlay what it replaces, or that it is new."""
    own = overlay(
        tmp_path,
        "format: 1\ncollections:\n  cards:\n    open: true\n    seeds: {TEST-MINE: {status: issued}}\n",
    )
    done = run("check", "--overlay", str(own))
    assert (done.returncode, done.stderr) == (0, "")
    first, second, ok = done.stdout.splitlines()
    place = Path("scenarios/contract.yaml")
    assert first.startswith(f"{own / 'own.yaml'}:4:5: member open of collection cards replaces {place}:")
    assert second == f"{own / 'own.yaml'}:5:13: seed TEST-MINE of collection cards is new"
    assert ok.startswith("ok: ")


def test_check_lists_examples_that_an_overlay_changes(tmp_path: Path) -> None:
    """Check passes, and names the examples that now meet another scenario."""
    done = run("check", "--overlay", str(overlay(tmp_path, "format: 1\ncollections: {batches: {open: false}}\n")))
    assert (done.returncode, done.stderr) == (0, "")
    _, *elsewhere, ok = done.stdout.splitlines()
    assert ok.startswith("ok: ")
    pattern = rf"{re.escape(str(SCENARIOS))}:\d+:5: an example of [a-z-]+ is shadowed by reference-batch-mismatch at "
    assert len(elsewhere) > 5
    assert [line for line in elsewhere if not re.match(pattern, line)] == []


def test_examples_of_an_overlay_must_meet_their_scenarios(tmp_path: Path) -> None:
    """What an overlay brings is checked as strictly as a contract."""
    own = overlay(
        tmp_path,
        "format: 1\noperation: activateCardForCustomer\nscenarios:\n"
        "- scenario: mine\n  assumed: [rfc]\n  when: {header.x-mine: present}\n  respond: {error: {code: 1}}\n"
        "  examples:\n  - {headers: {X-Mine: a}}\n  - {request: {}}\n",
    )
    done = run("check", "--overlay", str(own))
    assert done.returncode == 1
    assert done.stderr.splitlines()[0].startswith(
        f"{own / 'own.yaml'}:10:5: an example of mine that does not meet its conditions"
    )
    assert done.stderr.splitlines()[-1] == "mockserver: 1 error in the contract"


def test_keywords_that_json_schema_lacks_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the near spelling, or the keyword that took the place of an older one, wherever a schema stands."""
    schema = '{"minLenght": 1, "x-own": 1, "properties": {"a": {"dependencies": {}, "nullable": true}}}'
    (tmp_path / "body.json").write_text(schema, "utf-8")
    (tmp_path / "contract.yaml").write_text(
        "format: 1\n"
        "collections: {things: {open: true, members: {name: {pattren: x}}}}\n"
        "operations: {get: {request: POST /things, body: body.json, envelopes: {ok: {status: 200, body: {}}}}}\n",
        "utf-8",
    )
    scenario = "{scenario: all, documented: All., respond: {ok: {}}, examples: [{request: {}}]}"
    one = "{scenario: one, documented: One., when: {any: [{body.a: {schema: {items: {maximun: 1}}}}]}"
    one += ", respond: {ok: {}}, examples: [{request: {a: [x]}}]}"
    (tmp_path / "get.yaml").write_text(f"format: 1\noperation: get\nscenarios:\n- {one}\n- {scenario}\n", "utf-8")
    text = "\n".join(map(str, load(tmp_path).warnings)).replace(f"{tmp_path}/", "")
    found = [line.removeprefix("    hint:     ") for line in text.splitlines()]
    assert sorted(one.got for one in load(tmp_path).warnings) == [
        "dependencies",
        "maximun",
        "minLenght",
        "nullable",
        "pattren",
    ]
    assert "body.json:1:2: minLenght does nothing in a schema" in found
    assert "did you mean minLength?" in found
    assert "did you mean dependentRequired or dependentSchemas?" in found
    assert "did you mean pattern?" in found
    assert "get.yaml:4:77: maximun does nothing in a schema" in found
    with pytest.raises(SystemExit) as ended:
        main(["check", str(tmp_path)])
    assert ended.value.code == 0
    assert "body.json:1:2: warning: minLenght does nothing in a schema" in capsys.readouterr().out
    assert load().warnings == ()


VERIFIED = """
format: 1
operations:
  activateCardForCustomer:
    verified:
      rfc-invalid: {on: 2031-02-03, result: differs}
      card-already-activated: {on: 2031-02-03, result: same}
"""


def test_an_overlay_says_what_was_verified(tmp_path: Path) -> None:
    """The answers of these outcomes say so; the scenario itself stays, and one added at run time has no such mark."""
    contract = load(overlays=[overlay(tmp_path, VERIFIED)])
    invalid = {**LASTING, "customer_id": "TEST-RFC-INVALID"}
    assert ("Mock-Verified", "differs; 2031-02-03") in reply_to(contract, invalid).all_headers
    assert "Mock-Verified" not in dict(reply_to(contract, LASTING).all_headers)
    operation = contract.operations[0]
    added = compile_runtime_scenario(operation, b"documented: Mine.\nrespond: {error: {code: 1}}", "rfc-invalid")
    assert (added.verified, operation.by_id["rfc-invalid"].verified) == (
        None,
        ProviderVerification("2031-02-03", "differs"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rfc-invalit: {on: 2031-02-03, result: same}", "6:7: a verification of an unknown scenario rfc-invalit"),
        ("rfc-invalid: {on: yesterday, result: same}", "6:21: wrong value"),
        ("rfc-invalid: {on: 2031-02-03, result: good}", "6:37: wrong value"),
    ],
)
def test_what_was_verified_is_checked(tmp_path: Path, text: str, said: str) -> None:
    """Name, day and result."""
    lines = VERIFIED.strip().splitlines()
    own = overlay(tmp_path, "\n".join(["", *lines[:4], f"      {text}"]))
    with pytest.raises(ConfigError) as error:
        load(overlays=[own])
    assert f"own.yaml:{said}" in str(error.value)
