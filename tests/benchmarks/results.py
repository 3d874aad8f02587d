"""Figures as Markdown: a table of a measure, and the lines of the targets that it decides. Measures nothing."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A figure with a bound; `measured` has one value for each round, and the median decides."""

    figure: str
    bound: float
    at_most: bool
    measured: Sequence[float]
    command: str
    unit: str = ""
    digits: int = 2

    def is_met(self) -> bool:
        """Whether the median is within the bound."""
        median = statistics.median(self.measured)
        return median <= self.bound if self.at_most else median >= self.bound

    def cells(self) -> list[str]:
        """What stands beside the name in the table of targets."""
        bound = f"{'at most' if self.at_most else 'at least'} {self.bound:,g}{self.unit}"
        met = "yes" if self.is_met() else "no"
        return [bound, spread(self.measured, self.digits) + self.unit, met, f"`{self.command}`"]


@dataclass(frozen=True)
class Result:
    """What one measure gave: under which conditions, the table, the targets, and how many answers were wrong."""

    title: str
    conditions: str
    table: str
    targets: Sequence[Target] = ()
    wrong: int = 0

    def markdown(self) -> str:
        """A section of a page."""
        return f"### {self.title}\n\n{self.conditions} Wrong answers: {self.wrong}.\n\n{self.table}\n"


def targets_table(results: Iterable[Result]) -> str:
    """All targets of some measures."""
    rows = {target.figure: target.cells() for result in results for target in result.targets}
    return table(("figure", "target", "measured", "met", "command"), rows)


def spread(figures: Sequence[float], digits: int) -> str:
    """Median (least to most); the figure alone where there is one."""
    median, least, most = (f"{one:,.{digits}f}" for one in (statistics.median(figures), min(figures), max(figures)))
    return median if len(figures) == 1 else f"{median} ({least} to {most})"


def table(titles: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """A Markdown table with a first column of names."""
    lines = [titles, ["---"] * len(titles), *([name, *cells] for name, cells in rows.items())]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
