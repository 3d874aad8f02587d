"""The success path side by side: requests per second, processor time, latency, memory and start of mock, peers, limits.

`python tests/benchmarks/success_path.py [--peers FOLDER]` needs Linux, two cores and `wrk`; without the folder of peers,
which `run.sh` makes, only the mock is measured. Each round starts every server anew on one core, warms it up, and has `wrk`
ask from the other, with 32 connections and with one; each request activates a card of its own for a customer of its own,
and each answer is checked. Figures are medians (least to most) over the interleaved rounds; a ratio is one of the same round.
With `--rules N` there are N rules instead of 16, and the last one answers.
"""

from __future__ import annotations

import argparse
import datetime as dt
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from contenders import RULES, Contender, contenders
from measuring import free_port, running, table

CONNECTIONS = 32


@dataclass(frozen=True)
class Round:
    """The figures of one server in one round."""

    rate: float
    cpu: float
    median: float
    p99: float
    single: float
    start: float
    memory: float
    errors: int


Rounds = Mapping[str, Sequence[Round]]
TITLES = ("requests/s", "CPU us/request", "median ms", "p99 ms", "median ms, 1 connection", "start ms", "memory MiB")


def measured(one: Contender, number: int, seconds: int, rules: int) -> Round:
    """Start it, warm it up, and ask."""
    port = free_port()
    customer = f"R-{rules - 1}" if rules != RULES else ""
    with tempfile.TemporaryDirectory() as place:
        command = one.command(Path(place), port, rules)
        with running(command, port, customer or "first", echo=one.echo, cwd=Path(place)) as server:
            server.load(f"w{number}-", CONNECTIONS, one.warm, customer)
            many = server.load(f"m{number}-", CONNECTIONS, seconds, customer)
            alone = server.load(f"s{number}-", 1, max(seconds // 2, 1), customer)
            errors = many.errors + alone.errors
            memory = server.resident()
            return Round(many.rate, many.cpu, many.median, many.p99, alone.median, server.start, memory, errors)


def shown(rows: Sequence[Round]) -> list[str]:
    """A line of the table."""
    kinds: list[tuple[Callable[[Round], float], int]] = [
        (lambda r: r.rate, 0),
        (lambda r: r.cpu, 0),
        (lambda r: r.median, 2),
        (lambda r: r.p99, 2),
        (lambda r: r.single, 3),
        (lambda r: r.start, 0),
        (lambda r: r.memory, 0),
    ]
    return [_spread([of(row) for row in rows], digits) for of, digits in kinds]


def _spread(figures: Sequence[float], digits: int) -> str:
    median, least, most = statistics.median(figures), min(figures), max(figures)
    return f"{median:,.{digits}f} ({least:,.{digits}f} to {most:,.{digits}f})"


@dataclass(frozen=True)
class Target:
    """A ratio of a figure of the mock to the same of another; `most`: it is a bound from above."""

    what: str
    of: Callable[[Round], float]
    other: str
    bound: float
    most: bool


def targets() -> list[Target]:
    """Those of the success path."""
    rate, cpu, bare = (lambda r: r.rate), (lambda r: r.cpu), "aiohttp, constant, body not read"
    minimum = "hand-made minimum"
    return [
        *(Target("CPU a request", cpu, f"{minimum}{loop}", 1.1, most=True) for loop in ("", ", uvloop")),
        *(
            Target("latency, 1 connection", lambda r: r.single, f"{minimum}{loop}", 1.25, most=True)
            for loop in ("", ", uvloop")
        ),
        Target("requests/s", rate, "pytest-httpserver", 4, most=False),
        Target("requests/s", rate, "Prism (static)", 4, most=False),
        Target("requests/s", rate, "WireMock", 5, most=False),
        Target("requests/s", rate, "WireMock, no request journal", 5, most=False),
        Target("requests/s", rate, "Mountebank", 5, most=False),
        Target("requests/s", rate, "Mockoon", 100, most=False),
        Target("requests/s (stretch)", rate, bare, 0.8, most=False),
        Target("start to first answer", lambda r: r.start, bare, 1.3, most=True),
    ]


def verdicts(results: Rounds, mock: str) -> dict[str, list[str]]:
    """What of the targets one form of the mock met, and by how much not."""
    lines: dict[str, list[str]] = {}
    for target in targets():
        if target.other in results:
            pairs = zip(results[mock], results[target.other], strict=True)
            ratios = [target.of(ours) / target.of(other) for ours, other in pairs]
            lines[f"{target.what} / {target.other}"] = _verdict(ratios, target.bound, most=target.most)
    spread = [row.p99 / row.median for row in results[mock]]
    lines["p99 / median under load"] = _verdict(spread, 2, most=True)
    return lines


def _verdict(ratios: Sequence[float], bound: float, *, most: bool) -> list[str]:
    ratio = statistics.median(ratios)
    off = ratio / bound if most else bound / ratio
    said = "met" if off <= 1 else f"not met, by a factor of {off:.2f}"
    return [f"{'at most' if most else 'at least'} {bound:g}", _spread(ratios, 2), said]


def main(rounds: int, seconds: int, peers: Path | None, only: str, rules: int) -> None:
    found = {name: one for name, one in contenders(peers).items() if not only or name in only.split(";")}
    results: dict[str, list[Round]] = {name: [] for name in found}
    for number in range(rounds):
        for name, one in found.items():
            print(f"round {number + 1}: {name}", file=sys.stderr, flush=True)
            results[name].append(measured(one, number, seconds, rules))
    failed = {name: sum(row.errors for row in rows) for name, rows in results.items()}
    print(
        f"{dt.datetime.now(dt.UTC).date()}, {rounds} interleaved rounds of {seconds} s, {CONNECTIONS} connections, "
        f"{rules} rules, one core each, Python {platform.python_version()}, answers that were wrong: {sum(failed.values())}\n"
    )
    print(table(("server", "version", *TITLES), {n: [found[n].version, *shown(rows)] for n, rows in results.items()}))
    for mock in [name for name in results if name.startswith("mock") and peers is not None]:
        print(f"\n{mock}:\n")
        print(table(("target", "bound", "ratio", "verdict"), verdicts(results, mock)))
    if any(failed.values()):
        sys.exit(f"wrong answers: {failed}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    parser.add_argument("seconds", type=int, nargs="?", default=5)
    parser.add_argument("--peers", type=Path, help="where run.sh put the peers")
    parser.add_argument("--only", default="", help="names of the table, separated by ;")
    parser.add_argument("--rules", type=int, default=RULES)
    main(**vars(parser.parse_args()))
