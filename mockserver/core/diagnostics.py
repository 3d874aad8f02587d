"""What is wrong in the files of a contract, or may be, as people read it."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from mockserver.core.model import Diagnostic, Path, Position


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
        return "\n".join(map(_visible, lines))


def _visible(line: str) -> str:
    """A line with control characters escaped, so that it stays one line."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in line)
