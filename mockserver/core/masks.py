"""Masks: what is secret keeps its shape and nothing else, before it is written anywhere.

Knows which places are secret and how payment account numbers look; it keeps nothing itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_plus

from mockserver.core.model import MISSING, Path
from mockserver.core.values import NotJsonError, mask, printable, read, write_to_keep

_NUMBER: Final = (
    r"(?<![0-9])(?:[0-9]{13,19}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5})"
    r"(?![0-9])"
)
_BYTES: Final = re.compile(_NUMBER.encode())
_TEXT: Final = re.compile(_NUMBER)
_ESCAPE: Final = re.compile(rb"(?<!\\)\\u00([2-7][0-9a-fA-F])(?<!22)(?<!5[cC])(?<!7[fF])")
"""A visible character of ASCII in JSON that need not be written as an escape."""

_AS_ZEROS: Final = bytes(0x30 if chr(c).isdigit() and c < 128 else 0x20 if c == 0x2D else c for c in range(256))
_BARE: Final = b":[,- \t\r\n"
"""What stands before a JSON number, which may not begin with 0."""

# Brand prefixes and lengths (ISO/IEC 7812 ranges): a number is taken for an account's by brand, length and Luhn
# together, as a phone number can pass Luhn alone.
_BRANDS: Final = (
    (re.compile(r"4"), (13, 16, 19)),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"6011|64[4-9]|65"), (16, 19)),
    (re.compile(r"30[0-5]|36|38|39"), (14,)),
    (re.compile(r"352[89]|35[3-8]"), (16,)),
    (re.compile(r"50[26]|639"), (16,)),
)

LONGEST_PATH: Final = 200
"""Characters of a path that are shown."""


def is_account_number(digits: str) -> bool:
    """Whether 13 to 19 digits are a payment account number by brand, length and Luhn."""
    if not any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in _BRANDS):
        return False
    total = 0
    for index, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if index % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def masked_numbers(data: bytes) -> bytes:
    """The bytes with every payment account number in them masked; JSON stays JSON."""
    return _BYTES.sub(_masked_number, data) if may_hold_number(data) else data


def masked_text(text: str) -> str:
    """A text with every payment account number in it masked."""
    if not may_hold_number(text.encode("utf-8", "replace")):
        return text
    return _TEXT.sub(lambda m: mask(m[0]) if is_account_number(_digits(m[0])) else m[0], text)


def may_hold_number(data: bytes) -> bool:
    """Whether there are digits enough in a row; a search for that is many times faster than for a number."""
    zeros = data.translate(_AS_ZEROS)
    if b"0000000000000" in zeros:
        return True
    return b"0000 0000" in zeros and (b"0000 0000 0000 0" in zeros or b"0000 000000 0000" in zeros)


def _masked_number(found: re.Match[bytes]) -> bytes:
    text = found[0].decode()
    if not is_account_number(_digits(text)):
        return found[0]
    bare = found.start() and found.string[found.start() - 1] in _BARE
    return (("1" if bare else "0") + mask(text)[1:]).encode()


def _digits(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


def masked_value(value: Any) -> Any:
    """A JSON value with its texts and numbers masked in shape."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {name: masked_value(member) for name, member in value.items()}
    if isinstance(value, list):
        return [masked_value(item) for item in value]
    return 0 if isinstance(value, int | float) and not isinstance(value, bool) else value


def masked_members(value: Any, secrets: Iterable[Path]) -> Any:
    """A body with what stands at the secret paths masked; the very same value where nothing is there."""
    for path in secrets:
        value = _masked_at(value, path)
    return value


def _masked_at(value: Any, path: Path) -> Any:
    if not path:
        return masked_value(value)
    head, rest = path[0], path[1:]
    if isinstance(value, list):
        inner = [_masked_at(item, rest if head == "*" else path) for item in value]
        return inner if any(a is not b for a, b in zip(inner, value, strict=True)) else value
    if not isinstance(value, dict) or head not in value:
        return value
    return {**value, head: _masked_at(value[head], rest)}  # written anew: the bytes may hold a member twice


def masked_body(data: bytes, body: Any, secrets: Iterable[Path]) -> bytes:
    """The bytes of a body, masked; `body` is its value, MISSING where the bytes are no JSON object.

    What is no JSON is masked as a whole wherever the name of a secret stands in it.
    """
    if body is MISSING:
        plain = _ESCAPE.sub(lambda escape: bytes.fromhex(escape[1].decode()), data)
        if any(str(path[-1]).encode() in plain for path in secrets if path):
            return mask(data.decode("utf-8", "replace")).encode()
        hidden = masked_numbers(plain)
        return data if hidden == plain else hidden
    masked = masked_members(body, secrets)
    # Where a digit is written as an escape, a number would not be seen.
    return masked_numbers(data if masked is body and b"\\u00" not in data else write_to_keep(masked))


def read_object(data: bytes) -> Any:
    """The value of a body that nobody read, if it is a JSON object; otherwise MISSING."""
    try:
        value = read(data, 64)
    except NotJsonError:
        return MISSING
    return value if isinstance(value, dict) else MISSING


def masked_at(root: str, value: Any, secrets: Iterable[Path]) -> Any:
    """A value of the root `path` or `query` with its secrets masked; `secrets` begin with their root."""
    return masked_members(value, [tuple(rest) for first, *rest in secrets if first == root])


def without_numbers(value: Any) -> Any:
    """A JSON value with every payment account number in it masked."""
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, Mapping):
        return {without_numbers(name): without_numbers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [without_numbers(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return int(masked_numbers(b" %d" % value))
    return value


def headers_text(headers: Mapping[str, str], named: Collection[str] = ()) -> str:
    """Headers as `name: value`, a line each; the values of secret ones, and of these names, masked in shape."""
    pairs = headers.items()
    text = "\n".join(
        [f"{n}: {mask(v) if is_secret_header(n) or (named and n.lower() in named) else v}" for n, v in pairs]
    )
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@lru_cache(maxsize=1_000)
def is_secret_header(name: str) -> bool:
    """Whether a header of this name is a secret whatever the contract says."""
    return name.lower().startswith(("authorization", "proxy-authorization", "cookie"))


def masked_target(path: str, query: str, secret: Iterable[str] = ()) -> str:
    """A request target: visible ASCII, the values of its query masked in shape, and these parts of its path."""
    for part in secret:
        path = path.replace("/" + part, "/" + mask(part))
    shown = printable(masked_text(path), LONGEST_PATH)
    if not query:
        return shown
    pairs = [pair.partition("=") for pair in query.split("&")]
    return shown + "?" + printable("&".join(_name(n) + eq + mask(v) if eq else mask(n) for n, eq, v in pairs), 200)


def _name(name: str) -> str:
    """The name of a query parameter as it was sent; masked where it is an account number."""
    plain = unquote_plus(name)
    return name if masked_text(plain) == plain else mask(name)
