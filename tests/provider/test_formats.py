"""A report on a provider in its formats."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from mockserver.provider.formats import junit, text
from mockserver.provider.page import html
from tests.support.coverage_reports import NASTY, Page


def report(words: str = "x") -> dict[str, Any]:
    """A report with each result; `words` stand wherever a provider or a contract has words."""
    sides = {"expected": words, "came": words}
    kinds = ("status", "missing", "extra", "type", "not-json")
    differences = [{"at": f"body {words}", "kind": kind, **sides} for kind in kinds]
    one: dict[str, Any] = {"operation": words, "differences": [], "reason": None}
    return {
        "target": words,
        "at": "2031-02-03T04:05:06.123Z",
        "contract": words,
        "outcomes": [
            {**one, "id": f"a{words}", "result": "same"},
            {**one, "id": f"b{words}", "result": "differs", "differences": differences},
            {**one, "id": f"c{words}", "result": "not-reached", "reason": words},
        ],
        "assumptions": [
            {"id": f"d{words}", "result": "confirmed", "evidence": [f"a{words}"] * 5},
            {"id": f"e{words}", "result": "refuted", "evidence": [f"b{words}"]},
            {"id": f"f{words}", "result": "not-reached", "evidence": []},
        ],
    }


def test_the_text_says_each_result_in_a_line() -> None:
    """Each difference below its outcome, each evidence below its assumption."""
    assert (
        text(report())
        == """\
x at 2031-02-03T04:05:06.123Z, contract x
1 same, 1 differ, 1 not reached

same         ax
differs      bx
    body x: expected "x", came "x"
    body x: missing, expected "x"
    body x: extra, came "x"
    body x: expected "x", came "x" (type)
    body x: expected "x", came "x"
not reached  cx
    x

assumptions:
confirmed    dx
    ax, ax, ax and 2 more
refuted      ex
    bx: body x: expected "x", came "x"
not reached  fx
    no answer tells
"""
    )


def test_junit_counts_failures_and_what_was_not_reached() -> None:
    """A suite for the outcomes and one for the assumptions; any text of a provider is XML."""
    for words in ("x", NASTY, "\x00\x1b\ud800"):
        outcomes, assumptions = ET.fromstring(junit(report(words)))
        for suite in (outcomes, assumptions):
            assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
            assert [[part.tag for part in case] for case in suite] == [[], ["failure"], ["skipped"]]


def test_the_page_runs_nothing_and_asks_for_nothing() -> None:
    """Every value is escaped; what differs stands first."""
    page = html(report(NASTY))
    parsed = Page(page)
    assert parsed.open == []
    assert not {"script", "link", "img", "iframe", "a", "form"} & set(parsed.tags)
    assert not {name for name, _ in parsed.attributes} & {"src", "href", "onclick", "action"}
    assert parsed.text.index(f"b{NASTY}") < parsed.text.index(f"c{NASTY}") < parsed.text.index(f"a{NASTY}")
    assert "1 of 2 compared" in Page(html(report())).text


def test_the_page_of_a_run_that_compared_nothing_divides_by_nothing() -> None:
    """It says so in figures."""
    empty = {**report(), "outcomes": [], "assumptions": []}
    assert "0 of 0 compared" in Page(html(empty)).text
    assert ET.fromstring(junit(empty))[0].get("tests") == "0"
