"""The pure decision: from an operation, a request, the records that it looks up and a tick to a decision.

Knows no clock, no store and no file; `gather` is handed the means of finding records, `decide` nothing
but values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final, cast

from mockserver.contract.paths import VIOLATION
from mockserver.core.contract import Alternative, Assumption, Decision, Evidence, NearMiss, Operation, Scenario
from mockserver.core.model import (
    MISSING,
    Collection,
    Document,
    Facts,
    Lookup,
    Path,
    Request,
    Settings,
    Tick,
    Trigger,
    Write,
    make,
)
from mockserver.core.values import close_matches, is_blank
from mockserver.decision.order import Asked, Order, asked, in_order, points_of

LONGEST_KEPT: Final = 4_096
"""Bytes of a body by whose members' names it is kept what they settle."""

_NOTHING: Final[Mapping[str, Any]] = {}

Find = Callable[[Collection, str], Mapping[str, Any] | None]
"""Gives what a record holds, by its key."""


def gather(
    operation: Operation,
    request: Request,
    parameters: Mapping[str, str],
    document: Document,
    settings: Settings,
    tick: Tick,
    find: Find,
    new: Mapping[str, str],
) -> Facts:
    """All that the decision may look at, lookups done in their order.

    What no path names: `@keys`, the key of each lookup of one record; `@reserved`, the lookups by a key of the reserved
    form; `@kind`, the same number for requests of whose lookups of one record the same came to nothing, and the same to
    default records; `@filled`, the names of the members of a body that is no long one, if none of them is null, empty
    or blank.
    """
    body = document.body
    facts: Facts = {
        "body": body,
        "header": request.headers,
        "query": dict(request.query) if request.query else {},
        "path": parameters,
        "new": new,
        "settings": settings,
        "tick": tick,
        "violations": document.violations,
        "@filled": _filled(body) if type(body) is dict and len(request.body) <= LONGEST_KEPT else None,
    }
    members = body if type(body) is dict else _NOTHING
    keys: dict[str, str | None] = {}
    reserved: list[Lookup] = []
    kind = 0
    for lookup in operation.lookups:
        # Unpacked at once, which takes a fraction of the time of so many attributes.
        name, collection, _, _, many, fold, _, member = lookup
        if many:
            facts[name] = _all_found(lookup, facts, find)
            continue
        view = None
        key = _spelt(lookup, facts) if member is None else _usable(members.get(member))
        if key is not None:
            if collection.reserved(key):
                reserved.append(lookup)
            if fold is not None:
                key = fold(key)
            view = find(collection, key)
        keys[name] = key
        if view is None:
            facts[name] = MISSING
            kind = 3 * kind + 1
        else:
            facts[name] = view
            kind = 3 * kind if view["origin"] == "default" else 3 * kind + 2
    facts["@keys"], facts["@reserved"], facts["@kind"] = keys, reserved, kind
    return facts


def _filled(body: Mapping[str, Any]) -> tuple[str, ...] | None:
    values = body.values()
    if not all(values):
        return None
    blank = map(str.isspace, values if _TEXTS.issuperset(map(type, values)) else [v for v in values if type(v) is str])
    return None if True in blank else tuple(body)


_TEXTS: Final = frozenset([str])


def key_of(lookup: Lookup, facts: Facts) -> str | None:
    """The key under which a lookup's record is kept; None where it is missing, null, blank or no text."""
    key = _spelt(lookup, facts)
    return key if key is None or lookup.fold is None else lookup.fold(key)


def _spelt(lookup: Lookup, facts: Facts) -> str | None:
    """The same as the request spells it; None too where something else in the request makes it needless."""
    unless = lookup.unless
    if unless is not None:
        excuse = unless(facts)
        if excuse is not MISSING and not is_blank(excuse):
            return None
    return _usable(lookup.key(facts))


def _usable(key: Any) -> str | None:
    return key if type(key) is str and key and not key.isspace() else None


def _all_found(lookup: Lookup, facts: Facts, find: Find) -> list[Any]:
    keys = lookup.key(facts)
    views = [find(lookup.collection, k) for k in keys if type(k) is str] if isinstance(keys, list) else []
    return [view for view in views if view is not None]


