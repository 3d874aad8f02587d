"""Conditions: logic, violations, secrets, and the evidence of a condition that does not hold."""

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.base.values import decode_json, encode_json
from mockserver.contract.conditions import compile_when
from mockserver.contract.paths import Context, Scope
from mockserver.core.diagnostics import Diagnostic
from mockserver.core.model import MISSING, Violation
from mockserver.schema.declared import DeclaredNames
from mockserver.schema.schema_set import SchemaSet
from tests.support.conditions import CASES, JSON, compiled, facts
from tests.support.facts import some_facts


@pytest.mark.parametrize(
    ("when", "text"),
    [
        ({"all": [{"body.x": "a"}, {"body.y": 1, "body.z": 2}]}, 'all of (body.x is "a"; body.y is 1 and body.z is 2)'),
        ({"any": [{"body.x": "a"}, {"thing": "absent"}]}, 'any of (body.x is "a"; thing is absent)'),
        ({"none": [{"body.x": "a"}]}, 'none of (body.x is "a")'),
    ],
)
def test_groups_of_conditions_have_words(when: dict[str, Any], text: str) -> None:
    """A group's text differs from that of its conditions."""
    assert [condition.text for condition in compiled(when)] == [text]


@given(st.sampled_from([c[0] for c in CASES]), JSON)
def test_a_condition_matches_without_evidence_against_it(operand: Any, value: Any) -> None:
    """A condition that does not match says why."""
    for condition in compiled({"body.x": operand}):
        seen = condition.evidence(facts(value))
        assert (condition.failure(facts(value)) is None) is (seen == ())
        assert all(e.path == "body.x" and e.expected and e.got for e in seen)


def test_evidence_has_place_expected_and_got() -> None:
    """The evidence names the place, what was expected and what was got."""
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
                given_facts = some_facts({"x": x, "y": y})
                held = condition.failure(given_facts) is None
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
def test_a_path_step_finds_a_member_or_an_item(parent: Any, step: str, found: bool) -> None:
    """Elsewhere the value is missing."""
    for operand in ("x", "present", {"not": "empty"}, {"in": ["x"]}, {"in": ["x", 1]}, {"not": "absent"}):
        (condition,) = compiled({f"thing.{step}": operand})
        assert (condition.failure(facts(1, thing=parent)) is None) is found
    (condition,) = compiled({f"thing.{step}": "absent"})
    assert (condition.failure(facts(1, thing=parent)) is None) is not found


def test_an_equality_names_its_value_and_place() -> None:
    """Conditions of other kinds name none."""
    for operand in ("a", 1, 1.5, True, None):
        (condition,) = compiled({"body.x": operand})
        assert condition.equals is not None
        assert (condition.equals.place, condition.equals.operand) == ("body.x", operand)
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
def test_a_violation_is_selected_by_place_keyword_and_came(operand: dict[str, Any], expected: bool) -> None:
    """A condition holds where one violation fits all that it names, and claims just those."""
    (condition,) = compiled({"violation": operand})
    held = condition.failure(facts(1, (PIN,))) is None
    assert held is expected
    assert condition.selects_violation is not None
    assert condition.first_violation is not None
    assert condition.selects_violation(PIN) is expected
    assert (condition.first_violation(facts(1, (PIN,))) is PIN) is expected
    assert (condition.evidence(facts(1, (PIN,))) == ()) is expected
    assert condition.evidence(facts(1))[0].got == "no violation"


def test_an_unquoted_null_means_the_word() -> None:
    """`came: null` and `came: "null"` are the same."""
    violation = Violation("body", ("a",), "type", "null", "")
    for word in (None, "null"):
        (condition,) = compiled({"violation": {"came": [word]}})
        assert condition.failure(facts(1, (violation,))) is None


def test_unclaimed_are_the_violations_that_are_left() -> None:
    """unclaimed holds where a violation is left that no scenario names, and itself names none."""
    (condition,) = compiled({"violation": "unclaimed"})
    assert condition.failure(facts(1, (PIN,))) is not None
    assert condition.failure(facts(1, (PIN,), unclaimed=(PIN,))) is None
    assert condition.selects_violation is None


def test_logic_over_violations_still_claims_them() -> None:
    """A violation named inside any is named, and is the one that the scenario rests on."""
    (condition,) = compiled({"any": [{"violation": {"at": "body.a.b"}}, {"body.x": "a"}]})
    assert condition.selects_violation is not None
    assert condition.selects_violation(PIN)
    assert condition.first_violation is not None
    assert condition.first_violation(facts(1, (PIN,))) is PIN


@pytest.mark.parametrize(
    "operand", ["present", "absent", "empty", None, {"not": "empty"}, {"present": True, "empty": True}]
)
def test_a_secret_may_be_asked_for(operand: Any) -> None:
    """Whether a secret is there may be checked."""
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
    assert all(c.failure(facts("a")) is not None for c in conditions)
    assert all(c.evidence(facts("a")) is not None for c in conditions)


def test_a_schema_may_stand_in_a_file_of_its_own() -> None:
    """A condition names it by its file, and holds where the value fits."""
    schemas, faults = SchemaSet(), list[Any]()
    schemas.add({"number.json": {"type": "integer"}}, lambda _, fault: faults.append(fault))
    scope = Scope(("body",), lambda _, __: DeclaredNames())
    (condition,) = compile_when({"body.x": {"schema": "number.json"}}, Context(scope, schemas, faults.append))
    assert faults == []
    assert condition.failure(facts(1)) is None
    assert condition.failure(facts("a")) == "fits the schema"


def test_a_schema_that_was_reported_already_is_not_reported_again() -> None:
    """A condition on a schema file that is itself broken never holds, and adds no report of its own."""
    schemas, faults = SchemaSet(), list[Any]()
    schemas.unsound.add("broken.json")
    scope = Scope(("body",), lambda _, __: DeclaredNames())
    (condition,) = compile_when({"body.x": {"schema": "broken.json"}}, Context(scope, schemas, faults.append))
    assert faults == []
    assert condition.failure(facts("a")) is not None


def test_integers_beyond_64_bits_are_compared_exactly() -> None:
    """As they come in a request: a neighbour is another number."""
    (condition,) = compiled({"body.x": 2**64})
    for number in (2**64 - 1, 2**64, 2**64 + 1):
        body = decode_json(b'{"x": %d}' % number, 8)
        assert (condition.failure(some_facts(body)) is None) is (number == 2**64)
    (condition,) = compiled({"body.x": {"greater_than": 2**64}})
    assert condition.failure(some_facts(decode_json(b'{"x": %d}' % (2**64 + 1), 8))) is None
    assert encode_json({"x": 2**64 + 1}) == b'{"x":18446744073709551617}'
