"""Any storage: many requests at once for the same thing, with and without waits between look and commit."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from mockserver import Contract, Engine, Reply, Request
from mockserver.core.contract import Operation, Turn, Turns
from mockserver.core.faults import Fault
from mockserver.core.model import Document
from mockserver.core.reply import Effects
from mockserver.decision.view import ArmedOutcome, View
from mockserver.engine.engine import run_sync
from mockserver.redis_storage import connection, queues
from mockserver.storage.coverage import Observation
from mockserver.storage.interface import CommitResult, Entry, FirstLook, Sandbox
from mockserver.storage.memory import MemoryStorage
from tests.storage.storages import storages
from tests.support import BATCH, ONCE, PATH, PATIENCE

SUCCESS = "activated-existing-customer"
AGAIN = "card-already-activated"


class Waiting:
    """What is asked of an object goes to another one; see `WaitingStorage`."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        """Of the other one."""
        return getattr(self.inner, name)


class WaitingSandbox(Waiting):
    """Waits before and after each look and each commit, as one on another machine does."""

    async def look(self, operation: Operation, document: Document) -> View:
        """Let others go first."""
        await asyncio.sleep(0)
        view: View = await self.inner.look(operation, document)
        await asyncio.sleep(0)
        return view

    async def commit(self, view: View, effects: Effects, entry: Entry, observation: Observation) -> CommitResult:
        """Let others go first."""
        await asyncio.sleep(0)
        result: CommitResult = await self.inner.commit(view, effects, entry, observation)
        await asyncio.sleep(0)
        return result


class WaitingStorage(Waiting):
    """A storage whose sandboxes wait, so that requests really race."""

    def queue(self, name: str) -> AbstractAsyncContextManager[None]:
        """Nobody waits for the requests before."""
        queue: AbstractAsyncContextManager[None] = self.inner.queue(name)
        return queue

    async def use_sandbox(self, name: str, first_look: FirstLook | None = None) -> WaitingSandbox | None:
        """One that waits."""
        await asyncio.sleep(0)
        sandbox = await self.inner.use_sandbox(name, first_look)
        return None if sandbox is None else WaitingSandbox(sandbox)


@pytest.fixture(params=["memory", "memory with waits", "redis"])
async def engine(
    request: pytest.FixtureRequest, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Engine]:
    """An engine with such a storage; on a machine that is busy with other things its requests wait longer."""
    for module, limit in ((queues, "WAIT_SECONDS"), (connection, "ANSWER_SECONDS"), (connection, "CONNECT_SECONDS")):
        monkeypatch.setattr(module, limit, PATIENCE)
    kind, _, waits = request.param.partition(" ")
    async with storages(kind) as make_storage:
        storage: Any = make_storage(contract, contract.settings)
        yield Engine(contract, storage=WaitingStorage(storage) if waits else storage)


def sent(body: object, path: str = PATH) -> Request:
    return Request("POST", path, json.dumps(body).encode())


async def handled(engine: Engine, requests: list[Request]) -> list[Reply]:
    """All of them at once, with their answers delivered."""

    async def one(request: Request) -> Reply:
        reply = await engine.handle(request)
        await engine.delivered(reply)
        return reply

    return await asyncio.gather(*map(one, requests))


def scenarios(replies: list[Reply]) -> Counter[str]:
    return Counter(
        reply.decision.scenario.id if reply.decision is not None else reply.problem or "" for reply in replies
    )


def payload(reply: Reply) -> Any:
    return json.loads(reply.body)["payload"]


async def default_sandbox(engine: Engine) -> Sandbox:
    sandbox = await engine.storage.find("")
    assert sandbox is not None
    return sandbox


async def test_a_card_is_activated_once(engine: Engine) -> None:
    """Of three hundred requests one succeeds; all others see what it did, and who it was."""
    replies = await handled(engine, [sent(ONCE)] * 300)
    assert scenarios(replies) == {SUCCESS: 1, AGAIN: 299}
    (winner,) = [reply for reply in replies if reply.status == 200]
    causes = {reply.decision.cause_entry_id for reply in replies if reply.decision is not None and reply is not winner}
    assert causes == {winner.entry_id}
    assert len(await engine.storage.entries("")) == 300
    assert len({reply.entry_id for reply in replies}) == 300
    tally = await engine.storage.tally("")
    assert (tally.requests, tally.counts_of(engine.contract.operations[0].by_id[SUCCESS]).delivered) == (300, 1)


async def test_parallel_requests_get_ids_in_a_row(engine: Engine) -> None:
    """A hundred new customers at once get a hundred ids."""
    person = {"first_name": "Laura", "last_name": "Pérez"}
    bodies = [{"customer": person, "card_identifier": f"C{n}", "reference_batch": BATCH} for n in range(100)]
    replies = await handled(engine, [sent(body) for body in bodies])
    assert scenarios(replies) == {"activated-new-customer": 100}
    one_by_one = Engine(engine.contract)
    wanted = [payload(one_by_one.handle_sync(sent(body))) for body in bodies]
    for member in ("customer_id", "card_id"):
        assert sorted(payload(reply)[member] for reply in replies) == sorted(one[member] for one in wanted)
    state = await (await default_sandbox(engine)).state()
    assert (len(state.records["cards"]), len(state.records["customers"])) == (100, 100)
    assert {one.used for one in state.counters.values()} == {100}


async def test_failed_requests_use_no_ids(engine: Engine) -> None:
    """The next success gets the next number."""
    await handled(engine, [sent(ONCE)] * 50)
    first, second = Engine(engine.contract), engine
    first.handle_sync(sent(ONCE))
    after = sent({**ONCE, "card_identifier": "CARD-002", "customer_id": "other"})
    (reply,) = await handled(second, [after])
    assert payload(reply) == payload(first.handle_sync(after))


async def test_parallel_sandboxes_are_independent(engine: Engine) -> None:
    """One success in each."""
    requests = [sent(ONCE, f"/sandbox/s{n % 10}{PATH}") for n in range(200)]
    replies = await handled(engine, requests)
    assert scenarios(replies) == {SUCCESS: 10, AGAIN: 190}
    assert {reply.sandbox for reply in replies if reply.status == 200} == {f"s{n}" for n in range(10)}


def test_a_storage_that_waits_needs_an_event_loop(contract: Contract) -> None:
    """Without one the call is refused and nothing is done."""
    storage: Any = WaitingStorage(MemoryStorage(contract, contract.settings))
    with pytest.raises(RuntimeError, match="the storage has to wait"):
        Engine(contract, storage=storage).handle_sync(sent(ONCE))
    assert run_sync(storage.gauges()).sandboxes == 0


async def test_parallel_requests_use_an_armed_outcome_seven_times(engine: Engine) -> None:
    """Seven of fifty, in any order."""
    operation = engine.contract.operations[0]
    sandbox = await engine.storage.use_sandbox("")
    assert sandbox is not None
    turns = Turns((Turn(operation.by_id["rfc-invalid"], times=3), Turn(fault=Fault("gateway"), times=4)))
    await sandbox.arm(lambda number: ArmedOutcome(number, operation.id, turns, 7, (), {}))
    replies = await handled(engine, [sent(ONCE)] * 50)
    assert scenarios(replies)["rfc-invalid"] == 3
    assert sum(reply.fault is not None for reply in replies) == 4
    assert scenarios(replies)[SUCCESS] + scenarios(replies)[AGAIN] == 47
    assert sum(bool(reply.decision and reply.decision.applies_changes) for reply in replies) == 1
    assert (await default_sandbox(engine)).armed == ()


async def test_parallel_writes_to_one_list_lose_nothing(engine: Engine) -> None:
    """Twenty cards of one customer, all in the record."""
    owner = {**ONCE, "customer_id": "TEST-ENTERPRISE"}
    replies = await handled(engine, [sent({**owner, "card_identifier": f"C{n}"}) for n in range(20)])
    assert scenarios(replies) == {SUCCESS: 20}
    record = await (await default_sandbox(engine)).find_record("customers", owner["customer_id"])
    assert record is not None
    assert sorted(record.visible["cards"]) == sorted(f"C{n}" for n in range(20))


async def test_a_reset_among_requests_leaves_nothing_half_done(engine: Engine) -> None:
    """Requests that began before are refused whole."""

    async def reset() -> list[Reply]:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await engine.storage.reset("")
        return []

    other = {**ONCE, "card_identifier": "C2", "customer_id": "other"}
    before, _, after = await asyncio.gather(
        handled(engine, [sent(ONCE)] * 20), reset(), handled(engine, [sent(other)] * 20)
    )
    met = scenarios([*before, *after])
    assert set(met) <= {SUCCESS, AGAIN, "sandbox-gone"}
    refused = [reply for reply in (*before, *after) if reply.problem == "sandbox-gone"]
    assert all((reply.status, reply.decision) == (409, None) for reply in refused)
    sandbox = await engine.storage.use_sandbox("")
    assert sandbox is not None
    for replies, key in ((before, "CARD-001"), (after, "C2")):
        record = await sandbox.find_record("cards", key)
        assert record is not None
        kept = [reply.entry_id for reply in replies if reply.status == 200]
        assert record.origin == "default" or record.entry_id in kept
