"""Sandboxes: named by the path or a header, each with state of its own."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace

import aiohttp
import pytest

from mockserver import Contract, Engine, Reply, Request
from mockserver.engine.engine import run_sync
from mockserver.http_api.safety import Access
from mockserver.server.server import serving
from tests.support import LASTING, MOCKSERVER, ONCE, PATH, problem, reset, run_process, spawned
from tests.support.clients import activate


async def test_each_sandbox_has_a_state_of_its_own(url: str, client: aiohttp.ClientSession) -> None:
    """A card is activated once in each, by path or header alike, with ids that do not collide."""
    ids = set()
    for prefix, headers in [("", None), ("/sandbox/a", None), ("", {"Mock-Sandbox": "b"})]:
        met, card = await activate(client, url, prefix, headers)
        assert met == "existing-customer"
        ids.add(card)
    assert len(ids) == 3
    for prefix, headers in [
        ("", None),
        ("/sandbox/b", None),
        ("", {"Mock-Sandbox": "a"}),
        ("/sandbox/a", {"mock-sandbox": "a"}),
    ]:
        assert await activate(client, url, prefix, headers) == ("card-already-activated", None)


@pytest.mark.parametrize(("prefix", "headers"), [("/sandbox/a", {}), ("", {"Mock-Sandbox": "a"})])
async def test_reset_brings_one_sandbox_back(
    url: str, client: aiohttp.ClientSession, prefix: str, headers: dict[str, str]
) -> None:
    """A reset below the prefix, or with the header, leaves the others as they are."""
    first = {name: await activate(client, url, name) for name in ("", "/sandbox/a", "/sandbox/b")}
    async with client.post(f"{url}{prefix}/__admin/reset", headers=headers) as response:
        assert await response.json() == {"status": "reset", "sandbox": "a"}
    assert await activate(client, url, "/sandbox/a") == first["/sandbox/a"]
    for other in ("", "/sandbox/b"):
        assert await activate(client, url, other) == ("card-already-activated", None)


async def test_health_is_there_below_the_prefix(url: str, client: aiohttp.ClientSession) -> None:
    """The admin API is whole in every sandbox."""
    async with client.get(f"{url}/sandbox/any/__admin/health") as response:
        assert response.status == 200


def test_the_engine_refuses_a_long_body(contract: Contract) -> None:
    """The limit is not the socket's alone."""
    reply = Engine(contract).handle_sync(Request("POST", PATH, b" " * (contract.settings.max_body + 1)))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.problem) == (413, "body-too-large")


class Idle:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def sent(name: str, headers: Mapping[str, str] | None = None, body: object = ONCE) -> Request:
    path = f"/sandbox/{name}{PATH}" if name else PATH
    return Request("POST", path, json.dumps(body).encode(), headers or {})


def small(contract: Contract, most: int = 2, ttl: float = 60) -> tuple[Engine, Idle]:
    """An engine with room for few sandboxes, and its clock."""
    idle = Idle()
    settings = replace(contract.settings, max_sandboxes=most, sandbox_ttl=ttl)
    return Engine(contract, settings=settings, monotonic=idle), idle


def is_journal_incomplete(engine: Engine, name: str) -> bool:
    """Whether a sandbox, which has to be there, knows that it was evicted."""
    sandbox = run_sync(engine.storage.find(name))
    assert sandbox is not None
    return sandbox.evicted_before


def test_there_are_default_bounds(contract: Contract) -> None:
    """On sandboxes, records, and the journal by entries and bytes."""
    settings = contract.settings
    assert (settings.max_sandboxes, settings.sandbox_ttl, settings.max_records) == (1_000, 600, 1_000_000)
    assert (settings.journal_entries, settings.journal_bytes) == (10_000, 64 * 1_048_576)


