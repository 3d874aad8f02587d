"""Files as data with positions: the content, the line and column of each part, and what is wrong in it; JSON files."""

from __future__ import annotations

import bisect
import errno
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Final

from mockserver.base.marks import START, Mark, mark_of
from mockserver.base.values import MAX_FILE_DEPTH, printable
from mockserver.core.diagnostics import Diagnostic, FileDiagnostic, Position
from mockserver.core.model import MISSING, Path

INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
NUMBER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s"\[\]{}:,]+')


class StopReading(Exception):  # noqa: N818 - it ends the reading of a file
    """Reading cannot go on; why is already reported."""


@dataclass(slots=True)
class SourceFile:
    """One file: its name as the user would type it, its data, and where each part of it stands.

    Where it cannot be read, `data` is `MISSING`. `diagnostics` holds what is wrong in it, `warnings` what may be,
    `broken_paths` the paths of the parts that are wrong.
    """

    name: str
    data: Any = MISSING
    marks: dict[Path, Mark] = field(default_factory=dict)
    diagnostics: list[FileDiagnostic] = field(default_factory=list)
    warnings: list[FileDiagnostic] = field(default_factory=list)
    broken_paths: list[Path] = field(default_factory=list)
    _broken: set[Path] = field(default_factory=set)

    def position(self, at: Path) -> Position:
        """The place of a part, or of the nearest part around it."""
        while at and at not in self.marks:
            at = at[:-1]
        mark = self.marks.get(at, START)
        return Position(self.name, mark.line, mark.column)

    def report(self, diagnostic: Diagnostic) -> None:
        """Add a diagnostic of a part of this file, with its line and column."""
        self.mark_broken(diagnostic.at)
        self.diagnostics.append(self._placed(diagnostic))

    def warn(self, diagnostic: Diagnostic) -> None:
        """Add a warning about a part of this file, which stays in use."""
        self.warnings.append(self._placed(diagnostic))

    def _placed(self, one: Diagnostic) -> FileDiagnostic:
        return FileDiagnostic(self.position(one.at), one.what, one.expected, one.got, one.hint, one.near)

    def report_at(self, mark: Mark, what: str, expected: str, got: str = "", hint: str = "") -> None:
        """Add a diagnostic at a line and column."""
        self.diagnostics.append(FileDiagnostic(Position(self.name, mark.line, mark.column), what, expected, got, hint))

    def mark_broken(self, at: Path) -> None:
        """Mark a part as broken, and every part around it."""
        self.broken_paths.append(at)
        self._broken.update(at[:length] for length in range(len(at) + 1))

    def is_broken(self, at: Path) -> bool:
        """Whether a diagnostic was reported at this part or at one inside it; one around it does not count."""
        return at in self._broken

    def mark_key(self, at: Path, key: str, mark: Mark) -> None:
        """Record the position of a key of the mapping at a path; report a duplicate key."""
        first = self.marks.setdefault((*at, key), mark)
        if first is not mark:
            hint = f"it stands at line {first.line}, column {first.column} already"
            self.report_at(mark, f"the key {key} comes twice", "each key once", key, hint)
            self.mark_broken((*at, key))

    def report_too_deep(self, mark: Mark) -> StopReading:
        """Report that a part is nested too deep; reading cannot go on after that."""
        self.report_at(mark, "nested too deep", f"at most {MAX_FILE_DEPTH} levels", "more")
        return StopReading()


def read_regular_file(path: FilePath) -> bytes:
    """The bytes of a file. Raises `OSError`, also for a FIFO or a device, whose reading might never end."""
    if path.is_dir():
        raise OSError(errno.EISDIR, "it is a folder")
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is a FIFO, a device or a socket")
    return path.read_bytes()


def read_utf8(path: FilePath, source: SourceFile) -> str | None:
    """The text of a file; None if it cannot be read, which is reported."""
    try:
        data = read_regular_file(path)
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "is it mounted, and may you read it?"
        source.report_at(START, f"cannot be read: {reason}", "a readable file", "", hint)
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mark = mark_of(data[: error.start].decode("utf-8-sig"), error.start)
        source.report_at(mark, "not UTF-8", "a text in UTF-8", "other bytes", "save the file as UTF-8")
    return None


MAX_DIGITS: Final = 1_000
"""Characters of an integer; integers are exact, however long."""

