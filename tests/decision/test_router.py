"""Routes: the operation, the sandbox and the path parameters of a request, by its path and headers."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from mockserver import Contract, Engine, Request, load
from mockserver.admin.routes import endpoints
from mockserver.decision.sandbox_names import SandboxPath, split_sandbox
from mockserver.server import server as edge
from tests.support import (
    LASTING,
    PATH,
    PING,
    folder,
    head,
    problem,
    raw,
)
from tests.support.clients import activate, mock_headers


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".hidden",
        "-a",
        "a b",
        "a%2Fb",
        "x" * 65,
        "\u00e9",
        "a\u0000",
        "%0a",
        "a?",
        "4111111111111111",
        "4111-1111-1111-1111",
    ],
)
def test_a_bad_name_is_refused(contract: Contract, name: str) -> None:
    """A name of another form gets 400 problem JSON, in the path and in the header."""
    engine = Engine(contract)
    asked = [Request("POST", f"/sandbox/{name}{PATH}"), Request("POST", PATH, headers={"mock-sandbox": name})]
    for request in asked:
        reply = engine.handle_sync(request)
        assert (reply.status, reply.decision) == (400, None)
        assert problem(reply.body)["type"].endswith("bad-sandbox")


@pytest.mark.parametrize("name", ["a", "0", "worker-3", "a.b_c~d-e", "x" * 64])
def test_a_good_name_is_taken(name: str) -> None:
    """Letters, digits and some marks, up to 64."""
    assert split_sandbox(f"/sandbox/{name}/x", {}) == SandboxPath(name, "/x")


@pytest.mark.parametrize("path", ["/__admin/health", PATH])
async def test_a_path_and_a_header_that_differ_are_refused(url: str, client: aiohttp.ClientSession, path: str) -> None:
    """Two names at once are no name."""
    async with client.get(f"{url}/sandbox/a{path}", headers={"Mock-Sandbox": "b"}) as response:
        assert response.status == 400
        assert "two different" in problem(await response.read())["detail"]


async def test_a_header_that_is_not_utf_8_is_a_bad_name(url: str) -> None:
    """Not an error of the server."""
    sent = head("POST", PATH, "Connection: close", "Mock-Sandbox: caf\xe9", length=2) + b"{}"
    assert b"bad-sandbox" in await raw(url, sent)


@pytest.mark.parametrize("path", ["/sandbox/a", "/sandbox/a/", "/sandbox", "/sandbox/a/sandbox/b" + PATH])
async def test_a_sandbox_prefix_needs_a_served_path(url: str, client: aiohttp.ClientSession, path: str) -> None:
    """The prefix alone, or twice, is an unknown path."""
    async with client.post(url + path) as response:
        assert response.status == 404
        assert "There is no /" in problem(await response.read())["detail"]


async def test_a_wrong_method_is_refused_below_the_prefix(url: str, client: aiohttp.ClientSession) -> None:
    """The prefix changes nothing about methods."""
    async with client.get(f"{url}/sandbox/a{PATH}") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")


async def test_a_sandbox_can_be_required(contract: Contract, client: aiohttp.ClientSession) -> None:
    """A request without one is refused with an explanation."""
    engine = Engine(contract, settings=replace(contract.settings, require_sandbox=True))
    async with edge.serving(engine) as url:
        async with client.post(url + PATH, json=LASTING) as response:
            assert response.status == 400
            assert "/sandbox/NAME" in problem(await response.read())["detail"]
        assert (await activate(client, url, "/sandbox/a"))[0] == "existing-customer"
        assert (await activate(client, url, headers={"Mock-Sandbox": "b"}))[0] == "existing-customer"


def test_a_body_that_is_too_large_is_refused(contract: Contract) -> None:
    """Also without a server, which refuses it before."""
    reply = Engine(contract).handle_sync(Request("POST", PATH, bytes(contract.settings.max_body + 1)))
    assert (reply.status, problem(reply.body)["limit"]) == (413, contract.settings.max_body)


async def test_the_prefix_may_be_percent_encoded(url: str) -> None:
    """A path is compared once it is decoded."""
    split = urlsplit(url)
    sent = head("POST", f"/%73andbox/a{PATH.replace('d', '%64')}", "Connection: close", length=2) + b"{}"
    assert b"Mock-Scenario: " in await raw(f"http://{split.netloc}", sent)


@pytest.mark.parametrize(
    "path", ["/", "/debit/v1/activateCardForCustomers", PATH + "/", "/" + PATH, "/debit", "/%zz%ff"]
)
async def test_an_unknown_path_gets_404_that_names_the_paths(
    url: str, client: aiohttp.ClientSession, path: str
) -> None:
    """A problem document names the paths that exist, those of the admin API among them."""
    split = urlsplit(url)
    body = (await raw(url, head("POST", path, "Connection: close", length=2) + b"{}")).partition(b"\r\n\r\n")[2]
    async with client.get(f"http://{split.netloc}/nothing") as response:
        assert (response.status, response.content_type) == (404, "application/problem+json")
        assert mock_headers(response) == set()
    shown = problem(body)
    assert (shown["status"], shown["paths"]) == (404, [f"POST {PATH}", *endpoints()])


async def test_a_misspelt_path_gets_its_near_spelling(url: str, client: aiohttp.ClientSession) -> None:
    """In the 404."""
    async with client.post(f"{url}/debit/v1/activateCardForCustomers") as response:
        assert problem(await response.read())["did_you_mean"] == [PATH]


async def test_an_absolute_url_as_target_is_served(url: str) -> None:
    """As clients send it to a proxy."""
    sent = head("POST", f"http://elsewhere.example{PATH}", "Connection: close", length=2) + b"{}"
    assert b"Mock-Scenario: reference-batch-empty" in await raw(url, sent)


async def test_a_mock_scenario_of_another_operation_is_a_problem(tmp_path: Path, client: aiohttp.ClientSession) -> None:
    """It names that operation."""
    loaded = load(overlays=[folder(tmp_path, PING)])
    async with edge.serving(Engine(loaded)) as url:
        async with client.post(url + PATH, headers={"Mock-Scenario": " pong "}) as response:
            assert "pong is a scenario of ping" in problem(await response.read())["detail"]
            assert response.status == 400
        async with client.get(f"{url}/v1/ping/x", headers={"Mock-Scenario": "pong"}) as response:
            assert await response.json() == {"word": "pong"}
