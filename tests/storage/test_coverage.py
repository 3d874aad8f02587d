"""The counts of sandboxes that are gone; what else is counted is tested in `tests/admin/test_coverage.py`."""

import pytest

from mockserver.storage import coverage
from mockserver.storage.coverage import Coverage, Observation


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
