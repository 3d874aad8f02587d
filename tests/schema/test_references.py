"""References that lead nowhere, back to themselves, or too far are refused when files are loaded."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.core.diagnostics import Diagnostic
from mockserver.schema import diagnostics
from mockserver.schema.schema_set import SchemaSet


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf", "not"])
def test_references_that_double_at_each_level_are_refused(keyword: str) -> None:
    """Thirty levels would take a billion steps: the schema is refused when files are loaded."""
    levels: dict[str, Any] = {}
    for n in range(30):
        twice = [{"$ref": f"#/$defs/d{n + 1}"}] * 2
        levels[f"d{n}"] = {"not": {"anyOf": twice}} if keyword == "not" else {keyword: twice}
    schema = {"$ref": "#/$defs/d0", "$defs": {**levels, "d30": {"type": "string"}}}
    faults: list[Diagnostic] = []
    assert SchemaSet().compile_inline(schema, ("here",), faults.append) is None
    assert faults == [
        Diagnostic(("here",), "schemas that refer to each other too often", "at most 5000 checks of one value", "more")
    ]


def test_a_long_chain_of_references_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain of thousands is found when files are loaded, and soon."""
    monkeypatch.setattr(diagnostics, "MAX_STEPS", 1_000)
    chain = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(100)}
    faults: list[Diagnostic] = []
    assert SchemaSet().compile_inline({"$defs": {**chain, "d100": {}}}, (), faults.append) is None
    [fault] = faults
    assert fault.what == "$ref that leads through too many others"
    assert fault.expected == "schemas that refer to each other less"
    assert fault.got.removeprefix("#/$defs/") in chain


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"properties": {"a": {"anyOf": [{"not": {"$ref": "#/properties/a"}}]}}},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"if": {"$ref": "#/$defs/a"}}}},
        {"$dynamicAnchor": "node", "$dynamicRef": "#node"},
        {"dependentSchemas": {"x": {"$ref": "#"}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}},
    ],
)
def test_an_endless_reference_is_refused(schema: Any) -> None:
    """It is found when files are loaded."""
    faults: list[Diagnostic] = []
    assert SchemaSet().compile_inline(schema, (), faults.append) is None
    assert {fault.what.partition(" ")[2] for fault in faults} == {"that leads back to itself"}
