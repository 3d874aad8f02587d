"""Answers as they go over the wire: one write, whole, and safe from a header that holds the line break."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from mockserver import Engine
from mockserver.core.contract import Contract
from mockserver.core.reply import Reply
from mockserver.server.response import encode_closing_reply, encode_head
from mockserver.server.server import serving as serving_here
from mockserver.version import __version__
from tests.support import LASTING, PATH, PATIENCE, Serving, head, journal, problem, raw, serving


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving() as started:
        yield started


def test_the_head_of_an_answer_is_complete() -> None:
    """Status line, headers in order, length, date, an empty line."""
    lines = encode_head(201, (("A", "b"), ("C", "é")), 2).decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 201 Created"
    assert lines[1].startswith("Server: mockserver/")
    assert lines[2:5] == ["A: b", "C: é", "Content-Length: 2"]
    assert lines[5].startswith("Date: ")
    assert lines[5].endswith(" GMT")
    assert lines[6:] == ["", ""]


@pytest.mark.parametrize("headers", [(), (("Connection", "close"),)])
def test_the_last_answer_has_one_connection_close(headers: tuple[tuple[str, str], ...]) -> None:
    """Whether the reply has the header or not."""
    begin, _, body = encode_closing_reply(Reply(413, headers, b"{}")).partition(b"\r\n\r\n")
    assert (begin.count(b"Connection: close"), body) == (1, b"{}")


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_length(status: int) -> None:
    """Those without a body, and those whose length is not announced."""
    assert b"Content-Length" not in encode_head(status, (), 0)
    assert b"Content-Length" not in encode_head(200, (), None)


def test_a_status_needs_no_reason_phrase() -> None:
    """Any number that HTTP allows can be sent."""
    assert encode_head(599, (), 0).startswith(b"HTTP/1.1 599 Unknown\r\n")


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\nb", "a\rb"])
def test_a_header_cannot_hold_a_line_break(value: str) -> None:
    """It is refused."""
    with pytest.raises(ValueError, match="line break"):
        encode_head(200, (("A", value),), 0)
    with pytest.raises(ValueError, match="line break"):
        encode_head(200, (("A", value), ("B", "c")), 0)


@pytest.mark.parametrize("headers", [{}, {"Connection": "close"}])
@pytest.mark.parametrize("version", [(10, "HTTP/1.0"), (11, "HTTP/1.1")])
def test_an_answer_has_the_same_headers_on_any_connection(
    server: Serving, version: tuple[int, str], headers: dict[str, str]
) -> None:
    """Kept open or not, HTTP/1.0 or 1.1, but for the connection's own."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE)
    connection._http_vsn, connection._http_vsn_str = version  # type: ignore[attr-defined]
    connection.request("POST", PATH, json.dumps(LASTING), {"Content-Type": "application/json", **headers})
    response = connection.getresponse()
    body = json.loads(response.read())
    names = [name for name, _ in response.getheaders() if name != "Connection"]
    connection.close()
    assert body["text"] == "Success"
    assert sorted(names) == sorted(
        ["Content-Type", "Content-Length", "Date", "Server", "Mock-Scenario", "Mock-Source", "Mock-Assumed"]
        + ["Mock-Trigger", "Mock-Contract", "Mock-Entry", "Mock-Warnings"]
    )


