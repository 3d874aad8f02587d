"""YAML files as data with positions: the core types of YAML 1.2, limited to what JSON has.

Equal keys, tags, merge keys and aliases without limit are reported, each at its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, Final, NamedTuple, cast

import yaml

from mockserver.base.marks import START, Mark, mark_of
from mockserver.base.spelling import close_matches, did_you_mean
from mockserver.base.values import MAX_FILE_DEPTH, printable
from mockserver.core.model import MISSING, Path
from mockserver.files.sources import (
    INTEGER,
    NUMBER,
    NUMBER_RANGE,
    SourceFile,
    StopReading,
    fill_from_json,
    is_number_too_large,
    read_utf8,
    report_bad_json,
)

MAX_ALIASED_VALUES: Final = 100_000
"""Values that the aliases of one file may repeat in total."""

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_PLAIN_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_LEADING_ZERO: Final = re.compile(r"[-+]?0[0-9]+(?:\.[0-9]*)?")
_NO_JSON_NUMBER: Final = re.compile(
    r"[-+]?(?:(?:\.[0-9]+|[0-9]+\.)(?:[eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|0o[0-7]+|0b[01]+|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)"
)
"""Numbers to a reader of YAML 1.1 or 1.2 that JSON writes otherwise or not at all."""

_CONTROL: Final = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEXT_TAG: Final = "tag:yaml.org,2002:str"

_HINTS: Final = {
    "mapping values are not allowed": "a text with ': ' in it is written in quotes",
    "cannot start any token": "indent with spaces, not tabs; a text that begins with @, ` or % is written in quotes",
    "expected key": "members of one mapping begin in the same column, and so do the items of one list",
    "expected '-'": "members of one mapping begin in the same column, and so do the items of one list",
}
"""Hints by a part of the YAML library's error message."""


def read_yaml(path: FilePath, name: str) -> SourceFile:
    """The data of a YAML file; what is wrong stands in `diagnostics`, and where it cannot be read there is no data."""
    source = SourceFile(name)
    text = read_utf8(path, source)
    return source if text is None else _parse(source, text)


def read_yaml_text(data: bytes, name: str, *, is_json: bool = False) -> SourceFile:
    """The data of a YAML text that is no file; what is wrong stands in `diagnostics`.

    `is_json`: the sender says that it is JSON, and as such it is read.
    """
    source = SourceFile(name)
    try:
        text = data.decode("utf-8-sig")
        return _parse_json(source, text) if is_json else _parse(source, text)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        source.report_at(Mark(line, 1), "not UTF-8", "a text in UTF-8", "other bytes")
        return source


def _parse_json(source: SourceFile, text: str) -> SourceFile:
    """Give a source the data of a JSON text."""
    try:
        fill_from_json(source, text, refuse_surrogates=True)
    except json.JSONDecodeError as error:
        is_broken = text.lstrip().startswith(('{"', "{}"))
        report_bad_json(source, error, hint="" if is_broken else "YAML is sent as application/yaml")
    return source


def _parse(source: SourceFile, text: str) -> SourceFile:
    """Give a source the data of a text.

    A text that begins like a JSON object and is one is read as JSON: YAML differs in escaped surrogate pairs and in
    long keys.
    """
    if text.lstrip().startswith("{"):
        try:
            fill_from_json(source, text, refuse_surrogates=True)
        except json.JSONDecodeError:
            pass  # a flow mapping of YAML
        else:
            return source
    control = _CONTROL.search(text)
    if control is not None:
        what = f"bad YAML: a control character, U+{ord(control[0]):04X}"
        source.report_at(mark_of(text, control.start()), what, "visible text", "", "escape it, in double quotes")
        return source
    try:
        source.data = _YamlValueBuilder(source, text).build()
    except StopReading:
        pass
    except yaml.MarkedYAMLError as error:
        mark = _mark_of(error.problem_mark)
        if "nesting depth" in str(error.problem):  # libyaml has a limit of its own since 0.2.6
            source.report_too_deep(mark)
            return source
        hint = next((hint for said, hint in _HINTS.items() if said in str(error.problem)), "")
        source.report_at(mark, f"bad YAML: {error.problem}", "a YAML document", "", hint)
    return source


