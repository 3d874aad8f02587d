"""The engine is told what became of each of its answers, exactly once."""

import asyncio
import http.client
import io
import json
import socket
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp.web import BaseRequest

from mockserver import Contract, Engine, Request
from mockserver.core.reply import Reply
from mockserver.server import handler
from mockserver.server.body import receive_body
from mockserver.server.connection import Connection
from mockserver.server.logs import AccessRecord
from mockserver.server.server import serving
from tests.support import LASTING, PATH, PATIENCE, head, journal, until

BODY = json.dumps(LASTING).encode()
MIB = 1_048_576


class Deliveries:
    """What the engine was told."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[tuple[int, bool]] = []

        async def delivered(reply: Reply, *, complete: bool) -> None:
            self.told.append((reply.status, complete))

        monkeypatch.setattr(engine, "delivered", delivered)


async def exchange(url: str, *parts: bytes, leaves: bool = False) -> bytes:
    """All that comes; or nothing, as we leave at once."""
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    try:
        return b"" if leaves else await asyncio.wait_for(reader.read(), PATIENCE)
    except ConnectionError:
        return b""
    finally:
        writer.close()


def request(*headers: str, body: bytes = BODY) -> bytes:
    return head("POST", PATH, "Connection: close", *headers, length=len(body)) + body


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ([], (200, True)),
        (["Mock-Delay: 1ms"], (200, True)),
        (["Mock-Scenario: no-such"], (400, True)),
        (["Mock-Fault: dribble; seconds=0.01"], (200, True)),
        *(([f"Mock-Fault: {kind}"], (200, False)) for kind in ("reset", "empty", "truncate", "malformed", "garbage")),
        (["Mock-Fault: hang; seconds=0"], (200, False)),
        (["Mock-Fault: gateway; status=502"], (502, False)),
    ],
)
async def test_an_answer_is_delivered_unless_a_fault_takes_it(
    contract: Contract, monkeypatch: pytest.MonkeyPatch, headers: list[str], told: tuple[int, bool]
) -> None:
    """All faults but `dribble` do."""
    engine = Engine(contract)
    deliveries = Deliveries(engine, monkeypatch)
    async with serving(engine) as url:
        await exchange(url, request(*headers))
        await until(lambda: deliveries.told)
    assert deliveries.told == [told]


@pytest.mark.parametrize("waits", ["Mock-Delay: 300s", "Mock-Fault: dribble; seconds=300"])
async def test_an_answer_to_a_client_that_left_is_not_delivered(
    contract: Contract, monkeypatch: pytest.MonkeyPatch, waits: str
) -> None:
    """Whatever it waited for."""
    engine = Engine(contract)
    deliveries = Deliveries(engine, monkeypatch)
    async with serving(engine) as url:
        await exchange(url, request(waits), leaves=True)
        await until(lambda: deliveries.told)
    assert deliveries.told == [(200, False)]


async def test_a_refusal_is_delivered(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that is too long, too slow or broken gets its problem."""
    engine = Engine(contract, settings=replace(contract.settings, request_timeout=0.5))
    deliveries = Deliveries(engine, monkeypatch)
    async with serving(engine) as url:
        await exchange(url, head("POST", PATH, length=MIB + 1))
        await exchange(url, head("POST", PATH, length=2))
        await exchange(url, head("POST", PATH, "Content-Encoding: gzip", length=2) + b"{}")
        await until(lambda: len(deliveries.told) == 3)
    assert deliveries.told == [(413, True), (408, True), (400, True)]


