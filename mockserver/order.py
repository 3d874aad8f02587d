"""The scenarios in force, in the order of checks, made ready: which of them can apply to a request at all.

Knows conditions, and decides nothing: what is passed over here has a condition that does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from mockserver.contract import Condition, Operation, Scenario, Way
from mockserver.model import Facts, Violation

FEWEST: Final = 8
"""Scenarios that ask for a value at one place are found by that value if there are at least so many of them."""

Tried: TypeAlias = tuple[Scenario, tuple[Way, ...]]
"""A scenario with those of its ways that can hold."""

_PLAIN: Final = frozenset([str, int, float, bool, type(None)])


@dataclass(frozen=True, slots=True)
class Selection:
    """Scenarios in order. Those at the places `always` are tried in any case, others by the value at some place."""

    tried: tuple[Tried, ...]
    always: tuple[int, ...]
    found: tuple[tuple[Callable[[Facts], Any], Mapping[Any, Sequence[int]]], ...]

    def of(self, facts: Facts) -> Sequence[Tried]:
        """Those that can apply, in order."""
        if not self.found:
            return self.tried
        places = set(self.always)
        for extract, by_value in self.found:
            value = extract(facts)
            if type(value) in _PLAIN:
                places.update(by_value.get(value, ()))
        return [self.tried[place] for place in sorted(places)]


@dataclass(frozen=True, slots=True)
class Order:
    """The scenarios in force. `calm`: those that can apply where nothing is violated; `claims`: violations named.

    `violated`: those that can apply where something is, which one that changes state never does.
    """

    scenarios: tuple[Scenario, ...]
    by_id: Mapping[str, Scenario]
    claims: tuple[Callable[[Violation], bool], ...]
    violated: Selection
    calm: Selection


def in_order(scenarios: Iterable[Scenario]) -> Order:
    """Make scenarios ready, the first one that is tried first."""
    scenarios = tuple(scenarios)
    tried = tuple((scenario, scenario.ways) for scenario in scenarios)
    calm = ((scenario, tuple(way for way in ways if all(c.calm for c in way.conditions))) for scenario, ways in tried)
    conditions = [c for _, ways in tried for way in ways for c in way.conditions]
    return Order(
        scenarios,
        {scenario.id: scenario for scenario, _ in tried},
        tuple(c.claims for c in conditions if c.claims is not None),
        _selection(tuple((scenario, ways) for scenario, ways in tried if not scenario.changes)),
        _selection(tuple((scenario, ways) for scenario, ways in calm if ways)),
    )


def in_force(operation: Operation, extra: Iterable[Scenario]) -> tuple[Scenario, ...]:
    """The scenarios in the order in which they are tried; a run-time one of a file's id replaces it in its place."""
    by_id = {scenario.id: scenario for scenario in extra}
    first = tuple(scenario for scenario in by_id.values() if scenario.id not in operation.by_id)
    return first + tuple(by_id.get(scenario.id, scenario) for scenario in operation.scenarios)


def _selection(tried: tuple[Tried, ...]) -> Selection:
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
    return Selection(tried, tuple(place for place in range(len(tried)) if place not in sought), tuple(found))


def _asks(ways: tuple[Way, ...]) -> list[Condition]:
    """For each way one condition that asks for a value; none where some way has no such condition."""
    asks = [next((c for c in way.conditions if c.equals is not None), None) for way in ways]
    found = [condition for condition in asks if condition is not None]
    return found if len(found) == len(asks) else []
