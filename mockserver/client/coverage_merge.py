"""Merges the coverage reports of several servers into one report for each contract."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mockserver.reports.coverage_report import Report, share_met


def merge_reports(reports: Sequence[Report]) -> list[Report]:
    """Merge reports into one for each contract, in order of appearance; an outcome counts if any server met it."""
    contracts = dict.fromkeys(report["contract"] for report in reports)
    return [_merge([report for report in reports if report["contract"] == contract]) for contract in contracts]


def _merge(reports: Sequence[Report]) -> Report:
    rows = [_row(rows_by_server) for rows_by_server in zip(*(report["scenarios"] for report in reports), strict=True)]
    return {
        **reports[0],
        "sandbox": None,
        "requests": sum(report["requests"] for report in reports),
        "problems": sum(report["problems"] for report in reports),
        "documented": share_met(row["met"] for row in rows if row["source"] == "documented"),
        "assumed": share_met(row["met"] for row in rows if row["source"] == "assumed"),
        "scenarios": rows,
        "behaviour": _client_behaviour([report["behaviour"] for report in reports]),
    }


def _row(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add the counts of one scenario; all servers report them in the same order."""
    counts = {name: sum(row[name] for row in rows) for name in ("met", "retried")}
    return {
        **rows[0],
        **counts,
        "triggers": _sum(rows, "triggers"),
        "faults": _sum(rows, "faults"),
    }


def _sum(parts: Iterable[Mapping[str, Any]], name: str) -> dict[str, int]:
    total = Counter[str]()
    for part in parts:
        total.update(part[name])
    return dict(total)


def _client_behaviour(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    retries: dict[tuple[str, str | None], dict[str, Any]] = {}
    for retry in (retry for part in parts for retry in part["retries"]):
        total = retries.setdefault((retry["after"], retry["fault"]), {**retry, "count": 0})
        total["count"] += retry["count"]
        total["shortest_ms"] = min(total["shortest_ms"], retry["shortest_ms"])
        total["longest_ms"] = max(total["longest_ms"], retry["longest_ms"])
    summed = ("sent_again_after_answer_lost", "secrets_in_url")
    return {
        **parts[0],
        "retries": sorted(retries.values(), key=lambda retry: -retry["count"]),
        **{name: sum(part[name] for part in parts) for name in summed},
        "malformed": _sum(parts, "malformed"),
    }
