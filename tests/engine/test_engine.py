"""The way of a request through the engine: races, sandboxes that go, no room; and evidence made again later."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mockserver import Contract, Engine, Reply, Request, load
from mockserver.contract.loading import compile_runtime_scenario
from mockserver.core import problems
from mockserver.core.reply import Effects
from mockserver.decision.view import View
from mockserver.engine.engine import run_sync
from mockserver.entries.reconstruction import reconstruct
from mockserver.entries.views import entry_details, records_before_and_after
from mockserver.storage.coverage import Observation
from mockserver.storage.interface import CommitResult, Conflict, Entry, Full, Gone, StorageError
from mockserver.storage.memory import MemoryStorage
from mockserver.storage.memory_sandbox import MemorySandbox
from tests.support import LASTING, ONCE, PATH, PING, explain, folder, journal


def asked(body: object = LASTING, path: str = PATH, **headers: str) -> Request:
    """A request."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", path, json.dumps(body).encode(), {"content-type": "application/json", **named})


def test_run_now_refuses_a_coroutine_that_waits() -> None:
    """A storage that waits needs await; the coroutine is closed."""
    with pytest.raises(RuntimeError, match="await the coroutine instead"):
        run_sync(asyncio.sleep(0))


def answered(monkeypatch: pytest.MonkeyPatch, engine: Engine, *results: CommitResult) -> Reply:
    """The reply to a request whose first commits come to these results."""
    left = list(results)
    commit = MemorySandbox.commit

    async def once(
        self: MemorySandbox, view: View, effects: Effects, entry: Entry, observation: Observation
    ) -> CommitResult:
        return left.pop(0) if left else await commit(self, view, effects, entry, observation)

    with monkeypatch.context() as patch:
        patch.setattr(MemorySandbox, "commit", once)
        return engine.handle_sync(asked(ONCE, "/sandbox/a" + PATH))


