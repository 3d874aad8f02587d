"""A request as read: its JSON body, what is wrong with it, and what is accepted with a warning."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from mockserver.core.contract import Operation, WarningRules
from mockserver.core.json_pointer import json_pointer
from mockserver.core.model import MISSING, Document, Request, RequestWarning, Settings, UnknownMember, Violation
from mockserver.core.spelling import did_you_mean
from mockserver.core.values import NotJsonError, decode_json, is_blank, kind, kind_of_absence, printable

MOST_WARNINGS: Final = 100
"""A document with more unknown members is described by the first ones found."""


def read_document(
    operation: Operation, request: Request, parameters: Mapping[str, str], settings: Settings
) -> Document:
    """The document of a request. Violations come header, path, query, body; each sorted by place and keyword."""
    found: list[Violation] = []
    if settings.require_headers:
        found += _header_violations(settings.require_headers, request.headers)
    for root, validator in operation.parameter_schemas:
        found += validator.violations(root, dict(parameters if root == "path" else request.query))
    body: Any = MISSING
    warnings = _header_warnings(operation.warnings, request.headers)
    if operation.body is not None:
        body, parse_violations = parse_body(request.body, settings.max_depth)
        found += parse_violations or operation.body.violations("body", body)
        if body is not MISSING and operation.warnings.unknown_members is not None:
            unknown = operation.body.unknown_members(body)
            assumption = operation.warnings.unknown_members
            warnings += [_unknown_member(one, assumption) for one in itertools.islice(unknown, MOST_WARNINGS)]
    return Document(request, parameters, body, tuple(found), tuple(warnings))


def parse_body(data: bytes, max_depth: int) -> tuple[Any, tuple[Violation, ...]]:
    """The JSON object that a body is, or `MISSING` and the violation (keyword `parse`) that says why there is none."""
    try:
        value = decode_json(data, max_depth)
    except NotJsonError as error:
        return MISSING, (Violation("body", (), "parse", "other" if data.strip() else "missing", str(error)),)
    if not isinstance(value, dict):
        message = f"expected a JSON object, got {kind(value)}"
        return MISSING, (Violation("body", (), "parse", kind_of_absence(value), message),)
    return value, ()


def _header_violations(names: Iterable[str], headers: Mapping[str, str]) -> Iterator[Violation]:
    for name in names:
        value = headers.get(name.lower())
        if is_blank(value):
            message = "is required, but missing" if value is None else "is required, but blank"
            what = "missing" if value is None else kind_of_absence(value)
            yield Violation("header", (name.lower(),), "required", what, message)


def _header_warnings(rules: WarningRules, headers: Mapping[str, str]) -> list[RequestWarning]:
    found = []
    if rules.content_type is not None:
        wanted, assumption = rules.content_type.expected, rules.content_type.assumption
        sent = headers.get("content-type", "")
        if sent != wanted and sent.partition(";")[0].strip().lower() != wanted:
            got = "another one" if sent else "none"
            found.append(
                RequestWarning("header", "/content-type", "content-type", f"expected {wanted}, got {got}", assumption)
            )
    if rules.any_header is not None:
        names = rules.any_header.names
        for name in names:
            if name.lower() in headers:
                break
        else:
            message = f"none of {', '.join(names)} was sent; none is required here"
            found.append(RequestWarning("header", "", "authentication", message, rules.any_header.assumption))
    return found


def _unknown_member(member: UnknownMember, assumption: str) -> RequestWarning:
    words = [f"{printable(str(member.path[-1]), 40)} is not a documented member", did_you_mean(member.near[:1])]
    message = ", ".join(filter(None, words))
    return RequestWarning("body", json_pointer(member.path), "unknown-member", message, assumption)
