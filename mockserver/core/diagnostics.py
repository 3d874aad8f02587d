"""What is wrong in the files of a contract, or may be, as people read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mockserver.base.values import escape_control_characters
from mockserver.core.model import Path


class Diagnostic(Struct, frozen=True):
    """One thing that is wrong in a file, at a path inside it; the loader adds file, line and column.

    near: the name that was probably meant, where `got` is one that is unknown.
    """

    at: Path
    what: str
    expected: str
    got: str = ""
    hint: str = ""
    near: str = ""


Report: TypeAlias = Callable[[Diagnostic], None]


class Position(Struct, frozen=True, order=True):
    """A place in a file: its name as given by the user, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


def move_diagnostic(diagnostic: Diagnostic, at: Path) -> Diagnostic:
    """The diagnostic of a part, for the whole in which the part stands at a path."""
    return replace(diagnostic, at=(*at, *diagnostic.at))


class FileDiagnostic(NamedTuple):
    """One thing wrong in a file: where, what, what was expected, what was got, a hint, the name probably meant."""

    position: Position
    what: str
    expected: str
    got: str
    hint: str
    near: str = ""

    def __str__(self) -> str:
        lines = [f"{self.position}: {self.what}", f"    expected: {self.expected}"]
        lines += [f"    got:      {self.got}"] if self.got else []
        lines += [f"    hint:     {self.hint}"] if self.hint else []
        return "\n".join(map(escape_control_characters, lines))
