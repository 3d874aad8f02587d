"""Scenarios added to a sandbox while the mock runs: as in a file, with the same checks, until a reset."""

import json
from typing import Any

import aiohttp
import pytest

from mockserver import Contract, Engine, load
from mockserver.server.server import serving
from tests.support import LASTING, PATH, PING, folder, problem

FLAKY = """\
documented: Flaky.
when: {header.x-flaky: present}
respond: {status: 503, error: {code: 1, hints: [Down]}}
"""


async def put(
    client: aiohttp.ClientSession, url: str, name: str, text: str, status: int = 201, query: str = ""
) -> dict[str, Any]:
    """Add a scenario, and what is said to that."""
    async with client.put(f"{url}/__admin/scenarios/{name}{query}", data=text.encode()) as response:
        data = await response.read()
        assert response.status == status, data
    shown: dict[str, Any] = json.loads(data) if status < 400 else problem(data)
    return shown


async def met(client: aiohttp.ClientSession, url: str, **headers: str) -> str:
    """The scenario that answers."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.post(url + PATH, json=LASTING, headers=sent) as response:
        await response.read()
    return response.headers["Mock-Scenario"]


async def listed(client: aiohttp.ClientSession, url: str) -> list[dict[str, Any]]:
    async with client.get(f"{url}/__admin/scenarios") as response:
        rows: list[dict[str, Any]] = (await response.json())["scenarios"]
    return rows


async def test_a_scenario_is_added_and_removed(url: str, client: aiohttp.ClientSession) -> None:
    """It answers first, in its sandbox alone, under its own name."""
    shown = await put(client, url, "flaky", FLAKY)
    assert (shown["run_time"], shown["replaces"], shown["heading"]) == (True, False, "Flaky.")
    assert (await listed(client, url))[0]["scenario"] == "flaky"
    assert await met(client, url, x_flaky="1") == "flaky"
    assert await met(client, url) == "activated-existing-customer"
    assert await met(client, f"{url}/sandbox/other", x_flaky="1") == "activated-existing-customer"
    assert await met(client, url, Mock_Scenario="flaky") == "flaky"
    async with client.delete(f"{url}/__admin/scenarios/flaky") as response:
        assert await response.json() == {"status": "taken away", "scenario": "flaky"}
    assert await met(client, url, x_flaky="1") == "activated-existing-customer"


async def test_a_scenario_is_put_as_json_or_yaml(url: str, client: aiohttp.ClientSession) -> None:
    """A second one of the same id replaces the first in its place."""
    await put(client, url, "flaky", FLAKY)
    await put(client, url, "newer", FLAKY)
    assert await met(client, url, x_flaky="1") == "newer"
    again = {"scenario": "newer", "assumed": ["rfc"], "when": {"header.x-new": "1"}, "respond": {"error": {"code": 2}}}
    await put(client, url, "newer", json.dumps(again), 200)
    assert [row["scenario"] for row in await listed(client, url)][:2] == ["newer", "flaky"]
    assert await met(client, url, x_flaky="1") == "flaky"


async def test_a_scenario_without_conditions_answers_everything(url: str, client: aiohttp.ClientSession) -> None:
    """Until it is removed; the final scenario of the files stays."""
    await put(client, url, "all", "documented: All.\nrespond: {error: {code: 9}}\n")
    assert await met(client, url) == "all"
    assert (await listed(client, url))[-1]["scenario"] == "customer-unknown"
    async with client.post(f"{url}/__admin/reset") as response:
        assert response.status == 200
    assert await met(client, url) == "activated-existing-customer"


async def test_an_id_of_the_files_replaces_that_scenario(url: str, client: aiohttp.ClientSession) -> None:
    """It comes back when the replacement is removed."""
    order = [row["scenario"] for row in await listed(client, url)]
    shown = await put(client, url, "activated-existing-customer", "documented: Mine.\nrespond: {error: {code: 9}}\n")
    assert shown["replaces"] is True
    assert [row["scenario"] for row in await listed(client, url)] == order
    async with client.post(url + PATH, json=LASTING) as response:
        assert (await response.json())["error"] == {"code": 9}
    async with client.delete(f"{url}/__admin/scenarios/activated-existing-customer") as response:
        assert response.status == 200
    async with client.post(url + PATH, json=LASTING) as response:
        assert (await response.json())["error"] == {}


@pytest.mark.parametrize(
    "text",
    [
        FLAKY,
        "documented: X.\nresponses: [{respond: {error: {code: 1}}}, {pass: true}]\n",
        "documented: X.\nrespond: {error: {code: 1}}\nthen: {card: {status: activated}}\n",
    ],
)
async def test_a_replacement_of_the_final_scenario_has_no_conditions(
    url: str, client: aiohttp.ClientSession, text: str
) -> None:
    """One with conditions is refused."""
    shown = await put(client, url, "customer-unknown", text, 400)
    assert "expected neither when, nor then" in shown["detail"]


@pytest.mark.parametrize(
    ("text", "at", "what", "hint"),
    [
        ("documented: X.\nrespnd: {error: {code: 1}}\n", "request body:2:1", "unknown member respnd", "respond"),
        (FLAKY + "scenario: other\n", "request body:4:1", "another name than in the path", ""),
        ("documented: X.\nwhen: {bdy.x: 1}\nrespond: {error: {}}\n", "request body:2:8", "bdy", "body"),
        ("documented: X.\nrespond: {eror: {}}\n", "request body:2:11", "unknown envelope eror", "error"),
        ("respond: {error: {}}\n", "request body:1:1", "without a source", ""),
        ("documented: [\n", "request body:", "bad YAML", ""),
        ("", "request body:1:1", "", ""),
        ("- x\n", "request body:1:1", "", ""),
    ],
)
async def test_a_bad_scenario_is_reported_as_in_a_file(
    url: str, client: aiohttp.ClientSession, text: str, at: str, what: str, hint: str
) -> None:
    """With line and column in the request body, expected, got and hint."""
    shown = await put(client, url, "flaky", text, 400)
    assert shown["type"].endswith(":bad-scenario")
    said = [one for one in shown["errors"] if one["at"].startswith(at) and what in one["what"]]
    assert said, shown
    assert hint in said[0]["try"]
    assert not any(row["run_time"] for row in await listed(client, url))


async def test_at_most_fifty_scenarios_a_sandbox(url: str, client: aiohttp.ClientSession) -> None:
    """Replacing one adds none."""
    for number in range(50):
        await put(client, url, f"s{number}", FLAKY)
    shown = await put(client, url, "s50", FLAKY, 409)
    assert "DELETE" in shown["detail"]
    await put(client, url, "s49", FLAKY, 200)


async def test_an_unknown_scenario_is_404(url: str, client: aiohttp.ClientSession) -> None:
    """With near spellings; removing one of a file is 409."""
    for method in ("GET", "DELETE"):
        async with client.request(method, f"{url}/__admin/scenarios/rfc-invalit") as response:
            assert response.status == 404
            assert problem(await response.read())["did_you_mean"][0] == "rfc-invalid"
    async with client.delete(f"{url}/__admin/scenarios/rfc-invalid") as response:
        assert response.status == 409
    async with client.get(f"{url}/__admin/scenarios/rfc-invalid") as response:
        shown = await response.json()
    assert (shown["scenario"], shown["run_time"], shown["envelope"]) == ("rfc-invalid", False, "error")


async def test_a_scenario_of_several_operations_needs_the_operation(
    tmp_path: Any, client: aiohttp.ClientSession
) -> None:
    """A scenario that only one of them has does not."""
    async with serving(Engine(load(overlays=[folder(tmp_path / "ping", PING)]))) as url:
        shown = await put(client, url, "flaky", FLAKY, 400)
        assert shown["operations"] == ["activateCardForCustomer", "ping"]
        one = "documented: Ping.\nrespond: {success: {word: pang}}\n"
        assert (await put(client, url, "pang", one, query="?operation=ping"))["operation"] == "ping"
        async with client.get(f"{url}/v1/ping/x") as response:
            assert await response.json() == {"word": "pang"}
        assert (await put(client, url, "pong", one))["operation"] == "ping"


async def test_a_reset_removes_added_scenarios(contract: Contract, client: aiohttp.ClientSession) -> None:
    """All of the sandbox."""
    async with serving(Engine(contract)) as url:
        box = f"{url}/sandbox/a"
        await put(client, box, "flaky", FLAKY)
        async with client.delete(f"{url}/__admin/sandboxes/a") as response:
            assert response.status == 200
        assert await met(client, box, x_flaky="1") == "activated-existing-customer"


async def test_a_body_that_is_not_utf_8_is_refused(url: str, client: aiohttp.ClientSession) -> None:
    """With its line."""
    async with client.put(f"{url}/__admin/scenarios/odd", data=b"documented: x\nnote: \xff\n") as response:
        shown = problem(await response.read())
    assert response.status == 400
    assert (shown["errors"][0]["at"], shown["errors"][0]["what"]) == ("request body:2:1", "not UTF-8")


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 400),
        ("Application/JSON; charset=utf-8", 400),
        ("application/scenario+json", 400),
        ("text/json", 400),
        ("application/yaml", 201),
        ("text/plain", 201),
        ("application/x-www-form-urlencoded", 201),  # as curl says without being told
    ],
)
async def test_what_claims_to_be_json_is_read_as_json(
    url: str, client: aiohttp.ClientSession, media_type: str, status: int
) -> None:
    """A scenario in YAML is refused then, with a hint; one in JSON is taken whatever it claims to be."""
    headers = {"Content-Type": media_type}
    async with client.put(f"{url}/__admin/scenarios/flaky", data=FLAKY.encode(), headers=headers) as response:
        data = await response.read()
    assert response.status == status
    if status == 400:
        (error,) = problem(data)["errors"]
        assert (error["what"], error["try"]) == ("bad JSON: Expecting value", "YAML is sent as application/yaml")
    own = json.dumps(
        {"documented": "Own \U0001f600.", "respond": {"error": {"code": 1}}, "when": {"body.pin": "empty"}}
    )
    async with client.put(f"{url}/__admin/scenarios/own", data=own.encode(), headers=headers) as response:
        assert response.status == 201
