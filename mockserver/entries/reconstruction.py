"""Reconstructs what a decision saw from its journal entry, so that the functions that decided can say why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from msgspec import Struct

from mockserver.contract.loading import ConfigError, compile_runtime_scenario
from mockserver.core.contract import Contract, Operation, Scenario
from mockserver.core.language import Condition
from mockserver.core.model import MISSING, Document, Request, Violation
from mockserver.core.reply import NearMiss
from mockserver.decision.near_misses import near_misses
from mockserver.decision.order import Order, compile_order, scenarios_in_force
from mockserver.decision.view import LookupResults, View, make_facts
from mockserver.entries.journal_entry import JSON, EntryDecision, JournalEntry


class Reconstruction(Struct, frozen=True):
    """A past decision with what it saw; the request is masked, which changes no decision."""

    entry: JournalEntry
    decision: EntryDecision
    operation: Operation
    view: View

    @property
    def near_misses(self) -> tuple[NearMiss, ...]:
        """The scenarios before the one that answered; none where it was forced or armed."""
        scenario = self.decision.scenario
        if scenario.forced:
            return ()
        stood_aside = [name for name in self.decision.turns if name != scenario.id]
        return near_misses(self.operation, self.view.order.scenarios, self.view.facts, stood_aside)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that held; none where the scenario no longer has them, or was forced or armed."""
        alternatives = self.scenario.alternatives if self.scenario is not None else ()
        because = self.decision.scenario.because
        held = (one.conditions for one in alternatives if tuple(c.text for c in one.conditions) == because)
        return next(held, ())

    @property
    def scenario(self) -> Scenario | None:
        """The scenario that answered; None if there is none of its name any more."""
        return self.view.order.by_id.get(self.decision.scenario.id)


def reconstruct(
    entry: JournalEntry, contract: Contract, orders: Mapping[str, Order] | None = None
) -> Reconstruction | None:
    """The decision of an entry under the contract that is served now.

    None if no scenario answered, or the contract no longer has the operation. `orders` are the orders of the
    contract's scenarios, if the caller has them.
    """
    if entry.decision is None:
        return None
    operation = contract.operations_by_id.get(entry.decision.scenario.operation)
    if operation is None:
        return None
    added = [*_runtime_scenarios(entry.decision, operation)]
    order = orders[operation.id] if orders is not None and not added else None
    order = order or compile_order(scenarios_in_force(operation, added), added)
    return Reconstruction(entry, entry.decision, operation, view_of(entry, entry.decision, operation, order))


def view_of(
    entry: JournalEntry, decision: EntryDecision, operation: Operation, order: Order, document: Document | None = None
) -> View:
    """The view that a decision had; `document` is the request read again, by default as it was read then."""
    document = document or document_of(entry, decision)
    facts = make_facts(document, decision.settings.as_settings, order, entry.at_ns, decision.new)
    keys, found = {}, {}
    for lookup in operation.lookups:
        one = decision.lookups.get(lookup.name)
        records = one.records if one is not None else ()
        keys[lookup.name], found[lookup.name] = one.key if one is not None else None, records
        views = [record.visible for record in records]
        facts.records[lookup.name] = views if lookup.is_list else views[0] if views else MISSING
    return View(
        facts=facts,
        lookups=LookupResults(keys, found),
        order=order,
        operation_id=operation.id,
        turn_counts=decision.turns,
        sandbox=entry.sandbox,
    )


def document_of(entry: JournalEntry, decision: EntryDecision) -> Document:
    """The document of an entry's request, as it was read then."""
    violations = tuple(
        Violation(v.root, v.path, v.keyword, v.got, v.message, values=v.values) for v in decision.violations
    )
    return Document(request_of(entry), entry.request.path, _body(entry), violations, decision.warnings)


def request_of(entry: JournalEntry) -> Request:
    """The request of an entry, masked."""
    sent = entry.request
    path = sent.target.partition("?")[0]
    return Request(sent.method, path, sent.body.data, entry.first_headers, sent.query)


def _body(entry: JournalEntry) -> Any:
    return entry.request.body.shown if entry.request.body.encoding == JSON else MISSING


def _runtime_scenarios(decision: EntryDecision, operation: Operation) -> Iterator[Scenario]:
    """The run-time scenarios of an entry, compiled again; those that no longer fit are left out."""
    for one in decision.added:
        with suppress(ConfigError):
            yield compile_runtime_scenario(operation, one.text.encode(), one.scenario)
