"""The real command as a process, and a client of it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import itertools
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from mockserver.cli.main import main
from tests.support.samples import PATH

MOCKSERVER: Final = Path(sysconfig.get_path("scripts")) / (
    "mockserver.exe" if sys.platform == "win32" else "mockserver"
)


PATIENCE: Final = 120
"""Seconds after which a test gives up; nothing takes that long, even on a busy machine."""

_ports = itertools.count()


def wait_until(holds: Callable[[], object]) -> None:
    """Wait until something holds that another process brings about, and that nothing tells of."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def until(holds: Callable[[], object]) -> None:
    """Wait until something holds that this event loop brings about, and that nothing tells of."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.005)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would set options, and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MOCKSERVER_", "COLUMNS"))}
    return {**kept, **(more or {})}


def run(
    *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A command that does not serve, run to its end in this process, which takes a tenth of the time of another."""
    changed = {**dict.fromkeys(os.environ.keys() - environment().keys()), **(env or {})}
    with contextlib.chdir(cwd or "."):
        ended = CliRunner(env=changed).invoke(main, arguments, input=stdin)
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return subprocess.CompletedProcess(arguments, ended.exit_code, ended.stdout, ended.stderr)


def run_process(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command, run to its end in a process: where it would serve, or the streams of a process matter."""
    return subprocess.run(
        [MOCKSERVER, *arguments],
        env=environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


class Lines:
    """What a process writes into a pipe, line by line."""

    def __init__(self, pipe: IO[str]) -> None:
        self.seen: list[str] = []
        self._coming: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            self._coming.put(line.rstrip("\n"))
        self._coming.put(None)

    def wait(self, part: str) -> str:
        """The next line that holds `part`."""
        while (line := self._coming.get(timeout=PATIENCE)) is not None:
            self.seen.append(line)
            if part in line:
                return line
        raise AssertionError(f"no line holds {part!r}: {self.seen}")

    def rest(self) -> list[str]:
        """All lines, at the end of the process."""
        while (line := self._coming.get(timeout=PATIENCE)) is not None:
            self.seen.append(line)
        self._coming.put(None)
        self._thread.join()
        return self.seen


class Client:
    """Who sends to a server, each request on a connection of its own."""

    def __init__(self, url: str = "") -> None:
        self.url = url

    def post(self, body: object, path: str = PATH, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """One request from a client of its own: status, headers, body."""
        return self._send("POST", path, json.dumps(body).encode(), headers)

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
        """One request whose answer is JSON."""
        status, _, data = self._send(method, path, body, {})
        return status, json.loads(data)

    def _send(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()


class Serving(Client):
    """The command, serving."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__()
        self.process = process
        self.out = Lines(process.stdout or io.StringIO())
        self.err = Lines(process.stderr or io.StringIO())

    def started(self) -> None:
        """Wait until it listens."""
        line = self.out.wait("http://")
        self.url = json.loads(line)["url"] if line.startswith("{") else line.split()[3]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, and wait for that; the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE)


@contextmanager
def spawned(
    *command: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdout: int | IO[str] = subprocess.PIPE,
) -> Iterator[Serving]:
    """A process that is gone afterwards, with all that it started: they may hold its output open."""
    with subprocess.Popen(
        command,
        env=environment(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        serve = Serving(process)
        try:
            yield serve
        finally:
            process.terminate()
            try:
                process.wait(timeout=PATIENCE)
            finally:
                _kill_group(process)
            serve.out.rest()
            serve.err.rest()


def _kill_group(process: subprocess.Popen[str]) -> None:
    """Kill what is left of a process that began a session, and of those that it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def serving(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, prefix: Sequence[str] = ()
) -> Iterator[Serving]:
    """The command serving on a free port."""
    with spawned(*prefix, MOCKSERVER, "--port", "0", *arguments, env=env, cwd=cwd) as serve:
        serve.started()
        yield serve


def free_port() -> int:
    """A port on which nobody listens, nor will until it is used.

    It lies below those that systems give out by themselves, in a range that is this process's own.
    """
    first = 20_000 + os.getpid() % 600 * 20
    for _ in range(20):
        port = first + next(_ports) % 20
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise AssertionError(f"all ports from {first} on are in use")


def alone() -> str:
    """A loopback address of this process's own, so that the default port is free on it."""
    number = os.getpid()
    host = f"127.{80 + number // 65_536 % 100}.{number // 256 % 256}.{number % 256}"
    try:
        socket.create_server((host, 0)).close()
    except OSError:
        pytest.skip("this machine has no loopback addresses but one")
    return host


def another_user() -> list[str]:
    """What stands before a command that is to run as another user, without any right; the test is skipped if none can.

    What it would measure of its coverage it could write nowhere.
    """
    drop = ["env", "-u", "COVERAGE_PROCESS_CONFIG", "setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    drop += ["--bounding-set=-all", "--inh-caps=-all"]
    python = str(MOCKSERVER.parent / "python")
    if shutil.which("setpriv") is None or subprocess.run([*drop, python, "-c", ""], check=False).returncode:
        pytest.skip("only root can become another user, and a Python that is closed to others cannot run as one")
    return drop
