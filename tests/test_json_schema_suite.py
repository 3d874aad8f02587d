"""The official JSON Schema test suite (draft 2020-12): each case as it stands, and behind a `$ref` to a file name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver.core.model import Diagnostic
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import Validator

SUITE = Path(__file__).parent / "data" / "json-schema-test-suite" / "draft2020-12"
DEVIATIONS: dict[str, str] = {}

def groups() -> Iterator[Any]:
    for file in sorted(SUITE.rglob("*.json")):
        for group in json.loads(file.read_text()):
            yield pytest.param(group, id=f"{file.relative_to(SUITE)}: {group['description']}")


def direct(schema: Any) -> Validator | list[Diagnostic]:
    faults: list[Diagnostic] = []
    return SchemaSet().inline(schema, (), faults.append) or faults


def by_file(schema: Any) -> Validator | list[Diagnostic]:
    faults: list[Diagnostic] = []
    schemas = SchemaSet()
    schemas.add({"case.json": schema}, lambda _, fault: faults.append(fault))
    return schemas.inline({"$ref": "case.json"}, (), faults.append) or faults


@pytest.mark.parametrize("compiled", [direct, by_file])
@pytest.mark.parametrize("group", groups())
def test_suite(group: Any, compiled: Any) -> None:
    v = compiled(group["schema"])
    assert isinstance(v, Validator), v
    for case in group["tests"]:
        assert (v.violations("", case["data"]) == ()) is case["valid"], case["description"]
