"""Coverage as people and pipelines read it: table, JUnit XML, page; and the command that asks for them."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from xml.etree import ElementTree as ET

import pytest

from mockserver.cli.main import main
from mockserver.reports import coverage_report
from mockserver.reports.coverage_page import FORMS, html
from tests.support import BATCH, LASTING, ONCE, Serving, folder, run, serving

NASTY = '<script>alert("&\'")</script>'


def shown(**more: Any) -> dict[str, Any]:
    """A report of two outcomes, one met and one missing."""
    row = {
        "scenario": "one",
        "operation": "op",
        "source": "documented",
        "heading": "One",
        "note": None,
        "status": 200,
        "error": None,
        "met": 3,
        "triggers": {"values": 1, "state": 2},
        "faults": {},
        "retried": 0,
        "how": "body.x y",
        "curl": "curl -i http://h/x",
    }
    other = {**row, "scenario": "two", "heading": "Two", "met": 0, "triggers": {}, "status": 400, "error": {"code": 7}}
    return {
        "sandbox": "qa",
        "contract": "abc",
        "requests": 5,
        "problems": 1,
        "documented": {"met": 1, "of": 2, "percent": 50.0},
        "assumed": {"met": 0, "of": 0, "percent": 100.0},
        "scenarios": [row, other],
        "behaviour": {"retries": [], "sent_again_after_answer_lost": 0, "secrets_in_url": 0, "malformed": {}},
        **more,
    }


class Page(HTMLParser):
    """The text, the tags and the attributes of a page; what is opened is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and its attributes."""
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """What ends is what began last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note the text."""
        self.text += data


# -- the forms ----------------------------------------------------------------------------------------


def test_the_table_says_what_is_met_and_how_the_rest_can_be() -> None:
    """A line an outcome; how to meet it stands only where it is missing."""
    lines = coverage_report.text(shown()).splitlines()
    assert lines[0] == "sandbox qa: 1 of 2 documented outcomes met (50.0 %)"
    assert lines[1] == "5 requests, 1 of them misuses; contract abc"
    assert [line.split() for line in lines if line.startswith(("  one", "  two"))] == [
        ["one", "3", "state", "2,", "values", "1"],
        ["two", "-", "body.x", "y"],
    ]


def test_behaviour_is_told_in_words() -> None:
    """Retries with their spans, a lost answer, secrets, places."""
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
def test_it_says_whose_coverage_it_is(sandbox: str | None, words: str) -> None:
    """One sandbox, the one without a name, or all."""
    assert coverage_report.whose(shown(sandbox=sandbox)) == words
    assert words in html(shown(sandbox=sandbox))


def test_no_control_character_reaches_a_terminal_or_xml() -> None:
    """A heading is any text that YAML can hold."""
    rows = [{**row, "heading": "a\x1b[31mb\x00", "how": "x\ry\x9bz", "note": "\ud800"} for row in shown()["scenarios"]]
    nasty = shown(scenarios=rows)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", coverage_report.text(nasty))
    failure = ET.fromstring(coverage_report.junit(nasty)).find(".//failure")
    assert failure is not None
    assert failure.get("message") == "not met: a [31mb "


@pytest.mark.parametrize("form", FORMS)
def test_an_assumed_outcome_stands_apart(form: str) -> None:
    """In each form, and nobody has to meet it."""
    row, other = shown()["scenarios"]
    rows = [row, {**other, "source": "assumed", "heading": None}]
    report = shown(scenarios=rows, assumed={"met": 0, "of": 1, "percent": 0.0})
    told = FORMS[form][1](report)
    assert "assumed" in told.lower()
    if form == "junit":
        documented, assumed = ET.fromstring(told)
        assert (documented.get("failures"), documented.get("skipped")) == ("0", "0")
        assert (assumed.get("failures"), assumed.get("skipped")) == ("0", "1")
        assert assumed.find("testcase/skipped") is not None


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    """No script, no link, no picture, no style sheet of another place; and it says its language."""
    page = html(shown())
    parsed = Page(page)
    assert parsed.open == []
    assert not {"script", "link", "img", "iframe", "a", "form"} & set(parsed.tags)
    assert not {name for name, _ in parsed.attributes} & {"src", "href", "onclick", "action"}
    assert ("lang", "en") in parsed.attributes
    assert "url(" not in page
    assert "@import" not in page
    assert "prefers-color-scheme:dark" in page


def test_all_that_the_page_shows_is_escaped() -> None:
    """Every text of a report may be anything."""
    row = {**shown()["scenarios"][1], **dict.fromkeys(("scenario", "heading", "note", "how", "curl", "status"), NASTY)}
    rows = [{**row, "error": {"code": NASTY}}, {**row, "met": 1, "triggers": {NASTY: 1}, "faults": {NASTY: 1}}]
    retry = {"after": NASTY, "fault": NASTY, "count": 1, "shortest_ms": 1.0, "longest_ms": 1.0}
    seen = {"retries": [retry], "sent_again_after_answer_lost": 0, "secrets_in_url": 0, "malformed": {NASTY: 1}}
    page = html(shown(scenarios=rows, behaviour=seen, sandbox=NASTY, contract=NASTY))
    parsed = Page(page)
    assert "script" not in parsed.tags
    assert parsed.text.count(NASTY) >= 12


# -- from a server ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving() as one:
        yield one


class Command:
    """The command, run in this process: exit status, standard output, standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, server: Serving, sandbox: str, *more: str) -> tuple[object, str, str]:
        """Run it about a sandbox."""
        with pytest.raises(SystemExit) as ended:
            main(["coverage", "--url", server.url, "--sandbox", sandbox, "--admin-token", "", *more])
        return ended.value.code, *self._capsys.readouterr()


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def used(server: Serving, sandbox: str) -> None:
    """A sandbox with two outcomes met."""
    for body in (LASTING, {**ONCE, "card_identifier": ""}):
        server.post(body, f"/sandbox/{sandbox}/debit/v1/activateCardForCustomer")


