"""The JSON Schema test suite (draft 2020-12): each case as it stands, and behind a `$ref` to a file name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockserver.core.diagnostics import Diagnostic
from mockserver.schema.schema_set import SchemaSet

FOLDER = Path(__file__).parent / "json-schema-test-suite"
SUITE = FOLDER / "draft2020-12"
REMOTES = {file.name: json.loads(file.read_text()) for file in sorted((FOLDER / "remotes").glob("*.json"))}
"""Schemas that some cases refer to; they stand beside every case as files of a contract."""

METASCHEMA = "refused: the schema of schemas is no file of the contract"
WHITE_SPACE = "RE2: \\s is one of U+0009, U+000A, U+000C, U+000D and U+0020"
NO_SUCH_CLASS = "refused: RE2 has no such name of a class"
NO_CONTROL = "refused: RE2 has no \\c"

DEVIATIONS = {
    "defs.json: validate definition against metaschema": METASCHEMA,
    "ref.json: remote ref, containing refs itself": METASCHEMA,
    r"optional/ecmascript-regex.json: ECMA 262 \s matches whitespace": WHITE_SPACE,
    r"optional/ecmascript-regex.json: ECMA 262 \S matches everything but whitespace": WHITE_SPACE,
    r"optional/ecmascript-regex.json: ECMA 262 regex escapes control codes with \c and lower letter": NO_CONTROL,
    r"optional/ecmascript-regex.json: ECMA 262 regex escapes control codes with \c and upper letter": NO_CONTROL,
    "optional/ecmascript-regex.json: pattern with non-ASCII digits": NO_SUCH_CLASS,
    "optional/ecmascript-regex.json: patternProperties with non-ASCII digits": NO_SUCH_CLASS,
    "optional/ecmascript-regex.json: patterns always use unicode semantics with pattern": NO_SUCH_CLASS,
    "optional/ecmascript-regex.json: patterns always use unicode semantics with patternProperties": NO_SUCH_CLASS,
}
"""Where we differ from the suite, and why. `docs/pages/reference/json-schema.md` says it in words."""

GROUPS = {
    f"{file.relative_to(SUITE).as_posix()}: {group['description']}": group
    for file in sorted(SUITE.rglob("*.json"))
    for group in json.loads(file.read_text())
}

Verdict = Callable[[Any], bool]


def verdict(schema: Any, *, by_file: bool) -> Verdict | list[Diagnostic]:
    """Tells whether a value is valid; or what is wrong with the schema."""
    faults: list[Diagnostic] = []
    schemas = SchemaSet()
    files = {**REMOTES, "case.json": schema} if by_file else REMOTES
    schemas.add(files, lambda _, fault: faults.append(fault))
    validator = schemas.compile_inline({"$ref": "case.json"} if by_file else schema, (), faults.append)
    return faults if validator is None else lambda value: validator.violations("body", value) == ()


@pytest.mark.parametrize("by_file", [False, True], ids=["direct", "by file name"])
@pytest.mark.parametrize("name", GROUPS)
def test_each_case_has_the_verdict_of_the_suite(name: str, by_file: bool) -> None:
    """Listed deviations differ, each with a reason."""
    group = GROUPS[name]
    is_valid = verdict(group["schema"], by_file=by_file)
    reason = DEVIATIONS.get(name, "")
    if reason.startswith("refused: "):
        assert isinstance(is_valid, list)
        return
    assert not isinstance(is_valid, list), is_valid
    wrong = [case["description"] for case in group["tests"] if is_valid(case["data"]) is not case["valid"]]
    assert bool(wrong) is bool(reason), wrong


def test_the_suite_is_complete() -> None:
    """All cases for draft 2020-12 but those that fetch schemas; each deviation belongs to a case."""
    assert len(GROUPS) == 389
    assert sum(len(group["tests"]) for group in GROUPS.values()) == 1338
    assert DEVIATIONS.keys() <= GROUPS.keys()
    assert "Permission is hereby granted" in (FOLDER / "LICENSE").read_text()
