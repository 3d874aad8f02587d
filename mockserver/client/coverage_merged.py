"""Merges the coverage reports of several servers into one report for each contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Report = Mapping[str, Any]


def merged(reports: Sequence[Report]) -> list[Report]:
    """One report for each contract, the first one first; what was met on one server was met."""
    contracts = dict.fromkeys(report["contract"] for report in reports)
    return [_merge([report for report in reports if report["contract"] == contract]) for contract in contracts]


def _merge(reports: Sequence[Report]) -> Report:
    rows = [_row(same) for same in zip(*(report["scenarios"] for report in reports), strict=True)]
    return {
        **reports[0],
        "sandbox": None,
        "requests": sum(report["requests"] for report in reports),
        "problems": sum(report["problems"] for report in reports),
        "documented": _share(row["met"] for row in rows if row["source"] == "documented"),
        "assumed": _share(row["met"] for row in rows if row["source"] == "assumed"),
        "scenarios": rows,
        "behaviour": _behaviour([report["behaviour"] for report in reports]),
    }


def _row(same: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A scenario's counts; servers of one contract show its scenarios in one order."""
    counts = {name: sum(row[name] for row in same) for name in ("met", "retried")}
    return {**same[0], **counts, "triggers": _sum(same, "triggers"), "faults": _sum(same, "faults")}


def _sum(parts: Iterable[Mapping[str, Any]], name: str) -> dict[str, int]:
    total = Counter[str]()
    for part in parts:
        total.update(part[name])
    return dict(total)


def _share(met: Iterable[int]) -> dict[str, Any]:
    all_met = [number > 0 for number in met]
    percent = round(100 * sum(all_met) / len(all_met), 1) if all_met else 100.0
    return {"met": sum(all_met), "of": len(all_met), "percent": percent if all(all_met) else min(percent, 99.9)}


def _behaviour(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    retries: dict[tuple[str, str | None], dict[str, Any]] = {}
    for retry in (retry for part in parts for retry in part["retries"]):
        known = retries.setdefault((retry["after"], retry["fault"]), {**retry, "count": 0})
        known["count"] += retry["count"]
        known["shortest_ms"] = min(known["shortest_ms"], retry["shortest_ms"])
        known["longest_ms"] = max(known["longest_ms"], retry["longest_ms"])
    sums = ("sent_again_after_answer_lost", "secrets_in_url")
    return {
        **parts[0],
        "retries": sorted(retries.values(), key=lambda retry: -retry["count"]),
        **{name: sum(part[name] for part in parts) for name in sums},
        "malformed": _sum(parts, "malformed"),
    }
