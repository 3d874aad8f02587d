"""Schemas as a contract compiles them, and what they find."""

from __future__ import annotations

from typing import Any

from mockserver.core.diagnostics import Diagnostic
from mockserver.core.model import Violation
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import Validator

TREE = {"properties": {"name": {"type": "string"}, "children": {"items": {"$ref": "#"}}}, "required": ["name"]}

DECLARING: Any = {
    "properties": {
        "pin": {"writeOnly": True},
        "customer": {"$ref": "#/$defs/customer"},
        "list": {"items": {"properties": {"key": {"writeOnly": True}}}},
        "pair": {"prefixItems": [{"properties": {"left": True}}, {"properties": {"right": True}}]},
        "any": True,
    },
    "allOf": [{"properties": {"extra": {"writeOnly": False}}}],
    "if": {"properties": {"checked": True}},
    "then": {"properties": {"then": True}},
    "not": {"properties": {"never": True}},
    "$defs": {
        "customer": {"properties": {"first_name": True, "last_name": True, "self": {"$ref": "#/$defs/customer"}}}
    },
}


def compiled(schema: Any, **files: Any) -> Validator:
    """A schema that stands inside another file, beside schema files of these names."""
    schemas = SchemaSet()
    faults: list[Diagnostic] = []
    schemas.add({f"{name}.json": text for name, text in files.items()}, lambda _, fault: faults.append(fault))
    validator = schemas.compile_inline(schema, (), faults.append)
    assert faults == []
    assert validator is not None
    return validator


def texts(schema: Any, value: Any, **files: Any) -> list[str]:
    """Where and what, of each violation."""
    return [violation.text for violation in compiled(schema, **files).violations("body", value)]


def only(schema: Any, value: Any) -> Violation:
    """The one violation."""
    [violation] = compiled(schema).violations("body", value)
    return violation
