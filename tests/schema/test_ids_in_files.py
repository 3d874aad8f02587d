"""Schema files with an `$id`, reached from another file by its name: `check` and the requests agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from mockserver import Engine, Request, load
from tests.support import folder
from tests.support.invoke import invoke

CONTRACT: Final = """\
format: 1
operations:
  use:
    request: POST /use
    body: a.schema.json
    envelopes: {plain: {status: 200, body: "${respond}"}}
"""
SCENARIOS: Final = """\
format: 1
operation: use
scenarios:
- scenario: wrong
  documented: Wrong.
  when: {violation: {at: body.*}}
  respond: {plain: wrong}
  examples: [{request: {b: [1]}}]
- {scenario: right, documented: Right., respond: {plain: right}, examples: [{request: {b: [x]}}]}
"""
A: Final = {"properties": {"b": {"$ref": "b.schema.json"}}}
ID: Final = "https://example.com/schemas/b"
TEXT: Final = {"type": "string"}


def files(b: Any, c: Any) -> dict[str, str]:
    """A contract whose request refers to the file of `b` by its name; `c` stands beside it."""
    schemas = {"a.schema.json": A, "b.schema.json": b, "c.schema.json": c}
    return {
        "contract.yaml": CONTRACT,
        "scenarios.yaml": SCENARIOS,
        **{name: json.dumps(schema) for name, schema in schemas.items()},
    }


@pytest.mark.parametrize(
    ("b", "c"),
    [
        ({"$id": ID, "items": {"$ref": "c"}}, {"$id": "https://example.com/schemas/c", **TEXT}),
        ({"$id": ID, "items": {"$ref": "#/$defs/c"}, "$defs": {"c": TEXT}}, True),
        ({"$id": ID, "items": {"$ref": "inner"}, "$defs": {"c": {"$id": "inner", **TEXT}}}, True),
        ({"$id": ID, "items": {"$ref": "#c"}, "$defs": {"c": {"$anchor": "c", **TEXT}}}, True),
        ({"$id": "other-name.json", "items": {"$ref": "c.schema.json"}}, TEXT),
        ({"items": {"$ref": "c.schema.json"}}, {"$id": "urn:example:c", **TEXT}),
    ],
)
def test_a_relative_reference_is_read_by_its_own_id(b: Any, c: Any, tmp_path: Path) -> None:
    """Requests are checked by the schema that it leads to."""
    at = folder(tmp_path, files(b, c))
    assert invoke("check", str(at)).exit_code == 0
    engine = Engine(load(at))
    answers: list[tuple[list[Any], str]] = [(["x"], "right"), ([1], "wrong")]
    for items, answer in answers:
        reply = engine.handle_sync(Request("POST", "/use", json.dumps({"b": items}).encode(), {}))
        assert (reply.status, reply.body) == (200, f'"{answer}"'.encode())


@pytest.mark.parametrize(
    ("b", "hint"),
    [
        ({"$id": ID, "items": {"$ref": "c.schema.json"}}, "there is a file c.schema.json"),
        ({"$id": "sub/b.json", "items": {"$ref": "c.schema.json"}}, "there is a file c.schema.json"),
        ({"$id": ID, "items": {"$ref": "#/$defs/gone"}}, ""),
        ({"$id": ID, "items": {"$ref": "gone.json"}}, ""),
        ({"items": {"$ref": "c.schema.json#/$defs/gone"}}, ""),
        ({"items": {"$ref": "gone.schema.json"}}, ""),
    ],
)
def test_a_reference_that_leads_nowhere_is_an_error_of_check(b: Any, hint: str, tmp_path: Path) -> None:
    """At its place in the file that it stands in, though that is reached from another one."""
    checked = invoke("check", str(folder(tmp_path, files(b, TEXT))))
    assert checked.exit_code == 1
    assert "b.schema.json:1:" in checked.output
    assert "$ref that leads nowhere" in checked.output
    assert hint in checked.output
    assert "Traceback" not in checked.output
