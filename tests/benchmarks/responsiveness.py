"""How long others wait while the admin API works: `python tests/benchmarks/responsiveness.py [ROUNDS]`.

A server with a full journal and its records is asked for something long, while a second client asks for its health
without a pause. What counts is the longest wait of the second client: how long the first held the event loop.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import sys
import time
import urllib.request
from typing import Any, Final

from contenders import mock
from measuring import Process, Traffic, arguments, conditions, free_port, running
from results import Result, Target, spread, table, targets_table

COMMAND: Final = "responsiveness.py"
ACTIVATIONS: Final = 10_000
"""Requests before anything is asked: as many entries as the journal keeps by default, and two records for each."""

SNAPSHOT_ACTIVATIONS: Final = 6_000
"""Requests before the snapshot is taken that is loaded into another sandbox."""

CLAIMS: Final = [{"when": {"body.customer_id": f"NOBODY-{number}"}, "count": {"exactly": 1}} for number in range(100)]
LONG: Final[dict[str, tuple[str, str, Any]]] = {
    "100 claims": ("POST", "/__admin/verify", CLAIMS),
    "HAR": ("GET", "/__admin/requests?format=har", None),
    "list of requests": ("GET", "/__admin/requests?limit=1000&text=NOBODY", None),
    "coverage": ("GET", "/__admin/coverage", None),
    "state": ("GET", "/__admin/state", None),
    "records of a collection": ("GET", "/__admin/state/cards", None),
    "OpenAPI export": ("GET", "/__admin/export/openapi", None),
}


def ask(port: int, method: str, path: str, body: Any) -> None:
    """Send one request and read all of its answer; a claim may not hold."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status not in (200, 409):
        raise RuntimeError(f"{method} {path} is answered with {response.status}")


def snapshot(port: int) -> Any:
    """The state of the server."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/__admin/state") as response:
        return json.load(response)


def longest_wait(server: Process, method: str, path: str, body: Any) -> float:
    """Milliseconds that a health check took at most while another request was answered."""
    work = multiprocessing.Process(target=ask, args=(server.port, method, path, body))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    longest = 0.0
    work.start()
    while work.is_alive():
        begun = time.perf_counter()
        connection.request("GET", "/__admin/health")
        connection.getresponse().read()
        longest = max(longest, time.perf_counter() - begun)
    connection.close()
    return longest * 1e3


def measure(python: str, rounds: int) -> Result:
    """Ask each long thing so many times; the first time of all, which imports modules, is left out."""
    os.sched_setaffinity(0, {1})  # the server has the other core
    waits: dict[str, list[float]] = {}
    port = free_port()
    with running(mock(python, port, "--log-format", "none"), port) as server:
        load_state: tuple[str, str, Any] | None = None
        count = wrong = 0
        while count < ACTIVATIONS:
            load = server.load(Traffic(), 1)
            count, wrong = count + load.count, wrong + load.wrong
            if load_state is None and count >= SNAPSHOT_ACTIVATIONS:
                load_state = ("PUT", "/sandbox/copy/__admin/state", snapshot(port))
        assert load_state is not None
        for name, (method, path, body) in {**LONG, "load state": load_state}.items():
            ask(port, method, path, body)
            waits[name] = [longest_wait(server, method, path, body) for _ in range(rounds)]
    target = Target(
        "Longest wait beside admin work",
        50,
        True,
        [max(one) for one in zip(*waits.values(), strict=True)],
        COMMAND,
        " ms",
        1,
    )
    how = f"{rounds} times each, {count:,} activations before"
    rows = {name: [spread(one, 1)] for name, one in waits.items()}
    return Result(
        "Beside admin work", conditions(python, how), table(("asked", "longest wait ms"), rows), [target], wrong
    )


def main() -> None:
    given = arguments(__doc__, "rounds", 5).parse_args()
    result = measure(given.python, given.rounds)
    print(result.markdown(), targets_table([result]), sep="\n")
    sys.exit(1 if result.wrong else 0)


if __name__ == "__main__":
    main()
