"""Journal entries, decisions and evidence as JSON and as text, for the admin API, the commands and the console."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from mockserver.base.json_pointer import json_pointer, json_pointer_step
from mockserver.base.not_json import NotJsonError
from mockserver.base.values import MAX_OWN_DEPTH, decode_json, encode_json
from mockserver.core.client_advice import NO_ADVICE
from mockserver.core.language import Evidence
from mockserver.core.model import Record, RequestWarning, Violation, Write
from mockserver.core.reply import Decision, Headers, NearMiss
from mockserver.decision.warnings import NO_CREDENTIALS
from mockserver.entries.entry_writer import scenario_info
from mockserver.entries.journal_entry import JSON, EntryDecision, EntryViolation, JournalEntry, Recorded, ScenarioInfo
from mockserver.entries.reconstruction import Reconstruction


def entry_summary(entry: JournalEntry) -> dict[str, Any]:
    """An entry as a row of a list."""
    decision, recorded = entry.decision, entry.recorded
    error = reply_error(entry)
    return {
        "id": entry.id,
        "time": entry.time[:23] + "Z",
        "sandbox": entry.sandbox,
        "method": entry.request.method,
        "target": entry.request.target,
        "status": entry.reply.status,
        "code": reply_code(entry),
        "hint": next(_texts(error), None),
        "scenario": entry.scenario_id,
        "source": decision.scenario.source if decision is not None else None,
        "trigger": decision.trigger if decision is not None else None,
        "problem": entry.problem,
        "recorded": recorded.result if recorded is not None else None,
        "trace": entry.trace,
        "fault": entry.fault,
        "fallback": entry.fallback,
        "answer_lost": entry.answer_lost,
        "committed": decision is not None and decision.committed,
        "cause": (decision.cause_entry_id or None) if decision is not None else None,
        "delay_ms": round(entry.delay_ms, 3),
        "client_left": entry.client_left,
        "micros": entry.duration_us,
        "unexpected": is_unexpected(entry),
        "masked": list(entry.masked),
        "keys": _keys(entry),
        "has_warnings": has_warnings(decision),
    }


def has_warnings(decision: EntryDecision | None) -> bool:
    """Whether there are warnings beside that of missing credentials."""
    return decision is not None and any(one.keyword != NO_CREDENTIALS for one in decision.warnings)


def _keys(entry: JournalEntry) -> list[str]:
    """The keys of looked-up records that the request named, without the ids that were drawn for it."""
    if entry.decision is None:
        return []
    drawn, request = set(entry.decision.new.values()), entry.request
    keys = dict.fromkeys(one.key for one in entry.decision.lookups.values() if one.key)
    return [key for key in keys if key not in drawn or key.encode() in request.target.encode() + request.body.data]


def reply_error(entry: JournalEntry) -> dict[str, Any]:
    """The object `error` in the body of the reply that a scenario or the provider gave; empty without one."""
    if entry.problem is not None or entry.reply.body.encoding != JSON:
        return {}
    body = entry.reply.body.shown
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def reply_code(entry: JournalEntry) -> Any:
    """The code in the error of the reply; an integer however it is written, as `--vary` may write 42.0 for 42."""
    code = reply_error(entry).get("code")
    return int(code) if isinstance(code, float) and code.is_integer() else code


def _texts(value: Any) -> Iterator[str]:
    """The texts within a JSON value, but for those of members named `code`."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        inside = (v for k, v in value.items() if k != "code") if isinstance(value, dict) else value
        for one in inside:
            yield from _texts(one)


def is_unexpected(entry: JournalEntry) -> bool:
    """Whether an answer is a problem, assumed, the default, or was forced although the request is malformed.

    One of the provider is, if it is not the same as an outcome of the contract.
    """
    decision = entry.decision
    if decision is None:
        return entry.recorded is None or entry.recorded.result != "same"
    if decision.scenario.forced:
        return bool(decision.violations)
    return decision.scenario.source == "assumed" or decision.trigger == "default"


def entry_details(entry: JournalEntry, contract: str, reconstruction: Reconstruction | None) -> dict[str, Any]:
    """All details of an entry.

    `contract` is the hash of the contract that is served. Near misses follow from that one; `contract_changed` says
    that another one decided.
    """
    decision = entry.decision
    shown = {
        **entry_summary(entry),
        "contract": entry.contract_hash,
        "contract_changed": entry.contract_hash != contract,
        "request": {"headers": header_list(entry.request.headers), "body": entry.request.body.shown},
        "reply": {"headers": header_list(entry.reply.headers), "body": entry.reply.body.shown},
        "violations": [],
        "warnings": [],
        "decision": None,
        "recording": None,
        "misses": [],
        "records": [],
    }
    if decision is not None:
        shown["violations"] = [{**violation_json(one), "values": one.values} for one in decision.violations]
        shown["warnings"] = [warning_json(one) for one in decision.warnings]
        shown["decision"] = answer_json(decision.scenario, decision.trigger, decision.assumed)
        shown["records"] = records_before_and_after(entry)
    if entry.recorded is not None:
        shown["recording"] = _recording_json(entry.recorded)
    if reconstruction is not None:
        scenario = reconstruction.scenario
        conditions = [one.written for one in reconstruction.conditions]
        shown["decision"] |= {
            "conditions": conditions,
            "notes": dict(scenario.notes) if scenario is not None else {},
            **(scenario.client_advice if scenario is not None else NO_ADVICE).members,
        }
        shown["misses"] = near_misses_json(reconstruction.near_misses)
    return shown


