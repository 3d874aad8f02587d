"""Coverage: which scenarios the requests of a sandbox have met, and how its client behaved on the way.

It keeps counts and hashes, never a value of a request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from msgspec import Struct, structs

from mockserver.core.contract import Scenario

MOST_APART: Final = 1_000
"""Answers of run-time scenarios, and places of violations, that a tally tells apart; the rest are `OTHER`."""

MOST_REMEMBERED: Final = 10_000
"""A request is told from a new one if it came among so many that differ; at most twice as many are remembered."""

MOST_STRAYS: Final = 1_000
"""Tallies of names of which there is no sandbox, as all that came for them was misuse; beyond it they are dropped."""

OTHER: Final = "other"


class Answered(Struct, frozen=True, gc=False):
    """How a request was answered. `own`: by a scenario of the contract, not by one added at run time.

    `fault` is the kind of fault that was performed, if any. `arrived` is false where the client left during a slow one.
    """

    operation: str
    scenario: str
    own: bool
    fault: str | None = None
    arrived: bool = True


class Observation(Struct, frozen=True, gc=False):
    """What coverage counts of one request.

    `answered` is None for a request that the mock refused. `mark` is equal for equal requests of one sandbox. `broken`
    are the places of violations. `commits` says whether what the request changes was committed.
    """

    sandbox: str
    arrived_ns: int
    answered: Answered | None = None
    trigger: str = ""
    mark: int = 0
    broken: tuple[str, ...] = ()
    secret_in_url: bool = False
    commits: bool = False


class _Before(Struct, frozen=True, gc=False):
    """The last request with a mark: its answer, whether only the answer was lost, and when it came."""

    answered: Answered
    lost: bool
    arrived_ns: int


@dataclass(slots=True)
class RetryStats:
    """Requests sent again: how many, and how long after, in real time from one arrival to the next."""

    count: int
    shortest_ns: int
    longest_ns: int

    def add(self, other: RetryStats) -> None:
        """Take others in."""
        self.count += other.count
        self.shortest_ns = min(self.shortest_ns, other.shortest_ns)
        self.longest_ns = max(self.longest_ns, other.longest_ns)


class ScenarioCounts(Struct, frozen=True):
    """What was counted of one scenario: answers that arrived, how they were met, all faults, requests sent again."""

    met: int
    triggers: Mapping[str, int]
    faults: Mapping[str, int]
    retried: int


@dataclass(slots=True)
class Tally:
    """The counts of one sandbox, or of all. `serial` tells it from any other that there was.

    `lost_again`: requests sent again after one whose answer a fault with `commit` took. `malformed`: requests by the
    place of a violation, indices of arrays as `*`.
    """

    serial: int = 0
    requests: int = 0
    problems: int = 0
    answers: dict[tuple[Answered, str], int] = field(default_factory=dict)
    again: dict[Answered, RetryStats] = field(default_factory=dict)
    lost_again: int = 0
    secrets_in_url: int = 0
    malformed: dict[str, int] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Take the counts of another one in."""
        self.requests += other.requests
        self.problems += other.problems
        self.lost_again += other.lost_again
        self.secrets_in_url += other.secrets_in_url
        for (answered, trigger), number in other.answers.items():
            self.answered(answered, trigger, number)
        for answered, again in other.again.items():
            self.sent_again(answered, again)
        for place, number in other.malformed.items():
            self.broken(place, number)

    def answered(self, answered: Answered, trigger: str, number: int = 1) -> None:
        """Count answers. Run-time scenarios are told apart in bounds; those of the contract always are."""
        key = (answered, trigger)
        known = self.answers.get(key)
        if known is None:
            if not answered.own and len(self.answers) >= MOST_APART:
                key = (_other(answered), trigger)
            known = self.answers.get(key, 0)
        self.answers[key] = known + number

    def sent_again(self, answered: Answered, again: RetryStats) -> None:
        """Count requests that were sent again after such an answer."""
        if not answered.own and answered not in self.again and len(self.again) >= MOST_APART:
            answered = _other(answered)
        known = self.again.get(answered)
        if known is None:
            self.again[answered] = RetryStats(again.count, again.shortest_ns, again.longest_ns)
        else:
            known.add(again)

    def count_retry(self, answered: Answered, passed_ns: int) -> None:
        """Count one request that was sent again so long after such an answer."""
        known = self.again.get(answered)
        if known is None:
            self.sent_again(answered, RetryStats(1, passed_ns, passed_ns))
            return
        known.count += 1
        known.shortest_ns = min(known.shortest_ns, passed_ns)
        known.longest_ns = max(known.longest_ns, passed_ns)

    def broken(self, place: str, number: int = 1) -> None:
        """Count requests that are malformed at a place."""
        if place not in self.malformed and len(self.malformed) >= MOST_APART:
            place = OTHER
        self.malformed[place] = self.malformed.get(place, 0) + number

    def of(self, scenario: Scenario) -> ScenarioCounts:
        """What was counted of a scenario of the contract. An answer that a fault took was not met."""
        triggers, faults = Counter[str](), Counter[str]()
        for (answered, trigger), number in self.answers.items():
            if _is_of(answered, scenario):
                if answered.fault is not None:
                    faults[answered.fault] += number
                if answered.arrived and not takes_answer(answered.fault):
                    triggers[trigger] += number
        retried = sum(again.count for answered, again in self.again.items() if _is_of(answered, scenario))
        return ScenarioCounts(sum(triggers.values()), triggers, faults, retried)


