"""Bodies, varied: the same to whoever reads JSON and keeps to the schema."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.base.instants import parse_instant
from mockserver.base.values import decode_trusted_json, encode_json
from mockserver.variation import bodies
from tests.support.schemas import compiled

SEEDS = range(40)

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**14), 10**14)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('ab/é𝒳"\\', max_size=4), inner, max_size=4),
    max_leaves=12,
)

SCHEMA = compiled(
    {
        "required": ["at", "where", "list"],
        "properties": {
            "at": {"type": "string", "format": "date-time"},
            "where": {"enum": ["here", "/here"]},
            "nothing": {"maxProperties": 0},
            "list": {"items": {"properties": {"at": {"format": "date-time"}}, "additionalProperties": False}},
        },
    }
)
BODY: Any = {
    "at": "2024-11-15T14:32:18.123Z",
    "where": "here",
    "nothing": {},
    "list": [{"at": "2024-11-15T14:32:18Z"}, 5],
}


@pytest.mark.parametrize("change", [bodies.reorder, bodies.rewrite_numbers, bodies.escape, bodies.add_space])
@given(value=VALUES, seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_another_writing_means_the_same(change: Callable[[Random, str], str], value: Any, seed: int) -> None:
    """To any reader of JSON; floats are compared as numbers."""
    written = encode_json(value).decode()
    varied = change(Random(seed), written)
    assert json.loads(varied) == json.loads(written)
    assert decode_trusted_json(varied.encode()) == decode_trusted_json(written.encode())


@pytest.mark.parametrize(
    ("change", "body", "expected"),
    [
        (bodies.rewrite_numbers, "[1200]", {"[1200]", "[1200.0]", "[1200e0]", "[1200E+0]", "[12e2]"}),
        (bodies.rewrite_numbers, '{"1":0.5}', {'{"1":0.5}', '{"1":0.50}', '{"1":0.5e0}'}),
        (bodies.rewrite_numbers, "[0]", {"[0]", "[0.0]", "[0e0]", "[0E+0]"}),
        (bodies.rewrite_numbers, "[1e5,null,1000000000000]", {"[1e5,null,1000000000000]"}),
        (bodies.escape, '"/"', {'"/"', '"\\/"'}),
        (bodies.escape, '"é"', {'"é"', '"\\u00e9"'}),
        (bodies.escape, '"𝒳"', {'"𝒳"', '"\\ud835\\udcb3"'}),
        (bodies.escape, '"4111 1111\\n١"', {'"4111 1111\\n١"'}),
        (bodies.reorder, '{"a":1,"b":[{"c":2}]}', {'{"a":1,"b":[{"c":2}]}', '{"b":[{"c":2}],"a":1}'}),
    ],
)
def test_the_ways_to_write(change: Callable[[Random, str], str], body: str, expected: set[str]) -> None:
    """Long numbers and digits stay as they are."""
    assert {change(Random(seed), body) for seed in SEEDS} == expected


def test_white_space_stands_between_all_tokens() -> None:
    """Not within a text, and not around the body: the journal would lose it."""
    found = {bodies.add_space(Random(seed), '{"a b":[1,true]}') for seed in range(200)}
    assert {one[1:].partition('"')[0] for one in found} == {"", " ", "  ", "\t", "\n", "\r\n"}
    assert all((one[0], one[-1]) == ("{", "}") for one in found)
    assert all('"a b"' in one for one in found)


def varied(change: Callable[[Random, Any, Any], None], body: Any) -> list[Any]:
    """What becomes of a body, with each seed."""
    found = []
    for seed in SEEDS:
        copy = decode_trusted_json(encode_json(body))
        change(Random(seed), copy, SCHEMA)
        found.append(copy)
    return found


def test_empty_members_are_left_out() -> None:
    """Every other time, one at a time, and no item of an array."""
    found = varied(bodies.leave_out_empty, BODY)
    assert {"nothing" in one for one in found} == {True, False}
    assert all({**one, "nothing": {}} == BODY for one in found)
    assert all(one == [[], 1] for one in varied(bodies.leave_out_empty, [[], 1]))


def test_values_of_an_enum_stand_for_each_other() -> None:
    """Where the schema lists them."""
    assert {one["where"] for one in varied(bodies.take_other_value, BODY)} == {"here", "/here"}
    assert all(one == 5 for one in varied(bodies.take_other_value, 5))


def test_time_stamps_have_other_decimals_and_offsets() -> None:
    """They are the same instant up to the decimals that are cut off; in items too."""
    found = varied(bodies.rewrite_time, BODY)
    before = parse_instant(BODY["at"])
    assert all(0 <= before - parse_instant(one["at"]) < 10**9 for one in found)
    assert {len(one["at"].partition(".")[2].rstrip("Z").partition("-")[0].partition("+")[0]) for one in found} >= {0, 9}
    assert {one["at"][-1] for one in found} == {"Z", "0"}
    assert any(one["list"][0]["at"] != "2024-11-15T14:32:18Z" for one in found)


@pytest.mark.parametrize("text", ["yesterday", 5, None, "9999-12-31T23:59:59Z"])
def test_what_is_no_time_stamp_stays(text: Any) -> None:
    """Nor does one change that has no date in some time zone."""
    assert all(one == {"at": text} for one in varied(bodies.rewrite_time, {"at": text}))


def test_a_member_is_added_to_an_object() -> None:
    """Anywhere in it, its value of any type; a body without objects stays."""
    found = varied(bodies.add_member, {"a": {"b": 1}})
    assert all(sum(map(len, (one, one["a"]))) == 3 for one in found)
    assert any(next(iter(one)) != "a" for one in found)
    assert any(len(one["a"]) == 2 for one in found)
    assert all(one == [1] for one in varied(bodies.add_member, [1]))
