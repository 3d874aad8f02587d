"""Armed scenarios, faults and delays: who gets them, in which order, how long, and what is refused."""

import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from mockserver import Contract, Engine, load
from mockserver.contract.loading import ConfigError, compile_runtime_conditions, compile_runtime_scenario
from mockserver.core.faults import FAULTS
from mockserver.server.server import serving
from tests.support import LASTING, ONCE, PATH, folder, journal, problem

ADMIN = "/__admin"


async def admin(
    client: aiohttp.ClientSession, url: str, method: str, path: str, body: Any = None, status: int = 200
) -> Any:
    """One admin request, and what it answers."""
    async with client.request(method, f"{url}{ADMIN}{path}", json=body) as response:
        data = await response.read()
        assert response.status == status, data
    return json.loads(data) if status < 400 else problem(data)


async def met(client: aiohttp.ClientSession, url: str, body: Any = LASTING, **headers: str) -> tuple[str, str]:
    """The scenario that answers, and how it was triggered."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.post(url + PATH, json=body, headers=sent) as response:
        await response.read()
    return response.headers["Mock-Scenario"], response.headers["Mock-Trigger"]


ORDINARY = "activated-existing-customer"


async def test_a_scenario_is_armed_once_by_default(url: str, client: aiohttp.ClientSession) -> None:
    """The next request gets it, the one after it the ordinary answer."""
    armed = await admin(client, url, "POST", "/arm", {"scenario": "rfc-invalid"}, 201)
    assert armed == {
        "id": 1,
        "scenario": "rfc-invalid",
        "operation": "activateCardForCustomer",
        "left": 1,
        "used": 0,
    }
    assert await met(client, url) == ("rfc-invalid", "armed")
    assert (await met(client, url))[0] == ORDINARY
    assert await admin(client, url, "GET", "/armed") == {"armed": []}


async def test_a_code_arms_the_scenario_that_answers_with_it(url: str, client: aiohttp.ClientSession) -> None:
    """What is armed shows its id; a code of several scenarios, or of none, is refused."""
    armed = await admin(client, url, "POST", "/arm", {"scenario": "code=5001"}, 201)
    assert armed["scenario"] == "provider-communication"
    assert await met(client, url) == ("provider-communication", "armed")
    assert await met(client, url, Mock_Scenario="code=4433") == ("card-already-activated", "header")
    several = await admin(client, url, "POST", "/arm", {"scenario": "code=4400"}, 400)
    assert "pin-not-digits (PIN validations.)" in several["detail"]
    unknown = await admin(client, url, "POST", "/arm", {"responses": [{"scenario": "code=9"}]}, 400)
    assert unknown["type"].endswith("unknown-code")


async def test_only_matching_requests_use_an_armed_outcome(url: str, client: aiohttp.ClientSession) -> None:
    """Others get their ordinary answers."""
    await admin(
        client, url, "POST", "/arm", {"scenario": "rfc-invalid", "times": 2, "when": {"header.x-who": "a"}}, 201
    )
    assert (await met(client, url))[0] == ORDINARY
    assert (await met(client, url, x_who="a"))[0] == "rfc-invalid"
    (shown,) = (await admin(client, url, "GET", "/armed"))["armed"]
    assert (shown["left"], shown["used"], shown["when"]) == (1, 1, {"header.x-who": "a"})


async def test_always_lasts_until_it_is_removed(url: str, client: aiohttp.ClientSession) -> None:
    """By its id, or with all others."""
    for scenario in ("rfc-invalid", "email-taken"):
        await admin(client, url, "POST", "/arm", {"scenario": scenario, "times": "always"}, 201)
    assert [(await met(client, url))[0] for _ in range(3)] == ["rfc-invalid"] * 3
    assert (await admin(client, url, "DELETE", "/armed/1"))["armed"] == [1]
    assert (await met(client, url))[0] == "email-taken"
    assert (await admin(client, url, "DELETE", "/armed"))["armed"] == [2]
    assert (await met(client, url))[0] == ORDINARY
    assert (await admin(client, url, "DELETE", "/armed/2", status=404))["type"].endswith("not-armed")


async def test_a_header_goes_before_an_armed_outcome(url: str, client: aiohttp.ClientSession) -> None:
    """The armed outcome stays for the next request."""
    await admin(client, url, "POST", "/arm", {"scenario": "rfc-invalid"}, 201)
    assert await met(client, url, Mock_Scenario="email-taken") == ("email-taken", "header")
    assert await met(client, url) == ("rfc-invalid", "armed")


async def test_precedence_is_forced_armed_run_time_file(url: str, client: aiohttp.ClientSession) -> None:
    """The order in which a request is answered."""
    await admin(client, url, "POST", "/arm", {"scenario": "rfc-invalid"}, 201)
    mine = {"documented": "Mine.", "respond": {"error": {"code": 1}}}
    await admin(client, url, "PUT", "/scenarios/mine", mine, 201)
    assert await met(client, url, Mock_Scenario="email-taken") == ("email-taken", "header")
    assert await met(client, url) == ("rfc-invalid", "armed")
    assert await met(client, url) == ("mine", "default")
    await admin(client, url, "DELETE", "/scenarios/mine")
    assert await met(client, url) == (ORDINARY, "values")


async def test_an_armed_success_writes_nothing(url: str, client: aiohttp.ClientSession) -> None:
    """The request itself still succeeds afterwards, once."""
    await admin(client, url, "POST", "/arm", {"scenario": ORDINARY}, 201)
    assert [await met(client, url, ONCE) for _ in range(3)] == [
        (ORDINARY, "armed"),
        (ORDINARY, "values"),
        ("card-already-activated", "state"),
    ]


async def test_armed_answers_come_in_turn(url: str, client: aiohttp.ClientSession) -> None:
    """Fails twice, then works; with cycle it begins again."""
    turns = [{"scenario": "rfc-invalid", "times": 2}, {"pass": True}]
    await admin(client, url, "POST", "/arm", {"responses": turns}, 201)
    assert [(await met(client, url))[0] for _ in range(4)] == ["rfc-invalid"] * 2 + [ORDINARY] * 2
    await admin(client, url, "DELETE", "/armed")
    await admin(client, url, "POST", "/arm", {"responses": turns, "repeat": "cycle"}, 201)
    assert [(await met(client, url))[0] for _ in range(6)] == (["rfc-invalid"] * 2 + [ORDINARY]) * 2


async def test_armed_outcomes_belong_to_one_sandbox(url: str, client: aiohttp.ClientSession) -> None:
    """Until its reset; others get their ordinary answers."""
    box = f"{url}/sandbox/a"
    await admin(client, box, "POST", "/arm", {"scenario": "rfc-invalid", "times": "always"}, 201)
    assert ((await met(client, url))[0], (await met(client, box))[0]) == (ORDINARY, "rfc-invalid")
    await admin(client, box, "POST", "/reset")
    assert (await met(client, box))[0] == ORDINARY


async def test_a_delay_is_armed_with_a_scenario_or_alone(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Alone, the ordinary answer comes later, and writes."""
    engine = Engine(contract)
    async with serving(engine) as url:
        await admin(client, url, "POST", "/arm", {"scenario": "rfc-invalid", "delay": "2ms"}, 201)
        await admin(client, url, "POST", "/arm", {"delay": 3}, 201)
        assert [(await met(client, url, ONCE))[0] for _ in range(3)] == [
            "rfc-invalid",
            ORDINARY,
            "card-already-activated",
        ]
        assert [entry.delay_ms for entry in journal(engine)] == [0.0, 3.0, 2.0]


