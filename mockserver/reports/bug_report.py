"""A bug report: one journal entry as a self-contained HTML page without scripts, to attach to a ticket."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final, Literal

from mockserver.base.instants import offset_nanos, utc_millis
from mockserver.base.values import encode_json
from mockserver.core.client_advice import NO_ADVICE, text_in
from mockserver.core.contract import Contract
from mockserver.entries.journal_entry import EntryDecision, JournalEntry, Recorded
from mockserver.entries.reconstruction import Reconstruction
from mockserver.entries.views import (
    has_warnings,
    pretty_json,
    records_before_and_after,
    reply_code,
    reply_error,
    violation_json,
)
from mockserver.reports.curl_line import curl_line
from mockserver.reports.wording import Wording
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
h3{font-size:.95rem;margin:1rem 0 .4rem}.records th,.records td{display:table-cell;padding:.4rem 1rem .4rem 0}
.records th{overflow-wrap:normal}
ul{margin:.3rem 0;padding-left:1.2rem}
blockquote{margin:.8rem 0;padding-left:.9rem;border-left:3px solid var(--mark);font-size:1.05rem}
@media(max-width:40rem){main{padding:1.2rem 1rem 2rem}th,td{display:block;width:auto;padding-right:0}
th{border:0;padding-bottom:0;color:var(--soft);font-size:.85rem}td{padding-top:0}}
@media print{main{max-width:none;padding:0}pre,tr{break-inside:avoid}}
"""
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
"""The content security policy of the page: only its own style, also when it is opened as a file."""


def report(
    entry: JournalEntry,
    contract: Contract,
    reconstruction: Reconstruction | None,
    retries: Mapping[str, Any],
    utc_offset: str,
    language: str = "en",
    scheme: str = "http",
) -> str:
    """Write the page in a language of `TRANSLATIONS`, with times in the `utc_offset` of the sandbox.

    `reconstruction` is that of the entry under the contract that is served now, `retries` what `retries_json` gives.
    """
    decision = entry.decision
    wording = Wording(language, _record_titles(contract, decision, language))
    name = _answered_by(entry, wording)
    answered = [str(part) for part in (entry.reply.status, reply_code(entry)) if part is not None]
    title = wording.text("lost") if entry.answer_lost else " ".join(answered)
    target = entry.request.target + _mark(entry, "/request/target", wording)
    rows = (*_summary_rows(entry, contract, reconstruction, utc_offset, wording), *wording.retry_rows(entry, retries))
    parts = [
        f"<p><small>{escape(wording.text('entry.report'))}</small></p>",
        f"<h1><b>{escape(title)}</b> {escape(name)}</h1>",
        f"<p><code>{escape(f'{entry.request.method} {target}')}</code></p>",
        *_documentation(decision, reconstruction, wording),
        *(_lost(entry, wording) if entry.answer_lost else _advice(reconstruction, wording)),
        *_violations(decision, entry, wording),
        _table(wording.text("report.happened"), rows),
        _section(wording.text("report.sent"), _message(entry, "request", wording)),
        _section(
            wording.text("report.not_arrived" if entry.answer_lost else "report.answered"),
            _message(entry, "reply", wording),
        ),
        *_records(entry, wording),
        _section(
            wording.text("entry.again"),
            f"<p>{escape(wording.text('report.masked'))}</p>" + _block(curl_line(entry, scheme)),
        ),
    ]
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(f'{title} {name}')}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _answered_by(entry: JournalEntry, wording: Wording) -> str:
    """The scenario, what the provider's answer is to the contract, or the kind of problem."""
    if entry.decision is not None:
        fallback = f" ({wording.text('recorded.fallback')})" if entry.fallback is not None else ""
        return entry.decision.scenario.id + fallback
    return wording.recorded(entry.recorded) if entry.recorded is not None else str(entry.problem)


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}"


def _block(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    cells = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows)
    return _section(title, f"<table>\n{chr(10).join(cells)}\n</table>")


def _mark(entry: JournalEntry, pointer: str, wording: Wording) -> str:
    """What stands behind a value that is masked."""
    return f" {wording.text('report.mark')}" if pointer in entry.masked else ""


