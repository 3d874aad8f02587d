"""A short, seeded share of `fuzz.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.robustness import fuzz


@pytest.mark.parametrize(("name", "cases"), [("decision", 600), ("contract", 150)])
def test_any_bytes_are_decided_or_refused(name: str, cases: int, tmp_path: Path) -> None:
    """A contract loads or is refused; nothing else is raised, and nothing takes long."""
    target = fuzz.TARGETS[name](tmp_path)
    target.most_seconds = 1.0  # what explodes, on a busy machine
    fuzz.by_chance(target, cases, seed=1)
    assert target.cases >= cases
    assert target.found == {}
