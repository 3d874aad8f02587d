"""Another contract for a store that has state: it is carried over as a reload does, and servers of the old one stop.

Tests of reloads run here as well: in place of each reload a new server adopts the state.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis

from mockserver import Contract, Engine, load
from mockserver.cli import store as cli_store
from mockserver.contract.loading import ContractFiles
from mockserver.redis_storage.connection import parse_address
from mockserver.redis_storage.sandbox import RedisSandbox
from mockserver.server import server as edge
from mockserver.storage.interface import StorageError
from tests.engine import test_reloading
from tests.engine.test_reloading import (  # noqa: F401 - they are collected here as well
    test_a_removed_operation_drops_its_armed_outcomes_and_scenarios,
    test_a_run_time_scenario_cannot_become_the_final_one,
    test_an_armed_outcome_whose_conditions_no_longer_compile_is_dropped,
    test_armed_outcomes_answer_from_the_new_contract,
    test_records_of_a_removed_collection_are_kept,
    test_records_stay_and_new_ids_do_not_repeat,
    test_records_that_no_longer_fit_are_kept,
    test_run_time_scenarios_survive_a_reload,
    test_turns_survive_a_reload,
)
from tests.support import PATIENCE, folder
from tests.support.contract_versions import version
from tests.support.stores import needs_redis, redis_server


class Servers(test_reloading.Mock):
    """Servers of one store, one after the other; requests go to the last."""

    def __init__(self, files: ContractFiles, client: aiohttp.ClientSession, stack: AsyncExitStack, store: str) -> None:
        super().__init__("", files, Engine(files.load()), client)
        self.stack = stack
        self.store = store
        self.notices: list[str] = []

    async def start(self, *, adopts: bool = True) -> None:
        """Start one more."""
        contract = self.files.load()
        shared = await asyncio.to_thread(
            cli_store.open_store, self.store, contract, lambda one: one, time.time_ns, b"", adopts=adopts
        )
        self.engine = Engine(contract, storage=shared.storage, sandbox_key=shared.sandbox_key)
        self.url = await self.stack.enter_async_context(edge.serving(self.engine))

    async def load(self, files: dict[str, str], status: int = 200) -> Any:
        """Have a new server adopt the state."""
        assert status == 200
        folder(self.files.folder or Path(), files)
        await self.start()
        *notes, last = self.notices
        assert last == f"carried the state of the store over to contract {self.engine.contract.hash}"
        self.notices.clear()
        return {"notes": notes}


@pytest.fixture
async def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Servers]:
    """A server of version A with a store of its own."""
    needs_redis()
    files = ContractFiles(folder(tmp_path / "orders", version("a")))
    async with AsyncExitStack() as stack, aiohttp.ClientSession() as client:
        servers = Servers(files, client, stack, redis_server().url())
        monkeypatch.setattr(cli_store, "print_notice", servers.notices.append)
        await servers.start()
        assert servers.notices == []
        yield servers


async def test_servers_of_the_old_contract_answer_no_more(orders: Servers) -> None:
    """Neither requests nor those who arm, explain or ask for its health; the new one counts what was answered."""
    await orders.ask("T1")
    old, old_hash = orders.url, orders.engine.contract.hash
    await orders.load(version("b"))
    reason = f"servers of contract {orders.engine.contract.hash} use the prefix "
    new, orders.url = orders.url, old
    for method, path in (("POST", "/order"), ("POST", "/sandbox/other/order"), ("POST", "/nothing")):
        async with orders.client.request(method, old + path, json={"thing": "T1"}) as response:
            assert (response.status, (await response.json())["type"].endswith("store-unavailable")) == (503, True)
    for method, path, body in (
        ("GET", "/health", None),
        ("POST", "/arm", {"scenario": "other"}),
        ("GET", "/state", None),
        ("GET", "/requests", None),
        ("POST", "/verify", {"when": {"body.thing": "T1"}}),
        ("GET", "/coverage", None),
        ("GET", "/coverage?sandbox_prefix=a", None),
        ("POST", "/explain", {"method": "POST", "path": "/order", "body": {"thing": "T1"}}),
    ):
        problem = await orders.admin(method, path, body, 503)
        assert problem["detail"].startswith(reason)
        assert f"this one has {old_hash}" in problem["detail"]
    orders.url = new
    assert (await orders.ask("T1"))[0] == "again"
    assert (await orders.admin("GET", "/health"))["contract"] == orders.engine.contract.hash
    last, first = (await orders.admin("GET", "/requests"))["requests"]
    for row, has_changed in ((first, True), (last, False)):
        assert (await orders.admin("GET", f"/requests/{row['id']}"))["contract_changed"] is has_changed
    assert (await orders.admin("GET", "/coverage"))["requests"] == 2


async def test_gauges_and_settings_are_carried_over(orders: Servers) -> None:
    """Armed outcomes, bytes, clock, settings of a sandbox; a seed stays with the ids that were given out."""
    own = "documented: Own\nwhen: {body.thing: OWN}\nrespond: {plain: {own: x}}\n"
    await orders.admin("PUT", "/scenarios/own", own, 201)
    for scenario in ("only-a", "other"):
        await orders.admin("POST", "/arm", {"scenario": scenario, "when": {"body.thing": "Z"}}, 201)
    await orders.admin("PUT", "/clock", {"freeze": "2026-01-02T03:04:05Z"})
    await orders.admin("PUT", "/settings", {"mock_headers": True, "error_status": 418})
    before = await orders.engine.storage.gauges()
    number = (await orders.ask("T1"))[1]["number"]
    files = version("b")
    files["orders.yaml"] += "settings: {seed: 7}\n"
    await orders.load(files)
    after = await orders.engine.storage.gauges()
    assert (before.armed, after.armed) == (2, 1)
    assert 0 < after.state_bytes < before.state_bytes + 500
    assert (await orders.admin("GET", "/clock"))["now"].startswith("2026-01-02T03:04:05")
    assert (await orders.admin("GET", "/settings"))["error_status"] == 418
    assert int((await orders.ask("T2"))[1]["number"]) == int(number) + 1
    await orders.admin("POST", "/reset")
    assert (await orders.engine.storage.gauges()).state_bytes == 0


async def test_a_process_that_dies_meanwhile_leaves_no_half(orders: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers until one adopts again, even one of the contract before."""
    await orders.ask("T1")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli_store, "carry_state_over", die)
    folder(orders.files.folder or Path(), version("b"))
    with pytest.raises(KeyboardInterrupt):
        cli_store.open_store(orders.store, orders.files.load(), lambda one: one, time.time_ns, b"", adopts=True)
    monkeypatch.undo()
    assert (await orders.admin("GET", "/health", status=503))["detail"].startswith("servers of contract ")
    monkeypatch.setattr(cli_store, "print_notice", orders.notices.append)
    await orders.load(version("a"))
    assert (await orders.ask("T1"))[0] == "again"


