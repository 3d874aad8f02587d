"""Sandboxes: named by the path or a header, each with state of its own."""

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import aiohttp
import pytest
from support import LASTING, ONCE, PATH, head, problem, raw

from mockserver import Contract, Engine, Reply, Request
from mockserver.engine import Target
from mockserver.server import serving


async def activate(
    client: aiohttp.ClientSession, url: str, prefix: str = "", headers: Mapping[str, str] | None = None
) -> tuple[str, str | None]:
    """Activate one card; the scenario that answered and the new customer's card id."""
    async with client.post(f"{url}{prefix}{PATH}", json=ONCE, headers=headers) as response:
        payload = (await response.json()).get("payload", {})
    return response.headers["Mock-Scenario"].removeprefix("activated-"), payload.get("card_id")


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


@pytest.mark.parametrize("name", ["", ".hidden", "-a", "a b", "a%2Fb", "x" * 65, "\u00e9", "a\u0000", "%0a", "a?"])
def test_a_bad_name_is_refused(contract: Contract, name: str) -> None:
    """A name of another form gets 400 problem JSON, in the path and in the header."""
    engine = Engine(contract)
    asked = [Request("POST", f"/sandbox/{name}{PATH}"), Request("POST", PATH, headers={"mock-sandbox": name})]
    for request in asked:
        reply = engine.handle(request)
        assert (reply.status, reply.decision) == (400, None)
        assert problem(reply.body)["type"].endswith("bad-sandbox")


@pytest.mark.parametrize("name", ["a", "0", "worker-3", "a.b_c~d-e", "x" * 64])
def test_a_good_name_is_taken(contract: Contract, name: str) -> None:
    """Letters, digits and some marks, up to 64."""
    assert Engine(contract).target(f"/sandbox/{name}/x", {}) == Target(name, "/x")


@pytest.mark.parametrize("path", ["/__admin/health", PATH])
async def test_path_and_header_that_disagree_are_refused(url: str, client: aiohttp.ClientSession, path: str) -> None:
    """Two names at once are no name."""
    async with client.get(f"{url}/sandbox/a{path}", headers={"Mock-Sandbox": "b"}) as response:
        assert response.status == 400
        assert "two different" in problem(await response.read())["detail"]


async def test_a_header_that_is_no_text_is_refused(url: str) -> None:
    """Bytes that are not UTF-8 are a bad name, not a fault of the server."""
    sent = head("POST", PATH, "Connection: close", "Mock-Sandbox: caf\xe9", length=2) + b"{}"
    assert b"bad-sandbox" in await raw(url, sent)


@pytest.mark.parametrize("path", ["/sandbox/a", "/sandbox/a/", "/sandbox", "/sandbox/a/sandbox/b" + PATH])
async def test_a_prefix_without_a_path_that_is_served_gets_404(
    url: str, client: aiohttp.ClientSession, path: str
) -> None:
    """The prefix alone, and a prefix within a prefix, are unknown paths."""
    async with client.post(url + path) as response:
        assert response.status == 404
        assert "There is no /" in problem(await response.read())["detail"]


async def test_a_wrong_method_is_refused_below_the_prefix(url: str, client: aiohttp.ClientSession) -> None:
    """The prefix changes nothing about methods."""
    async with client.get(f"{url}/sandbox/a{PATH}") as response:
        assert (response.status, response.headers["Allow"]) == (405, "POST")


async def test_a_sandbox_can_be_required(contract: Contract, client: aiohttp.ClientSession) -> None:
    """With the setting, a request without one is refused with an explanation; it may then not touch any state."""
    engine = Engine(contract, settings=replace(contract.settings, require_sandbox=True))
    async with serving(engine) as url:
        async with client.post(url + PATH, json=LASTING) as response:
            assert response.status == 400
            assert "/sandbox/NAME" in problem(await response.read())["detail"]
        assert (await activate(client, url, "/sandbox/a"))[0] == "existing-customer"
        assert (await activate(client, url, headers={"Mock-Sandbox": "b"}))[0] == "existing-customer"


async def test_a_request_may_spell_the_prefix_in_escapes(url: str) -> None:
    """A path is compared as what it means, not as how it is escaped."""
    split = urlsplit(url)
    sent = head("POST", f"/%73andbox/a{PATH.replace('d', '%64')}", "Connection: close", length=2) + b"{}"
    assert b"Mock-Scenario: " in await raw(f"http://{split.netloc}", sent)


def test_too_long_a_body_is_refused_in_process_as_well(contract: Contract) -> None:
    """The limit is the engine's, not the socket's."""
    reply = Engine(contract).handle(Request("POST", PATH, b" " * (contract.settings.max_body + 1)))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.problem) == (413, "body-too-large")
