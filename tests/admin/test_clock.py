"""The clock and the settings of a sandbox, changed while the mock runs."""

import json
from typing import Any

import aiohttp
import pytest

from mockserver import Contract, Engine, frozen_clock, parse_instant
from mockserver.server.server import serving
from tests.support import ONCE, PATH, problem

NOON = "2031-05-06T12:00:00Z"


async def admin(
    client: aiohttp.ClientSession, url: str, path: str, body: Any = None, status: int = 200, method: str = ""
) -> Any:
    """A GET, or a PUT of a body, and what it answers."""
    how = method or ("GET" if body is None else "PUT")
    async with client.request(how, f"{url}/__admin/{path}", json=body) as response:
        data = await response.read()
        assert response.status == status, data
    return json.loads(data) if status < 400 else problem(data)


async def answered(client: aiohttp.ClientSession, url: str, body: Any = ONCE, **headers: str) -> tuple[int, Any, Any]:
    """Status, body and headers of an answer."""
    async with client.post(url + PATH, json=body, headers=headers) as response:
        return response.status, await response.json(), response.headers


async def test_a_frozen_clock_is_in_every_timestamp(url: str, client: aiohttp.ClientSession) -> None:
    """In one sandbox, until it is advanced or reset."""
    box = f"{url}/sandbox/a"
    shown = await admin(client, box, "clock", {"freeze": NOON})
    assert (shown["now"], shown["mode"]) == ("2031-05-06T12:00:00.000Z", "frozen")
    assert (await answered(client, box))[1]["timestamp"] == "2031-05-06T12:00:00.000Z"
    assert (await admin(client, box, "clock", {"advance": "90s"}))["now"] == "2031-05-06T12:01:30.000Z"
    assert (await answered(client, box))[1]["timestamp"] == "2031-05-06T06:01:30.000000000-06:00"
    assert (await admin(client, box, "clock", {"advance": "-1d"}))["now"] == "2031-05-05T12:01:30.000Z"
    assert (await admin(client, url, "clock"))["mode"] == "real"
    assert (await admin(client, box, "clock", {"real": True}))["mode"] == "real"
    assert not (await admin(client, box, "clock"))["now"].startswith("2031")


async def test_a_clock_that_is_set_runs_on(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Freezing it at now stops it; a reset brings the real one back."""
    time = [parse_instant("2026-01-01T00:00:00Z")]
    async with serving(Engine(contract, clock=lambda: time[0])) as url:
        assert (await admin(client, url, "clock", {"set": NOON}))["mode"] == "shifted"
        time[0] += 5 * 10**9
        assert (await admin(client, url, "clock"))["now"] == "2031-05-06T12:00:05.000Z"
        assert (await admin(client, url, "clock", {"advance": "1h"}))["now"] == "2031-05-06T13:00:05.000Z"
        assert (await admin(client, url, "clock", {"freeze": "now"}))["mode"] == "frozen"
        time[0] += 5 * 10**9
        assert (await admin(client, url, "clock"))["now"] == "2031-05-06T13:00:05.000Z"
        async with client.post(f"{url}/__admin/reset") as response:
            assert response.status == 200
        assert (await admin(client, url, "clock"))["now"] == "2026-01-01T00:00:10.000Z"


async def test_the_servers_frozen_clock_is_that_of_every_new_sandbox(
    contract: Contract, client: aiohttp.ClientSession
) -> None:
    """It can be advanced in each; real is the server's own again."""
    async with serving(Engine(contract, clock=frozen_clock(parse_instant(NOON)))) as url:
        for box in (url, f"{url}/sandbox/new"):
            shown = await admin(client, box, "clock")
            assert (shown["now"], shown["mode"]) == ("2031-05-06T12:00:00.000Z", "frozen")
            advanced = await admin(client, box, "clock", {"advance": "1s"})
            assert (advanced["now"], advanced["mode"]) == ("2031-05-06T12:00:01.000Z", "frozen")
            assert (await admin(client, box, "clock", {"real": True}))["now"] == "2031-05-06T12:00:00.000Z"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"freeze": "noon"}, "bad-instant"),
        ({"freeze": "2024-01-01T00:00:00+99:99"}, "bad-instant"),
        ({"freeze": "2024-02-30T00:00:00Z"}, "bad-instant"),
        ({"set": "now"}, "bad-instant"),
        ({"freeze": "0001-01-01T00:00:00Z"}, "bad-instant"),
        ({"advance": "999999999999d"}, "bad-instant"),
        ({"advance": "soon"}, "bad-directive"),
        ({"advance": 90}, "bad-body"),
        ({"frezee": NOON}, "bad-body"),
        ({"freeze": NOON, "real": True}, "bad-body"),
        ({"real": False}, "bad-body"),
        ({}, "bad-body"),
    ],
)
async def test_a_bad_clock_is_refused(url: str, client: aiohttp.ClientSession, body: Any, kind: str) -> None:
    """400, and nothing is changed."""
    assert (await admin(client, url, "clock", body, 400))["type"].endswith(f":{kind}")
    assert (await admin(client, url, "clock"))["mode"] == "real"


