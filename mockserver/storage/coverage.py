"""Which scenarios of the contract the requests of a sandbox have met, and how its client behaved on the way.

Knows decisions as they are made, and needs no journal; it keeps counts and hashes, never a value of a request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Final, NamedTuple, TypeAlias

from mockserver.core.contract import Decision, Operation, Reply, Scenario
from mockserver.core.masks import is_secret_header, masked_text
from mockserver.core.model import Request, Violation

MOST_APART: Final = 1_000
"""Answers of run-time scenarios, and places of violations, that a tally tells apart; the rest are `OTHER`."""

MOST_REMEMBERED: Final = 10_000
"""A request is told from a new one if it came among so many that differ; at most twice as many are remembered."""

MOST_STRAYS: Final = 1_000
"""Tallies of names of which there is no sandbox, as all that came for them was misuse; beyond it they are dropped."""

OTHER: Final = "other"
LONGEST_PLACE: Final = 200
"""Characters of the place of a violation."""

_CLIENT_NAMES: Final = frozenset(["additionalProperties", "unevaluatedProperties", "propertyNames"])
"""Keywords whose violations stand at a member that the client has named."""

Answered: TypeAlias = tuple[str, str, bool, str | None]
"""How a request was answered: operation, scenario, whether that is the contract's own, the kind of fault."""


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


class ScenarioCounts(NamedTuple):
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
            if not answered[2] and len(self.answers) >= MOST_APART:
                key = (_other(answered), trigger)
            known = self.answers.get(key, 0)
        self.answers[key] = known + number

    def sent_again(self, answered: Answered, again: RetryStats) -> None:
        """Count requests that were sent again after such an answer."""
        if not answered[2] and answered not in self.again and len(self.again) >= MOST_APART:
            answered = _other(answered)
        known = self.again.get(answered)
        if known is None:
            self.again[answered] = RetryStats(again.count, again.shortest_ns, again.longest_ns)
        else:
            known.add(again)

    def broken(self, place: str, number: int = 1) -> None:
        """Count requests that are malformed at a place."""
        if place not in self.malformed and len(self.malformed) >= MOST_APART:
            place = OTHER
        self.malformed[place] = self.malformed.get(place, 0) + number

    def of(self, scenario: Scenario) -> ScenarioCounts:
        """What was counted of a scenario of the contract. An answer that a fault took was not met."""
        own = (scenario.operation, scenario.id, True)
        triggers, faults = Counter[str](), Counter[str]()
        for (answered, trigger), number in self.answers.items():
            if answered[:3] == own:
                if answered[3] is not None:
                    faults[answered[3]] += number
                if not takes_answer(answered[3]):
                    triggers[trigger] += number
        retried = sum(again.count for answered, again in self.again.items() if answered[:3] == own)
        return ScenarioCounts(sum(triggers.values()), triggers, faults, retried)