def _recording_json(recorded: Recorded) -> dict[str, Any]:
    """How an answer of the provider compares with the contract, as JSON."""
    return {
        "words": recorded.words,
        "expected": recorded.expected,
        "differences": [
            {"at": one.at, "kind": one.kind, "expected": one.expected, "came": one.came} for one in recorded.differences
        ],
        "reason": recorded.reason,
        "latency_ms": recorded.latency_ms,
        "target": recorded.target,
    }


def header_list(headers: Headers) -> list[dict[str, str]]:
    """Headers as JSON, repeated ones kept."""
    return [{"name": name, "value": value} for name, value in headers]


def pretty_json(value: Any, pointer: str, masked: Collection[str], mark: str, indent: str = "") -> str:
    """Indented JSON with `mark` behind every masked value; `pointer` is that of the value in its entry."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        members = [
            f"{inner}{encode_json(name).decode()}: "
            + pretty_json(member, f"{pointer}/{json_pointer_step(name)}", masked, mark, inner)
            for name, member in value.items()
        ]
        text = "{\n" + ",\n".join(members) + f"\n{indent}}}"
    elif isinstance(value, list) and value:
        items = [inner + pretty_json(item, f"{pointer}/{i}", masked, mark, inner) for i, item in enumerate(value)]
        text = "[\n" + ",\n".join(items) + f"\n{indent}]"
    else:
        text = encode_json(value).decode()
    return f"{text} {mark}" if pointer in masked else text


def text_or_json(body: bytes) -> Any:
    """A body as a JSON value, or as text where it is none."""
    try:
        return decode_json(body, MAX_OWN_DEPTH)
    except NotJsonError:
        return body.decode("utf-8", "replace")


def violation_json(one: Violation | EntryViolation) -> dict[str, str]:
    """A violation as JSON."""
    return {
        "at": ".".join((one.root, *map(str, one.path))),
        "pointer": json_pointer(one.path),
        "keyword": one.keyword,
        "came": one.got,
        "message": one.message,
    }


def warning_json(one: RequestWarning) -> dict[str, Any]:
    """A warning as JSON."""
    return {
        "at": one.root,
        "pointer": one.pointer,
        "keyword": one.keyword,
        "message": one.message,
        "values": one.values,
    }


def evidence_json(one: Evidence) -> dict[str, Any]:
    """A piece of evidence as JSON."""
    shown = {"at": one.path, "expected": one.expected, "came": one.got}
    return {**shown, "kind": one.kind, "condition": one.condition} if one.condition else shown


def evidence_lines(at: str, expected: str, got: str) -> tuple[str, str]:
    """A piece of evidence as lines: the member, what was expected, what was got."""
    return f"{at}: expected {expected_words(at, expected)}", f"{' ' * len(at)}  got      {got}"


def expected_words(at: str, expected: str) -> str:
    """What evidence expected of a member, without naming it again."""
    return expected.removeprefix(at).strip().removeprefix("is ")


def server_sent_event(entry: JournalEntry) -> bytes:
    """An entry as a server-sent event."""
    return b"id: %s\nevent: entry\ndata: %s\n\n" % (entry.id.encode(), encode_json(entry_summary(entry)))


def decision_json(decision: Decision) -> dict[str, Any]:
    """A decision as JSON: the scenario that answers, and why."""
    return answer_json(scenario_info(decision.scenario, decision.alternative), decision.trigger, decision.assumed)


def answer_json(scenario: ScenarioInfo, trigger: str, assumed: Iterable[str]) -> dict[str, Any]:
    """The scenario that answered, and why, as JSON."""
    return {
        "operation": scenario.operation,
        "scenario": scenario.id,
        "position": scenario.position,
        "source": scenario.source,
        "heading": scenario.heading,
        "note": scenario.note,
        "trigger": trigger,
        "assumed": list(assumed),
        "because": list(scenario.because),
    }


def near_misses_json(found: Iterable[NearMiss]) -> list[dict[str, Any]]:
    """Near misses as JSON, each with the seeds whose spelling is close to a key of the request."""
    return [
        {
            "scenario": one.scenario.id,
            "position": str(one.scenario.position),
            "held": one.held,
            "evidence": [evidence_json(e) for e in one.evidence],
            "did_you_mean": list(one.near_seeds),
        }
        for one in found
    ]


def records_before_and_after(entry: JournalEntry) -> list[dict[str, Any]]:
    """The records that were looked up by key, each before and after the request.

    Without those of ids that were drawn and not used: the request could not meet their default records.
    """
    decision = entry.decision
    if decision is None:
        return []
    shown, named = [], _keys(entry)
    writes = {(one.collection, one.key): one for one in decision.writes}
    for name, lookup in decision.lookups.items():
        if lookup.key is None:
            continue
        written = writes.pop((lookup.collection, lookup.key), None)
        record = lookup.records[0] if lookup.records else None
        if written is None and (record is None or (record.origin == "default" and lookup.key not in named)):
            continue
        shown.append(_change(name, lookup.key, record, written))
    return shown


def _change(name: str, key: str, record: Record | None, written: Write | None) -> dict[str, Any]:
    before = None if record is None else {k: v for k, v in record.visible.items() if k != "key"}
    after: Mapping[str, Any] | None = before
    if written is not None:
        after = {**(before or {}), **written.members, "origin": "request"}
    return {"lookup": name, "key": key, "before": before, "after": after}
