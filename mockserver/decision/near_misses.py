"""Near misses: the scenarios tried before the one that matched, with the evidence against each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import takewhile
from typing import TypeAlias

from mockserver.base.spelling import close_matches
from mockserver.core.contract import Operation, Scenario
from mockserver.core.language import Evidence, all_hold
from mockserver.core.model import Facts
from mockserver.core.reply import NearMiss
from mockserver.decision.view import key_of


def near_misses(
    operation: Operation, order: Sequence[Scenario], facts: Facts, skipped: Collection[str] = ()
) -> tuple[NearMiss, ...]:
    """The scenarios before the first that matches, nearest first.

    `order`: the scenarios in force, in the order in which they are tried. Those in `skipped` matched, but it was their
    turn to stand aside.
    """
    candidates = [scenario for scenario in order if scenario.id not in skipped]
    before = takewhile(lambda scenario: not matches(scenario, facts), candidates)
    return tuple(sorted([near_miss(scenario, operation, facts) for scenario in before], key=distance))


def matches(scenario: Scenario, facts: Facts) -> bool:
    """Whether every condition of an alternative holds; a scenario with changes needs a request without violations."""
    if scenario.changes and facts.violations:
        return False
    return any(all_hold(alternative.conditions, facts) for alternative in scenario.alternatives)


def near_miss(scenario: Scenario, operation: Operation, facts: Facts) -> NearMiss:
    """The evidence against the alternative of a scenario that is nearest."""
    blocked = _blocked_by_violations(scenario, facts)
    found = []
    for alternative in scenario.alternatives:
        evidence = tuple(one for condition in alternative.conditions for one in condition.evidence(facts)) + blocked
        held = sum(condition.failure(facts) is None for condition in alternative.conditions)
        found.append(NearMiss(scenario, evidence, held, near_seeds(evidence, operation, facts)))
    return min(found, key=lambda miss: (len(miss.evidence), -miss.held))


Distance: TypeAlias = tuple[bool, int, bool]
"""Smaller is nearer."""


def distance(miss: NearMiss) -> Distance:
    """How far a near miss is from a match.

    A miss with a condition that holds comes first; then one with fewer conditions that do not hold; then one whose
    request has a key that is spelt nearly like a seed.
    """
    return not miss.held, len(miss.evidence), not miss.near_seeds


def near_seeds(evidence: Iterable[Evidence], operation: Operation, facts: Facts) -> tuple[str, ...]:
    """The seeds that a key of the request is spelt nearly like, of the records that the evidence is about."""
    about = {one.path.partition(".")[0] for one in evidence}
    spelt: list[str] = []
    for lookup in operation.lookups:
        key = key_of(lookup, facts) if lookup.name in about and not lookup.is_list else None
        if key is not None and key not in lookup.collection.seeds:
            spelt += close_matches(key, lookup.collection.seeds)
    return tuple(dict.fromkeys(spelt))


def _blocked_by_violations(scenario: Scenario, facts: Facts) -> tuple[Evidence, ...]:
    violations = facts.violations
    if not scenario.changes or not violations:
        return ()
    seen = ", ".join(violation.where for violation in violations[:5])
    expected = "none, since this scenario changes state"
    return (Evidence("violation", expected, seen, {"violation": "absent"}, "violations"),)
