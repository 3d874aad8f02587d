"""Any storage: which sandboxes there are, how long, and what is left of those that are gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mockserver.core.model import Record
from mockserver.core.reply import Effects
from mockserver.storage.coverage import Observation
from mockserver.storage.interface import Committed, Entry, Gone, ReloadedSandbox, StorageError
from tests.storage.storages import FILES, Mock, NewMock, use_contract, write


async def test_a_sandbox_is_made_on_first_use(mock: Mock) -> None:
    """Peeking at one makes none."""
    for name in ("", "a"):
        assert await mock.storage.find(name) is None
        peeked = await mock.storage.peek(name)
        assert peeked is not None
        assert (peeked.name, peeked.settings, peeked.own_settings, peeked.armed) == (name, mock.settings, {}, ())
        assert (await peeked.look(mock.operation, mock.document(thing="x"))).lookups.found["thing"][
            0
        ].origin == "default"
    assert await mock.storage.sandbox_names() == ()
    made = await mock.sandbox("a")
    await made.configure({"seed": 7})
    for found in (await mock.storage.find("a"), await mock.storage.peek("a"), await mock.sandbox("a")):
        assert found is not None
        assert (found.name, found.settings.seed) == ("a", 7)
    await mock.sandbox("")
    assert set(await mock.storage.sandbox_names()) == {"", "a"}
    assert [one.name for one in await mock.storage.sandboxes()] == list(await mock.storage.sandbox_names())
    assert (await mock.storage.gauges()).sandboxes == 2


async def test_the_longest_idle_sandbox_is_evicted(new_mock: NewMock) -> None:
    """Without an idle one there is no room; the default sandbox stays."""
    mock = new_mock(max_sandboxes=2, sandbox_ttl=60)
    for name in ("", "a", "b"):
        await mock.sandbox(name)
    mock.clock.idle = 30
    await mock.sandbox("a")
    mock.clock.idle = 59.9
    assert await mock.storage.use_sandbox("c") is None
    assert await mock.storage.peek("c") is None
    mock.clock.idle = 60
    assert await mock.storage.peek("c") is not None
    assert set(await mock.storage.sandbox_names()) == {"", "a", "b"}
    await mock.sandbox("c")
    assert set(await mock.storage.sandbox_names()) == {"", "a", "c"}
    assert await mock.storage.use_sandbox("d") is None
    assert ((await mock.storage.gauges()).sandboxes, (await mock.storage.gauges()).evictions) == (3, 1)


async def test_finding_and_peeking_do_not_renew_a_sandbox(new_mock: NewMock) -> None:
    """Only requests do."""
    mock = new_mock(max_sandboxes=1, sandbox_ttl=60)
    await mock.sandbox("a")
    mock.clock.idle = 60
    await mock.storage.find("a")
    await mock.storage.peek("a")
    assert await mock.storage.use_sandbox("b") is not None


async def test_an_evicted_sandbox_is_incomplete(new_mock: NewMock) -> None:
    """Made again or not, until a reset."""
    mock = new_mock(max_sandboxes=1, sandbox_ttl=0)
    await mock.commit(await mock.look("a", thing="x"), write(size=1))
    await mock.storage.delivered("a", mock.entries[0], complete=True)
    assert not await mock.storage.was_evicted("a")
    await mock.sandbox("b")
    assert (await mock.storage.was_evicted("a"), await mock.storage.was_evicted("b")) == (True, False)
    assert (await mock.sandbox("a")).evicted_before
    assert await mock.storage.was_evicted("a")
    assert await mock.size("x", "a") == 0
    assert (await mock.storage.tally("a")).requests == 0
    assert (await mock.storage.tally(None)).requests == 1
    assert await mock.storage.reset("a")
    assert not await mock.storage.was_evicted("a")
    assert not await mock.storage.reset("b")  # evicted by "a"
    assert not await mock.storage.was_evicted("b")
    assert not (await mock.sandbox("b")).evicted_before


async def test_a_sandbox_with_an_answer_in_flight_is_not_evicted(new_mock: NewMock) -> None:
    """From commit to delivery; another idle one goes instead."""
    mock = new_mock(max_sandboxes=2, sandbox_ttl=60)
    first = await mock.send("a", complete=None)
    second = await mock.send("a", complete=None)
    await mock.sandbox("b")
    mock.clock.idle = 300
    await mock.sandbox("c")
    assert set(await mock.storage.sandbox_names()) == {"a", "c"}
    mock.clock.idle = 600
    for entry in (first, second):
        assert await mock.storage.peek("d") is not None  # in the place of "c"
        sandbox = await mock.storage.find("a")
        assert sandbox is not None
        await mock.storage.delivered("a", entry, complete=False)
    await mock.sandbox("d")
    assert set(await mock.storage.sandbox_names()) == {"c", "d"}


async def test_a_commit_to_an_evicted_sandbox_is_refused(new_mock: NewMock) -> None:
    """A request before its commit does not hold its sandbox."""
    mock = new_mock(max_sandboxes=1, sandbox_ttl=0)
    old, view = await mock.sandbox("a"), await mock.look("a", thing="x")
    await mock.sandbox("b")
    assert await mock.commit(view, write(size=1), sandbox=old) == Gone()
    assert await mock.storage.entries(None) == []


async def test_a_reset_restores_one_sandbox(mock: Mock) -> None:
    """Records, ids, armed, turns, clock, settings, scenarios, journal and counts."""
    for name in ("a", "b"):
        sandbox = await mock.sandbox(name)
        await mock.arm(5, name)
        await sandbox.configure({"mock_headers": False})
        await sandbox.set_scenarios(mock.operation, mock.operation.scenarios[:1], "flaky")
        effects = Effects(
            writes=write(size=1).writes, consumed_id_names=("ticket",), counted_scenarios=("flaky",), drew_delay=True
        )
        assert await mock.commit(await mock.look(name, thing="x"), effects) == Committed()
        await mock.storage.delivered(name, mock.entries[-1], complete=True)
    fresh = (await mock.look("c", thing="x")).facts.new
    assert await mock.storage.reset("a")
    assert not await mock.storage.reset("never seen")
    assert await mock.storage.find("a") is None
    assert [entry.sandbox for entry in await mock.storage.entries(None)] == ["b"]
    view, other = await mock.look("a", thing="x"), await mock.look("b", thing="x")
    assert (view.armed, view.turn_counts, view.delays_drawn, view.lookups.found["thing"][0].origin) == (
        (),
        {},
        0,
        "default",
    )
    assert (len(other.armed), other.turn_counts, other.delays_drawn, other.facts.records["thing"]["size"]) == (
        1,
        {"flaky": 1},
        1,
        1,
    )
    assert (await mock.sandbox("a")).settings == mock.settings
    assert (await mock.sandbox("a")).runtime_scenarios == {}
    assert view.facts.new["ticket"] != fresh["ticket"]
    assert [(await mock.storage.tally(name)).requests for name in ("a", "b", None)] == [0, 1, 2]


async def test_a_reset_of_all_forgets_all_sandboxes(new_mock: NewMock) -> None:
    """It names those that existed."""
    mock = new_mock(max_sandboxes=1, sandbox_ttl=0, journal_entries=1)
    for name in ("", "a", "b"):
        await mock.send(name)
    assert set(await mock.storage.reset_all()) == {"", "b"}
    assert await mock.storage.sandbox_names() == ()
    assert await mock.storage.entries(None) == []
    for name in ("", "a", "b"):
        assert not await mock.storage.was_evicted(name)
        assert await mock.storage.lost_entries(name) == 0
    assert (await mock.storage.tally(None)).requests == 0
    assert ((await mock.storage.gauges()).journal_bytes, (await mock.storage.gauges()).armed) == (0, 0)


async def test_armed_outcomes_are_counted_over_all_sandboxes(mock: Mock) -> None:
    """Over those that exist."""
    for name in ("", "a", "a"):
        await mock.arm(name=name)
    assert (await mock.storage.gauges()).armed == 3


# -- counts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("complete", "fault", "met", "faults"),
    [
        (True, "", 1, {}),
        (False, "", 0, {}),
        (True, "reset", 0, {"reset": 1}),
        (False, "reset", 0, {"reset": 1}),
        (True, "dribble", 1, {"dribble": 1}),
        (False, "dribble", 0, {"dribble": 1}),
    ],
)
async def test_an_outcome_counts_once_its_answer_was_delivered(
    mock: Mock, complete: bool, fault: str, met: int, faults: dict[str, int]
) -> None:
    """Not before, not twice, not if the client left or a fault took it."""
    entry = await mock.send("a", complete=None, fault=fault)
    rest = mock.operation.by_id["rest"]
    assert (await mock.storage.tally("a")).requests == 0
    for _ in range(2):
        await mock.storage.delivered("a", entry, complete=complete)
        for name in ("a", None):
            tally = await mock.storage.tally(name)
            assert (tally.requests, tally.counts_of(rest).delivered, tally.counts_of(rest).faults) == (1, met, faults)
    await mock.storage.delivered("a", "12345", complete=True)
    assert (await mock.storage.tally("a")).requests == 1
    assert (await mock.storage.tally("b")).requests == 0


async def test_a_refusal_counts_for_the_sandbox_it_named(mock: Mock) -> None:
    """None is made for it."""
    entry = Entry(await mock.storage.next_entry_id(), "typo", b"{}")
    await mock.storage.add_entry(entry, Observation("typo", 1))
    assert await mock.storage.entries("typo") == [entry]
    assert ((await mock.storage.tally("typo")).problems, await mock.storage.find("typo")) == (1, None)


# -- another contract -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make_storage", ["memory"], indirect=True)
async def test_a_reload_keeps_records_and_ids(mock: Mock, tmp_path: Path) -> None:
    """In one step for all sandboxes."""
    await mock.commit(await mock.look("a", thing="x"), replace_new(write(size=3)))
    armed = await mock.arm(name="a")
    text = FILES["contract.yaml"].replace("seeded: {size: 1}", "seeded: {size: 2}").replace("first: 100", "first: 90")
    contract = use_contract(tmp_path / "other", {"contract.yaml": text})
    settings = replace(contract.settings, journal_entries=1)
    own = replace(settings, mock_headers=False)
    added = {"use": contract.operations[0].scenarios[:1]}
    carried = {"a": ReloadedSandbox(own, added, (armed,), {"use": {"flaky": 7}})}
    await mock.storage.use_contract(contract, settings, carried, {"ticket": 10, "id": 0})
    mock.contract = contract
    assert await mock.size("seeded", "a") == 2
    assert await mock.size("x", "a") == 3
    sandbox, view = await mock.sandbox("a"), await mock.look("a")
    assert (sandbox.settings, sandbox.runtime_scenarios, sandbox.armed, view.turn_counts) == (
        own,
        added,
        (armed,),
        {"flaky": 7},
    )
    assert view.order.added == added["use"]
    assert int(view.facts.new["ticket"].removeprefix("t_")) % 1_000_000 == 101
    assert (await mock.sandbox("b")).settings == settings
    assert (await mock.look("b")).order is mock.storage.orders["use"]
    assert (await mock.look("b")).order.scenarios == contract.operations[0].scenarios
    for name in ("a", "a", "b"):
        last = await mock.send(name)
    assert [entry.id for entry in await mock.storage.entries(None)] == [last]


@pytest.mark.parametrize("make_storage", ["redis"], indirect=True)
async def test_servers_that_share_a_store_have_one_contract(mock: Mock, tmp_path: Path) -> None:
    """A reload of another one is refused; of the same one, settings of the server may be others."""
    contract = use_contract(tmp_path / "other", {"contract.yaml": FILES["contract.yaml"].replace("size: 1", "size: 2")})
    with pytest.raises(
        StorageError, match=rf"servers of contract {mock.contract.hash} use the prefix .* has {contract.hash}"
    ):
        await mock.storage.use_contract(contract, contract.settings, {}, {})
    assert await mock.size("seeded") == 1
    await mock.storage.use_contract(mock.contract, replace(mock.settings, seed=7), {}, {})
    assert (await mock.sandbox("a")).settings.seed == 7


def replace_new(effects: Effects) -> Effects:
    """The effects, with both ids used up."""
    return Effects(writes=effects.writes, consumed_id_names=("id", "ticket"))


async def test_a_testers_write_is_a_conflict(mock: Mock) -> None:
    """The request decides again."""
    view = await mock.look(thing="x")
    await (await mock.sandbox()).put_record("things", "x", Record.make("x", {"size": 1}, "request"))
    assert await mock.commit(view, write(size=2)) != Committed()


async def test_counts_by_prefix_outlive_resets(mock: Mock) -> None:
    """Those of several lives of a name are added; a reset of all forgets them."""
    for name in ("run-1", "run-2", "other", ""):
        for _ in range(2):
            await mock.send(name)
            await mock.storage.reset(name)
        await mock.send(name)
    for prefix, requests in [("run-", 6), ("run-2", 3), ("o", 3), ("x", 0)]:
        tally = await mock.storage.tally_of_prefix(prefix)
        assert (tally.requests, tally.incomplete) == (requests, False), prefix
    assert (await mock.storage.tally("run-1")).requests == 1
    assert (await mock.storage.tally(None)).requests == 12
    await mock.storage.reset_all()
    assert (await mock.storage.tally_of_prefix("run-")).requests == 0
