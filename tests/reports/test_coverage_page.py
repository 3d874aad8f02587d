"""Coverage as a page: one file that runs nothing and asks for nothing."""

from mockserver.reports.coverage_page import html
from tests.support.coverage_reports import NASTY, Page, shown


def test_the_page_has_no_scripts_and_no_links() -> None:
    """No picture and no style sheet of another place; it says its language."""
    page = html(shown())
    parsed = Page(page)
    assert parsed.open == []
    assert not {"script", "link", "img", "iframe", "a", "form"} & set(parsed.tags)
    assert not {name for name, _ in parsed.attributes} & {"src", "href", "onclick", "action"}
    assert ("lang", "en") in parsed.attributes
    assert "url(" not in page
    assert "@import" not in page
    assert "prefers-color-scheme:dark" in page


def test_everything_on_the_page_is_escaped() -> None:
    """Any text of a report may hold markup."""
    row = {**shown()["scenarios"][1], **dict.fromkeys(("scenario", "heading", "note", "how", "curl", "status"), NASTY)}
    rows = [{**row, "error": {"code": NASTY}}, {**row, "met": 1, "triggers": {NASTY: 1}, "faults": {NASTY: 1}}]
    retry = {"after": NASTY, "fault": NASTY, "count": 1, "shortest_ms": 1.0, "longest_ms": 1.0}
    seen = {"retries": [retry], "sent_again_after_answer_lost": 0, "secrets_in_url": 0, "malformed": {NASTY: 1}}
    page = html(shown(scenarios=rows, behaviour=seen, sandbox=NASTY, contract=NASTY))
    parsed = Page(page)
    assert "script" not in parsed.tags
    assert parsed.text.count(NASTY) >= 12


def test_advice_is_marked_as_no_words_of_the_documents() -> None:
    """With what happened, what to do, and whether to send the request again."""
    advice = {"reason": {"en": "It is down."}, "advice": {"es": "Espere.", "en": "Wait."}, "retry": "safe"}
    row = shown()["scenarios"][1]
    page = Page(html(shown(scenarios=[{**row, **advice}])))
    assert "Advice of this mock, not of the documents: It is down. Wait." in page.text
    assert "Send again: safe" in page.text
    assert "Advice" not in Page(html(shown())).text
