"""Masks: what is secret keeps its shape and nothing else, before it is written anywhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import unquote_plus

from msgspec import Struct

from mockserver.core.address import path_segment
from mockserver.core.json_pointer import json_pointer_step
from mockserver.core.model import MISSING, Path
from mockserver.core.reply import Headers
from mockserver.core.values import MAX_REQUEST_DEPTH, NotJsonError, decode_json, mask, printable, readable

_NUMBER: Final = (
    r"(?<![0-9])(?:[0-9]{13,19}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5})"
    r"(?![0-9])"
)
_BYTES: Final = re.compile(_NUMBER.encode())
_TEXT: Final = re.compile(_NUMBER)
_ESCAPE: Final = re.compile(rb"(?<!\\)\\u00([2-7][0-9a-fA-F])(?<!22)(?<!5[cC])(?<!7[fF])")
"""A visible character of ASCII in JSON that need not be written as an escape."""

_AS_ZEROS: Final = bytes(0x30 if chr(c).isdigit() and c < 128 else 0x20 if c == 0x2D else c for c in range(256))
_ENOUGH_DIGITS: Final = (b"0000000000000", b"0000 0000 0000 0", b"0000 000000 0000")
"""With what the digits of an account number begin, each as 0 and each separator as a blank."""

_DIGITS: Final = re.compile(rb"[0-9]+")
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


def mask_account_numbers(data: bytes) -> bytes:
    """The bytes with every payment account number in them masked; JSON stays JSON."""
    places = _account_number_places(data)
    if not places:
        return data
    parts, end = [], 0
    for found in places:
        start = max(end, found.start())  # the last group of one number can be the first of the next
        parts += [data[end:start], _masked_account_number(found)[start - found.start() :]]
        end = max(end, found.end())
    return b"".join([*parts, data[end:]])


def _account_number_places(data: bytes) -> list[re.Match[bytes]]:
    """Where account numbers stand, in order.

    Digits in a row are looked for in the bytes with each digit as 0, which takes a tenth of the time of a regular
    expression; that is asked only where there are enough of them.
    """
    zeros = data.translate(_AS_ZEROS)
    found: dict[int, re.Match[bytes]] = {}
    for digits in _ENOUGH_DIGITS:
        at = zeros.find(digits)
        while at >= 0:
            match = _BYTES.match(data, at)
            if match is not None and is_account_number(_digits(match[0].decode())):
                found[at] = match
            run = match or _DIGITS.match(data, at)
            at = zeros.find(digits, run.end() if run is not None else at + 1)
    return [found[at] for at in sorted(found)]


def masked_text(text: str) -> str:
    """A text with every payment account number in it masked."""
    if not may_hold_account_number(text.encode("utf-8", "replace")):
        return text
    return _TEXT.sub(lambda m: mask(m[0]) if is_account_number(_digits(m[0])) else m[0], text)


def may_hold_account_number(data: bytes) -> bool:
    """Whether there are digits enough in a row; a search for that is many times faster than for a number."""
    zeros = data.translate(_AS_ZEROS)
    return any(digits in zeros for digits in _ENOUGH_DIGITS)


def _masked_account_number(found: re.Match[bytes]) -> bytes:
    text = found[0].decode()
    bare = found.start() and found.string[found.start() - 1] in _BARE
    return (("1" if bare else "0") + mask(text)[1:]).encode()


def _digits(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


def masked_value(value: Any) -> Any:
    """A JSON value with its texts, numbers and names of members masked in shape."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {mask(name): masked_value(member) for name, member in value.items()}
    if isinstance(value, list):
        return [masked_value(item) for item in value]
    return 0 if isinstance(value, int | float) and not isinstance(value, bool) else value


def mask_members(value: Any, secrets: Iterable[Path]) -> Any:
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


def member_places(value: Any, secrets: Iterable[Path], pointer: str) -> list[str]:
    """The JSON Pointers of what stands at the secret paths in a value; `pointer` is that of the value.

    Also where the mask looks like the secret: who reads `0000` is not to take it for what was sent.
    """
    return [place for path in secrets for place in _places_at(value, path, pointer)]


def _places_at(value: Any, path: Path, pointer: str) -> list[str]:
    if not path:
        return [] if value is None or isinstance(value, bool) else [pointer]
    head, rest = path[0], path[1:]
    if isinstance(value, list):
        inner = rest if head == "*" else path
        return [place for i, item in enumerate(value) for place in _places_at(item, inner, f"{pointer}/{i}")]
    if not isinstance(value, dict) or head not in value:
        return []
    return _places_at(value[head], rest, f"{pointer}/{json_pointer_step(head)}")


