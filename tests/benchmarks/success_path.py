"""One operation under load, side by side: requests per second, processor time, latency; the mock, peers, limits.

`python tests/benchmarks/success_path.py [ROUNDS] [--equal | --violations]` needs Linux, two cores and `wrk`. Each round
starts every server anew on one core, warms it up, and has `wrk` ask from the other with 32 connections. Each request
activates a card of its own for a customer of its own, and each answer is checked. Heads are those of instrumented
clients: a `traceparent` and an `X-Request-Id` of its own in every request, so that nothing that a server remembers of a
head ever helps it. With `--equal` both are the same in all requests.
With `--violations` the PIN has letters and `device_id` is a number; only the mock looks at that. The peers come from
`run.sh`. Figures are medians (least to most) of the rounds; a ratio is one of the same round.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from contenders import BARE, MINIMUM, MOCK, PEERS, RULES, Contender, contenders
from measuring import CONNECTIONS, Load, Traffic, arguments, conditions, free_port, running
from results import Result, Target, spread, table, targets_table

COMMAND: Final = "success_path.py"
TITLES: Final = ("requests/s", "CPU us/request", "CPU / minimum", "p50 ms", "p99 ms", "p99 / p50", "wrk's core %")
RATES: Final = {
    "pytest-httpserver": 3.5,
    "Prism": 5,
    "WireMock": 5,
    "WireMock, no journal": 5,
    "Mountebank": 4,
    "Mockoon": 50,
}
"""At least so many times a peer's requests per second."""


@dataclass(frozen=True)
class Kind:
    """Requests of one sort: who gets them, and at most how much processor time of the minimum the mock may take."""

    title: str
    option: str
    traffic: Traffic
    bound: float
    only: Sequence[str] = ()


KINDS: Final = {
    "varied": Kind("Success, varied heads", "", Traffic(), 1.75),
    "equal": Kind("Success, equal heads", " --equal", Traffic(heads="equal"), 1.75, (MOCK, MINIMUM, BARE)),
    "violations": Kind(
        "A request with violations, varied heads",
        " --violations",
        Traffic(members=',"pin":"12a4","device_id":7'),
        2.5,
        (MOCK, MINIMUM),
    ),
}


def traffic_for(kind: str, name: str, contender: Contender) -> Traffic:
    """What one server is sent, and what it has to answer."""
    traffic = KINDS[kind].traffic
    if kind == "violations" and name == MOCK:
        return replace(traffic, status=400, answer='"code": ?4400.*device_id')
    return traffic if contender.echo else replace(traffic, answer='"activated"')


def load_of(contender: Contender, traffic: Traffic, seconds: int) -> Load:
    """Start a server, warm it up, and ask."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with running(contender.command(place, port), port, place) as server:
            server.load(traffic, contender.warm)
            return server.load(traffic, seconds)


def measure(kind: str, python: str, peers: Path, rounds: int, seconds: int, only: Sequence[str] = ()) -> Result:
    """All contenders in interleaved rounds."""
    only = only or KINDS[kind].only
    found = {name: one for name, one in contenders(python, peers).items() if not only or name in only}
    loads: dict[str, list[Load]] = {name: [] for name in found}
    for number in range(rounds):
        for name, one in found.items():
            print(f"{kind}, round {number + 1}: {name}", file=sys.stderr, flush=True)
            loads[name].append(load_of(one, traffic_for(kind, name, one), seconds))
    how = f"{rounds} interleaved rounds of {seconds} s, {CONNECTIONS} connections, {RULES} rules, one core each"
    return Result(
        KINDS[kind].title,
        conditions(python, how),
        table(("server", "version", *TITLES), {name: [found[name].version, *cells(loads, name)] for name in found}),
        targets(kind, loads),
        sum(load.wrong for of_one in loads.values() for load in of_one),
    )


def cells(loads: dict[str, list[Load]], name: str) -> list[str]:
    """The figures of one server."""
    own = loads[name]
    return [
        spread([load.rate for load in own], 0),
        spread([load.cpu for load in own], 1),
        spread(ratios(loads, name, MINIMUM, lambda load: load.cpu), 2) if MINIMUM in loads else "",
        spread([load.median for load in own], 2),
        spread([load.p99 for load in own], 2),
        spread([load.p99 / load.median for load in own], 2),
        f"{max(load.generator for load in own) * 100:.0f}",
    ]


def ratios(loads: dict[str, list[Load]], name: str, other: str, of: Callable[[Load], float]) -> list[float]:
    """A figure of one server in units of the other's of the same round."""
    return [of(own) / of(others) for own, others in zip(loads[name], loads[other], strict=True)]


def targets(kind: str, loads: dict[str, list[Load]]) -> list[Target]:
    """Those that these loads decide."""
    if MOCK not in loads:
        return []
    title, command = KINDS[kind].title, COMMAND + KINDS[kind].option
    found = []
    if MINIMUM in loads:
        cpu = ratios(loads, MOCK, MINIMUM, lambda load: load.cpu)
        found.append(Target(f"{title}: CPU / minimum", KINDS[kind].bound, True, cpu, command))
    if kind == "varied":
        tail = [load.p99 / load.median for load in loads[MOCK]]
        found += [
            Target(f"Requests/s / {name}", bound, False, ratios(loads, MOCK, name, lambda load: load.rate), command)
            for name, bound in RATES.items()
            if name in loads
        ]
        found.append(Target(f"p99 / median, {CONNECTIONS} connections", 2.5, True, tail, command))
    return found


def main() -> None:
    parser = arguments(__doc__, "rounds", 5)
    parser.add_argument("--seconds", type=int, default=5, help="of load in each round (5)")
    parser.add_argument("--peers", type=Path, default=PEERS, help=f"where run.sh put the peers ({PEERS})")
    parser.add_argument("--only", default="", help="names of the table, separated by ;")
    kinds = parser.add_mutually_exclusive_group()
    for kind in ("equal", "violations"):
        kinds.add_argument(f"--{kind}", dest="kind", action="store_const", const=kind, default="varied")
    given = parser.parse_args()
    only = given.only.split(";") if given.only else ()
    result = measure(given.kind, given.python, given.peers, given.rounds, given.seconds, only)
    print(result.markdown(), targets_table([result]), sep="\n")
    sys.exit(1 if result.wrong else 0)


if __name__ == "__main__":
    main()