@pytest.mark.parametrize(
    ("spec", "kind", "said"),
    [
        ({"scenario": "rfc-invalit"}, "unknown-scenario", "Did you mean rfc-invalid"),
        ({"scenario": "rfc-invalid", "operation": "activateCard"}, "unknown-operation", "activateCardForCustomer"),
        ({"fault": "rest"}, "bad-directive", "Did you mean reset?"),
        ({"fault": {"kind": "hang", "secnds": 1}}, "bad-directive", "Did you mean seconds?"),
        ({"delay": "soon"}, "bad-directive", "1500ms"),
        ({"delay": "301s"}, "bad-directive", "300 s"),
        ({}, "bad-arming", "a scenario, a fault or a delay"),
        ({"times": 2}, "bad-arming", "a scenario, a fault or a delay"),
        ({"scenario": "rfc-invalid", "commit": True}, "bad-arming", "give a fault"),
        ({"repeat": "last", "scenario": "rfc-invalid"}, "bad-arming", "last of them"),
        ({"responses": [{"pass": True}], "scenario": "x"}, "bad-arming", "cannot stand beside"),
        ({"responses": [{"pass": True, "fault": "reset"}]}, "bad-arming", "pass: true alone"),
        ({"responses": []}, "bad-body", "responses"),
        ({"scenario": "rfc-invalid", "times": 0}, "bad-body", "body.times: expected a number of at least 1"),
        ({"scenario": "rfc-invalid", "times": "two"}, "bad-body", 'body.times: expected a number or \\"always\\"'),
        ({"scenario": "rfc-invalid", "times": 2.0}, "bad-body", "times"),
        ({"scenario": "rfc-invalid", "tims": 1}, "bad-body", "Did you mean times?"),
        ({"scenario": "rfc-invalid", "when": {"bdy.pin": "x"}}, "bad-when", "request body:1:1"),
        ({"scenario": "rfc-invalid", "when": {}}, "bad-when", "request body:1:1"),
    ],
)
async def test_a_bad_arm_request_is_refused(
    url: str, client: aiohttp.ClientSession, spec: dict[str, Any], kind: str, said: str
) -> None:
    """400 with what was expected and near spellings; nothing is armed."""
    shown = await admin(client, url, "POST", "/arm", spec, 400)
    assert shown["type"].endswith(f":{kind}")
    assert said in json.dumps(shown)
    assert await admin(client, url, "GET", "/armed") == {"armed": []}