def misspelt(facts: Facts) -> Lookup | None:
    """The first lookup whose key has the reserved form without being a seed or a record that was written."""
    for lookup in facts["@reserved"]:
        view = facts[lookup.name]
        written = view is not MISSING and view["origin"] == "request"
        if facts["@keys"][lookup.name] not in lookup.collection.seeds and not written:
            return cast(Lookup, lookup)
    return None


def decide(
    operation: Operation,
    document: Document,
    facts: Facts,
    forced: Scenario | None = None,
    by: Trigger = "header",
    order: Order | None = None,
    turns: Mapping[str, int] | None = None,
) -> Decision:
    """Which scenario answers. `forced` is answered whatever the request is, and changes nothing.

    `by` says how it was forced; `order` has the scenarios in force, if they are at hand already.

    `turns` counts, by scenario with answers in turn, the requests that it met; one whose turn is to stand
    aside lets those after it be tried.

    `facts` comes from `gather` and is completed here: `violation` is the one that the scenario rests on.
    """
    order = order or in_order(operation.scenarios, operation.lookups)
    violations = document.violations
    prepare(order, document, facts)
    if forced is not None:
        points = points_of(forced, None)
        return _decision(operation, document, facts, forced, None, points, (by, 0), order.scenarios)
    turned: tuple[tuple[str, int], ...] = ()
    for scenario, ways in (order.violated if violations else order.calm).of(facts):
        found = _met(ways, facts)
        if found is None:
            continue
        way, _, points = found
        answering: Scenario | None = scenario
        if scenario.turns is not None:
            count = (turns or {}).get(scenario.id, 0)
            turned = (*turned, (scenario.id, count))
            answering = scenario.turns.at(count).scenario
        if answering is not None:
            points = points if answering is scenario else points_of(answering, way)
            met = _trigger(way, facts)
            return _decision(operation, document, facts, answering, way, points, met, order.scenarios, turned)
    raise RuntimeError(f"no scenario of {operation.id} answers")  # the last one always does; checked as it is loaded


def prepare(order: Order, document: Document, facts: Facts) -> None:
    """Complete the facts with the violations that no scenario names."""
    violations, claims = document.violations, order.claims
    facts["unclaimed"] = tuple(v for v in violations if not any(c(v) for c in claims)) if violations else ()


def misses(decision: Decision, facts: Facts) -> tuple[NearMiss, ...]:
    """The scenarios before the one that answers, nearest first, each with the evidence against its nearest way.

    `facts` are those of the decision, with the whole body. There are none where it was forced; and those that were
    met, but whose turn was to stand aside, are none.
    """
    if decision.alternative is None:
        return ()
    document = decision.document
    aside = {name for name, _ in decision.turned if name != decision.scenario.id}
    before = takewhile(lambda s: s.id in aside or _applies(s, document, facts) is None, decision.scenarios)
    found = [near_miss(scenario, document, facts) for scenario in before if scenario.id not in aside]
    return tuple(found[index] for index in rank([(one, decision.operation, facts) for one in found]))


def near_miss(scenario: Scenario, document: Document, facts: Facts) -> NearMiss:
    """The evidence against a scenario's nearest way."""
    found = []
    for way in scenario.alternatives:
        against = tuple(e for condition in way.conditions for e in condition.evidence(facts))
        held = sum(condition.fails(facts) is None for condition in way.conditions)
        found.append(NearMiss(scenario, against + _blocked(scenario, document), held))
    return min(found, key=lambda miss: (len(miss.evidence), -miss.held))


def rank(found: Sequence[tuple[NearMiss, Operation, Facts]]) -> list[int]:
    """The places of near misses, nearest first.

    One with a condition that holds goes before one without, then the fewest that do not hold, then one whose
    request has a key that is spelt nearly as a seed is.
    """

    def distance(index: int) -> tuple[bool, int, bool]:
        one, operation, facts = found[index]
        return not one.held, len(one.evidence), not near_seeds(one, operation, facts)

    return sorted(range(len(found)), key=distance)


def near_seeds(one: NearMiss, operation: Operation, facts: Facts) -> tuple[str, ...]:
    """The seeds that a key of the request is spelt nearly like, of the records that the evidence is about."""
    about = {evidence.path.partition(".")[0] for evidence in one.evidence}
    spelt: list[str] = []
    for lookup in operation.lookups:
        key = key_of(lookup, facts) if lookup.name in about and not lookup.many else None
        if key is not None and key not in lookup.collection.seeds:
            spelt += close_matches(key, lookup.collection.seeds)
    return tuple(dict.fromkeys(spelt))


