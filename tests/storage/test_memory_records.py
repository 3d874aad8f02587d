"""The records of one sandbox in memory: seeds, writes, new ids, other collections."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockserver.core.model import Collection, IdRule, Record, Write
from mockserver.engine.engine import run_sync
from mockserver.storage.interface import Counter, State
from mockserver.storage.memory_records import RECORD_OVERHEAD, Records


def collection(name: str = "things", *, is_open: bool = True, fold: Any = str, **seeds: Any) -> Collection:
    """A collection with a seed and two tombstones."""
    found = {"seed": Record.make("seed", {"size": 1}, "seed"), "none": None, "5": None, **seeds}
    members = ("size", "more")
    return Collection(
        name,
        is_open,
        {"size": 0},
        found,
        frozenset(),
        lambda _: False,
        (),
        members,
        fold,
        violations=lambda _: (),
        title={},
    )


OPEN = collection()
NEW = IdRule("id", first=3, prefix="", unused_in="things")
PLAIN = IdRule("card", first=987, prefix="p_", unused_in=None)


def records(of: Collection = OPEN, name: str = "", seed: int = 0) -> Records:
    return Records(name, seed, {of.name: of})


def load(memory: Records, state: State) -> None:
    memory.load(run_sync(memory.encode(state)), state.counters)


def drawn(of: Records, new: IdRule = NEW) -> str:
    """One id."""
    return of.draw([new])[new.name]


def used(of: Records, new: IdRule = NEW) -> str:
    """One id, which is used up."""
    found = drawn(of, new)
    of.consume([new.name])
    return found


def written(of: Records, key: str, collection: Collection = OPEN) -> Record:
    """A record that has to be there."""
    found = of.find(collection, key)
    assert found is not None
    return found


@pytest.mark.parametrize(("is_open", "origin"), [(True, "default"), (False, None)])
def test_an_open_collection_has_every_key(is_open: bool, origin: str | None) -> None:
    """A key never seen has the default record where the collection is open, and none where it is closed."""
    of = collection(is_open=is_open)
    found = records(of).find(of, "x")
    assert (found.origin if found else None) == origin
    assert written(records(of), "seed", of).visible == {"size": 1, "key": "seed", "origin": "seed"}
    assert records(of).find(of, "none") is None


def test_a_write_is_merged_and_sets_the_origin() -> None:
    """Other members stay."""
    memory = records()
    memory.apply(memory.merged([Write("things", "seed", {"more": 2})], "9"))
    memory.apply(memory.merged([Write("things", "none", {"size": 7})], "9"))
    memory.apply(memory.merged([Write("things", "new", {"more": 1})], "9"))
    assert written(memory, "seed") == Record({"size": 1, "more": 2, "key": "seed", "origin": "request"}, "9")
    assert written(memory, "none") == Record({"size": 7, "key": "none", "origin": "request"}, "9")
    assert written(memory, "new") == Record({"size": 0, "more": 1, "key": "new", "origin": "request"}, "9")
    assert memory.count == 3
    memory.apply(memory.merged([Write("things", "seed", {"size": 5})], "10"))
    assert written(memory, "seed") == Record({"size": 5, "more": 2, "key": "seed", "origin": "request"}, "10")
    assert memory.count == 3


def test_a_tombstone_hides_a_seed_and_a_key_comes_back() -> None:
    """Restoring brings the seed or the default back; restoring what was never written does nothing."""
    memory = records()
    memory.put("things", "seed", None)
    memory.put("things", "x", None)
    assert (memory.find(OPEN, "seed"), memory.find(OPEN, "x"), memory.count) == (None, None, 2)
    for key, origin in (("seed", "seed"), ("x", "default"), ("x", "default")):
        memory.restore("things", key)
        assert written(memory, key).origin == origin
    assert memory.count == 0


def test_the_number_of_records_is_bounded() -> None:
    """Writing an existing key takes no room."""
    memory = records()
    memory.put("things", "a", None)
    changes = [memory.change("things", key, None) for key in ("a", "b", "c")]
    assert [memory.count_added([change]) for change in changes] == [0, 1, 1]
    assert memory.count_added(changes) == 2
    before = memory.size
    assert memory.bytes_added(changes) == 2 * (1 + RECORD_OVERHEAD + len(b"null"))
    memory.apply(changes)
    assert memory.size == before + 2 * (1 + RECORD_OVERHEAD + len(b"null"))


# -- new ids --------------------------------------------------------------------------------------------


def test_drawing_an_id_does_not_use_it_up() -> None:
    """Keys that are taken are skipped."""
    memory = records()
    assert [drawn(memory) for _ in range(2)] == ["3", "3"]
    memory.apply(memory.merged([Write("things", "4", {})], ""))
    memory.consume(["id"])
    assert drawn(memory) == "6"  # 4 was written, 5 is a tombstone
    memory.consume(["id"])
    assert drawn(memory) == "7"
    assert used(memory, PLAIN) == "p_987"
    assert drawn(memory, PLAIN) == "p_988"


def test_drawing_an_id_changes_no_state() -> None:
    """Whenever and however often."""
    memory = records()
    memory.put("things", "3", None)
    memory.put("things", "4", None)
    before = memory.state()
    assert before.counters == {}
    assert drawn(memory) == "6"
    assert memory.state() == before
    memory.restore("things", "4")
    assert drawn(memory) == "4"


def test_an_id_is_not_given_twice_where_its_record_is_gone() -> None:
    """A key that was passed over may be free again; those given out stay used."""
    memory = records(collection())
    memory.put("things", "3", None)
    memory.put("things", "4", None)
    assert used(memory) == "6"
    memory.restore("things", "3")
    memory.restore("things", "4")
    assert [used(memory), used(memory)] == ["7", "8"]


def test_ids_of_sandboxes_and_seeds_differ_and_stay_exact() -> None:
    """Each sandbox and each seed counts far from the others, below what a JSON reader holds exactly."""
    places = [(name, seed) for seed in (0, 1) for name in ("", "a", "b")]
    found = [int(drawn(records(OPEN, name, seed))) for name, seed in places]
    assert len({number // 1_000_000 for number in found}) == len(found)
    assert all(number < 2**53 - 1_000_000 for number in found)
    assert all(str(number)[0] in "78" and len(str(number)) == 16 for number in found[1:])
    assert found == [int(drawn(records(OPEN, name, seed))) for name, seed in places]


def test_another_seed_begins_the_ids_again_and_keeps_the_records() -> None:
    """As if the sandbox had had that seed from the beginning."""
    memory = records(name="a", seed=1)
    memory.put("things", "x", None)
    used(memory)
    used(memory, PLAIN)
    memory.reseed("a", 2)
    assert drawn(memory) == drawn(records(name="a", seed=2))
    assert drawn(memory, PLAIN) == drawn(records(name="a", seed=2), PLAIN)
    assert memory.state().counters == {}
    assert memory.find(OPEN, "x") is None


# -- all of it ------------------------------------------------------------------------------------------


def test_a_state_goes_to_other_records_and_back() -> None:
    """Records, tombstones and counters: what is drawn and found there is the same; what was there is gone."""
    memory = records()
    memory.apply(memory.merged([Write("things", "x", {"size": [1]})], "4"))
    memory.put("things", "3", None)
    used(memory)
    used(memory, PLAIN)
    state = memory.state()
    assert state.counters == {"id": Counter(1, 2), "card": Counter(1, 0)}
    other = records()
    other.put("things", "before", None)
    other.put("things", "4", None)
    assert drawn(other) == "3"
    load(other, state)
    assert other.state() == state
    assert other.count == 2
    assert [drawn(one, new) for one in (memory, other) for new in (NEW, PLAIN)] == ["6", "p_988"] * 2
    assert written(other, "x") == written(memory, "x")
    load(other, State({}, {}))
    assert (other.count, other.state()) == (0, records().state())


def test_records_without_a_collection_are_kept() -> None:
    """They return with it; a loaded state forgets them."""
    memory = records()
    memory.apply(memory.merged([Write("things", "x", {"more": 1})], "1"))
    other = collection("others")
    memory.use_collections({"others": other}, {})
    assert (memory.count, memory.state().records) == (0, {"others": {}})
    memory.use_collections({"others": other, "things": OPEN}, {})
    assert (memory.count, written(memory, "x").members) == (1, {"size": 0, "more": 1})
    memory.use_collections({}, {})
    load(memory, State({}, {}))
    memory.use_collections({"things": OPEN}, {})
    assert memory.count == 0


def test_ids_that_begin_lower_go_on_above_those_given_out() -> None:
    """With keys passed over or not; a name that was never used begins where its collection says."""
    memory = records(collection())
    memory.put("things", "4", None)
    assert [used(memory), used(memory)] == ["3", "6"]
    assert used(memory, PLAIN) == "p_987"
    memory.restore("things", "4")
    memory.use_collections(memory.collections, {"id": 2, "card": 7, "other": 1})
    assert drawn(memory, IdRule("id", 1, "", "things")) == "7"
    assert drawn(memory, IdRule("card", 980, "p_", None)) == "p_988"
    assert drawn(memory, IdRule("other", 1, "o", None)) == "o1"


def test_folding_keys_moves_records() -> None:
    """A record that already has the folded key stays."""
    memory = records()
    for key, size in (("A", 1), ("b", 2), ("B", 3), ("C", None)):
        memory.put("things", key, None if size is None else Record.make(key, {"size": size}, "request", "1"))
    lower = collection(fold=str.lower)
    memory.use_collections({"things": lower}, {})
    assert written(memory, "a", lower) == Record.make("a", {"size": 1}, "request", "1")
    assert written(memory, "b", lower).members == {"size": 2}
    assert written(memory, "B", lower) == Record.make("B", {"size": 3}, "request", "1")
    assert memory.find(lower, "c") is None
    assert memory.count == 4


# -- how they are kept ----------------------------------------------------------------------------------


def test_a_record_is_kept_as_json_once() -> None:
    """It takes little memory."""
    memory = records()
    key_bytes, count = 60, 10_000
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(count):
            values = {"size": f"{number}/{number}", "more": "the same of all of them".upper()}
            memory.apply(memory.merged([Write("things", f"key-{number}", values)], "1"))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / count < 210 + key_bytes
    assert written(memory, "key-77").visible == {
        "size": "77/77",
        "more": "THE SAME OF ALL OF THEM",
        "key": "key-77",
        "origin": "request",
    }


def test_records_of_several_shapes_are_kept_apart() -> None:
    """Each is read back as it was written."""
    memory = records()
    forms: list[dict[str, Any]] = [
        {"size": 1},
        {"more": "x"},
        {"size": "x", "more": "x"},
        {"more": "x", "size": "x"},
        {"size": True},
        {"size": 1},
    ]
    for number, members in enumerate(forms):
        memory.put("things", f"k{number}", Record.make(f"k{number}", members, "request", str(number)))
    memory.put("things", "gone", None)
    found = [written(memory, f"k{number}") for number in range(6)]
    assert [one.members for one in found] == forms
    assert [list(one.visible) for one in found[2:4]] == [
        ["size", "more", "key", "origin"],
        ["more", "size", "key", "origin"],
    ]
    assert type(found[4].visible["size"]) is bool
    kept = memory.state().records["things"]
    assert kept["gone"] is None
    assert list(kept) == ["k0", "k1", "k2", "k3", "k4", "k5", "gone"]


def test_a_record_is_the_same_object_until_a_write() -> None:
    """A commit compares records by identity."""
    memory = records()
    assert memory.stored("things", "x") is None
    memory.apply(memory.merged([Write("things", "x", {"size": 1})], "1"))
    before = memory.stored("things", "x")
    assert memory.stored("things", "x") is before
    memory.put("things", "x", written(memory, "x"))
    assert memory.stored("things", "x") is not before
    assert memory.stored("things", "x") == before


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(JSON_VALUES)
@example(2**70)
@example(-0.0)
@example(1e22)
@example({"é\x00\n\u2028": [1, 1.0, True]})
def test_a_record_keeps_json_types(value: Any) -> None:
    """Each JSON value is read back the same."""
    memory = records()
    memory.apply(memory.merged([Write("things", "k", {"size": value, "more": [1]})], "7"))
    view = written(memory, "k").visible
    assert view == {"size": value, "more": [1], "key": "k", "origin": "request"}
    assert repr(view["size"]) == repr(value)
