"""Instants: nanoseconds since 1970-01-01T00:00:00Z, read from and written as RFC 3339 text."""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta
from typing import Final

_RFC3339: Final = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})"
    r"(?:\.(?P<decimals>[0-9]{1,9}))?(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000_000


def parse_clock_time(text: str) -> int:
    """Parse an instant at which a clock can stand. Raises `ValueError`."""
    instant = parse_instant(text)
    if not is_clock_time(instant):
        raise ValueError("expected an instant from 0001-01-02 to 9999-12-30")
    return instant


def is_clock_time(instant_ns: int) -> bool:
    """Whether a clock can stand at an instant: it has a date in every time zone."""
    return _EARLIEST_NS <= instant_ns <= _LATEST_NS


def parse_instant(text: str) -> int:
    """Nanoseconds since the epoch of an RFC 3339 instant with up to nine decimals. Raises `ValueError`."""
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError("expected an RFC 3339 instant such as 2024-11-15T14:32:18.123Z")
    offset = "+00:00" if found["offset"] in "Zz" else found["offset"]
    try:
        moment = datetime.fromisoformat(f"{found['date']}T{found['time']}{offset}")
    except ValueError:
        raise ValueError(f"expected an instant of the calendar and the clock, got {text}") from None
    try:
        since = moment.astimezone(UTC) - _EPOCH
    except OverflowError:
        raise ValueError("expected an instant in the years 1 to 9999, in UTC as well") from None
    return (since.days * 86_400 + since.seconds) * _SECOND + int((found["decimals"] or "").ljust(9, "0"))


def has_wrong_instant(text: str) -> bool:
    """Whether a text has an RFC 3339 instant that no calendar or no clock has, such as one in month 13."""
    for found in _RFC3339.finditer(text):
        try:
            parse_instant(found[0])
        except ValueError:
            return True
    return False


_EARLIEST_NS: Final = parse_instant("0001-01-02T00:00:00Z")
_LATEST_NS: Final = parse_instant("9999-12-30T00:00:00Z")


@functools.lru_cache(maxsize=64)
def _seconds(seconds: int, offset: str) -> str:
    """A second as text; cached, as many requests share it: worth 5 µs a request (explanation/performance.md)."""
    ahead = timedelta(hours=int(offset[1:3]), minutes=int(offset[4:]))
    moment = _EPOCH + timedelta(seconds=seconds) + (-ahead if offset[0] == "-" else ahead)
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def utc_millis(now_ns: int) -> str:
    """`2024-11-15T14:32:18.123Z`: UTC, three decimals."""
    seconds, millis = divmod(now_ns // 1_000_000, 1_000)
    return f"{_seconds(seconds, '+00:00')}.{millis:03d}Z"


def utc_nanos(now_ns: int) -> str:
    """`2024-11-15T14:32:18.123456789Z`: UTC, nine decimals."""
    seconds, rest = divmod(now_ns, _SECOND)
    return f"{_seconds(seconds, '+00:00')}.{rest:09d}Z"


def offset_nanos(now_ns: int, offset: str) -> str:
    """`2025-11-18T11:50:57.960232171-06:00`: a fixed offset, nine decimals."""
    seconds, rest = divmod(now_ns, _SECOND)
    return f"{_seconds(seconds, offset)}.{rest:09d}{offset}"
