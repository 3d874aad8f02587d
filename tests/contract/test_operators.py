"""Operators: which values each matches, its words, and what a missing value does."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mockserver.contract.operators import OPERATORS
from mockserver.core.model import MISSING
from mockserver.privacy.masks import mask_account_numbers_in_value
from tests.support.conditions import CASES, JSON, compiled, facts


def holds(operand: Any, value: Any, **more: Any) -> bool:
    return all(c.failure(facts(value, **more)) is None for c in compiled({"body.x": operand}))


@pytest.mark.parametrize(("operand", "matching", "others"), CASES, ids=[repr(c[0]) for c in CASES])
def test_an_operator_matches_its_values(operand: Any, matching: list[Any], others: list[Any]) -> None:
    """Each operator matches the first list of values and not the second."""
    assert [v for v in matching if not holds(operand, v)] == []
    assert [v for v in others if holds(operand, v)] == []


WORDS: list[tuple[Any, Any, str]] = [
    ("a", "b", 'is "a"'),
    (None, 1, "is null"),
    ([1, True], "b", "is [1,true]"),
    ({"equals": "empty"}, "b", 'is "empty"'),
    ({"not": "a"}, "a", 'is not "a"'),
    ({"not": {"contains": "a"}}, "a", 'not contains "a"'),
    ({"in": ["a", 1]}, "b", 'in ["a",1]'),
    ({"matches": "^a"}, "b", 'matches "^a"'),
    ({"contains": "a"}, "b", 'contains "a"'),
    ({"starts_with": "a"}, "b", 'starts with "a"'),
    ({"ends_with": "a"}, "b", 'ends with "a"'),
    ({"less_than": 2}, "b", "less than 2"),
    ({"at_most": 2}, "b", "at most 2"),
    ({"greater_than": 2}, "b", "greater than 2"),
    ({"at_least": 2.5}, "b", "at least 2.5"),
    ("present", MISSING, "is present"),
    ("absent", "b", "is absent"),
    ("empty", "b", "is empty"),
    ({"same_as": "thing.key"}, "b", "same as thing.key"),
    ({"schema": {"type": "integer"}}, "b", "fits the schema"),
    ({"all": ["present", {"not": "b"}]}, "b", 'all of (is present; is not "b")'),
    ({"any": ["absent", {"in": [1]}]}, "b", "any of (is absent; in [1])"),
    ({"none": ["a", "b"]}, "b", 'none of (is "a"; is "b")'),
    ({"none": ["a", "b"]}, MISSING, 'none of (is "a"; is "b")'),
    ({"some_item": {"in": [1]}}, [2], "has an item that in [1]"),
    ({"every_item": "a"}, [2], 'has only items that is "a"'),
]


@pytest.mark.parametrize(("operand", "other", "words"), WORDS, ids=[repr(operand) for operand, _, _ in WORDS])
def test_an_operator_has_words(operand: Any, other: Any, words: str) -> None:
    """A condition's text is as it is written; the evidence says what was expected."""
    (condition,) = compiled({"body.x": operand})
    assert condition.text == f"body.x {words}"
    assert [e.expected for e in condition.evidence(facts(other))] == [words]


def test_operators_side_by_side_report_the_first_that_fails() -> None:
    """The condition's text names both."""
    (condition,) = compiled({"body.x": {"starts_with": "a", "ends_with": "b"}})
    assert condition.text == 'body.x starts with "a" and ends with "b"'
    assert [e.expected for e in condition.evidence(facts("b"))] == ['starts with "a"']
    assert [e.expected for e in condition.evidence(facts("a"))] == ['ends with "b"']


def test_every_operator_has_a_case() -> None:
    """All but same_as, which has a test of its own."""
    used = {name for operand, _, _ in CASES if isinstance(operand, dict | str) for name in _names(operand)}
    assert set(OPERATORS) - used == {"same_as"}


def _names(operand: Any) -> tuple[str, ...]:
    return tuple(operand) if isinstance(operand, dict) else (operand,)


def test_same_as_compares_two_places() -> None:
    """It holds where both values are there and equal."""
    operand = {"same_as": "thing.key"}
    assert holds(operand, "a", thing={"key": "a"})
    assert not holds(operand, "a", thing={"key": "b"})
    assert not holds(operand, "a")
    assert not holds(operand, MISSING)
    assert compiled({"body.x": operand})[0].reads == {"body", "thing"}


@pytest.mark.parametrize(
    ("operand", "same", "other"),
    [
        ({"not": {"same_as": "thing.key"}}, False, True),
        ({"present": True, "same_as": "thing.key"}, True, False),
        ({"same_as": "thing.key", "starts_with": "a"}, True, False),
        ({"all": ["present", {"same_as": "thing.key"}]}, True, False),
        ({"any": [{"same_as": "thing.key"}, "c"]}, True, False),
        ({"none": [{"same_as": "thing.key"}, "c"]}, False, True),
    ],
)
def test_same_as_works_inside_other_operators(operand: Any, same: bool, other: bool) -> None:
    """The condition lists the other place among those it reads."""
    assert holds(operand, "a", thing={"key": "a"}) is same
    assert holds(operand, "a", thing={"key": "b"}) is other
    assert compiled({"body.x": operand})[0].reads == {"body", "thing"}


def test_same_as_compares_items() -> None:
    """Each item of a list is compared with the one other place."""
    for name, held in {"some_item": [True, True, False], "every_item": [True, False, False]}.items():
        operand = {name: {"same_as": "thing.key"}}
        lists = (["a", "a"], ["b", "a"], ["b"])
        assert [holds(operand, items, thing={"key": "a"}) for items in lists] == held
        assert compiled({"body.x": operand})[0].reads == {"body", "thing"}


@given(JSON, JSON)
def test_not_is_the_opposite_where_there_is_a_value(operand: Any, value: Any) -> None:
    """For a value that is there, exactly one of an operand and its negation matches."""
    assume(mask_account_numbers_in_value(operand) == operand)  # which no condition may compare
    assert holds({"equals": operand}, value) is not holds({"not": {"equals": operand}}, value)


@given(st.sampled_from([c[0] for c in CASES]))
def test_nothing_but_absent_and_empty_matches_a_missing_value(operand: Any) -> None:
    """A missing value matches no operator, negated ones neither, but absent and empty."""
    mentions = operand in ("absent", "empty") or operand == {"any": ["absent", "a"]}
    assert holds(operand, MISSING) is mentions
