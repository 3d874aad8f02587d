"""What a request costs as everything grows: `python tests/benchmarks/growth.py [ROUNDS]` (7).

In process, in interleaved rounds, microseconds of processor time a request, medians (least to most):

- 10, 1,000 and 10,000 scenarios in one operation, the last one matching; how long they take to load;
- one sandbox and 10,000; 10 records of a collection and 100,000;
- a million cards activated for as many customers in one sandbox: memory, lookups before and after, and the bound on
  records, which answers 507 and forgets nothing.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path

from contenders import with_scenarios
from measuring import BATCH, table

from mockserver import Contract, Engine, Request, load

TIMES = 1_000
HEADERS = {"content-type": "application/json", "authorization-ecommerce": "x"}
SHIPPED = load()
PATH = SHIPPED.operations[0].path
NUMBERS = count()


def asked(customer: str, card: str, sandbox: str = "") -> Request:
    """A request that activates a card for a customer."""
    body = f'{{"customer_id":"{customer}","card_identifier":"{card}","reference_batch":"{BATCH}"}}'
    headers = {**HEADERS, "mock-sandbox": sandbox} if sandbox else HEADERS
    return Request("POST", PATH, body.encode(), headers)


def spent(engine: Engine, requests: Iterable[Request], scenario: str) -> float:
    """Microseconds of processor time a request; each is answered as it has to be."""
    made = list(requests)
    started = time.process_time()
    replies = [engine.handle_sync(request) for request in made]
    took = (time.process_time() - started) / len(made) * 1e6
    met = {reply.decision.scenario.id if reply.decision is not None else reply.problem for reply in replies}
    assert met == {scenario}, met
    return took


def interleaved(rounds: int, of: Mapping[str, Callable[[], float]]) -> dict[str, list[str]]:
    """Each in turn, so many rounds; the rows of a table, with the ratio to the first."""
    figures: dict[str, list[float]] = {name: [] for name in of}
    for measure in of.values():
        measure()
    for _ in range(rounds):
        for name, measure in of.items():
            figures[name].append(measure())
    first = next(iter(figures.values()))
    return {
        name: [
            f"{statistics.median(found):.1f} ({min(found):.1f} to {max(found):.1f})",
            f"{statistics.median(a / b for a, b in zip(found, first, strict=True)):.2f}",
        ]
        for name, found in figures.items()
    }


def resident() -> float:
    """MiB, as the kernel of Linux counts them."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def engine_of(contract: Contract, **changed: int) -> Engine:
    """An engine of the contract, with a few settings of its own."""
    return Engine(contract, settings=replace(contract.settings, **changed))  # type: ignore[arg-type]


def scenarios(rounds: int, sizes: Iterable[int]) -> None:
    """More and more scenarios before those of the contract, the last one matching; a card of its own each time."""
    measures: dict[str, Callable[[], float]] = {}
    loading: dict[str, str] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            with_scenarios(Path(place), size)
            started = time.process_time()
            contract = load(overlays=[place])
            loading[f"{size:,}"] = f"{time.process_time() - started:.2f}"
        engine, last = Engine(contract), size - 1

        def measure(engine: Engine = engine, last: int = last) -> float:
            requests = (asked(f"R-{last}", f"C-{next(NUMBERS)}") for _ in range(TIMES))
            return spent(engine, requests, f"rule-{last}")

        measures[f"{size:,}"] = measure
    gc.freeze()  # as the server does once it has loaded
    rows = interleaved(rounds, measures)
    print("\n" + table(("scenarios", "us/request", "ratio", "load s"), {n: [*r, loading[n]] for n, r in rows.items()}))


def sandboxes(rounds: int, most: int) -> None:
    """Requests to one sandbox, to one among many, and to each of many in turn."""
    one, many = Engine(SHIPPED), engine_of(SHIPPED, max_sandboxes=most)
    for number in range(most):
        many.handle_sync(asked("c", f"C-{number}", f"s{number}"))

    def measure(engine: Engine, of: int) -> float:
        made = (asked(f"N-{(n := next(NUMBERS))}", f"N-{n}", f"s{n % of}") for _ in range(TIMES))
        return spent(engine, made, "activated-existing-customer")

    rows = interleaved(
        rounds,
        {
            "1": lambda: measure(one, 1),
            f"{most:,}, one asked": lambda: measure(many, 1),
            f"{most:,}, each in turn": lambda: measure(many, most),
        },
    )
    print("\n" + table(("sandboxes", "us/request", "ratio"), rows))


def records(rounds: int, most: int) -> None:
    """Requests whose lookups go to a collection of few and of many records, each time other ones."""
    engines = {size: Engine(SHIPPED) for size in (10, most)}
    for size, engine in engines.items():
        for number in range(size):
            engine.handle_sync(asked(f"K-{number}", f"C-{number}"))

    def measure(size: int) -> float:
        made = (asked(f"K-{(n := next(NUMBERS) * 7_919 % size)}", f"C-{n}") for _ in range(TIMES))
        return spent(engines[size], made, "card-already-activated")

    rows = interleaved(rounds, {f"{size:,}": lambda size=size: measure(size) for size in engines})  # type: ignore[misc]
    print("\n" + table(("records of each collection", "us/request", "ratio"), rows))


def million(rounds: int, cards: int) -> None:
    """So many cards for as many customers in one sandbox, which is then full."""
    engine = engine_of(SHIPPED, max_records=2 * cards)
    few = engine_of(SHIPPED)
    for number in range(10):
        few.handle_sync(asked(f"K-{number}", f"C-{number}"))
    before = resident()
    started = time.process_time()
    for number in range(cards):
        reply = engine.handle_sync(asked(f"K-{number}", f"C-{number}"))
        assert reply.status == 200, reply
    took = (time.process_time() - started) / cards * 1e6
    after = resident()
    full = engine.handle_sync(asked("one-more", "one-more"))
    assert full.problem == "no-room-for-record", full
    assert b"max_records" in full.body
    known = engine.handle_sync(asked(f"K-{cards - 1}", f"C-{cards - 1}"))
    assert known.decision is not None
    assert known.decision.scenario.id == "card-already-activated"

    def measure(engine: Engine, size: int) -> float:
        made = (asked(f"K-{(n := next(NUMBERS) * 7_919 % size)}", f"C-{n}") for _ in range(TIMES))
        return spent(engine, made, "card-already-activated")

    rows = interleaved(rounds, {"10": lambda: measure(few, 10), f"{cards:,}": lambda: measure(engine, cards)})
    print("\n" + table(("cards and customers", "us/request", "ratio"), rows))
    print(
        f"\n{cards:,} cards and as many customers: {after:,.0f} MiB resident ({before:,.0f} before), "
        f"{(after - before) * 2**20 / cards / 2:,.0f} bytes a record, {took:.0f} us a request; the next new one is answered "
        f"with {full.status}, known ones as before"
    )


PARTS: Mapping[str, Callable[[int, int], None]] = {
    "scenarios": lambda rounds, _: scenarios(rounds, (10, 1_000, 10_000)),
    "sandboxes": lambda rounds, _: sandboxes(rounds, 10_000),
    "records": lambda rounds, _: records(rounds, 100_000),
    "million": million,
}


def main(rounds: int = 7, cards: int = 1_000_000) -> None:
    for part in PARTS:  # each in a process of its own, so that none sees the memory of another
        subprocess.run([sys.executable, __file__, part, str(rounds), str(cards)], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in PARTS:
        PARTS[sys.argv[1]](*map(int, sys.argv[2:]))
    else:
        main(*map(int, sys.argv[1:]))
