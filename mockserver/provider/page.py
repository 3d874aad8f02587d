"""A report on a provider as a self-contained HTML page without scripts; every value is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mockserver.base.values import encode_json
from mockserver.provider.bindings import Reason
from mockserver.provider.formats import MAX_NAMES, json_text, junit, text
from mockserver.provider.report import Report, counts
from mockserver.reports.html_page import escaped as _e
from mockserver.reports.html_page import figures, html_page
from mockserver.reports.wording import Wording

FORMATS: Final = ("text", "json", "junit", "html")
"""The formats of a report."""

_MARKS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("same", "confirmed"), "met"),
    **dict.fromkeys(("differs", "refuted"), "missing"),
    "not-reached": "open",
}
"""The class of the mark of each result."""

_ORDER: Final = ("differs", "refuted", "not-reached", "same", "confirmed")


def render(report: Report, form: str, language: str) -> str:
    """The report in one of `FORMATS`; the language is that of a page, the others are in English."""
    match form:
        case "text":
            return text(report)
        case "json":
            return json_text(report)
        case "junit":
            return junit(report)
    return html(report, language)


def html(report: Report, language: str = "en") -> str:
    """The page in a language of `TRANSLATIONS`."""
    wording, found = Wording(language), counts(report)
    summary = wording.text(
        "provider.summary", same=found["same"], differs=found["differs"], not_reached=found["not-reached"]
    )
    return html_page(f"{summary} - {wording.text('provider.title')}", _body(report, wording), language)


def _body(report: Report, wording: Wording) -> Iterator[str]:
    contract = wording.text("coverage.contract", contract=report["contract"])
    yield f"<h1>{_e(wording.text('provider.title'))}</h1>"
    yield f"<p class=soft>{_e(report['target'])} · {_e(report['at'])} · {_e(contract)}</p>"
    yield from _figures(report, wording)
    yield f"<h2>{_e(wording.text('provider.outcomes'))}</h2>\n<ul>"
    yield from (_outcome(one, wording) for one in sorted(report["outcomes"], key=_rank))
    yield f"</ul>\n<h2>{_e(wording.text('provider.assumptions'))}</h2>"
    yield f"<p class=soft>{_e(wording.text('provider.assumptions.text'))}</p>\n<ul>"
    for one in sorted(report["assumptions"], key=_rank):
        yield f"<li>{_summary(one, _evidence(one['evidence'], wording), wording)}</li>"
    yield "</ul>"


def _figures(report: Report, wording: Wording) -> Iterator[str]:
    found = counts(report)
    compared = found["same"] + found["differs"]
    refuted = sum(one["result"] == "refuted" for one in report["assumptions"])
    others = {"differ": found["differs"], "not_reached": found["not-reached"], "refuted": refuted}
    return figures(
        wording.text("provider.compared"),
        wording.text("outcomes.of", met=found["same"], of=compared),
        _e(wording.text("provider.compared.unit")),
        100 * found["same"] / compared if compared else 0,
        {wording.text(f"provider.{name}"): number for name, number in others.items()},
    )


def _rank(one: Mapping[str, Any]) -> int:
    return _ORDER.index(one["result"])


def _outcome(outcome: Mapping[str, Any], wording: Wording) -> str:
    differences, key = outcome["differences"], outcome["reason_key"]
    reason = Reason(key, outcome["reason_values"]).text(wording) if key is not None else ""
    if not differences:
        return f"<li>{_summary(outcome, reason, wording)}</li>"
    number = wording.text("provider.differences", count=len(differences))
    line = _summary(outcome, " · ".join(filter(None, (number, reason))), wording, "summary")
    more = "".join(_difference(one, wording) for one in differences)
    return f"<li><details open>{line}<div class=more>{more}</div></details></li>"


def _summary(one: Mapping[str, Any], about: str, wording: Wording, tag: str = "div") -> str:
    """The line of an outcome or an assumption: its result, its id, what is to be said of it."""
    result = one["result"]
    mark = f'<span class="mark {_MARKS[result]}">{_e(wording.text(f"provider.result.{result}"))}</span>'
    note = f"<span class=soft>{_e(about)}</span>" if about else ""
    start = tag if tag == "summary" else f"{tag} class=line"
    return f"<{start}>{mark}<span class=what><b>{_e(one['id'])}</b>{note}</span></{tag}>"


def _evidence(names: list[str], wording: Wording) -> str:
    """The outcomes that tell whether an assumption holds; those that differ show how further up."""
    if not names:
        return wording.text("provider.evidence.none")
    words, more = ", ".join(names[:MAX_NAMES]), len(names) - MAX_NAMES
    return wording.text("provider.evidence.more", names=words, count=more) if more > 0 else words


def _difference(one: Mapping[str, Any], wording: Wording) -> str:
    """Where, of which kind, and the sides that have a value."""
    kind = wording.text(f"provider.kind.{one['kind']}")
    line = f"<p><code>{_e(one['at'])}</code> <span class=soft>{_e(kind)}</span></p>"
    sides = _sides(one, wording)
    width = max(map(len, sides), default=0)
    rows = "\n".join(f"{name.ljust(width)} {value}" for name, value in sides.items())
    return f"{line}<pre>{_e(rows)}</pre>" if rows else line


def _sides(one: Mapping[str, Any], wording: Wording) -> dict[str, str]:
    """What was expected and what came, by the word for it; a side that only says what the kind says is left out."""
    expected = {wording.text("misses.expected"): encode_json(one["expected"]).decode()}
    came = {wording.text("misses.came"): encode_json(one["came"]).decode()}
    match one["kind"]:
        case "repeated":
            return {}
        case "no-answer":
            return {wording.text("entry.detail"): one["came"]}
        case "missing":
            return expected
        case "extra" | "not-json":
            return came
    return expected | came
