"""What tests share: requests that succeed, raw sockets, and the real command as a process."""

from __future__ import annotations

import asyncio
import http.client
import io
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

import pytest

from mockserver import Engine, Explanation, Request
from mockserver.engine.engine import run_now
from mockserver.engine.entries import JournalEntry, read_entry

PATH: Final = "/debit/v1/activateCardForCustomer"
BATCH: Final = "7e4b85e27c4610824900af48f340394d"
LASTING: Final = {"customer_id": "TEST-CUSTOMER", "card_identifier": "TEST-CARD", "reference_batch": BATCH}
"""A request that succeeds however often it is sent."""
ONCE: Final = {"customer_id": "12345678", "card_identifier": "CARD-001", "reference_batch": BATCH}
"""A request that succeeds once in a sandbox."""

MOCKSERVER: Final = Path(sysconfig.get_path("scripts")) / (
    "mockserver.exe" if sys.platform == "win32" else "mockserver"
)
PATIENCE: Final = 30
"""Seconds after which a test gives up; nothing takes that long."""


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would set options, and `more`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MOCKSERVER_", "COLUMNS"))}
    return {**kept, **(more or {})}


def run(
    *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    return subprocess.run(
        [MOCKSERVER, *arguments],
        env=environment(env),
        input=stdin,
        cwd=cwd,
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
    """A process that is gone afterwards."""
    with subprocess.Popen(
        command,
        env=environment(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        serve = Serving(process)
        try:
            yield serve
        finally:
            process.terminate()
            try:
                process.wait(timeout=PATIENCE)
            finally:
                process.kill()
            serve.out.rest()
            serve.err.rest()


def alone() -> str:
    """A loopback address of this process's own, so that the default port is free on it."""
    number = os.getpid()
    host = f"127.{80 + number // 65_536 % 100}.{number // 256 % 256}.{number % 256}"
    try:
        socket.create_server((host, 0)).close()
    except OSError:
        pytest.skip("this machine has no loopback addresses but one")
    return host


@contextmanager
def serving(
    *arguments: str, env: Mapping[str, str] | None = None, cwd: Path | None = None, prefix: Sequence[str] = ()
) -> Iterator[Serving]:
    """The command serving on a free port."""
    with spawned(*prefix, MOCKSERVER, "--port", "0", *arguments, env=env, cwd=cwd) as serve:
        serve.started()
        yield serve


def head(method: str, path: str, *headers: str, length: int | None = None) -> bytes:
    """The head of a request, as bytes for a socket."""
    lines = [f"{method} {path} HTTP/1.1", "Host: mock", *headers]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def raw(url: str, *parts: bytes) -> bytes:
    """All that a server answers to bytes on a socket, up to its closing the connection."""
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), PATIENCE)
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """One answer from a socket: status line, headers by lower-case name, body."""
    lines = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    return lines[0], headers, await reader.readexactly(int(headers.get("content-length", "0")))


def folder(at: Path, files: Mapping[str, str]) -> Path:
    """A folder with these files."""
    at.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (at / name).write_text(text, encoding="utf-8")
    return at


PING: Final = {
    "ping.yaml": """\
format: 1
operations:
  ping:
    request: GET /v1/ping/{word}
    envelopes:
      success: {status: 200, body: "${respond}"}
""",
    "ping.scenarios.yaml": """\
format: 1
operation: ping
scenarios:
- scenario: pong
  documented: Ping.
  respond: {success: {word: "pong"}}
  examples: [{path: {word: "a b"}, query: {again: "1"}, headers: {x-one: two}}]
""",
}
"""An overlay with a second operation, which has no body and no state."""


def problem(body: bytes | str) -> dict[str, Any]:
    """A problem document, its members checked."""
    shown: dict[str, Any] = json.loads(body)
    assert {"type", "title", "status", "detail"} <= shown.keys()
    return shown


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


def journal(engine: Engine, sandbox: str | None = "") -> list[JournalEntry]:
    """The documents of the journal, newest first; of all sandboxes for None."""
    return [read_entry(entry.data) for entry in run_now(engine.storage.entries(sandbox))]


def explain(engine: Engine, request: Request) -> Explanation:
    """What would answer a request, and why."""
    return run_now(engine.explain(request))


def reset(engine: Engine, sandbox: str = "") -> None:
    """Bring a sandbox back to its seeds."""
    run_now(engine.storage.reset(sandbox))
