"""How a server is measured: pinned to one core, `wrk` on the other, the time and memory of its whole process tree.

Needs Linux, two cores and `wrk`; knows no server.
"""

from __future__ import annotations

import argparse
import datetime as dt
import http.client
import json
import os
import random
import re
import resource
import signal
import socket
import string
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from job import PATH

HERE = Path(__file__).parent
CONNECTIONS = 32
PATIENCE = 60.0
"""Seconds that a server may take to its first answer."""

ATTEMPTS = 3
"""Times that a server is started until it answers; another process may have taken its port meanwhile."""

TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Traffic:
    """What `wrk` sends and what each answer has to be; `activate.lua` describes the members."""

    heads: str = "varied"
    members: str = ""
    note: int = 0
    customer: str = ""
    card: str = ""
    status: int = 200
    answer: str = ""
    sandbox: str = ""


@dataclass(frozen=True)
class Load:
    """What `wrk` saw and what the server spent.

    Requests answered, requests/s, microseconds of processor time a request, milliseconds, wrong answers; and the share
    of its core that `wrk` itself used, which near 1 would make `wrk` the limit.
    """

    count: int
    rate: float
    cpu: float
    median: float
    p99: float
    wrong: int
    generator: float


class Process:
    """A server that runs: `start` is how many milliseconds it took to its first answer."""

    def __init__(self, command: Sequence[str], port: int, cwd: Path | None, cores: str) -> None:
        self.port = port
        own = f"first-{port}"  # servers may share a store
        batch = "7e4b85e27c4610824900af48f340394d"
        self.first = {"customer_id": own, "card_identifier": own, "reference_batch": batch}
        started = time.perf_counter()
        self.popen = subprocess.Popen(
            ["taskset", "-c", cores, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=cwd,
            start_new_session=True,
        )
        try:
            self._wait(started + PATIENCE)
        except BaseException:
            self.stop()
            raise
        self.start = (time.perf_counter() - started) * 1e3

    def _wait(self, until: float) -> None:
        """Ask until there is an answer, which has to be a good one."""
        while True:
            try:
                status, answer = self.ask(self.first)
                break
            except (OSError, http.client.HTTPException):
                if time.perf_counter() > until or self.popen.poll() is not None:
                    raise
                time.sleep(0.002)
        if status != 200:
            raise RuntimeError(f"{self.popen.args!r} answers {status}: {answer!r}")

    def ask(self, body: object) -> tuple[int, bytes]:
        """Send one request; the status and the body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", PATH, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def tree(self) -> list[int]:
        """The process and all that come from it."""
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                parents.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
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

    def load(self, traffic: Traffic, seconds: int, connections: int = CONNECTIONS, cores: str = "1") -> Load:
        """Send requests for so long."""
        sandbox = f"/sandbox/{traffic.sandbox}" if traffic.sandbox else ""
        before, own = self.seconds(), resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [
                *("taskset", "-c", cores, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s"),
                *("-s", HERE / "activate.lua", f"http://127.0.0.1:{self.port}{sandbox}{PATH}"),
            ],
            env={
                **os.environ,
                **{name.upper(): str(value) for name, value in vars(traffic).items()},
                "PREFIX": "".join(random.choices(string.ascii_lowercase, k=6)) + "-",
                "SEED": str(random.randrange(2**31)),
            },
            capture_output=True,
            text=True,
            check=True,
        )
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
        if found is None:
            raise RuntimeError(f"wrk says {done.stdout!r}")
        count, micros, wrong, median, p99 = map(int, found.groups())
        return Load(
            count,
            rate=count / micros * 1e6,
            cpu=(self.seconds() - before) / max(count, 1) * 1e6,
            median=median / 1e3,
            p99=p99 / 1e3,
            wrong=wrong,
            generator=(used.ru_utime + used.ru_stime - own.ru_utime - own.ru_stime) / micros * 1e6,
        )


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on; zeros for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 40


@contextmanager
def running(command: Sequence[str], port: int, cwd: Path | None = None, cores: str = "0") -> Iterator[Process]:
    """A pinned server that has answered once; it is gone afterwards."""
    process = None
    for _ in range(ATTEMPTS):
        with suppress(OSError):
            process = Process(command, port, cwd, cores)
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


def conditions(python: str, how: str) -> str:
    """When and where: the date, the interpreter, how it was measured, and what else ran when it began."""
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{dt.datetime.now(dt.UTC).date()}, {version}, load {os.getloadavg()[0]:.1f} before; {how}."


def arguments(description: str | None, name: str, default: int) -> argparse.ArgumentParser:
    """The options that the measures share: a number by its name, and the interpreter."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(name, type=int, nargs="?", default=default, help=f"{default:,} unless given")
    parser.add_argument(
        "--python",
        type=lambda path: str(Path(path).absolute()),  # servers run in folders of their own
        default=sys.executable,
        help="the interpreter of an environment with what is measured (this one)",
    )
    return parser
