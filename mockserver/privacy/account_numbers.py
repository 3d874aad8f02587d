"""Payment account numbers: where they stand in a text, by brand, length and check digit (Luhn)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

_BRANDS: Final = (
    (re.compile(r"4"), (13, 16, 19)),  # Visa, Elo
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,)),  # Mastercard
    (re.compile(r"3[47]"), (15,)),  # American Express
    (re.compile(r"6011|64[4-9]|65"), (16, 17, 18, 19)),  # Discover, Elo, RuPay
    (re.compile(r"30[0-5]|3095|36|38|39"), (14, 16, 17, 18, 19)),  # Diners Club
    (re.compile(r"352[89]|35[3-8]"), (16, 17, 18, 19)),  # JCB
    (re.compile(r"62"), (16, 17, 18, 19)),  # UnionPay
    (re.compile(r"50(?:18|20|38)|5[678]|6304|639|67"), (13, 14, 15, 16, 17, 18, 19)),  # Maestro
    (re.compile(r"220[0-4]"), (16, 17, 18, 19)),  # Mir
    (re.compile(r"50(?:4175|6[67]|9)|636(?:297|368)"), (16,)),  # Elo
    (re.compile(r"2869|50(?:22|6)|60[46]|639"), (16,)),  # Carnet, Hipercard
)
"""First digits and lengths (ranges of ISO/IEC 7812): a phone number can pass Luhn, but hardly all three."""

_SEPARATORS: Final = b" ._-"
_GAP: Final = rb"[ ._-]{1,2}"


def _layout(form: bytes) -> re.Pattern[bytes]:
    return re.compile(form.replace(b"~", _GAP) + rb"(?![0-9])")


_IN_A_ROW: Final = (_layout(rb"[0-9]{13,19}"),)
_IN_GROUPS: Final = (
    _layout(rb"[0-9]{4}~[0-9]{4}~[0-9]{4}~[0-9]{4}~[0-9]{1,3}"),
    _layout(rb"[0-9]{4}~[0-9]{4}~[0-9]{4}~[0-9]{1,7}"),
    _layout(rb"[0-9]{4}~[0-9]{6}~[0-9]{4,5}"),
)

_DIGITS: Final = re.compile(rb"[0-9]+")
_FIRST_DIGITS: Final = b"23456"
"""Numbers of all brands begin with one of these."""

_AS_ZEROS: Final = bytes(0x30 if 0x30 <= c <= 0x39 else 0x20 if c in _SEPARATORS else c for c in range(256))
_LAYOUTS: Final = {b"0000000000000": _IN_A_ROW, b"0000 0000": _IN_GROUPS, b"0000  0000": _IN_GROUPS}
"""How a number may go on by what it begins with, each digit as 0 and each separator as a blank."""

_DOUBLED: Final = bytes.maketrans(b"0123456789", b"0246813579")
"""Digits to the sum of the digits of their double, as Luhn wants it."""


_UNCOMMON_SEPARATORS: Final = (
    "\u00a0\u00ad\u00b7\u1680\u2000-\u200d\u2010-\u2015\u202f\u205f\u2060"
    "\u2212\u3000\ufe58\ufe63\ufeff\uff0d\uff0e\uff3f"
)
_UNCOMMON: Final = re.compile(rf"[^\D0-9]|[{_UNCOMMON_SEPARATORS}]")
"""A digit or a separator beyond ASCII: of full width, say, or a no-break space."""


class Span(Struct, frozen=True):
    """Where an account number stands."""

    start: int
    end: int


def is_account_number(digits: str) -> bool:
    """Whether 13 to 19 digits are a payment account number by brand, length and Luhn."""
    data = digits.encode()
    if (sum(data[-1::-2]) + sum(data[-2::-2].translate(_DOUBLED)) - 0x30 * len(data)) % 10:
        return False
    return any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in _BRANDS)


def account_numbers(text: str) -> list[Span]:
    """Where account numbers stand in a text, in order; digits and separators may be of any script."""
    if not text.isascii():
        text = _UNCOMMON.sub(lambda found: str(unicodedata.decimal(found[0], " ")), text)
    return account_numbers_in_ascii(text.encode("ascii", "replace"))  # one byte for each character


def holds_account_number(text: str) -> bool:
    """Whether there is a payment account number in a text."""
    return bool(account_numbers(text))


def has_uncommon_digits(text: str) -> bool:
    """Whether there are digits or separators beyond ASCII in a text."""
    return _UNCOMMON.search(text) is not None


def account_numbers_in_ascii(data: bytes) -> list[Span]:
    """Where account numbers stand in bytes; those beyond ASCII are no digits.

    Digits are searched in the bytes with each digit as 0, which takes a tenth of the time of a regular expression; that
    is asked only where a number can begin.
    """
    zeros = data.translate(_AS_ZEROS)
    found: dict[int, Span] = {}
    for beginning, layouts in _LAYOUTS.items():
        at = zeros.find(beginning)
        while at >= 0:
            digits = _DIGITS.match(data, at)
            end = digits.end() if digits is not None else at + 1
            if data[at] in _FIRST_DIGITS and not zeros.startswith(b"0", max(at - 1, 0), at):  # it begins a group
                span = _account_number_at(data, at, layouts)
                if span is not None:
                    found[at] = span
                    end = max(end, zeros.rfind(b" ", at, span.end))  # its last group can be the first of the next
            at = zeros.find(beginning, end)
    return [found[at] for at in sorted(found)]


def _account_number_at(data: bytes, at: int, layouts: Iterable[re.Pattern[bytes]]) -> Span | None:
    for layout in layouts:
        match = layout.match(data, at)
        if match is not None and is_account_number(match[0].translate(None, _SEPARATORS).decode()):
            return Span(at, match.end())
    return None
