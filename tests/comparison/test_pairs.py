"""Pairs of contracts with the verdicts that a reviewer gives: `base.yaml`, and one file of `pairs/` for each change."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from mockserver.base.json_pointer import json_pointer_steps
from mockserver.comparison.changes import Change
from mockserver.comparison.contracts import compare
from mockserver.contract.bundles import load_bundle
from mockserver.contract.folders import CONTRACT_SCHEMA_FILE, SCENARIOS_SCHEMA_FILE
from mockserver.contract.loading import shipped_folder
from mockserver.core.contract import Contract
from mockserver.engine.linter import check

HERE = Path(__file__).parent
BASE: Any = yaml.safe_load((HERE / "base.yaml").read_text())
PAIRS = {file.stem: yaml.safe_load(file.read_text()) for file in sorted((HERE / "pairs").iterdir())}


def contract(data: Any) -> Contract:
    return load_bundle({"bundle": 1, "hash": "", **data}, "pair")


def sides(name: str) -> tuple[Any, Any]:
    """The contracts of a pair: the base (in some with the edits `before`), and the same with the edits `change`."""
    old = edited(BASE, PAIRS[name].get("before", []))
    return old, edited(old, PAIRS[name]["change"])


def edited(base: Any, edits: list[dict[str, Any]]) -> Any:
    """A contract after edits: `value` sets (`-` appends), `insert` and `move` are for lists, `remove`, `rename`."""
    data = copy.deepcopy(base)
    for edit in edits:
        *steps, last = json_pointer_steps(edit["at"])
        node = data
        for step in steps:
            node = node[int(step)] if isinstance(node, list) else node[step]
        if "insert" in edit:
            node.insert(int(last), edit["insert"])
        elif "move" in edit:
            node.insert(edit["move"], node.pop(int(last)))
        elif "rename" in edit:
            node[edit["rename"]] = node.pop(last)
        elif "remove" in edit:
            node.pop(int(last) if isinstance(node, list) else last)
        elif last == "-":
            node.append(edit["value"])
        else:
            node[int(last) if isinstance(node, list) else last] = edit["value"]
    return data


def line(change: Change) -> str:
    """A change as a pair writes it: `breaking outcome sold-out: status`."""
    place = f"{change.verdict} {change.place.part} {change.place.name}"
    return f"{place}: {change.at}" if change.at else place


@pytest.mark.parametrize("name", PAIRS)
def test_a_pair_gets_the_verdicts_of_a_reviewer(name: str) -> None:
    """Every change is named, and nothing else; another copy of a contract has no change."""
    old, new = sides(name)
    changed = contract(new)
    assert sorted(map(line, compare(contract(old), changed, "old", "new").changes)) == sorted(PAIRS[name]["expect"])
    assert compare(changed, contract(new), "old", "new").changes == ()


def test_the_base_is_sound() -> None:
    """It passes `check` but for the form of its file names."""
    assert check(contract(BASE)) == ()


def test_every_member_of_an_outcome_and_an_envelope_has_a_pair() -> None:
    """So that none is forgotten when contracts are compared."""
    schemas = shipped_folder() / "schemas"
    scenario = json.loads((schemas / SCENARIOS_SCHEMA_FILE).read_text())["$defs"]["scenario"]
    operation = json.loads((schemas / CONTRACT_SCHEMA_FILE).read_text())["$defs"]["operation"]
    envelope = operation["properties"]["envelopes"]["additionalProperties"]
    changed = json.dumps([pair["change"] for pair in PAIRS.values()])
    for name in (*scenario["properties"], *envelope["properties"]):
        assert re.search(f'["/]{name}["/]', changed), name
