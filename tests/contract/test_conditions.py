"""The matcher language: each operator against values, evidence, and what a missing value does."""

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.conditions import compile_when
from mockserver.contract.operators import OPERATORS
from mockserver.contract.paths import Context, Scope
from mockserver.core.language import Condition
from mockserver.core.model import MISSING, Diagnostic, Facts, Violation
from mockserver.schema.schema_set import SchemaSet

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text("ab ", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


def compiled(when: dict[str, Any], *, faults: list[Diagnostic] | None = None) -> tuple[Condition, ...]:
    scope = Scope(("body", "header", "thing"), lambda _, __: (), sensitive=(("body", "secret"),))
    found: list[Diagnostic] = [] if faults is None else faults
    conditions = compile_when(when, Context(scope, SchemaSet(), found.append))
    assert faults is not None or not found
    return conditions


def facts(value: Any, violations: tuple[Violation, ...] = (), **more: Any) -> Facts:
    body = {} if value is MISSING else {"x": value}
    return {"body": body, "header": {}, "thing": MISSING, "violations": violations, "unclaimed": (), **more}


def holds(operand: Any, value: Any, **more: Any) -> bool:
    return all(c.fails(facts(value, **more)) is None for c in compiled({"body.x": operand}))


CASES: list[tuple[Any, list[Any], list[Any]]] = [
    ("a", ["a"], ["A", "b", None, 1, ["a"], MISSING]),
    (1, [1, 1.0], [True, "1", 2, MISSING]),
    (True, [True], [1, "true", MISSING]),
    (None, [None], ["", 0, MISSING]),
    ([1, True], [[1, True]], [[True, 1], [1], [1, 1]]),
    ({"equals": {"a": 1}}, [{"a": 1}], [{"a": True}, {"a": 1, "b": 2}, MISSING]),
    ({"equals": "empty"}, ["empty"], ["", MISSING]),
    ({"not": "a"}, ["b", None, 1], ["a", MISSING]),
    ({"not": "empty"}, ["a", 0, False, [1]], ["", " ", None, [], {}, MISSING]),
    ({"not": "absent"}, ["a", None], [MISSING]),
    ({"not": None}, ["a", {}], [None, MISSING]),
    ({"in": ["a", 1]}, ["a", 1, 1.0], ["b", True, MISSING]),
    ({"matches": "^[0-9]{4}$"}, ["1234"], ["1234\n", "１２３４", "123", 1234, None, MISSING]),
    ({"matches": "b"}, ["abc"], ["ac"]),
    ({"contains": "b"}, ["abc", ["b"]], ["ac", ["abc"], {"b": 1}, MISSING]),
    ({"contains": 1}, [[1, 2]], ["1", [True], MISSING]),
    ({"starts_with": "a"}, ["ab"], ["ba", 1, MISSING]),
    ({"ends_with": "a"}, ["ba"], ["ab", 1, MISSING]),
    ({"less_than": 2}, [1, 1.5], [2, 3, "1", True, MISSING]),
    ({"at_most": 2}, [1, 2], [2.5, None, MISSING]),
    ({"greater_than": 2}, [3], [2, "3", MISSING]),
    ({"at_least": 2}, [2, 3], [1, True, MISSING]),
    ("present", ["a", None, ""], [MISSING]),
    ("absent", [MISSING], ["a", None]),
    ("empty", [MISSING, None, "", " \t\u00a0\u3000", [], {}], ["a", 0, False, [0]]),
    ({"present": True, "empty": True}, [None, ""], [MISSING, "a"]),
    ({"schema": {"type": "integer"}}, [1, 1.0], ["1", MISSING]),
    ({"all": ["present", {"not": "a"}]}, ["b"], ["a", MISSING]),
    ({"any": ["absent", "a"]}, ["a", MISSING], ["b"]),
    ({"none": ["a", "b"]}, ["c", None], ["a", "b", MISSING]),
    ({"some_item": "a"}, [["b", "a"]], [["b"], [], "a", MISSING]),
    ({"every_item": "a"}, [["a", "a"], []], [["a", "b"], "a", MISSING]),
    ({"some_item": {"in": ["a"]}, "contains": "b"}, [["a", "b"]], [["a"], ["b"]]),
]


@pytest.mark.parametrize(("operand", "matching", "others"), CASES, ids=[repr(c[0]) for c in CASES])
def test_an_operator_matches_what_it_says(operand: Any, matching: list[Any], others: list[Any]) -> None:
    """Each operator matches the one list of values and not the other."""
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
    """A condition is told as it is written, and so is what was expected where it does not hold."""
    (condition,) = compiled({"body.x": operand})
    assert condition.text == f"body.x {words}"
    assert [e.expected for e in condition.evidence(facts(other))] == [words]


def test_operators_side_by_side_say_which_does_not_hold() -> None:
    """The condition names both; the evidence only the first that is against it."""
    (condition,) = compiled({"body.x": {"starts_with": "a", "ends_with": "b"}})
    assert condition.text == 'body.x starts with "a" and ends with "b"'
    assert [e.expected for e in condition.evidence(facts("b"))] == ['starts with "a"']
    assert [e.expected for e in condition.evidence(facts("a"))] == ['ends with "b"']


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ({"all": [{"body.x": "a"}, {"body.y": 1, "body.z": 2}]}, 'all of (body.x is "a"; body.y is 1 and body.z is 2)'),
        ({"any": [{"body.x": "a"}, {"thing": "absent"}]}, 'any of (body.x is "a"; thing is absent)'),
        ({"none": [{"body.x": "a"}]}, 'none of (body.x is "a")'),
    ],
)
def test_logic_has_words(when: dict[str, Any], text: str) -> None:
    """Groups are told apart from the conditions in one of them."""
    assert [condition.text for condition in compiled(when)] == [text]


