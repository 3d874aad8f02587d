"""Conditions of each operator, with values that they match and values that they do not."""

from typing import Any

from hypothesis import strategies as st

from mockserver.contract.conditions import compile_when
from mockserver.contract.paths import Context, Scope
from mockserver.core.diagnostics import Diagnostic
from mockserver.core.language import Condition
from mockserver.core.model import MISSING, Facts, Violation
from mockserver.privacy.secrets import Secrets
from mockserver.schema.declared import DeclaredNames
from mockserver.schema.schema_set import SchemaSet
from tests.support.facts import some_facts

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.text("ab ", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


def compiled(when: dict[str, Any], *, faults: list[Diagnostic] | None = None) -> tuple[Condition, ...]:
    scope = Scope(("body", "header", "thing"), lambda _, __: DeclaredNames(), secrets=Secrets([("body", "secret")]))
    found: list[Diagnostic] = [] if faults is None else faults
    conditions = compile_when(when, Context(scope, SchemaSet(), found.append))
    assert faults is not None or not found
    return conditions


def facts(
    value: Any, violations: tuple[Violation, ...] = (), unclaimed: tuple[Violation, ...] = (), **records: Any
) -> Facts:
    body = {} if value is MISSING else {"x": value}
    return some_facts(body, violations=violations, unclaimed=unclaimed, records={"thing": MISSING, **records})


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
