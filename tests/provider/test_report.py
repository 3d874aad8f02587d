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


@pytest.mark.parametrize(
    ("differences", "results"),
    [
        ([Difference("body /error/code", "value", 7000, 4400)], {"refuted"}),
        ([Difference("body /error/code", "missing", 7000, MISSING)], {"refuted"}),
        ([Difference("body /timestamp", "missing", "...", MISSING)], {"confirmed"}),
        ([Difference("body /timestamp", "type", "...", 1)], {"confirmed"}),
        ([Difference("body /endpoint", "value", "/a", "a")], {"confirmed"}),
        ([Difference("body /error/code", "type", 7000, "7000")], {"confirmed"}),
        ([Difference("body", "type", {}, [1, 2])], {"not-reached"}),
        ([Difference(f"body /{name}", "missing", "...", MISSING) for name in ENVELOPE], {"not-reached"}),
        ([Difference("body", "not-json", "JSON", "<html>")], {"not-reached"}),
    ],
)
def test_an_assumption_is_refuted_by_what_is_the_answers_own(
    contract: Contract, differences: list[Difference], results: set[str]
) -> None:
    """Not by the envelope around it, which has its own differences, nor by a gateway that speaks JSON."""
    (case,) = cases(contract, ["rfc-invalid"], ExamplesAsTheyAre())
    document = report(contract, "http://provider", 0, [CaseResult(case, tuple(differences))], ())
    assert {one["result"] for one in document["assumptions"]} == results


@pytest.mark.parametrize(
    ("expected", "instead", "bound", "results"),
    [
        ("card-already-activated", "activated-existing-customer", {"card"}, {"not-reached"}),
        ("pin-not-digits", "reference-batch-mismatch", {"batch"}, {"not-reached"}),
        ("rfc-invalid", "activated-new-customer", {"batch", "card"}, {"refuted"}),
        ("card-already-activated", "activated-existing-customer", {}, {"refuted"}),
    ],
)
def test_an_outcome_that_the_providers_records_explain_tells_nothing_of_an_assumption(
    contract: Contract, expected: str, instead: str, bound: set[str], results: set[str]
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
    assert {one["result"] for one in document["assumptions"]} == results


def test_the_page_lists_the_open_points_that_no_outcome_tells(contract: Contract) -> None:
    """Those that no run can confirm or refute."""
    page = (ROOT / "docs/pages/how-to/keep-the-mock-true.md").read_text(encoding="utf-8")
    listed = page.partition("no example rests on them:")[2].partition(". Ask")[0]
    every = cases(contract, [scenario.id for scenario in contract.scenarios], ExamplesAsTheyAre())
    told = {name for case in every for name in case.assumptions}
    assert set(re.findall("`(.+?)`", listed)) == {*contract.assumptions} - told
