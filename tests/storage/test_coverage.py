"""Bounds of what is counted; the counts themselves are tested in `tests/admin/test_coverage.py`."""

import pytest

from mockserver import Contract
from mockserver.storage import coverage
from mockserver.storage.coverage import (
    MAX_DISTINCT,
    MAX_REMEMBERED,
    MAX_STRAY_TALLIES,
    OTHER,
    Coverage,
    Observation,
    Outcome,
    RetryStats,
    Tally,
)


def test_the_names_of_dropped_tallies_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are in the total alone, which the counts by prefix say."""
    monkeypatch.setattr(coverage, "MAX_DROPPED_TALLIES", 2)
    counted = Coverage(lambda _: True, 10)
    for name in ("a1", "a2", "a1", "a3"):
        counted.add(Observation(name, 0, None, "", 0), complete=True)
        counted.drop(name)
    tally = counted.total_of("a")
    assert (tally.requests, tally.incomplete) == (3, True)
    assert counted.total_of("a2").requests == 0
    assert (counted.total().requests, counted.total().incomplete) == (4, False)
    counted.clear()
    assert (counted.total_of("a").requests, counted.total_of("a").incomplete) == (0, False)


def test_the_counts_of_names_without_a_sandbox_are_bounded() -> None:
    """They stay in the total."""
    counted = Coverage(lambda name: name == "real", 1)
    names = ["real", *(f"stray{number}" for number in range(MAX_STRAY_TALLIES + 1)), "last"]
    for name in names:
        counted.add(Observation(name, 0, None, "", 0), complete=True)
    assert [counted.tally(name).requests for name in ("real", "stray0", "last")] == [1, 0, 1]
    assert counted.total().requests == len(names)


def seen(mark: int) -> Observation:
    """One of equal requests for each mark."""
    return Observation("", 0, Outcome("o", "s", from_contract=True), "values", mark)


def test_the_memory_for_retries_is_bounded() -> None:
    """One of the last requests is still recognised."""
    counted, most = Coverage(lambda _: True, 10), 2 * MAX_REMEMBERED
    for number in range(most + 10):
        counted.add(seen(number), complete=True)
    assert len(counted._recent) + len(counted._older) <= most
    counted.add(seen(most + 10 - MAX_REMEMBERED), complete=True)
    assert sum(again.count for again in counted.tally("").retries.values()) == 1
    counted.add(seen(0), complete=True)
    assert sum(again.count for again in counted.tally("").retries.values()) == 1


def test_the_counts_of_a_sandbox_are_bounded(contract: Contract) -> None:
    """Beyond the bound others are summed up; the contract's scenarios always have their own."""
    tally = Tally()
    for number in range(MAX_DISTINCT + 10):
        tally.count_outcome(Outcome("o", f"s{number}", from_contract=False), "values")
        tally.add_retries(Outcome("o", f"s{number}", from_contract=False), RetryStats(1, 1, 1))
        tally.count_violation(f"/{number}")
    own = contract.operations[0].scenarios[0]
    tally.count_outcome(Outcome(own.operation, own.id, from_contract=True), "values")
    tally.add(tally)
    for counted in (tally.outcomes, tally.retries, tally.violations):
        assert len(counted) <= MAX_DISTINCT + 2
    assert tally.counts_of(own).delivered == 2
    assert tally.violations[OTHER] == 20
