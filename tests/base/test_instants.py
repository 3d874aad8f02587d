"""Instants: RFC 3339 in and the documents' two forms out."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.base.instants import (
    has_wrong_instant,
    is_clock_time,
    offset_nanos,
    parse_clock_time,
    parse_instant,
    utc_millis,
)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
        ("2024-11-15T14:32:18.123Z", 1_731_681_138_123_000_000),
        ("2025-11-18T11:50:57.960232171-06:00", 1_763_488_257_960_232_171),
        ("2025-11-18t11:50:57z", 1_763_466_657_000_000_000),
    ],
)
def test_an_instant_is_read_to_the_nanosecond(text: str, nanoseconds: int) -> None:
    """Offsets and up to nine decimals count."""
    assert parse_instant(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2024-11-15",
        "2024-11-15T14:32:18",
        "2024-13-15T14:32:18Z",
        "2024-11-15T25:32:18Z",
        "2024-11-15T14:32:18.1234567890Z",
        "2024-11-15T14:32:18+25:00",
        "0001-01-01T00:00:00+01:00",
        "２024-11-15T14:32:18Z",
    ],
)
def test_a_bad_instant_is_refused(text: str) -> None:
    """A text that is not an RFC 3339 instant raises ValueError."""
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@pytest.mark.parametrize(
    ("text", "is_wrong"),
    [
        ("from 2024-11-15T14:32:18.123Z to 2024-02-29t23:59:59-06:00", False),
        ("from 2024-11-15T14:32:18.123Z to 2023-02-29T23:59:59-06:00", True),
        ("2026-29-11T10:00:00.123Z", True),
        ("2026-11-29T25:71:00.123456789-06:00", True),
        ("2026-11-29T10:00:00+31:00", True),
        ("2026-13-45", False),
        ("noon", False),
    ],
)
def test_an_instant_in_a_text_is_one_of_the_calendar_and_the_clock(text: str, is_wrong: bool) -> None:
    """What is not written as an instant is none, and so not a wrong one."""
    assert has_wrong_instant(text) is is_wrong


def test_instants_have_the_two_forms_of_the_documents() -> None:
    """UTC with milliseconds, and a fixed offset with nanoseconds."""
    assert utc_millis(parse_instant("2024-11-15T14:32:18.123Z")) == "2024-11-15T14:32:18.123Z"
    text = "2025-11-18T11:50:57.960232171-06:00"
    assert offset_nanos(parse_instant(text), "-06:00") == text
    assert offset_nanos(0, "+05:30") == "1970-01-01T05:30:00.000000000+05:30"
    assert utc_millis(1) == "1970-01-01T00:00:00.000Z"


@given(
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)),  # noqa: DTZ001 - hypothesis wants naive bounds
    st.integers(0, 999),
    st.sampled_from(["-06:00", "+00:00", "+05:45", "-23:59"]),
)
def test_a_written_instant_is_read_back(moment: dt.datetime, nanos: int, offset: str) -> None:
    """Writing and reading lose nothing."""
    since = moment.replace(tzinfo=dt.UTC) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    instant = ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000 + nanos
    assert parse_instant(offset_nanos(instant, offset)) == instant
    assert parse_instant(utc_millis(instant)) == instant // 1_000_000 * 1_000_000


@pytest.mark.parametrize("text", ["0001-01-02T00:00:00Z", "2024-11-15T14:32:18.123Z", "9999-12-30T00:00:00Z"])
def test_a_clock_stands_at_an_instant(text: str) -> None:
    """One that has a date in every time zone."""
    assert parse_clock_time(text) == parse_instant(text)


@pytest.mark.parametrize("text", ["0001-01-01T12:00:00Z", "9999-12-30T00:00:01Z"])
def test_a_clock_has_a_date_in_every_time_zone(text: str) -> None:
    """At the ends of the calendar an offset leads out of it."""
    assert not is_clock_time(parse_instant(text))
    with pytest.raises(ValueError, match="expected an instant from 0001-01-02 to 9999-12-30"):
        parse_clock_time(text)
