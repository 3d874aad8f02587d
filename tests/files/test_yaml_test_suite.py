"""The YAML test suite (github.com/yaml/yaml-test-suite): each case is read or refused, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from mockserver.files.yaml_source import read_yaml_text

FOLDER: Final = Path(__file__).parent / "yaml-test-suite"
CASES: Final[dict[str, dict[str, Any]]] = json.loads((FOLDER / "cases.json").read_text(encoding="utf-8"))
"""By the id of the case: the text; `fail` where it is no YAML, or the JSON value where there is one document."""

ACCEPTED: Final = frozenset(
    ["9C9N", "9JBA", "CVW2", "DK95-1", "G5U8", "MUS6-0", "QB6E", "S98Z", "SU5Z", "X4QW", "Y79Y-3", "YJV2"]
)
"""What is no YAML 1.2, but read by libyaml."""

OTHERWISE: Final = frozenset(["652Z", "HM87-1", "L24T-1", "Y2GN"])
"""What libyaml reads as another value: `?` and `:` without a blank behind them, and blanks at the end."""


@pytest.mark.parametrize("name", CASES)
def test_each_case_is_read_or_refused(name: str) -> None:
    """What is read has the value of the suite; tags, several documents and keys that are no texts are refused."""
    case = CASES[name]
    source = read_yaml_text(case["yaml"].encode(), name)
    if source.diagnostics:
        assert all(one.position.line for one in source.diagnostics)
        return
    assert ("fail" in case) is (name in ACCEPTED)
    if "json" in case:
        assert (source.data == case["json"]) is (name not in OTHERWISE)


def test_the_suite_is_complete() -> None:
    """With its license; most of what is YAML and JSON alike is read."""
    assert len(CASES) == 405
    assert {*CASES} >= ACCEPTED | OTHERWISE
    assert "Permission is hereby granted" in (FOLDER / "LICENSE").read_text(encoding="utf-8")
    read = [name for name, case in CASES.items() if not read_yaml_text(case["yaml"].encode(), name).diagnostics]
    assert len(read) > 200
