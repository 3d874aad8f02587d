"""A report on a provider as a self-contained HTML page without scripts; every value is escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any, Final

from mockserver.base.values import encode_ascii_json
from mockserver.provider.formats import evidence_words, json_text, junit, summary, text
from mockserver.provider.report import Report, counts
from mockserver.reports.html_page import html_page

_MARKS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("same", "confirmed"), "met"),
    **dict.fromkeys(("differs", "refuted"), "missing"),
    "not-reached": "open",
}
"""The class of the mark of each result."""

_ORDER: Final = ("differs", "refuted", "not-reached", "same", "confirmed")


def html(report: Report) -> str:
    """The page."""
    return html_page(f"{summary(report)} - provider", _body(report), "en")


def _body(report: Report) -> Iterator[str]:
    found = counts(report)
    compared = found["same"] + found["differs"]
    width = 100 * found["same"] / compared if compared else 0
    yield "<h1>Provider compared with the contract</h1>"
    yield f"<p class=soft>{_e(report['target'])} · {_e(report['at'])} · contract {_e(report['contract'])}</p>"
    yield "<dl class=figures>"
    yield (
        f"<div class=big><dt>Answers as the contract says</dt><dd>{found['same']} of {compared} "
        f'<small>compared</small></dd><dd class=bar aria-hidden=true><i style="width:{width:.1f}%"></i></dd></div>'
    )
    refuted = sum(one["result"] == "refuted" for one in report["assumptions"])
    for title, number in (
        ("Differ", found["differs"]),
        ("Not reached", found["not-reached"]),
        ("Refuted", refuted),
    ):
        yield f"<div><dt>{title}</dt><dd>{number}</dd></div>"
    yield "</dl>\n<h2>Outcomes</h2>\n<ul>"
    yield from map(_outcome, sorted(report["outcomes"], key=_rank))
    yield "</ul>\n<h2>Assumptions</h2>"
    yield "<p class=soft>Points that the documents leave open, and what the answers that rest on them tell.</p>\n<ul>"
    for one in sorted(report["assumptions"], key=_rank):
        yield f"<li>{_summary(one, evidence_words(report, one))}</li>"
    yield "</ul>"


def _rank(one: Mapping[str, Any]) -> int:
    return _ORDER.index(one["result"])


def _outcome(outcome: Mapping[str, Any]) -> str:
    differences = outcome["differences"]
    if not differences:
        return f"<li>{_summary(outcome, outcome['reason'] or '')}</li>"
    number = f"{len(differences)} difference{'s' if len(differences) > 1 else ''}"
    more = "".join(map(_difference, differences))
    number += f" · {outcome['reason']}" if outcome["reason"] else ""
    return f"<li><details open>{_summary(outcome, number, 'summary')}<div class=more>{more}</div></details></li>"


def _summary(one: Mapping[str, Any], about: str, tag: str = "div") -> str:
    """The line of an outcome or an assumption: its result, its id, what is to be said of it."""
    mark = f'<span class="mark {_MARKS[one["result"]]}">{_e(one["result"].replace("-", " "))}</span>'
    said = f"<span class=soft>{_e(about)}</span>" if about else ""
    start = tag if tag == "summary" else f"{tag} class=line"
    return f"<{start}>{mark}<span class=what><b>{_e(one['id'])}</b>{said}</span></{tag}>"


def _difference(one: Mapping[str, Any]) -> str:
    """Where, of which kind, what was expected and what came; nothing of a side that has no value."""
    sides = {"expected": one["expected"], "came    ": one["came"]}
    if one["kind"] == "extra":
        del sides["expected"]
    if one["kind"] == "missing":
        del sides["came    "]
    lines = "\n".join(f"{name} {encode_ascii_json(value)}" for name, value in sides.items())
    about = "" if one["kind"] == one["at"] else f" <span class=soft>{_e(one['kind'])}</span>"
    return f"<p><code>{_e(one['at'])}</code>{about}</p><pre>{_e(lines)}</pre>"


def _e(value: Any) -> str:
    return escape(str(value))


FORMATS: Final[Mapping[str, Callable[[Report], str]]] = {
    "text": text,
    "json": json_text,
    "junit": junit,
    "html": html,
}
"""The formats of a report by name."""
