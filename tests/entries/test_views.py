"""What lists and details show of an entry."""

import json
from dataclasses import replace
from typing import Any

import pytest

from mockserver import Contract, Engine, Request, frozen_clock
from mockserver.entries.reconstruction import reconstruct
from mockserver.entries.views import entry_details, entry_summary, records_before_and_after, text_or_json
from mockserver.reports.bug_report import report
from mockserver.reports.har import har_entry
from tests.support import LASTING, ONCE, PATH, journal

JSON = {"content-type": "application/json"}


def sent(engine: Engine, body: object, path: str = PATH, **headers: str) -> Any:
    """One request in process."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return engine.handle_sync(Request("POST", path, json.dumps(body).encode(), {**JSON, **named}))


def test_an_entry_shows_faults_problems_and_new_records(contract: Contract) -> None:
    """And bodies that are no JSON."""
    engine = Engine(contract, clock=frozen_clock(0))
    sent(engine, ONCE, mock_fault="reset")
    engine.handle_sync(Request("GET", "/nothing", b"\xff", {}, {"a": "b1"}))
    new = {k: v for k, v in ONCE.items() if k != "customer_id"}
    person = {"first_name": "A", "last_name": "B", "email": "[email protected]", "phone_number": "+5215512345678"}
    sent(engine, {**new, "customer": person})
    sent(engine, LASTING, mock_scenario="rfc-invalid")
    forced, created, problematic, lost = journal(engine, None)
    shown = [entry_details(one, contract.hash, reconstruct(one, contract)) for one in (forced, problematic)]
    assert har_entry(lost)["response"]["status"] == 0
    assert (entry_summary(problematic)["scenario"], entry_summary(problematic)["target"]) == (None, "/nothing?a=b1")
    assert (shown[1]["decision"], shown[1]["misses"], shown[1]["records"]) == (None, [], [])
    assert text_or_json(b"\xff") == "�"
    assert (shown[0]["misses"], entry_summary(forced)["trigger"]) == ([], "header")
    hint = "Server error"
    assert [(one["code"], one["hint"]) for one in map(entry_summary, (forced, created, problematic))] == [
        (7000, hint),
        (None, None),
        (None, None),
    ]
    emails = [one for one in records_before_and_after(created) if one["lookup"] == "email"]
    assert emails[0]["before"] is None
    assert emails[0]["after"]["origin"] == "request"
    unchanged = [one["after"] == one["before"] for one in records_before_and_after(lost)]
    assert unchanged == [True] * 4  # nothing was committed


def test_missing_credentials_alone_are_no_warning_of_a_row(contract: Contract) -> None:
    """Nearly no client sends them; a misspelt member is one, and the details show both."""
    engine = Engine(contract)
    sent(engine, {**ONCE, "custmer_id": "1"})
    sent(engine, ONCE)
    plain, misspelt = journal(engine, None)
    assert [entry_summary(one)["has_warnings"] for one in (plain, misspelt)] == [False, True]
    keywords = [[warn["keyword"] for warn in entry_details(one, "", None)["warnings"]] for one in (plain, misspelt)]
    assert keywords == [["authentication"], ["unknown-member", "authentication"]]


def test_the_record_of_an_unused_id_is_no_record_of_an_entry(contract: Contract) -> None:
    """An id that was drawn, and not used, has a default record that the request could not meet."""
    engine = Engine(contract)
    new = {name: value for name, value in ONCE.items() if name != "customer_id"}
    sent(engine, new, mock_scenario="rfc-invalid")
    (entry,) = journal(engine, None)
    assert entry.decision is not None
    assert "created" in entry.decision.lookups
    assert [one["lookup"] for one in records_before_and_after(entry)] == ["batch", "card"]


@pytest.mark.parametrize("seed", range(6))
def test_a_code_is_one_number_however_it_is_written(contract: Contract, seed: int) -> None:
    """A list and a bug report show 4433 where a varied body has `4433.0` or `4433e0`."""
    engine = Engine(contract, settings=replace(contract.settings, vary=f"{seed}:numbers"))
    sent(engine, {**ONCE, "card_identifier": "TEST-ACTIVATED"})
    (entry,) = journal(engine, None)
    assert json.dumps(entry_summary(entry)["code"]) == "4433"
    assert "<b>400 4433</b>" in report(entry, contract, None, {"retried_by": None, "retry_of": None}, "+00:00")


def test_a_row_has_the_keys_that_the_request_named(contract: Contract) -> None:
    """A new id that was drawn is none of them, but where the request has the same."""
    engine = Engine(contract, clock=frozen_clock(0))
    sent(engine, {**ONCE, "customer_id": "a-customer"})
    sent(engine, {**ONCE, "card_identifier": "CARD-002"})
    same, other = map(entry_summary, journal(engine, None))
    assert other["keys"] == [ONCE["reference_batch"], "CARD-001", "a-customer"]
    assert same["keys"] == [ONCE["reference_batch"], "CARD-002", "12345678"]
