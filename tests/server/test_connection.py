"""Connections: clients that are slow, that close one side, that send what breaks off, that never read."""

import asyncio
import contextlib
import gc
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mockserver import Contract, Engine, load
from mockserver.server import connection, connections
from mockserver.server import server as edge
from mockserver.server.server import serving
from tests.support import LASTING, PATH, PATIENCE, answer, folder, head, problem, raw, wait_until
from tests.support import serving as spawned

BODY = json.dumps(LASTING).encode()

SOON = 0.5
"""A limit for requests that a test can wait for."""


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection."""
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    try:
        yield reader, writer
    finally:
        writer.close()


@asynccontextmanager
async def hasty(contract: Contract, seconds: float = SOON) -> AsyncIterator[str]:
    """A server that waits for no request, asked once more after what a test did; then it has nothing open."""
    engine = Engine(contract, settings=replace(contract.settings, request_timeout=seconds))
    async with serving(engine) as url:
        before = asyncio.all_tasks()
        yield url
        engine.use_contract(contract, contract.settings)
        sent = head("POST", PATH, "Connection: close", length=len(BODY)) + BODY
        assert (await raw(url, sent)).startswith(b"HTTP/1.1 200 OK")
        async with asyncio.timeout(PATIENCE):
            while leaked := asyncio.all_tasks() - before:
                await asyncio.wait(leaked, timeout=0.05)


@pytest.mark.parametrize(
    "sent",
    [
        b"P",
        head("POST", PATH, length=len(BODY))[:-2],
        head("POST", PATH, length=len(BODY)),
        head("POST", PATH, length=len(BODY)) + BODY[:-1],
        head("POST", PATH, "Transfer-Encoding: chunked") + b"3\r\nabc\r\n",
    ],
    ids=["a letter", "a head", "no body", "a body", "chunks"],
)
async def test_an_unfinished_request_gets_408(contract: Contract, sent: bytes) -> None:
    """After the time in the message, which names the setting; then the connection is closed."""
    async with hasty(contract) as url:
        began = time.monotonic()
        top, _, body = (await raw(url, sent)).partition(b"\r\n\r\n")
        assert time.monotonic() - began >= SOON
        assert top.split()[1] == b"408"
        assert (problem(body)["limit"], "request_timeout" in problem(body)["detail"]) == (SOON, True)


@pytest.mark.parametrize("length", [0, len(BODY)])
async def test_the_time_limit_counts_from_the_first_byte(contract: Contract, length: int) -> None:
    """Whatever comes in between."""
    async with hasty(contract) as url, opened(url) as (reader, writer):
        writer.write(head("POST", PATH, length=length) if length else b"POST ")

        async def drip() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(SOON / 10)

        dripping = asyncio.ensure_future(drip())
        try:
            assert (await answer(reader))[0].endswith(" 408 Request Timeout")
        finally:
            dripping.cancel()


async def test_a_connection_that_is_idle_between_requests_is_kept(contract: Contract) -> None:
    """Also with a line too many behind a request."""
    async with hasty(contract) as url, opened(url) as (reader, writer):
        writer.write(head("POST", PATH, length=len(BODY)))
        await asyncio.sleep(0)
        writer.write(BODY + b"\r\n")
        assert (await answer(reader))[0] == "HTTP/1.1 200 OK"
        for slow in (b"P", b"POST "):  # two that are cut tell that the time is over
            assert b" 408 " in await raw(url, slow)
        writer.write(head("POST", PATH, length=len(BODY)) + BODY)
        assert (await answer(reader))[0] == "HTTP/1.1 200 OK"


@pytest.mark.parametrize("sent", [b"", b"\r\n"], ids=["nothing", "line ends"])
async def test_a_connection_without_a_request_is_closed(contract: Contract, sent: bytes) -> None:
    """Without an answer, after the time that a request may take, though line ends go on coming."""
    began = time.monotonic()  # the time of a request begins with the connection
    async with hasty(contract) as url, opened(url) as (reader, writer):
        reading = asyncio.ensure_future(reader.read())
        while not reading.done():
            writer.write(sent)
            await asyncio.wait((reading,), timeout=SOON / 10)
        with contextlib.suppress(ConnectionError):  # a line end that comes too late
            assert await reading == b""
        assert time.monotonic() - began >= SOON


async def test_a_first_request_has_its_time_from_its_own_beginning(contract: Contract) -> None:
    """Not from that of the connection, which some clients open before they need it."""
    async with hasty(contract, 10 * SOON) as url, opened(url) as (reader, writer):
        await asyncio.sleep(7 * SOON)
        writer.write(head("POST", PATH, length=len(BODY))[:9])
        await asyncio.sleep(4 * SOON)
        writer.write(head("POST", PATH, length=len(BODY))[9:] + BODY)
        assert (await answer(reader))[0] == "HTTP/1.1 200 OK"


async def test_an_idle_connection_makes_room_for_another(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest that is idle is closed; one that is in use is not."""
    monkeypatch.setattr(edge, "max_connections", lambda: 2)
    monkeypatch.setattr(connections, "MIN_IDLE_SECONDS", 0.0)
    async with serving(Engine(contract)) as url, opened(url) as (busy, writer), opened(url) as (idle, _):
        writer.write(head("POST", PATH, "Mock-Delay: 100ms", length=len(BODY)) + BODY)
        await asyncio.sleep(0.02)
        assert (await raw(url, head("POST", PATH, "Connection: close", length=len(BODY)) + BODY))[9:12] == b"200"
        assert await asyncio.wait_for(idle.read(), PATIENCE) == b""
        assert (await answer(busy))[0] == "HTTP/1.1 200 OK"