def test_the_command_prints_a_table_and_every_other_form(server: Serving, command: Command) -> None:
    """Text where nothing is said; JSON is that of the admin API."""
    used(server, "forms")
    status, out, err = command(server, "forms")
    assert (status, err) == (0, "")
    assert out.startswith("sandbox forms: 2 of 18 documented outcomes met (11.1 %), 0 of 4 assumed\n2 requests, 0 of")
    assert json.loads(command(server, "forms", "--format", "json")[1])["documented"]["met"] == 2
    assert Page(command(server, "forms", "--format", "html")[1]).open == []
    suites = ET.fromstring(command(server, "forms", "--format", "junit")[1].encode())
    assert [(s.get("tests"), s.get("failures"), s.get("skipped")) for s in suites] == [
        ("18", "16", "0"),
        ("4", "0", "4"),
    ]
    failure = suites.find(".//testcase[@name='rfc-invalid']/failure")
    assert failure is not None
    assert "body.customer_id TEST-RFC-INVALID\ncurl -i http" in (failure.text or "")


@pytest.mark.parametrize(
    ("form", "media", "begins"),
    [
        ("text", "text/plain; charset=utf-8", "sandbox qa: 0 of 18"),
        ("junit", "application/xml", "<?xml"),
        ("html", "text/html; charset=utf-8", "<!doctype html>"),
        ("json", "application/json", "{"),
    ],
)
def test_the_route_gives_every_form(server: Serving, form: str, media: str, begins: str) -> None:
    """With its media type, and kept in no cache."""
    with urlopen(f"{server.url}/sandbox/qa/__admin/coverage?format={form}") as response:
        assert response.headers["Content-Type"] == media
        assert response.headers["Cache-Control"] == "no-store"
        assert response.read().decode().startswith(begins)


def test_a_report_goes_into_a_file(server: Serving, command: Command, tmp_path: Path) -> None:
    """The one line that matters is printed all the same; what cannot be written is said in a line."""
    used(server, "file")
    file = tmp_path / "coverage.html"
    assert command(server, "file", "--format", "html", "--output", str(file)) == (
        0,
        "2 of 18 documented outcomes met (11.1 %), 0 of 4 assumed\n",
        "",
    )
    assert "2 of 18" in Page(file.read_text(encoding="utf-8")).text
    status, _, err = command(server, "file", "--output", str(tmp_path / "no" / "file"))
    assert status == 1
    assert err.startswith("mockserver: ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("bar", "status"), [("0", 0), ("11.1", 0), ("11.2", 2), ("100", 2), ("nan", 2), ("101", 2)])
def test_a_pipeline_is_held_to_a_bar(server: Serving, command: Command, bar: str, status: int) -> None:
    """Of the documented outcomes; the report is printed all the same."""
    name = f"bar-{bar.replace('.', '-')}"
    used(server, name)
    came, out, err = command(server, name, "--fail-under", bar)
    assert came == status
    if bar in ("11.2", "100"):
        assert "2 of 18 documented" in out
        assert err == f"mockserver: 2 of 18 documented outcomes met (11.1 %), 0 of 4 assumed; --fail-under {bar}\n"


def test_all_sandboxes_together(server: Serving, command: Command) -> None:
    """The total has what was met in any of them, also in those that were dropped."""
    server.post({**LASTING, "card_identifier": "TEST-UNKNOWN"}, "/sandbox/gone/debit/v1/activateCardForCustomer")
    server.post({}, "/sandbox/gone/__admin/reset")
    report = json.loads(command(server, "", "--all", "--format", "json")[1])
    assert report["sandbox"] is None
    assert next(r for r in report["scenarios"] if r["scenario"] == "card-batch-mismatch")["met"] >= 1


def test_what_is_no_mock_server_is_told_in_one_line(server: Serving) -> None:
    """No server, a path that is none, and no traceback."""
    for url, said in ((f"{server.url}/nowhere", "Path"), ("http://127.0.0.1:1", "is the server up")):
        done = run("coverage", "--url", url)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1
        assert said.lower() in done.stderr.lower()


def test_the_headings_of_an_overlay_are_escaped(tmp_path: Path, command: Command) -> None:
    """Whoever writes an overlay does not write the page."""
    overlay = folder(
        tmp_path / "over",
        {
            "over.yaml": f"""\
format: 1
operation: activateCardForCustomer
scenarios:
- scenario: email-taken
  documented: {json.dumps(NASTY)}
  note: {json.dumps(NASTY)}
  when: {{email: present}}
  respond: {{error: {{code: 4400, hints: [{json.dumps(NASTY)}]}}}}
  examples:
  - request:
      customer: {{first_name: A, last_name: B, email: TEST-TAKEN@example.com}}
      card_identifier: CARD-1
      reference_batch: {BATCH}
"""
        },
    )
    with serving("--overlay", str(overlay)) as server:
        page = Page(command(server, "", "--format", "html")[1])
        assert "script" not in page.tags
        assert page.text.count(NASTY) == 2
        suites = ET.fromstring(command(server, "", "--format", "junit")[1].encode())
        failure = suites.find(".//testcase[@name='email-taken']/failure")
        assert failure is not None
        assert failure.get("message") == f"not met: {NASTY}"
