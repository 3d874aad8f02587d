"""A request as read: its JSON body, what is wrong with it, and what is accepted with a warning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mockserver.base.not_json import NotJsonError
from mockserver.base.values import MAX_REQUEST_DEPTH, decode_json, is_empty, kind, kind_of_absence
from mockserver.core.contract import Operation
from mockserver.core.model import MISSING, Document, Request, RequestWarning, Settings, Violation
from mockserver.decision.warnings import body_warnings, header_warnings, query_warnings
from mockserver.privacy.masks import mask_at
from mockserver.privacy.secrets import NO_SECRETS, Secrets


def read_document(
    operation: Operation,
    request: Request,
    parameters: Mapping[str, str],
    settings: Settings,
    secrets: Secrets = NO_SECRETS,
) -> Document:
    """The document of a request. Violations come header, path, query, body; each sorted by place and keyword.

    Warnings come body, query, header: what changes the answer stands before what does not.

    `secrets` are masked in it once the schema has seen them; pass none where the request is masked already.
    """
    found: list[Violation] = []
    if settings.require_headers:
        found += _header_violations(settings.require_headers, request.headers)
    for root, validator in operation.parameter_validators.items():
        found += validator.violations(root, dict(parameters if root == "path" else request.query))
    body: Any = MISSING
    warnings: list[RequestWarning] = []
    if operation.body is not None:
        body, parse_violations = parse_body(request.body, settings.max_depth)
        found += parse_violations or operation.body.violations("body", body)
        if body is not MISSING:
            warnings += body_warnings(operation, request, body)
    if request.query:
        warnings += query_warnings(request.query)
    warnings += header_warnings(operation.warning_rules, request.headers)
    places = secrets.find(body) if body is not MISSING else ()
    if places and () not in places:
        body = mask_at(body, places)
    return Document(request, parameters, body, tuple(found), tuple(warnings), tuple(places))


def parse_body(data: bytes, max_depth: int) -> tuple[Any, tuple[Violation, ...]]:
    """The JSON object that a body is, or `MISSING` and the violation (keyword `parse`) that says why there is none."""
    try:
        value = decode_json(data, max_depth)
    except NotJsonError as error:
        came = "other" if data.strip() else "missing"
        return MISSING, (Violation("body", (), "parse", came, str(error), values=error.values),)
    if not isinstance(value, dict):
        message = f"expected a JSON object, got {kind(value)}"
        values = {"reason": "type", "got": kind(value).rpartition(" ")[2]}
        return MISSING, (Violation("body", (), "parse", kind_of_absence(value), message, values=values),)
    return value, ()


def _header_violations(names: Iterable[str], headers: Mapping[str, str]) -> Iterator[Violation]:
    for name in names:
        value = headers.get(name.lower())
        if is_empty(value):
            message = "is required, but missing" if value is None else "is required, but blank"
            what = "missing" if value is None else kind_of_absence(value)
            yield Violation("header", (name.lower(),), "required", what, message)


def read_object(data: bytes) -> Any:
    """The value of a body that nobody read, if it is a JSON object; otherwise MISSING."""
    value, _ = parse_body(data, MAX_REQUEST_DEPTH)
    return value
