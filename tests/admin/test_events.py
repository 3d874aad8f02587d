"""Server-sent events: new entries as they come, of one sandbox or of all, until the client or the server goes."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from mockserver import Contract, Engine, Request
from mockserver.admin.events import PACE_SECONDS, EventHub, EventReader, event_hub
from mockserver.entries.journal_entry import JournalEntry
from mockserver.entries.views import server_sent_event
from mockserver.http_api.parameters import Scope
from mockserver.http_api.safety import Access
from mockserver.server import server as edge
from mockserver.server.server import serving
from mockserver.storage.interface import Entry
from mockserver.storage.memory import MemoryStorage
from mockserver.storage.memory_journal import JournalListener
from tests.support import LASTING, PATH, PATIENCE, head
from tests.support import serving as command


def listeners(engine: Engine) -> set[JournalListener]:
    """Who listens to the journal."""
    assert isinstance(engine.storage, MemoryStorage)
    return engine.storage._shared.journal.listeners


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
    assert kind != "entry" or fields["id"] == data["id"]
    return data


async def test_new_entries_are_events(url: str, client: aiohttp.ClientSession) -> None:
    """Of this sandbox alone, or of all."""
    async with listening(client, url) as own, listening(client, url, "?all=true") as every:
        for prefix in ("/sandbox/a", ""):
            async with client.post(url + prefix + PATH, json=LASTING):
                pass
        assert (await event(own))["id"] == "2"
        assert [(await event(every))["sandbox"] for _ in range(2)] == ["a", ""]


async def test_a_deleted_journal_is_an_event(url: str, client: aiohttp.ClientSession) -> None:
    """Of an emptied journal, a reset and a deleted sandbox, for readers of that one; a reset of all is for everyone."""
    calls = [("DELETE", "/sandbox/b/__admin/requests"), ("DELETE", "/sandbox/a/__admin/requests")]
    calls += [
        ("POST", "/sandbox/a/__admin/reset"),
        ("DELETE", "/__admin/sandboxes/a"),
        ("POST", "/__admin/reset?all=true"),
    ]
    async with (
        listening(client, f"{url}/sandbox/a") as own,
        listening(client, f"{url}/sandbox/a", "?sandbox_prefix=b") as others,
    ):
        async with client.post(f"{url}/sandbox/a{PATH}", json=LASTING):
            pass
        for method, path in calls:
            async with client.request(method, url + path) as response:
                assert response.status == 200
        assert (await event(own))["sandbox"] == "a"
        assert [await event(own, "cleared") for _ in range(4)] == [{"sandbox": "a"}] * 3 + [{"sandbox": None}]
        assert [await event(others, "cleared") for _ in range(2)] == [{"sandbox": "b"}, {"sandbox": None}]


async def test_a_deletion_waits_for_the_missed_entries(contract: Contract) -> None:
    """A reader that begins gets it after what it missed, so that it can drop that."""
    engine = Engine(contract)
    engine.handle_sync(Request("POST", PATH, json.dumps(LASTING).encode()))

    async def missed() -> Sequence[Entry]:
        entries = await engine.storage.entries(None)
        await engine.storage.reset("")
        await asyncio.sleep(2 * PACE_SECONDS)  # the hub takes it
        return entries

    woken = asyncio.Event()
    reader = EventReader(EventHub(engine.storage), Scope(""), lambda _: True, missed)
    reader.open(woken.set)
    await asyncio.wait_for(woken.wait(), PATIENCE)
    events = reader.take().decode().split("\n\n")
    assert [one.partition("\n")[0] for one in events] == [": listening", "id: 1", "event: cleared", ""]
    reader.close()


async def test_last_event_id_resumes_a_stream(url: str, client: aiohttp.ClientSession) -> None:
    """It brings what came after that entry."""
    for _ in range(3):
        async with client.post(url + PATH, json=LASTING):
            pass
    async with listening(client, url, Last_Event_ID="1") as stream:
        assert [(await event(stream))["id"] for _ in range(2)] == ["2", "3"]


async def test_an_unknown_last_event_id_starts_a_new_stream(url: str, client: aiohttp.ClientSession) -> None:
    """Later entries come."""
    async with client.post(url + PATH, json=LASTING):
        pass
    async with listening(client, url, Last_Event_ID="no-entry") as stream:
        async with client.post(url + PATH, json=LASTING):
            pass
        assert (await event(stream))["id"] == "2"


async def test_a_last_event_id_that_is_not_utf_8_starts_a_new_stream(url: str) -> None:
    """Like an unknown one."""
    sent = head("GET", "/__admin/events", "Last-Event-ID: caf\xe9")
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    try:
        writer.write(sent)
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_stream_takes_the_filters_of_the_journal(url: str, client: aiohttp.ClientSession) -> None:
    """For past and new entries."""
    bodies = [LASTING, {**LASTING, "device_id": "abc"}, {}]
    for _ in range(2):
        for body in bodies:
            async with client.post(url + PATH, json=body):
                pass
        async with (
            listening(client, url, "?text=ABC", Last_Event_ID="0") as text,
            listening(client, url, "?scenario=reference-batch-empty", Last_Event_ID="0") as scenario,
        ):
            assert (await event(text))["id"] == "2"
            assert (await event(scenario))["id"] == "3"


async def test_a_slow_listener_gets_the_number_of_missed_entries(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch, contract: Contract
) -> None:
    """As an event."""
    monkeypatch.setattr("mockserver.storage.memory_journal.MAX_QUEUED", 1)
    engine = Engine(contract)
    async with serving(engine) as own, listening(client, own) as stream:
        for listener in listeners(engine):
            listener.missed = 3
        async with client.post(own + PATH, json=LASTING):
            pass
        assert await event(stream, "lost") == {"entries": 3}
        assert (await event(stream))["id"] == "1"


async def test_a_stream_sends_comments_to_stay_alive(
    url: str, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Now and then."""
    monkeypatch.setattr("mockserver.server.exchange.HEARTBEAT_SECONDS", 0.01)
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
    assert listeners(engine) == set()


