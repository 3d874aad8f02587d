"""What a report says of the assumptions that answers rest on."""

from __future__ import annotations

import pytest

from mockserver import Contract
from mockserver.core.model import MISSING
from mockserver.provider.bindings import ExamplesAsTheyAre
from mockserver.provider.cases import cases
from mockserver.provider.differences import Difference
from mockserver.provider.report import CaseResult, report

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
