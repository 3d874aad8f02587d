"""Delays: fixed or drawn from the seeded source of a sandbox; in files, armed, by header."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mockserver import Contract, Engine, Request, load
from mockserver.admin.routes import routes
from mockserver.base.values import encode_json
from mockserver.decision.sandbox_names import SandboxPath
from mockserver.engine.engine import run_sync
from mockserver.http_api.api import AdminApi
from mockserver.server.server import serving
from tests.support import LASTING, PATH, explain, folder, journal

UNIFORM = {"uniform": ["10ms", "2s"]}
LOGNORMAL = {"lognormal": {"median": 100, "sigma": 0.5, "cap": "150ms"}}


def delays(
    contract: Contract,
    delay: Any,
    sandbox: str = "",
    seed: int = 0,
    count: int = 20,
    headers: Mapping[str, str] | None = None,
) -> list[float]:
    """The delays that so many requests get where one is armed."""
    engine = Engine(contract, settings=replace(contract.settings, seed=seed))
    if delay is not None:
        spec = encode_json({"delay": delay, "times": "always"})
        arm = AdminApi(engine, routes).handle("POST", SandboxPath(sandbox, "/__admin/arm"), {}, {}, spec)
        assert run_sync(arm).status == 201
    path = f"/sandbox/{sandbox}{PATH}" if sandbox else PATH
    return [
        engine.handle_sync(Request("POST", path, encode_json(LASTING), headers or {})).delay_ms for _ in range(count)
    ]


@pytest.mark.parametrize("delay", [UNIFORM, LOGNORMAL])
def test_the_same_seed_gives_the_same_delays(contract: Contract, delay: Any) -> None:
    """Each sandbox has a series, another seed another one."""
    series = delays(contract, delay, "a")
    assert series == delays(contract, delay, "a")
    assert series != delays(contract, delay, "b")
    assert series != delays(contract, delay, "a", seed=1)


def test_a_delay_follows_its_distribution(contract: Contract) -> None:
    """Uniform between two durations, lognormal around a median and below its cap, or fixed."""
    assert all(10 <= ms <= 2_000 for ms in delays(contract, UNIFORM, count=200))
    drawn = delays(contract, LOGNORMAL, count=200)
    assert max(drawn) == 150
    assert 50 < sum(ms < 100 for ms in drawn) < 150
    assert set(delays(contract, {"lognormal": {"median": 100, "sigma": 0, "cap": 150}})) == {100.0}
    assert set(delays(contract, "1.5s")) == {1_500.0}
    assert set(delays(contract, {"fixed": 3})) == {3.0}


def test_a_header_goes_before_an_armed_outcome(contract: Contract) -> None:
    """The armed outcome stays for the next request."""
    assert delays(contract, "1s", count=1, headers={"mock-delay": "5ms"}) == [5.0]


def test_a_scenario_in_a_file_has_its_delay(tmp_path: Path) -> None:
    """Each turn its own, or that of the scenario; only where the scenario answers."""
    text = """\
format: 1
operation: activateCardForCustomer
scenarios:
- scenario: slow
  documented: Slow.
  when: {header.x-slow: present}
  delay: 2ms
  responses:
  - {respond: {error: {code: 1}}, delay: {uniform: [5ms, 5ms]}}
  - {respond: {error: {code: 1}}}
"""
    slow = load(overlays=[folder(tmp_path / "slow", {"slow.yaml": text})])
    assert delays(slow, None, count=3, headers={"x-slow": "1"}) == [5.0, 2.0, 2.0]
    assert delays(slow, "1s", count=1, headers={"x-slow": "1"}) == [1_000.0]
    assert delays(slow, None, count=1) == [0.0]


def test_explaining_does_not_advance_the_series(contract: Contract) -> None:
    """The next request gets the explained delay."""
    engine = Engine(contract)
    spec = encode_json({"delay": UNIFORM, "times": "always"})
    run_sync(AdminApi(engine, routes).handle("POST", SandboxPath("", "/__admin/arm"), {}, {}, spec))
    request = Request("POST", PATH, encode_json(LASTING))
    for due in delays(contract, UNIFORM, count=3):
        assert explain(engine, request).reply.delay_ms == due
        assert engine.handle_sync(request).delay_ms == due


async def test_a_delayed_answer_holds_up_no_other(url: str, client: aiohttp.ClientSession) -> None:
    """It comes no sooner than asked for."""
    started = time.monotonic()
    slow = asyncio.create_task(client.post(url + PATH, json=LASTING, headers={"Mock-Delay": "400ms"}))
    async with client.post(url + PATH, json=LASTING) as response:
        assert response.status == 200
    async with await slow as response:
        assert response.status == 200
    assert time.monotonic() - started >= 0.4


async def test_a_delay_comes_before_a_fault(contract: Contract, client: aiohttp.ClientSession) -> None:
    """Both can be asked for at once."""
    engine = Engine(contract)
    async with serving(engine) as url:
        headers = {"Mock-Delay": "1ms", "Mock-Fault": "gateway; status=502"}
        async with client.post(url + PATH, json=LASTING, headers=headers) as response:
            assert response.status == 502
        (entry,) = journal(engine)
        assert (entry.delay_ms, entry.fault) == (1.0, "gateway")