class Coverage:
    """The tallies of all sandboxes, and what those left behind that are gone.

    A request is sent again if it is the same as an earlier one of its sandbox: method, path, query and the bytes of
    the body, and the scenario if a header forces one. That counts for the answer that the last one like it got; a
    misuse, which the API does not answer, counts for nothing.
    """

    def __init__(self, is_there: Callable[[str], bool], most_sandboxes: int) -> None:
        """Count from zero; `is_there` tells whether there is a sandbox of a name."""
        self._is_there = is_there
        self._most = most_sandboxes + 1 + MOST_STRAYS
        self._serials = count(1)
        self._tallies: dict[str, Tally] = {}
        self._gone = Tally()
        self._recent: dict[tuple[int, int], _Before] = {}
        self._older: dict[tuple[int, int], _Before] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._tallies.clear()
        self._gone = Tally()
        self._recent, self._older = {}, {}

    def drop(self, name: str) -> None:
        """Begin the tally of a sandbox anew; its counts stay in the total."""
        tally = self._tallies.pop(name, None)
        if tally is not None:
            self._gone.add(tally)

    def of(self, name: str) -> Tally:
        """The tally of a sandbox."""
        return self._tallies.get(name) or Tally()

    def total(self) -> Tally:
        """The counts of all sandboxes that ever were."""
        total = Tally()
        for tally in (self._gone, *self._tallies.values()):
            total.add(tally)
        return total

    def add(self, one: Observation, *, complete: bool) -> None:
        """Count one request. `complete`: its answer was sent whole; otherwise the client left before that."""
        tally = self._tallies.get(one.sandbox) or self._begin(one.sandbox)
        tally.requests += 1
        tally.secrets_in_url += one.secret_in_url
        answered = one.answered
        if answered is None:
            tally.problems += 1
            return
        for place in one.broken:
            tally.broken(place)
        if complete or takes_answer(answered.fault):
            tally.answered(answered, one.trigger)
        elif answered.fault is not None:
            tally.answered(structs.replace(answered, arrived=False), one.trigger)
        mark = (tally.serial, one.mark)
        before = self._recent.get(mark) or self._older.get(mark)
        if before is not None:
            tally.count_retry(before.answered, one.arrived_ns - before.arrived_ns)
            tally.lost_again += before.lost
        lost = one.commits and (takes_answer(answered.fault) or not complete)
        self._recent[mark] = _Before(answered, lost, one.arrived_ns)
        if len(self._recent) >= MOST_REMEMBERED:
            self._older, self._recent = self._recent, {}

    def _begin(self, name: str) -> Tally:
        if len(self._tallies) >= self._most:
            for stray in [known for known in self._tallies if not self._is_there(known)]:
                self.drop(stray)
        tally = self._tallies[name] = Tally(next(self._serials))
        return tally


def takes_answer(fault: str | None) -> bool:
    """Whether a fault of this kind keeps the answer from its client: all do but the one that is only slow."""
    return fault is not None and fault != "dribble"


def _is_of(answered: Answered, scenario: Scenario) -> bool:
    return answered.own and answered.scenario == scenario.id and answered.operation == scenario.operation


def _other(answered: Answered) -> Answered:
    return Answered("", OTHER, own=False, fault=answered.fault, arrived=answered.arrived)
