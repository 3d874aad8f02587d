"""Starts in turn: `python tests/benchmarks/start.py ROUNDS NAME=PYTHON...`; the first is what the others are measured by.

PYTHON is the interpreter of an environment. Where the mock is installed in it, that is started as a user does, otherwise
the bare aiohttp program of `constant.py`. Processor time is that of the whole process until the first answer is there, from
`/proc/PID/schedstat` and so in nanoseconds, where there are steps of 10 ms elsewhere.
"""

from __future__ import annotations

import datetime as dt
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from measuring import HERE, free_port, running, table


@dataclass(frozen=True)
class Start:
    """One start: processor time and time by the clock in ms, resident memory in MiB."""

    cpu: float
    clock: float
    memory: float


def command(python: str, port: int) -> list[str]:
    """What is started with an interpreter."""
    mock = Path(python).parent / "mockserver"
    if mock.exists():
        return [str(mock), "--port", str(port)]
    return [python, str(HERE / "constant.py"), str(port)]


def started(python: str) -> Start:
    """Start it, ask once, end it."""
    port = free_port()
    with running(command(python, port), port, echo=False) as server:
        tasks = Path(f"/proc/{server.popen.pid}/task").iterdir()
        spent = sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
        return Start(spent / 1e6, server.start, server.resident())


def shown(starts: list[Start], first: list[Start]) -> list[str]:
    """A line of the table; a ratio is one of the same round."""
    pairs = list(zip(starts, first, strict=True))
    kinds = [
        ([one.cpu for one in starts], 1),
        ([one.cpu / other.cpu for one, other in pairs], 2),
        ([one.clock for one in starts], 1),
        ([one.clock / other.clock for one, other in pairs], 2),
        ([one.memory for one in starts], 1),
    ]
    return [_spread(figures, digits) for figures, digits in kinds]


def _spread(figures: list[float], digits: int) -> str:
    return f"{statistics.median(figures):.{digits}f} ({min(figures):.{digits}f} to {max(figures):.{digits}f})"


def main(rounds: int, pythons: dict[str, str]) -> None:
    starts: dict[str, list[Start]] = {name: [] for name in pythons}
    for _ in range(rounds):
        for name, python in pythons.items():
            starts[name].append(started(python))
    first = next(iter(pythons))
    version = subprocess.run([pythons[first], "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{dt.datetime.now(dt.UTC).date()}, {rounds} interleaved starts, pinned to one core, {version}\n")
    titles = ("", "CPU ms", "ratio", "clock ms", "ratio", "memory MiB")
    print(table(titles, {name: shown(found, starts[first]) for name, found in starts.items()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), dict(argument.split("=", 1) for argument in sys.argv[2:]))
