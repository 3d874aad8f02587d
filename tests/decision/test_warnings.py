"""Warnings: what is accepted, but probably not meant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from multidict import CIMultiDict, MultiDict

from mockserver import Engine, Request, load
from mockserver.base.values import duplicate_members
from mockserver.core.contract import ContentTypeRule, WarningRules
from mockserver.decision.warnings import MAX_WARNINGS, header_warnings, query_warnings

PATH = "/debit/v1/activateCardForCustomer"


def warnings(body: bytes, headers: Any = None, query: Any = None) -> list[tuple[str, str, str]]:
    """Keyword, place and message of each warning of the shipped contract but that about authentication."""
    sent = {"content-type": "application/json"} if headers is None else headers
    reply = Engine(load()).handle_sync(Request("POST", PATH, body, sent, query or {}))
    found = json.loads(dict(reply.all_headers).get("Mock-Warnings", "[]"))
    return [
        (one["keyword"], one.get("in", "body") + one["pointer"], one["message"])
        for one in found
        if one.get("keyword") not in ("authentication", None)  # or how many there are more
    ]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ('{"pin": "12", "pin": "1234"}', ["/pin"]),
        ('{"pin": "12:34", "device_id": "a:b"}', []),
        (
            '{"customer": {"email": "a", "email": "b", "email": "c"}, "pin": "1", "pin": "1"}',
            ["/pin", "/customer/email"],
        ),
        ('{"balance": [{"id": 1, "i\\u0064": 2}]}', ["/balance/0/id"]),
        ('{"": 1, "": 2}', ["/"]),
    ],
)
def test_equal_member_names_are_named(body: str, pointers: list[str]) -> None:
    """At any depth, however they are escaped; the last value counts, as JSON readers take it."""
    found = [one for one in warnings(body.encode()) if one[0] == "duplicate-member"]
    assert [place for _, place, _ in found] == ["body" + pointer for pointer in pointers]
    assert {message.partition(" ")[2] for _, _, message in found} <= {"comes more than once; the last value counts"}


def test_the_number_of_equal_names_that_are_named_is_bounded() -> None:
    """A body of a great many of them is described by the first ones."""
    body = ("{" + ", ".join(f'"a{n}": 1, "a{n}": 2' for n in range(500)) + "}").encode()
    assert len([*duplicate_members(body)]) == 500
    assert warnings(body)


def test_repeated_parameters_and_headers_are_named() -> None:
    """With which counts; headers that are lists by their definition may come several times."""
    headers = CIMultiDict({"Content-Type": "application/json"})
    for name in ("X-Channel", "x-channel", "Accept", "accept"):
        headers.add(name, "1")
    query = MultiDict([("x", "1"), ("y", "1"), ("x", "2")])
    assert warnings(b"{}", headers, query) == [
        ("repeated-parameter", "query/x", "x comes more than once; the first value counts"),
        ("repeated-header", "header/x-channel", "x-channel comes more than once; the first value counts"),
    ]
    many = MultiDict([(str(number), "") for number in (*range(500), *range(500))])
    assert len(query_warnings(many)) == MAX_WARNINGS


def test_warnings_come_by_what_they_may_explain() -> None:
    """The body first, then the query, then the headers; that no credentials were sent explains no answer."""
    headers = CIMultiDict({"content-type": "text/plain; charset=latin-1", "x-channel": "1"})
    headers.add("x-channel", "2")
    query = MultiDict([("x", "1"), ("x", "2")])
    reply = Engine(load()).handle_sync(Request("POST", PATH, b'{"pn": 1, "pin": "1", "pin": "2"}', headers, query))
    shown = json.loads(dict(reply.all_headers)["Mock-Warnings"])
    assert [one["keyword"] for one in shown] == [
        "unknown-member",
        "duplicate-member",
        "repeated-parameter",
        "content-type",
        "charset",
        "repeated-header",
        "authentication",
    ]


@pytest.mark.parametrize(
    ("content_type", "got"),
    [
        ("text/plain", "text/plain"),
        ("Text/XML; charset=utf-8", "Text/XML"),
        ("json", "json"),
        ("", None),
        ("http://me:secret@host/?token=secret", "xxxx://xx:xxxxxx@xxxx/?xxxxx=xxxxxx"),
        ("text/" + "y" * 80, f"xxxx/{'x' * 72}..."),
    ],
)
def test_another_content_type_is_named(content_type: str, got: str | None) -> None:
    """What is no media type may be a secret, and is masked."""
    (found,) = header_warnings(
        WarningRules(content_type=ContentTypeRule("application/json", "")), {"content-type": content_type}
    )
    assert found.message == f"expected application/json, got {got or 'none'}; the body is read as JSON"
    assert found.values == {"expected": "application/json", **({"got": got} if got else {})}


@pytest.mark.parametrize(
    ("content_type", "got"),
    [
        ("application/json; charset=latin-1", "latin-1"),
        ('application/json;Charset="ISO-8859-1"', "ISO-8859-1"),
        ("application/json; charset=UTF-8", None),
        ("application/json; charset=us-ascii", None),
        ("application/json; a=b", None),
    ],
)
def test_another_charset_is_named(content_type: str, got: str | None) -> None:
    """A body is read as UTF-8 whatever is said of it."""
    found = header_warnings(WarningRules(), {"content-type": content_type})
    message = f"expected charset utf-8, got {got}; the body is read as UTF-8"
    assert [(one.keyword, one.message) for one in found] == ([("charset", message)] if got else [])