def test_every_operator_has_a_case() -> None:
    """No operator is left out of the cases above, but same_as, which has a test of its own."""
    used = {name for operand, _, _ in CASES if isinstance(operand, dict | str) for name in _names(operand)}
    assert set(OPERATORS) - used == {"same_as"}


def _names(operand: Any) -> tuple[str, ...]:
    return tuple(operand) if isinstance(operand, dict) else (operand,)


def test_same_as_compares_two_places() -> None:
    """same_as holds where both are there and equal."""
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
def test_same_as_compares_inside_of_other_operators(operand: Any, same: bool, other: bool) -> None:
    """Wherever it stands, the other place is looked at, and known to be looked at."""
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
    assert holds({"equals": operand}, value) is not holds({"not": {"equals": operand}}, value)


@given(st.sampled_from([c[0] for c in CASES]))
def test_nothing_but_absent_and_empty_matches_a_missing_value(operand: Any) -> None:
    """A missing value matches no operator, negated ones neither, but absent and empty."""
    mentions = operand in ("absent", "empty") or operand == {"any": ["absent", "a"]}
    assert holds(operand, MISSING) is mentions


@given(st.sampled_from([c[0] for c in CASES]), JSON)
def test_a_match_is_the_absence_of_evidence(operand: Any, value: Any) -> None:
    """What does not match says why; what matches has nothing to say."""
    for condition in compiled({"body.x": operand}):
        seen = condition.evidence(facts(value))
        assert (condition.fails(facts(value)) is None) is (seen == ())
        assert all(e.path == "body.x" and e.expected and e.got for e in seen)


def test_evidence_tells_what_came() -> None:
    """The evidence names the place, what was expected and what came."""
    (condition,) = compiled({"body.x": {"in": ["a", "b"]}})
    (evidence,) = condition.evidence(facts("c"))
    assert (evidence.path, evidence.expected, evidence.got) == ("body.x", 'in ["a","b"]', '"c"')
    (evidence,) = condition.evidence(facts(MISSING))
    assert evidence.got == "nothing (missing)"
    (condition,) = compiled({"thing": "absent"})
    (evidence,) = condition.evidence(facts(1, thing={"key": "k", "origin": "seed"}))
    assert evidence.got == "a record"


