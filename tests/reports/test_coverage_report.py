"""Coverage as people and pipelines read it: table, JUnit XML, page."""

import re
from xml.etree import ElementTree as ET

import pytest

from mockserver.reports import coverage_report
from mockserver.reports.coverage_page import MEDIA_TYPES, html, render
from tests.support.coverage_reports import shown


def test_the_table_shows_counts_and_how_to_meet_the_rest() -> None:
    """One line an outcome."""
    lines = coverage_report.text(shown()).splitlines()
    assert lines[0] == "sandbox qa: 1 of 2 documented outcomes met (50.0 %)"
    assert lines[1] == "5 requests, 1 of them misuses; contract abc"
    assert coverage_report.text(shown(requests=1)).splitlines()[1].startswith("1 request, ")
    assert [line.split() for line in lines if line.startswith(("  one", "  two"))] == [
        ["one", "3", "state", "2,", "values", "1"],
        ["two", "-", "body.x", "y"],
    ]


def test_the_client_behaviour_is_described() -> None:
    """Retries with their spans, lost answers, secrets, places."""
    retries = [
        {"after": "one", "fault": "reset", "count": 1, "shortest_ms": 5.0, "longest_ms": 5.0},
        {"after": "two", "fault": None, "count": 3, "shortest_ms": 5.0, "longest_ms": 90.5},
    ]
    seen = {"retries": retries, "sent_again_after_answer_lost": 1, "secrets_in_url": 2, "malformed": {"": 1, "/a": 2}}
    assert [*coverage_report.behaviour(shown(behaviour=seen))] == [
        "sent again after one with fault reset: once, 5 ms later",
        "sent again after two: 3 times, 5 to 90.5 ms later",
        "sent again after an answer was lost: once",
        "with a secret in the URL: twice",
        "malformed at the body as a whole: once",
        "malformed at /a: twice",
    ]


@pytest.mark.parametrize(
    ("sandbox", "words"), [(None, "all sandboxes"), ("", "the default sandbox"), ("a", "sandbox a")]
)
def test_coverage_names_its_sandbox(sandbox: str | None, words: str) -> None:
    """One sandbox, the default one, or all."""
    assert coverage_report.sandbox_label(shown(sandbox=sandbox)) == words
    assert words in html(shown(sandbox=sandbox))


def test_no_control_character_reaches_a_terminal_or_xml() -> None:
    """A heading is any text that YAML can hold."""
    rows = [{**row, "heading": "a\x1b[31mb\x00", "how": "x\ry\x9bz", "note": "\ud800"} for row in shown()["scenarios"]]
    nasty = shown(scenarios=rows)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", coverage_report.text(nasty))
    failure = ET.fromstring(coverage_report.junit(nasty)).find(".//failure")
    assert failure is not None
    assert failure.get("message") == "not met: a [31mb "


@pytest.mark.parametrize("form", MEDIA_TYPES)
def test_assumed_outcomes_are_listed_apart(form: str) -> None:
    """In each form; they count for no bar."""
    row, other = shown()["scenarios"]
    rows = [row, {**other, "source": "assumed", "heading": None}]
    report = shown(scenarios=rows, assumed={"met": 0, "of": 1, "percent": 0.0})
    told = render(report, form, "en")
    assert "assumed" in told.lower()
    if form == "junit":
        documented, assumed = ET.fromstring(told)
        assert (documented.get("failures"), documented.get("skipped")) == ("0", "0")
        assert (assumed.get("failures"), assumed.get("skipped")) == ("0", "1")
        assert assumed.find("testcase/skipped") is not None
