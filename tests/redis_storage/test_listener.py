"""Streams of events over a shared store: what is resumed misses nothing, whatever the order of commits."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence

import pytest

from mockserver import Contract, Engine, Request
from mockserver.admin.events import EventHub, EventReader
from mockserver.http_api.parameters import Scope
from mockserver.storage.coverage import Observation
from mockserver.storage.interface import Entry
from tests.support import LASTING, PATH, PATIENCE
from tests.support.stores import close_stores, needs_redis, redis_server, redis_storage


@pytest.fixture
async def engines(contract: Contract) -> AsyncIterator[list[Engine]]:
    """Two servers with one store."""
    needs_redis()
    url = redis_server().url()
    yield [Engine(contract, storage=redis_storage(contract, contract.settings, url=url)) for _ in range(2)]
    await close_stores()


async def sent(engine: Engine) -> str:
    """The id of the entry of a request."""
    reply = await engine.handle(Request("POST", PATH, json.dumps(LASTING).encode()))
    await engine.delivered(reply)
    return reply.entry_id


async def test_what_is_newer_was_committed_later(engines: list[Engine]) -> None:
    """A request that began earlier and committed later is not missed by who has seen the other one."""
    storage = engines[0].storage
    slow = await storage.next_entry_id()
    quick = await sent(engines[1])
    await storage.add_entry(Entry(slow, "", b"{}"), Observation("", 0))
    last = await sent(engines[1])
    assert [entry.id for entry in await storage.entries(None, after=quick)] == [last, slow]
    assert [entry.id for entry in await storage.entries(None, before=slow)] == [quick]
    await storage.reset("")
    newer = [await sent(engines[0]) for _ in range(2)]
    assert [entry.id for entry in await storage.entries(None, after=last)] == newer[::-1]
    assert [entry.id for entry in await storage.entries(None, before=last)] == []
    assert [entry.id for entry in await storage.entries(None, before="999")] == newer[::-1]


async def test_a_resumed_stream_misses_nothing_and_repeats_nothing(engines: list[Engine]) -> None:
    """Entries of the moment in which it begins come once, in order."""
    first, second = engines
    seen = await sent(first)
    before = [await sent(second) for _ in range(3)]
    meanwhile: list[str] = []

    async def missed() -> Sequence[Entry]:
        meanwhile.append(await sent(second))  # the stream listens already
        entries = await first.storage.entries(None, after=seen)
        meanwhile.append(await sent(second))
        return entries

    woken = asyncio.Event()
    reader = EventReader(EventHub(first.storage), Scope(None), lambda _: True, missed)
    reader.open(woken.set)
    data = b""
    async with asyncio.timeout(PATIENCE):
        while not meanwhile or f"id: {meanwhile[-1]}\n".encode() not in data:
            await woken.wait()
            woken.clear()
            data += reader.take()
        after = await sent(second)
        while f"id: {after}\n".encode() not in data:
            await woken.wait()
            woken.clear()
            data += reader.take()
    reader.close()
    assert re.findall(r"^id: (\d+)$", data.decode(), re.MULTILINE) == [*before, *meanwhile, after]


async def test_a_reset_on_one_server_is_told_by_the_other(engines: list[Engine]) -> None:
    """To its readers of events."""
    first, second = engines

    async def missed() -> Sequence[Entry]:
        return ()

    woken = asyncio.Event()
    reader = EventReader(EventHub(first.storage), Scope(""), lambda _: True, missed)
    reader.open(woken.set)
    data = b""
    async with asyncio.timeout(PATIENCE):
        while b"listening" not in data:
            await woken.wait()
            data += reader.take()
        await sent(second)
        await second.storage.reset("")
        while b"cleared" not in data:
            woken.clear()
            await woken.wait()
            data += reader.take()
    reader.close()
    assert data.endswith(b'event: cleared\ndata: {"sandbox":""}\n\n')
