"""The scenarios in force, in the order of checks, made ready: which of them can apply to a request at all.

Knows conditions, and decides nothing: what is passed over here has a condition that does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from mockserver.core.contract import Alternative, Assumption, Condition, Operation, Scenario
from mockserver.core.model import Facts, Lookup, Violation

FEWEST: Final = 8
"""Scenarios that ask for a value at one place are found by that value if there are at least so many of them."""


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
    """Scenarios in order. Those at the places `always` are tried in any case, others by the value at some place."""

    tried: tuple[Tried, ...]
    always: tuple[int, ...]
    found: tuple[tuple[Callable[[Facts], Any], Mapping[Any, Sequence[int]]], ...]

    def of(self, facts: Facts) -> Sequence[Tried]:
        """Those that can apply, in order."""
        if not self.found:
            return self.tried
        sought: dict[int, Tried] = {}
        for extract, by_value in self.found:
            value = extract(facts)
            if type(value) in _PLAIN:
                sought.update((place, self.tried[place]) for place in by_value.get(value, ()))
        sought.update((place, self.tried[place]) for place in self.always)
        return [sought[place] for place in sorted(sought)]


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


def in_order(scenarios: Iterable[Scenario], lookups: Iterable[Lookup]) -> Order:  # noqa: ARG001 - callers pass it
    """Make scenarios ready, the first one that is tried first."""
    scenarios = tuple(scenarios)
    calm = [
        tuple(way for way in scenario.alternatives if all(c.without_violations for c in way.conditions))
        for scenario in scenarios
    ]
    conditions = [c for scenario in scenarios for way in scenario.alternatives for c in way.conditions]
    return Order(
        scenarios,
        {scenario.id: scenario for scenario in scenarios},
        tuple(c.claims for c in conditions if c.claims is not None),
        _selection(
            tuple((scenario, asked(scenario, scenario.alternatives)) for scenario in scenarios if not scenario.changes)
        ),
        _selection(tuple((s, asked(s, ways)) for s, ways in zip(scenarios, calm, strict=True) if ways)),
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


def _asks(ways: Iterable[Asked]) -> list[Condition]:
    """For each way one condition that asks for a value; none where some way has no such condition."""
    asks = [next((c for c in way.conditions if c.equals is not None), None) for way in ways]
    found = [condition for condition in asks if condition is not None]
    return found if len(found) == len(asks) else []
