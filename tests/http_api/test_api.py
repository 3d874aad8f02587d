"""The admin API: health and reset, by the routes that its table names."""

import asyncio
import json
import re
from dataclasses import replace

import aiohttp
import pytest

from mockserver import Contract, Engine, Request, __version__
from mockserver.admin.routes import endpoints, routes
from mockserver.decision.sandbox_names import SandboxPath
from mockserver.http_api.api import ADMIN_PREFIX, AdminApi, Route
from mockserver.server.server import serving
from tests.support import LASTING, ONCE, PATH, problem


async def test_health_tells_what_is_served(url: str, client: aiohttp.ClientSession, contract: Contract) -> None:
    """Status, version, contract hash and number of scenarios, not to be cached."""
    async with client.get(f"{url}/__admin/health") as response:
        assert await response.json() == {
            "status": "ok",
            "version": __version__,
            "contract": contract.hash,
            "scenarios": len(list(contract.scenarios)),
        }
    assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
    assert not [name for name in response.headers if name.startswith("Mock-")]


async def test_health_answers_head(url: str, client: aiohttp.ClientSession) -> None:
    """HEAD gets the head of the answer to GET."""
    async with client.get(f"{url}/__admin/health") as got, client.head(f"{url}/__admin/health") as headed:
        assert headed.status == 200
        assert headed.headers["Content-Length"] == got.headers["Content-Length"]
        assert await headed.read() == b""


