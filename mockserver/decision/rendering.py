"""The reply to a decision: status, headers and body."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from mockserver.base.values import encode_ascii_json, printable
from mockserver.contract.templates import render_body
from mockserver.core.contract import Scenario
from mockserver.core.model import Facts, RequestWarning, Violation
from mockserver.core.reply import Decision, Headers, Reply
from mockserver.decision.router import Route
from mockserver.variation.replies import vary

MAX_SHOWN: Final = 10
"""Violations and warnings shown in a header; the rest are counted."""

MAX_LIST_CHARS: Final = 3_000
"""Characters of violations and of warnings in a header; many clients read no header of more than 8 KiB."""

LONGEST_POINTER: Final = 120
LONGEST_MESSAGE: Final = 240

_NOT_IN_A_HEADER: Final = re.compile(r"[^\x20-\x7e]")

JSON_HEADERS: Final[Headers] = (("Content-Type", "application/json"),)

MOCK_HEADERS: Final[Mapping[str, str]] = {
    "Mock-Scenario": "The scenario that answered.",
    "Mock-Source": "documented or assumed.",
    "Mock-Verified": "What `verify-provider --save` found of the scenario, and when: same or differs, then the day.",
    "Mock-Assumed": "The open points that the answer rests on.",
    "Mock-Trigger": "values, state (it rested on a record that was written before), header (forced), armed, or "
    "default (a scenario without conditions).",
    "Mock-Contract": "The hash of the loaded contract.",
    "Mock-Entry": "The id of the journal entry.",
    "Mock-Cause": "With the trigger state: the entry of the request that wrote the record, if one did; `; deleted` "
    "follows if it is no longer kept.",
    "Mock-Fallback": "Why the provider did not answer, in whose place the mock did (`mockserver record --fallback`).",
    "Mock-Varied": "How the answer was varied: the seed, the number of the request in its sandbox, and the kinds that "
    "changed something, such as 7/3:order,time. As the setting vary it gives this variation again.",
    "Mock-Violations": "What JSON Schema found wrong, first the one that decided: an ASCII JSON array of pointer, "
    'keyword, message (and in, where it is not the body); at most ten, then {"more": N}; never a value of the request.',
    "Mock-Warnings": "What was accepted but probably not meant, in the same form and this order: unknown members, "
    "equal names in one object (the last value counts), repeated parameters (the first counts), another content type "
    "or charset, repeated headers (the first counts), no credentials.",
}
"""What the mock says about an answer, in its headers."""


def render(decision: Decision, route: Route, entry_id: str, lost_entry_ids: Collection[str] = frozenset()) -> Reply:
    """The reply to a decision whose journal entry is `entry_id`; `lost_entry_ids` are ids that the journal dropped."""
    scenario, fault = decision.scenario, decision.fault
    status = scenario.status.render(decision.facts)
    headers = JSON_HEADERS
    own_headers = _scenario_headers(scenario, decision.facts) if scenario.headers else ()
    if fault is not None and fault.kind == "gateway":
        status, own_headers = fault.status, ()  # what the journal shows; `server.faults` sends it
    if any(name.lower() == "content-type" for name, _ in own_headers):
        headers = ()
    if decision.facts.settings.mock_headers:
        headers += _shared_headers(decision, route.contract.hash)
        own_headers += _own_headers(decision, entry_id, lost_entry_ids)
    reply = Reply(
        status,
        headers,
        render_body(scenario.compiled_body, decision.facts),
        own_headers,
        decision,
        fault=fault,
        delay_ms=decision.delay_ms,
        entry_id=entry_id,
        sandbox=route.sandbox,
    )
    return vary(reply) if decision.facts.settings.vary else reply


def _shared_headers(decision: Decision, contract_hash: str) -> Headers:
    """The mock's headers that depend only on how it was decided; the server caches their lines."""
    headers = [("Mock-Scenario", decision.scenario.id), ("Mock-Source", decision.provenance)]
    if decision.scenario.verified is not None:
        headers.append(("Mock-Verified", decision.scenario.verified.text))
    if decision.assumed:
        headers.append(("Mock-Assumed", ", ".join(decision.assumed)))
    return (*headers, ("Mock-Trigger", decision.trigger), ("Mock-Contract", contract_hash))


def _scenario_headers(scenario: Scenario, facts: Facts) -> Headers:
    """The headers that a scenario sends; a character that no header can hold becomes `?`."""
    values = ((header.name, header.value.render(facts)) for header in scenario.headers)
    return tuple(
        (name, _NOT_IN_A_HEADER.sub("?", value if isinstance(value, str) else encode_ascii_json(value)))
        for name, value in values
    )


def _own_headers(decision: Decision, entry_id: str, lost_entry_ids: Collection[str]) -> Headers:
    headers: list[tuple[str, str]] = []
    if decision.cause_entry_id:
        headers.append(
            ("Mock-Cause", decision.cause_entry_id + ("; deleted" if decision.cause_entry_id in lost_entry_ids else ""))
        )
    if decision.document.violations:
        headers.append(("Mock-Violations", _header_list(decision.document.violations)))
    if decision.document.warnings:
        headers.append(("Mock-Warnings", _header_list(decision.document.warnings)))
    headers.append(("Mock-Entry", entry_id))
    return tuple(headers)


def _header_list(found: Sequence[Violation | RequestWarning]) -> str:
    shown: list[dict[str, Any]] = []
    length = 0
    for one in found[:MAX_SHOWN]:
        item = _header_item(one)
        length += len(encode_ascii_json(item))
        if shown and length > MAX_LIST_CHARS:
            break
        shown.append(item)
    if len(found) > len(shown):
        shown.append({"more": len(found) - len(shown)})
    return encode_ascii_json(shown)


def _header_item(one: Violation | RequestWarning) -> dict[str, str]:
    item = {"pointer": printable(one.pointer, LONGEST_POINTER), "keyword": one.keyword}
    item["message"] = one.message if len(one.message) <= LONGEST_MESSAGE else one.message[: LONGEST_MESSAGE - 3] + "..."
    # A pointer is into the body unless it says where else.
    return item if one.root == "body" else {"in": one.root, **item}