def test_pipelined_requests_are_answered_in_order(server: Serving) -> None:
    """Sent before any answer is read."""
    host, port = urlsplit(server.url).hostname, urlsplit(server.url).port
    body = json.dumps(LASTING).encode()
    one = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (PATH.encode(), len(body), body)
    last = one.replace(b"Host: x", b"Host: x\r\nConnection: close")
    with socket.create_connection((host, port), timeout=PATIENCE) as client:
        client.sendall(one * 9 + last)
        received = b"".join(iter(lambda: client.recv(65_536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 10
    assert received.count(b'"text":"Success"') == 10


@pytest.mark.parametrize("headers", [(), ("Mock-Fault: gateway",), ("Mock-Fault: truncate",)])
def test_a_closing_reply_does_not_overtake(server: Serving, headers: tuple[str, ...]) -> None:
    """Replies before it on a pipelined connection go out first, also where a request is handled as soon as it comes."""
    address = (urlsplit(server.url).hostname, urlsplit(server.url).port)
    with socket.create_connection(address, timeout=PATIENCE) as client:
        client.sendall(asking() * 2 + asking("Connection: close", *headers))
        received = b"".join(iter(lambda: client.recv(65_536), b""))
    entries = [int(number) for number in re.findall(rb"Mock-Entry: ([0-9]+)", received)]
    assert entries == sorted(entries)
    assert len(entries) == 3


def asking(*headers: str, method: str = "POST", body: bytes = json.dumps(LASTING).encode()) -> bytes:
    """A request that a client sends in one piece."""
    lines = [f"{method} {PATH} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def exchange(client: socket.socket, request: bytes) -> tuple[int, bytes]:
    """Send a request and read its answer; status 0 where none came."""
    client.sendall(request)
    response = http.client.HTTPResponse(client, method=request.partition(b" ")[0].decode())
    try:
        response.begin()
    except http.client.BadStatusLine:
        return 0, b""
    return response.status, response.read()


async def test_answers_of_all_kinds_follow_on_one_connection(contract: Contract) -> None:
    """Plain, delayed, HEAD, 413, and at last a fault."""
    engine = Engine(contract, settings=replace(contract.settings, max_body=500))
    async with serving_here(engine) as url:

        def ask() -> list[tuple[int, bytes]]:
            with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=PATIENCE) as client:
                requests = [asking(), asking(), asking("Mock-Delay: 20ms"), asking(), asking(method="HEAD", body=b"")]
                answers = [exchange(client, request) for request in requests]
                answers.append(exchange(client, asking("Mock-Fault: empty")))
            with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=PATIENCE) as client:
                answers += [exchange(client, asking()), exchange(client, asking(body=b"[" * 501))]
            return answers

        answers = await asyncio.get_running_loop().run_in_executor(None, ask)
    assert [status for status, _ in answers] == [200, 200, 200, 200, 405, 0, 200, 413]
    assert all(json.loads(body)["text"] == "Success" for status, body in answers if status == 200)
    kept = journal(engine)
    assert [entry.reply.status for entry in kept] == [413, 200, 200, 405, 200, 200, 200, 200]
    assert kept[2].fault == "empty"
    assert [entry.delay_ms for entry in kept][5] == 20


SENT = {
    "an answer": asking(),
    "a problem": head("GET", "/x"),
    "an admin route": head("GET", "/__admin/health"),
    "a stream": head("GET", "/__admin/events"),
    "the console": head("GET", "/__admin/"),
    "options": head("OPTIONS", "*"),
    "no HTTP": b"no HTTP\r\n\r\n",
    "another version": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "a body that is too long": head("POST", PATH, length=50_000_000),
    "half a request": b"POST /",
    **{f"the fault {fault}": asking(f"Mock-Fault: {fault}") for fault in ("truncate", "malformed", "gateway")},
    "the fault dribble": asking("Mock-Fault: dribble; seconds=0"),
}


@pytest.mark.parametrize("kind", SENT)
async def test_whatever_is_sent_names_the_server_once(contract: Contract, kind: str) -> None:
    """Answers, refusals, streams and faults."""
    settings = replace(contract.settings, request_timeout=0.3) if kind == "half a request" else contract.settings
    async with serving_here(Engine(contract, settings=settings)) as url:
        split = urlsplit(url)
        reader, writer = await asyncio.open_connection(split.hostname, split.port)
        writer.write(SENT[kind])
        lines = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        writer.close()
    names = [line for line in lines.split(b"\r\n") if line.lower().startswith(b"server:")]
    assert names == [f"Server: mockserver/{__version__}".encode()]


async def test_memory_used_up_is_no_fault_of_the_request(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is answered as one of the server, and not as a body that is not JSON."""

    def decode(_: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr("mockserver.base.values._decode", decode)
    async with serving_here(Engine(contract)) as url:
        answer = await raw(url, asking("Connection: close"))
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert problem(answer.partition(b"\r\n\r\n")[2])["type"].endswith("broken")


async def test_an_error_of_the_server_is_a_500(contract: Contract) -> None:
    """On a used connection, too."""
    broken: list[bool] = []

    def clock() -> int:
        if broken:
            raise ZeroDivisionError
        return time.time_ns()

    async with serving_here(Engine(contract, clock=clock)) as url:

        def ask() -> list[int]:
            with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=PATIENCE) as client:
                first = exchange(client, asking())[0]
                broken.append(True)
                return [first, exchange(client, asking())[0]]

        assert await asyncio.get_running_loop().run_in_executor(None, ask) == [200, 500]