async def test_health_needs_no_header_and_no_sandbox(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Neither a required header nor a required sandbox stands before it."""
    settings = replace(contract.settings, require_headers=("X-Key",), require_sandbox=True)
    async with serving(Engine(contract, settings=settings)) as url:
        async with client.post(url + PATH, json=LASTING) as refused:
            assert refused.status == 400
        async with client.get(f"{url}/__admin/health") as response:
            assert response.status == 200


async def test_reset_brings_the_seeds_back(url: str, client: aiohttp.ClientSession) -> None:
    """After a reset the same request succeeds again, with the same ids."""
    answers = []
    for _ in range(2):
        async with client.post(url + PATH, json=ONCE) as response:
            answers.append((await response.json())["payload"])
        async with client.post(url + PATH, json=ONCE) as response:
            assert response.headers["Mock-Scenario"] == "card-already-activated"
        async with client.post(f"{url}/__admin/reset") as response:
            assert await response.json() == {"status": "reset", "sandbox": ""}
    assert answers[0] == answers[1]


@pytest.mark.parametrize(("method", "path", "allow"), [("POST", "health", "GET, HEAD"), ("GET", "reset", "POST")])
async def test_another_method_gets_405(
    url: str, client: aiohttp.ClientSession, method: str, path: str, allow: str
) -> None:
    """A route says with which methods it is served."""
    async with client.request(method, f"{url}/__admin/{path}") as response:
        assert (response.status, response.headers["Allow"]) == (405, allow)
        assert problem(await response.read())["type"].endswith("wrong-method")


@pytest.mark.parametrize("path", ["", "//", "/healht", "/health/", "/reset/all"])
async def test_an_unknown_route_names_those_that_exist(url: str, client: aiohttp.ClientSession, path: str) -> None:
    """A misspelt route gets 404 with the routes and a near spelling."""
    async with client.get(f"{url}/__admin{path}") as response:
        shown = problem(await response.read())
    assert (response.status, shown["paths"]) == (404, list(endpoints()))
    if path.startswith("/h"):
        assert shown["did_you_mean"][0] == "/__admin/health"


async def test_a_path_that_only_begins_like_the_admin_api_is_none(url: str, client: aiohttp.ClientSession) -> None:
    """It is looked for among the operations."""
    async with client.get(f"{url}/__administrator") as response:
        assert f"POST {PATH}" in problem(await response.read())["paths"]


def test_the_table_of_routes_is_complete() -> None:
    """Every route stands below the prefix, once, and is named."""
    assert all(route.path.startswith(f"{ADMIN_PREFIX}/") for route in routes())
    assert len(set(endpoints())) == len(routes()) == len(endpoints())


@pytest.mark.parametrize("route", routes(), ids=endpoints())
async def test_every_route_works_below_a_sandbox(url: str, client: aiohttp.ClientSession, route: Route) -> None:
    """It refuses with a problem document (RFC 9457), with the reason."""
    path = re.sub(r"\{[^{}]*\}", "1", route.path)
    for prefix in ("", "/sandbox/a"):
        asked = {f"{prefix}{path}?nosuch=1": "nosuch"}
        asked |= {f"{prefix}{path}": "JSON"} if route.body is not None else {}
        for target, word in asked.items():
            async with client.request(route.method, url + target, data=b"{") as response:
                assert (response.status, response.content_type) == (400, "application/problem+json"), target
                shown = problem(await response.read())
            assert (shown["status"], word in shown["detail"]) == (400, True), target


async def test_an_unknown_query_parameter_is_refused(url: str, client: aiohttp.ClientSession) -> None:
    """So is a bad value."""
    async with client.post(f"{url}/__admin/reset?al=true") as response:
        assert (response.status, problem(await response.read())["did_you_mean"]) == (400, ["all"])
    async with client.post(f"{url}/__admin/reset?all=yes") as response:
        assert (response.status, problem(await response.read())["detail"]) == (400, "all is true or false.")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "reset"), ("POST", "reload"), ("DELETE", "requests"), ("DELETE", "armed"), ("GET", "state")],
)
async def test_a_body_that_a_route_does_not_take_is_refused(
    url: str, client: aiohttp.ClientSession, method: str, path: str
) -> None:
    """It was meant to say something; an empty object says nothing."""
    async with client.request(method, f"{url}/__admin/{path}", data=b'{"all": true}') as response:
        body = problem(await response.read())
        assert (response.status, body["type"]) == (400, "urn:mockserver:problem:bad-body")
        assert "Expected no body, got 13 bytes" in body["detail"]
    async with client.request(method, f"{url}/__admin/{path}", data=b" {} ") as response:
        assert response.status == (409 if path == "reload" else 200)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("arm", b'{"scenario": "rfc-invalid", "scenario": "malformed"}'),
        ("verify", b'{"when": {"body.pin": "1", "body.pin": "2"}}'),
        ("explain", b'{"body": {"a": {"b": 1, "\\u0062": 2}}}'),
    ],
)
async def test_a_member_that_comes_twice_is_refused(
    url: str, client: aiohttp.ClientSession, path: str, body: bytes
) -> None:
    """At any depth and in any spelling, rather than to take one of the two."""
    async with client.post(f"{url}/__admin/{path}", data=body) as response:
        shown = problem(await response.read())
        assert (response.status, "comes twice" in shown["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("requests", {}),
        ("requests", {"text": "nowhere"}),
        ("requests", {"format": "har", "limit": "19"}),
        ("requests/unexpected", {}),
        ("coverage", {}),
    ],
)
async def test_long_work_lets_other_requests_run(
    contract: Contract, monkeypatch: pytest.MonkeyPatch, path: str, query: dict[str, str]
) -> None:
    """Between steps, here one for each entry or outcome."""
    monkeypatch.setattr("mockserver.storage.pacing.STEP_SECONDS", 0)
    engine = Engine(contract)
    for number in range(20):
        body = json.dumps({**ONCE, "card_identifier": f"CARD-{number}"}).encode()
        engine.handle_sync(Request("POST", PATH, body, {"content-type": "application/json"}))
    api, turns = AdminApi(engine, routes), 0

    async def other_requests() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    others = asyncio.ensure_future(other_requests())
    await asyncio.sleep(0)
    reply = await api.handle("GET", SandboxPath("", f"/__admin/{path}"), query, {}, b"")
    others.cancel()
    assert reply.status == 200
    assert turns >= 15