async def test_a_connection_beyond_the_limit_gets_503(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where none is idle; the answer says why, and who comes later is served."""
    monkeypatch.setattr(edge, "max_connections", lambda: 1)
    async with serving(Engine(contract)) as url:
        async with opened(url) as (reader, writer):
            writer.write(head("POST", PATH, "Mock-Fault: hang; seconds=300", length=len(BODY)) + BODY)
            await asyncio.sleep(0.02)
            top, _, body = (await raw(url, b"")).partition(b"\r\n\r\n")
            assert top.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nRetry-After: 1" in top
            assert problem(body)["type"].endswith("too-many-connections")
            assert problem(body)["limit"] == 1
            assert not reader.at_eof()
        async with asyncio.timeout(PATIENCE):
            while b" 200 OK" not in await raw(url, head("POST", PATH, "Connection: close", length=len(BODY)) + BODY):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.05)


async def test_a_refused_client_that_sends_nothing_more_is_closed_soon(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it does not close its own side, and has announced a body that would be too large."""
    monkeypatch.setattr(connection, "LINGER_IDLE_SECONDS", 0.05)
    async with serving(Engine(contract)) as url, opened(url) as (reader, writer):
        began = time.monotonic()
        writer.write(head("POST", PATH, length=50_000_000))
        assert (await answer(reader))[0] == "HTTP/1.1 413 Request Entity Too Large"

        async def send_on() -> None:
            await asyncio.sleep(0.3)
            while True:  # the first is let go, and tells that nobody listens any more
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0)

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(send_on(), PATIENCE)
        assert time.monotonic() - began < connection.LINGER_SECONDS / 2


async def test_the_time_limit_of_a_request_excludes_the_answer_before_it(contract: Contract) -> None:
    """Half a request behind a delayed answer has its own time."""
    async with hasty(contract) as url, opened(url) as (reader, writer):
        whole = head("POST", PATH, f"Mock-Delay: {2 * SOON}s", length=len(BODY)) + BODY
        writer.write(whole)
        await writer.drain()
        await asyncio.sleep(SOON / 4)
        writer.write(whole[:30])
        assert (await answer(reader))[0] == "HTTP/1.1 200 OK"
        writer.write(whole[30:])
        assert (await answer(reader))[0] == "HTTP/1.1 200 OK"


async def test_the_time_limit_can_be_set_in_an_overlay(tmp_path: Path) -> None:
    """The setting request_timeout."""
    files = {"fast.yaml": f"format: 1\nsettings: {{request_timeout: {SOON}}}\n"}
    async with serving(Engine(load(overlays=[folder(tmp_path, files)]))) as url:
        assert b" 408 " in await raw(url, b"POST")


