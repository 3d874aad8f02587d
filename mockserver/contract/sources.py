"""Files as data with positions: YAML (1.2 core types) and JSON, every member's place in its file kept.

Knows YAML and is its one home; it knows no format, and never builds anything but JSON values. Equal keys,
tags, merge keys and runaway aliases are faults, not surprises.
"""

from __future__ import annotations

import bisect
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final, NamedTuple, cast

import yaml

from mockserver.core.model import MISSING, Diagnostic, Path, Position
from mockserver.core.values import close_matches, printable

MOST_ALIASED: Final = 100_000
"""Values that aliases may repeat in one file, all told."""

DEEPEST: Final = 100
"""Levels of nesting in a file."""

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_NUMBER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_LEADING_ZERO: Final = re.compile(r"[-+]?0[0-9]+(?:\.[0-9]*)?")
_CONTROL: Final = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s"\[\]{}:,]+')

_TEXT_TAG: Final = "tag:yaml.org,2002:str"

_HINTS: Final = {
    "mapping values are not allowed": "a text with ': ' in it is written in quotes",
    "cannot start any token": "indent with spaces, not tabs; a text that begins with @, ` or % is written in quotes",
    "expected key": "members of one mapping begin in the same column, and so do the items of one list",
    "expected '-'": "members of one mapping begin in the same column, and so do the items of one list",
}


class Problem(NamedTuple):
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
        return "\n".join(map(_visible, lines))


