"""A store that stops, is full, is slow or is gone: clear problems meanwhile, right answers after."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
import redis

from mockserver import Contract, Engine, Reply, Request
from mockserver.admin.routes import routes
from mockserver.contract.loading import ContractFiles
from mockserver.core.model import EMPTY_MAPPING
from mockserver.decision.sandbox_names import SandboxPath
from mockserver.engine.reloading import Reloader
from mockserver.http_api.api import AdminApi
from mockserver.redis_storage import connection, records, sandbox_fields
from mockserver.redis_storage.storage import RedisStorage
from mockserver.storage.interface import State, StorageError
from tests.storage.storages import new_ids
from tests.support import LASTING, ONCE, PATH, PATIENCE
from tests.support.stores import RedisServer, close_stores, needs_redis, redis_storage


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A store of its own, which keeps what it was told across a restart."""
    needs_redis()
    server = RedisServer("--appendonly", "yes", "--appendfsync", "always")
    yield server
    server.close()


@pytest.fixture
async def engine(contract: Contract, server: RedisServer) -> AsyncIterator[Engine]:
    """An engine with this store."""
    yield Engine(contract, storage=redis_storage(contract, contract.settings, url=server.url()))
    await close_stores()


async def sent(engine: Engine, body: object = LASTING, path: str = PATH) -> Reply:
    """The reply to a request, its outcome counted."""
    reply = await engine.handle(Request("POST", path, json.dumps(body).encode()))
    await engine.delivered(reply)
    return reply


async def admin(
    engine: Engine, method: str, path: str, query: Mapping[str, str] = EMPTY_MAPPING, sandbox: str = ""
) -> Reply:
    """The reply of the admin API."""
    return await AdminApi(engine, routes).handle(method, SandboxPath(sandbox, "/__admin" + path), query, {}, b"")


def unavailable(reply: Reply) -> str:
    """Why the store cannot be used, by the problem that a reply is."""
    assert (reply.status, reply.problem) == (503, "store-unavailable")
    detail: str = json.loads(reply.body)["detail"]
    return detail


async def test_a_stopped_store_is_a_problem_until_it_is_back(engine: Engine, server: RedisServer) -> None:
    """Operations, health and the rest of the admin API; nothing that was answered is lost."""
    assert (await sent(engine, ONCE)).status == 200
    server.process.send_signal(signal.SIGSTOP)
    for reply in (
        await sent(engine, ONCE),
        await admin(engine, "GET", "/health"),
        await admin(engine, "GET", "/state"),
    ):
        assert "does not answer in time" in unavailable(reply)
    server.process.send_signal(signal.SIGCONT)
    await asyncio.sleep(connection.STALL_SECONDS)
    assert (await sent(engine, ONCE)).decision is not None
    assert (await admin(engine, "GET", "/health")).status == 200
    server.stop()
    assert "cannot be reached" in unavailable(await sent(engine, ONCE))
    server.start()
    again = await sent(engine, ONCE)
    assert again.decision is not None
    assert again.decision.scenario.id == "card-already-activated"
    entries = await engine.storage.entries(None)
    assert len(entries) == len({entry.id for entry in entries}) >= 3


async def test_connections_that_the_store_has_closed_are_not_used(engine: Engine, server: RedisServer) -> None:
    """Neither after a restart of the store, nor after it closed those that were idle, nor by many requests at once."""
    bodies = [{**ONCE, "card_identifier": f"CARD-{number}"} for number in range(2 * connection.MAX_CONNECTIONS)]

    async def problems() -> set[str | None]:
        paths = (f"/sandbox/s{number}{PATH}" for number in range(len(bodies)))
        replies = await asyncio.gather(*[sent(engine, body, path) for body, path in zip(bodies, paths, strict=True)])
        return {reply.problem for reply in replies}

    assert await problems() == {None}
    server.stop()
    server.start()
    await asyncio.sleep(0.01)  # for the loop to see what happened meanwhile
    assert await problems() == {None}
    with redis.Redis(port=server.port) as client:
        client.client_kill_filter(_type="normal", skipme=True)
    await asyncio.sleep(0.01)
    assert await problems() == {None}