async def test_a_request_without_its_body_is_in_the_journal(contract: Contract) -> None:
    """With its head."""
    async with hasty(contract) as url:
        await raw(url, head("POST", f"/sandbox/slow{PATH}", length=9))
        shown = await raw(url, head("GET", "/sandbox/slow/__admin/requests", "Connection: close"))
        (entry,) = json.loads(shown.partition(b"\r\n\r\n")[2])["requests"]
    assert (entry["method"], entry["status"]) == ("POST", 408)


async def test_a_broken_chunk_gets_400(contract: Contract) -> None:
    """At once."""
    async with serving(Engine(contract)) as url, opened(url) as (reader, writer):
        writer.write(head("POST", PATH, "Transfer-Encoding: chunked", "Expect: 100-continue"))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"2\r\n{}\r\nno size\r\n")
        status, headers, body = await answer(reader)
        assert (status, headers["connection"]) == ("HTTP/1.1 400 Bad Request", "close")
        assert problem(body)["type"].endswith("no-http")
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""


async def test_a_broken_chunk_in_a_pipelined_request_gets_408(contract: Contract) -> None:
    """Where the chunks began is unknown."""
    async with hasty(contract) as url, opened(url) as (reader, writer):
        writer.write(head("POST", PATH, length=len(BODY)) + BODY + head("POST", PATH, "Transfer-Encoding: chunked"))
        assert (await answer(reader))[0] == "HTTP/1.1 200 OK"
        writer.write(b"2\r\n{}\r\nno size\r\n")
        assert (await answer(reader))[0] == "HTTP/1.1 408 Request Timeout"


async def test_a_refused_client_that_still_sends_can_read_the_answer(contract: Contract) -> None:
    """The connection is not reset under it."""
    async with serving(Engine(contract)) as url, opened(url) as (reader, writer):
        writer.write(head("POST", PATH, length=50_000_000))
        for _ in range(50):
            writer.write(b"x" * 1_000_000)
            await writer.drain()
        assert (await answer(reader))[0] == "HTTP/1.1 413 Request Entity Too Large"
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""


@pytest.mark.parametrize("count", [1, 3])
async def test_a_half_closed_client_is_answered(contract: Contract, count: int) -> None:
    """All that it sent before; then the connection is closed."""
    async with hasty(contract) as url, opened(url) as (reader, writer):
        writer.write((head("POST", PATH, length=len(BODY)) + BODY) * count)
        writer.write_eof()
        came = await asyncio.wait_for(reader.read(), PATIENCE)
        assert came.count(b"HTTP/1.1 200 OK") == count


@pytest.mark.parametrize("directive", ["Mock-Delay: 200ms", "Mock-Fault: dribble; seconds=0.2"])
@pytest.mark.parametrize("reads", [False, True])
async def test_an_outcome_counts_if_a_client_that_closed_its_side_reads(
    contract: Contract, monkeypatch: pytest.MonkeyPatch, directive: str, *, reads: bool
) -> None:
    """A client whose time limit is over closes; one that ended its request only closes its side alone."""
    monkeypatch.setattr(connection, "HALF_CLOSED_SECONDS", PATIENCE)
    engine = Engine(contract)
    async with serving(engine) as url:
        with socket.create_connection(("127.0.0.1", urlsplit(url).port or 0)) as sock:
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(sock, head("POST", PATH, directive, length=len(BODY)) + BODY)
            if reads:
                sock.shutdown(socket.SHUT_WR)
                while await loop.sock_recv(sock, 65_536):
                    pass
        async with asyncio.timeout(PATIENCE):
            while not (tally := await engine.storage.tally("")).requests:  # noqa: ASYNC110 - nothing else tells of it
                await asyncio.sleep(0.01)
    assert sum(tally.counts_of(scenario).delivered for scenario in contract.scenarios) == int(reads)


@pytest.mark.parametrize("sent", [b"", b"POST ", head("POST", PATH, length=2)])
async def test_a_half_closed_client_without_a_request_is_closed(contract: Contract, sent: bytes) -> None:
    """There is nothing to answer."""
    async with hasty(contract) as url, opened(url) as (reader, writer):
        writer.write(sent)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""


async def test_a_client_that_never_reads_is_disconnected(contract: Contract) -> None:
    """After the time that a request may take."""
    async with hasty(contract) as url, opened(url) as (_, writer):

        async def ask() -> None:
            while True:
                writer.write(head("GET", "/__admin/openapi.json") * 100)
                await writer.drain()

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(ask(), PATIENCE)


