"""Resident memory over many requests: `python tests/benchmarks/memory.py [REQUESTS]` (1,000,000).

Two servers, one after the other, each until it has answered so many requests, with heads that differ:

- a customer and a card that stay as they are, a body of up to 500 characters more and every tenth second one with
  violations: nothing grows but the journal, and that only until it is full;
- a card and a customer of its own in each request, all of which are kept.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import cycle
from typing import Final

from contenders import mock
from measuring import Process, Traffic, arguments, conditions, free_port, running
from results import Result, Target, table, targets_table

COMMAND: Final = "memory.py"
LASTING: Final = Traffic(customer="TEST-CUSTOMER", card="TEST-CARD", note=500)
MALFORMED: Final = Traffic(
    customer="TEST-CUSTOMER", card="TEST-CARD", note=500, members=',"device_id":7', status=400, answer='"code": ?4400'
)
NEW: Final = Traffic()
STEPS: Final = 10


class Growth:
    """Resident memory of one server as it answers more and more requests."""

    def __init__(self, server: Process) -> None:
        self.server = server
        self.requests = self.wrong = 0
        self.memory = [server.resident()]
        self.marks = [0]

    def grow(self, traffic: Sequence[Traffic], requests: int) -> None:
        """Send traffic a second at a time until so many are answered; look at the memory ten times on the way."""
        for one in cycle(traffic):
            load = self.server.load(one, 1)
            self.requests += load.count
            self.wrong += load.wrong
            if self.requests >= requests * len(self.marks) / STEPS:
                print(f"memory: {self.requests:,} requests", file=sys.stderr, flush=True)
                self.memory.append(self.server.resident())
                self.marks.append(self.requests)
            if self.requests >= requests:
                return

    def table(self) -> str:
        """Memory by requests answered."""
        rows = {f"{mark:,}": [f"{one:.1f}"] for mark, one in zip(self.marks, self.memory, strict=True)}
        return table(("requests answered", "MiB"), rows)


def measure_journal(python: str, requests: int) -> Result:
    """Nothing grows but the journal, of the default size."""
    port = free_port()
    with running(mock(python, port, "--log-format", "none"), port) as server:
        growth = Growth(server)
        growth.grow([LASTING] * 9 + [MALFORMED], requests)
    targets = [
        Target("Memory after all / after a tenth", 1.1, True, [growth.memory[-1] / growth.memory[1]], COMMAND),
        Target("Memory, default journal", 160, True, [max(growth.memory)], COMMAND, " MiB", 0),
    ]
    how = "the same card and customer in all requests"
    return Result("Memory, the journal", conditions(python, how), growth.table(), targets, growth.wrong)


def measure_records(python: str, requests: int) -> Result:
    """A card and a customer more with each request; what was kept is still known at the end."""
    port = free_port()
    most = str(4 * requests)  # of records; the last second may bring some more than were wanted
    bounds = ("--max-records", most, "--max-state-bytes", str(2**31))
    with running(mock(python, port, "--log-format", "none", *bounds), port) as server:
        growth = Growth(server)
        growth.grow([NEW], requests)
        known, _ = server.ask(server.first)
    target = Target(f"{requests:,} cards and customers", 1024, True, [max(growth.memory)], COMMAND, " MiB", 0)
    how = "a card and a customer of its own in each request"
    wrong = growth.wrong + (known != 400)  # the card of the first request is activated
    return Result("Memory, cards and customers", conditions(python, how), growth.table(), [target], wrong)


def main() -> None:
    given = arguments(__doc__, "requests", 1_000_000).parse_args()
    results = [measure_journal(given.python, given.requests), measure_records(given.python, given.requests)]
    print(*(result.markdown() for result in results), targets_table(results), sep="\n")
    sys.exit(1 if any(result.wrong for result in results) else 0)


if __name__ == "__main__":
    main()
