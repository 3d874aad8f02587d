"""Marks: places in a text, as line and column."""

from __future__ import annotations

from typing import Final, NamedTuple


class Mark(NamedTuple):
    """A place in a text: line and column, both from 1; the column counts characters."""

    line: int
    column: int


START: Final = Mark(1, 1)


def mark_of(text: str, offset: int) -> Mark:
    """The place of a character of a text."""
    before = text[:offset]
    return Mark(before.count("\n") + 1, len(before) - before.rfind("\n"))