def test_logic_joins_conditions_on_several_places() -> None:
    """all, any and none take sets of conditions; their evidence is that of their members."""
    two = [{"body.x": "a"}, {"body.y": "b"}]
    for name, bodies in {
        "all": [("a", "b")],
        "any": [("a", "b"), ("a", "c"), ("c", "b")],
        "none": [("c", "c")],
    }.items():
        (condition,) = compiled({name: two})
        for x in "ac":
            for y in "bc":
                given_facts = facts(MISSING) | {"body": {"x": x, "y": y}}
                held = condition.fails(given_facts) is None
                assert held is ((x, y) in bodies)
                assert held is (condition.evidence(given_facts) == ())
    (condition,) = compiled({"none": two})
    assert condition.evidence(facts("a"))[0].got == "one that holds"


@pytest.mark.parametrize(
    ("parent", "step", "found"),
    [
        ({"a": "x"}, "a", True),
        (MappingProxyType({"a": "x"}), "a", True),
        (["y", "x"], "1", True),
        (["y", "x"], "2", False),
        (["x"], "a", False),
        ("x", "0", False),
        (None, "a", False),
        (MISSING, "a", False),
    ],
)
def test_a_member_is_found_in_whatever_stands_there(parent: Any, step: str, found: bool) -> None:
    """In an object, in a list by its number; nowhere else, and what is not found is missing."""
    for operand in ("x", "present", {"not": "empty"}, {"in": ["x"]}, {"in": ["x", 1]}, {"not": "absent"}):
        (condition,) = compiled({f"thing.{step}": operand})
        assert (condition.fails(facts(1, thing=parent)) is None) is found
    (condition,) = compiled({f"thing.{step}": "absent"})
    assert (condition.fails(facts(1, thing=parent)) is None) is not found


def test_what_a_condition_asks_for_is_known() -> None:
    """One that asks for a text, a number, a boolean or null says which, and where; no other does."""
    for operand in ("a", 1, 1.5, True, None):
        (condition,) = compiled({"body.x": operand})
        assert condition.equals is not None
        assert (condition.place, condition.equals.operand) == ("body.x", operand)
        assert condition.equals.extract(facts(operand)) == operand
    for other in ("present", [1], {"equals": "a"}, {"not": "a"}):
        assert compiled({"body.x": other})[0].equals is None


PIN = Violation("body", ("a", "b"), "pattern", "empty", "expected c, got empty text")


@pytest.mark.parametrize(
    ("operand", "expected"),
    [
        ({"at": "body.a.b"}, True),
        ({"at": "body.a.*"}, True),
        ({"at": "body.*", "keyword": "pattern", "came": "empty"}, True),
        ({"at": ["header.x", "body.a.b"]}, True),
        ({"keyword": ["type", "pattern"]}, True),
        ({"came": ["blank", "empty"]}, True),
        ({"at": "body.a"}, False),
        ({"at": "header.*"}, False),
        ({"keyword": "type"}, False),
        ({"came": None}, False),
        ({"came": "missing"}, False),
    ],
)
def test_a_violation_is_selected_by_place_keyword_and_what_came(operand: dict[str, Any], expected: bool) -> None:
    """A violation condition holds where one violation fits all that it names, and claims just those."""
    (condition,) = compiled({"violation": operand})
    held = condition.fails(facts(1, (PIN,))) is None
    assert held is expected
    assert condition.claims is not None
    assert condition.first is not None
    assert condition.claims(PIN) is expected
    assert (condition.first(facts(1, (PIN,))) is PIN) is expected
    assert (condition.evidence(facts(1, (PIN,))) == ()) is expected
    assert condition.evidence(facts(1))[0].got == "no violation"


def test_an_unquoted_null_means_the_word() -> None:
    """`came: null` and `came: "null"` are the same."""
    violation = Violation("body", ("a",), "type", "null", "")
    for word in (None, "null"):
        (condition,) = compiled({"violation": {"came": [word]}})
        assert condition.fails(facts(1, (violation,))) is None