async def test_an_armed_condition_holds_no_account_number(url: str, client: aiohttp.ClientSession) -> None:
    """The journal masks them, so that no entry could say why it matched; a claim and a scenario are refused alike."""
    when = {"body.card_identifier": {"in": ["a", "4111-1111-1111-1111"]}}
    for path, spec in (("arm", {"scenario": "rfc-invalid", "when": when}), ("verify", {"when": when})):
        async with client.post(f"{url}/__admin/{path}", json=spec) as response:
            shown = problem(await response.read())
        assert (response.status, shown["type"]) == (400, "urn:mockserver:problem:bad-when")
        assert "a payment account number, which no condition may compare" in shown["detail"]
        assert "4111" not in json.dumps(shown)
    scenario = {"assumed": ["method"], "when": when, "respond": {"error": {"code": 1}}}
    shown = await admin(client, url, "PUT", "/scenarios/mine", scenario, 400)
    assert "4111" not in shown["detail"]


async def test_all_bad_conditions_are_reported(url: str, client: aiohttp.ClientSession) -> None:
    """Each with expected, got and hint."""
    when = {"bdy.x": 1, "body.customer_id": {"matchs": "x"}}
    shown = await admin(client, url, "POST", "/arm", {"fault": "reset", "when": when}, 400)
    assert all(set(one) == {"at", "what", "expected", "came", "try", "did_you_mean"} for one in shown["errors"])
    assert "did you mean matches?" in {one["try"] for one in shown["errors"]}
    assert {one["came"]: one["did_you_mean"] for one in shown["errors"]} == {"matchs": ["matches"]}
    shown = await admin(client, url, "POST", "/arm", {"fault": "reset", "when": {"customer_id": "1"}}, 400)
    assert shown["errors"][0]["did_you_mean"] == ["body.customer_id"]
    shown = await admin(client, url, "POST", "/arm", {"falt": "reset"}, 400)
    assert (shown["violations"][0]["at"], shown["did_you_mean"]) == ("body.falt", ["fault"])


