"""JSON values: reading and writing them, naming their kinds, comparing and masking them."""

from __future__ import annotations

import json
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from mockserver.base.not_json import report_too_deep, why_not_json

KINDS_OF_ABSENCE: Final = ("missing", "null", "empty", "blank", "other")
"""What a condition on violations can say of the value (`came:` in the scenario language)."""


MAX_REQUEST_DEPTH: Final = 64
"""Levels of nesting in the body of a request, if no setting says otherwise."""

MAX_FILE_DEPTH: Final = 100
"""Levels of nesting in a file of a contract, and in the body of an admin request."""

MAX_CHECKED_DEPTH: Final = 250
"""Levels of a value that are checked against a schema; the library copies no deeper value."""

MAX_OWN_DEPTH: Final = 1_000
"""Levels of nesting in what the mock encoded itself."""


_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode


def decode_json(data: bytes, max_depth: int) -> Any:
    """The value of a UTF-8 JSON document nested at most `max_depth` levels. Raises `NotJsonError`."""
    try:
        value = _decode(data)
    except (ValueError, RecursionError) as error:
        raise why_not_json(data, error, max_depth) from None
    if data.count(b"{") + data.count(b"[") > max_depth and _deeper_than(value, max_depth):
        raise report_too_deep(max_depth)
    return value


def _deeper_than(value: Any, max_depth: int) -> bool:
    level = [value]
    for _ in range(max_depth):
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) in (dict, list)
        ]
        if not level:
            return False
    return True


class _Pairs(dict[str, Any]):
    """An object with the names that it has several times."""

    repeated: list[str]


def duplicate_members(data: bytes) -> Iterator[tuple[str | int, ...]]:
    """The paths of members that come several times in their object, in a JSON document that was decoded already."""
    document = json.loads(data, object_pairs_hook=_pairs, parse_int=str, parse_float=str)
    pending: deque[tuple[tuple[str | int, ...], Any]] = deque([((), document)])
    while pending:
        at, value = pending.popleft()
        if isinstance(value, _Pairs):
            yield from ((*at, name) for name in value.repeated)
            pending += [((*at, name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            pending += [((*at, index), inner) for index, inner in enumerate(value)]


def _pairs(pairs: list[tuple[str, Any]]) -> _Pairs:
    found = _Pairs(pairs)
    found.repeated = repeated_names(name for name, _ in pairs) if len(found) < len(pairs) else []
    return found


def repeated_names(names: Iterable[str]) -> list[str]:
    """The names that come several times."""
    return [name for name, count in Counter(names).items() if count > 1]


def encode_json(value: Any) -> bytes:
    """Compact UTF-8 JSON; members keep their order. Raises `ValueError` for half of a surrogate pair."""
    return _encode(value)


def decode_trusted_json(data: bytes) -> Any:
    """The value that `encode_json` wrote."""
    return _decode(data)


def encode_ascii_json(value: Any) -> str:
    """Compact JSON in ASCII alone, fit for a header."""
    return _ASCII.encode(value)


_ASCII: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))
"""Created once: creating it takes as long as encoding a header."""


def kind(value: Any) -> str:
    """The type of a JSON value in words, with its article: `a string`, `null`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list | tuple) else "an object"


WHITE_SPACE_CHARACTERS: Final = "".join(
    map(
        chr,
        [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000],
    )
)
"""The characters that count as white space: those with the property White_Space of Unicode, so not U+001C to U+001F."""


def is_empty(value: Any) -> bool:
    """Whether the value is null, a text of white space only, or an empty array or object."""
    if isinstance(value, str):
        return not value.strip(WHITE_SPACE_CHARACTERS)
    return value is None or (isinstance(value, list | dict) and not value)


def kind_of_absence(value: Any) -> str:
    """How a value that is there says nothing: `null`, or a text that is `empty` or `blank`; otherwise `other`."""
    if value is None:
        return "null"
    if isinstance(value, str) and is_empty(value):
        return "blank" if value else "empty"
    return "other"


def equal(left: Any, right: Any) -> bool:
    """JSON equality, typed: `true` is not `1`; `1` is `1.0`."""
    if type(left) is str:  # most values are
        return bool(left == right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def mask(text: str) -> str:
    """The mask of a secret: digits become `0`, letters `x` or `X`, the rest stays (`48x1` is `00x0`).

    Digits and letters beyond ASCII stay beyond it, so that a pattern says of the mask what it said of the secret.
    """
    if text.isascii():
        return text.translate(_ASCII_MASK)
    return "".join(c.translate(_ASCII_MASK) if c.isascii() else _mask_beyond_ascii(c) for c in text)


def _mask_beyond_ascii(char: str) -> str:
    return "\u0660" if char.isdigit() else "\u00e9" if char.isalpha() else char


_ASCII_MASK: Final = {
    code: "0" if char.isdigit() else "X" if char.isupper() else "x"
    for code, char in enumerate(map(chr, range(128)))
    if char.isalnum()
}


def replace_invalid_utf8(text: str) -> str:
    """A header's text without the lone surrogates that stand for bytes that are not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def printable(text: str, limit: int) -> str:
    """`text` in visible ASCII, control characters and the rest escaped, cut to `limit` characters."""
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text
    shown = text[: limit + 1].encode("ascii", "backslashreplace").decode("ascii")  # no character takes less than one
    shown = escape_control_characters(shown)
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def escape_control_characters(text: str) -> str:
    """`text` with escapes for what cannot be shown in a line."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


_CONTROL_CHARACTERS: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")


def replace_control_characters(text: str) -> str:
    """`text` with a space for what neither a terminal nor XML can show in a line."""
    return _CONTROL_CHARACTERS.sub(" ", text)


def count_members(value: Any) -> int:
    """The members of all objects in a JSON value."""
    if isinstance(value, dict):
        return len(value) + sum([count_members(inner) for inner in value.values() if inner and type(inner) in _HOLDERS])
    return sum([count_members(inner) for inner in value if inner and type(inner) in _HOLDERS])


_HOLDERS: Final = (dict, list)