async def test_each_request_of_a_connection_is_reported_once(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order; answers of the admin API are not reported."""
    engine = Engine(contract)
    deliveries = Deliveries(engine, monkeypatch)
    async with serving(engine) as url:
        kept = head("POST", PATH, length=len(BODY)) + BODY
        await exchange(url, kept + head("GET", "/__admin/health") + head("GET", PATH) + request())
    assert deliveries.told == [(200, True), (405, True), (200, True)]


async def test_an_error_in_the_report_closes_the_connection(
    contract: Contract, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After the answer; the traceback is shown."""
    engine = Engine(contract)

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(engine, "delivered", fail)
    async with serving(engine) as url:
        came = await exchange(url, head("POST", PATH, length=len(BODY)) + BODY)
    assert came.count(b"HTTP/1.1 ") == 1
    assert came.startswith(b"HTTP/1.1 200 ")
    assert "broken on purpose" in caplog.text


async def test_a_header_with_a_line_break_is_an_error_of_the_server(
    contract: Contract, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It never reaches a client."""
    engine = Engine(contract)
    deliveries = Deliveries(engine, monkeypatch)
    reply = Reply(200, (("A", "b\r\nSet-Cookie: x"),), b"")

    async def handle(_: Request) -> Reply:
        return reply

    monkeypatch.setattr(engine, "handle", handle)
    async with serving(engine) as url:
        came = await exchange(url, head("POST", PATH, length=len(BODY)) + BODY)
    assert (came.startswith(b"HTTP/1.1 500 "), b"Set-Cookie" in came) == (True, False)
    assert deliveries.told == [(200, False)]
    assert "line break" in caplog.text


async def test_an_incomplete_request_of_a_client_that_left_is_dropped(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is neither decided nor answered."""
    engine = Engine(contract)
    deliveries = Deliveries(engine, monkeypatch)
    async with serving(engine) as url:
        before = asyncio.all_tasks()
        split = urlsplit(url)
        reader, writer = await asyncio.open_connection(split.hostname, split.port)
        writer.write(head("POST", PATH, "Expect: 100-continue", length=9))
        await reader.readuntil(b"\r\n\r\n")
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()
        await until(lambda: not asyncio.all_tasks() - before)
    assert (deliveries.told, journal(engine)) == ([], [])


async def test_a_request_on_a_connection_closed_by_shutdown_is_dropped(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not logged."""
    closed: list[bool] = []

    async def read_and_close(request: BaseRequest, connection: Connection, *rest: Any, **more: Any) -> Any:
        body = await receive_body(request, connection, *rest, **more)
        connection.close()
        closed.append(True)
        return body

    monkeypatch.setattr(handler, "receive_body", read_and_close)
    engine, lines = Engine(contract), list[AccessRecord]()
    deliveries = Deliveries(engine, monkeypatch)
    async with serving(engine, log=lines.append) as url:
        assert await exchange(url, request()) == b""
        await until(lambda: closed)
    assert (lines, deliveries.told, journal(engine)) == ([], [], [])


# -- a varied reply -----------------------------------------------------------------------------------


async def received(url: str, data: bytes) -> list[bytes]:
    """What comes in answer to a request, packet by packet, until the server closes."""
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    try:
        writer.write(data)
        found = []
        while packet := await asyncio.wait_for(reader.read(65_536), PATIENCE):
            found.append(packet)
        return found
    finally:
        writer.close()


def parsed(data: bytes, method: str = "POST") -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body of an answer, as the library of Python reads it."""

    class Source:
        def makefile(self, *_: object) -> io.BytesIO:
            return io.BytesIO(data)

    response = http.client.HTTPResponse(Source(), method=method)  # type: ignore[arg-type]
    response.begin()
    return response.getheaders(), response.read()


@pytest.mark.parametrize("seed", range(8))
async def test_a_varied_reply_comes_in_chunks_and_packets(contract: Contract, seed: int) -> None:
    """Head and body are those of the journal, the names of the server's own headers vary as well."""
    engine = Engine(contract, settings=replace(contract.settings, vary=f"{seed}:chunks,packets,headers,space"))
    async with serving(engine) as url:
        packets = await received(url, request())
        plain = await received(url, request("Mock-Fault: dribble; seconds=0"))
    assert len(packets) > 2
    headers, body = parsed(b"".join(packets))
    entry = journal(engine)[1]
    assert body == entry.reply.body.data
    own = {"server", "date", "transfer-encoding", "connection"}
    assert tuple(pair for pair in headers if pair[0].lower() not in own) == entry.reply.headers
    lower = [name.lower() for name, _ in headers]
    assert own < set(lower)
    assert "content-length" not in lower
    usual = [name.lower() for name, _ in parsed(b"".join(plain))[0]]
    assert [name for name in lower if name in usual] != [name for name in usual if name in lower]


async def test_a_varied_reply_has_a_length_where_chunks_are_not_known(contract: Contract) -> None:
    """To HTTP/1.0; the header says that nothing was cut into chunks."""
    engine = Engine(contract, settings=replace(contract.settings, vary="7:chunks,packets"))
    async with serving(engine) as url:
        old = b"".join(await received(url, request().replace(b"HTTP/1.1", b"HTTP/1.0")))
    headers, body = parsed(old)
    assert old.startswith(b"HTTP/1.0 200 OK\r\n")
    assert json.loads(body)["text"] == "Success"
    assert dict(headers)["Content-Length"] == str(len(body))
    assert dict(headers)["Mock-Varied"] == "7/1:packets"


async def test_varied_replies_follow_each_other_on_a_connection(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pipelined too; each counts as delivered."""
    engine = Engine(contract, settings=replace(contract.settings, vary="7"))
    deliveries = Deliveries(engine, monkeypatch)
    async with serving(engine) as url:
        kept = head("POST", PATH, length=len(BODY)) + BODY
        data = await exchange(url, kept * 3 + request())
    assert data.count(b"HTTP/1.1 200 OK") == 4
    assert deliveries.told == [(200, True)] * 4