async def test_settings_belong_to_one_sandbox(url: str, client: aiohttp.ClientSession) -> None:
    """Until its reset; settings that are not given stay."""
    box = f"{url}/sandbox/a"
    before = await admin(client, box, "settings")
    assert set(before) == {"error_status", "mock_headers", "require_headers", "seed", "utc_offset", "max_depth", "vary"}
    changed = {"error_status": 422, "mock_headers": False, "utc_offset": "+05:30"}
    assert await admin(client, box, "settings", changed) == {**before, **changed}
    status, body, headers = await answered(client, box, {})
    assert status == 422
    assert body["timestamp"].endswith("+05:30")
    assert not any(name.startswith("Mock-") for name in headers)
    assert (await answered(client, url, {}))[0] == 400
    await admin(client, box, "settings", {"mock_headers": True, "require_headers": ["X-Key"]})
    assert (await answered(client, box))[2]["Mock-Scenario"] == "unauthorized"
    assert (await answered(client, box, **{"X-Key": "1"}))[2]["Mock-Scenario"] == "activated-existing-customer"
    assert (await answered(client, url))[2]["Mock-Scenario"] == "activated-existing-customer"
    await admin(client, box, "reset", {}, method="POST")
    assert await admin(client, box, "settings") == before


async def test_mock_headers_can_be_left_out_of_every_answer(url: str, client: aiohttp.ClientSession) -> None:
    """Also of 405."""
    box = f"{url}/sandbox/a"
    await admin(client, box, "settings", {"mock_headers": False})
    async with client.get(box + PATH) as response:
        assert response.status == 405
        assert "Mock-Assumed" not in response.headers


async def test_a_seed_restarts_the_ids(url: str, client: aiohttp.ClientSession) -> None:
    """Other ids with another seed; records stay."""
    ids = []
    for seed in (5, 6, 5):
        box = f"{url}/sandbox/a"
        await admin(client, box, "reset", {}, method="POST")
        await admin(client, box, "settings", {"seed": seed})
        ids.append((await answered(client, box))[1]["payload"]["card_id"])
        assert (await answered(client, box))[2]["Mock-Scenario"] == "card-already-activated"
    assert ids[0] == ids[2] != ids[1]


async def test_a_variation_belongs_to_one_sandbox(url: str, client: aiohttp.ClientSession) -> None:
    """From the next request on, which is its first; set again, it starts again."""
    box = f"{url}/sandbox/a"
    for _ in range(2):
        await admin(client, box, "settings", {"vary": "7:headers"})
        for number in (1, 2):
            assert (await answered(client, box))[2]["Mock-Varied"] == f"7/{number}:headers"
    assert "Mock-Varied" not in (await answered(client, url))[2]
    await admin(client, box, "settings", {"vary": ""})
    assert "Mock-Varied" not in (await answered(client, box))[2]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"errorStatus": 400}, "Did you mean error_status?"),
        ({"error_status": 99}, "200"),
        ({"utc_offset": "Mexico"}, "utc_offset"),
        ({"require_headers": ["X Y"]}, "require_headers"),
        ({"max_sandboxes": 5}, "max_sandboxes"),
        ({"vary": 7}, "body.vary: expected a string, got a number."),
        ({"vary": "seven"}, "a seed with or without kinds, such as 7 or 7:order,time"),
        ({"vary": "7:ordr"}, 'got "ordr". Did you mean order?'),
        ([], "object"),
    ],
)
async def test_bad_settings_are_refused(url: str, client: aiohttp.ClientSession, body: Any, said: str) -> None:
    """By the same schema as in a contract file."""
    shown = await admin(client, url, "settings", body, 400)
    assert said in shown["detail"]


@pytest.mark.parametrize("given", [{"error_status": 422.0}, {"max_depth": 5.0}, {"seed": 1e30}])
async def test_an_integer_setting_refuses_a_float(
    url: str, client: aiohttp.ClientSession, given: dict[str, float]
) -> None:
    """To JSON Schema 422.0 is an integer, but it is no status to send."""
    async with client.put(f"{url}/__admin/settings", json=given) as response:
        assert response.status == 400
        assert problem(await response.read())["violations"][0]["keyword"] == "type"
