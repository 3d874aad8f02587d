"""Faults on the wire, as a client sees them; the server is none the worse for any."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from mockserver import Contract, Engine, load
from mockserver.core.faults import FAULTS
from mockserver.server import connection as server_connection
from mockserver.server.faults import GARBAGE
from mockserver.server.server import serving
from tests.support import LASTING, MOCKSERVER, ONCE, PATH, PATIENCE, head, journal, spawned, until
from tests.support import serving as serving_apart

BODY = json.dumps(LASTING).encode()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that keeps no connection, as an open one would look like a leak."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield session


def sent(*headers: str, body: bytes = BODY) -> bytes:
    """A request as bytes."""
    return head("POST", PATH, *headers, length=len(body)) + body


def exchange(url: str, *headers: str, body: bytes = BODY) -> tuple[bytes, str]:
    """All that comes back on a connection, and how it ended: `closed` or `reset`."""
    split = urlsplit(url)
    came = bytearray()
    with socket.create_connection((str(split.hostname), int(split.port or 0)), PATIENCE) as connection:
        connection.sendall(sent(*headers, body=body))
        try:
            while chunk := connection.recv(65_536):
                came += chunk
        except ConnectionResetError:
            return bytes(came), "reset"
    return bytes(came), "closed"


async def faulty(url: str, *headers: str, body: bytes = BODY) -> tuple[bytes, str]:
    """The same, with the server on this loop."""
    return await asyncio.to_thread(exchange, url, *headers, body=body)


@asynccontextmanager
async def sound(contract: Contract) -> AsyncIterator[str]:
    """A server that is asked once more after what a test did, and then has nothing open."""
    async with serving(Engine(contract)) as url:
        before = asyncio.all_tasks()
        yield url
        came, end = await faulty(url, "Connection: close")
        assert came.startswith(b"HTTP/1.1 200 OK"), end
        async with asyncio.timeout(PATIENCE):
            while leaked := asyncio.all_tasks() - before:
                await asyncio.wait(leaked, timeout=0.05)


async def test_reset_is_a_tcp_reset(contract: Contract) -> None:
    """The client's read fails with ECONNRESET, without a byte."""
    async with sound(contract) as url:
        assert await faulty(url, "Mock-Fault: reset") == (b"", "reset")


async def test_empty_closes_without_a_byte(contract: Contract) -> None:
    """A clean end of the connection."""
    async with sound(contract) as url:
        assert await faulty(url, "Mock-Fault: empty") == (b"", "closed")


