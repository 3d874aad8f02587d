"""Regular expressions: linear time, one meaning."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.core.diagnostics import Diagnostic
from mockserver.schema.patterns import compile_pattern
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import is_plain
from tests.support.schemas import only, texts


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^[0-9]{4}$", "1234", True),
        ("^[0-9]{4}$", "1234\n", False),
        ("^[0-9]{4}$", "\n1234", False),
        (r"^\d{4}$", "1234", True),
        (r"^\d{4}$", "１２３４", False),
        (r"^\d{4}$", "١٢٣٤", False),
        (r"^\w+$", "ñ", False),
        (r"^\s$", "\u00a0", False),
        (r"^\p{L}+$", "ñandú", True),
        (r"^.$", "😀", True),
        (r"^.$", "\ud800", True),
        (r"^a[^b]$", "a\ud800", True),
        (r"^.{2}$", "e\u0301", True),
        ("b", "abc", True),
        ("(?i)ABC", "xabcx", True),
        ("^$", "", True),
    ],
)
def test_patterns_have_one_meaning(pattern: str, text: str, found: bool) -> None:
    """Classes are ASCII, `$` is the true end, a pattern is searched for, a character is a code point."""
    assert compile_pattern(pattern)(text) is found
    if "\ud800" not in text:  # which is refused before a pattern is checked
        assert (texts({"pattern": pattern}, text) == []) is found
        if is_plain(pattern, names=True):
            assert (texts({"patternProperties": {pattern: False}}, {text: 1}) != []) is found
            closed = {"patternProperties": {pattern: True}, "additionalProperties": False}
            assert (texts(closed, {text: 1}) == []) is found


def test_patterns_run_in_linear_time() -> None:
    """A pattern that would take a backtracking engine years takes none."""
    assert texts({"pattern": "^(a+)+$"}, "a" * 50_000 + "!") != []


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a{2,1}", "[z-a]", "(?<!a)"])
def test_unsupported_patterns_are_refused(pattern: str) -> None:
    """Look-around and back-references are refused with the engine's reason, wherever a pattern can stand."""
    schemas: list[Any] = [{"pattern": pattern}, {"items": {"patternProperties": {pattern: True}}}]
    for schema in schemas:
        faults: list[Diagnostic] = []
        assert SchemaSet().compile_inline(schema, ("here",), faults.append) is None
        [fault] = faults
        assert fault.at[0] == "here"
        assert fault.what.startswith("bad regular expression: ")


def test_the_length_of_a_pattern_is_bounded() -> None:
    """Searching takes time for each of its characters."""
    assert only({"pattern": "a" * 10_000}, "b").keyword == "pattern"
    faults: list[Diagnostic] = []
    assert SchemaSet().compile_inline({"pattern": "a" * 10_001}, (), faults.append) is None
    assert [fault.what for fault in faults] == ["bad regular expression: longer than 10000 characters"]
