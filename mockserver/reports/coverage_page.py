"""Coverage as a self-contained HTML page without scripts; every value is escaped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from mockserver.core.client_advice import ClientAdvice
from mockserver.reports.coverage_report import (
    Report,
    Row,
    behaviour,
    by_source,
    counts_text,
    junit,
    met_text,
    sandbox_label,
    summary,
    text,
    times_text,
)
from mockserver.reports.html_page import html_page


def html(report: Report) -> str:
    """The page."""
    return html_page(f"{summary(report)} - contract coverage", _page(report))


def _page(report: Report) -> Iterator[str]:
    about = f"{sandbox_label(report)} · contract {report['contract']}"
    yield f"<h1>Contract coverage</h1>\n<p class=soft>{_e(about)}</p>"
    yield from _figures(report)
    yield "<h2>Documented outcomes</h2>"
    yield "<p class=soft>Open one to see its answer and a command that meets it. A click selects the command.</p>"
    yield from _groups(by_source(report, "documented"))
    assumed = by_source(report, "assumed")
    if assumed:
        yield "<h2>Assumed outcomes</h2>"
        yield "<p class=soft>Points that the documents leave open. A client does not have to meet these.</p>"
        yield from _groups(assumed)
    yield "<h2>Behaviour of the client</h2>\n<p class=soft>Observations, without a judgement.</p>\n<ul class=plain>"
    yield from (f"<li>{_e(line[:1].upper() + line[1:])}</li>" for line in behaviour(report))
    yield "</ul>"
    yield (
        "<h2>What counts</h2>\n<p class=soft>An outcome counts once its full answer was sent, whatever triggered it; "
        "faulted answers do not count. A request is sent again if the same one came before in its sandbox.</p>"
    )


def _figures(report: Report) -> Iterator[str]:
    share, assumed = report["documented"], report["assumed"]
    width = min(100.0, max(0.0, float(share["percent"])))
    yield "<dl class=figures>"
    yield (
        f"<div class=big><dt>Documented outcomes met</dt><dd>{_e(share['met'])} of {_e(share['of'])} "
        f"<small>{_e(share['percent'])}&nbsp;%</small></dd>"
        f'<dd class=bar aria-hidden=true><i style="width:{width:.1f}%"></i></dd></div>'
    )
    yield _figure("Assumed", f"{assumed['met']} of {assumed['of']}")
    yield _figure("Requests", report["requests"])
    yield _figure("Misuses", report["problems"])
    yield "</dl>"


def _figure(title: str, value: object) -> str:
    return f"<div><dt>{_e(title)}</dt><dd>{_e(value)}</dd></div>"


def _groups(rows: list[Row]) -> Iterator[str]:
    """The outcomes by the code of their answer; in each group the missing ones first."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        error = row["error"]
        code = error.get("code", "") if isinstance(error, Mapping) else ""
        groups.setdefault((str(row["status"] or ""), str(code)), []).append(row)
    for (status, code), found in sorted(groups.items()):
        title = " · ".join(filter(None, (f"Code {code}" if code else "", f"HTTP {status}" if status else "")))
        number = sum(1 for row in found if row["met"])
        yield f"<h3><span>{_e(title)}</span><span class=soft>{number} of {len(found)}</span></h3>\n<ul>"
        yield from (_row(row) for row in sorted(found, key=lambda row: row["met"] > 0))
        yield "</ul>"


def _row(row: Row) -> str:
    if row["met"]:
        mark = '<span class="mark met">&#10003; met</span>'
        about = met_text(row)
    else:
        mark = f'<span class="mark {"missing" if row["source"] == "documented" else "open"}">missing</span>'
        about = f"to meet it: {row['how']}"
    title = row["heading"] or row["scenario"]
    name = f"<span class=soft><code>{_e(row['scenario'])}</code></span>" if row["heading"] else ""
    return (
        f"<li><details><summary>{mark}<span class=what><b>{_e(title)}</b>"
        f"{name}<span class=soft>{_e(about)}</span></span></summary>"
        f"<div class=more>{''.join(_details(row))}</div></details></li>"
    )


def _details(row: Row) -> Iterator[str]:
    if row["note"]:
        yield f"<p>Note: {_e(row['note'])}</p>"
    if row["verified"]:
        yield f"<p>Compared with the provider: {_e(row['verified']['result'])}, {_e(row['verified']['on'])}</p>"
    advice = ClientAdvice(row["reason"], row["advice"], row["retry"])
    if advice.description:
        yield f"<p>{_e(advice.description)}</p>"
    if advice.retry:
        yield f"<p>Send again: <code>{_e(advice.retry)}</code></p>"
    if row["faults"]:
        yield f"<p>Faults: {_e(counts_text(row['faults']))}</p>"
    if row["retried"]:
        yield f"<p>The request was sent again after it: {_e(times_text(row['retried']))}</p>"
    if row["error"]:
        yield f"<p>Answers <code>{_e(json.dumps(row['error'], ensure_ascii=False))}</code></p>"
    if row["met"]:
        yield f"<p>Met by <code>{_e(row['how'])}</code></p>"
    yield f"<pre translate=no>{_e(row['curl'])}</pre>"


def _e(value: Any) -> str:
    return escape(str(value))


@dataclass(frozen=True, slots=True)
class Format:
    """A format of the coverage report: its media type, and the function that renders it."""

    media_type: str
    render: Callable[[Report], str]


FORMATS: Final[Mapping[str, Format]] = {
    "text": Format("text/plain; charset=utf-8", text),
    "junit": Format("application/xml", junit),
    "html": Format("text/html; charset=utf-8", html),
}
"""The formats of coverage beside JSON."""