def _blocked(scenario: Scenario, document: Document) -> tuple[Evidence, ...]:
    if not scenario.changes or not document.violations:
        return ()
    seen = ", ".join(v.where for v in document.violations[:5])
    return (Evidence("violation", "none, since this scenario changes state", seen),)


def _applies(scenario: Scenario, document: Document, facts: Facts) -> Asked | None:
    return None if scenario.changes and document.violations else _met(asked(scenario, scenario.alternatives), facts)


def _met(ways: tuple[Asked, ...], facts: Facts) -> Asked | None:
    """The first way of which every condition holds."""
    for way in ways:
        for condition in way.conditions:
            if condition.fails(facts) is not None:
                break
        else:
            return way
    return None


def _trigger(way: Alternative, facts: Facts) -> tuple[Trigger, int]:
    """How the scenario was met, and the entry that wrote the record on which that rests."""
    if not way.conditions:
        return "default", 0
    for name in way.records:
        view = facts[name]
        views = view if isinstance(view, list) else () if view is MISSING else (view,)
        for written in (v for v in views if v["origin"] == "request"):
            return "state", written["@entry"]
    return "values", 0


def _decision(
    operation: Operation,
    document: Document,
    facts: Facts,
    scenario: Scenario,
    way: Alternative | None,
    points: tuple[Assumption, ...],
    met: tuple[Trigger, int],
    scenarios: tuple[Scenario, ...],
    turned: tuple[tuple[str, int], ...] = (),
) -> Decision:
    assumed = [point.id for point in points if not point.when or _holds(point, facts)]
    if document.warnings:
        assumed += [warn.point for warn in document.warnings]
    source = way.source if way is not None else scenario.source
    facts["violation"] = MISSING
    if document.violations:
        facts["violation"] = _rests_on(way, facts)
        facts = {**facts, "body": _sound(document)}
    writes = _writes(scenario, facts) if way is not None and scenario.changes else ()
    trigger, cause = met
    named = tuple(dict.fromkeys(assumed))
    made = (operation, scenario, way, trigger, source, named, document, facts, writes, cause, turned, scenarios)
    return make(Decision, made)


def completed(decision: Decision) -> Decision:
    """A decision of which the facts are known, and what answers and why, with what it rests on and what it changes."""
    operation, scenario, way, trigger, _, _, document, facts, _, cause, turned, scenarios = decision
    points = points_of(scenario, way)
    return _decision(operation, document, facts, scenario, way, points, (trigger, cause), scenarios, turned)


def _holds(point: Assumption, facts: Facts) -> bool:
    """Whether a point with conditions is one that the answer rests on."""
    for condition in point.when:  # noqa: SIM110 - a generator takes three times as long
        if condition.fails(facts) is not None:
            return False
    return True


def _rests_on(way: Alternative | None, facts: Facts) -> Any:
    for condition in way.conditions if way is not None else ():
        violation = condition.first(facts) if condition.first is not None else None
        if violation is not None:
            return {name: getattr(violation, name) for name in VIOLATION}
    return MISSING


def _sound(document: Document) -> Any:
    """The body without the members that break their schema: what is malformed is not echoed."""
    body = document.body
    for violation in document.violations:
        if violation.root == "body":
            body = _without(body, violation.path)
    return body


def _without(value: Any, path: Path) -> Any:
    if not path:
        return MISSING
    head, *rest = path
    if isinstance(value, list):
        return MISSING
    if not isinstance(value, dict) or head not in value:
        return value
    inner = _without(value[head], tuple(rest))
    return {k: (inner if k == head else v) for k, v in value.items() if k != head or inner is not MISSING}


def _writes(scenario: Scenario, facts: Facts) -> tuple[Write, ...]:
    writes = []
    keys = facts["@keys"]
    for lookup, names, rendered in scenario.changes:
        key = keys[lookup.name]
        if key is None or key in lookup.collection.constant:
            continue
        members = dict(names)
        for name, adds, template in rendered:
            value = template.render(facts)
            if value is MISSING:
                del members[name]
                continue
            if adds:
                view = facts[lookup.name]
                before = view.get(name, []) if view is not MISSING else []
                before = before if isinstance(before, list) else [before]  # written under a contract before this one
                value = before if value in before else [*before, value]
            members[name] = value
        writes.append(make(Write, (lookup.collection.name, key, members)))
    return tuple(writes)
