"""Requests as read: JSON body, violations of each part, warnings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from mockserver import load
from mockserver.base import values
from mockserver.core.contract import AnyHeaderRule, ContentTypeRule, Operation, WarningRules
from mockserver.core.model import MISSING, Request, Settings, Violation
from mockserver.decision.document import parse_body, read_document, read_object
from mockserver.decision.warnings import MAX_WARNINGS
from mockserver.schema.validator import Validator
from tests.support.schemas import compiled


@pytest.mark.parametrize(
    ("data", "came", "message"),
    [
        (b"", "missing", "expected a JSON object, got nothing"),
        (b" \r\n\t", "missing", "expected a JSON object, got nothing"),
        (b"{", "other", "not JSON, reading stopped at line 1, column 2"),
        (b'{"a": NaN}', "other", "not JSON, which has no NaN, at line 1, column 7"),
        (b'{"a": Infinity}', "other", "not JSON, which has no Infinity, at line 1, column 7"),
        (b"{} {}", "other", "not JSON, reading stopped at line 1, column 4"),
        (b"{'a': 1}", "other", "not JSON, reading stopped at line 1, column 2"),
        (b'\xef\xbb\xbf{"a": 1}', "other", "not JSON, it begins with a byte order mark (U+FEFF)"),
        (b'{"a": "\xff"}', "other", "not UTF-8 at byte 7"),
        (b'{"a": "\xed\xa0\x80"}', "other", "not UTF-8 at byte 7"),
        (b"[" * 65 + b"]" * 65, "other", "nested deeper than 64 levels"),
        (b"[" * 5_000 + b"]" * 5_000, "other", "nested deeper than 64 levels"),
        (b"[]", "other", "expected a JSON object, got an array"),
        (b"null", "null", "expected a JSON object, got null"),
        (b'""', "empty", "expected a JSON object, got a string"),
        (b'" "', "blank", "expected a JSON object, got a string"),
        (b"true", "other", "expected a JSON object, got a boolean"),
        (b"1", "other", "expected a JSON object, got a number"),
    ],
)
def test_a_body_that_is_no_json_object_is_one_violation(data: bytes, came: str, message: str) -> None:
    """Keyword `parse`, without the value."""
    body, violations = parse_body(data, 64)
    assert body is MISSING
    (violation,) = violations
    assert violation == Violation("body", (), "parse", came, message, values=violation.values)
    assert violation.values["reason"]


def test_a_lone_surrogate_is_refused() -> None:
    """A JSON escape can hold one."""
    body, [violation] = parse_body(b'{"a": "\\ud800"}', 64)
    assert body is MISSING
    assert violation.message == "not JSON, half of a surrogate pair stands alone at line 1, column 8"


def test_a_body_at_the_limit_of_depth_is_read() -> None:
    """The limit counts levels."""
    data = b'{"a":' + b"[" * 63 + b"]" * 63 + b"}"
    body, violations = parse_body(data, 64)
    assert (body, violations) == (json.loads(data), ())


BODY = compiled({"properties": {"name": {"type": "string"}}})


NUMBER = compiled({"properties": {"n": {"pattern": "^[0-9]+$"}}, "required": ["n"]})


def reading(body: Validator | None, others: Mapping[str, Validator], warnings: WarningRules) -> Operation:
    """An operation that reads a request with these schemas and rules."""
    return replace(load().operations[0], body=body, parameter_validators=others, warning_rules=warnings)


def wheres(
    operation: Operation,
    body: bytes = b"{}",
    headers: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    parameters: Mapping[str, str] | None = None,
) -> list[tuple[str, str, str]]:
    """Where, keyword and what came, of each violation of a request."""
    document = read_document(
        operation, Request("GET", "/", body, headers or {}), parameters or {}, settings or Settings()
    )
    return [(v.where, v.keyword, v.got) for v in document.violations]


def test_violations_are_ordered_by_part_of_the_request() -> None:
    """Headers first, then path, query and body."""
    operation = reading(BODY, {"path": NUMBER, "query": NUMBER}, WarningRules())
    settings = Settings(require_headers=("X-Key", "X-Other", "X-Third"))
    headers = {"x-key": "k", "x-other": " "}
    assert wheres(operation, b'{"name": 5}', headers, settings, {"n": "x"}) == [
        ("header.x-other", "required", "blank"),
        ("header.x-third", "required", "missing"),
        ("path.n", "pattern", "other"),
        ("query.n", "required", "missing"),
        ("body.name", "type", "other"),
    ]
    assert wheres(operation, b"{", headers, parameters={"n": "1"})[-1] == ("body", "parse", "other")


def test_a_missing_header_and_a_blank_one_differ() -> None:
    """A required header that is blank is a violation."""
    operation = reading(None, {}, WarningRules())
    settings = Settings(require_headers=("X-A", "X-B"))
    document = read_document(operation, Request("GET", "/", b"", {"x-a": ""}), {}, settings)
    assert [v.text for v in document.violations] == [
        "header.x-a: is required, but blank",
        "header.x-b: is required, but missing",
    ]


def test_a_body_without_a_schema_is_not_checked() -> None:
    """An operation without a body schema takes any body."""
    document = read_document(reading(None, {}, WarningRules()), Request("GET", "/", b"{"), {}, Settings())
    assert (document.body, document.violations, document.warnings) == (MISSING, (), ())


WARNING = WarningRules("extra", ContentTypeRule("application/json", "types"), AnyHeaderRule(("X-A", "X-B"), "keys"))


def warnings(operation: Operation, body: bytes, **headers: str) -> list[tuple[str, str, str, str]]:
    """Keyword, pointer, message and point of each warning."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    found = read_document(operation, Request("POST", "/", body, sent), {}, Settings()).warnings
    return [(warn.keyword, warn.pointer, warn.message, warn.assumption) for warn in found]


