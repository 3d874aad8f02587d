"""How a server is measured: pinned to one core, `wrk` on the other, its whole process tree's time and memory.

Needs Linux, two cores and `wrk`; knows no server.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PATH = "/debit/v1/activateCardForCustomer"
BATCH = "7e4b85e27c4610824900af48f340394d"
PATIENCE = 60.0
"""Seconds that a server may take to its first answer."""

ATTEMPTS = 3
"""Times that a server is started until it answers; somebody else may have taken its port meanwhile."""

TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Load:
    """What `wrk` saw, and what the server spent: requests/s, microseconds a request, milliseconds; errors."""

    rate: float
    cpu: float
    median: float
    p99: float
    errors: int


class Process:
    """A server that runs: `start` is how many milliseconds it took to its first answer."""

    def __init__(self, command: Sequence[str], port: int, customer: str, *, echo: bool, cwd: Path | None) -> None:
        self.port, self.echo = port, echo
        started = time.perf_counter()
        self.popen = subprocess.Popen(
            ["taskset", "-c", "0", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=cwd,
            start_new_session=True,
        )
        try:
            self._wait(customer, started + PATIENCE)
        except BaseException:
            self.stop()
            raise
        self.start = (time.perf_counter() - started) * 1e3

    def _wait(self, customer: str, until: float) -> None:
        """The first answer, which has to be a good one."""
        body = f'{{"customer_id": "{customer}", "card_identifier": "CARD-first", "reference_batch": "{BATCH}"}}'
        while True:
            try:
                status, answer = _post(self.port, body.encode())
                break
            except (OSError, http.client.HTTPException):
                if time.perf_counter() > until or self.popen.poll() is not None:
                    raise
                time.sleep(0.002)
        if status != 200 or (self.echo and customer.encode() not in answer):
            raise RuntimeError(f"{self.popen.args!r} answers {status}: {answer!r}")

    def tree(self) -> list[int]:
        """The process and all that come from it."""
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    stat = (entry / "stat").read_text()
                except OSError:
                    continue
                parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
        found, new = [], [self.popen.pid]
        while new:
            found += new
            new = [child for parent in new for child in parents.get(parent, ())]
        return found

    def seconds(self) -> float:
        """Processor time that the tree has used, in the kernel too."""
        return sum(sum(map(int, _stat(pid)[11:15])) for pid in self.tree()) / TICKS

    def resident(self) -> float:
        """MiB, all processes added."""
        return sum(int(_stat(pid)[21]) for pid in self.tree()) * PAGE / 2**20

    def stop(self) -> None:
        """End it and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def load(self, prefix: str, connections: int, seconds: int, customer: str = "") -> Load:
        """Requests for so long."""
        before = self.seconds()
        done = subprocess.run(
            [
                *("taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"),
                *("-s", HERE / "activate.lua", f"http://127.0.0.1:{self.port}{PATH}"),
            ],
            env={
                **os.environ,
                "PREFIX": prefix,
                **({"CUSTOMER": customer} if customer else {}),
                "ECHO": str(int(self.echo)),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
        assert found is not None, done.stdout
        count, micros, errors, median, p99 = map(int, found.groups())
        spent = (self.seconds() - before) / max(count, 1) * 1e6
        return Load(count / micros * 1e6, spent, median / 1e3, p99 / 1e3, errors)


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on; zeros for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 40


def _post(port: int, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", PATH, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@contextmanager
def running(
    command: Sequence[str], port: int, customer: str = "first", *, echo: bool = True, cwd: Path | None = None
) -> Iterator[Process]:
    """A pinned server that has answered once; it is gone afterwards."""
    process = None
    for _ in range(ATTEMPTS):
        with suppress(OSError):
            process = Process(command, port, customer, echo=echo, cwd=cwd)
            break
    if process is None:
        raise RuntimeError(f"{command!r} does not start")
    try:
        yield process
    finally:
        process.stop()


def free_port() -> int:
    """A port, and the one above it, that nobody has, below those that clients are given to call from."""
    while True:
        port = random.randrange(20_000, 32_000, 2)
        with (
            suppress(OSError),
            socket.create_server(("127.0.0.1", port)),
            socket.create_server(("127.0.0.1", port + 1)),
        ):
            return port


def table(titles: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """A Markdown table with a first column of names."""
    lines = [titles, ["---"] * len(titles), *([name, *cells] for name, cells in rows.items())]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