def _visible(line: str) -> str:
    """A line that stays one and can be written anywhere, whatever names a file has in it."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line)


@dataclass(slots=True)
class SourceFile:
    """One file: its name as the user would type it, its data, and where each part of it stands."""

    name: str
    data: Any = MISSING
    marks: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    faults: list[Path] = field(default_factory=list)
    _broken: set[Path] = field(default_factory=set)

    def position(self, at: Path) -> Position:
        """The place of a part, or of the nearest part around it."""
        while at and at not in self.marks:
            at = at[:-1]
        line, column = self.marks.get(at, (1, 1))
        return Position(self.name, line, column)

    def report(self, fault: Diagnostic) -> None:
        """Keep a fault as a problem of this file."""
        self.spoil(fault.at)
        self.problems.append(Problem(self.position(fault.at), fault.what, fault.expected, fault.came, fault.hint))

    def problem(self, place: tuple[int, int], what: str, expected: str, came: str = "", hint: str = "") -> None:
        """Keep a problem at a line and column."""
        self.problems.append(Problem(Position(self.name, *place), what, expected, came, hint))

    def spoil(self, at: Path) -> None:
        """Note that a part is wrong, and so is all that it is a part of."""
        self.faults.append(at)
        self._broken.update(at[:length] for length in range(len(at) + 1))

    def broken(self, at: Path) -> bool:
        """Whether a fault was reported at or below a part."""
        return at in self._broken


def read_yaml(path: FilePath, name: str) -> SourceFile:
    """The data of a YAML file; what is wrong stands in `problems`, and where it cannot be read there is no data."""
    source = SourceFile(name)
    text = _text(path, source)
    return source if text is None else _fill(source, text)


def read_text(data: bytes, name: str) -> SourceFile:
    """The data of a YAML text (JSON is one) that is no file; what is wrong stands in `problems`."""
    source = SourceFile(name)
    try:
        return _fill(source, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        source.problem((line, 1), "not UTF-8", "a text in UTF-8", "other bytes")
        return source


def _fill(source: SourceFile, text: str) -> SourceFile:
    control = _CONTROL.search(text)
    if control is not None:
        what = f"bad YAML: a control character, U+{ord(control[0]):04X}"
        source.problem(_place(text, control.start()), what, "visible text", "", "escape it, in double quotes")
        return source
    try:
        source.data = _Builder(source, text).build()
    except _Stop:
        pass
    except yaml.MarkedYAMLError as error:
        mark = cast(Any, error.problem_mark)
        if "nesting depth" in str(error.problem):  # what reads YAML has a limit of its own since libyaml 0.2.6
            source.problem((mark.line + 1, mark.column + 1), *_TOO_DEEP)
            return source
        hint = next((h for said, h in _HINTS.items() if said in str(error.problem)), "")
        source.problem((mark.line + 1, mark.column + 1), f"bad YAML: {error.problem}", "a YAML document", "", hint)
    return source


def read_json(path: FilePath, name: str) -> SourceFile:
    """The data of a JSON file; what is wrong stands in `problems`, and where it cannot be read there is no data."""
    source = SourceFile(name)
    text = _text(path, source)
    if text is None:
        return source
    try:
        # A number that is too large is found with its place below.
        data = json.loads(text, parse_int=lambda digits: int(digits[:30]))
        _JsonMarks(source, text).mark()
        source.data = data
    except _Stop:
        pass
    except RecursionError:
        source.problem((1, 1), *_TOO_DEEP)
    except json.JSONDecodeError as error:
        hint = "a comma before a closing bracket?" if "double quotes" in error.msg else ""
        source.problem((error.lineno, error.colno), f"bad JSON: {error.msg}", "a JSON document", "", hint)
    return source


def _text(path: FilePath, source: SourceFile) -> str | None:
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        source.problem(
            (1, 1), f"cannot be read: {reason}", "a readable file", "", "is it mounted, and may you read it?"
        )
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place(data[: error.start].decode("utf-8-sig"), error.start)
        source.problem(place, "not UTF-8", "a text in UTF-8", "other bytes", "save the file as UTF-8")
    return None


def _place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


_TOO_DEEP: Final = ("nested too deep", f"at most {DEEPEST} levels", "more")


class _Stop(Exception):  # noqa: N818 - not an error, the end of reading a file that has one
    """Reading cannot go on; the problem is kept."""


def _is_too_large(text: str) -> bool:
    if _INTEGER.fullmatch(text):
        return len(text) > 30 or not -(2**63) <= int(text) < 2**64
    return math.isinf(float(text))


# -- JSON, token by token -----------------------------------------------------------------------------


class _JsonMarks:
    """Finds the place of every part of a JSON text that is known to be sound."""

    def __init__(self, source: SourceFile, text: str) -> None:
        self.source = source
        self.tokens = _JSON_TOKEN.finditer(text)
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def mark(self) -> None:
        self.value(next(self.tokens), ())

    def place(self, token: re.Match[str]) -> tuple[int, int]:
        line = bisect.bisect_right(self.starts, token.start())
        return line, token.start() - self.starts[line - 1] + 1

    def value(self, token: re.Match[str], at: Path) -> None:
        place = self.place(token)
        self.source.marks.setdefault(at, place)
        if len(at) == DEEPEST and token[0] in ("{", "["):
            self.source.problem(place, *_TOO_DEEP)
            raise _Stop
        if token[0] == "{":
            self.members(at)
        elif token[0] == "[":
            index = 0
            while (token := next(self.tokens))[0] != "]":
                if token[0] != ",":
                    self.value(token, (*at, index))
                    index += 1
        elif token[0] in ("NaN", "Infinity", "-Infinity"):
            self.source.problem(place, "bad JSON: a number that JSON does not have", "a JSON value", token[0])
            self.source.spoil(at)
        elif _NUMBER.fullmatch(token[0]) and _is_too_large(token[0]):
            self.source.problem(place, "a number that is too large", "64 bits, or below 1e308", token[0][:40])
            self.source.spoil(at)

    def members(self, at: Path) -> None:
        while (token := next(self.tokens))[0] != "}":
            if token[0] == ",":
                continue
            key = json.loads(token[0])
            _mark_key(self.source, at, key, self.place(token))
            next(self.tokens)  # the colon
            self.value(next(self.tokens), (*at, key))


def _mark_key(source: SourceFile, at: Path, key: str, place: tuple[int, int]) -> None:
    first = source.marks.setdefault((*at, key), place)
    if first is not place:
        hint = f"it stands at line {first[0]}, column {first[1]} already"
        source.problem(place, f"the key {key} comes twice", "each key once", key, hint)
        source.spoil((*at, key))


# -- YAML, event by event -----------------------------------------------------------------------------


class _Builder:
    def __init__(self, source: SourceFile, text: str) -> None:
        self.source = source
        self.events: Iterator[Any] = yaml.parse(text, Loader=_Loader)
        self.anchors: dict[str, Any] = {}
        self.aliased = 0

    def stop(self, event: Any, what: str, expected: str, came: str = "", hint: str = "") -> _Stop:
        self.source.problem(_mark(event), what, expected, came, hint)
        return _Stop()

    def build(self) -> Any:
        value: Any = MISSING
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if value is not MISSING:
                    hint = "put it into a file of its own"
                    raise self.stop(event, "a second document in one file", "one document", "---", hint)
                value = self.value(next(self.events), ())
        if value is MISSING:
            self.source.problem((1, 1), "an empty file", "a YAML mapping", "nothing", "write format: 1 first")
        return value

    def value(self, event: Any, at: Path) -> Any:
        self.source.marks.setdefault(at, _mark(event))
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, at)
        if event.tag is not None and (event.tag != _TEXT_TAG or not isinstance(event, yaml.ScalarEvent)):
            hint = "leave it out: a file holds values and can run nothing"
            raise self.stop(event, "a YAML tag", "plain values without tags", printable(event.tag, 60), hint)
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = self.scalar(event, at)
        elif len(at) == DEEPEST:
            raise self.stop(event, *_TOO_DEEP)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = list(self.items(at))
        else:
            value = self.mapping(at)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
        return value

    def alias(self, event: Any, at: Path) -> Any:
        if event.anchor not in self.anchors:
            spelt = close_matches(event.anchor, self.anchors)
            expected = "an alias of an anchor that stands before it"
            hint = f"did you mean *{spelt[0]}?" if spelt else ""
            raise self.stop(event, f"unknown alias *{event.anchor}", expected, f"*{event.anchor}", hint)
        value = self.anchors[event.anchor]
        count, depth = _measure(value, MOST_ALIASED)
        self.aliased += count
        if self.aliased > MOST_ALIASED:
            raise self.stop(event, "aliases repeat too much", f"at most {MOST_ALIASED} values by aliases", "more")
        if len(at) + depth > DEEPEST:
            raise self.stop(event, *_TOO_DEEP)
        return value

    def items(self, at: Path) -> Iterator[Any]:
        index = 0
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            yield self.value(event, (*at, index))
            index += 1

    def mapping(self, at: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self.stop(event, "a key that is no text", "a text", "an alias, a list or a mapping")
            key = self.key(event, at)
            _mark_key(self.source, at, key, _mark(event))
            members[key] = self.value(next(self.events), (*at, key))
        return members

    def key(self, event: Any, at: Path) -> str:
        text = str(event.value)
        if event.implicit[0] and text == "<<":
            hint = "name what is the same with &name and repeat it with *name"
            self.source.problem(_mark(event), "a merge key", "members that are all written out", "<<", hint)
            self.source.spoil((*at, text))
        elif event.implicit[0] and (text in _WORDS or _NUMBER.fullmatch(text) or _LEADING_ZERO.fullmatch(text)):
            self.source.problem(_mark(event), "a key that is no text", "a text", text, f'write "{text}" in quotes')
        return text

    def scalar(self, event: Any, at: Path) -> Any:
        text = event.value
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        zero = _LEADING_ZERO.fullmatch(text)
        number = _NUMBER.fullmatch(text)
        if zero or (number and _is_too_large(text)):
            what = "a number with leading zeros" if zero else "a number that is too large"
            expected = "a number without them" if zero else "64 bits, or below 1e308"
            hint = "a text? write it in quotes"
            self.source.problem(_mark(event), what, expected, printable(text, 60), hint)
            self.source.spoil(at)
            return text
        if not number:
            return text
        return int(text) if _INTEGER.fullmatch(text) else float(text)


def _mark(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _measure(value: Any, limit: int) -> tuple[int, int]:
    """How many values there are in all (counted up to `limit`), and how many levels."""
    counted, depth, level = 1, 0, [value]
    while level and counted <= limit:
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
        ]
        counted, depth = counted + len(level), depth + 1
    return counted, depth - 1
