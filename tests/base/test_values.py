"""JSON values: reading, kinds, equality, near spellings, masks."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.base import values
from mockserver.base.not_json import NotJsonError
from mockserver.base.values import decode_json
from mockserver.contract.loading import shipped_folder
from mockserver.schema.patterns import compile_pattern

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_written_json_is_read_back(value: Any) -> None:
    """Writing and reading is the identity; the ASCII form means the same."""
    assert values.decode_json(values.encode_json(value), 100) == value
    assert values.encode_ascii_json(value).isascii()
    assert json.loads(values.encode_ascii_json(value)) == value


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "expected a JSON object, got nothing"),
        (b" \n", "expected a JSON object, got nothing"),
        (b"{", "not JSON, reading stopped at line 1, column 2"),
        (b'{"a":1}\n x', "not JSON, reading stopped at line 2, column 2"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
        (b"[" * 2000, "nested deeper than 8 levels"),
        (b"[" * 9 + b"]" * 9, "nested deeper than 8 levels"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, "nested deeper than 8 levels"),
        (b'{"a":NaN}', "not JSON, which has no NaN, at line 1, column 6"),
        (b'{"a":\n-Infinity}', "not JSON, which has no -Infinity, at line 2, column 1"),
        (b"\xef\xbb\xbf{}", "not JSON, it begins with a byte order mark (U+FEFF)"),
        ("{}".encode("utf-16"), "not UTF-8, but UTF-16 or UTF-32 by its byte order mark"),
        (b'{"1e400": "1e400", "b": [1, -1e400]}', "a number is too large to be read, at line 1, column 29"),
        (
            b'["\\\\ud800", "\\ud83d\\ude00", 1.5, "\\n\\udc00"]',
            "not JSON, half of a surrogate pair stands alone at line 1, column 37",
        ),
        (b'{"a":1,\n "\xc3\xa9": -Infinity}', "not JSON, which has no -Infinity, at line 2, column 7"),
        (b'{"a":1e400}', "a number is too large to be read, at line 1, column 6"),
        (b"[1e400," + b"[" * 100_000, "nested deeper than 8 levels"),
        (b'{"a":' + b"9" * 100_000 + b"}", "a number is too large to be read, at line 1, column 6"),
        (b"[" + b"9" * 100_000 + b",x]", "not JSON, reading stopped at line 1, column 100003"),
        (b"[1e400,NaN]", "a number is too large to be read, at line 1, column 2"),
        (b'{"a":"\\ud83d"}', "not JSON, half of a surrogate pair stands alone at line 1, column 7"),
        (b'{"a":\n"x\\uDE00"}', "not JSON, half of a surrogate pair stands alone at line 2, column 3"),
        (b'{"a":"\\ud83d\\ud83d\\ude00"}', "not JSON, half of a surrogate pair stands alone at line 1, column 7"),
    ],
)
def test_bad_json_says_where(data: bytes, reason: str) -> None:
    """The reason says where, never the value."""
    with pytest.raises(NotJsonError) as caught:
        values.decode_json(data, 8)
    assert str(caught.value) == reason


def test_sibling_brackets_do_not_count_as_depth() -> None:
    """Only nested brackets do."""
    assert values.decode_json(b"[" + b"[],{}," * 50 + b"[[[1]]]]", 8)
    assert values.decode_json(b"[" * 8 + b"]" * 8, 8)


@pytest.mark.parametrize(
    ("value", "kind", "came"),
    [
        (None, "null", "null"),
        (True, "a boolean", "other"),
        (1, "a number", "other"),
        (1.5, "a number", "other"),
        ("a", "a string", "other"),
        ("", "a string", "empty"),
        (" \u00a0\u3000\x85", "a string", "blank"),
        (" \x1c", "a string", "other"),
        ([], "an array", "other"),
        ({}, "an object", "other"),
    ],
)
def test_a_value_has_one_kind(value: Any, kind: str, came: str) -> None:
    """The kind maps to one of the words of `came`."""
    assert values.kind(value) == kind
    assert values.kind_of_absence(value) == came


def test_white_space_is_that_of_unicode_in_python_and_in_the_shipped_patterns() -> None:
    """The property White_Space, which U+001C to U+001F lack, although Python counts them."""
    characters = [*map(chr, range(0x110000))]
    assert {c for c in characters if values.is_empty(c)} == {c for c in characters if c.isspace()} - set(
        "\x1c\x1d\x1e\x1f"
    )
    characters = [c for c in characters if ord(c) < 0x3100 or unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Zs")]
    schema = json.loads((shipped_folder() / "schemas" / "activate-card-for-customer.request.schema.json").read_bytes())
    customer = schema["$defs"]["customer"]["properties"]
    members = (schema["properties"]["card_identifier"], customer["first_name"], customer["last_name"])
    patterns = {member["pattern"] for member in (*members, schema["if"]["properties"]["customer_id"])}
    for pattern in patterns:
        has_text = compile_pattern(pattern)
        assert {c for c in characters if not 0xD800 <= ord(c) < 0xE000 and not has_text(c)} == set(
            values.WHITE_SPACE_CHARACTERS
        )


@given(JSON, JSON)
def test_equality_is_that_of_json(left: Any, right: Any) -> None:
    """Two values are equal just when their canonical JSON is."""
    same = json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
    assert values.equal(left, right) is same
    assert values.equal(left, left)


def test_equality_is_typed() -> None:
    """true is not 1, 1 is 1.0, however deep."""
    assert not values.equal(True, 1)
    assert not values.equal([{"a": False}], [{"a": 0}])
    assert values.equal([{"a": 1}], [{"a": 1.0}])


def test_a_mask_keeps_the_shape() -> None:
    """Digits become 0, letters x, the rest stays."""
    assert values.mask("48x1") == "00x0"
    assert values.mask("Bearer é-9") == "Xxxxxx é-0"


def test_printable_is_ascii_and_short() -> None:
    """Control characters are escaped; long texts are cut."""
    assert values.printable("a\nb\u00e9\udcff", 80) == "a\\x0ab\\xe9\\udcff"
    assert values.printable("a" * 90, 80) == "a" * 77 + "..."


def test_text_is_cut_before_it_is_escaped() -> None:
    """Long texts take no longer, and no escape is cut in half."""
    assert values.printable("\u00e9" * 1_000_000, 10) == "\\xe9\\xe..."
    assert values.printable("ab\u00e9", 5) == "ab..."
    assert values.printable("a\u00e9", 5) == "a\\xe9"


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (b'{"a": 1, "b": {"a": 1}}', None),
        (b'[{"a": 1}, {"a": 1}]', None),
        (b'{"a": 1, "a": 1}', "a"),
        (b'[{"b": {"a": 1, "\\u0061": [2]}}]', "a"),
        (b'{"": 1, "n": ' + b"9" * 5_000 + b', "": 2}', ""),
    ],
)
def test_a_repeated_member_is_found(document: bytes, name: str | None) -> None:
    """At any depth and in any spelling; equal names in different objects are no repetition."""
    assert next((path[-1] for path in values.duplicate_members(document)), None) == name


SOUND_JSON = [
    *(b"[]", b"{}", b" [] ", b"[null]", b"[true,false]", b"null", b"0", b'""', b"[1]\n", b"[[]   ]", b"[-0]"),
    *(b"[0e1]", b"[0e+1]", b"[1E22]", b"[1E-2]", b"[123.456e78]", b"[-0.000000000000000000000000000001]", b'{"":0}'),
    *(b'{"a":"b","a":"c"}', b'{"foo\\u0000bar": 42}', b'{"\xc3\xa9":1}', b'["\\u0060\\u012a\\u12AB"]'),
    *(b'["\\uD801\\udc37"]', b'["\\ud83d\\ude39"]', b'["\\"\\\\\\/\\b\\f\\n\\r\\t"]', b'["\x7f"]'),
    *(b'["\xe2\x80\xa8"]', b'["\xef\xbf\xbf"]', b'["\xf0\x9f\x98\x80"]', b'["a/*b*/c"]', b'["\\\\a"]'),
]
BROKEN_JSON = [
    *(b"", b" ", b"[", b"]", b"{", b"[1", b"[1,", b"[1,]", b"[,1]", b"[1,,2]", b"[1 2]", b"[1]]", b"[]x", b"{}}"),
    *(b"[a", b"[nul]", b"[tru]", b"[True]", b"[NaN]", b"[Infinity]", b"[-Infinity]", b"[nan]", b"[undefined]"),
    *(b"nulll", b"[+1]", b"[.5]", b"[1.]", b"[01]", b"[-01]", b"[-]", b"[--1]", b"[0x1]", b"[1e]", b"[1e+]"),
    *(b"[1eE2]", b"[1_000]", b"[1e400]", b"[2.e3]", b"[0.1.2]", b"[1a]", b"[\xef\xbc\x91]", b"[1+2]", b"[- 1]"),
    *(b"[0.e1]", b"[1.0e-]", b"{a:1}", b"{'a':1}", b'{"a"}', b'{"a":}', b'{"a" 1}', b'{"a":1,}', b'{"a":1,,"b":2}'),
    *(b"{:1}", b"{1:1}", b'{"a"::1}', b'["', b'["a', b"['a']", b'["\\"]', b'["\\x00"]', b'["\\u00A"]'),
    *(b'["\\uD800"]', b'["\\uDC00\\uD800"]', b'["\\u"]', b'["\n"]', b'["\t"]', b'["\x00"]', b'["\x1f"]', b'["\\\n"]'),
    *(b'["\\a"]', b'["\xff"]', b'["\xc0\xaf"]', b'["\xed\xa0\x80"]', b'["\xf4\xbf\xbf\xbf"]', b"\xef\xbb\xbf{}"),
    *(b"\xff\xfe[\x00]\x00", b"[1]/**/", b"// x\n[]", b"[1]#", b"\x0c[]", b"[\x0b1]", b"[\xc2\xa01]", b"<.>", b"*"),
    *(b"[<null>]", b"[1]\x00", b"\xe5", b"\x00", b"[" * 500, b'{"a":' * 500, b"[" * 100_000),
]


@pytest.mark.parametrize("data", SOUND_JSON)
def test_sound_json_is_read(data: bytes) -> None:
    """As the standard library reads it."""
    assert decode_json(data, 64) == json.loads(data)


@pytest.mark.parametrize("data", BROKEN_JSON, ids=[repr(data[:20]) for data in BROKEN_JSON])
def test_broken_json_is_refused(data: bytes) -> None:
    """With a reason, whatever is wrong with it."""
    with pytest.raises(NotJsonError) as raised:
        decode_json(data, 64)
    assert str(raised.value)
