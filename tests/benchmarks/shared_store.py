"""What a shared store costs: `python tests/benchmarks/shared_store.py [SECONDS]` (10 for each round).

Servers with the store in memory, and 1, 2 and 4 servers and 1 and 2 workers that share a `redis-server`, each loaded in
turn, three rounds: requests a second, processor time of servers and store for a request, the slowest hundredth. 8 `wrk`
with 4 connections each work in a sandbox of their own. Nothing is pinned; on two cores rates are those of the whole
machine, with the load in it. Then what a million cards take in the store, loaded by 20 `PUT /__admin/state`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from statistics import mean
from typing import Final

from contenders import mock
from measuring import Load, Process, Traffic, arguments, conditions, free_port, running
from results import spread, table

SANDBOXES: Final = 8
CONNECTIONS: Final = 4
ROUNDS: Final = 3
CARDS: Final = 50_000
"""The most that are loaded at once."""

KINDS: Final = {
    "1 server, store in memory": (1, False, 1),
    "1 server": (1, True, 1),
    "2 servers": (2, True, 1),
    "4 servers": (4, True, 1),
    "1 server of 2 workers": (1, True, 2),
}
"""Servers, whether they share a store, and workers of each."""


@dataclass(frozen=True)
class Figures:
    """One round: requests a second, microseconds of servers and store for a request, milliseconds, wrong answers."""

    rate: float
    servers: float
    store: float
    p99: float
    wrong: int


class Store:
    """A `redis-server` with a folder of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", self._folder.name, "--save", ""]
        self._process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        while self.ask("PING") != "PONG":
            time.sleep(0.05)

    def ask(self, *command: str) -> str:
        """What it answers."""
        line = ["redis-cli", "-p", str(self.port), *command]
        return subprocess.run(line, check=False, capture_output=True, text=True).stdout.strip()

    def info(self, section: str, name: str) -> float:
        """One of its figures."""
        lines = self.ask("INFO", section).splitlines()
        return float(next(line for line in lines if line.startswith(name + ":")).partition(":")[2])

    def seconds(self) -> float:
        """Processor time that it has used."""
        return self.info("cpu", "used_cpu_user") + self.info("cpu", "used_cpu_sys")

    def close(self) -> None:
        """Stop it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        self._folder.cleanup()


@contextmanager
def servers_of(python: str, store: Store, name: str) -> Iterator[list[Process]]:
    """Servers of a kind, with an empty store."""
    count, is_shared, workers = KINDS[name]
    store.ask("FLUSHALL")
    more = ["--store", f"redis://127.0.0.1:{store.port}"] if is_shared else []
    more += ["--workers", str(workers)] if workers > 1 else []
    with ExitStack() as stack:
        ports = [free_port() for _ in range(count)]
        yield [stack.enter_context(running([*mock(python, port), *more], port, cores="0-1")) for port in ports]


def measure(servers: Sequence[Process], store: Store, seconds: int) -> Figures:
    """One round."""
    before = sum(server.seconds() for server in servers), store.seconds()

    def load(server: Process, number: int) -> Load:
        return server.load(Traffic(sandbox=f"s{number}"), seconds, CONNECTIONS, cores="0-1")

    with ThreadPoolExecutor(SANDBOXES) as pool:
        loads = list(pool.map(load, cycle(servers), range(SANDBOXES)))
    count = sum(load.count for load in loads)
    spent = sum(server.seconds() for server in servers) - before[0], store.seconds() - before[1]
    return Figures(
        rate=sum(load.rate for load in loads),
        servers=spent[0] / count * 1e6,
        store=spent[1] / count * 1e6,
        p99=mean(load.p99 for load in loads),
        wrong=sum(load.wrong for load in loads),
    )


def fill(server: Process, store: Store) -> float:
    """Bytes that a card takes, of a million in twenty sandboxes, each as one that was activated."""
    url = f"http://127.0.0.1:{server.port}"
    with urllib.request.urlopen(f"{url}/__admin/state", timeout=60) as response:
        snapshot = json.load(response)
    card = next(iter(snapshot["records"]["cards"].values()))
    before = store.info("memory", "used_memory")
    for sandbox in range(20):
        cards = {f"CARD-{sandbox:02}-{number:06}": card for number in range(CARDS)}
        data = json.dumps({**snapshot, "records": {"cards": cards}}).encode()
        request = urllib.request.Request(f"{url}/sandbox/fill-{sandbox}/__admin/state", data, method="PUT")
        urllib.request.urlopen(request, timeout=300).close()
    return (store.info("memory", "used_memory") - before) / CARDS / 20


def main() -> None:
    """Measure, and print a table."""
    options = arguments(__doc__, "seconds", 10).parse_args()
    store = Store()
    try:
        found: dict[str, list[Figures]] = {name: [] for name in KINDS}
        for _ in range(ROUNDS):
            for name, figures in found.items():
                with servers_of(options.python, store, name) as servers:
                    measure(servers, store, 2)
                    figures.append(measure(servers, store, options.seconds))
        print(
            conditions(options.python, f"{os.cpu_count()} cores, medians of {ROUNDS} rounds (least to most)"),
            end="\n\n",
        )
        titles = ("", "requests/s", "µs of servers a request", "µs of store a request", "p99 in ms", "wrong")
        rows = {
            name: [
                spread([one.rate for one in rounds], 0),
                spread([one.servers for one in rounds], 0),
                spread([one.store for one in rounds], 0),
                spread([one.p99 for one in rounds], 0),
                str(sum(one.wrong for one in rounds)),
            ]
            for name, rounds in found.items()
        }
        print(table(titles, rows))
        with servers_of(options.python, store, "1 server") as servers:
            print(f"\n{fill(servers[0], store):.0f} bytes of the store for each of a million cards")
    finally:
        store.close()


if __name__ == "__main__":
    main()