async def test_truncate_sends_half_of_the_body(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Less than Content-Length."""
    async with sound(contract) as url:
        came, end = await faulty(url, "Mock-Fault: truncate")
        before, _, body = came.partition(b"\r\n\r\n")
        announced = next(
            int(v) for n, _, v in (line.partition(b":") for line in before.split(b"\r\n")) if n == b"Content-Length"
        )
        assert (len(body), end) == (announced // 2, "closed")
        async with client.post(url + PATH, json=LASTING, headers={"Mock-Fault": "truncate"}) as response:
            assert response.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()


async def test_garbage_sends_bytes_that_are_not_http(contract: Contract, client: aiohttp.ClientSession) -> None:
    """No client reads them as an answer."""
    async with sound(contract) as url:
        assert await faulty(url, "Mock-Fault: garbage") == (GARBAGE, "closed")
        with pytest.raises(aiohttp.ClientError):
            await client.post(url + PATH, json=LASTING, headers={"Mock-Fault": "garbage"})


async def test_malformed_sends_broken_json(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Status and headers are sound; the connection stays open."""
    async with sound(contract) as url:
        async with client.post(url + PATH, json=LASTING, headers={"Mock-Fault": "malformed"}) as response:
            assert (response.status, response.content_type) == (200, "application/json")
            data = await response.read()
        with pytest.raises(ValueError, match=r"."):
            json.loads(data)


async def test_dribble_sends_the_answer_in_pieces(contract: Contract) -> None:
    """Slowly, but whole."""
    async with sound(contract) as url:
        came, end = await faulty(url, "Mock-Fault: dribble; seconds=0.05")
        assert (json.loads(came.partition(b"\r\n\r\n")[2])["text"], end) == ("Success", "closed")


@pytest.mark.parametrize(
    ("said", "status", "retry", "page"),
    [
        ("gateway", 503, None, True),
        ("gateway; status=502", 502, None, True),
        ("gateway; status=429; retry_after=7; html=false", 429, "7", False),
        ("gateway; status=599", 599, None, True),
    ],
)
async def test_gateway_answers_without_an_envelope(
    contract: Contract, client: aiohttp.ClientSession, said: str, status: int, retry: str | None, page: bool
) -> None:
    """HTML or nothing, with the status and the Retry-After asked for."""
    async with (
        sound(contract) as url,
        client.post(url + PATH, json=LASTING, headers={"Mock-Fault": said}) as response,
    ):
        text = await response.text()
        assert (response.status, response.headers.get("Retry-After")) == (status, retry)
        assert text.startswith("<html>") if page else not text
        async with client.get(f"{url}/__admin/requests/{response.headers['Mock-Entry']}") as told:
            entry = await told.json()
        assert (entry["status"], entry["fault"]) == (status, "gateway")


async def test_hang_ends_at_its_limit(contract: Contract) -> None:
    """Nothing is sent before the connection is closed."""
    async with sound(contract) as url:
        assert (await faulty(url, "Mock-Fault: hang; seconds=0.05"))[0] == b""


@pytest.mark.parametrize(
    "directive", ["Mock-Fault: hang; seconds=300", "Mock-Delay: 300s", "Mock-Fault: dribble; seconds=300"]
)
async def test_a_stop_ends_hanging_answers(contract: Contract, directive: str) -> None:
    """Their limit is not awaited."""
    engine = Engine(contract)
    async with serving(engine) as url:
        waiting = asyncio.create_task(faulty(url, directive))
        await until(lambda: bool(journal(engine)))
    async with asyncio.timeout(PATIENCE):
        await waiting


@pytest.mark.parametrize(
    "asked",
    [
        ["Mock-Fault: hang; seconds=300"],
        ["Mock-Fault: dribble; seconds=300"],
        ["Mock-Delay: 300s"],
        *(["Mock-Delay: 300s", f"Mock-Fault: {kind}"] for kind in ("reset", "empty", "dribble")),
    ],
)
async def test_a_client_that_left_ends_a_hang(
    contract: Contract, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    """Its limit is not awaited."""
    monkeypatch.setattr(server_connection, "HALF_CLOSED_SECONDS", 0.05)
    engine = Engine(contract)
    async with serving(engine) as url:
        before = asyncio.all_tasks()
        split = urlsplit(url)
        _, writer = await asyncio.open_connection(split.hostname, split.port)
        writer.write(sent(*asked))
        await until(lambda: bool(journal(engine)))
        writer.close()
        async with asyncio.timeout(PATIENCE):
            while leaked := asyncio.all_tasks() - before:
                await asyncio.wait(leaked, timeout=0.05)


KINDS = ("hang; seconds=0", "reset", "empty", "truncate", "malformed", "garbage", "dribble; seconds=0", "gateway")


def test_faults_leave_nothing_open() -> None:
    """And write nothing to standard error."""
    with spawned(MOCKSERVER, "--port", "0", "--log-format", "json") as serve:
        serve.started()
        for kind in KINDS:
            for _ in range(3):
                exchange(
                    serve.url,
                    f"Mock-Fault: {kind}",
                    *(["Connection: close"] if kind in ("malformed", "gateway") else []),
                )
        assert serve.post(LASTING)[0] == 200
        assert serve.stop() == 0
        assert serve.err.rest() == []


async def armed(client: aiohttp.ClientSession, url: str, spec: dict[str, Any]) -> None:
    async with client.post(f"{url}/__admin/arm", json=spec) as response:
        assert response.status == 201


@pytest.mark.parametrize(
    ("commit", "retry"), [(True, "card-already-activated"), (False, "activated-existing-customer")]
)
@pytest.mark.parametrize("by", ["header", "arming"])
async def test_an_answer_is_lost_before_or_after_the_commit(
    contract: Contract, client: aiohttp.ClientSession, commit: bool, retry: str, by: str
) -> None:
    """The client sees a reset; whether its retry meets what it did itself is what `commit` says."""
    body = json.dumps(ONCE).encode()
    async with sound(contract) as url:
        headers = []
        if by == "header":
            headers = [f"Mock-Fault: reset; commit={str(commit).lower()}"]
        else:
            await armed(client, url, {"fault": "reset", "commit": commit})
        assert await faulty(url, *headers, body=body) == (b"", "reset")
        async with client.post(url + PATH, json=ONCE) as response:
            answer = await response.json()
        assert response.headers["Mock-Scenario"] == retry
        assert (answer["error"].get("code") == 4433) is commit


async def test_a_scenario_in_a_file_can_have_a_fault_and_a_delay(tmp_path: Any) -> None:
    """A header goes before it."""
    text = """\
format: 1
operation: activateCardForCustomer
scenarios:
- scenario: flaky
  documented: Flaky.
  when: {header.x-flaky: "1"}
  respond: {status: 503, error: {code: 1, hints: [Down]}}
  fault: empty
  delay: {fixed: 1ms}
"""
    (tmp_path / "flaky.yaml").write_text(text)
    async with sound(load(overlays=[tmp_path])) as url:
        assert await faulty(url, "X-Flaky: 1") == (b"", "closed")
        assert await faulty(url, "X-Flaky: 1", "Mock-Fault: reset") == (b"", "reset")


def test_every_fault_is_tested() -> None:
    """Each kind has a row above."""
    assert {kind.partition(";")[0] for kind in KINDS} == set(FAULTS)


async def test_hanging_connections_take_no_time() -> None:
    """They are woken, not asked: the server comes to rest while they wait."""
    with serving_apart("--log-format", "none") as server:
        stat, split = Path(f"/proc/{server.process.pid}/stat"), urlsplit(server.url)

        def ticks() -> int:
            return sum(map(int, stat.read_text(encoding="ascii").rpartition(")")[2].split()[11:13]))

        writers = []
        for _ in range(300):
            _, writer = await asyncio.open_connection(split.hostname, split.port)
            writer.write(sent("Mock-Fault: hang; seconds=60"))
            writers.append(writer)
        async with asyncio.timeout(PATIENCE):
            before = -1
            while before != (before := ticks()):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(1)
        for writer in writers:
            writer.close()