def test_accepted_oddities_are_warnings() -> None:
    """Unknown members, other content types and missing headers, each with its open point."""
    operation = reading(BODY, {}, WARNING)
    assert warnings(operation, b'{"name": "a"}', content_type="Application/JSON ; charset=utf-8", x_b="1") == []
    assert warnings(operation, b'{"Name/": 1, "\xc3\xb1": 2}', content_type="text/plain") == [
        ("unknown-member", "/Name~1", "Name/ is not a documented member, did you mean name?", "extra"),
        ("unknown-member", "/ñ", "\\xf1 is not a documented member", "extra"),
        (
            "content-type",
            "/content-type",
            "expected application/json, got text/plain; the body is read as JSON",
            "types",
        ),
        ("authentication", "", "none of X-A, X-B was sent; none is required here", "keys"),
    ]
    assert warnings(operation, b"{", x_a="") == [
        ("content-type", "/content-type", "expected application/json, got none; the body is read as JSON", "types")
    ]


def test_warnings_do_not_need_a_body() -> None:
    """Headers that a client should send are looked at for an operation without a body too."""
    operation = reading(None, {}, WarningRules(any_header=AnyHeaderRule(("X-A",), "keys")))
    assert [keyword for keyword, *_ in warnings(operation, b"")] == ["authentication"]


def test_the_number_of_warnings_is_bounded() -> None:
    """Beyond the bound the rest are left out."""
    body = json.dumps(dict.fromkeys(map(str, range(5_000)))).encode()
    assert len(warnings(reading(BODY, {}, WarningRules(unknown_members_assumption_id="extra")), body)) == MAX_WARNINGS


def test_memory_used_up_is_no_malformed_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error of the server, not of the client."""

    def no_memory(_data: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr(values, "_decode", no_memory)
    with pytest.raises(MemoryError):
        parse_body(b"{}", 64)


def test_a_body_that_nobody_read_is_an_object_or_nothing() -> None:
    """A JSON object is masked by member; other text as a whole."""
    assert read_object(b'{"a": 1}') == {"a": 1}
    assert read_object(b"[1]") is MISSING
    assert read_object(b"{") is MISSING
