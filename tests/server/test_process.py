"""The process of a server: signals, requests in flight at its end, and connections that hold it up."""

import asyncio
import http.client
import json
import signal
import socket
from urllib.parse import urlsplit

import pytest

from mockserver import Contract, Engine
from mockserver.server import server as edge
from tests.support import (
    LASTING,
    PATH,
    PATIENCE,
    answer,
    head,
    serving,
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_ends_with_status_0(number: signal.Signals) -> None:
    """On SIGTERM and Ctrl-C, with an idle connection and half a request."""
    with serving() as serve:
        idle = http.client.HTTPConnection(urlsplit(serve.url).netloc)
        idle.request("GET", "/__admin/health")
        assert idle.getresponse().read()
        with socket.create_connection(("127.0.0.1", urlsplit(serve.url).port or 0)) as half:
            half.sendall(b"POST / HTT")
            assert serve.stop(number) == 0
        idle.close()
        assert serve.err.rest() == []


async def test_requests_in_flight_are_answered_before_the_end() -> None:
    """A slow body is awaited after SIGTERM; new clients are refused."""
    with serving() as serve:
        split = urlsplit(serve.url)
        reader, writer = await asyncio.open_connection(split.hostname, split.port)
        body = json.dumps(LASTING).encode()
        writer.write(head("POST", PATH, "Expect: 100-continue", length=len(body)))
        await reader.readuntil(b"\r\n\r\n")  # so the request is in flight
        writer.write(body[:10])
        serve.process.send_signal(signal.SIGTERM)
        await refused(split.port)
        assert serve.process.poll() is None
        writer.write(body[10:])
        status, headers, _ = await answer(reader)
        assert (status, headers["connection"]) == ("HTTP/1.1 200 OK", "close")
        writer.close()
        assert serve.process.wait(timeout=PATIENCE) == 0


async def test_an_unfinished_request_is_dropped_at_the_end(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a time, without an answer."""
    monkeypatch.setattr(edge, "DRAIN_SECONDS", 0.01)
    async with edge.serving(Engine(contract)) as url:
        split = urlsplit(url)
        reader, writer = await asyncio.open_connection(split.hostname, split.port)
        writer.write(head("POST", PATH, "Expect: 100-continue", length=2))
        await reader.readuntil(b"\r\n\r\n")
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()


async def test_a_second_ctrl_c_ends_at_once() -> None:
    """Without waiting for unfinished requests."""
    with serving() as serve:
        split = urlsplit(serve.url)
        reader, writer = await asyncio.open_connection(split.hostname, split.port)
        writer.write(head("POST", PATH, "Expect: 100-continue", length=2))
        await reader.readuntil(b"\r\n\r\n")
        serve.process.send_signal(signal.SIGINT)
        await refused(split.port)
        assert serve.stop(signal.SIGINT) == -signal.SIGINT
        writer.close()


async def refused(port: int | None) -> None:
    """Wait until nobody listens any more."""
    while True:
        try:
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
        except OSError:
            return
        await asyncio.sleep(0.01)
