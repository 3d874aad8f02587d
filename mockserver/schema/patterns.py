"""Regular expressions on a linear-time engine with one meaning: classes are ASCII, `$` is the true end.

Knows that engine and is its one home; it knows neither schemas nor scenarios.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Final

import re2

from mockserver.core.model import Diagnostic, Path
from mockserver.core.values import write_ascii

MAX_PATTERN_LENGTH: Final = 10_000
"""Characters of a regular expression; a search takes time for each of them, times the characters of the text."""


@functools.cache
def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True  # groups that nobody reads would take memory, a lot where there are many
    return options


@functools.lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """A search for `pattern` in a text. Raises `ValueError` with the engine's reason."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise ValueError(f"longer than {MAX_PATTERN_LENGTH} characters")
    try:
        search = re2.compile(pattern, _options()).search
    except re2.error as error:
        reason = error.args[0]
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from None
    start = _start(pattern)
    if start:  # which most texts lack, and which costs a tenth to see
        return lambda text: text.startswith(start) and search(text.encode("utf-8", "replace")) is not None
    # A lone surrogate, which JSON files may hold, is one character that is no other.
    return lambda text: search(text.encode("utf-8", "replace")) is not None


def _start(pattern: str) -> str:
    """What every text that matches begins with, as far as that can be read off."""
    found = re.match(r"\^([A-Za-z0-9_-]+)(?![A-Za-z0-9_*?+{-])", pattern)
    return found[1] if found is not None and "|" not in pattern else ""


def pattern_diagnostic(at: Path, pattern: str) -> Diagnostic | None:
    """What is wrong with a regular expression, or None."""
    try:
        compile_pattern(pattern)
    except ValueError as error:
        return Diagnostic(
            at,
            f"bad regular expression: {error}",
            "a regular expression in RE2 syntax (no look-around, no back-references)",
            write_ascii(pattern),
        )
    return None