async def test_a_listener_that_left_is_removed(contract: Contract, client: aiohttp.ClientSession) -> None:
    """At once; nothing is kept for it."""
    engine = Engine(contract)
    async with serving(engine) as url:
        async with listening(client, url) as stream:
            assert len(listeners(engine)) == 1
            stream.close()
        async with asyncio.timeout(PATIENCE):
            while listeners(engine):  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.001)


async def test_events_need_the_token(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Also for other sandboxes."""
    engine, right = Engine(contract), {"Authorization": "Bearer s3cr3t-t0ken"}
    async with serving(engine, access=Access("s3cr3t-t0ken")) as url:
        for headers in ({}, {"Authorization": "Bearer wrong"}):
            for path in ("/__admin/events", "/sandbox/a/__admin/events", "/__admin/events?all=true"):
                async with client.get(url + path, headers=headers) as response:
                    assert (response.status, response.content_type) == (401, "application/problem+json")
        assert listeners(engine) == set()
        async with listening(client, f"{url}/sandbox/a", **right) as stream:
            async with client.post(f"{url}/sandbox/a{PATH}", json=LASTING, headers=right) as response:
                assert response.status == 200
            assert (await event(stream))["sandbox"] == "a"


async def test_events_come_from_the_admin_port(contract: Contract, client: aiohttp.ClientSession) -> None:
    """What the main port is asked is an event there; the main port has none. Both ends go with the server."""
    engine = Engine(contract)
    server = edge.Server(engine, access=Access("s3cr3t-t0ken"))
    ports = await server.start("127.0.0.1", 0, 0)
    admin_url, url = ports.admin_url, ports.url
    right = {"Authorization": "Bearer s3cr3t-t0ken"}
    try:
        async with client.get(f"{url}/__admin/events", headers=right) as response:
            assert response.status == 404
        async with client.get(f"{admin_url}/__admin/events") as response:
            assert response.status == 401
        async with listening(client, admin_url, "?all=true", **right) as stream:
            async with client.post(f"{url}/sandbox/a{PATH}", json=LASTING):
                pass
            assert (await event(stream))["sandbox"] == "a"
            async with asyncio.timeout(PATIENCE):
                await server.stop()
                while line := await stream.content.readline():
                    assert line in (b"\n", b": still here\n")
    finally:
        await server.stop()
    assert listeners(engine) == set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_streams(client: aiohttp.ClientSession, number: signal.Signals) -> None:
    """On the admin port and behind a token too."""
    options = ("--admin-port", "0", "--admin-token", "s3cr3t-t0ken", "--log-format", "json")
    with command(*options) as serve:
        told = json.loads(serve.out.seen[-1])
        async with listening(client, told["admin_url"], Authorization="Bearer s3cr3t-t0ken") as stream:
            await asyncio.to_thread(serve.post, LASTING)
            assert (await event(stream))["scenario"] == "activated-existing-customer"
            began = time.monotonic()
            assert await asyncio.to_thread(serve.stop, number) == 0
            assert time.monotonic() - began < edge.DRAIN_SECONDS
            async with asyncio.timeout(PATIENCE):
                while line := await stream.content.readline():
                    assert line in (b"\n", b": still here\n")


async def test_head_of_a_stream_opens_no_stream(url: str, client: aiohttp.ClientSession) -> None:
    """It gets the headers."""
    async with client.head(f"{url}/__admin/events") as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")


async def test_a_reader_beyond_the_most_is_refused(
    contract: Contract, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 503 and the reason; one that leaves makes room."""
    monkeypatch.setattr("mockserver.admin.events.MAX_READERS", 2)
    async with serving(Engine(contract)) as url, listening(client, url):
        async with listening(client, url), client.get(f"{url}/__admin/events") as response:
            shown = json.loads(await response.read())
            assert (response.status, shown["type"]) == (503, "urn:mockserver:problem:too-many-readers")
            assert "There are 2 readers" in shown["detail"]
        async with asyncio.timeout(PATIENCE):
            while True:
                async with client.get(f"{url}/__admin/events") as response:
                    if response.status == 200:
                        break
                await asyncio.sleep(0)


async def test_an_entry_is_rendered_once_for_all_readers(
    contract: Contract, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are; those of another sandbox and with another filter cost nothing more."""
    rendered: list[str] = []

    def render(entry: JournalEntry) -> bytes:
        rendered.append(entry.id)
        return server_sent_event(entry)

    monkeypatch.setattr("mockserver.admin.events.server_sent_event", render)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(Engine(contract)))
        queries = ("", "", "?all=true", "?scenario=rfc-invalid")
        streams = [await stack.enter_async_context(listening(client, url, query)) for query in queries]
        for _ in range(2):
            async with client.post(url + PATH, json=LASTING):
                pass
        for stream in streams[:3]:
            assert [(await event(stream))["id"] for _ in range(2)] == ["1", "2"]
    assert rendered == ["1", "2"]


async def test_a_reader_that_joins_gets_no_entry_twice(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Neither what waits for the others, nor what it missed."""
    async with serving(Engine(contract)) as url, listening(client, url) as early:
        for _ in range(20):
            async with client.post(url + PATH, json=LASTING):
                pass
        async with listening(client, url, Last_Event_ID="10") as late:
            async with client.post(url + PATH, json=LASTING):
                pass
            assert [(await event(late))["id"] for _ in range(11)] == [str(number) for number in range(11, 22)]
        assert [(await event(early))["id"] for _ in range(21)] == [str(number) for number in range(1, 22)]


async def test_a_reader_loses_what_it_does_not_take(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest events; their number comes first."""
    monkeypatch.setattr("mockserver.admin.events.MAX_QUEUED", 2)
    engine = Engine(contract)
    for _ in range(5):
        engine.handle_sync(Request("POST", PATH, json.dumps(LASTING).encode()))
    entries = await engine.storage.entries(None)

    async def missed() -> Sequence[Entry]:
        return entries

    woken = asyncio.Event()
    reader = EventReader(EventHub(engine.storage), Scope(""), lambda _: True, missed)
    reader.open(woken.set)
    await asyncio.wait_for(woken.wait(), PATIENCE)
    comment, lost, *events = reader.take().split(b"\n\n")
    assert (comment, lost) == (b": listening", b'event: lost\ndata: {"entries":3}')
    assert [event.split(b"\n")[0] for event in events] == [b"id: 4", b"id: 5", b""]
    assert reader.take() == b""
    reader.close()


async def test_the_hub_works_only_while_there_are_readers(contract: Contract, client: aiohttp.ClientSession) -> None:
    """After the last one it has neither a listener nor a task."""
    engine = Engine(contract)
    async with serving(engine) as url:
        async with listening(client, url):
            assert (len(listeners(engine)), len(event_hub(engine))) == (1, 1)
        async with asyncio.timeout(PATIENCE):
            while listeners(engine):  # noqa: ASYNC110 - nothing else tells it
                await asyncio.sleep(0)
        assert len(event_hub(engine)) == 0