def mask_text_body(data: bytes, secrets: Iterable[Path]) -> bytes:
    """The bytes of a body that is no JSON object: masked as a whole wherever the name of a secret stands in it."""
    plain = _ESCAPE.sub(lambda escape: bytes.fromhex(escape[1].decode()), data)
    if any(str(path[-1]).encode() in plain for path in secrets if path):
        return mask(data.decode("utf-8", "replace")).encode()
    hidden = mask_account_numbers(plain)
    return data if hidden == plain else hidden


def changed_places(before: Any, after: Any, pointer: str) -> list[str]:
    """The JSON Pointers of what differs between a value and its masked form; `pointer` is that of the value."""
    if before == after and type(before) is type(after):
        return []
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        steps = [(json_pointer_step(name), name) for name in before]
        return [p for step, name in steps for p in changed_places(before[name], after[name], f"{pointer}/{step}")]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [p for number, (old, new) in pairs for p in changed_places(old, new, f"{pointer}/{number}")]
    return [pointer]


def read_object(data: bytes) -> Any:
    """The value of a body that nobody read, if it is a JSON object; otherwise MISSING."""
    try:
        value = decode_json(data, MAX_REQUEST_DEPTH)
    except NotJsonError:
        return MISSING
    return value if isinstance(value, dict) else MISSING


def mask_account_numbers_in(value: Any) -> Any:
    """A JSON value with every payment account number in it masked."""
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, Mapping):
        return {mask_account_numbers_in(name): mask_account_numbers_in(member) for name, member in value.items()}
    if isinstance(value, list):
        return [mask_account_numbers_in(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return int(mask_account_numbers(b" %d" % value))
    return value


def masked_headers(headers: Mapping[str, str], named: Collection[str], masked: list[str]) -> Headers:
    """Headers as name and value, the values of secret ones and of those `named` masked.

    The JSON Pointers of what is masked are added to `masked`.
    """
    found: list[tuple[str, str]] = []
    for name, value in headers.items():
        shown = value
        if is_secret_header(name) or (named and name.lower() in named):
            masked.append(f"/request/headers/{len(found)}/1")
            shown = mask(value)
        # The HTTP library has a type of its own for names.
        found.append((str(name), shown if shown.isascii() else readable(shown)))
    return tuple(found)


@lru_cache(maxsize=1_000)
def is_secret_header(name: str) -> bool:
    """Whether a header of this name is a secret whatever the contract says.

    Kept, as names come again and again: worth 2.5 µs a request (docs/performance.md).
    """
    return name.lower().startswith(("authorization", "proxy-authorization", "cookie"))


def masked_target(path: str, query: str) -> str:
    """A request target in visible ASCII: account numbers in its path and the values of its query masked."""
    return mask_path(path) + ("?" + mask_query(query) if query else "")


def mask_path(path: str, secret: Iterable[str] = ()) -> str:
    """A path in visible ASCII, without account numbers and with these parts of it masked."""
    for part in secret:
        for text in (part, path_segment(part)):
            path = path.replace("/" + text, "/" + path_segment(mask(part)))
    return printable(masked_text(path), LONGEST_PATH)


def mask_query(query: str) -> str:
    """A query string in visible ASCII, its values masked."""
    pairs = [pair.partition("=") for pair in query.split("&")]
    return printable("&".join(_name(n) + eq + mask(v) if eq else mask(n) for n, eq, v in pairs), 200)


def _name(name: str) -> str:
    """The name of a query parameter as it was sent; masked where it is an account number."""
    plain = unquote_plus(name)
    return name if masked_text(plain) == plain else mask(name)


class SecretPlaces(Struct, frozen=True):
    """What is secret in requests to an operation, by root. `members` are the first names of the places in the body.

    `names` are the last names of all places, in lower case: a client may put a secret where the contract has none.
    """

    body: tuple[Path, ...]
    members: frozenset[str | int]
    headers: frozenset[str]
    path: tuple[str, ...]
    names: frozenset[str]

    @classmethod
    def of(cls, places: Iterable[Path]) -> SecretPlaces:
        """Those of places that begin with their root."""
        inside = [(place[0], place[1:]) for place in places if len(place) > 1]
        body = tuple(rest for root, rest in inside if root == "body")
        return cls(
            body,
            frozenset(rest[0] for rest in body),
            frozenset(str(rest[0]).lower() for root, rest in inside if root == "header"),
            tuple(str(rest[0]) for root, rest in inside if root == "path"),
            frozenset(str(rest[-1]).lower() for _, rest in inside if rest[-1] != "*"),
        )

    def hides(self, parameter: str) -> bool:
        """Whether a parameter of the query has the name of a secret."""
        return parameter.lower() in self.names or is_secret_header(parameter)
