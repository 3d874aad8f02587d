"""What a report says of the assumptions that answers rest on."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mockserver import Contract
from mockserver.core.model import MISSING
from mockserver.provider.bindings import ExamplesAsTheyAre
from mockserver.provider.cases import cases
from mockserver.provider.differences import Difference
from mockserver.provider.report import CaseResult, report

ROOT = Path(__file__).parents[2]
ENVELOPE = ("text", "timestamp", "endpoint", "error")


CASE, GENERAL = ("check-order", "rfc"), ("method", "authentication")
"""Assumptions that the case rests on, and that all requests do."""


@pytest.mark.parametrize(
    ("differences", "case", "general", "error_status"),
    [
        ([Difference("body /error/code", "value", 7000, 4400)], "refuted", "confirmed", "confirmed"),
        ([Difference("body /error/code", "missing", 7000, MISSING)], "refuted", "confirmed", "confirmed"),
        ([Difference("body /error", "missing", {}, MISSING)], "refuted", "confirmed", "confirmed"),
        ([Difference("status", "status", 400, 422)], "confirmed", "confirmed", "refuted"),
        (
            [Difference("status", "status", 400, 405), Difference("body /error/code", "value", 7000, 405)],
            *("refuted", "refuted", "refuted"),
        ),
        ([Difference("body /error/hints/0", "value", "No", "No.")], "confirmed", "confirmed", "confirmed"),
        ([Difference("body /timestamp", "missing", "...", MISSING)], "confirmed", "confirmed", "confirmed"),
        ([Difference("body /timestamp", "type", "...", 1)], "confirmed", "confirmed", "confirmed"),
        ([Difference("body /endpoint", "value", "/a", "a")], "confirmed", "confirmed", "confirmed"),
        ([Difference("body /error/code", "type", 7000, "7000")], "confirmed", "confirmed", "confirmed"),
        ([Difference("body", "type", {}, [1, 2])], "not-reached", "not-reached", "not-reached"),
        (
            [Difference(f"body /{name}", "missing", "...", MISSING) for name in ENVELOPE],
            *("not-reached", "not-reached", "not-reached"),
        ),
        ([Difference("body", "not-json", "JSON", "<html>")], "not-reached", "not-reached", "not-reached"),
    ],
)
def test_what_an_answer_says_of_assumptions(
    contract: Contract, differences: list[Difference], case: str, general: str, error_status: str
) -> None:
    """Another code refutes what the case rests on, another status what the status does; words and form refute nothing.

    Nor does a gateway that speaks JSON.
    """
    (sent,) = cases(contract, ["rfc-invalid"], ExamplesAsTheyAre())
    document = report(contract, "http://provider", 0, [CaseResult(sent, tuple(differences))], ())
    results = {one["id"]: one["result"] for one in document["assumptions"]}
    assert results == {**dict.fromkeys(CASE, case), **dict.fromkeys(GENERAL, general), "error-status": error_status}


@pytest.mark.parametrize(
    ("expected", "instead", "bound", "check_order"),
    [
        ("card-already-activated", "activated-existing-customer", {"card"}, "not-reached"),
        ("pin-not-digits", "reference-batch-mismatch", {"batch"}, "not-reached"),
        ("rfc-invalid", "activated-new-customer", {"batch", "card"}, "refuted"),
        ("card-already-activated", "activated-existing-customer", {}, "refuted"),
    ],
)
def test_an_outcome_that_the_providers_records_explain_tells_nothing_of_an_assumption(
    contract: Contract, expected: str, instead: str, bound: set[str], check_order: str
) -> None:
    """The bindings may name a card that is not activated there; the report names the outcome that came."""
    (case,) = cases(contract, [expected], ExamplesAsTheyAre())
    result = CaseResult(
        replace(case, bound_lookups=frozenset(bound)),
        (Difference("body /error", "missing", {}, None),),
        instead=(contract.operations[0].by_id[instead],),
    )
    document = report(contract, "http://provider", 0, [result], ())
    assert document["outcomes"][0]["reason"] == f"the answer is that of {instead}"
    assert {one["id"]: one["result"] for one in document["assumptions"]}["check-order"] == check_order


def test_the_page_lists_the_open_points_that_no_outcome_tells(contract: Contract) -> None:
    """Those that no run can confirm or refute."""
    page = (ROOT / "docs/pages/how-to/keep-the-mock-true.md").read_text(encoding="utf-8")
    listed = page.partition("no example rests on them:")[2].partition(". Ask")[0]
    every = cases(contract, [scenario.id for scenario in contract.scenarios], ExamplesAsTheyAre())
    told = {name for case in every for name in case.assumptions}
    assert set(re.findall("`(.+?)`", listed)) == {*contract.assumptions} - told
