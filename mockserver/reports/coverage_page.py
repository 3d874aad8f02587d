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

_STYLE: Final = """
:root{color-scheme:light dark;--page:#f6f7f9;--box:#fff;--ink:#1b1f24;--soft:#545d68;--line:#d5dae1;--code:#eef1f5;
--good:#1a6b35;--good-back:#dff3e4;--bad:#a3261d;--bad-back:#fde7e4;--bar:#d5dae1}
@media(prefers-color-scheme:dark){:root{--page:#101418;--box:#191f25;--ink:#e8ecf1;--soft:#a3adb9;--line:#333c46;
--code:#0f1317;--good:#7ddc97;--good-back:#15331f;--bad:#ff9d94;--bad-back:#43201d;--bar:#333c46}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
sans-serif;
overflow-wrap:anywhere;-webkit-text-size-adjust:100%}
main{max-width:60rem;margin:0 auto;padding:1.25rem 1rem 3rem}
h1{font-size:1.1rem;margin:0;font-weight:600}
h2{font-size:1.2rem;margin:2.25rem 0 .25rem}
h3{font-size:.95rem;margin:1.25rem 0 .4rem;display:flex;justify-content:space-between;gap:1rem;font-weight:600}
p{margin:.35rem 0}
code,pre{font:.86em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.soft{color:var(--soft)}
.figures{display:grid;grid-template-columns:repeat(3,1fr);gap:.6rem;margin:1rem 0 0;padding:0}
.figures div{background:var(--box);border:1px solid var(--line);border-radius:.6rem;padding:.7rem .9rem}
.figures .big{grid-column:1/-1;padding:1rem 1.1rem 1.1rem}
.figures dt{color:var(--soft);font-size:.88rem}
.figures dd{margin:0;font-size:1.35rem;font-weight:600;font-variant-numeric:tabular-nums}
.big dd{font-size:clamp(2.4rem,11vw,3.6rem);line-height:1.15;letter-spacing:-.02em}
.big dd small{font-size:.4em;font-weight:500;letter-spacing:0;color:var(--soft)}
.bar{height:.6rem;border-radius:.3rem;background:var(--bar);overflow:hidden;margin-top:.5rem}
.bar i{display:block;height:100%;background:var(--good)}
ul{list-style:none;margin:0;padding:0;background:var(--box);border:1px solid var(--line);border-radius:.6rem}
li+li{border-top:1px solid var(--line)}
summary{display:grid;grid-template-columns:1fr auto;gap:.3rem .75rem;padding:.7rem .9rem;cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
summary:focus-visible{outline:3px solid var(--good);outline-offset:-3px;border-radius:.6rem}
.mark{justify-self:start;align-self:start;font-size:.82rem;font-weight:600;border-radius:1rem;padding:.1rem .55rem;
white-space:nowrap}
.met{color:var(--good);background:var(--good-back)}
.missing{color:var(--bad);background:var(--bad-back)}
.open{color:var(--soft);background:var(--code)}
summary b{font-weight:600;display:block}
summary .soft{font-size:.88rem;display:block}
summary::after{content:"\\25B8";color:var(--soft);grid-row:1;grid-column:-2;line-height:1.7rem}
details[open] summary::after{content:"\\25BE"}
.what{grid-column:1/-2}
.more{padding:0 .9rem .9rem;font-size:.93rem}
pre{background:var(--code);border:1px solid var(--line);border-radius:.4rem;padding:.6rem .7rem;margin:.4rem 0 0;
white-space:pre-wrap;user-select:all;-webkit-user-select:all}
.plain li{padding:.5rem .9rem}
@media(min-width:40rem){summary{grid-template-columns:5.2rem 1fr auto}.what{grid-column:auto}
.more{padding-left:6.85rem}}
@media print{body{background:#fff}summary::after{content:""}}
"""

_HEAD: Final = (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
)


def html(report: Report) -> str:
    """The page."""
    return "\n".join(_page(report)) + "\n"


def _page(report: Report) -> Iterator[str]:
    yield f"{_HEAD}<title>{_e(summary(report))} - contract coverage</title>\n<style>{_STYLE}</style>\n</head>"
    yield "<body>\n<main>"
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
    yield "</main>\n</body>\n</html>"


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