async def test_every_fault_is_described_with_its_settings(url: str, client: aiohttp.ClientSession) -> None:
    """In the OpenAPI document, as it can be armed."""
    paths = (await admin(client, url, "GET", "/openapi.json"))["paths"]
    body = paths["/__admin/arm"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    described = body["properties"]["fault"]["examples"]
    assert [one["kind"] for one in described] == list(FAULTS)
    assert {"seconds": 30.0, "kind": "hang"} in described
    for one in described:
        given = {name: value for name, value in one.items() if value is not None}
        await admin(client, url, "POST", "/arm", {"fault": given, "commit": True}, status=201)


async def test_at_most_a_hundred_outcomes_are_armed(url: str, client: aiohttp.ClientSession) -> None:
    """The next is refused, and says how to make room."""
    for _ in range(100):
        await admin(client, url, "POST", "/arm", {"delay": 0}, 201)
    shown = await admin(client, url, "POST", "/arm", {"delay": 0}, 409)
    assert "DELETE /__admin/armed" in shown["detail"]


async def test_a_scenario_of_several_operations_needs_the_operation(
    tmp_path: Any, client: aiohttp.ClientSession
) -> None:
    """A scenario that only one of them has does not."""
    from tests.support import PING  # noqa: PLC0415 - only here

    contract = load(overlays=[folder(tmp_path / "ping", PING)])
    async with serving(Engine(contract)) as url:
        assert (await admin(client, url, "POST", "/arm", {"scenario": "pong"}, 201))["operation"] == "ping"
        shown = await admin(client, url, "POST", "/arm", {"fault": "reset"}, 400)
        assert shown["operations"] == ["activateCardForCustomer", "ping"]
        armed = await admin(client, url, "POST", "/arm", {"fault": "reset", "operation": "ping"}, 201)
        assert armed["operation"] == "ping"
        assert (await met(client, url))[0] == ORDINARY


async def test_what_is_armed_counts_for_the_bytes_of_all(contract: Contract, client: aiohttp.ClientSession) -> None:
    """507 where there is no room, for run-time scenarios too; a reset of all makes room."""
    engine = Engine(contract, settings=replace(contract.settings, max_state_bytes=20_000))
    async with serving(engine) as url:
        spec = {"scenario": "rfc-invalid", "when": {"body.device_id": "x" * 10_000}}
        await admin(client, url, "POST", "/arm", spec, 201)
        shown = await admin(client, f"{url}/sandbox/a", "POST", "/arm", spec, 507)
        assert (shown["type"], shown["limit"]) == ("urn:mockserver:problem:no-room-for-state", 20_000)
        assert "max_state_bytes" in shown["detail"]
        scenario = {"documented": "D.", "when": {"body.device_id": "x" * 1_500}, "respond": {"error": {"code": 1}}}
        shown = await admin(client, url, "PUT", "/scenarios/mine", scenario, 507)
        assert shown["type"].endswith(":no-room-for-state")
        async with client.post(url + PATH, json={**LASTING, "card_identifier": "c" * 8_000}) as response:
            assert response.status == 507
        await admin(client, url, "POST", "/reset?all=true")
        await admin(client, url, "PUT", "/scenarios/mine", scenario, 201)


async def test_too_many_conditions_for_run_time_are_refused(client: aiohttp.ClientSession, url: str) -> None:
    """Each request would try them; a group counts with all that is in it."""
    when = {"any": [{"body.device_id": f"D{number}"} for number in range(400)]}
    shown = await admin(client, url, "POST", "/arm", {"scenario": "rfc-invalid", "when": when}, 400)
    assert "expected at most 400 members" in shown["detail"]
    scenario = {"documented": "D.", "when": when, "respond": {"error": {"code": 1}}}
    shown = await admin(client, url, "PUT", "/scenarios/mine", scenario, 400)
    assert shown["errors"][0]["came"] == "401"
    when["any"].pop()
    await admin(client, url, "POST", "/arm", {"scenario": "rfc-invalid", "when": when}, 201)


def test_too_many_conditions_are_refused_before_they_are_compiled(contract: Contract) -> None:
    """A request for a hundred thousand holds up nobody; what is no scenario at all is told as that."""
    operation = contract.operations[0]
    when = {"any": [{"body.device_id": {"unknown": number}} for number in range(100_000)]}
    with pytest.raises(ConfigError, match="too many conditions") as refused:
        compile_runtime_conditions(operation, when)
    assert len(refused.value.diagnostics) == 1
    for text in (b"5", b"[]", b"text"):
        with pytest.raises(ConfigError, match="expected"):
            compile_runtime_scenario(operation, text, "own")