def _message(entry: JournalEntry, member: Literal["request", "reply"], wording: Wording) -> str:
    """Headers and body; what is masked says so."""
    message = entry.request if member == "request" else entry.reply
    headers = [
        f"{name}: {value}{_mark(entry, f'/{member}/headers/{number}/1', wording)}"
        for number, (name, value) in enumerate(message.headers)
    ]
    value, pointer = message.body.shown, f"/{member}/body/value"
    if isinstance(value, str):
        empty = f"<p><small>{escape(wording.text('json.empty'))}</small></p>"
        body = _block(value + _mark(entry, pointer, wording)) if value else empty
    else:
        body = _block(pretty_json(value, pointer, frozenset(entry.masked), wording.text("report.mark")))
    return _block("\n".join(headers)) + body


def _documentation(
    decision: EntryDecision | None, reconstruction: Reconstruction | None, wording: Wording
) -> Iterator[str]:
    """The heading of this answer in the documents, and the note about it."""
    if decision is not None and decision.scenario.heading:
        yield f"<blockquote>{escape(decision.scenario.heading)}</blockquote>"
    if decision is not None and decision.scenario.note:
        served = reconstruction.scenario if reconstruction is not None else None
        note = (served.notes.get(wording.language) if served is not None else None) or decision.scenario.note
        yield f"<p><strong>{escape(wording.text('entry.note'))}</strong> {escape(note)}</p>"


def _lost(entry: JournalEntry, wording: Wording) -> Iterator[str]:
    """That the client did not get the answer, and whether a retry finds the change made."""
    is_kept = entry.decision is not None and entry.decision.committed
    how = wording.text("entry.client.left" if entry.client_left else f"fault.{entry.fault}")
    retry = wording.text("lost.forwarded" if entry.is_forwarded else "lost.committed" if is_kept else "lost.unchanged")
    yield f"<p><strong>{escape(wording.text('lost.text', how=how))}</strong> {escape(retry)}</p>"


def _advice(reconstruction: Reconstruction | None, wording: Wording) -> Iterator[str]:
    """The advice of the contract that is served now."""
    scenario = reconstruction.scenario if reconstruction is not None else None
    if scenario is not None and scenario.client_advice != NO_ADVICE:
        advice = scenario.client_advice
        retry = f" {wording.text(f'retry.{advice.retry}')}" if advice.retry else ""
        title = escape(wording.text("outcomes.advice"))
        yield f"<p><strong>{title}</strong> {escape(advice.text(wording.language) + retry)}</p>"


def _summary_rows(
    entry: JournalEntry,
    contract: Contract,
    reconstruction: Reconstruction | None,
    utc_offset: str,
    wording: Wording,
) -> Iterator[tuple[str, str]]:
    text, decision = wording.text, entry.decision
    local, utc = offset_nanos(entry.at_ns, utc_offset), utc_millis(entry.at_ns)
    yield text("report.time"), text("report.instant", local=local, utc=utc)
    yield text("report.entry"), text("report.of", id=entry.id, sandbox=entry.sandbox or text("sandbox.default"))
    if decision is not None:
        yield from _decision_rows(decision, contract, reconstruction, wording)
    elif entry.recorded is not None:
        yield from _recorded_rows(entry.recorded, wording)
    else:
        yield text("entry.problem"), text("report.misuse", problem=text(f"problem.{entry.problem}"))
    if entry.fallback is not None:
        yield text("entry.fallback"), entry.fallback
    if entry.fault is not None:
        is_committed = decision is not None and decision.committed
        yield text("entry.fault"), wording.fault(entry.fault) + (f", {text('entry.committed')}" if is_committed else "")
    if entry.client_left:
        yield text("entry.delivery"), text("entry.client.left")
    if entry.delay_ms:
        yield text("entry.delay"), f"{entry.delay_ms:g} ms"
    if entry.masked:
        places = dict.fromkeys(wording.place(one, entry) for one in entry.masked)
        yield text("report.hidden"), ", ".join(filter(None, places))
    changed = text("report.changed", contract=contract.hash) if entry.contract_hash != contract.hash else ""
    yield (
        text("report.versions"),
        text("report.version", version=__version__, contract=entry.contract_hash) + changed,
    )


