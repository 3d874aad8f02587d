"""A report of coverage, and the page that shows one."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

NASTY = '<script>alert("&\'")</script>'


def shown(**more: Any) -> dict[str, Any]:
    """A report of two outcomes, one met and one missing."""
    row = {
        "scenario": "one",
        "operation": "op",
        "source": "documented",
        "heading": "One",
        "note": None,
        "verified": None,
        "notes": {},
        "reason": {},
        "advice": {},
        "retry": None,
        "status": 200,
        "error": None,
        "met": 3,
        "triggers": {"values": 1, "state": 2},
        "faults": {},
        "retried": 0,
        "how": "body.x y",
        "values": [{"at": "body.x", "value": "y"}],
        "conditions": [{"body.x": "y"}],
        "record_titles": {"customer": {"en": "Customers", "es": "Clientes"}},
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
