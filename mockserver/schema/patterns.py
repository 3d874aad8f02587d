"""Regular expressions on a linear-time engine with one meaning: classes are ASCII, `$` is the true end."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Final

import re2

from mockserver.base.values import encode_ascii_json
from mockserver.core.diagnostics import Diagnostic
from mockserver.core.model import Path

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
    prefix = _literal_prefix(pattern)
    if prefix:  # most texts lack it, and looking for it costs a tenth of a search
        return lambda text: text.startswith(prefix) and search(text.encode("utf-8", "replace")) is not None
    # A lone surrogate, which JSON files may hold, is one character that is no other.
    return lambda text: search(text.encode("utf-8", "replace")) is not None


def _literal_prefix(pattern: str) -> str:
    """The literal prefix of every text that matches, as far as the pattern shows it."""
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
            encode_ascii_json(pattern),
        )
    return None
