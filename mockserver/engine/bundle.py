"""One request in one file: its journal entry, from which its decision can be made again elsewhere.

No server, no storage and no clock is needed for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from mockserver.contract.loading import ENTRY_FORMAT, ConfigError, compile_runtime_scenario, format_validator
from mockserver.core.contract import Contract, Operation, Scenario, Turn, Turns
from mockserver.core.directives import Directives
from mockserver.core.instants import parse_instant
from mockserver.core.masks import mask_account_numbers
from mockserver.core.reply import Decision, Reply
from mockserver.core.values import printable, read_trusted_json, write
from mockserver.decision.decide import decide
from mockserver.decision.document import read_document
from mockserver.decision.order import in_force, order_of
from mockserver.decision.rendering import render
from mockserver.decision.router import Route
from mockserver.decision.view import Armed
from mockserver.engine.entries import EntryDecision, JournalEntry, read_entry
from mockserver.engine.reconstruction import request_of, view_of
from mockserver.engine.views import text_or_json, violation

FORMAT: Final = 3
"""2 was a document of its own; since 3 a bundle holds the journal entry."""


class BundleError(Exception):
    """What was given is no bundle, or none of this contract; the message says why."""


class Difference(Struct, frozen=True):
    """A part of a decision that came out another way."""

    name: str
    before: Any
    now: Any


class Replayed(Struct, frozen=True):
    """What came of a replay: the differences, and whether the contract is the same.

    `spoilt` is how the answer was spoilt or held up on purpose, in words; the decision does not know of that.
    """

    differences: tuple[Difference, ...]
    same_contract: bool
    scenario: str
    spoilt: str = ""


def bundle(data: bytes) -> dict[str, Any]:
    """The bundle of a journal entry, which is given as its document."""
    return {"format": FORMAT, "entry": read_trusted_json(data)}


def replay(given: Any, contract: Contract) -> Replayed:
    """Make the decision of a bundle again. Raises `BundleError`."""
    entry = _entry(given)
    decision = entry.decision
    if decision is None:
        raise BundleError(f"the bundle is of a request that the mock refused ({entry.problem}): there is no decision")
    name = decision.scenario.operation
    operation = next((one for one in contract.operations if one.id == name), None)
    if operation is None:
        raise BundleError(f"the contract has no operation {name}")
    made, reply = _decided_again(entry, decision, operation, contract)
    now = _outcome(made, reply)
    before = _outcome_of(entry, decision)
    if entry.fault == "gateway":  # which answered with a status of its own
        before["status"] = now["status"]
    differences = [Difference(n, before[n], value) for n, value in now.items() if before[n] != value]
    return Replayed(tuple(differences), entry.contract == contract.hash, made.scenario.id, _spoilt(entry, decision))


def _entry(given: Any) -> JournalEntry:
    found = given.get("format") if isinstance(given, dict) else None
    if found != FORMAT:
        came = f"format: {found}" if found is not None else "something else"
        where = "as GET /__admin/requests/ID/bundle of this version gives it"
        raise BundleError(f"expected a bundle with format: {FORMAT}, {where}, got {printable(came, 40)}")
    wrong = format_validator(ENTRY_FORMAT).violations("entry", given.get("entry"))
    if wrong:
        told = next((one for one in wrong if one.keyword != "oneOf"), wrong[0])  # which says least
        raise BundleError(f"the bundle is not whole: {told.text}")
    try:
        entry = read_entry(write(given["entry"]))
        parse_instant(entry.time)
    except ValueError as error:
        raise BundleError(f"the bundle is not whole: {error}") from None
    return entry


def _decided_again(
    entry: JournalEntry, was: EntryDecision, operation: Operation, contract: Contract
) -> tuple[Decision, Reply]:
    """The decision and its reply, by this contract, with the records, ids and time of that request."""
    added = [_compiled(operation, one.scenario, one.text) for one in was.added]
    order = order_of(in_force(operation, added), added)
    request = request_of(entry)
    document = read_document(operation, request, entry.request.path, was.settings.settings)
    view = view_of(entry, was, operation, order, document)
    forced = _forced(was, operation, order.by_id) if was.scenario.forced else None
    directives = Directives(forced.id) if forced is not None and was.trigger == "header" else Directives()
    if forced is not None and was.trigger == "armed":
        armed = Armed(id=1, operation=operation.id, turns=Turns((Turn(forced),)), left=None, when=(), spec={})
        view = msgspec.structs.replace(view, armed=(armed,))
    elif forced is not None:
        by_id = {**order.by_id, forced.id: forced}
        view = msgspec.structs.replace(view, order=msgspec.structs.replace(order, by_id=by_id))
    route = Route(contract, operation, entry.request.path, entry.sandbox, directives)
    decision = decide(route, document, view)
    if isinstance(decision, Reply):
        raise BundleError(f"the mock refuses the request now: {read_trusted_json(decision.body)['detail']}")
    return decision, render(decision, route, entry.id)


def _forced(was: EntryDecision, operation: Operation, by_id: Mapping[str, Scenario]) -> Scenario:
    """The scenario that a header or something armed has forced."""
    name = was.scenario.scenario
    if was.forced_text is not None:
        return _compiled(operation, name, was.forced_text)
    scenario = operation.by_id.get(name) or by_id.get(name)
    if scenario is None:
        raise BundleError(f"the contract has no scenario {name}")
    return scenario


def _compiled(operation: Operation, name: str, text: str) -> Scenario:
    try:
        return compile_runtime_scenario(operation, text.encode(), name)
    except ConfigError as error:
        raise BundleError(f"scenario {name}, added at run time, does not fit this contract:\n{error}") from None


def _outcome(decision: Decision, reply: Reply) -> dict[str, Any]:
    """What is compared of a decision."""
    return {
        "scenario": decision.scenario.id,
        "trigger": decision.trigger,
        "source": decision.source,
        "assumed": list(decision.assumed),
        "cause": decision.cause,
        "violations": [violation(one) for one in decision.document.violations],
        "warnings": [warning.message for warning in decision.document.warnings],
        "writes": [
            {"collection": w.collection, "key": w.key, "members": dict(w.members)} for w in decision.effects.writes
        ],
        "status": reply.status,
        "reply": text_or_json(mask_account_numbers(reply.body)),
    }


def _outcome_of(entry: JournalEntry, decision: EntryDecision) -> dict[str, Any]:
    """The same of the decision that an entry tells of."""
    return {
        "scenario": decision.scenario.scenario,
        "trigger": decision.trigger,
        "source": decision.scenario.source,
        "assumed": list(decision.assumed),
        "cause": decision.cause,
        "violations": [violation(one) for one in decision.violations],
        "warnings": [warning.message for warning in decision.warnings],
        "writes": [{"collection": w.collection, "key": w.key, "members": dict(w.members)} for w in decision.writes],
        "status": entry.reply.status,
        "reply": entry.reply.body.shown,
    }


def _spoilt(entry: JournalEntry, decision: EntryDecision) -> str:
    found = []
    if entry.fault:
        kept = "only the answer was lost" if decision.committed else "nothing was committed"
        found.append(f"fault {entry.fault}, {kept}")
    if entry.delay_ms:
        found.append(f"delay of {entry.delay_ms:.0f} ms")
    return "; ".join(found)