async def test_a_full_store_changes_nothing(engine: Engine, server: RedisServer) -> None:
    """What it has can still be read, and what makes room still works."""
    for sandbox in ("a", "b"):
        assert (await sent(engine, ONCE, f"/sandbox/{sandbox}{PATH}")).status == 200
    with redis.Redis(port=server.port) as client:
        client.config_set("maxmemory", 1)
        assert "is full" in unavailable(await sent(engine, ONCE))
        assert (await admin(engine, "GET", "/health")).status == 200
        assert (await admin(engine, "DELETE", "/requests", sandbox="a")).status == 200
        assert {entry.sandbox for entry in await engine.storage.entries(None)} == {"b"}
        assert (await admin(engine, "DELETE", "/sandboxes/a")).status == 200
        assert await engine.storage.sandbox_names() == ("b",)
        assert (await admin(engine, "POST", "/reset", {"all": "true"})).status == 200
        assert await engine.storage.sandbox_names() == ()
        client.config_set("maxmemory", 0)
    assert (await sent(engine, ONCE)).status == 200


async def test_an_answer_that_could_not_be_counted_is_counted_with_the_next(
    engine: Engine, server: RedisServer
) -> None:
    """Once, also where the store had counted it and only could not say so."""
    reply = await engine.handle(Request("POST", PATH, json.dumps(ONCE).encode()))
    server.stop()
    await engine.delivered(reply)
    server.start()
    await sent(engine)
    tally = await engine.storage.tally("")
    assert (tally.requests, sum(tally.outcomes.values())) == (2, 2)
    storage: Any = engine.storage
    run = storage._store.run

    async def run_and_fail(script: str, *arguments: Any) -> Any:
        await run(script, *arguments)
        raise StorageError("the answer was lost")

    reply = await engine.handle(Request("POST", PATH, json.dumps(LASTING).encode()))
    storage._store.run = run_and_fail
    await engine.delivered(reply)
    storage._store.run = run
    await sent(engine)
    assert (await engine.storage.tally("")).requests == 4


async def test_a_store_that_lost_its_data_is_told_who_uses_it(contract: Contract, server: RedisServer) -> None:
    """By the first request; a server with another key of sandboxes is refused, whoever is first."""
    address = connection.parse_address(server.url("lost"))
    registration = connection.register(address, contract.hash, b"{}", b"")
    storage = RedisStorage(address, contract, contract.settings, registered=registration.shared)
    engine = Engine(contract, storage=storage)
    with redis.Redis(port=server.port) as client:
        client.flushall()
        assert (await sent(engine, ONCE)).status == 200
        assert connection.register(address, contract.hash, b"{}", b"") == registration
        client.flushall()
        connection.register(address, contract.hash, b"{}", b"")
    for reply in (await sent(engine, ONCE), await admin(engine, "GET", "/health")):
        detail = unavailable(reply)
        assert "servers of sandbox key" in detail
        assert registration.sandbox_key.decode() not in detail
    await storage.close()


async def test_a_server_that_was_killed_does_not_hold_its_sandboxes_for_ever(
    contract: Contract, server: RedisServer
) -> None:
    """Longer than any answer takes, they make room for others again."""
    settings, now = replace(contract.settings, max_sandboxes=1, sandbox_ttl=60), [0.0]
    storage = redis_storage(contract, settings, monotonic=lambda: now[0], url=server.url())
    await Engine(contract, settings=settings, storage=storage).handle(Request("POST", "/sandbox/a" + PATH, b"{}"))
    now[0] = 700
    assert await storage.use_sandbox("b") is None
    now[0] = 730
    assert await storage.use_sandbox("b") is not None
    await close_stores()


async def test_a_slow_store_is_waited_for(engine: Engine, server: RedisServer) -> None:
    """As long as it answers in time."""
    assert (await sent(engine)).status == 200
    with redis.Redis(port=server.port) as client:
        began = asyncio.get_running_loop().time()
        client.client_pause(150)
        assert (await sent(engine)).status == 200
    assert asyncio.get_running_loop().time() - began > 0.1