class Coverage:
    """The tallies of all sandboxes, and what those left behind that are gone.

    A request is sent again if it is the same as an earlier one of its sandbox: method, path, query and the bytes of
    the body, and the scenario if a header forces one. That counts for the answer that the last one like it got; a
    misuse, which the API does not answer, counts for nothing.
    """

    def __init__(self, operations: Iterable[Operation], is_there: Callable[[str], bool], most_sandboxes: int) -> None:
        """Count from zero; `is_there` tells whether there is a sandbox of a name."""
        self._is_there = is_there
        self._most = most_sandboxes + 1 + MOST_STRAYS
        self._serials = count(1)
        self.clear()
        self.serve(operations)

    def serve(self, operations: Iterable[Operation]) -> None:
        """Take over which names are those of secrets."""
        operations = tuple(operations)
        places = [place for operation in operations for place in operation.sensitive]
        self._secret = frozenset(str(place[-1]).lower() for place in places if place[-1] != "*")
        # Of a scenario by its id() and not by its hash, which is that of all that it consists of.
        self._served = operations
        self._plain: dict[int, Answered] = {
            id(s): (s.operation, s.id, True, None) for o in operations for s in o.by_id.values()
        }

    def clear(self) -> None:
        """Forget everything."""
        self._tallies: dict[str, Tally] = {}
        self._gone = Tally()
        # By the hash of a request: how it was answered, whether only the answer was lost, and when it came.
        self._young: dict[int, tuple[Answered, bool, int]] = {}
        self._old: dict[int, tuple[Answered, bool, int]] = {}

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

    def seen(self, sandbox: str, request: Request, reply: Reply, at_ns: int) -> None:
        """Count one request and the reply that it got; `at_ns` is when it came, by any clock that only goes on."""
        tally = self._tallies.get(sandbox)
        if tally is None:
            tally = self._begin(sandbox)
        tally.requests += 1
        decision = reply.decision
        if decision is None:
            tally.problems += 1
            tally.secrets_in_url += self._shows_secret(request)
            return
        if request.query or not request.path.endswith(decision.operation.path):
            tally.secrets_in_url += self._shows_secret(request)
        if decision.document.violations:
            for place in {_place(violation) for violation in decision.document.violations}:
                tally.broken(place)
        scenario, fault = decision.scenario, reply.fault
        answered: Answered | None = self._plain.get(id(scenario)) if fault is None else None
        if answered is None:
            own = decision.operation.by_id.get(scenario.id) is scenario
            answered = (scenario.operation, scenario.id, own, None if fault is None else fault.kind)
        key = (answered, decision.trigger)
        if key in tally.answers:
            tally.answers[key] += 1
        else:
            tally.answered(*key)
        mark = _mark(tally.serial, request, decision)
        before = self._young.get(mark) or self._old.get(mark)
        if before is not None:
            _again(tally, before, at_ns)
        self._young[mark] = (answered, fault is not None and fault.commit and takes_answer(fault.kind), at_ns)
        if len(self._young) >= MOST_REMEMBERED:
            self._old, self._young = self._young, {}

    def _begin(self, name: str) -> Tally:
        if len(self._tallies) >= self._most:
            for stray in [known for known in self._tallies if not self._is_there(known)]:
                self.drop(stray)
        tally = self._tallies[name] = Tally(next(self._serials))
        return tally

    def _shows_secret(self, request: Request) -> bool:
        names = [name.lower() for name in request.query]
        if any(name in self._secret or is_secret_header(name) for name in names):
            return True
        return any(masked_text(text) != text for text in (request.path, *request.query.values()))


def _again(tally: Tally, before: tuple[Answered, bool, int], at_ns: int) -> None:
    after, lost, then_ns = before
    passed = at_ns - then_ns
    again = tally.again.get(after)
    if again is None:
        tally.sent_again(after, RetryStats(1, passed, passed))
    else:
        again.count += 1
        if passed < again.shortest_ns:
            again.shortest_ns = passed
        elif passed > again.longest_ns:
            again.longest_ns = passed
    tally.lost_again += lost


def takes_answer(fault: str | None) -> bool:
    """Whether a fault of this kind keeps the answer from its client: all do but the one that is only slow."""
    return fault is not None and fault != "dribble"


def _other(answered: Answered) -> Answered:
    return ("", OTHER, False, answered[3])


def _mark(serial: int, request: Request, decision: Decision) -> int:
    """The hash by which a request is known again."""
    forced = decision.scenario.id if decision.trigger == "header" else ""
    query = tuple(request.query.items()) if request.query else ()
    return hash((serial, request.method, request.path, query, request.body, forced))


def _place(violation: Violation) -> str:
    """Where a violation stands: a JSON Pointer into the body, or root and pointer; no name that the client made up."""
    steps = ["*" if isinstance(step, int) else step for step in violation.path]
    if steps and violation.keyword in _CLIENT_NAMES:
        steps[-1] = "*"
    place = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
    return masked_text(place if violation.root == "body" else violation.root + place)[:LONGEST_PLACE]
