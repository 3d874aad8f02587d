"""Bundles: one journal entry as a file, from which its decision can be made again elsewhere.

A replay needs no server, no storage and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from mockserver.base.instants import parse_instant
from mockserver.base.values import decode_trusted_json, encode_json, printable
from mockserver.contract.folders import ENTRY_SCHEMA_FILE
from mockserver.contract.loading import ConfigError, compile_runtime_scenario, format_validator
from mockserver.core.contract import Contract, Operation, Scenario, Turn, Turns
from mockserver.core.directives import Directives
from mockserver.core.faults import loses_answer
from mockserver.core.model import RequestWarning, Write
from mockserver.core.reply import Decision, Reply
from mockserver.decision.decide import decide
from mockserver.decision.document import read_document
from mockserver.decision.order import compile_order, scenarios_in_force
from mockserver.decision.rendering import render
from mockserver.decision.router import Route
from mockserver.decision.view import ArmedOutcome
from mockserver.decision.warnings import WIRE_WARNINGS
from mockserver.entries.journal_entry import EntryDecision, JournalEntry, decode_entry
from mockserver.entries.reconstruction import request_of, view_of
from mockserver.entries.views import text_or_json, violation_json
from mockserver.privacy.masks import mask_account_numbers
from mockserver.variation.setting import check_variation

ENTRY_BUNDLE_VERSION: Final = 3
"""The version of the format: since 3 a bundle holds the journal entry; 2 had a form of its own."""


class BundleError(Exception):
    """The document is no bundle, or not one of this contract; the message says why."""


class Difference(Struct, frozen=True):
    """A part of a decision that is another one now."""

    name: str
    before: Any
    now: Any


class ReplayResult(Struct, frozen=True):
    """The result of a replay: the differences, and whether the contract is the same.

    `disturbance` says in words which fault or delay the answer had, which a replay does not repeat.
    """

    differences: tuple[Difference, ...]
    same_contract: bool
    scenario: str
    disturbance: str = ""


def bundle(data: bytes) -> dict[str, Any]:
    """The bundle of a journal entry, from its encoded document."""
    return {"format": ENTRY_BUNDLE_VERSION, "entry": decode_trusted_json(data)}


def replay(document: Any, contract: Contract) -> ReplayResult:
    """Make the decision of a bundle again. Raises `BundleError`."""
    entry = _entry(document)
    decision = entry.decision
    if decision is None:
        raise BundleError(f"the bundle is of a request without a decision of the mock ({entry.answered_by})")
    name = decision.scenario.operation
    operation = contract.operations_by_id.get(name)
    if operation is None:
        raise BundleError(f"the contract has no operation {name}")
    again, reply = _decide_again(entry, decision, operation, contract)
    now = _outcome(again, reply)
    before = _recorded_outcome(entry, decision)
    if entry.fault == "gateway":  # the entry has the status of the fault, not that of the scenario
        before["status"] = now["status"]
    differences = [Difference(n, before[n], value) for n, value in now.items() if before[n] != value]
    same, disturbance = entry.contract_hash == contract.hash, _fault_and_delay(entry, decision)
    return ReplayResult(tuple(differences), same, again.scenario.id, disturbance)


def _entry(document: Any) -> JournalEntry:
    found = document.get("format") if isinstance(document, dict) else None
    if found != ENTRY_BUNDLE_VERSION:
        got = f"format: {found}" if found is not None else "something else"
        where = "as GET /__admin/requests/ID/bundle of this version gives it"
        raise BundleError(f"expected a bundle with format: {ENTRY_BUNDLE_VERSION}, {where}, got {printable(got, 40)}")
    wrong = format_validator(ENTRY_SCHEMA_FILE).violations("entry", document.get("entry"))
    if wrong:
        first = next((one for one in wrong if one.keyword != "oneOf"), wrong[0])  # oneOf says least
        raise BundleError(f"the bundle is not whole: {first.text}")
    try:
        entry = decode_entry(encode_json(document["entry"]))
        parse_instant(entry.time)
        check_variation(entry.decision.settings.vary if entry.decision is not None else "")
    except ValueError as error:
        raise BundleError(f"the bundle is not whole: {error}") from None
    return entry


def _decide_again(
    entry: JournalEntry, recorded: EntryDecision, operation: Operation, contract: Contract
) -> tuple[Decision, Reply]:
    """The decision and reply by this contract, with the records, ids and time of that request."""
    added = [_compile(operation, one.scenario, one.text) for one in recorded.added]
    order = compile_order(scenarios_in_force(operation, added), added)
    request = request_of(entry)
    document = read_document(operation, request, entry.request.path, recorded.settings.as_settings)
    view = view_of(entry, recorded, operation, order, document)
    forced = _forced(recorded, operation, order.by_id) if recorded.scenario.forced else None
    directives = Directives(forced.id) if forced is not None and recorded.trigger == "header" else Directives()
    if forced is not None and recorded.trigger == "armed":
        armed = ArmedOutcome(id=1, operation=operation.id, turns=Turns((Turn(forced),)), left=None, when=(), spec={})
        view = msgspec.structs.replace(view, armed=(armed,))
    elif forced is not None:
        by_id = {**order.by_id, forced.id: forced}
        view = msgspec.structs.replace(view, order=msgspec.structs.replace(order, by_id=by_id))
    route = Route(contract, operation, entry.request.path, entry.sandbox, directives)
    decision = decide(route, document, view)
    if isinstance(decision, Reply):
        raise BundleError(f"the mock refuses the request now: {decode_trusted_json(decision.body)['detail']}")
    return decision, render(decision, route, entry.id)


def _forced(recorded: EntryDecision, operation: Operation, by_id: Mapping[str, Scenario]) -> Scenario:
    """The scenario that was forced by a header or armed."""
    name = recorded.scenario.id
    if recorded.forced_text is not None:
        return _compile(operation, name, recorded.forced_text)
    scenario = operation.by_id.get(name) or by_id.get(name)
    if scenario is None:
        raise BundleError(f"the contract has no scenario {name}")
    return scenario


def _compile(operation: Operation, name: str, text: str) -> Scenario:
    try:
        return compile_runtime_scenario(operation, text.encode(), name)
    except ConfigError as error:
        raise BundleError(f"scenario {name}, added at run time, does not fit this contract:\n{error}") from None


def _outcome(decision: Decision, reply: Reply) -> dict[str, Any]:
    """The parts of a decision that are compared."""
    return {
        "scenario": decision.scenario.id,
        "trigger": decision.trigger,
        "source": decision.provenance,
        "assumed": list(decision.assumed),
        "cause": decision.cause_entry_id,
        "violations": [violation_json(one) for one in decision.document.violations],
        "warnings": _kept_warnings(decision.document.warnings),
        "writes": _writes(decision.effects.writes),
        "status": reply.status,
        "reply": text_or_json(mask_account_numbers(reply.body)),
    }


def _kept_warnings(warnings: Iterable[RequestWarning]) -> list[str]:
    """The messages of warnings that a masked entry can give again."""
    return [one.message for one in warnings if one.keyword not in WIRE_WARNINGS]


def _writes(writes: Iterable[Write]) -> list[dict[str, Any]]:
    return [{"collection": one.collection, "key": one.key, "members": dict(one.members)} for one in writes]


def _recorded_outcome(entry: JournalEntry, decision: EntryDecision) -> dict[str, Any]:
    """The same parts of the decision in an entry."""
    return {
        "scenario": decision.scenario.id,
        "trigger": decision.trigger,
        "source": decision.scenario.source,
        "assumed": list(decision.assumed),
        "cause": decision.cause_entry_id,
        "violations": [violation_json(one) for one in decision.violations],
        "warnings": _kept_warnings(decision.warnings),
        "writes": _writes(decision.writes),
        "status": entry.reply.status,
        "reply": entry.reply.body.shown,
    }


def _fault_and_delay(entry: JournalEntry, decision: EntryDecision) -> str:
    parts = []
    if loses_answer(entry.fault):
        kept = "only the answer was lost" if decision.committed else "nothing was committed"
        parts.append(f"fault {entry.fault}, {kept}")
    elif entry.fault:
        parts.append(f"fault {entry.fault}")
    if entry.delay_ms:
        parts.append(f"delay of {entry.delay_ms:.0f} ms")
    if entry.client_left:
        parts.append("the client left before the full answer was sent")
    return "; ".join(parts)
