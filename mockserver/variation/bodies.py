"""What varies in a body: its values as far as a schema leaves them open, and how JSON writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from msgspec import Struct

from mockserver.base.instants import is_clock_time, offset_nanos, parse_instant
from mockserver.base.values import decode_trusted_json, encode_json
from mockserver.core.language import Validator
from mockserver.core.model import Path

MAX_VARIED_NUMBER: Final = 10**12
"""Longer numbers stay as they are: exact in every reader, and payment account numbers are found in the journal."""

OFFSETS: Final = ("+00:00", "-06:00", "+05:30", "-11:00")


class _Place(Struct, frozen=True):
    """A value in a body, and the object or array that holds it."""

    path: Path
    holder: Any
    key: Any

    @property
    def value(self) -> Any:
        """The value that stands there."""
        return self.holder[self.key]


def _places(holder: Any, path: Path = ()) -> Iterator[_Place]:
    """Every member and item below a value."""
    keys = holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
    for key in keys:
        yield _Place((*path, key), holder, key)
        yield from _places(holder[key], (*path, key))


# -- values: each function changes a decoded body at one place ------------------------------------------


def leave_out_empty(random: Random, body: Any, schema: Validator) -> None:  # noqa: ARG001 - one signature
    """Leave out an empty object or array, every other time."""
    empty = [one for one in _places(body) if isinstance(one.holder, dict) and one.value in ({}, [])]
    if empty and random.random() < 0.5:
        place = random.choice(empty)
        del place.holder[place.key]


def take_other_value(random: Random, body: Any, schema: Validator) -> None:
    """Put another value of an `enum` in the place of one."""
    open_places = [one for one in _places(body) if one.value in schema.values_at(one.path)]
    if open_places:
        place = random.choice(open_places)
        place.holder[place.key] = random.choice(schema.values_at(place.path))


def rewrite_time(random: Random, body: Any, schema: Validator) -> None:
    """Write a time stamp with other decimals, which may cut some off, and another offset."""
    times = [one for one in _places(body) if schema.is_date_time(one.path) and _instant(one.value) is not None]
    if times:
        place = random.choice(times)
        place.holder[place.key] = _written_time(random, _instant(place.value) or 0)


def _instant(value: Any) -> int | None:
    """The instant of a time stamp; None for what is none, or lies beyond the calendar in some zone."""
    try:
        instant = parse_instant(value)
    except (ValueError, TypeError):
        return None
    return instant if is_clock_time(instant) else None


def _written_time(random: Random, instant_ns: int) -> str:
    offset, decimals = random.choice(OFFSETS), random.choice([0, 1, 3, 6, 9])
    text = offset_nanos(instant_ns, offset)
    fraction = text[19 : 20 + decimals] if decimals else ""
    zone = random.choice(["Z", offset]) if offset == "+00:00" else offset
    return f"{text[:19]}{fraction}{zone}"


def add_member(random: Random, body: Any, schema: Validator) -> None:  # noqa: ARG001 - one signature
    """Add a member that nobody documented to an object."""
    objects = _objects(body)
    if objects:
        members = random.choice(objects)
        pairs = list(members.items())
        value: Any = random.choice([None, True, 0, "", "other", [], {}, {"id": 1}])
        pairs.insert(random.randrange(len(pairs) + 1), (f"x_{random.randrange(10**6)}", value))
        _replace_members(members, pairs)


def reorder(random: Random, text: str) -> str:
    """Shuffle the members of every object."""
    body = decode_trusted_json(text.encode())
    for members in _objects(body):
        pairs = list(members.items())
        random.shuffle(pairs)
        _replace_members(members, pairs)
    return encode_json(body).decode()


def _objects(body: Any) -> list[dict[str, Any]]:
    return [one for one in (body, *(place.value for place in _places(body))) if isinstance(one, dict)]


def _replace_members(members: dict[str, Any], pairs: list[tuple[str, Any]]) -> None:
    members.clear()
    members.update(pairs)


# -- texts: each function writes the same value in another way ------------------------------------------

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[^"{}\[\]:,]+|[{}\[\]:,]')
_CHARACTER: Final = re.compile(r"\\u....|\\.|[^\"]")
_SPACES: Final = ("", "", "", " ", "  ", "\t", "\n", "\r\n")
_INTEGER: Final = re.compile(r"-?[0-9]+")
_FRACTION: Final = re.compile(r"-?[0-9]+\.[0-9]+")


def rewrite_numbers(random: Random, text: str) -> str:
    """Write numbers in other ways."""
    return _TOKEN.sub(lambda found: random.choice(_numbers(found[0])), text)


def _numbers(token: str) -> list[str]:
    """The ways to write a number; a token that is none has one."""
    if _INTEGER.fullmatch(token) and abs(int(token)) < MAX_VARIED_NUMBER:
        digits = token.rstrip("0")
        shorter = [f"{digits}e{len(token) - len(digits)}"] if digits not in ("", "-", token) else []
        return [token, f"{token}.0", f"{token}e0", f"{token}E+0", *shorter]
    return [token, f"{token}0", f"{token}e0"] if _FRACTION.fullmatch(token) else [token]


def escape(random: Random, text: str) -> str:
    """Write letters and slashes as escapes."""

    def escaped(found: re.Match[str]) -> str:
        char = found[0]
        if char == "/":
            return random.choice(["/", "\\/"])
        # Letters alone: the digits of a payment account number are found in the journal.
        if len(char) > 1 or not char.isalpha() or random.random() > 0.2:
            return char
        units = char.encode("utf-16-be").hex()
        return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))

    return _TOKEN.sub(lambda found: _CHARACTER.sub(escaped, found[0]) if found[0][0] == '"' else found[0], text)


def add_space(random: Random, text: str) -> str:
    """Put white space and line ends between the tokens; not around the body, where the journal would lose them."""
    first, *rest = _TOKEN.findall(text)
    return "".join([first, *(random.choice(_SPACES) + token for token in rest)])
