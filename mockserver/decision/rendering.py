"""The reply to a decision: status, headers and body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from mockserver.contract.templates import body_of
from mockserver.core.contract import Contract, Decision, Reply
from mockserver.core.model import RequestWarning, Violation, make
from mockserver.core.values import printable, write_ascii

MOST_SHOWN: Final = 10
"""Violations and warnings shown in a header; the rest are counted."""

LONGEST_LIST: Final = 3_000
"""Characters of violations and of warnings in a header; many clients read no header of more than 8 KiB."""

LONGEST_POINTER: Final = 120
LONGEST_MESSAGE: Final = 240

MOCK_HEADERS: Final[Mapping[str, str]] = {
    "Mock-Scenario": "The scenario that answered.",
    "Mock-Source": "documented or assumed.",
    "Mock-Assumed": "The open points that the answer rests on.",
    "Mock-Trigger": "values, state (it rested on a record that an earlier request wrote), header (forced), armed, or "
    "default (a scenario without conditions).",
    "Mock-Contract": "The hash of the loaded contract.",
    "Mock-Entry": "The id of the journal entry.",
    "Mock-Cause": "With the trigger state: the entry of the request that wrote the record.",
    "Mock-Violations": "What JSON Schema found wrong: an ASCII JSON array of pointer, keyword, message (and in, where "
    'it is not the body); at most ten, then {"more": N}; never a value of the request.',
    "Mock-Warnings": "What was accepted but probably not meant, in the same form.",
}
"""What the mock says about an answer, in its headers."""


def reply_to(decision: Decision, contract: Contract, mock_headers: bool, entry: int) -> Reply:
    """The answer that a decision asks for; `entry` is the id of its journal entry."""
    scenario, facts = decision.scenario, decision.facts
    headers = reply_headers(decision, contract.hash, entry, mock_headers=mock_headers)
    body = body_of(scenario.form, facts)
    status = scenario.status.render(facts)
    return make(Reply, (status, headers, body, decision, None, None, 0.0, entry, "", None, None))


def reply_headers(decision: Decision, contract: str, entry: int, *, mock_headers: bool) -> tuple[tuple[str, str], ...]:
    """The headers of an answer: what it is, and what the mock has to say; `contract` is the hash of the contract."""
    if not mock_headers:
        return (_JSON,)
    _, scenario, _, trigger, source, assumed, document, _, _, cause, _, _ = decision
    headers = _usual(scenario.id, source, assumed, trigger, contract)
    if cause:
        headers = (*headers, ("Mock-Cause", str(cause)))
    if document.violations:
        headers = (*headers, ("Mock-Violations", _listed(document.violations)))
    if document.warnings:
        headers = (*headers, ("Mock-Warnings", _listed(document.warnings)))
    return (*headers, ("Mock-Entry", str(entry)))


@lru_cache(maxsize=512)
def _usual(
    scenario: str, source: str, assumed: tuple[str, ...], trigger: str, contract: str
) -> tuple[tuple[str, str], ...]:
    named = (("Mock-Assumed", ", ".join(assumed)),) if assumed else ()
    how = (("Mock-Trigger", trigger), ("Mock-Contract", contract))
    return (_JSON, ("Mock-Scenario", scenario), ("Mock-Source", source), *named, *how)


_JSON: Final = ("Content-Type", "application/json")


def _listed(found: Sequence[Violation | RequestWarning]) -> str:
    shown: list[dict[str, Any]] = []
    length = 0
    for one in found[:MOST_SHOWN]:
        entry = _entry(one)
        length += len(write_ascii(entry))
        if shown and length > LONGEST_LIST:
            break
        shown.append(entry)
    if len(found) > len(shown):
        shown.append({"more": len(found) - len(shown)})
    return write_ascii(shown)


def _entry(one: Violation | RequestWarning) -> dict[str, str]:
    entry = {"pointer": printable(one.pointer, LONGEST_POINTER), "keyword": one.keyword}
    entry["message"] = (
        one.message if len(one.message) <= LONGEST_MESSAGE else one.message[: LONGEST_MESSAGE - 3] + "..."
    )
    # A pointer is into the body unless it says where else.
    return entry if one.root == "body" else {"in": one.root, **entry}
