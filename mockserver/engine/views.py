"""Entries, decisions and evidence as JSON and as text, for the admin API, the command line and the console.

Knows what people need to see; it decides nothing and sends nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mockserver.core.contract import Decision, Evidence, NearMiss
from mockserver.core.instants import utc_millis
from mockserver.core.model import MISSING, Violation, Write
from mockserver.core.values import NotJsonError, read, write
from mockserver.decision.decide import misses, near_seeds
from mockserver.storage.journal import Entry


def row(entry: Entry) -> dict[str, Any]:
    """An entry in short."""
    decision = entry.decision
    return {
        "id": entry.id,
        "time": utc_millis(entry.at_ns),
        "sandbox": entry.sandbox,
        "method": entry.method,
        "target": entry.target,
        "status": entry.status,
        "scenario": decision.scenario.id if decision is not None else None,
        "source": decision.source if decision is not None else None,
        "trigger": decision.trigger if decision is not None else None,
        "problem": entry.problem,
        "fault": entry.fault,
        "committed": entry.committed,
        "cause": entry.cause,
        "delay_ms": round(entry.delay_ms, 3),
        "micros": entry.micros,
        "unexpected": is_unexpected(decision),
    }


def is_unexpected(decision: Decision | None) -> bool:
    """Whether the answer is one that nobody asked for: a misuse, assumed, the default, or forced although malformed."""
    if decision is None:
        return True
    if decision.alternative is None:
        return bool(decision.document.violations)
    return decision.source == "assumed" or decision.trigger == "default"


def whole(entry: Entry) -> dict[str, Any]:
    """An entry with all that is known of it."""
    decision = entry.remembered
    return {
        **row(entry),
        "request": {"headers": pairs(entry.headers), "body": text_or_json(entry.body)},
        "reply": {"headers": pairs(entry.reply_headers), "body": text_or_json(entry.reply_body)},
        "violations": [violation(v) for v in decision.document.violations] if decision is not None else [],
        "warnings": [w.message for w in decision.document.warnings] if decision is not None else [],
        "decision": decided(decision) if decision is not None else None,
        "misses": missed(decision, misses(decision, decision.facts)) if decision is not None else [],
        "records": records(decision, committed=entry.committed) if decision is not None else [],
    }


def pairs(headers: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Headers as name and value, repeated ones kept."""
    return [{"name": name, "value": value} for name, value in headers]


def text_or_json(body: bytes) -> Any:
    """A body as the JSON value that it is, or as text."""
    try:
        return read(body, 1_000)
    except NotJsonError:
        return body.decode("utf-8", "replace")


def violation(one: Violation) -> dict[str, str]:
    """A violation as JSON."""
    return {"at": one.where, "pointer": one.pointer, "keyword": one.keyword, "came": one.came, "message": one.message}


def evidence(one: Evidence) -> dict[str, str]:
    """A piece of evidence as JSON."""
    return {"at": one.path, "expected": one.expected, "came": one.came}


def lines(at: str, expected: str, came: str) -> tuple[str, str]:
    """A piece of evidence as lines: the member, what was expected, what came."""
    expected = expected.removeprefix(at).strip().removeprefix("is ")
    return f"{at}: expected {expected}", f"{' ' * len(at)}  came     {came}"


def event(entry: Entry) -> bytes:
    """An entry as a server-sent event."""
    return b"id: %d\nevent: entry\ndata: %s\n\n" % (entry.id, write(row(entry)))


def miss(one: NearMiss) -> dict[str, Any]:
    """A scenario that did not apply, with the evidence against it."""
    return {
        "scenario": one.scenario.id,
        "position": str(one.scenario.position),
        "held": one.held,
        "evidence": [evidence(e) for e in one.evidence],
    }


def decided(decision: Decision) -> dict[str, Any]:
    """A decision as JSON: what answered, on what grounds."""
    scenario = decision.scenario
    return {
        "operation": decision.operation.id,
        "scenario": scenario.id,
        "position": str(scenario.position),
        "source": decision.source,
        "heading": scenario.heading,
        "note": scenario.note,
        "trigger": decision.trigger,
        "assumed": list(decision.assumed),
        "because": [c.text for c in decision.alternative.conditions] if decision.alternative is not None else [],
    }


def missed(decision: Decision, found: Iterable[NearMiss]) -> list[dict[str, Any]]:
    """The near misses of a decision as JSON, each with the seeds that a key of the request is spelt nearly like."""
    operation, facts = decision.operation, decision.facts
    return [{**miss(one), "did_you_mean": list(near_seeds(one, operation, facts))} for one in found]


def records(decision: Decision, *, committed: bool) -> list[dict[str, Any]]:
    """The records that were looked up, each before and after the request."""
    writes = {(w.collection, w.key): w for w in decision.writes} if committed else {}
    shown = []
    for lookup in decision.operation.lookups:
        view = decision.facts.get(lookup.name, MISSING)
        if lookup.many or view is MISSING:
            key = next((k for c, k in writes if c == lookup.collection.name), None)
            one = writes.pop((lookup.collection.name, key), None) if key is not None and not lookup.many else None
            if one is not None:
                shown.append(_change(lookup.name, one.key, None, one))
            continue
        written = writes.pop((lookup.collection.name, view["key"]), None)
        shown.append(_change(lookup.name, view["key"], view, written))
    return shown


def _change(name: str, key: str, view: Mapping[str, Any] | None, written: Write | None) -> dict[str, Any]:
    before = None if view is None else {k: v for k, v in view.items() if k not in ("key", "@entry")}
    after = before if written is None else {**(before or {}), **written.members, "origin": "request"}
    return {"lookup": name, "key": key, "before": before, "after": after}


def har(entries: Iterable[Entry], version: str, scheme: str = "http") -> dict[str, Any]:
    """Entries as an HTTP Archive (HAR 1.2), oldest first, as they came by http or https."""
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "mockserver", "version": version},
            "entries": [_har_entry(entry, scheme) for entry in entries],
        }
    }


def _har_entry(entry: Entry, scheme: str) -> dict[str, Any]:
    spent = entry.micros / 1_000 + entry.delay_ms
    headers = entry.first_headers
    url = f"{scheme}://{headers.get('host', 'localhost')}{entry.target}"
    return {
        "startedDateTime": dt.datetime.fromtimestamp(entry.at_ns / 1e9, dt.UTC).isoformat(),
        "time": spent,
        "request": {
            "method": entry.method,
            "url": url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": pairs(entry.headers),
            "queryString": [{"name": n, "value": v} for n, v in parse_qsl(urlsplit(url).query, keep_blank_values=True)],
            "headersSize": -1,
            "bodySize": len(entry.body),
            "postData": {
                "mimeType": headers.get("content-type", ""),
                "text": entry.body.decode("utf-8", "replace"),
            },
        },
        "response": _har_response(entry),
        "cache": {},
        "timings": {"send": 0, "wait": spent, "receive": 0},
    }


def _har_response(entry: Entry) -> dict[str, Any]:
    """What went out; status 0, as browsers have it, where no answer did."""
    lost = entry.fault in ("hang", "reset", "empty", "garbage")
    body = b"" if lost or entry.fault == "gateway" else entry.reply_body
    headers = () if lost else entry.reply_headers
    return {
        "status": 0 if lost else entry.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": pairs(headers),
        "content": {
            "size": len(body),
            "mimeType": next((value for name, value in headers if name.lower() == "content-type"), ""),
            "text": body.decode("utf-8", "replace"),
        },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(body),
        "comment": f"fault: {entry.fault}" if entry.fault else "",
    }
