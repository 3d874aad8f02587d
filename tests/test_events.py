"""Server-sent events: new entries as they come, of one sandbox or of all, until the client or the server goes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from support import LASTING, PATH, PATIENCE

from mockserver import Contract, Engine
from mockserver.server import serving


@asynccontextmanager
async def listening(
    client: aiohttp.ClientSession, url: str, query: str = "", **headers: str
) -> AsyncIterator[aiohttp.ClientResponse]:
    """A stream that has begun."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.get(f"{url}/__admin/events{query}", headers=named) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        assert await block(response) == [": listening"]
        yield response


async def block(response: aiohttp.ClientResponse) -> list[str]:
    """The lines up to the next blank one."""
    data = await asyncio.wait_for(response.content.readuntil(b"\n\n"), PATIENCE)
    return data.decode().strip().splitlines()


async def event(response: aiohttp.ClientResponse, kind: str = "entry") -> Any:
    """The data of the next event, comments passed over."""
    while (lines := await block(response))[0].startswith(":"):
        pass
    fields = dict(line.split(": ", 1) for line in lines)
    assert fields["event"] == kind
    data = json.loads(fields["data"])
    assert kind != "entry" or int(fields["id"]) == data["id"]
    return data


async def test_new_entries_are_events(url: str, client: aiohttp.ClientSession) -> None:
    """Of this sandbox alone, or of all."""
    async with listening(client, url) as own, listening(client, url, "?all=true") as every:
        for prefix in ("/sandbox/a", ""):
            async with client.post(url + prefix + PATH, json=LASTING):
                pass
        assert (await event(own))["id"] == 2
        assert [(await event(every))["sandbox"] for _ in range(2)] == ["a", ""]


async def test_a_listener_that_comes_back_misses_nothing(url: str, client: aiohttp.ClientSession) -> None:
    """Last-Event-ID brings what came after it."""
    for _ in range(3):
        async with client.post(url + PATH, json=LASTING):
            pass
    async with listening(client, url, Last_Event_ID="1") as stream:
        assert [(await event(stream))["id"] for _ in range(2)] == [2, 3]


async def test_what_a_slow_listener_missed_is_told(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, contract: Contract
) -> None:
    """How many entries are lost to it is an event of its own."""
    monkeypatch.setattr("mockserver.journal.MOST_QUEUED", 1)
    engine = Engine(contract)
    async with serving(engine) as own, listening(client, own) as stream:
        for listener in engine.journal.listeners:
            listener.missed = 3
        async with client.post(own + PATH, json=LASTING):
            pass
        assert await event(stream, "lost") == {"entries": 3}
        assert (await event(stream))["id"] == 1


async def test_a_stream_shows_that_it_is_there(
    url: str, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comment now and then."""
    monkeypatch.setattr("mockserver.server.HEARTBEAT", 0.01)
    async with listening(client, url) as stream:
        assert await block(stream) == [": still here"]


async def test_shutdown_ends_streams(contract: Contract, client: aiohttp.ClientSession) -> None:
    """The server does not wait for those who listen."""
    engine = Engine(contract)
    async with asyncio.timeout(PATIENCE):
        async with serving(engine) as url:
            response = await client.get(f"{url}/__admin/events")
            await block(response)
        while line := await response.content.readline():
            assert line in (b"\n", b": still here\n")
    assert engine.journal.listeners == set()


async def test_a_client_that_leaves_is_forgotten(
    contract: Contract, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is kept for it."""
    monkeypatch.setattr("mockserver.server.HEARTBEAT", 0.01)
    engine = Engine(contract)
    async with serving(engine) as url:
        async with listening(client, url) as stream:
            assert len(engine.journal.listeners) == 1
            stream.close()
        async with asyncio.timeout(PATIENCE):
            while engine.journal.listeners:  # noqa: ASYNC110 - the heartbeat finds out
                await asyncio.sleep(0.001)


async def test_head_of_a_stream_is_its_head(url: str, client: aiohttp.ClientSession) -> None:
    """Nobody listens for it."""
    async with client.head(f"{url}/__admin/events") as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