def test_a_sandbox_beyond_the_bound_is_refused_with_503(contract: Contract) -> None:
    """While all are in use; those that exist are served."""
    engine, idle = small(contract)
    for name in ("a", "b", ""):
        assert engine.handle_sync(sent(name)).status == 200
    idle.now = 59.9
    reply = engine.handle_sync(sent("c"))
    assert (reply.status, reply.problem) == (503, "no-room-for-sandbox")
    assert "There are 2 sandboxes" in problem(reply.body)["detail"]
    assert engine.handle_sync(sent("a")).decision is not None
    assert run_sync(engine.storage.gauges()).evictions == 0


def test_the_longest_idle_sandbox_makes_room(contract: Contract) -> None:
    """Its state is gone, and it is incomplete when made again."""
    engine, idle = small(contract)
    engine.handle_sync(sent("a"))
    engine.handle_sync(sent("b"))
    idle.now = 30
    engine.handle_sync(sent("a"))
    idle.now = 61
    assert engine.handle_sync(sent("c")).status == 200
    assert set(run_sync(engine.storage.sandbox_names())) == {"a", "c"}
    assert engine.handle_sync(sent("d")).status == 503
    idle.now = 200
    assert engine.handle_sync(sent("b")).status == 200
    assert is_journal_incomplete(engine, "b")
    assert not is_journal_incomplete(engine, "c")
    assert run_sync(engine.storage.gauges()).evictions == 2


def test_a_dropped_sandbox_is_complete_when_made_again(contract: Contract) -> None:
    """Its place is free at once."""
    engine, idle = small(contract, most=1)
    engine.handle_sync(sent("a"))
    idle.now = 61
    engine.handle_sync(sent("b"))
    reset(engine, "b")
    engine.handle_sync(sent("a"))
    reset(engine, "a")
    engine.handle_sync(sent("a"))
    assert not is_journal_incomplete(engine, "a")


