"""The records that a request names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mockserver import Engine, Request, load
from tests.support import folder

CONTRACT = """\
format: 1
collections:
  things:
    open: false
    members: {state: {}}
    seeds: {ABC: {state: used}, Def: {state: fresh}}
operations:
  ask:
    request: POST /ask
    body: ask.schema.json
    lookups:
      one: {in: things, key: body.one, fold: lower}
      several: {in: things, keys: body.several, fold: lower, unless: body.skip}
    envelopes: {plain: {status: 200, body: "${respond}"}}
"""
SCENARIOS = """\
format: 1
operation: ask
scenarios:
- scenario: found
  documented: Found.
  respond: {plain: {one: {first_of: ["${one.state}", none]}, several: {each: several, give: "${item.state}"}}}
"""


def test_the_case_of_each_key_is_ignored_where_a_lookup_says_so(tmp_path: Path) -> None:
    """By `key` and by `keys`; what is no text, names no record, or is skipped by `unless` is left out."""
    files = {"contract.yaml": CONTRACT, "ask.yaml": SCENARIOS, "ask.schema.json": "{}"}
    engine = Engine(load(folder(tmp_path / "own", files)))
    body = {"one": "aBC", "several": ["abc", "DEF", "Def", 1, "unknown"]}
    assert _answer(engine, body) == {"one": "used", "several": ["used", "fresh", "fresh"]}
    assert _answer(engine, {**body, "skip": "yes"}) == {"one": "used", "several": []}


def _answer(engine: Engine, body: Any) -> Any:
    request = Request("POST", "/ask", json.dumps(body).encode(), {"content-type": "application/json"})
    return json.loads(engine.handle_sync(request).body)
