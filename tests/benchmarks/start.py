"""From the start of a process to its first answer, the mock beside a bare aiohttp program.

`python tests/benchmarks/start.py [ROUNDS]`: starts in turn, on one core. Processor time comes from
`/proc/PID/task/*/schedstat`, in nanoseconds, where other places count in steps of 10 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from contenders import BARE, MOCK, bare, mock
from measuring import arguments, conditions, free_port, running
from results import Result, Target, spread, table, targets_table

COMMAND: Final = "start.py"


@dataclass(frozen=True)
class Start:
    """One start: time by the clock and processor time in ms, resident memory in MiB."""

    clock: float
    cpu: float
    memory: float


def started(command: list[str], port: int) -> Start:
    """Start it, ask once, end it."""
    with running(command, port) as server:
        tasks = Path(f"/proc/{server.popen.pid}/task").iterdir()
        spent = sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
        return Start(server.start, spent / 1e6, server.resident())


def measure(python: str, rounds: int) -> Result:
    """Both in interleaved rounds."""
    starts: dict[str, list[Start]] = {MOCK: [], BARE: []}
    for _ in range(rounds):
        for name, command in ((MOCK, mock), (BARE, bare)):
            port = free_port()
            starts[name].append(started(command(python, port), port))
    pairs = list(zip(starts[MOCK], starts[BARE], strict=True))
    rows = {
        name: [
            spread([start.clock for start in own], 0),
            spread([start.cpu for start in own], 0),
            spread([start.memory for start in own], 1),
        ]
        for name, own in starts.items()
    }
    rows["mock / bare"] = [
        spread([own.clock / other.clock for own, other in pairs], 2),
        spread([own.cpu / other.cpu for own, other in pairs], 2),
        spread([own.memory / other.memory for own, other in pairs], 2),
    ]
    target = Target("Start to first answer / bare aiohttp", 1.4, True, [a.clock / b.clock for a, b in pairs], COMMAND)
    how = f"{rounds} interleaved starts, pinned to one core"
    shown = table(("", "first answer after ms", "CPU ms", "memory MiB"), rows)
    return Result("Start", conditions(python, how), shown, [target])


def main() -> None:
    given = arguments(__doc__, "rounds", 21).parse_args()
    result = measure(given.python, given.rounds)
    print(result.markdown(), targets_table([result]), sep="\n")


if __name__ == "__main__":
    main()