def test_the_names_kept_of_evicted_sandboxes_are_bounded(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound any new one counts as incomplete."""
    monkeypatch.setattr("mockserver.storage.memory.MAX_EVICTED_NAMES", 1)
    engine, _ = small(contract, most=1, ttl=0)
    known = []
    for name in ("a", "b", "c", "d"):
        engine.handle_sync(sent(name))
        known.append(is_journal_incomplete(engine, name))
    assert known == [False, False, True, True]


async def test_the_admin_api_makes_no_sandbox_without_room(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Dropping one makes room."""
    engine, _ = small(contract, most=1)
    async with serving(engine) as url:
        for name, status in (("a", 201), ("b", 503)):
            async with client.post(f"{url}/sandbox/{name}/__admin/arm", json={"fault": "reset"}) as response:
                assert response.status == status
        async with client.delete(f"{url}/__admin/sandboxes/a") as response:
            assert await response.json() == {"status": "dropped", "sandbox": "a"}
        async with client.post(f"{url}/sandbox/b/__admin/arm", json={"fault": "reset"}) as response:
            assert response.status == 201
        async with client.delete(f"{url}/__admin/sandboxes/bb") as response:
            assert response.status == 404
            assert problem(await response.read())["did_you_mean"] == ["b"]


async def test_sandboxes_are_listed_and_reset_together(url: str, client: aiohttp.ClientSession) -> None:
    """With their contents."""
    for name in ("", "/sandbox/a"):
        await activate(client, url, name)
    async with client.get(f"{url}/__admin/sandboxes") as response:
        shown = await response.json()
    assert [(one["name"], one["armed"], one["incomplete"]) for one in shown["sandboxes"]] == [
        ("", 0, False),
        ("a", 0, False),
    ]
    async with client.post(f"{url}/__admin/reset?all=yes") as response:
        assert response.status == 400
    async with client.post(f"{url}/__admin/reset?all=true") as response:
        assert await response.json() == {"status": "reset", "sandboxes": ["", "a"]}
    for name in ("", "/sandbox/a"):
        assert (await activate(client, url, name))[0] == "existing-customer"


async def test_a_reset_of_all_empties_all_journals(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Also of evicted and of bad names."""
    settings = replace(contract.settings, max_sandboxes=1, sandbox_ttl=0, journal_entries=2)
    async with serving(Engine(contract, settings=settings)) as url:
        for name in "aba":
            await activate(client, url, f"/sandbox/{name}")
        async with client.get(f"{url}/sandbox/c/nothing") as response:
            assert response.status == 404
        async with client.post(f"{url}/__admin/reset?all=true") as response:
            assert (await response.json())["sandboxes"] == ["a"]
        for name in "abc":
            async with client.get(f"{url}/sandbox/{name}/__admin/requests") as response:
                assert await response.json() == {"requests": [], "lost": 0, "incomplete": False}
        async with client.get(f"{url}/__admin/requests?all=true") as response:
            assert (await response.json())["requests"] == []
        async with client.get(f"{url}/__admin/metrics") as response:
            assert "mockserver_journal_bytes 0.0" in await response.text()


async def test_two_hundred_parallel_tests_are_independent(url: str) -> None:
    """Each arms, freezes its clock, activates twice and reads its own answers."""

    async def one(number: int) -> None:
        box = f"{url}/sandbox/worker-{number}"
        year = 2100 + number
        async with client.put(f"{box}/__admin/clock", json={"freeze": f"{year}-01-01T00:00:00Z"}) as response:
            assert response.status == 200
        if number % 2:
            async with client.post(f"{box}/__admin/arm", json={"scenario": "rfc-invalid"}) as response:
                assert response.status == 201
        due = ["rfc-invalid"] * (number % 2) + ["activated-existing-customer", "card-already-activated"]
        for scenario in due:
            async with client.post(box + PATH, json=ONCE) as response:
                answer = await response.json()
            assert response.headers["Mock-Scenario"] == scenario
            assert answer["timestamp"].startswith((f"{year}-", f"{year - 1}-12-31T18"))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as client, asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(one(number))


def test_the_command_line_sets_the_bounds_of_sandboxes() -> None:
    """`--max-sandboxes`, `--sandbox-ttl` and `--sandbox-from`."""
    options = ["--max-sandboxes", "1", "--sandbox-ttl", "3600", "--sandbox-from", "header.x-tenant"]
    with spawned(MOCKSERVER, "--port", "0", *options) as serve:
        serve.started()
        assert serve.post(LASTING, **{"X-Tenant": "a"})[0] == 200
        assert "[a] 200 activated-existing-customer" in serve.out.wait("activated-existing-customer (")
        assert serve.post(LASTING, **{"X-Tenant": "b"})[0] == 503
    assert "expected header.NAME or body.MEMBER" in run_process("serve", "--sandbox-from", "cookie.x").stderr


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", PATH, {}, 405),
        ("GET", "/nothing", {}, 404),
        ("POST", "/nothing", {}, 404),
        ("OPTIONS", PATH, {"Origin": "http://page.example", "Access-Control-Request-Method": "POST"}, 204),
        ("OPTIONS", PATH, {}, 405),
        ("GET", "/__admin/state", {"Origin": "http://page.example"}, 403),
        ("GET", "/__admin/state", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ("GET", "/__admin/state", {"Host": "page.example"}, 403),
        ("GET", "/__admin/nothing", {}, 404),
        ("GET", "/__admin/arm", {}, 405),
        ("GET", "/__admin/requests", {}, 200),
        ("GET", "/__admin/coverage", {}, 200),
        ("GET", "/__admin/health", {}, 200),
    ],
)
async def test_no_sandbox_is_made_by_a_refused_request(
    contract: Contract, client: aiohttp.ClientSession, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Nor by one that looks at the journal: a foreign page could fill all places."""
    engine = Engine(contract)
    async with (
        serving(engine, access=Access(cors_origins=("*",))) as url,
        client.request(method, f"{url}/sandbox/new{path}", headers=headers) as response,
    ):
        assert response.status == status
    assert await engine.storage.sandbox_names() == ()
