"""Why bytes are no JSON document: in words, and as values from which others can word it."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from mockserver.base.marks import Mark, mark_of

MAX_INTEGER_DIGITS: Final = 4_300
"""Characters of the longest integer that is read; an integer is always read exactly."""


class NotJsonError(ValueError):
    """The bytes are no JSON document; the message says why and where, never the content.

    `values` holds the same by name: `reason`, and where there is one a `line` and `column`, a `byte` or a `limit`.
    """

    def __init__(self, message: str, reason: str, **values: int | str) -> None:
        """Take the message, and what it says by name."""
        super().__init__(message)
        self.values = {"reason": reason, **values}


def report_too_deep(max_depth: int) -> NotJsonError:
    """The error of a document that is nested too deeply."""
    return NotJsonError(f"nested deeper than {max_depth} levels", "depth", limit=max_depth)


def why_not_json(data: bytes, error: Exception, max_depth: int) -> NotJsonError:
    """Why a document is no JSON, and where reading stopped."""
    if not data.strip():
        return NotJsonError("expected a JSON object, got nothing", "nothing")
    if isinstance(error, RecursionError):
        return report_too_deep(max_depth)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return NotJsonError("not UTF-8, but UTF-16 or UTF-32 by its byte order mark", "utf-16")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as decode_error:
        at_byte = decode_error.start
        return NotJsonError(f"not UTF-8 at byte {at_byte}", "utf-8", byte=at_byte)
    if text.startswith("\ufeff"):
        return NotJsonError("not JSON, it begins with a byte order mark (U+FEFF)", "byte-order-mark")
    try:
        # Numbers stay texts: Python refuses to convert one of thousands of digits.
        json.loads(text, parse_constant=_refuse_constant, parse_int=str, parse_float=str)
    except json.JSONDecodeError as syntax_error:
        return _at("not JSON, reading stopped", "syntax", Mark(syntax_error.lineno, syntax_error.colno))
    except RecursionError:
        return report_too_deep(max_depth)
    except _ConstantError as constant:
        found = _BYTE.search(str(error))
        if found is not None:  # otherwise there is something else before it
            at = int(found[1]) - str(constant).startswith("-")  # it names the byte behind the sign
            mark = _mark_of_byte(data, at)
            return _at(f"not JSON, which has no {constant},", "constant", mark, constant=str(constant))
    return next(_unreadable_tokens(text), NotJsonError("not JSON", "unknown"))


def _at(message: str, reason: str, mark: Mark, **values: str) -> NotJsonError:
    """The error of a document that is no JSON at a place."""
    words = f"{message} at line {mark.line}, column {mark.column}"
    return NotJsonError(words, reason, line=mark.line, column=mark.column, **values)


def _unreadable_tokens(text: str) -> Iterator[NotJsonError]:
    """What in a well-formed JSON text cannot be read: halves of surrogate pairs, and numbers."""
    for token in _TOKEN.finditer(text):
        if token[0][0] != '"':
            if _is_out_of_range(token[0]):
                yield _at("a number is too large to be read,", "number", mark_of(text, token.start()))
        elif (escape := _lone_surrogate(token[0])) is not None:
            mark = mark_of(text, token.start() + escape)
            yield _at("not JSON, half of a surrogate pair stands alone", "surrogate", mark)


def _lone_surrogate(token: str) -> int | None:
    """Where half of a surrogate pair is escaped in the token of a text."""
    return next((found.start() for found in _ESCAPE.finditer(token) if found[1]), None)


def _is_out_of_range(number: str) -> bool:
    return len(number) > MAX_INTEGER_DIGITS if number.lstrip("-").isdigit() else math.isinf(float(number))


class _ConstantError(ValueError):
    """`NaN` or `Infinity`, which Python's own reader takes."""


def _refuse_constant(name: str) -> Any:
    raise _ConstantError(name)


_BYTE: Final = re.compile(r"\(byte ([0-9]+)\)")
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*')
_ESCAPE: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
"""An escape in a JSON text; its group is half of a surrogate pair that stands alone."""


def _mark_of_byte(data: bytes, offset: int) -> Mark:
    before = data[:offset].decode("utf-8", "replace")
    return mark_of(before, len(before))
