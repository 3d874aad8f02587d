"""Why bytes are no JSON: each reason with its values."""

import pytest

from mockserver.base import not_json
from mockserver.base.not_json import NotJsonError
from mockserver.base.values import decode_json


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b" ", {"reason": "nothing"}),
        (b'{"a":' * 65, {"reason": "syntax", "line": 1, "column": 326}),
        (b"[" * 65 + b"]" * 65, {"reason": "depth", "limit": 64}),
        (b"[" * 100_000, {"reason": "depth", "limit": 64}),
        (b"\xff\xfe[\x00]\x00", {"reason": "utf-16"}),
        (b'["\xff"]', {"reason": "utf-8", "byte": 2}),
        (b"\xef\xbb\xbf{}", {"reason": "byte-order-mark"}),
        (b'{"a": 1,\n "b" 2}', {"reason": "syntax", "line": 2, "column": 6}),
        (b"[1,\n-Infinity]", {"reason": "constant", "constant": "-Infinity", "line": 2, "column": 1}),
        (b"[1e400]", {"reason": "number", "line": 1, "column": 2}),
        (b'["\\ud800"]', {"reason": "surrogate", "line": 1, "column": 3}),
    ],
)
def test_an_error_says_why_in_values(data: bytes, values: dict[str, object]) -> None:
    """The reason, and where reading stopped."""
    with pytest.raises(NotJsonError) as raised:
        decode_json(data, 64)
    assert raised.value.values == values


def test_a_text_whose_tokens_can_all_be_read_has_nothing_to_name() -> None:
    """Escaped pairs, escaped backslashes, numbers within the range."""
    assert [*not_json._unreadable_tokens('["\\ud83d\\ude00", "\\\\ud800", -1.5e300, 12]')] == []
