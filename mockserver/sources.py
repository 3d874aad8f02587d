"""Files as data with positions: YAML (1.2 core types) and JSON, every member's place in its file kept.

Knows YAML and is its one home; it knows no format, and never builds anything but JSON values. Equal keys,
tags, merge keys and runaway aliases are faults, not surprises.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final, cast

import yaml

from mockserver.model import Fault, Path, Position
from mockserver.values import printable, write_ascii

MOST_ALIASED: Final = 100_000
"""Values that aliases may repeat in one file, all told."""

DEEPEST: Final = 100
"""Levels of nesting in a file."""

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_SCALARS: Final = (
    (re.compile(r"~|null|Null|NULL|"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), int),
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?"), float),
)
_LEADING_ZERO: Final = re.compile(r"[-+]?0[0-9]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file: where, what, what was expected, what came, what to try."""

    position: Position
    what: str
    expected: str
    came: str
    hint: str

    def __str__(self) -> str:
        lines = [f"{self.position}: {self.what}", f"    expected: {self.expected}"]
        lines += [f"    came:     {self.came}"] if self.came else []
        lines += [f"    try:      {self.hint}"] if self.hint else []
        return "\n".join(lines)


@dataclass(slots=True)
class Source:
    """One file: its name as the user would type it, its data, and where each part of it stands."""

    name: str
    data: Any = None
    marks: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    faults: list[Path] = field(default_factory=list)

    def position(self, at: Path) -> Position:
        """The place of a part, or of the nearest part around it."""
        while at and at not in self.marks:
            at = at[:-1]
        line, column = self.marks.get(at, (1, 1))
        return Position(self.name, line, column)

    def report(self, fault: Fault) -> None:
        """Keep a fault as a problem of this file."""
        self.faults.append(fault.at)
        self.problems.append(Problem(self.position(fault.at), fault.what, fault.expected, fault.came, fault.hint))

    def broken(self, at: Path) -> bool:
        """Whether a fault was reported at or below a part."""
        return any(fault[: len(at)] == at for fault in self.faults)


def read_yaml(path: FilePath, name: str) -> Source:
    """The data of a YAML file; what is wrong stands in `problems`."""
    source = Source(name)
    text = _text(path, source)
    if text is not None:
        _fill(source, text)
    return source


def yaml_text(text: str, name: str) -> Source:
    """The data of a YAML text; what is wrong stands in `problems`."""
    source = Source(name)
    _fill(source, text)
    return source


def read_json(path: FilePath, name: str) -> Source:
    """The data of a JSON file; what is wrong stands in `problems`."""
    source = Source(name)
    text = _text(path, source)
    if text is None:
        return source
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        source.problems.append(
            Problem(Position(name, error.lineno, error.colno), f"bad JSON: {error.msg}", "a JSON document", "", "")
        )
        return source
    except RecursionError:
        source.problems.append(_too_deep(name, 1, 1))
        return source
    # JSON is read once more as the YAML that it nearly is, for the positions and for equal keys.
    marked = yaml_text(text.replace("\t", " "), name)
    source.marks = marked.marks
    source.problems += [problem for problem in marked.problems if "comes twice" in problem.what]
    source.data = data
    return source


def _text(path: FilePath, source: Source) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        position = Position(source.name, line, 1)
        source.problems.append(
            Problem(position, "not UTF-8", "a text in UTF-8", "other bytes", "save the file as UTF-8")
        )
    except OSError as error:
        reason = error.strerror or str(error)
        source.problems.append(
            Problem(Position(source.name, 1, 1), f"cannot be read: {reason}", "a readable file", "", "")
        )
    return None


def _too_deep(name: str, line: int, column: int) -> Problem:
    return Problem(Position(name, line, column), "nested too deep", f"at most {DEEPEST} levels", "more", "")


# -- YAML, event by event -----------------------------------------------------------------------------


class _Stop(Exception):  # noqa: N818 - not an error, the end of reading a file that has one
    """Reading cannot go on; the problem is kept."""