def test_unclaimed_are_the_violations_that_are_left() -> None:
    """unclaimed holds where a violation is left that no scenario names, and itself names none."""
    (condition,) = compiled({"violation": "unclaimed"})
    assert condition.fails(facts(1, (PIN,))) is not None
    assert condition.fails(facts(1, (PIN,), unclaimed=(PIN,))) is None
    assert condition.claims is None


def test_logic_over_violations_still_claims_them() -> None:
    """A violation named inside any is named, and is the one that the scenario rests on."""
    (condition,) = compiled({"any": [{"violation": {"at": "body.a.b"}}, {"body.x": "a"}]})
    assert condition.claims is not None
    assert condition.claims(PIN)
    assert condition.first is not None
    assert condition.first(facts(1, (PIN,))) is PIN


@pytest.mark.parametrize(
    "operand", ["present", "absent", "empty", None, {"not": "empty"}, {"present": True, "empty": True}]
)
def test_a_secret_may_be_asked_for(operand: Any) -> None:
    """Whether a secret is there may be asked."""
    faults: list[Diagnostic] = []
    compiled({"body.secret": operand}, faults=faults)
    assert faults == []


@pytest.mark.parametrize(
    "when",
    [
        {"body.secret": "1234"},
        {"body.secret": {"matches": "1"}},
        {"body.secret": {"any": ["absent", "1"]}},
        {"body.secret": {"not": {"in": ["1"]}}},
        {"body.x": {"same_as": "body.secret"}},
        {"header.authorization-x": "a"},
        {"header.cookie": "a"},
        {"header.Cookie2": {"contains": "a"}},
        {"header.proxy-authorization": {"starts_with": "Basic"}},
        {"body.x": {"same_as": "header.cookie"}},
        {"body.x": {"same_as": "header.proxy-authorization"}},
        {"body": {"equals": {}}},
    ],
)
def test_no_condition_compares_a_secret(when: dict[str, Any]) -> None:
    """The value of a secret is compared by no operator, nor is what holds one."""
    faults: list[Diagnostic] = []
    compiled(when, faults=faults)
    assert [fault.what for fault in faults if "is a secret" in fault.what]


@pytest.mark.parametrize(
    "when",
    [
        {"nowhere.x": 1},
        {"body..x": 1},
        {"body.x": {"matches": "("}},
        {"body.x": {"same_as": "nowhere"}},
        {"body.x": {"schema": "no-such-file.json"}},
        {"body.x": {"schema": {"type": "nonsense"}}},
    ],
)
def test_what_cannot_be_compiled_is_reported_and_never_holds(when: dict[str, Any]) -> None:
    """A broken condition is a fault at boot; it cannot quietly mean "matches"."""
    faults: list[Diagnostic] = []
    conditions = compiled(when, faults=faults)
    assert len(faults) == 1
    assert all(c.fails(facts("a")) is not None for c in conditions)
    assert all(c.evidence(facts("a")) is not None for c in conditions)


def test_a_schema_may_stand_in_a_file_of_its_own() -> None:
    """A condition names it by its file, and holds where the value fits."""
    schemas, faults = SchemaSet(), list[Any]()
    schemas.add({"number.json": {"type": "integer"}}, lambda _, fault: faults.append(fault))
    scope = Scope(("body",), lambda _, __: ())
    (condition,) = compile_when({"body.x": {"schema": "number.json"}}, Context(scope, schemas, faults.append))
    assert faults == []
    assert condition.fails(facts(1)) is None
    assert condition.fails(facts("a")) == "fits the schema"


def test_a_schema_that_was_reported_already_is_not_reported_again() -> None:
    """A condition on a schema file that is itself broken never holds, and adds no report of its own."""
    schemas, faults = SchemaSet(), list[Any]()
    schemas.unsound.add("broken.json")
    scope = Scope(("body",), lambda _, __: ())
    (condition,) = compile_when({"body.x": {"schema": "broken.json"}}, Context(scope, schemas, faults.append))
    assert faults == []
    assert condition.fails(facts("a")) is not None
