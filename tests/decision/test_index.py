"""The index by equality: it gives what trying all in order gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mockserver.core.language import Condition, EqualValue
from mockserver.core.model import MISSING, Facts
from mockserver.decision.index import MIN_TABLE_SIZE, EqualityIndex
from tests.support.facts import some_facts

VALUES: list[Any] = ["x", "y", "", 0, 1, 1.5, True, False, None]
SEEN: list[Any] = [*VALUES, MISSING, "z", 1.0, 0.0, 2, [], ["x"], {}, {"x": 1}]
PLACES = ("body.a", "body.b", "thing.c")


def found_at(place: str) -> Callable[[Facts], Any]:
    return lambda facts: facts.records[place]


def equal(place: str, operand: Any) -> Condition:
    """That a value is this one, type and all (1 is 1.0, but not true)."""
    extract = found_at(place)

    def failure(facts: Facts) -> str | None:
        value = extract(facts)
        same = isinstance(value, bool) is isinstance(operand, bool) and value == operand
        return None if same else f"is {operand!r}"

    equals = EqualValue(place, extract, operand)
    return Condition(f"{place} is {operand!r}", failure, lambda _: (), {place: operand}, equals=equals)


def other(place: str, operand: Any) -> Condition:
    """That a value is another one: nothing by which it can be found."""
    extract = found_at(place)
    return Condition("", lambda facts: "is another" if extract(facts) == operand else None, lambda _: (), {})


CONDITIONS = st.one_of(
    st.builds(equal, st.sampled_from(PLACES), st.sampled_from(VALUES)),
    st.builds(other, st.sampled_from(PLACES), st.sampled_from(VALUES)),
)
ITEMS = st.lists(st.lists(CONDITIONS, max_size=3), max_size=40)
FACTS = st.fixed_dictionaries({place: st.sampled_from(SEEN) for place in PLACES}).map(
    lambda records: some_facts(records=records)
)


def apply(conditions: list[Condition], facts: Facts) -> bool:
    return all(condition.failure(facts) is None for condition in conditions)


@given(ITEMS, st.lists(FACTS, min_size=1, max_size=5))
def test_the_index_gives_what_trying_all_gives(items: list[list[Condition]], asked: list[Facts]) -> None:
    """All that apply are among the candidates, in order, each once."""
    index = EqualityIndex((conditions, number) for number, conditions in enumerate(items))
    assert index.all == tuple(range(len(items)))
    for facts in asked:
        candidates = list(index.candidates(facts))
        assert candidates == sorted(set(candidates))
        applying = [number for number, conditions in enumerate(items) if apply(conditions, facts)]
        assert [number for number in candidates if apply(items[number], facts)] == applying


def test_many_items_are_indexed_and_few_are_tried_in_turn() -> None:
    """From a number on, items with another value are not tried."""
    for count in (MIN_TABLE_SIZE - 1, MIN_TABLE_SIZE, 1_000):
        index = EqualityIndex(
            [*(([equal("body.a", f"v{n}")], n) for n in range(count)), ([other("body.a", "no")], count)]
        )
        facts = some_facts(records={"body.a": "v3"})
        assert list(index.candidates(facts)) == ([*range(count + 1)] if count < MIN_TABLE_SIZE else [3, count])


def test_each_path_has_a_table_of_its_own() -> None:
    """An item with equalities at two paths is found by the first of them."""
    both = [([equal("body.a", n), equal("body.b", n)], n) for n in range(MIN_TABLE_SIZE)]
    second = [([equal("body.b", n)], n) for n in range(MIN_TABLE_SIZE)]
    index = EqualityIndex([*both, *second])
    assert list(index.candidates(some_facts(records={"body.a": 2, "body.b": 5}))) == [2, 5]
    assert list(index.candidates(some_facts(records={"body.a": MISSING, "body.b": [5]}))) == []


def test_an_empty_index_gives_nothing() -> None:
    """An operation may have no scenario for a request without violations."""
    assert list(EqualityIndex[int]([]).candidates(some_facts())) == []