async def test_requests_that_are_being_answered_write_nothing(orders: Servers) -> None:
    """Nor does what a tester changes meanwhile: it is told that another contract is served."""
    await orders.ask("T1")
    old = orders.engine
    sandbox = await old.storage.find("")
    assert sandbox is not None
    await orders.load(version("b"))
    with pytest.raises(StorageError, match="servers of contract "):
        await sandbox.put_record("things", "T9", None)
    assert await (await _found(orders.engine)).is_written("things", "T9") is False


async def test_a_request_that_is_being_answered_gets_503(orders: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """As all that come later, not the problem of a sandbox that somebody reset; it has changed nothing."""
    decided, adopted = asyncio.Event(), asyncio.Event()
    commit = RedisSandbox.commit

    async def commit_late(*arguments: Any) -> Any:
        decided.set()
        await adopted.wait()
        return await commit(*arguments)

    monkeypatch.setattr(RedisSandbox, "commit", commit_late)
    asking = asyncio.ensure_future(orders.client.post(f"{orders.url}/order", json={"thing": "T1"}))
    await asyncio.wait_for(decided.wait(), PATIENCE)
    await orders.load(version("b"))
    adopted.set()
    async with await asking as response:
        assert (response.status, (await response.json())["type"].endswith("store-unavailable")) == (503, True)
    assert (await orders.ask("T1"))[0] == "placed"


async def _found(engine: Engine) -> Any:
    return await engine.storage.find("")


def refusal(capsys: pytest.CaptureFixture[str], orders: Servers, contract: Contract, *, adopts: bool = True) -> str:
    """Why a server of a contract does not start."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli_store.open_store(orders.store, contract, lambda one: one, time.time_ns, b"", adopts=adopts)
    assert ended.value.code == 1
    return capsys.readouterr().err.removeprefix("mockserver: ").rstrip()


async def test_what_cannot_be_carried_over_is_refused(
    orders: Servers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line; the servers of the store go on."""
    other = load(folder(tmp_path / "other", version("b")))
    assert refusal(capsys, orders, other, adopts=False).endswith(
        "give this one another prefix (?prefix=NAME), or carry its state over (--store-adopt)"
    )
    files = version("b")
    files["orders.yaml"] = files["orders.yaml"].replace("key: body.thing}", "key: body.thing, fold: lower}")
    folded = load(folder(tmp_path / "folded", files))
    assert refusal(capsys, orders, folded).startswith("keys of things are in lower case in one contract alone")
    address = parse_address(orders.store)
    with redis.Redis(port=redis_server().port) as client:
        kept: Any = client.get(address.key("bundle"))
        bundle = json.loads(kept)
        client.set(address.key("bundle"), json.dumps({**bundle, "schemas": {}}))
        assert refusal(capsys, orders, other).startswith("this version cannot read the contract in the store: ")
        client.delete(address.key("bundle"))
    assert refusal(capsys, orders, other).startswith("the store does not say what contract ")
    assert (await orders.ask("T1"))[0] == "placed"