class _YamlValueBuilder:
    """Builds JSON values from the events of a YAML text, and records the position of each."""

    def __init__(self, source: SourceFile, text: str) -> None:
        self._source = source
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_Loader)
        self._anchors: dict[str, Any] = {}
        self._aliased = 0

    def build(self) -> Any:
        """The value of the only document; `MISSING` if there is none. Raises `StopReading` and YAML's errors."""
        value: Any = MISSING
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if value is not MISSING:
                    hint = "put it into a file of its own"
                    raise self._stop(event, "a second document in one file", "one document", "---", hint)
                value = self._value(next(self._events), ())
        if value is MISSING:
            self._source.report_at(START, "an empty file", "a YAML mapping", "nothing", "write format: 1 first")
        return value

    def _stop(self, event: yaml.Event, what: str, expected: str, got: str, hint: str = "") -> StopReading:
        self._source.report_at(_mark_of(event.start_mark), what, expected, got, hint)
        return StopReading()

    def _value(self, event: yaml.Event, at: Path) -> Any:
        self._source.marks.setdefault(at, _mark_of(event.start_mark))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, at)
        start = cast(yaml.ScalarEvent | yaml.CollectionStartEvent, event)
        is_scalar = isinstance(start, yaml.ScalarEvent)
        if start.tag is not None and not (is_scalar and start.tag == _TEXT_TAG):
            hint = "leave it out: a file holds values and can run nothing"
            raise self._stop(start, "a YAML tag", "plain values without tags", printable(start.tag, 60), hint)
        value = self._scalar(start, at) if isinstance(start, yaml.ScalarEvent) else self._collection(start, at)
        if start.anchor is not None:
            self._anchors[start.anchor] = value
        return value

    def _collection(self, event: yaml.CollectionStartEvent, at: Path) -> Any:
        if len(at) == MAX_FILE_DEPTH:
            raise self._source.report_too_deep(_mark_of(event.start_mark))
        return list(self._items(at)) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(at)

    def _alias(self, event: yaml.AliasEvent, at: Path) -> Any:
        name = str(event.anchor)
        if name not in self._anchors:
            expected = "an alias of an anchor that stands before it"
            hint = did_you_mean([f"*{near}" for near in close_matches(name, self._anchors)[:1]])
            raise self._stop(event, f"unknown alias *{name}", expected, f"*{name}", hint)
        value = self._anchors[name]
        size = _size_of(value, MAX_ALIASED_VALUES)
        self._aliased += size.values
        if self._aliased > MAX_ALIASED_VALUES:
            raise self._stop(
                event, "aliases repeat too much", f"at most {MAX_ALIASED_VALUES} values by aliases", "more"
            )
        if len(at) + size.levels > MAX_FILE_DEPTH:
            raise self._source.report_too_deep(_mark_of(event.start_mark))
        return value

    def _items(self, at: Path) -> Iterator[Any]:
        index = 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._value(event, (*at, index))
            index += 1

    def _mapping(self, at: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._stop(event, "a key that is no text", "a text", "an alias, a list or a mapping")
            key = self._key(event, at)
            self._source.mark_key(at, key, _mark_of(event.start_mark))
            members[key] = self._value(next(self._events), (*at, key))
        return members

    def _key(self, event: yaml.ScalarEvent, at: Path) -> str:
        text, mark = event.value, _mark_of(event.start_mark)
        is_plain = _is_plain(event)
        if is_plain and text == "<<":
            hint = "name what is the same with &name and repeat it with *name"
            self._source.report_at(mark, "a merge key", "members that are all written out", "<<", hint)
            self._source.mark_broken((*at, text))
        elif is_plain and (text in _PLAIN_WORDS or NUMBER.fullmatch(text) or _number_fault(text)):
            self._source.report_at(mark, "a key that is no text", "a text", text, f'write "{text}" in quotes')
        return text

    def _scalar(self, event: yaml.ScalarEvent, at: Path) -> Any:
        text = event.value
        if not _is_plain(event):
            return text
        if text in _PLAIN_WORDS:
            return _PLAIN_WORDS[text]
        fault = _number_fault(text)
        if fault is not None:
            hint = "a text? write it in quotes"
            self._source.report_at(_mark_of(event.start_mark), fault.what, fault.expected, printable(text, 60), hint)
            self._source.mark_broken(at)
            return text
        if not NUMBER.fullmatch(text):
            return text
        return int(text) if INTEGER.fullmatch(text) else float(text)


class _NumberFault(NamedTuple):
    """Why a plain scalar that looks like a number is refused, and what is expected."""

    what: str
    expected: str


def _number_fault(text: str) -> _NumberFault | None:
    """What is wrong with a plain scalar that some YAML readers take for a number; None for any other scalar."""
    if NUMBER.fullmatch(text):
        return _NumberFault("a number that is too large", NUMBER_RANGE) if is_number_too_large(text) else None
    if _LEADING_ZERO.fullmatch(text):
        return _NumberFault("a number with leading zeros", "a number without them")
    if _NO_JSON_NUMBER.fullmatch(text):
        return _NumberFault("a number that JSON does not have", "a decimal number such as 0.5, 1.0 or 31")
    return None


def _mark_of(place: object) -> Mark:
    """A place of the YAML library, which counts from 0."""
    mark = cast(yaml.Mark, place)
    return Mark(mark.line + 1, mark.column + 1)


def _is_plain(event: yaml.ScalarEvent) -> bool:
    """Whether a scalar is written without quotes and without a tag."""
    plain, _quoted = event.implicit
    return plain


class _Size(NamedTuple):
    """How many values there are in a value, itself among them, and how many levels below it."""

    values: int
    levels: int


def _size_of(value: Any, limit: int) -> _Size:
    """The size of a value; counting ends beyond `limit` values."""
    values, levels, level = 1, 0, [value]
    while level and values <= limit:
        level = [child for node in level for child in _children(node)]
        values, levels = values + len(level), levels + 1
    return _Size(values, levels - 1)


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
