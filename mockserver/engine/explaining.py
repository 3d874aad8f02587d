"""Explanations as JSON and as text: what a request would get, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mockserver.base.spelling import did_you_mean
from mockserver.base.values import encode_json, printable
from mockserver.core.model import Request
from mockserver.core.reply import Decision
from mockserver.engine.engine import Explanation
from mockserver.entries.views import decision_json, evidence_lines, near_misses_json, text_or_json, violation_json
from mockserver.privacy.masks import mask_account_numbers_in_value


def explanation_json(request: Request, explanation: Explanation) -> dict[str, Any]:
    """An explanation as JSON: the answer and the reasons, or the problem where the mock would refuse."""
    reply, decision = explanation.reply, explanation.reply.decision
    shown = {
        "method": request.method,
        "path": explanation.path,
        "status": reply.status,
        "reply": text_or_json(reply.body),
        "problem": reply.problem,
        **(_decision_members(decision, explanation) if decision is not None else {}),
    }
    masked: dict[str, Any] = mask_account_numbers_in_value(shown)
    return masked


def _decision_members(decision: Decision, explanation: Explanation) -> dict[str, Any]:
    fault = explanation.reply.fault
    return {
        "decision": decision_json(decision),
        "violations": [violation_json(one) for one in decision.document.violations],
        "warnings": [warn.message for warn in decision.document.warnings],
        "writes": [
            {"collection": w.collection, "key": w.key, "members": [*w.members]} for w in decision.effects.writes
        ],
        "fault": fault.kind if fault is not None else None,
        "delay_ms": round(explanation.reply.delay_ms, 3),
        "committed": decision.applies_changes,
        "misses": near_misses_json(explanation.near_misses),
    }


def explanation_lines(shown: Mapping[str, Any]) -> Iterator[str]:
    """The text of an explanation, from its JSON."""
    first = f"{shown['method']} {printable(shown['path'], 200)} -> {shown['status']}"
    if "decision" not in shown:
        yield f"{first} (no answer of the API)"
        yield f"  {shown['reply']['title']}"
        yield f"  {shown['reply']['detail']}"
        return
    yield f"{first} {shown['decision']['scenario']}"
    yield from _reasons(shown)
    yield ""
    yield "answer:"
    yield f"  {encode_json(shown['reply']).decode()}"
    if shown["misses"]:
        yield ""
        yield "near misses, nearest first:"
    for miss in shown["misses"]:
        yield f"  {miss['scenario']}  ({miss['position']})"
        for one in miss["evidence"]:
            yield from (f"    {line}" for line in evidence_lines(one["at"], one["expected"], one["came"]))
        if miss["did_you_mean"]:
            yield f"    hint: {did_you_mean(miss['did_you_mean'])}"


def _reasons(shown: Mapping[str, Any]) -> Iterator[str]:
    decision = shown["decision"]
    yield f"  source:   {decision['source']}" + (f', "{decision["heading"]}"' if decision["heading"] else "")
    if decision["assumed"]:
        yield f"  assumed:  {', '.join(decision['assumed'])}"
    yield f"  trigger:  {decision['trigger']}"
    forced = {"armed": "it is armed", "header": "forced by Mock-Scenario"}.get(decision["trigger"])
    yield f"  because:  {forced or ' and '.join(decision['because']) or 'no other scenario applied'}"
    if decision["note"]:
        yield f"  note:     {decision['note']}"
    if shown["fault"]:
        kept = "what it changes is kept" if shown["committed"] else "nothing is changed"
        yield f"  fault:    {shown['fault']}; {kept}"
    if shown["delay_ms"]:
        yield f"  delay:    {shown['delay_ms']:.0f} ms"
    for one in shown["violations"]:
        yield f"  violation {one['at']}: {one['message']}"
    for message in shown["warnings"]:
        yield f"  warning   {message}"
    for one in shown["writes"] if shown["committed"] else ():
        yield f"  writes    {one['collection']} {printable(one['key'], 80)}: {', '.join(one['members'])}"
    yield f"  at:       {decision['position']}"
