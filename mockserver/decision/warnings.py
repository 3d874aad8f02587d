"""Warnings: what a request has that is accepted, but probably not meant."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from mockserver.base.json_pointer import json_pointer
from mockserver.base.spelling import did_you_mean
from mockserver.base.values import count_members, duplicate_members, mask, printable, repeated_names
from mockserver.core.contract import Operation, WarningRules
from mockserver.core.model import Request, RequestWarning, UnknownMember

MAX_WARNINGS: Final = 100
"""Warnings of one kind about a request; the first ones found."""

WIRE_WARNINGS: Final = frozenset(["duplicate-member", "repeated-parameter", "repeated-header"])
"""Keywords of warnings about the form in which a request was sent, which a masked journal entry does not keep."""

NO_CREDENTIALS: Final = "authentication"
"""Keyword of the warning that no credentials were sent: nearly every client gets it, as none are required."""

LIST_HEADERS: Final = frozenset(
    ["accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "connection", "cookie"]
    + ["forwarded", "if-match", "if-none-match", "pragma", "prefer", "te", "trailer", "transfer-encoding", "upgrade"]
    + ["via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-prefix", "x-forwarded-proto"]
)
"""Headers that may come several times by their definition, as their values are lists."""

_MEDIA_TYPE: Final = re.compile(r"[\w!#$&^.+*/-]{1,80}", re.ASCII)
_CHARSET: Final = re.compile(r';\s*charset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)
_UTF8: Final = frozenset(["utf-8", "utf8", "us-ascii", "ascii"])


def header_warnings(rules: WarningRules, headers: Mapping[str, str]) -> list[RequestWarning]:
    """What is unusual in the headers of a request; that credentials are missing comes last, as nothing rests on it."""
    found = []
    sent = headers.get("content-type", "")
    if rules.content_type is not None:
        wanted, assumption = rules.content_type.expected, rules.content_type.assumption
        media_type = sent.partition(";")[0].strip()
        if media_type.lower() != wanted:
            found.append(_content_type(wanted, media_type, assumption))
    charset = _CHARSET.search(sent) if ";" in sent else None
    if charset is not None and charset[1].lower() not in _UTF8:
        got = printable(charset[1], 40)
        message = f"expected charset utf-8, got {got}; the body is read as UTF-8"
        found.append(RequestWarning("header", "/content-type", "charset", message, "", {"got": got}))
    if len({*headers}) < len(headers):  # `len` counts a repeated name each time, iteration gives it once
        repeated = (n for n in repeated_names(name.lower() for name, _ in headers.items()) if n not in LIST_HEADERS)
        found += _repetitions("header", "repeated-header", repeated)
    if rules.any_header is not None:
        names = rules.any_header.names
        for name in names:
            if name.lower() in headers:
                break
        else:
            message = f"none of {', '.join(names)} was sent; none is required here"
            found.append(RequestWarning("header", "", NO_CREDENTIALS, message, rules.any_header.assumption))
    return found


def _content_type(expected: str, media_type: str, assumption: str) -> RequestWarning:
    """The warning about another content type, or none; what is no media type may hold anything, and is masked."""
    values = {"expected": expected}
    if media_type:
        values["got"] = media_type if _MEDIA_TYPE.fullmatch(media_type) else printable(mask(media_type), 80)
    message = f"expected {expected}, got {values.get('got', 'none')}; the body is read as JSON"
    return RequestWarning("header", "/content-type", "content-type", message, assumption, values)


def query_warnings(query: Mapping[str, str]) -> list[RequestWarning]:
    """The parameters of a query that come several times."""
    if len({*query}) == len(query):
        return []
    return _repetitions("query", "repeated-parameter", repeated_names(name for name, _ in query.items()))


def _repetitions(root: str, keyword: str, names: Iterable[str]) -> list[RequestWarning]:
    return [
        RequestWarning(root, json_pointer([name]), keyword, f"{printable(name, 40)} {_REPEATED}", "")
        for name in itertools.islice(names, MAX_WARNINGS)
    ]


_REPEATED: Final = "comes more than once; the first value counts"


def body_warnings(operation: Operation, request: Request, body: dict[str, Any]) -> Iterator[RequestWarning]:
    """The members of a body that no schema declares, and those that come twice."""
    assumption = operation.warning_rules.unknown_members_assumption_id
    if assumption is not None and operation.body is not None:
        for member in itertools.islice(operation.body.unknown_members(body), MAX_WARNINGS):
            yield _unknown_member(member, assumption)
    # Each member has a colon, so as many colons as members leave none for a second one of the same name.
    if request.body.count(b":") != count_members(body):
        for path in itertools.islice(duplicate_members(request.body), MAX_WARNINGS):
            message = f"{printable(str(path[-1]), 40)} comes more than once; the last value counts"
            yield RequestWarning("body", json_pointer(path), "duplicate-member", message, "")


def _unknown_member(member: UnknownMember, assumption: str) -> RequestWarning:
    words = [f"{printable(str(member.path[-1]), 40)} is not a documented member", did_you_mean(member.near[:1])]
    message = ", ".join(filter(None, words))
    values = {"near": member.near[0]} if member.near else {}
    return RequestWarning("body", json_pointer(member.path), "unknown-member", message, assumption, values)
