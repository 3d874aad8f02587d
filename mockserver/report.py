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
from typing import Any, Final

from mockserver.clock import offset_nanos, utc_millis
from mockserver.contract import Contract, Decision
from mockserver.journal import Entry
from mockserver.shown import text_or_json, violation
from mockserver.version import __version__

_STYLE: Final = """
:root{color-scheme:light dark}
body{font:15px/1.55 system-ui,sans-serif;max-width:58rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:0 0 .3rem}h2{font-size:1rem;margin:1.6rem 0 .4rem}
p{margin:.3rem 0}pre{font:13px/1.5 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere;
border:1px solid #8886;border-radius:8px;padding:.7rem .9rem;margin:.3rem 0}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0;
border-bottom:1px solid #8884;overflow-wrap:anywhere}th{font-weight:600;white-space:nowrap}
blockquote{margin:.4rem 0;padding-left:.8rem;border-left:3px solid #5468d8}
"""
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
"""What the page may load: its own style and nothing else, also where it is opened as a file."""

_UNSENT: Final = {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length"}
"""Request headers that a client sets by itself."""


def report(entry: Entry, contract: Contract, utc_offset: str) -> str:
    """The page. `utc_offset` is that of the sandbox's settings."""
    decision = entry.remembered
    title = f"{entry.status} {decision.scenario.id if decision is not None else entry.problem}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p><code>{escape(f'{entry.method} {entry.target}')}</code></p>",
        *_said(decision),
        _table("What happened", _facts(entry, decision, contract, utc_offset)),
        _part("What was sent", _headers(entry.headers) + _block(_pretty(entry.body))),
        _part("What was answered", _headers(entry.reply_headers) + _block(_pretty(entry.reply_body))),
        *_violated(decision),
        _part("Send it again", "<p>What is secret is masked.</p>" + _block(_again(entry))),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
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


def _pretty(body: bytes) -> str:
    value = text_or_json(body)
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _said(decision: Decision | None) -> Iterator[str]:
    """What the document says of this answer, and what is odd about it there."""
    if decision is not None and decision.scenario.heading:
        yield f"<blockquote>{escape(decision.scenario.heading)}</blockquote>"
    if decision is not None and decision.scenario.note:
        yield f"<p><strong>Note.</strong> {escape(decision.scenario.note)}</p>"


def _facts(entry: Entry, decision: Decision | None, contract: Contract, utc_offset: str) -> Iterator[tuple[str, str]]:
    yield "Time", f"{offset_nanos(entry.at_ns, utc_offset)} ({utc_millis(entry.at_ns)} in UTC)"
    yield "Entry", f"{entry.id} of sandbox {entry.sandbox or '(default)'}"
    if decision is not None:
        yield "Source", decision.source
        yield "Triggered by", decision.trigger
        because = [condition.text for condition in decision.way.conditions] if decision.way is not None else []
        yield from [("Because", " and ".join(because))] if because else []
        for point in decision.assumed:
            yield "Rests on", f"{point}: {contract.assumptions.get(point, '')}"
        yield "Stands in", str(decision.scenario.position)
    else:
        yield "Problem", f"{entry.problem}: no answer of the API"
    if entry.fault is not None:
        yield "Fault", entry.fault + (", what it changed was kept" if entry.committed else "")
    if entry.delay_ms:
        yield "Delay", f"{entry.delay_ms:g} ms"
    yield "Versions", f"mockserver {__version__}, contract {contract.hash}"


def _violated(decision: Decision | None) -> Iterator[str]:
    found: list[dict[str, Any]] = [violation(v) for v in decision.document.violations] if decision is not None else []
    if found:
        yield _table("What was wrong with the request", ((str(one["at"]), str(one["message"])) for one in found))
    warnings = [warn.message for warn in decision.document.warnings] if decision is not None else []
    if warnings:
        listed = "".join(f"<li>{escape(text)}</li>" for text in warnings)
        yield _part("What was accepted, but probably not meant", f"<ul>{listed}</ul>")


def _again(entry: Entry) -> str:
    """The command line that sends what the entry keeps."""
    host = next((value for name, value in entry.headers if name.lower() == "host"), "127.0.0.1:8080")
    parts = ["curl", "-i", f"http://{host}{entry.target}"]
    if entry.method != ("POST" if entry.body else "GET"):
        parts += ["-X", entry.method]
    for name, value in entry.headers:
        if name.lower() not in _UNSENT:
            parts += ["-H", f"{name}: {value}"]
    if entry.body:
        parts += ["--data-raw", entry.body.decode("utf-8", "replace")]
    return shlex.join(parts)
