"""Claims about the journal: how many requests match, and in which order; with the nearest misses.

A full journal takes long: other requests are answered between the steps, and one entry is decoded at a time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Final

from msgspec import Struct

from mockserver.core.contract import Scenario
from mockserver.core.language import Condition, Evidence, all_hold
from mockserver.core.reply import NearMiss
from mockserver.decision.near_misses import distance, near_miss, near_seeds
from mockserver.entries.journal_entry import JournalEntry
from mockserver.entries.reconstruction import Reconstruction
from mockserver.entries.views import evidence_json, evidence_lines
from mockserver.storage.interface import Entry
from mockserver.storage.pacing import Pacer

MAX_SHOWN: Final = 3
"""Near misses in a verdict."""

MAX_COMPARED_ENTRIES: Final = 1_000
"""The last entries in which near misses are searched."""


class RecordedRequest:
    """A request of the journal; its decision is reconstructed on first use."""

    def __init__(self, entry: JournalEntry, reconstruct: Callable[[JournalEntry], Reconstruction | None]) -> None:
        """`reconstruct` gives None if no scenario answered, or the contract no longer has the operation."""
        self.entry = entry
        self._reconstruct = reconstruct

    @cached_property
    def reconstruction(self) -> Reconstruction | None:
        """What the decision saw; None if it cannot be reconstructed."""
        return self._reconstruct(self.entry)


ReadRequest = Callable[[Entry], RecordedRequest]
"""Decodes the request of a journal entry."""


class RequestMiss(Struct, frozen=True):
    """A request that does not match a claim, and the evidence against it."""

    entry: JournalEntry
    miss: NearMiss


@dataclass(frozen=True, slots=True)
class Claim:
    """The claim that `low` to `high` (None: any number of) requests match.

    `scenario` is the id of the one that answered, `scenario_in_force` that scenario where it is in force, for evidence.
    """

    operation: str | None = None
    scenario: str | None = None
    when: tuple[Condition, ...] = ()
    low: int = 1
    high: int | None = None
    scenario_in_force: Scenario | None = None

    @property
    def text(self) -> str:
        """The claim in words."""
        number = f"at least {self.low}"
        if self.high is not None:
            number = f"exactly {self.high}" if self.low == self.high else f"{self.low} to {self.high}"
        parts = [f"answered by {self.scenario}"] if self.scenario else []
        parts += [f"of {self.operation}"] if self.operation else []
        parts += ["with " + " and ".join(c.text for c in self.when)] if self.when else []
        return f"{number} request{'' if number.endswith(' 1') else 's'} {' '.join(parts) or 'that the API answered'}"

    def matches(self, request: RecordedRequest) -> bool:
        """Whether a request counts for the claim."""
        decision = request.entry.decision
        if decision is None or (self.scenario is not None and decision.scenario.id != self.scenario):
            return False
        if self.operation is not None and decision.scenario.operation != self.operation:
            return False
        if not self.when:
            return True
        reconstruction = request.reconstruction
        return reconstruction is not None and all_hold(self.when, reconstruction.view.facts)

    def allows(self, count: int) -> bool:
        """Whether the claim holds with so many matching requests."""
        return self.low <= count and (self.high is None or count <= self.high)


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """Whether a claim holds. `incomplete`: it cannot be told, as entries are lost; `holds` is false then."""

    holds: bool
    expected: str
    got: int
    requests: tuple[str, ...] = ()
    misses: tuple[RequestMiss, ...] = ()
    incomplete: bool = False
    note: str = ""


async def verify(claim: Claim, entries: Sequence[Entry], read: ReadRequest, *, has_lost_entries: bool) -> ClaimResult:
    """Whether a claim holds of entries, oldest first; `has_lost_entries`: there were more."""
    pacer = Pacer()
    matching: list[Entry] = []
    others: list[Entry] = []
    for entry in entries:
        (matching if claim.matches(read(entry)) else others).append(entry)
        await pacer.pause()
    # Lost entries could only raise the count.
    holds = claim.allows(len(matching)) and not (has_lost_entries and claim.high is not None)
    return ClaimResult(
        holds,
        claim.text,
        len(matching),
        tuple(entry.id for entry in matching),
        await nearest(claim, others, read) if len(matching) < claim.low else (),
        incomplete=not holds and has_lost_entries and (claim.high is None or len(matching) <= claim.high),
    )


async def in_order(
    claims: Sequence[Claim], entries: Sequence[Entry], read: ReadRequest, *, has_lost_entries: bool
) -> ClaimResult:
    """Whether the entries, oldest first, can be cut into parts of which the claims hold one after the other."""
    pacer = Pacer()
    matches_of_claims: list[list[bool]] = [[] for _ in claims]
    for entry in entries:
        request = read(entry)
        for claim, matches in zip(claims, matches_of_claims, strict=True):
            matches.append(claim.matches(request))
        await pacer.pause()
    reached = [index == 0 for index in range(len(entries) + 1)]
    for number, (claim, matches) in enumerate(zip(claims, matches_of_claims, strict=True), 1):
        counts = [0, *accumulate(map(int, matches))]
        before = reached
        reached = _possible_ends(claim, counts, before)
        await pacer.pause()
        if not any(reached) or (number == len(claims) and not reached[-1]):
            start = before.index(True)
            others = [entry for entry, matched in zip(entries[start:], matches[start:], strict=True) if not matched]
            return ClaimResult(
                holds=False,
                expected=f"{number}. {claim.text}" + (", after what goes before" if number > 1 else ""),
                got=counts[-1] - counts[start],
                misses=await nearest(claim, others, read),
                incomplete=has_lost_entries,
                note=f"{counts[-1]} in all" if start else "",
            )
    if has_lost_entries and any(claim.high is not None for claim in claims):
        return ClaimResult(holds=False, expected="requests in order", got=len(entries), incomplete=True)
    return ClaimResult(holds=True, expected="requests in order", got=len(entries))


def _possible_ends(claim: Claim, counts: Sequence[int], before: Sequence[bool]) -> list[bool]:
    """Where a part can end that begins where the part before can end (`before`); `counts`: matches up to each place."""
    starts = [0, *accumulate(map(int, before))]
    reached = []
    for end, count in enumerate(counts):
        last = bisect_right(counts, count - claim.low, 0, end + 1)
        first = 0 if claim.high is None else bisect_left(counts, count - claim.high, 0, end + 1)
        reached.append(last > first and starts[last] > starts[first])
    return reached


async def nearest(claim: Claim, entries: Sequence[Entry], read: ReadRequest) -> tuple[RequestMiss, ...]:
    """The requests that nearly match the claim, with the evidence against each."""
    pacer = Pacer()
    found: list[RequestMiss] = []
    for entry in entries[-MAX_COMPARED_ENTRIES:]:
        one = read(entry)
        if one.reconstruction is not None:
            found.append(RequestMiss(one.entry, _near_miss(claim, one.reconstruction)))
            await pacer.pause()
    return tuple(sorted(found, key=lambda one: distance(one.miss))[:MAX_SHOWN])


def _near_miss(claim: Claim, reconstruction: Reconstruction) -> NearMiss:
    evidence_against: list[Evidence] = []
    held = 0
    facts, operation = reconstruction.view.facts, reconstruction.operation
    answered = reconstruction.decision.scenario.id
    if claim.operation is not None and operation.id != claim.operation:
        evidence_against.append(Evidence("operation", claim.operation, operation.id))
    if claim.scenario is not None and answered != claim.scenario:
        evidence_against.append(Evidence("scenario", claim.scenario, answered))
        if claim.scenario_in_force is not None and claim.scenario_in_force.operation == operation.id:
            miss = near_miss(claim.scenario_in_force, operation, facts)
            evidence_against += miss.evidence
            held += miss.held
    for condition in claim.when:
        found = condition.evidence(facts)
        held += not found
        evidence_against += found
    scenario = claim.scenario_in_force or reconstruction.view.order.scenarios[-1]
    return NearMiss(scenario, tuple(evidence_against), held, near_seeds(evidence_against, operation, facts))


def verdict_text(verdict: ClaimResult, sandboxes: str) -> str:
    """A verdict as text for a log; `sandboxes` says in words which ones it is about, "" for the default one."""
    where = f" in {sandboxes}" if sandboxes else ""
    if verdict.holds:
        return f"holds{where}: {verdict.expected}, got {verdict.got}"
    shown = [f"does not hold{where}" + (" (incomplete: the journal has lost entries)" if verdict.incomplete else "")]
    shown += [f"  expected {verdict.expected}"]
    ids = f" (#{', #'.join(verdict.requests[:20])})" if verdict.requests else ""
    shown += [f"  got      {verdict.got}{ids}" + (f"; {verdict.note}" if verdict.note else "")]
    shown += ["nearest misses:"] if verdict.misses else []
    for missed in verdict.misses:
        entry = missed.entry
        request = f"{entry.request.method} {entry.request.target}"
        shown.append(f"  #{entry.id} {request} -> {entry.reply.status} {entry.answered_by}")
        shown += [f"    {line}" for e in missed.miss.evidence for line in evidence_lines(e.path, e.expected, e.got)]
    return "\n".join(shown)


def verdict_json(verdict: ClaimResult) -> dict[str, Any]:
    """A verdict as members of a JSON object."""
    return {
        "holds": verdict.holds,
        "expected": verdict.expected,
        "came": verdict.got,
        "incomplete": verdict.incomplete,
        "requests": list(verdict.requests),
        "misses": [
            {
                "id": missed.entry.id,
                "target": missed.entry.request.target,
                "evidence": [evidence_json(one) for one in missed.miss.evidence],
            }
            for missed in verdict.misses
        ],
    }
