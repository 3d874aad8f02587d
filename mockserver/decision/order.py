"""The scenarios in force, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from mockserver.core.contract import Alternative, Assumption, Operation, Scenario
from mockserver.core.model import Violation
from mockserver.decision.index import EqualityIndex


class Candidate(Struct, frozen=True, gc=False):
    """One alternative of a scenario, with the assumptions that an answer by it may rest on."""

    scenario: Scenario
    alternative: Alternative
    assumptions: tuple[Assumption, ...]


class Order(Struct, frozen=True):
    """Scenarios in force, the first that is tried first.

    `without_violations`: the alternatives to try for a request without violations; `with_violations`: for one that has
    some, without the scenarios that change state. `violation_selectors` tell the violations that a scenario names.
    """

    scenarios: tuple[Scenario, ...]
    by_id: Mapping[str, Scenario]
    violation_selectors: tuple[Callable[[Violation], bool], ...]
    without_violations: EqualityIndex[Candidate]
    with_violations: EqualityIndex[Candidate]
    added: tuple[Scenario, ...] = ()
    """Those of them that were added at run time."""

    def unclaimed(self, violations: tuple[Violation, ...]) -> tuple[Violation, ...]:
        """The violations that no scenario names."""
        if not violations:
            return ()
        return tuple([violation for violation in violations if not self._is_named_by_scenario(violation)])

    def _is_named_by_scenario(self, violation: Violation) -> bool:
        for selects in self.violation_selectors:  # noqa: SIM110 - a generator with any() takes three times as long
            if selects(violation):
                return True
        return False


def compile_order(scenarios: Iterable[Scenario], added: Iterable[Scenario] = ()) -> Order:
    """Compile the order of scenarios, given in the order in which they are tried."""
    scenarios = tuple(scenarios)
    candidates = [
        Candidate(scenario, alternative, assumptions_of(scenario, alternative))
        for scenario in scenarios
        for alternative in scenario.alternatives
    ]
    conditions = [condition for one in candidates for condition in one.alternative.conditions]
    usable = [
        one
        for one in candidates
        if all(condition.can_hold_without_violations for condition in one.alternative.conditions)
    ]
    return Order(
        scenarios,
        {scenario.id: scenario for scenario in scenarios},
        tuple(condition.selects_violation for condition in conditions if condition.selects_violation is not None),
        EqualityIndex([(one.alternative.conditions, one) for one in usable]),
        EqualityIndex([(one.alternative.conditions, one) for one in candidates if not one.scenario.changes]),
        tuple(added),
    )


def assumptions_of(scenario: Scenario, alternative: Alternative | None) -> tuple[Assumption, ...]:
    """The assumptions that an answer may rest on; without an alternative (forced or armed), none with conditions."""
    found = [*scenario.envelope.assumed, *scenario.assumed]
    if alternative is None:
        found = [one for one in found if not one.when]
    else:
        found += alternative.assumed
    return tuple(found)


def scenarios_in_force(operation: Operation, added: Iterable[Scenario]) -> tuple[Scenario, ...]:
    """The scenarios of an operation with those added at run time.

    A new one is tried first; one with the id of a scenario from a file replaces it in its place.
    """
    by_id = {scenario.id: scenario for scenario in added}
    first = tuple(scenario for scenario in by_id.values() if scenario.id not in operation.by_id)
    return first + tuple(by_id.get(scenario.id, scenario) for scenario in operation.scenarios)
