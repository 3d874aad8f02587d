"""The decision: a pure function of the route, the document and the view."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mockserver.base.spelling import close_matches
from mockserver.contract.paths import VIOLATION_MEMBERS
from mockserver.core.codes import is_code, near_names, scenario_by_code
from mockserver.core.contract import Alternative, Scenario, Turn
from mockserver.core.faults import Delay, Fault, FixedDelay, UniformDelay
from mockserver.core.language import all_hold
from mockserver.core.model import MISSING, Document, Facts, Path, Trigger, Violation, Write
from mockserver.core.problems import unknown_scenario, unknown_test_value
from mockserver.core.reply import Decision, Effects, Problem, Reply
from mockserver.decision.order import Candidate, assumptions_of
from mockserver.decision.router import Route
from mockserver.decision.view import ArmedOutcome, View


def decide(route: Route, document: Document, view: View) -> Decision | Problem:
    """What answers a request: the scenario of the header, an armed one, or the first that matches.

    A problem if `Mock-Scenario` names no scenario of the operation, or a key has the form of a test value and is none.
    """
    facts = view.facts
    if route.directives.scenario is not None:
        named = _named_scenario(route, view, route.directives.scenario)
        if isinstance(named, Reply):
            return named
        return _build_decision(route, document, view, Choice(named, "header"))
    armed = next((one for one in view.armed if one.matches(route.operation, facts)), None) if view.armed else None
    if armed is not None and armed.turn.scenario is not None:
        return _build_decision(route, document, view, Choice(armed.turn.scenario, "armed", armed=armed))
    lookup = view.lookups.unknown_test_value
    if lookup is not None:
        collection = lookup.collection
        spelt = close_matches(lookup.key(facts), collection.test_values)
        return unknown_test_value(lookup.path, collection.name, spelt, collection.test_values)
    return _build_decision(route, document, view, _first_match(route, document, view, armed))


class Choice(Struct, frozen=True):
    """The scenario that answers, and why.

    candidate: what matched; None if the scenario was forced or armed.
    armed: the armed outcome that the request uses; beside a candidate it sets no scenario, at most fault and delay.
    """

    scenario: Scenario
    trigger: Trigger
    candidate: Candidate | None = None
    armed: ArmedOutcome | None = None
    cause_entry_id: str = ""
    turn_counts: Mapping[str, int] = {}


def _first_match(route: Route, document: Document, view: View, armed: ArmedOutcome | None) -> Choice:
    """The first scenario of which an alternative matches.

    A scenario with answers in turn counts the request. If its turn is to stand aside, the next scenarios are tried.
    """
    facts = view.facts
    turn_counts: dict[str, int] = {}
    index = view.order.with_violations if document.violations else view.order.without_violations
    for candidate in index.candidates(facts):
        if not all_hold(candidate.alternative.conditions, facts):
            continue
        scenario: Scenario | None = candidate.scenario
        if candidate.scenario.turns is not None:
            if candidate.scenario.id in turn_counts:  # another alternative of it has counted the request
                continue
            count = turn_counts[candidate.scenario.id] = view.turn_counts.get(candidate.scenario.id, 0)
            scenario = candidate.scenario.turns.turn_after(count).scenario
        if scenario is not None:
            trigger, cause_entry_id = _trigger_of(candidate.alternative, view)
            return Choice(scenario, trigger, candidate, armed, cause_entry_id, turn_counts)
    # The last scenario answers everything; that is checked when the contract is loaded.
    raise RuntimeError(f"no scenario of {route.operation.id} answers")


def _trigger_of(alternative: Alternative, view: View) -> tuple[Trigger, str]:
    """The trigger, and with `state` the id of the entry that wrote the record (otherwise empty)."""
    if not alternative.conditions:
        return "default", ""
    for name in alternative.lookup_names:
        for record in view.lookups.found[name]:
            if record.visible["origin"] == "request":
                return "state", record.entry_id
    return "values", ""


def _build_decision(route: Route, document: Document, view: View, choice: Choice) -> Decision:
    scenario, armed, directives = choice.scenario, choice.armed, route.directives
    alternative = choice.candidate.alternative if choice.candidate is not None else None
    turn = armed.turn if armed is not None else Turn()
    fault: Fault | None = directives.fault or turn.fault or scenario.fault
    delay: Delay | None = directives.delay or turn.delay or scenario.delay
    decisive = _decisive_violation(alternative, view.facts) if document.violations else None
    if decisive is not None:
        document = _with_first(document, decisive)
    facts = _facts_for_answer(decisive, document, view.facts)
    # What is forced or armed has no alternative, and changes nothing.
    applies_changes = alternative is not None and bool(scenario.changes) and (fault is None or fault.keeps_changes)
    return Decision(
        operation=route.operation,
        scenario=scenario,
        alternative=alternative,
        trigger=choice.trigger,
        provenance=alternative.provenance if alternative is not None else scenario.provenance,
        assumed=_assumption_ids(choice, document, view.facts),
        document=document,
        facts=facts,
        cause_entry_id=choice.cause_entry_id,
        turn_counts=choice.turn_counts,
        effects=Effects(
            writes=_record_writes(scenario, view, facts) if applies_changes else (),
            consumed_id_names=tuple(scenario.new_ids) if alternative is not None and scenario.new_ids else (),
            armed_id=armed.id if armed is not None else None,
            counted_scenarios=tuple(choice.turn_counts) if choice.turn_counts else (),
            drew_delay=delay is not None and not isinstance(delay, FixedDelay),
        ),
        applies_changes=applies_changes,
        fault=fault,
        delay_ms=0.0 if delay is None else sample_delay_ms(delay, facts.settings.seed, view.sandbox, view.delays_drawn),
    )


def _assumption_ids(choice: Choice, document: Document, facts: Facts) -> tuple[str, ...]:
    """The ids of the assumptions that the answer rests on, each once."""
    candidate = choice.candidate
    if candidate is not None and candidate.scenario is choice.scenario:
        assumptions = candidate.assumptions
    else:
        assumptions = assumptions_of(choice.scenario, candidate.alternative if candidate is not None else None)
    found = [one.id for one in assumptions if all_hold(one.when, facts)]
    if document.warnings:
        found += [warning.assumption for warning in document.warnings if warning.assumption]
    return tuple(dict.fromkeys(found))


def sample_delay_ms(delay: Delay, seed: int, sandbox: str, number: int) -> float:
    """Draw a delay in milliseconds; the same for the same seed, sandbox and number of delays drawn before."""
    if isinstance(delay, FixedDelay):
        return delay.ms
    source = Random(f"{seed}/{sandbox}/{number}")  # noqa: S311 - it has to be repeatable
    if isinstance(delay, UniformDelay):
        return source.uniform(delay.low, delay.high)
    return min(delay.median * source.lognormvariate(0.0, delay.sigma), delay.cap)


# -- what the answer may show ---------------------------------------------------------------------------


def _decisive_violation(alternative: Alternative | None, facts: Facts) -> Violation | None:
    """The violation by which the alternative matched."""
    for condition in alternative.conditions if alternative is not None else ():
        violation = condition.first_violation(facts) if condition.first_violation is not None else None
        if violation is not None:
            return violation
    return None


def _with_first(document: Document, violation: Violation) -> Document:
    """The document with this violation before the others, as it explains the answer; headers show only some."""
    others = (one for one in document.violations if one is not violation)
    return replace(document, violations=(violation, *others))


def _facts_for_answer(decisive: Violation | None, document: Document, facts: Facts) -> Facts:
    """The facts that templates may show: malformed members left out, the violation that decided added."""
    if not document.violations:
        return facts
    shown = {name: read(decisive) for name, read in VIOLATION_MEMBERS.items()} if decisive is not None else MISSING
    return replace(facts, violation=shown, body=_valid_body(document))


def _valid_body(document: Document) -> Any:
    """The body without the members that break their schema."""
    body = document.body
    for violation in document.violations:
        if violation.root == "body":
            body = _without(body, violation.path)
    return body


def _without(value: Any, path: Path) -> Any:
    if not path or isinstance(value, list):
        return MISSING
    head, *rest = path
    if not isinstance(value, dict) or head not in value:
        return value
    inner = _without(value[head], tuple(rest))
    return {k: (inner if k == head else v) for k, v in value.items() if k != head or inner is not MISSING}


# -- what it changes ------------------------------------------------------------------------------------


def _record_writes(scenario: Scenario, view: View, facts: Facts) -> tuple[Write, ...]:
    writes = []
    for change in scenario.changes:
        key = view.lookups.keys[change.lookup.name]
        if key is None or key in change.lookup.collection.constant_seeds:
            continue
        members = dict(change.members)
        for rendered in change.rendered:
            value = rendered.template.render(facts)
            if value is MISSING:
                del members[rendered.name]
                continue
            if rendered.appends:
                value = _append_once(view, change.lookup.name, rendered.name, value)
            members[rendered.name] = value
        writes.append(Write(change.lookup.collection.name, key, members))
    return tuple(writes)


def _append_once(view: View, lookup: str, member: str, value: Any) -> list[Any]:
    """The list that a member holds, with a value added unless it is in it."""
    records = view.lookups.found[lookup]
    before = records[0].visible.get(member, []) if records else []
    if not isinstance(before, list):  # it was written under another contract
        before = [before]
    return before if value in before else [*before, value]


# -- problems -------------------------------------------------------------------------------------------


def _named_scenario(route: Route, view: View, name: str) -> Scenario | Problem:
    """The scenario of an id, or of a code as `code=1042`; a problem if there is none."""
    if is_code(name):
        return scenario_by_code(name, view.order.by_id.values())
    named = view.order.by_id.get(name)
    return _unknown_scenario(route, view, name) if named is None else named


def _unknown_scenario(route: Route, view: View, name: str) -> Problem:
    scenarios = view.order.by_id
    elsewhere = next((scenario.operation for scenario in route.contract.scenarios if scenario.id == name), None)
    return unknown_scenario(name, [*scenarios], near_names(name, scenarios.values()), elsewhere)
