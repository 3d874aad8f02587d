"""The scenarios in force, in the order of checks, made ready: which of them can apply to a request at all.

Knows conditions, and decides nothing: what is passed over here has a condition that does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

from mockserver.core.contract import Alternative, Assumption, Condition, Operation, Scenario
from mockserver.core.model import MISSING, Facts, Lookup, Violation, remember

FEWEST: Final = 8
"""Scenarios that ask for a value at one place are found by that value if there are at least so many of them."""

MOST_KINDS: Final = 256
"""Kinds of requests, by what their lookups came to and what is in them, for which it is kept what that settles."""


class Asked(NamedTuple):
    """A way with those of its conditions that are still to be asked, and the open points that it may rest on."""

    alternative: Alternative
    conditions: tuple[Condition, ...]
    points: tuple[Assumption, ...]


Tried: TypeAlias = tuple[Scenario, tuple[Asked, ...]]
"""A scenario with those of its ways that can hold."""

_PLAIN: Final = frozenset([str, int, float, bool, type(None)])


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Scenarios in order. Those at the places `always` are tried in any case, others by the value at some place.

    Most requests find no record that anybody wrote, and leave no member of the body empty. What conditions say of such
    `lookups` and bodies is asked once, and kept in `kinds` by what the lookups came to and which members there are.
    """

    tried: tuple[Tried, ...]
    always: tuple[int, ...]
    found: tuple[tuple[Callable[[Facts], Any], Mapping[Any, Sequence[int]]], ...]
    lookups: tuple[Lookup, ...]
    kinds: dict[Any, tuple[tuple[int, ...], tuple[Tried, ...]]] = field(default_factory=dict)

    def of(self, facts: Facts) -> Sequence[Tried]:
        """Those that can apply, in order."""
        kind = (facts["@kind"], facts["@filled"])
        known = self.kinds.get(kind)
        if known is None:
            known = remember(self.kinds, kind, self._settle(facts), MOST_KINDS)
        places, tried = known
        if not self.found:
            return tried
        sought: dict[int, Tried] = {}
        for extract, by_value in self.found:
            value = extract(facts)
            if type(value) in _PLAIN:
                sought.update((place, self.tried[place]) for place in by_value.get(value, ()))
        if not sought:
            return tried
        sought.update(zip(places, tried, strict=True))
        return [sought[place] for place in sorted(sought)]

    def _settle(self, facts: Facts) -> tuple[tuple[int, ...], tuple[Tried, ...]]:
        """Of those at the places `always`: what is left to ask of requests whose lookups came to the same."""
        names = frozenset(lookup.name for lookup in self.lookups if _is_nobodys(facts[lookup.name]))
        if facts["@filled"] is not None:
            names |= {"body"}
        left = []
        for place in self.always:
            scenario, ways = self.tried[place]
            asked = tuple(
                Asked(way, unsettled, _left(points, names, facts))
                for way, conditions, points in ways
                if (unsettled := _unsettled(conditions, names, facts)) is not None
            )
            if asked:
                left.append((place, (scenario, asked)))
        return tuple(place for place, _ in left), tuple(one for _, one in left)


def _left(points: Iterable[Assumption], names: frozenset[str], facts: Facts) -> tuple[Assumption, ...]:
    """The points that may hold, each with what is still to be asked."""
    asked = [(point, _unsettled(point.when, names, facts)) for point in points]
    return tuple(Assumption(point.id, unsettled) for point, unsettled in asked if unsettled is not None)


def _unsettled(conditions: Iterable[Condition], names: frozenset[str], facts: Facts) -> tuple[Condition, ...] | None:
    """The conditions that are still to be asked; None where one that is settled does not hold."""
    left = []
    for condition in conditions:
        if not (condition.settled and condition.reads <= names):
            left.append(condition)
        elif condition.fails(facts) is not None:
            return None
    return tuple(left)


def _is_nobodys(view: Any) -> bool:
    """Whether a lookup came to nothing, or to the default record of an open collection."""
    return view is MISSING or (type(view) is dict and view["origin"] == "default")


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """The scenarios in force. `calm`: those that can apply where nothing is violated; `claims`: violations named.

    `violated`: those that can apply where something is, which one that changes state never does.
    """

    scenarios: tuple[Scenario, ...]
    by_id: Mapping[str, Scenario]
    claims: tuple[Callable[[Violation], bool], ...]
    violated: Selection
    calm: Selection


def asked(scenario: Scenario, ways: Iterable[Alternative]) -> tuple[Asked, ...]:
    """Ways to a scenario with all that is to be asked of them."""
    return tuple(Asked(way, way.conditions, points_of(scenario, way)) for way in ways)


def points_of(scenario: Scenario, way: Alternative | None) -> tuple[Assumption, ...]:
    """The open points that an answer may rest on; one that was forced (no way) rests on none that has conditions."""
    points = (*scenario.envelope.assumed, *scenario.assumed)
    return (*points, *way.assumed) if way is not None else tuple(point for point in points if not point.when)


def in_order(scenarios: Iterable[Scenario], lookups: Iterable[Lookup]) -> Order:
    """Make scenarios ready, the first one that is tried first; `lookups` are those of their operation."""
    scenarios, single = tuple(scenarios), tuple(lookup for lookup in lookups if not lookup.many)
    calm = [
        tuple(way for way in scenario.alternatives if all(c.calm for c in way.conditions)) for scenario in scenarios
    ]
    conditions = [c for scenario in scenarios for way in scenario.alternatives for c in way.conditions]
    return Order(
        scenarios,
        {scenario.id: scenario for scenario in scenarios},
        tuple(c.claims for c in conditions if c.claims is not None),
        _selection(
            tuple((scenario, asked(scenario, scenario.alternatives)) for scenario in scenarios if not scenario.changes),
            single,
        ),
        _selection(tuple((s, asked(s, ways)) for s, ways in zip(scenarios, calm, strict=True) if ways), single),
    )


def in_force(operation: Operation, extra: Iterable[Scenario]) -> tuple[Scenario, ...]:
    """The scenarios in the order in which they are tried; a run-time one of a file's id replaces it in its place."""
    by_id = {scenario.id: scenario for scenario in extra}
    first = tuple(scenario for scenario in by_id.values() if scenario.id not in operation.by_id)
    return first + tuple(by_id.get(scenario.id, scenario) for scenario in operation.scenarios)


def _selection(tried: tuple[Tried, ...], lookups: tuple[Lookup, ...]) -> Selection:
    asked: dict[str, list[tuple[int, Condition]]] = {}
    for place, (_, ways) in enumerate(tried):
        for condition in _asks(ways):
            asked.setdefault(condition.place, []).append((place, condition))
    few = {place for asking in asked.values() if len(asking) < FEWEST for place, _ in asking}
    found = []
    for asking in asked.values():
        by_value: dict[Any, list[int]] = {}
        for place, condition in asking:
            if place not in few and condition.equals is not None:
                by_value.setdefault(condition.equals[1], []).append(place)
        if by_value and asking[0][1].equals is not None:
            found.append((asking[0][1].equals[0], by_value))
    sought = {place for _, by_value in found for places in by_value.values() for place in places}
    return Selection(tried, tuple(place for place in range(len(tried)) if place not in sought), tuple(found), lookups)


def _asks(ways: Iterable[Asked]) -> list[Condition]:
    """For each way one condition that asks for a value; none where some way has no such condition."""
    asks = [next((c for c in way.conditions if c.equals is not None), None) for way in ways]
    found = [condition for condition in asks if condition is not None]
    return found if len(found) == len(asks) else []
