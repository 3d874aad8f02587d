"""Delays: the log-normal distribution of the latencies of recorded answers, as the mock's delay settings have it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, pstdev
from typing import Any

from mockserver.core.directives import MAX_SECONDS, MAX_SIGMA
from mockserver.entries.journal_entry import JournalEntry


def delays(entries: Iterable[JournalEntry]) -> dict[str, Any]:
    """The delay of all answers, and that of each outcome, each with the number of answers that it was fitted to."""
    of_all: list[float] = []
    by_outcome: dict[str, list[float]] = {}
    for entry in entries:
        if entry.recorded is not None:
            of_all.append(entry.recorded.latency_ms)
            if entry.recorded.scenario is not None:
                by_outcome.setdefault(entry.recorded.scenario, []).append(entry.recorded.latency_ms)
    return {"all": fitted_delay(of_all), "outcomes": {name: fitted_delay(found) for name, found in by_outcome.items()}}


def fitted_delay(latencies: Sequence[float]) -> Mapping[str, Any]:
    """The delay whose distribution makes these latencies, in milliseconds, most likely; it is capped at the longest.

    It stays within the limits of a delay.
    """
    cap = min(max(latencies), MAX_SECONDS * 1_000)
    logs = [math.log(max(one, 0.001)) for one in latencies]
    lognormal = {
        "median": round(min(math.exp(fmean(logs)), cap), 3),
        "sigma": min(round(pstdev(logs), 3), MAX_SIGMA),
        "cap": round(cap, 3),
    }
    return {"delay": {"lognormal": lognormal}, "answers": len(latencies)}
