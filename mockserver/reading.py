"""Requests into documents: the JSON of a body, its violations, and what is accepted with a warning.

Knows requests and compiled schemas; it knows no scenario and decides nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mockserver.model import MISSING, Document, Path, Request, Settings, Violation, Warn, make, remember
from mockserver.validation import Validator
from mockserver.values import NotJsonError, came, is_blank, kind, printable, read

MOST_WARNINGS = 100
"""A request with more unknown members than this is described by the first ones found."""

MOST_HEADERS = 1_000
"""Sets of headers of which it is known what they are warned about."""


def read_body(data: bytes, max_depth: int) -> tuple[Any, tuple[Violation, ...]]:
    """The JSON object in a body, or `MISSING` and the violation (keyword `parse`) that says why there is none."""
    try:
        value = read(data, max_depth)
    except NotJsonError as error:
        return MISSING, (Violation("body", (), "parse", "other" if data.strip() else "missing", str(error)),)
    if not isinstance(value, dict):
        message = f"expected a JSON object, got {kind(value)}"
        return MISSING, (Violation("body", (), "parse", came(value), message),)
    return value, ()


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What a client is warned about, each with the open point that accepting it rests on."""

    unknown_members: str | None = None
    content_type: tuple[str, str] | None = None
    any_header: tuple[tuple[str, ...], str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """Turns a request into a document: what is wrong with it, and what is accepted with a warning."""

    body: Validator | None
    others: tuple[tuple[str, Validator], ...]
    expected: Expected
    _alike: dict[int, tuple[Warn, ...]] = field(default_factory=dict)

    def read(self, request: Request, parameters: Mapping[str, str], settings: Settings) -> Document:
        """The document of a request. Violations come header, path, query, body; each sorted."""
        found: list[Violation] = []
        if settings.require_headers:
            found += _header_violations(settings.require_headers, request.headers)
        for root, validator in self.others:
            found += validator.violations(root, dict(parameters if root == "path" else request.query))
        body: Any = MISSING
        if self.body is not None:
            body, faults = read_body(request.body, settings.max_depth)
            found += faults or self.body.violations("body", body)
        return make(Document, (body, tuple(found), self._warnings(request, body)))

    def _warnings(self, request: Request, body: Any) -> tuple[Warn, ...]:
        found = self._alike.get(request.alike)
        if found is None:
            found = tuple(self._of_headers(request))
            if request.alike:
                remember(self._alike, request.alike, found, MOST_HEADERS)
        point = self.expected.unknown_members
        if point is None or self.body is None or body is MISSING:
            return found
        unknown = self.body.unknown(body)
        if not unknown:
            return found
        return (*found, *(_unknown_member(*one, point) for one in itertools.islice(unknown, MOST_WARNINGS)))

    def _of_headers(self, request: Request) -> Iterator[Warn]:
        expected = self.expected
        if expected.content_type is not None:
            wanted, point = expected.content_type
            sent = request.headers.get("content-type", "")
            if sent != wanted and sent.partition(";")[0].strip().lower() != wanted:
                got = "another one" if sent else "none"
                yield Warn("header", "/content-type", "content-type", f"expected {wanted}, got {got}", point)
        if expected.any_header is not None:
            names, point = expected.any_header
            for name in names:
                if name.lower() in request.headers:
                    break
            else:
                message = f"none of {', '.join(names)} was sent; none is required here"
                yield Warn("header", "", "authentication", message, point)


def _header_violations(names: Iterable[str], headers: Mapping[str, str]) -> Iterator[Violation]:
    for name in names:
        value = headers.get(name.lower())
        if is_blank(value):
            message = "is required, but missing" if value is None else "is required, but blank"
            what = "missing" if value is None else came(value)
            yield Violation("header", (name.lower(),), "required", what, message)


def _unknown_member(path: Path, spelt: tuple[str, ...], point: str) -> Warn:
    meant = f", did you mean {spelt[0]}?" if spelt else ""
    message = f"{printable(str(path[-1]), 40)} is not a documented member{meant}"
    return Warn("body", Violation("body", path, "", "", "").pointer, "unknown-member", message, point)
