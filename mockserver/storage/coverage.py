"""Coverage: which scenarios answered the requests of a sandbox, and how its client behaved.

It keeps counts and hashes, never a value of a request.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from msgspec import Struct, structs

from mockserver.core.contract import Scenario
from mockserver.core.faults import loses_answer

MAX_DISTINCT: Final = 1_000
"""Run-time outcomes, and places of violations, that a tally counts one by one; the rest are `OTHER`."""

MAX_REMEMBERED: Final = 10_000
"""Different requests in one generation of those remembered to recognise retries; two generations are kept."""

MAX_STRAY_TALLIES: Final = 1_000
"""Tallies of names without a sandbox (all their requests were refused); beyond this they are dropped."""

MAX_DROPPED_TALLIES: Final = 5_000
"""Names of dropped or reset sandboxes whose counts are kept apart; beyond this the oldest are in the total alone."""

OTHER: Final = "other"


class Outcome(Struct, frozen=True, gc=False):
    """How a request was answered.

    `from_contract`: by a scenario of the contract, not by one added at run time. `fault` is the kind of fault that was
    performed, if any. `delivered` is false where the client left during a fault that is slow to send.
    """

    operation: str
    scenario: str
    from_contract: bool
    fault: str | None = None
    delivered: bool = True


class Observation(Struct, frozen=True, gc=False):
    """What coverage counts of one request.

    `outcome` is None for a request that the mock refused. `fingerprint` is equal for equal requests of one sandbox.
    `violation_places` say where the request is malformed. `committed`: whether what the request changes was committed.
    `started_ns` is of `perf_counter_ns`: only differences mean anything.
    """

    sandbox: str
    started_ns: int
    outcome: Outcome | None = None
    trigger: str = ""
    fingerprint: int = 0
    violation_places: tuple[str, ...] = ()
    secret_in_url: bool = False
    committed: bool = False


class _PreviousRequest(Struct, frozen=True, gc=False):
    """The last request with a fingerprint; `only_answer_lost`: its changes were committed, but its answer was lost."""

    outcome: Outcome
    only_answer_lost: bool
    started_ns: int


@dataclass(slots=True)
class RetryStats:
    """Retries: how many, and how long after the request before, from one arrival to the next in real time."""

    count: int = 0
    shortest_ns: int = sys.maxsize
    longest_ns: int = 0

    def add(self, other: RetryStats) -> None:
        """Add other retries."""
        self.count += other.count
        self.shortest_ns = min(self.shortest_ns, other.shortest_ns)
        self.longest_ns = max(self.longest_ns, other.longest_ns)


class ScenarioCounts(Struct, frozen=True):
    """The counts of one scenario: answers that arrived, the same by trigger, all faults, retries."""

    delivered: int
    triggers: Mapping[str, int]
    faults: Mapping[str, int]
    retries: int


@dataclass(slots=True)
class Tally:
    """The counts of one sandbox, or of all. `serial` is different for every tally.

    `retries_after_loss`: retries of a request that was committed and whose answer was lost. `violations`: requests by
    the place of a violation, indices of arrays as `*`. `incomplete`: counts of dropped sandboxes may be missing.
    """

    serial: int = 0
    requests: int = 0
    problems: int = 0
    outcomes: dict[tuple[Outcome, str], int] = field(default_factory=dict)
    """By outcome and trigger."""
    retries: dict[Outcome, RetryStats] = field(default_factory=dict)
    retries_after_loss: int = 0
    secrets_in_url: int = 0
    violations: dict[str, int] = field(default_factory=dict)
    incomplete: bool = False

    def add(self, other: Tally) -> None:
        """Add the counts of another tally."""
        self.requests += other.requests
        self.problems += other.problems
        self.retries_after_loss += other.retries_after_loss
        self.secrets_in_url += other.secrets_in_url
        for (outcome, trigger), number in other.outcomes.items():
            self.count_outcome(outcome, trigger, number)
        for outcome, stats in other.retries.items():
            self.add_retries(outcome, stats)
        for place, number in other.violations.items():
            self.count_violation(place, number)

    def count_outcome(self, outcome: Outcome, trigger: str, number: int = 1) -> None:
        """Count answers. At most `MAX_DISTINCT` run-time outcomes have a count of their own; all of the contract do."""
        key = (outcome, trigger)
        if not outcome.from_contract and key not in self.outcomes and len(self.outcomes) >= MAX_DISTINCT:
            key = (other_outcome(outcome), trigger)
        self.outcomes[key] = self.outcomes.get(key, 0) + number

    def add_retries(self, outcome: Outcome, stats: RetryStats) -> None:
        """Add retries of requests that had an outcome."""
        if not outcome.from_contract and outcome not in self.retries and len(self.retries) >= MAX_DISTINCT:
            outcome = other_outcome(outcome)
        self.retries.setdefault(outcome, RetryStats()).add(stats)

    def count_violation(self, place: str, number: int = 1) -> None:
        """Count requests that are malformed at a place."""
        if place not in self.violations and len(self.violations) >= MAX_DISTINCT:
            place = OTHER
        self.violations[place] = self.violations.get(place, 0) + number

    def counts_of(self, scenario: Scenario) -> ScenarioCounts:
        """The counts of a scenario of the contract. An answer that a fault took was not delivered."""
        triggers, faults = Counter[str](), Counter[str]()
        for (outcome, trigger), number in self.outcomes.items():
            if _is_of(outcome, scenario):
                if outcome.fault is not None:
                    faults[outcome.fault] += number
                if outcome.delivered and not loses_answer(outcome.fault):
                    triggers[trigger] += number
        retries = sum(stats.count for outcome, stats in self.retries.items() if _is_of(outcome, scenario))
        return ScenarioCounts(sum(triggers.values()), triggers, faults, retries)


class Coverage:
    """The tallies of all sandboxes, and the counts of those that were dropped.

    A retry is a request equal to an earlier one of its sandbox: method, path, query and the bytes of the body, and the
    scenario if a header forces one. It is counted under the outcome of the last equal request before it. A request
    that the mock refused is no retry and has none.
    """

    def __init__(self, sandbox_exists: Callable[[str], bool], max_sandboxes: int) -> None:
        """Begin at zero."""
        self._sandbox_exists = sandbox_exists
        self._max_tallies = max_sandboxes + 1 + MAX_STRAY_TALLIES
        self._serials = count(1)
        self._tallies: dict[str, Tally] = {}
        self._total_of_dropped = Tally()
        self._dropped: dict[str, Tally] = {}
        self._has_lost_names = False
        self._recent: dict[tuple[int, int], _PreviousRequest] = {}
        self._older: dict[tuple[int, int], _PreviousRequest] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._tallies.clear()
        self._total_of_dropped = Tally()
        self._dropped.clear()
        self._has_lost_names = False
        self._recent, self._older = {}, {}

    def drop(self, name: str) -> None:
        """Drop the tally of a sandbox; its counts stay in the total and, for the last ones, by name."""
        tally = self._tallies.pop(name, None)
        if tally is None:
            return
        self._total_of_dropped.add(tally)
        earlier = self._dropped.pop(name, None)
        if earlier is not None:
            tally.add(earlier)
        self._dropped[name] = tally
        if len(self._dropped) > MAX_DROPPED_TALLIES:
            del self._dropped[next(iter(self._dropped))]
            self._has_lost_names = True

    def tally(self, name: str) -> Tally:
        """The tally of a sandbox."""
        return self._tallies.get(name) or Tally()

    def total(self) -> Tally:
        """The counts of all sandboxes that ever were."""
        total = Tally()
        for tally in (self._total_of_dropped, *self._tallies.values()):
            total.add(tally)
        return total

    def total_of(self, prefix: str) -> Tally:
        """The counts of all sandboxes whose names have a prefix, and of their lives before resets."""
        total = Tally(incomplete=self._has_lost_names)
        for tallies in (self._dropped, self._tallies):
            for name, tally in tallies.items():
                if name.startswith(prefix):
                    total.add(tally)
        return total

    def add(self, observation: Observation, *, complete: bool) -> None:
        """Count one request. `complete`: its full answer was sent; otherwise a fault took it, or the client left."""
        tally = self._tallies.get(observation.sandbox) or self._new_tally(observation.sandbox)
        tally.requests += 1
        tally.secrets_in_url += observation.secret_in_url
        outcome = observation.outcome
        if outcome is None:
            tally.problems += 1
            return
        for place in observation.violation_places:
            tally.count_violation(place)
        counted = counted_outcome(outcome, complete=complete)
        if counted is not None:
            tally.count_outcome(counted, observation.trigger)
        key = (tally.serial, observation.fingerprint)
        only_answer_lost = observation.committed and (loses_answer(outcome.fault) or not complete)
        last = _PreviousRequest(outcome, only_answer_lost, observation.started_ns)
        previous = self._recent.get(key) or self._older.get(key)
        if previous is not None:
            if previous.started_ns > last.started_ns:  # a delay let its answer out after that of its retry
                previous, last = last, previous
            after_ns = last.started_ns - previous.started_ns
            tally.add_retries(previous.outcome, RetryStats(1, after_ns, after_ns))
            tally.retries_after_loss += previous.only_answer_lost
        self._recent[key] = last
        if len(self._recent) >= MAX_REMEMBERED:
            self._older, self._recent = self._recent, {}

    def _new_tally(self, name: str) -> Tally:
        if len(self._tallies) >= self._max_tallies:
            for stray in [one for one in self._tallies if not self._sandbox_exists(one)]:
                self.drop(stray)
        tally = self._tallies[name] = Tally(next(self._serials))
        return tally


def _is_of(outcome: Outcome, scenario: Scenario) -> bool:
    return outcome.from_contract and outcome.scenario == scenario.id and outcome.operation == scenario.operation


def counted_outcome(outcome: Outcome, *, complete: bool) -> Outcome | None:
    """The outcome that counts as met; None if the client left before its answer, without a fault that explains it."""
    if complete or loses_answer(outcome.fault):
        return outcome
    return structs.replace(outcome, delivered=False) if outcome.fault is not None else None


def other_outcome(outcome: Outcome) -> Outcome:
    """What an outcome counts as where too many different ones were met."""
    return Outcome("", OTHER, from_contract=False, fault=outcome.fault, delivered=outcome.delivered)
