"""Requests per second, CPU time and latency of the success path, beside a handler that does nothing.

`python tests/benchmarks/success_path.py [ROUNDS] [SECONDS]` needs Linux, two cores and `wrk`. Servers are
pinned to one core, wrk to the other; rounds are interleaved; each figure is the median (least to most).
"""

import os
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
URL = re.compile(r"http://127\.0\.0\.1:[0-9]+")
BODY = b'{"customer_id": "1", "card_identifier": "C", "reference_batch": "7e4b85e27c4610824900af48f340394d"}'
PATH = "/debit/v1/activateCardForCustomer"
MOCK = [sys.executable, "-m", "mockserver", "--port", "0"]
SERVERS = {
    "constant bytes (aiohttp)": [sys.executable, str(HERE / "constant.py")],
    "mock": MOCK,
    "mock, --log-format none": [*MOCK, "--log-format", "none"],
    "mock, no log, no journal": [*MOCK, "--log-format", "none", "--overlay", str(HERE / "no-journal")],
}


@contextmanager
def server(command: list[str]) -> Iterator[tuple[str, int, float]]:
    """A pinned server: its URL, its process id, and the seconds until its first answer."""
    started = time.perf_counter()
    process = subprocess.Popen(["taskset", "-c", "0", *command], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = next(found[0] for line in process.stdout if (found := URL.search(line)))
        drain = subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
        urllib.request.urlopen(urllib.request.Request(url + PATH, BODY, {"Content-Type": "application/json"})).read()
        yield url, process.pid, time.perf_counter() - started
    finally:
        process.terminate()
        process.wait()
        drain.wait()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(url: str, pid: int, prefix: str, connections: int, seconds: int) -> tuple[float, float, float, float, int]:
    """Requests per second, CPU microseconds a request, median and p99 in milliseconds, errors."""
    before = cpu_seconds(pid)
    done = subprocess.run(
        [
            "taskset",
            "-c",
            "1",
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "-s",
            HERE / "activate.lua",
            url + PATH,
        ],
        env={**os.environ, "PREFIX": prefix},
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
    assert found is not None, done.stdout
    count, micros, errors, median, p99 = map(int, found.groups())
    return count / micros * 1e6, (cpu_seconds(pid) - before) / count * 1e6, median / 1e3, p99 / 1e3, errors


def main(rounds: int = 5, seconds: int = 5, connections: int = 32) -> None:
    results: dict[str, list[tuple[float, ...]]] = {name: [] for name in SERVERS}
    for number in range(rounds):
        for name, command in SERVERS.items():
            with server(command) as (url, pid, start):
                results[name].append((*load(url, pid, f"{number}-", connections, seconds), start * 1e3))
    print(
        f"{rounds} interleaved rounds of {seconds} s, {connections} connections, one core each, Python {sys.version.split()[0]}\n"
    )
    print("| server | requests/s | CPU us/request | median ms | p99 ms | errors | start to first answer ms |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, rows in results.items():
        cells = [f"{statistics.median(c):,.1f} ({min(c):,.1f}-{max(c):,.1f})" for c in zip(*rows, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