NUMBER_RANGE: Final = f"an integer of at most {MAX_DIGITS} digits, or a number below 1e308"
"""What is expected in place of a number that is too large."""


def is_number_too_large(text: str) -> bool:
    """Whether an integer has too many digits, or another number is beyond the range of floats."""
    return len(text) > MAX_DIGITS if INTEGER.fullmatch(text) else math.isinf(float(text))


# -- JSON ---------------------------------------------------------------------------------------------


def read_json(path: FilePath, name: str) -> SourceFile:
    """The data of a JSON file; what is wrong stands in `diagnostics`, and where it cannot be read there is no data."""
    source = SourceFile(name)
    text = read_utf8(path, source)
    if text is not None:
        try:
            fill_from_json(source, text)
        except json.JSONDecodeError as error:
            report_bad_json(source, error)
    return source


def fill_from_json(source: SourceFile, text: str, *, refuse_surrogates: bool = False) -> None:
    """Give a source the data of a JSON text. Raises `JSONDecodeError`; anything else that is wrong is reported.

    `refuse_surrogates`: half of a surrogate pair is an error; a pattern of a schema file may hold one.
    """
    try:
        # Python refuses to convert very long integers; a shorter one stands in, and the marks report it.
        data = json.loads(text, parse_int=lambda digits: int(digits[:MAX_DIGITS]))
        _JsonMarks(source, text, refuse_surrogates=refuse_surrogates).mark()
        source.data = data
    except StopReading:
        pass
    except RecursionError:
        source.report_too_deep(START)


def report_bad_json(source: SourceFile, error: json.JSONDecodeError, hint: str = "") -> None:
    """Report a text that is no JSON; `hint` is for one that may be meant as something else."""
    hint = hint or ("a comma before a closing bracket?" if "double quotes" in error.msg else "")
    source.report_at(Mark(error.lineno, error.colno), f"bad JSON: {error.msg}", "a JSON document", "", hint)


class _JsonMarks:
    """Finds the place of every part of a JSON text that the JSON library could read."""

    def __init__(self, source: SourceFile, text: str, *, refuse_surrogates: bool) -> None:
        self._source = source
        self._refuse_surrogates = refuse_surrogates
        self._tokens = _JSON_TOKEN.finditer(text)
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def mark(self) -> None:
        """Record the positions in the source. Raises `StopReading` where the text is nested too deep."""
        self._value(next(self._tokens), ())

    def _mark(self, token: re.Match[str]) -> Mark:
        line = bisect.bisect_right(self._line_starts, token.start())
        return Mark(line, token.start() - self._line_starts[line - 1] + 1)

    def _value(self, token: re.Match[str], at: Path) -> None:
        mark, text = self._mark(token), token[0]
        self._source.marks.setdefault(at, mark)
        if text in ("{", "[") and len(at) == MAX_FILE_DEPTH:
            raise self._source.report_too_deep(mark)
        if text[0] == '"':
            self._check_text(text, mark, at)
        elif text == "{":
            self._members(at)
        elif text == "[":
            self._items(at)
        elif text in ("NaN", "Infinity", "-Infinity"):
            self._source.report_at(mark, "bad JSON: a number that JSON does not have", "a JSON value", text)
            self._source.mark_broken(at)
        elif NUMBER.fullmatch(text) and is_number_too_large(text):
            self._source.report_at(mark, "a number that is too large", NUMBER_RANGE, printable(text, 40))
            self._source.mark_broken(at)

    def _check_text(self, token: str, mark: Mark, at: Path) -> None:
        if self._refuse_surrogates and "\\u" in token and _SURROGATE.search(json.loads(token)):
            self._source.report_at(mark, "half of a surrogate pair", "a text of whole characters", printable(token, 60))
            self._source.mark_broken(at)

    def _items(self, at: Path) -> None:
        index = 0
        while (token := next(self._tokens))[0] != "]":
            if token[0] != ",":
                self._value(token, (*at, index))
                index += 1

    def _members(self, at: Path) -> None:
        while (token := next(self._tokens))[0] != "}":
            if token[0] == ",":
                continue
            key = json.loads(token[0])
            self._source.mark_key(at, key, self._mark(token))
            self._check_text(token[0], self._mark(token), (*at, key))
            next(self._tokens)  # the colon
            self._value(next(self._tokens), (*at, key))
