"""Any storage: what a look sees, and what a commit does, all or nothing."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from mockserver.contract.loading import compile_runtime_scenario
from mockserver.core.contract import Turn, Turns
from mockserver.core.model import Record
from mockserver.core.reply import Effects
from mockserver.decision.view import ArmedOutcome
from mockserver.storage.interface import Committed, Conflict, Counter, Full, Gone, ReloadedSandbox, SandboxClock, State
from tests.storage.storages import Mock, NewMock, write


async def test_a_look_sees_committed_writes(mock: Mock) -> None:
    """Members are merged, and the record names its origin; other keys are unchanged."""
    view = await mock.look(thing="x")
    assert (view.lookups.keys["thing"], view.lookups.found["thing"][0].origin) == ("x", "default")
    assert await mock.commit(view, write(size=7)) == Committed()
    assert await mock.commit(await mock.look(thing="x"), write(owner="me")) == Committed()
    view = await mock.look(thing="x", owner="2")
    (record,) = view.lookups.found["thing"]
    assert record == Record({"size": 7, "owner": "me", "key": "x", "origin": "request"}, mock.entries[1])
    assert view.facts.records["thing"] == record.visible
    assert view.facts.records["owner"] == {"name": "Second", "key": "2", "origin": "seed"}
    assert (await mock.size("seeded"), await mock.size("gone"), await mock.size("y")) == (1, None, 0)


async def test_a_look_changes_nothing(mock: Mock) -> None:
    """Neither records nor what the next look sees."""
    sandbox = await mock.sandbox()
    await sandbox.put_record("owners", "1", Record.make("1", {}, "request"))
    before = await sandbox.state()
    views = [await mock.look(thing="x") for _ in range(3)]
    assert [view.facts.new for view in views] == [{"id": "3", "ticket": "t_100"}] * 3
    assert await sandbox.state() == before
    assert await mock.storage.entries(None) == []


async def test_a_view_has_sandbox_operation_and_time(mock: Mock) -> None:
    """And the scenarios in force."""
    mock.clock.now = 77
    view = await mock.look("box", thing="x")
    assert (view.sandbox, view.operation_id, view.facts.now_ns) == ("box", "use", 77)
    assert view.order is mock.storage.orders["use"]
    assert view.order.scenarios == mock.operation.scenarios


async def test_a_commit_conflicts_with_a_write_to_a_record_it_read(mock: Mock) -> None:
    """Nothing is applied, not even the entry; deciding again succeeds."""
    for key in ("x", "seeded", "gone"):
        first, second = [await mock.look(thing=key) for _ in range(2)]
        assert await mock.commit(first, write(key, size=1)) == Committed()
        kept = await mock.storage.entries(None)
        again = Effects(writes=write(key, size=2).writes, consumed_id_names=("id", "ticket"))
        assert await mock.commit(second, again) == Conflict()
        assert await mock.storage.entries(None) == kept
        assert await mock.size(key) == 1
        third = await mock.look(thing=key)
        assert third.facts.new == second.facts.new
        assert await mock.commit(third, write(key, size=2)) == Committed()
        assert await mock.size(key) == 2


async def test_a_record_written_back_to_its_old_value_is_a_conflict(mock: Mock) -> None:
    """Its origin has changed."""
    sandbox = await mock.sandbox()
    await sandbox.put_record("things", "x", Record.make("x", {"size": 1}, "request"))
    view = await mock.look(thing="x")
    await sandbox.put_record("things", "x", Record.make("x", {"size": 2}, "request"))
    await sandbox.put_record("things", "x", Record.make("x", {"size": 1}, "request", "9"))
    assert await mock.commit(view, write(size=5)) == Conflict()


async def test_a_request_without_writes_can_conflict(mock: Mock) -> None:
    """Its answer has to be true when it is committed."""
    first, second = [await mock.look(thing="x") for _ in range(2)]
    assert await mock.commit(first, write(size=1)) == Committed()
    assert await mock.commit(second) == Conflict()


async def test_writes_to_other_records_are_no_conflict(mock: Mock) -> None:
    """Versions are kept by record, not by sandbox."""
    first, second, third = [await mock.look(thing=key) for key in ("x", "y", "x")]
    assert await mock.commit(first) == Committed()
    assert await mock.commit(second, write("y", size=1)) == Committed()
    assert await mock.commit(third, write("x", size=2)) == Committed()
    assert (await mock.size("x"), await mock.size("y")) == (2, 1)
    assert (await mock.look("other", thing="x")).facts.records["thing"]["origin"] == "default"


async def test_an_id_is_given_out_once(mock: Mock) -> None:
    """The second of two that drew it decides again, and no number is lost."""
    first, second, third = [await mock.look() for _ in range(3)]
    assert await mock.commit(first, Effects(consumed_id_names=("id", "ticket"))) == Committed()
    assert await mock.commit(second, Effects(consumed_id_names=("id",))) == Conflict()
    assert await mock.commit(third) == Committed()
    again = await mock.look()
    assert again.facts.new == {"id": "3", "ticket": "t_101"}  # 2 is a seed
    assert await mock.commit(again, Effects(consumed_id_names=("id",))) == Committed()
    assert (await mock.look()).facts.new == {"id": "4", "ticket": "t_101"}


async def test_an_id_whose_key_was_taken_meanwhile_is_not_given_out(mock: Mock) -> None:
    """By a request that brought the key itself, or by a tester."""
    view = await mock.look()
    assert await mock.commit(await mock.look(owner="1"), write("1", "owners", name="Mine")) == Committed()
    assert await mock.commit(view, Effects(consumed_id_names=("id",))) == Conflict()
    assert await mock.commit(view, Effects(consumed_id_names=("ticket",))) == Committed()
    view = await mock.look()
    assert view.facts.new["id"] == "3"
    await (await mock.sandbox()).put_record("owners", "3", None)
    assert await mock.commit(view, Effects(consumed_id_names=("id",))) == Conflict()


async def test_an_id_of_another_seed_is_not_given_out(mock: Mock) -> None:
    """Another seed begins the ids again, also for a request that is under way."""
    sandbox = await mock.sandbox()
    view = await mock.look()
    await sandbox.configure({"seed": 5})
    assert await mock.commit(view, Effects(consumed_id_names=("id",))) == Conflict()
    assert (await mock.look()).facts.new["id"] != view.facts.new["id"]


async def test_an_outcome_armed_once_is_used_once(mock: Mock) -> None:
    """The second of two that saw it decides again."""
    armed = await mock.arm()
    first, second, third = [await mock.look() for _ in range(3)]
    assert first.armed == (armed,)
    assert await mock.commit(first, Effects(armed_id=armed.id)) == Committed()
    assert await mock.commit(second, Effects(armed_id=armed.id)) == Conflict()
    assert await mock.commit(third) == Committed()  # it was for none of its kind
    assert (await mock.look()).armed == ()


async def test_armed_uses_count_down(mock: Mock) -> None:
    """A number of times, or for ever; ids of armed outcomes are not used again."""
    twice, always = await mock.arm(2), await mock.arm(None)
    assert (twice.id, always.id) == (1, 2)
    for left in ([(1, 1, 1), (2, None, 0)], [(2, None, 0)]):
        assert await mock.commit(await mock.look(), Effects(armed_id=1)) == Committed()
        assert [(one.id, one.left, one.used) for one in (await mock.look()).armed] == left
    view = await mock.look()
    for used in (1, 2):
        assert await mock.commit(await mock.look(), Effects(armed_id=2)) == Committed()
        assert (await mock.look()).armed == (replace(always, used=used),)
    assert await mock.commit(view, Effects(armed_id=2)) == Conflict()
    sandbox, view = await mock.sandbox(), await mock.look()
    await sandbox.disarm([2, 7])
    assert sandbox.armed == ()
    assert await mock.commit(view, Effects(armed_id=2)) == Conflict()
    assert (await mock.arm()).id == 3


async def test_each_request_takes_one_turn(mock: Mock) -> None:
    """Two requests for the same turn conflict."""
    first, second, third = [await mock.look() for _ in range(3)]
    assert await mock.commit(first, Effects(counted_scenarios=("flaky",))) == Committed()
    assert await mock.commit(second, Effects(counted_scenarios=("flaky",))) == Conflict()
    assert await mock.commit(third, Effects(counted_scenarios=("other",))) == Committed()
    view = await mock.look()
    assert view.turn_counts == {"flaky": 1, "other": 1}
    assert await mock.commit(view, Effects(counted_scenarios=("flaky", "other"))) == Committed()
    assert (await mock.sandbox()).turn_counts == {"use": {"flaky": 2, "other": 2}}


async def test_putting_a_scenario_again_restarts_its_turns(mock: Mock) -> None:
    """A request that saw the old count decides again."""
    sandbox, added = await mock.sandbox(), mock.operation.scenarios[0]
    for name in ("flaky", "other"):
        await mock.commit(await mock.look(), Effects(counted_scenarios=(name,)))
    view = await mock.look()
    await sandbox.set_scenarios(mock.operation, (added,), "flaky")
    assert await mock.commit(view, Effects(counted_scenarios=("flaky",))) == Conflict()
    view = await mock.look()
    assert view.turn_counts == {"other": 1}
    assert view.order.added == (added,)
    assert sandbox.runtime_scenarios == {"use": (added,)}
    assert sandbox.scenario_order(mock.operation) is view.order
    await sandbox.set_scenarios(mock.operation, (), "flaky")
    assert (await mock.look()).order is mock.storage.orders["use"]


async def test_a_random_delay_advances_the_series(mock: Mock) -> None:
    """Another seed restarts it."""
    for drawn in (True, False, True):
        assert await mock.commit(await mock.look(), Effects(drew_delay=drawn)) == Committed()
    assert (await mock.look()).delays_drawn == 2
    await (await mock.sandbox()).configure({"mock_headers": False})
    assert (await mock.look()).delays_drawn == 2
    await (await mock.sandbox()).configure({"seed": 0})
    assert (await mock.look()).delays_drawn == 0


async def test_a_full_sandbox_changes_nothing(new_mock: NewMock) -> None:
    """A request that needs no new record is committed."""
    mock = new_mock(max_records=2)
    armed = await mock.arm()
    for key in ("x", "y"):
        assert await mock.commit(await mock.look(thing=key), write(key, size=1)) == Committed()
    sandbox, view = await mock.sandbox(), await mock.look(thing="z")
    before, kept = await sandbox.state(), await mock.storage.entries(None)
    both = (*write("x", size=5).writes, *write("z", size=5).writes)
    effects = Effects(
        writes=both,
        consumed_id_names=("id", "ticket"),
        armed_id=armed.id,
        counted_scenarios=("flaky",),
        drew_delay=True,
    )
    assert await mock.commit(view, effects) == Full("max_records", 2)
    assert await sandbox.state() == before
    assert await mock.storage.entries(None) == kept
    again = await mock.look(thing="z")
    assert (again.armed, again.turn_counts, again.delays_drawn, again.facts.new) == ((armed,), {}, 0, view.facts.new)
    assert await mock.commit(again, replace(effects, writes=write("x", size=6).writes)) == Committed()
    assert await mock.size("x") == 6
    assert await sandbox.put_record("things", "z", None) == Full("max_records", 2)
    assert await sandbox.put_record("things", "y", None) is None
    await sandbox.restore_record("things", "y")
    assert await sandbox.put_record("things", "z", None) is None


async def test_writes_of_one_record_are_merged(mock: Mock) -> None:
    """Two lookups may lead to the same key."""
    both = (*write("x", size=1).writes, *write("x", owner="me").writes)
    assert await mock.commit(await mock.look(thing="x"), Effects(writes=both)) == Committed()
    (record,) = (await mock.look(thing="x")).lookups.found["thing"]
    assert (record.visible["size"], record.visible["owner"], record.origin) == (1, "me", "request")


async def test_all_sandboxes_together_keep_so_many_bytes(new_mock: NewMock) -> None:
    """However few the records are; a seed, a smaller record and what is taken away need no room."""
    mock = new_mock(max_state_bytes=2_000)
    full = Full("max_state_bytes", 2_000)
    assert await mock.commit(await mock.look("a", thing="x"), write("x", owner="o" * 1_000)) == Committed()
    view = await mock.look("b", thing="y")
    assert await mock.commit(view, write("y", owner="o" * 1_000)) == full
    sandbox = await mock.sandbox("b")
    assert await sandbox.check_room(write("y", owner="o" * 1_000)) == full
    assert await sandbox.check_room(write("y", owner="o")) is None
    large = Record.make("y", {"owner": "o" * 1_000}, "request")
    assert await sandbox.put_record("things", "y", large) == full
    assert await sandbox.load_state(State({"things": {"y": large}}, {})) == full
    assert await sandbox.state() == State({"things": {}, "owners": {}}, {})
    first = await mock.sandbox("a")
    assert await first.load_state(State({"things": {"x": Record.make("x", {"size": 2}, "request")}}, {})) is None
    assert await mock.commit(await mock.look("b", thing="y"), write("y", owner="o" * 1_000)) == Committed()
    assert await first.put_record("things", "z", large) == full
    await sandbox.restore_record("things", "y")
    assert await first.put_record("things", "z", large) is None
    await mock.storage.reset("a")
    assert await first.put_record("things", "z", None) is None  # it is gone, and counts no more
    await first.disarm([])
    assert await sandbox.put_record("things", "y", large) is None
    assert await sandbox.load_state(State({"things": {str(n): None for n in range(3)}}, {})) is None
    assert await sandbox.load_state(State({"things": {str(n): None for n in range(30)}}, {})) == full


async def test_armed_outcomes_and_run_time_scenarios_count_with_their_compiled_form(new_mock: NewMock) -> None:
    """Until they are used or taken away; a reload keeps them."""
    mock = new_mock(max_state_bytes=9_000)
    full = Full("max_state_bytes", 9_000)
    sandbox = await mock.sandbox()

    async def arm(left: int | None = 1) -> ArmedOutcome | Full:
        spec = {"when": {"body.thing": "x" * 3_000}}
        return await sandbox.arm(lambda number: ArmedOutcome(number, "use", Turns((Turn(),)), left, (), spec))

    armed = await arm()
    assert isinstance(armed, ArmedOutcome)
    assert await arm() == full
    assert await mock.commit(await mock.look(thing="x"), Effects(armed_id=armed.id)) == Committed()
    again = await arm()
    assert isinstance(again, ArmedOutcome)
    assert again.id == armed.id + 1
    text = "documented: D.\nrespond: {plain: 1}\n# " + "x" * 1_000
    scenario = compile_runtime_scenario(mock.operation, text.encode(), "mine")
    assert await sandbox.set_scenarios(mock.operation, [scenario], "mine") == full
    assert sandbox.runtime_scenarios == {}
    await sandbox.disarm([again.id])
    assert await sandbox.set_scenarios(mock.operation, [scenario], "mine") is None
    assert await sandbox.set_scenarios(mock.operation, [scenario], "mine") is None
    reloaded = ReloadedSandbox(mock.settings, {**sandbox.runtime_scenarios}, (), {})
    await mock.storage.use_contract(mock.contract, mock.settings, {"": reloaded}, {})
    assert await arm() == full
    assert await sandbox.set_scenarios(mock.operation, [], "mine") is None
    assert isinstance(await arm(), ArmedOutcome)


@pytest.mark.parametrize("how", ["reset", "reset_all"])
async def test_a_request_older_than_a_reset_is_refused(mock: Mock, how: str) -> None:
    """It counts nowhere."""
    old, view = await mock.sandbox("a"), await mock.look("a", thing="x")
    assert await mock.commit(view, write(size=1)) == Committed()
    view = await mock.look("a", thing="x")
    if how == "reset":
        assert await mock.storage.reset("a")
    else:
        assert await mock.storage.reset_all() == ("a",)
    assert await mock.commit(view, write(size=2), sandbox=old) == Gone()
    await mock.storage.delivered("a", mock.entries[0], complete=True)
    assert await mock.storage.entries(None) == []
    assert (await mock.storage.tally(None)).requests == 0
    assert await mock.size("x", "a") == 0


# -- what a tester changes ------------------------------------------------------------------------------


async def test_records_are_put_found_and_restored(mock: Mock) -> None:
    """Tombstones too."""
    sandbox = await mock.sandbox()
    record = Record.make("seeded", {"size": [1, {"a": None}]}, "request", "9")
    assert not await sandbox.is_written("things", "seeded")
    assert await sandbox.put_record("things", "seeded", record) is None
    assert (await sandbox.find_record("things", "seeded"), await sandbox.is_written("things", "seeded")) == (
        record,
        True,
    )
    assert await sandbox.put_record("things", "seeded", None) is None
    assert await sandbox.find_record("things", "seeded") is None
    assert await sandbox.is_written("things", "seeded")
    await sandbox.restore_record("things", "seeded")
    assert await mock.size("seeded") == 1
    assert not await sandbox.is_written("things", "seeded")


async def test_no_update_of_a_record_is_lost(mock: Mock) -> None:
    """Each counts on from what the others wrote; a seed counts as well."""
    sandboxes = [await mock.sandbox() for _ in range(8)]

    def count(record: Record | None) -> Record | None:
        return Record.make("seeded", {"size": (record.members["size"] if record is not None else 0) + 1}, "request")

    for one in range(5):
        assert None not in await asyncio.gather(
            *(sandbox.update_record("things", "seeded", count) for sandbox in sandboxes)
        )
        assert await mock.size("seeded") == 1 + 8 * (one + 1)
    assert await sandboxes[0].update_record("things", "seeded", lambda _: None) is None
    assert await sandboxes[0].find_record("things", "seeded") is None


async def test_an_update_that_has_no_room_or_is_refused_writes_nothing(new_mock: NewMock) -> None:
    """What `update` raises is raised."""
    mock = new_mock(max_records=1)
    sandbox = await mock.sandbox()
    assert await sandbox.put_record("things", "x", None) is None
    full = await sandbox.update_record("things", "y", lambda _: Record.make("y", {"size": 1}, "request"))
    assert full == Full("max_records", 1)

    def refuse(_: Record | None) -> Record | None:
        raise LookupError

    with pytest.raises(LookupError):
        await sandbox.update_record("things", "x", refuse)
    assert not await sandbox.is_written("things", "y")


async def test_a_state_goes_to_another_storage_and_back(mock: Mock, new_mock: NewMock) -> None:
    """Records, tombstones and counters; what was there is gone, and a request that saw it decides again."""
    effects = replace(write(size=7), consumed_id_names=("id", "ticket"))
    assert await mock.commit(await mock.look(thing="x"), effects) == Committed()
    await (await mock.sandbox()).put_record("things", "seeded", None)
    state = await (await mock.sandbox()).state()
    assert state == State(
        {
            "things": {"x": Record({"size": 7, "key": "x", "origin": "request"}, mock.entries[0]), "seeded": None},
            "owners": {},
        },
        {"id": Counter(1, 1), "ticket": Counter(1, 0)},
    )
    other = new_mock()
    sandbox = await other.sandbox("box")
    await sandbox.put_record("things", "before", None)
    view = await other.look("box", thing="x")
    await sandbox.load_state(state)
    assert await sandbox.state() == state
    assert await other.commit(view, write(size=1)) == Conflict()
    assert [await other.size(key, "box") for key in ("x", "seeded", "before")] == [7, None, 0]


async def test_each_sandbox_has_a_clock(mock: Mock) -> None:
    """Frozen, or at an offset to the real one."""
    sandbox = await mock.sandbox("a")
    mock.clock.now = 100
    for clock, time in ((SandboxClock(frozen_ns=5), 5), (SandboxClock(offset_ns=-30), 70), (SandboxClock(), 100)):
        await sandbox.set_clock(clock)
        assert sandbox.clock == clock
        assert (await mock.look("a")).facts.now_ns == time
        assert (await mock.look("b")).facts.now_ns == 100


async def test_each_sandbox_has_settings(mock: Mock) -> None:
    """Unset ones are the server's; another seed restarts ids."""
    sandbox, before = await mock.sandbox("a"), (await mock.look("a")).facts.new
    await sandbox.configure({"mock_headers": False})
    assert (await mock.look("a")).facts.new == before
    await sandbox.configure({"seed": 3})
    assert sandbox.own_settings == {"mock_headers": False, "seed": 3}
    assert (sandbox.settings.mock_headers, sandbox.settings.seed) == (False, 3)
    view = await mock.look("a")
    assert view.facts.settings == sandbox.settings
    assert view.facts.new != before
    assert (await mock.sandbox("b")).settings == mock.settings