async def test_many_requests_wait_for_a_free_connection(
    contract: Contract, server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them fails for that; a store that does not answer ends them all soon."""
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 2)
    engine = Engine(contract, storage=redis_storage(contract, contract.settings, url=server.url()))
    bodies = [{**ONCE, "card_identifier": f"CARD-{number}"} for number in range(40)]
    replies = await asyncio.gather(*[sent(engine, body) for body in bodies])
    assert {reply.problem for reply in replies} == {None}
    server.process.send_signal(signal.SIGSTOP)
    began = asyncio.get_running_loop().time()
    for reply in await asyncio.gather(*[sent(engine, body) for body in bodies]):
        assert "does not answer in time" in unavailable(reply)
    one_after_the_other = len(bodies) // connection.MAX_CONNECTIONS * connection.ANSWER_SECONDS
    assert asyncio.get_running_loop().time() - began < one_after_the_other / 3
    server.process.send_signal(signal.SIGCONT)
    await asyncio.sleep(connection.STALL_SECONDS)
    assert (await sent(engine, ONCE)).decision is not None
    await close_stores()


async def test_a_sandbox_that_always_changes_is_given_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a number of tries."""
    monkeypatch.setattr(sandbox_fields, "MAX_CONFLICTS", 3)
    storage: Any = engine.storage
    look = storage._store.run

    async def run(script: str, *arguments: Any) -> Any:
        return b"conflict" if script == "change" else await look(script, *arguments)

    monkeypatch.setattr(storage._store, "run", run)
    assert "has changed 3 times" in unavailable(await sent(engine, ONCE))


async def test_a_listener_goes_on_when_the_store_is_back(engine: Engine, server: RedisServer) -> None:
    """It gets what came meanwhile."""
    woken = asyncio.Event()
    listener = await engine.storage.listen(None, woken.set)
    await sent(engine)
    await asyncio.wait_for(woken.wait(), PATIENCE)
    listener.take()
    woken.clear()
    server.stop()
    await asyncio.sleep(0.3)  # some polls that fail
    server.start()
    reply = await sent(engine)
    await asyncio.wait_for(woken.wait(), PATIENCE)
    assert new_ids(listener) == [reply.entry_id]
    listener.close()


async def test_a_reload_without_the_store_says_so(engine: Engine, server: RedisServer) -> None:
    """The contract stays; watching goes on."""
    reloader = Reloader(engine, ContractFiles(), lambda: 1)
    server.stop()
    (error,) = (await reloader.reload()).errors
    assert "cannot be reached" in error["what"]
    server.start()
    assert (await reloader.reload()).errors == ()


async def test_a_state_is_loaded_whole_or_not_at_all(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """In parts, between which the store serves others; a part that is lost is noticed, and nothing is left behind."""
    monkeypatch.setattr(records, "PART", 2)
    storage: Any = engine.storage
    loaded = await storage.use_sandbox("")
    state = State({"cards": dict.fromkeys("abcde")}, {})
    assert await loaded.load_state(state) is None
    assert (await loaded.state()).records["cards"] == state.records["cards"]
    command = storage._store.command

    async def lose_a_part(name: str, key: str, *arguments: Any) -> Any:
        done = await command(name, key, *arguments)
        if name == "EXPIRE":
            await command("HDEL", key, "cards\na")
        return done

    monkeypatch.setattr(storage._store, "command", lose_a_part)
    with pytest.raises(StorageError, match="has lost a part of the state"):
        await loaded.load_state(State({"cards": dict.fromkeys("abc")}, {}))
    monkeypatch.setattr(storage._store, "command", command)
    assert (await loaded.state()).records["cards"] == state.records["cards"]
    assert await loaded.load_state(State({}, {})) is None
    assert (await loaded.state()).records["cards"] == {}
    keys = await storage._store.command("KEYS", "loading:*")
    assert keys == []
