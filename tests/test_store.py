"""The store in memory: seeds, writes, new ids, sandboxes."""

import gc
import tracemalloc
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mockserver.storage.store import MemoryStore

from mockserver.core.model import Collection, NewId, Record, Write


def collection(name: str = "things", *, is_open: bool) -> Collection:
    seeds = {"seed": Record.make("seed", {"size": 1}, "seed"), "none": None, "5": None}
    members = ("size", "more")
    return Collection(
        name, is_open, {"size": 0}, seeds, frozenset(), lambda _: False, (), members, fold=str, violations=lambda _: ()
    )


OPEN = collection(is_open=True)
NEW = NewId("id", first=3, prefix="", unused_in="things")


def store(of: Collection = OPEN, seed: int = 0) -> MemoryStore:
    return MemoryStore({of.name: of}, seed)


def drawn(memory: MemoryStore, sandbox: str, new: NewId) -> str:
    """One id."""
    return memory.draw(sandbox, [new])[new.name]


@pytest.mark.parametrize(("is_open", "origin"), [(True, "default"), (False, None)])
def test_an_open_collection_has_every_key(is_open: bool, origin: str | None) -> None:
    """A key never seen has the default record where the collection is open, and none where it is closed."""
    of = collection(is_open=is_open)
    found = store(of).find("", of, "x")
    assert (found.origin if found else None) == origin
    seed = store(of).find("", of, "seed")
    assert seed is not None
    assert seed.view == {"size": 1, "key": "seed", "origin": "seed", "@entry": 0}
    assert store(of).find("", of, "none") is None


def test_a_write_is_merged_and_remembers_where_it_came_from() -> None:
    """Members that are not written stay; the origin is the request."""
    memory = store()
    memory.commit("", [Write("things", "seed", {"more": 2}), Write("things", "none", {"size": 7})], (), 9)
    merged = memory.find("", OPEN, "seed")
    assert merged is not None
    assert merged.view == {"size": 1, "more": 2, "key": "seed", "origin": "request", "@entry": 9}
    revived = memory.find("", OPEN, "none")
    assert revived is not None
    assert revived.view == {"size": 7, "key": "none", "origin": "request", "@entry": 9}


def test_sandboxes_do_not_share_and_a_reset_drops_one() -> None:
    """What one sandbox writes no other sees, and a reset brings back just its own seeds."""
    memory = store()
    for name in ("a", "b"):
        memory.commit(name, [Write("things", "x", {"size": 9})], ("id",))
    memory.reset("a")
    memory.reset("never seen")
    origins = []
    for name in ("a", "b", ""):
        found = memory.find(name, OPEN, "x")
        assert found is not None
        origins.append(found.origin)
    assert origins == ["default", "request", "default"]
    assert drawn(memory, "a", NEW) == drawn(store(), "a", NEW)
    assert drawn(memory, "b", NEW) != drawn(store(), "b", NEW)


def test_an_id_is_used_up_by_a_commit_alone() -> None:
    """Drawing gives the same id until it is committed; keys that are taken are passed over."""
    memory = store()
    assert [drawn(memory, "", NEW) for _ in range(2)] == ["3", "3"]
    memory.commit("", [Write("things", "4", {})], ["id"])
    assert drawn(memory, "", NEW) == "6"  # 4 was written, 5 is a tombstone
    memory.commit("", [], ["id"])
    assert drawn(memory, "", NEW) == "7"
    plain = NewId("card", first=987, prefix="p_", unused_in=None)
    assert drawn(memory, "", plain) == "p_987"
    memory.commit("", [], ["card"])
    assert drawn(memory, "", plain) == "p_988"


def test_ids_of_sandboxes_and_seeds_differ_and_stay_exact() -> None:
    """Each sandbox and each seed counts far from the others, below what a JSON reader holds exactly."""
    found = [int(drawn(store(seed=seed), name, NEW)) for seed in (0, 1) for name in ("", "a", "b")]
    assert len({number // 1_000_000 for number in found}) == len(found)
    assert all(number < 2**53 - 1_000_000 for number in found)
    assert found == [int(drawn(store(seed=seed), name, NEW)) for seed in (0, 1) for name in ("", "a", "b")]


def test_a_record_takes_little() -> None:
    """Names of members are kept once, and so is a value that many records have; the key stands in it already."""
    memory = store()
    key_bytes, count = 60, 10_000
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(count):
            values = {"size": f"{number}/{number}", "more": "the same of all of them".upper()}
            memory.commit("", [Write("things", f"key-{number}", values)], (), 1)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken / count < 180 + key_bytes
    found = memory.find("", OPEN, "key-77")
    assert found is not None
    assert found.view == {
        "size": "77/77",
        "more": "THE SAME OF ALL OF THEM",
        "key": "key-77",
        "origin": "request",
        "@entry": 1,
    }


def test_records_of_several_forms_are_kept_apart() -> None:
    """Each comes back as it was written, whatever was written before it."""
    memory = store()
    written: list[dict[str, Any]] = [
        {"size": 1},
        {"more": "x"},
        {"size": "x", "more": "x"},
        {"more": "x", "size": "x"},
        {"size": True},
        {"size": 1},
    ]
    for number, members in enumerate(written):
        memory.put("", "things", f"k{number}", Record.make(f"k{number}", members, "request", number))
    memory.put("", "things", "gone", None)
    views = [record.view for n in range(6) if (record := memory.find("", OPEN, f"k{n}")) is not None]
    assert [{m: v for m, v in view.items() if m in ("size", "more")} for view in views] == written
    assert [list(view) for view in views[2:4]] == [
        ["size", "more", "key", "origin", "@entry"],
        ["more", "size", "key", "origin", "@entry"],
    ]
    assert type(views[4]["size"]) is bool
    kept = memory.written("").records["things"]
    assert kept["gone"] is None
    assert (len(kept), list(kept)) == (7, ["k0", "k1", "k2", "k3", "k4", "k5", "gone"])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(JSON_VALUES)
@example("\ud800")
@example(2**70)
@example(-0.0)
@example(1e22)
@example({"\udfff": [1, 1.0, True]})
def test_a_value_is_kept_as_it_is(value: Any) -> None:
    """Each JSON value comes back the same, in type too."""
    memory = store()
    memory.commit("", [Write("things", "k", {"size": value, "more": [1]})], (), 7)
    found = memory.find("", OPEN, "k")
    assert found is not None
    assert repr(found.view) == repr({"size": value, "more": [1], "key": "k", "origin": "request", "@entry": 7})
