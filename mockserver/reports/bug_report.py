"""A bug report: one entry of the journal as one self-contained page of HTML, to attach to a ticket.

Knows entries as they are kept, masked, and writes all of them as text; it holds no script and refers to nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from mockserver.core.contract import Contract
from mockserver.core.instants import offset_nanos, utc_millis
from mockserver.engine.entries import Body, EntryDecision, JournalEntry
from mockserver.engine.views import violation_json
from mockserver.reports.words import WORDS, Words
from mockserver.version import __version__

_STYLE: Final = """
:root{color-scheme:light dark;--page:#fff;--ink:#1a2130;--soft:#566074;--line:#e0e4eb;--box:#f6f7fa;--mark:#3346c9}
@media(prefers-color-scheme:dark){:root{--page:#12151b;--ink:#e5e9f0;--soft:#a1abbc;--line:#2f3745;--box:#1a1f28;
--mark:#9fb0ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,
sans-serif;
overflow-wrap:anywhere;-webkit-text-size-adjust:100%}
main{max-width:56rem;margin:0 auto;padding:2rem 1.2rem 3rem}
h1{font-size:1.5rem;line-height:1.25;margin:.15rem 0 .4rem}
h1 b{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.8em;border:1px solid var(--line);
background:var(--box);
border-radius:6px;padding:.1rem .5rem;vertical-align:.08em}
h2{font-size:1.05rem;margin:2rem 0 .5rem}
p{margin:.3rem 0}small{color:var(--soft);font-size:.85rem}
code,pre{font:13px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{white-space:pre-wrap;background:var(--box);border:1px solid var(--line);border-radius:8px;padding:.7rem .9rem;
margin:.5rem 0;user-select:text}
table{border-collapse:collapse;width:100%;border-top:1px solid var(--line)}
th,td{text-align:left;vertical-align:top;padding:.4rem 1rem .4rem 0;border-bottom:1px solid var(--line)}
th{font-weight:600;width:13rem}
ul{margin:.3rem 0;padding-left:1.2rem}
blockquote{margin:.8rem 0;padding-left:.9rem;border-left:3px solid var(--mark);font-size:1.05rem}
@media(max-width:40rem){main{padding:1.2rem 1rem 2rem}th,td{display:block;width:auto;padding-right:0}
th{border:0;padding-bottom:0;color:var(--soft);font-size:.85rem}td{padding-top:0}}
@media print{main{max-width:none;padding:0}pre,tr{break-inside:avoid}}
"""
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
"""What the page may load: its own style and nothing else, also where it is opened as a file."""

_UNSENT: Final = {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length"}
"""Request headers that a client sets by itself."""


def report(entry: JournalEntry, contract: Contract, utc_offset: str, language: str = "en", scheme: str = "http") -> str:
    """The page in a language of `WORDS`. `utc_offset` is that of the sandbox's settings, `scheme` the server's."""
    words, decision = WORDS[language], entry.decision
    name = str(decision.scenario.scenario if decision is not None else entry.problem)
    parts = [
        f"<p><small>{escape(words['kind'])}</small></p>",
        f"<h1><b>{entry.reply.status}</b> {escape(name)}</h1>",
        f"<p><code>{escape(f'{entry.request.method} {entry.request.target}')}</code></p>",
        *_said(decision, words),
        _table(words["happened"], _facts(entry, decision, contract, utc_offset, words)),
        *_violated(decision, words),
        _part(words["sent"], _headers(entry.request.headers) + _body(entry.request.body, words)),
        _part(words["answered"], _headers(entry.reply.headers) + _body(entry.reply.body, words)),
        _part(words["again"], f"<p>{escape(words['masked'])}</p>" + _block(_again(entry, scheme))),
    ]
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(f'{entry.reply.status} {name}')}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _part(title: str, inside: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{inside}"


def _block(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    cells = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows)
    return _part(title, f"<table>\n{chr(10).join(cells)}\n</table>")


def _headers(pairs: Iterable[tuple[str, str]]) -> str:
    return _block("\n".join(f"{name}: {value}" for name, value in pairs))


def _body(body: Body, words: Words) -> str:
    value = body.shown
    if isinstance(value, str):
        return _block(value) if value else f"<p><small>{escape(words['nothing'])}</small></p>"
    return _block(json.dumps(value, indent=2, ensure_ascii=False))


def _said(decision: EntryDecision | None, words: Words) -> Iterator[str]:
    """What the document says of this answer, and what is odd about it there."""
    if decision is not None and decision.scenario.heading:
        yield f"<blockquote>{escape(decision.scenario.heading)}</blockquote>"
    if decision is not None and decision.scenario.note:
        yield f"<p><strong>{escape(words['note'])}</strong> {escape(decision.scenario.note)}</p>"


def _facts(
    entry: JournalEntry, decision: EntryDecision | None, contract: Contract, utc_offset: str, words: Words
) -> Iterator[tuple[str, str]]:
    local, utc = offset_nanos(entry.at_ns, utc_offset), utc_millis(entry.at_ns)
    yield words["time"], words["instant"].format(local=local, utc=utc)
    yield words["entry"], words["of"].format(id=entry.id, sandbox=entry.sandbox or words["default"])
    if decision is not None:
        scenario = decision.scenario
        yield words["source"], words[scenario.source]
        yield words["trigger"], words["usual" if decision.trigger == "default" else decision.trigger]
        if scenario.because:
            yield words["because"], words["and"].join(scenario.because)
        for assumption in decision.assumed:
            yield words["rests"], f"{assumption}: {contract.assumptions.get(assumption, '')}"
        yield words["stands"], scenario.position
    else:
        yield words["problem"], words["misuse"].format(problem=entry.problem)
    if entry.fault is not None:
        yield words["fault"], entry.fault + (words["kept"] if decision is not None and decision.committed else "")
    if entry.delay_ms:
        yield words["delay"], f"{entry.delay_ms:g} ms"
    if entry.masked:
        yield words["hidden"], ", ".join(entry.masked)
    versions = words["version"].format(version=__version__, contract=entry.contract)
    changed = words["changed"].format(contract=contract.hash) if entry.contract != contract.hash else ""
    yield words["versions"], versions + changed


def _violated(decision: EntryDecision | None, words: Words) -> Iterator[str]:
    found = [violation_json(one) for one in decision.violations] if decision is not None else []
    if found:
        yield _table(words["wrong"], ((one["at"], one["message"]) for one in found))
    warnings = [warning.message for warning in decision.warnings] if decision is not None else []
    if warnings:
        listed = "".join(f"<li>{escape(text)}</li>" for text in warnings)
        yield _part(words["warnings"], f"<ul>{listed}</ul>")


def _again(entry: JournalEntry, scheme: str) -> str:
    """The command line that sends what the entry keeps."""
    sent, body = entry.request, entry.request.body.data
    parts = ["curl", "-i", f"{scheme}://{entry.first_headers.get('host', '127.0.0.1:8080')}{sent.target}"]
    if sent.method != ("POST" if body else "GET"):
        parts += ["-X", sent.method]
    for name, value in sent.headers:
        if name.lower() not in _UNSENT:
            parts += ["-H", f"{name}: {value}"]
    if body:
        parts += ["--data-raw", body.decode("utf-8", "replace")]
    return shlex.join(parts)
