"""Limits: what is too long or too many is refused with a reason, and nothing is changed by it."""

import gc
import json
import tracemalloc
from dataclasses import replace

import aiohttp
import pytest

from mockserver import Contract, Engine, Request
from mockserver.server.head import MAX_HEADERS, MAX_LINE_BYTES
from tests.support import LASTING, PATH, head, problem, raw

MIB = 1_048_576


@pytest.mark.parametrize(
    "sent",
    [
        head("POST", PATH, "X-Long: " + "x" * (MAX_LINE_BYTES + 1), length=2) + b"{}",
        head("POST", PATH, *(f"X-{number}: x" for number in range(MAX_HEADERS + 1)), length=2) + b"{}",
        head("POST", PATH + "?" + "x" * (MAX_LINE_BYTES + 1), length=2) + b"{}",
        head("POST", PATH, "X-Long: " + "x" * 3 * MIB),
    ],
    ids=["long header", "many headers", "long target", "far more than is read at once"],
)
async def test_a_head_that_is_too_large_gets_431(url: str, client: aiohttp.ClientSession, sent: bytes) -> None:
    """A problem document tells the limits, and serving goes on."""
    top, _, body = (await raw(url, sent)).partition(b"\r\n\r\n")
    assert (top.split()[1], b"application/problem+json" in top) == (b"431", True)
    assert str(MAX_HEADERS) in problem(body)["detail"]
    async with client.post(url + PATH, json=LASTING) as response:
        assert response.status == 200


async def test_bytes_that_are_not_http_get_a_problem(url: str) -> None:
    """With 400, like every other refusal."""
    body = (await raw(url, b"no HTTP at all\r\n\r\n")).partition(b"\r\n\r\n")[2]
    assert problem(body)["type"].endswith("no-http")


async def test_a_hundred_headers_are_accepted(url: str) -> None:
    """The limit is not met by ordinary requests."""
    more = [f"X-{number}: x" for number in range(100)]
    body = json.dumps(LASTING).encode()
    sent = head("POST", PATH, "Connection: close", *more, length=len(body)) + body
    assert b" 200 " in (await raw(url, sent)).splitlines()[0]


async def test_a_body_nested_too_deep_is_refused(url: str, client: aiohttp.ClientSession) -> None:
    """Not a crash."""
    async with client.put(f"{url}/__admin/state/cards/X", data=b"[" * 100_000) as response:
        assert response.status == 400
        assert problem(await response.read())["type"].endswith("bad-body")


async def test_the_number_of_armed_outcomes_is_bounded(url: str, client: aiohttp.ClientSession) -> None:
    """One more is refused; those before stay."""
    statuses = []
    for _ in range(102):
        async with client.post(f"{url}/__admin/arm", json={"scenario": "unauthorized"}) as response:
            statuses.append(response.status)
            body = await response.read()
        if response.status >= 400:
            break
    assert statuses.pop() >= 400
    assert "makes room" in problem(body)["detail"]
    async with client.get(f"{url}/__admin/armed") as response:
        assert len((await response.json())["armed"]) == len(statuses) == 100


async def test_run_time_scenarios_are_bounded(url: str, client: aiohttp.ClientSession) -> None:
    """A sandbox takes so many and no more."""
    spec = {
        "assumed": ["malformed"],
        "when": {"body.customer_id": "x"},
        "respond": {"error": {"code": 1, "hints": ["x"]}},
    }
    taken = 0
    for number in range(60):
        async with client.put(f"{url}/__admin/scenarios/mine-{number}", json=spec) as response:
            body = await response.read()
        if response.status >= 400:
            break
        taken += 1
    assert taken == 50, body
    assert problem(body)["type"].endswith("too-many-scenarios")


async def test_the_number_of_answers_in_turn_is_bounded(url: str, client: aiohttp.ClientSession) -> None:
    """A hundred, armed or in a scenario."""
    turn = {"respond": {"error": {"code": 1}}}
    for count, status in ((100, 201), (101, 400)):
        armed = {"responses": [{"pass": True}] * count}
        given = {"documented": "Long.", "responses": [turn] * count}
        for method, path, spec in (("POST", "arm", armed), ("PUT", f"scenarios/long-{count}", given)):
            async with client.request(method, f"{url}/__admin/{path}", json=spec) as response:
                told = await response.read()
                assert response.status == status, told
            assert status == 201 or "at most 100" in problem(told)["detail"]


async def test_the_length_of_a_run_time_scenario_is_bounded(url: str, client: aiohttp.ClientSession) -> None:
    """A long one takes the server long to read."""
    text = "documented: Long.\nrespond: {error: {code: 1}}\n"
    for length, status in ((65_536, 201), (65_537, 413)):
        whole = text + "#" * (length - len(text))
        async with client.put(f"{url}/__admin/scenarios/long-{length}", data=whole.encode()) as response:
            assert response.status == status
            told = await response.read()
    assert problem(told)["limit"] == 65_536


@pytest.mark.parametrize(
    "prefix", ["/sandbox/" + "x" * 65, "/sandbox/a"], ids=["a sandbox's name", "a part of an admin path"]
)
async def test_the_length_of_names_is_bounded(url: str, client: aiohttp.ClientSession, prefix: str) -> None:
    """A longer name is refused."""
    async with client.get(f"{url}{prefix}/__admin/state/cards/{'x' * 600}") as response:
        assert response.status == 400
        assert problem(await response.read())["detail"]


def test_different_requests_leave_no_memory_behind(contract: Contract) -> None:
    """Heads and bodies of ever new names, without the journal."""
    engine = Engine(contract, settings=replace(contract.settings, journal_entries=1))

    def send(number: int) -> None:
        body = json.dumps({**LASTING, **{f"{number}-{n}-{'x' * 500}": 1 for n in range(100)}}).encode()
        headers = {f"x-{number}-{n}": "y" * 5_000 for n in range(10)}
        assert engine.handle_sync(Request("POST", PATH, body, headers)).status == 200

    for number in range(1, 5):
        send(number)
    tracemalloc.start()
    try:
        for number in range(5, 45):
            send(number)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < MIB // 2  # what came were 4 MiB
    finally:
        tracemalloc.stop()