async def test_a_slow_reader_gets_the_whole_answer(contract: Contract) -> None:
    """As long as it reads something."""
    async with serving(Engine(contract, settings=replace(contract.settings, request_timeout=2))) as url:
        split = urlsplit(url)
        with socket.create_connection((str(split.hostname), int(split.port or 0)), PATIENCE) as connection:
            connection.sendall(head("GET", "/__admin/openapi.json") * 500 + head("GET", "/x", "Connection: close"))
            began, came = time.monotonic(), b""
            while chunk := await asyncio.to_thread(connection.recv, 65_536):
                came = came[-200_000:] + chunk
                await asyncio.sleep(0.02)
    assert time.monotonic() - began > 4
    assert b"HTTP/1.1 404" in came


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST ", head("POST", PATH, length=9), head("POST", PATH, length=len(BODY)) + BODY, b"no HTTP\r\n\r\n"],
    ids=["nothing", "a head", "no body", "a request", "no HTTP"],
)
async def test_a_closed_connection_leaves_no_objects(contract: Contract, sent: bytes) -> None:
    """But the transport of asyncio, which refers to itself."""

    def left() -> int:
        kinds = ("Connection", "ConnectionTransport", "RequestHandler", "StreamReader", "Task")
        return sum(type(one).__name__ in kinds for one in gc.get_objects())

    def come_and_go(url: str) -> None:
        split = urlsplit(url)
        for _ in range(20):
            with socket.create_connection((str(split.hostname), int(split.port or 0)), PATIENCE) as connection:
                connection.sendall(sent)

    async with serving(Engine(contract)) as url:
        gc.collect()
        gc.disable()
        try:
            before = left()
            await asyncio.to_thread(come_and_go, url)
            async with asyncio.timeout(PATIENCE):
                while left() > before:
                    await asyncio.sleep(0.05)
                    if sent.startswith(b"no HTTP"):  # aiohttp keeps the error that it raised in a circle
                        gc.collect()
        finally:
            gc.enable()


def test_a_server_without_descriptors_goes_on() -> None:
    """Whatever was too much was refused in one line each; waiting clients are served once others leave."""
    few = ("sh", "-c", 'ulimit -n 40; exec "$@"', "sh")
    with spawned(prefix=few) as serve:
        split = urlsplit(serve.url)
        address = (str(split.hostname), int(split.port or 0))
        crowd = [socket.create_connection(address, PATIENCE) for _ in range(100)]
        assert "Too many open files" in serve.err.wait("cannot accept connections")
        for one in crowd:
            one.close()
        assert serve.post(LASTING)[0] == 200
        assert serve.stop() == 0
        assert {line.partition(":")[2].partition(":")[0] for line in serve.err.rest()} <= {
            *(" cannot accept connections for a second", " refused a request with 503")
        }


def test_connections_without_a_request_do_not_keep_others_out() -> None:
    """Where the limit of open files is low, they make room."""
    few = ("sh", "-c", 'ulimit -n 64; exec "$@"', "sh")
    with spawned(prefix=few) as serve:
        split = urlsplit(serve.url)
        crowd = [socket.create_connection((str(split.hostname), int(split.port or 0)), PATIENCE) for _ in range(32)]
        wait_until(lambda: serve.post(LASTING)[0] == 200)
        for one in crowd:
            one.close()
        assert serve.stop() == 0


def test_the_limit_of_open_files_is_raised() -> None:
    """To its hard limit."""
    few = ("sh", "-c", 'ulimit -S -n 64; exec "$@"', "sh")
    with spawned(prefix=few) as serve:
        limits = Path(f"/proc/{serve.process.pid}/limits").read_text(encoding="ascii")
        soft, hard = next(line.split()[3:5] for line in limits.splitlines() if line.startswith("Max open files"))
    assert soft == hard


async def test_an_idle_connection_is_closed(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two requests, too, also where only line ends come."""
    monkeypatch.setattr(edge, "KEEP_ALIVE_SECONDS", 0.2)
    async with serving(Engine(contract)) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
        writer.write(b"GET /__admin/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"}")
        writer.write(b"\r\n")
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
        writer.close()
