"""Claims about the journal: how many requests of a kind came, and in which order; with the nearest misses.

Knows entries and compiled conditions; it knows no HTTP and compiles nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from mockserver.core.contract import Condition, Decision, Evidence, NearMiss, Scenario
from mockserver.decision.decide import near_miss, rank
from mockserver.engine.views import evidence, lines
from mockserver.storage.journal import Entry

MOST_SHOWN: Final = 3
"""Near misses that are shown."""


@dataclass(frozen=True, slots=True)
class Claim:
    """That `low` to `high` (None: any number of) requests are of a kind.

    `scenario` names the one that answered; `tried` is that scenario, where it is known, for evidence against it.
    """

    operation: str | None = None
    scenario: str | None = None
    when: tuple[Condition, ...] = ()
    low: int = 1
    high: int | None = None
    tried: Scenario | None = None

    @property
    def text(self) -> str:
        """The claim in words."""
        many = f"at least {self.low}"
        if self.high is not None:
            many = f"exactly {self.high}" if self.low == self.high else f"{self.low} to {self.high}"
        parts = [f"answered by {self.scenario}"] if self.scenario else []
        parts += [f"of {self.operation}"] if self.operation else []
        parts += ["with " + " and ".join(c.text for c in self.when)] if self.when else []
        return f"{many} request{'' if many.endswith(' 1') else 's'} {' '.join(parts) or 'that the API answered'}"

    def meets(self, entry: Entry) -> bool:
        """Whether an entry is one of the requests."""
        decision = entry.decision
        if decision is None or (self.scenario is not None and decision.scenario.id != self.scenario):
            return False
        if self.operation is not None and decision.operation.id != self.operation:
            return False
        if not self.when:
            return True
        whole = entry.remembered or decision
        return all(condition.fails(whole.facts) is None for condition in self.when)

    def allows(self, count: int) -> bool:
        """Whether so many are as claimed."""
        return self.low <= count and (self.high is None or count <= self.high)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a claim. `incomplete`: entries that could matter are lost, so that it does not hold."""

    holds: bool
    expected: str
    came: int
    requests: tuple[int, ...] = ()
    misses: tuple[tuple[Entry, NearMiss], ...] = ()
    incomplete: bool = False
    note: str = ""


def verify(claim: Claim, entries: Sequence[Entry], *, lost: bool) -> Verdict:
    """Whether a claim holds of entries, oldest first; `lost`: there were more."""
    met: list[Entry] = []
    others: list[Entry] = []
    for entry in entries:
        (met if claim.meets(entry) else others).append(entry)
    # What is lost could only add to what came.
    holds = claim.allows(len(met)) and not (lost and claim.high is not None)
    return Verdict(
        holds,
        claim.text,
        len(met),
        tuple(entry.id for entry in met),
        nearest(claim, others) if len(met) < claim.low else (),
        incomplete=not holds and lost and (claim.high is None or len(met) <= claim.high),
    )


def in_order(claims: Sequence[Claim], entries: Sequence[Entry], *, lost: bool) -> Verdict:
    """Whether the entries, oldest first, can be cut into parts of which the claims hold one after the other."""
    reached = [index == 0 for index in range(len(entries) + 1)]
    for number, claim in enumerate(claims, 1):
        counts = [0, *accumulate(int(claim.meets(entry)) for entry in entries)]
        before = reached
        reached = _reach(claim, counts, before)
        if not any(reached) or (number == len(claims) and not reached[-1]):
            start = before.index(True)
            return Verdict(
                holds=False,
                expected=f"{number}. {claim.text}" + (", after what goes before" if number > 1 else ""),
                came=counts[-1] - counts[start],
                misses=nearest(claim, [e for e in entries[start:] if not claim.meets(e)]),
                incomplete=lost,
                note=f"{counts[-1]} in all" if start else "",
            )
    if lost and any(claim.high is not None for claim in claims):
        return Verdict(holds=False, expected="requests in order", came=len(entries), incomplete=True)
    return Verdict(holds=True, expected="requests in order", came=len(entries))


def _reach(claim: Claim, counts: Sequence[int], before: Sequence[bool]) -> list[bool]:
    """Where a part can end that begins where one before it could; `counts` are those of matches up to there."""
    starts = [0, *accumulate(map(int, before))]
    reached = []
    for end, count in enumerate(counts):
        last = bisect_right(counts, count - claim.low, 0, end + 1)
        first = 0 if claim.high is None else bisect_left(counts, count - claim.high, 0, end + 1)
        reached.append(last > first and starts[last] > starts[first])
    return reached


def nearest(claim: Claim, entries: Sequence[Entry]) -> tuple[tuple[Entry, NearMiss], ...]:
    """The entries that the claim misses by least, with the evidence against each."""
    missed = [(entry, whole) for entry in entries[-1_000:] if (whole := entry.remembered) is not None]
    found = [(entry, _against(claim, whole), whole) for entry, whole in missed]
    order = rank([(miss, whole.operation, whole.facts) for _, miss, whole in found])
    return tuple((found[index][0], found[index][1]) for index in order[:MOST_SHOWN])


def _against(claim: Claim, decision: Decision) -> NearMiss:
    against: list[Evidence] = []
    held = 0
    scenario, operation = decision.scenario, decision.operation.id
    if claim.operation is not None and operation != claim.operation:
        against.append(Evidence("operation", claim.operation, operation))
    if claim.scenario is not None and scenario.id != claim.scenario:
        against.append(Evidence("scenario", claim.scenario, scenario.id))
        if claim.tried is not None and claim.tried.operation == operation:
            tried = near_miss(claim.tried, decision.document, decision.facts)
            against += tried.evidence
            held += tried.held
    for condition in claim.when:
        found = condition.evidence(decision.facts)
        held += not found
        against += found
    return NearMiss(claim.tried or scenario, tuple(against), held)


def text(verdict: Verdict, sandbox: str) -> str:
    """A verdict as it stands in a log."""
    where = f" in sandbox {sandbox}" if sandbox else ""
    if verdict.holds:
        return f"holds{where}: {verdict.expected}; {verdict.came} came"
    shown = [f"does not hold{where}" + (" (incomplete: the journal has lost entries)" if verdict.incomplete else "")]
    shown += [f"  expected {verdict.expected}"]
    ids = f" (#{', #'.join(map(str, verdict.requests[:20]))})" if verdict.requests else ""
    shown += [f"  came     {verdict.came}{ids}" + (f"; {verdict.note}" if verdict.note else "")]
    shown += ["nearest misses:"] if verdict.misses else []
    for entry, miss in verdict.misses:
        answered = entry.decision.scenario.id if entry.decision is not None else entry.problem
        shown.append(f"  #{entry.id} {entry.method} {entry.target} -> {entry.status} {answered}")
        shown += [f"    {line}" for e in miss.evidence for line in lines(e.path, e.expected, e.came)]
    return "\n".join(shown)


def as_json(verdict: Verdict) -> dict[str, Any]:
    """A verdict as members of a JSON object."""
    return {
        "holds": verdict.holds,
        "expected": verdict.expected,
        "came": verdict.came,
        "incomplete": verdict.incomplete,
        "requests": list(verdict.requests),
        "misses": [
            {"id": entry.id, "target": entry.target, "evidence": [evidence(e) for e in miss.evidence]}
            for entry, miss in verdict.misses
        ],
    }