class _Builder:
    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self.anchors: dict[str, Any] = {}
        self.aliased = 0

    def stop(self, mark: Any, what: str, expected: str, came: str = "", hint: str = "") -> _Stop:
        self.problem(mark, what, expected, came, hint)
        return _Stop()

    def problem(self, mark: Any, what: str, expected: str, came: str = "", hint: str = "") -> None:
        position = Position(self.source.name, mark.line + 1, mark.column + 1)
        self.source.problems.append(Problem(position, what, expected, came, hint))

    def build(self) -> Any:
        documents = 0
        value = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self.stop(event.start_mark, "a second document in one file", "one document", "---")
                value = self.value(next(self.events), ())
        if not documents:
            self.source.problems.append(
                Problem(
                    Position(self.source.name, 1, 1), "an empty file", "a YAML mapping", "", "write format: 1 first"
                )
            )
        return value

    def value(self, event: Any, at: Path) -> Any:
        mark = event.start_mark
        self.source.marks.setdefault(at, (mark.line + 1, mark.column + 1))
        if len(at) > DEEPEST:
            self.source.problems.append(_too_deep(self.source.name, mark.line + 1, mark.column + 1))
            raise _Stop
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if event.tag is not None and event.tag not in ("!", "tag:yaml.org,2002:str"):
            raise self.stop(mark, "a YAML tag", "plain values without tags", event.tag, "a file cannot run code")
        if isinstance(event, yaml.ScalarEvent):
            value = self.scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = list(self.items(at))
        else:
            value = self.mapping(at)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        return value

    def alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            raise self.stop(
                event.start_mark, f"unknown alias *{event.anchor}", "an alias of an anchor that is complete", ""
            )
        value = self.anchors[event.anchor]
        self.aliased += _count(value, MOST_ALIASED)
        if self.aliased > MOST_ALIASED:
            raise self.stop(event.start_mark, "aliases repeat too much", f"at most {MOST_ALIASED} values", "more")
        return value

    def items(self, at: Path) -> Iterator[Any]:
        index = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.value(event, (*at, index))
            index += 1

    def mapping(self, at: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            mark = event.start_mark
            key = self.scalar(event) if isinstance(event, yaml.ScalarEvent) else None
            if not isinstance(key, str):
                raise self.stop(
                    mark, "a key that is no text", "a text", printable(write_ascii(key), 60), "put the key in quotes"
                )
            if key in members:
                first = self.source.position((*at, key))
                self.problem(
                    mark, f"the key {key} comes twice", "each key once", key, f"it stands in line {first.line} already"
                )
            else:
                self.source.marks[(*at, key)] = (mark.line + 1, mark.column + 1)
            members[key] = self.value(next(self.events), (*at, key))
        return members

    def scalar(self, event: Any) -> Any:
        text = event.value
        if not event.implicit[0]:
            return text
        quoted = f'a text? write "{text}" in quotes'
        for pattern, convert in _SCALARS:
            if pattern.fullmatch(text):
                value = convert(text)
                if isinstance(value, float) and math.isinf(value):
                    self.problem(event.start_mark, "a number that is too large", "a number below 1e308", text, quoted)
                elif isinstance(value, int) and not -(2**63) <= value < 2**64:
                    self.problem(event.start_mark, "a number that is too large", "at most 64 bits", text, quoted)
                return value
        if _LEADING_ZERO.fullmatch(text):
            self.problem(event.start_mark, "a number with leading zeros", "a number, or a text in quotes", text, quoted)
        return text


def _count(value: Any, limit: int) -> int:
    counted = 0
    pending = [value]
    while pending and counted <= limit:
        node = pending.pop()
        counted += 1
        pending.extend(node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
    return counted


def _fill(source: Source, text: str) -> None:
    try:
        source.data = _Builder(source, text).build()
    except _Stop:
        pass
    except yaml.MarkedYAMLError as error:
        mark = cast(Any, error.problem_mark or error.context_mark)
        line, column = mark.line + 1, mark.column + 1
        what = f"bad YAML: {error.problem or error.context}"
        source.problems.append(Problem(Position(source.name, line, column), what, "a YAML document", "", ""))
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        what = f"bad YAML: {error.reason}"
        source.problems.append(Problem(Position(source.name, line, 1), what, "a YAML document", "", ""))