def test_a_conflict_decides_again(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same entry and the same ids; the request counts once."""
    engine = Engine(contract)
    reply = answered(monkeypatch, engine, Conflict(), Conflict())
    assert (reply.status, reply.entry_id) == (200, "1")
    (entry,) = journal(engine, "a")
    assert entry.decision is not None
    assert entry.decision.new["card_id"] in reply.body.decode()
    assert run_sync(engine.storage.tally("a")).requests == 1


@pytest.mark.parametrize(
    ("result", "problem", "status"),
    [
        (Gone(), "sandbox-gone", 409),
        (Full("max_records", 7), "no-room-for-record", 507),
        (Full("max_state_bytes", 7), "no-room-for-state", 507),
    ],
)
def test_a_refused_commit_is_a_problem(
    contract: Contract, monkeypatch: pytest.MonkeyPatch, result: CommitResult, problem: str, status: int
) -> None:
    """With the id of the request's entry."""
    engine = Engine(contract)
    reply = answered(monkeypatch, engine, result)
    assert (reply.problem, reply.status, reply.entry_id, reply.sandbox) == (problem, status, "1", "a")
    (entry,) = journal(engine, "a")
    assert (entry.problem, entry.id, entry.decision) == (problem, "1", None)


def test_explain_says_of_each_bound_what_handle_does(contract: Contract) -> None:
    """Whether the records have room, to the byte."""
    said = {}
    for limit in range(500, 800):
        engine = Engine(contract, settings=replace(contract.settings, max_state_bytes=limit))
        explained = run_sync(engine.explain(asked(ONCE))).reply.status
        said[limit] = explained
        assert engine.handle_sync(asked(ONCE)).status == explained
    assert {*said.values()} == {200, 507}


def test_a_request_without_room_for_its_sandbox_is_refused(contract: Contract) -> None:
    """The entry has the sandbox's name."""
    engine = Engine(contract, settings=replace(contract.settings, max_sandboxes=1))
    assert engine.handle_sync(asked(path="/sandbox/a" + PATH)).status == 200
    reply = engine.handle_sync(asked(path="/sandbox/b" + PATH))
    assert (reply.problem, reply.status) == ("no-room-for-sandbox", 503)
    assert [entry.problem for entry in journal(engine, "b")] == ["no-room-for-sandbox"]


def test_a_derived_sandbox_without_room_is_named(contract: Contract) -> None:
    """Reply and entry have the name that came of the request's body, as `explain` says."""
    settings = replace(contract.settings, max_sandboxes=1, sandbox_from="body.customer_id")
    engine = Engine(contract, settings=settings)
    first, second = ({**ONCE, "customer_id": f"customer-{number}"} for number in (1, 2))
    assert engine.handle_sync(asked(first)).sandbox == "customer-1"
    assert engine.handle_sync(asked(second)).sandbox == run_sync(engine.explain(asked(second))).reply.sandbox
    assert [entry.problem for entry in journal(engine, "customer-2")] == ["no-room-for-sandbox"]


def test_a_storage_that_fails_is_a_problem(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says why, has no entry, and the next request is answered as usual."""

    async def fail(*_: object) -> None:
        raise StorageError("the store is away")

    engine = Engine(contract)
    with monkeypatch.context() as patch:
        patch.setattr(MemoryStorage, "use_sandbox", fail)
        patch.setattr(MemoryStorage, "add_entry", fail)
        unread = run_sync(engine.refuse(asked(), problems.too_slow(1)))
        for reply in (engine.handle_sync(asked()), engine.handle_sync(asked(path="/nowhere")), unread):
            assert (reply.status, reply.problem, reply.entry_id) == (503, "store-unavailable", "")
            assert json.loads(reply.body)["detail"].startswith("the store is away. ")
            assert ("Retry-After", "1") in reply.all_headers
    assert engine.handle_sync(asked(ONCE)).status == 200


def test_an_answer_whose_count_is_lost_is_still_delivered(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it any more."""

    async def fail(*_: object, **__: object) -> None:
        raise StorageError("the store is away")

    engine = Engine(contract)
    monkeypatch.setattr(MemoryStorage, "delivered", fail)
    assert engine.handle_sync(asked(ONCE)).status == 200


def test_a_refusal_counts_without_a_journal(contract: Contract) -> None:
    """Also in a sandbox that sends no mock headers."""
    engine = Engine(contract, settings=replace(contract.settings, journal_entries=0, mock_headers=False))
    reply = engine.handle_sync(asked(mock_scenario="nothing"))
    assert reply.entry_id == "1"
    assert not [name for name, _ in reply.all_headers if name.startswith("Mock-")]
    assert run_sync(engine.storage.tally("")).problems == 1


def test_values_derived_from_a_contract_are_kept_by_name(contract: Contract) -> None:
    """Until another contract is served."""
    engine, made = Engine(contract), list[int]()

    def make() -> int:
        made.append(1)
        return len(made)

    assert [engine.cached("a", make), engine.cached("a", make), engine.cached("b", make)] == [1, 1, 2]
    engine.use_contract(contract, contract.settings)
    assert engine.cached("a", make) == 3


def test_an_explanation_shows_the_refusal_of_the_request(contract: Contract) -> None:
    """A misspelt trigger or an unknown path; nothing is kept."""
    engine = Engine(contract)
    for request, problem in ((asked(mock_scenario="nothing"), "unknown-scenario"), (asked(path="/x"), "unknown-path")):
        assert explain(engine, request).reply.problem == problem
    assert explain(engine, asked(mock_scenario="rfc-invalid")).near_misses == ()
    assert journal(engine, None) == []


# -- made again from an entry -----------------------------------------------------------------------------

MANY = {
    "take.schema.json": '{"type": "object", "properties": {"id": {"type": "string"}, "ids": {"type": "array"}}}',
    "many.yaml": """\
format: 1
collections: {things: {open: false, members: {owner: {type: string}}, seeds: {a: {owner: me}, b: {owner: you}}}}
operations:
  take:
    request: POST /take
    body: take.schema.json
    lookups: {things: {in: things, keys: body.ids}, thing: {in: things, key: body.id}}
    envelopes: {plain: {status: 200, body: "${respond}"}}
""",
    "take.yaml": """\
format: 1
operation: take
scenarios:
- scenario: mine
  documented: Mine.
  when: {thing.owner: me}
  respond: {plain: mine}
  examples: [{request: {id: a}}]
- scenario: rest
  documented: Rest.
  respond: {plain: [{each: things, give: "${item.owner}"}]}
  examples: [{request: {ids: [a, b]}}]
""",
}


def test_records_of_a_lookup_of_many_are_reconstructed(tmp_path: Path) -> None:
    """In the facts of the decision; the details show single records only."""
    contract = load(folder(tmp_path / "many", MANY))
    engine = Engine(contract)
    for body in ({"ids": ["a", "b", "none"]}, {"id": "a", "ids": []}, {"id": "none"}):
        engine.handle_sync(asked(body, "/take"))
    many, one, none = journal(engine)[::-1]
    found: list[Any] = []
    for entry in (many, one, none):
        again = reconstruct(entry, contract, engine.storage.orders)
        assert again is not None
        found.append([record["owner"] for record in again.view.facts.records["things"]])
        assert [miss.scenario.id for miss in again.near_misses] == ([] if entry is one else ["mine"])
    assert found == [["me", "you"], [], []]
    keys = [[record["key"] for record in records_before_and_after(entry)] for entry in (many, one, none)]
    assert keys == [[], ["a"], []]


def test_near_misses_use_scenarios_that_still_compile(contract: Contract, tmp_path: Path) -> None:
    """A run-time scenario that the contract no longer fits is skipped."""
    engine, operation = Engine(contract), contract.operations[0]
    text = b"documented: Mine.\nwhen: {body.customer_id: other}\nrespond: {error: {code: 1}}\n"
    sandbox = run_sync(engine.storage.use_sandbox(""))
    assert sandbox is not None
    run_sync(sandbox.set_scenarios(operation, [compile_runtime_scenario(operation, text, "mine")], "mine"))
    engine.handle_sync(asked())
    (entry,) = journal(engine)
    shown = entry_details(entry, contract.hash, reconstruct(entry, contract, engine.storage.orders))
    assert "mine" in [miss["scenario"] for miss in shown["misses"]]
    assert shown["contract_changed"] is False
    other = load(overlays=[folder(tmp_path / "ping", PING)])
    shown = entry_details(entry, other.hash, reconstruct(entry, other))
    assert (shown["contract_changed"], "mine" in [miss["scenario"] for miss in shown["misses"]]) == (True, True)
    assert entry.decision is not None
    added = tuple(msgspec.structs.replace(one, text="respond: {eror: {}}") for one in entry.decision.added)
    decision = msgspec.structs.replace(entry.decision, added=added)
    again = reconstruct(msgspec.structs.replace(entry, decision=decision), contract)
    assert again is not None
    assert again.near_misses
    assert "mine" not in [miss.scenario.id for miss in again.near_misses]