def _decision_rows(
    decision: EntryDecision, contract: Contract, reconstruction: Reconstruction | None, wording: Wording
) -> Iterator[tuple[str, str]]:
    """Why the scenario answered, and on which assumptions."""
    scenario, text = decision.scenario, wording.text
    yield text("column.source"), text("report.assumed" if scenario.source == "assumed" else "source.documented")
    yield text("entry.trigger"), wording.why(decision.trigger, decision.cause_entry_id)
    if decision.cause_entry_id:
        yield text("entry.cause"), f"#{decision.cause_entry_id}"
    if scenario.because:
        yield text("entry.because"), _because(decision, reconstruction, wording)
    for assumption in decision.assumed:
        meaning = text_in(contract.assumption_texts.get(assumption, {}), wording.language) or ""
        yield text("report.assumption", id=assumption), meaning
    yield text("entry.position"), scenario.position


def _record_titles(contract: Contract, decision: EntryDecision | None, language: str) -> dict[str, str]:
    """The titles of the collections of records, by their names in conditions."""
    operation = contract.operations_by_id.get(decision.scenario.operation) if decision is not None else None
    lookups = operation.lookups if operation is not None else ()
    return {one.name: text_in(one.collection.title, language) or one.collection.name for one in lookups}


def _because(decision: EntryDecision, reconstruction: Reconstruction | None, wording: Wording) -> str:
    """The conditions that held; in English where the contract has them no more."""
    conditions = reconstruction.conditions if reconstruction is not None else ()
    written = [one.written for one in conditions]
    return wording.conditions(written) if written else f" {wording.text('and')} ".join(decision.scenario.because)


def _recorded_rows(recorded: Recorded, wording: Wording) -> Iterator[tuple[str, str]]:
    """What an answer of the provider is to the contract, and how it differs."""
    yield wording.text("entry.recorded"), wording.recorded(recorded)
    if recorded.reason is not None:
        yield wording.text("entry.detail"), recorded.reason
    for one in recorded.differences:
        sides = {"expected": encode_json(one.expected).decode(), "came": encode_json(one.came).decode()}
        yield one.at, wording.text("report.difference", **sides)


def _records(entry: JournalEntry, wording: Wording) -> Iterator[str]:
    """The records that the request found or wrote, each before and after it."""
    tables = [_record_table(one, wording) for one in records_before_and_after(entry)]
    if tables:
        yield _section(wording.text("entry.records"), "\n".join(tables))


def _record_table(record: Mapping[str, Any], wording: Wording) -> str:
    before, after = record["before"] or {}, record["after"]
    unchanged = f" · {wording.text('records.unchanged')}" if before == after else ""
    heads = "".join(f"<th>{escape(wording.text(f'records.{name}'))}</th>" for name in ("member", "before", "after"))
    rows = "\n".join(
        f'<tr><th scope="row">{escape(wording.text("state.origin") if name == "origin" else name)}</th>'
        f"<td>{_member(before, name, wording)}</td><td>{_member(after, name, wording)}</td></tr>"
        for name in dict.fromkeys([*before, *after])
    )
    title = f"{wording.title(record['lookup'])} {record['key']}{unchanged}"
    return f"<h3>{escape(title)}</h3>\n<table class=records>\n<tr>{heads}</tr>\n{rows}\n</table>"


def _member(members: Mapping[str, Any], name: str, wording: Wording) -> str:
    """The value of a member of a record as HTML."""
    if name not in members:
        return "—"
    value = members[name]
    return escape(wording.text(f"origin.{value}") if name == "origin" else encode_json(value).decode())


def _violations(decision: EntryDecision | None, entry: JournalEntry, wording: Wording) -> Iterator[str]:
    if decision is not None and decision.violations:
        rows = ((violation_json(one)["at"], wording.violation(one)) for one in decision.violations)
        yield _table(wording.text("try.wrong"), rows)
    if decision is not None and decision.warnings:
        listed = "".join(f"<li>{escape(wording.warning(one))}</li>" for one in decision.warnings)
        is_accepted = has_warnings(decision) and not reply_error(entry)
        title = wording.text("report.warnings" if is_accepted else "report.noticed")
        yield _section(title, f"<ul>{listed}</ul>")