async def test_requests_are_numbered_for_their_variation(new_mock: NewMock) -> None:
    """By their commits in the sandbox; another variation, or a reset, begins again at one."""
    mock = new_mock(vary="7:ids")

    async def number(name: str = "") -> str:
        return (await mock.look(name)).facts.settings.vary

    assert await number() == await number() == "7/1:ids"
    for _ in range(2):
        await mock.send()
    await mock.send("other")
    assert [await number(), await number("other")] == ["7/3:ids", "7/2:ids"]
    sandbox = await mock.sandbox()
    await sandbox.configure({"error_status": 422})
    assert await number() == "7/3:ids"
    await sandbox.configure({"vary": "8:ids"})
    assert await number() == "8/1:ids"
    await sandbox.configure({"vary": "8/5:ids"})
    await mock.send()
    assert await number() == "8/5:ids"
    await sandbox.configure({"vary": ""})
    await mock.send()
    assert await number() == ""
    await mock.storage.reset("other")
    assert await number("other") == "7/1:ids"


async def test_varied_ids_differ_and_are_used_up(new_mock: NewMock) -> None:
    """The opaque one has another form, the same at each look until it is used up."""
    mock = new_mock(vary="7:ids")
    found = []
    for _ in range(6):
        view = await mock.look()
        assert (await mock.look()).facts.new == view.facts.new
        assert await mock.commit(view, Effects(consumed_id_names=("id", "ticket"))) == Committed()
        found.append(view.facts.new)
    assert [new["id"] for new in found] == ["1", "3", "4", "5", "6", "7"]
    assert [new["ticket"][-3:] for new in found] == ["100", "101", "102", "103", "104", "105"]
    assert len({new["ticket"][:-3] for new in found}) > 2
