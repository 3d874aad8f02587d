"""What is put into words for people: violations of each keyword, and conditions of each operator."""

from __future__ import annotations

from typing import Any, Final

from mockserver.base.values import KINDS_OF_ABSENCE
from mockserver.core.model import Violation
from mockserver.decision.document import parse_body
from mockserver.entries.journal_entry import EntryViolation
from tests.schema.test_violations import MESSAGES
from tests.support.conditions import CASES
from tests.support.schemas import compiled as compiled_schema

_NO_JSON: Final = [
    b"",
    b"[]",
    b"[" * 65 + b"]" * 65,
    b"\xff\xfe{",
    b'"\xff"',
    b"\xef\xbb\xbf{}",
    b"{,}",
    b"[NaN]",
    b"[1e400]",
]

WHENS: list[dict[str, Any]] = [
    *({"body.x": operand} for operand, _, _ in CASES),
    {"body.x": {"same_as": "header.x"}},
    {"body.x": {"schema": {"type": "string"}, "not": {"matches": "^a"}}},
    {"violation": "unclaimed"},
    *({"violation": {"at": ["body.x", "body.y.*"], "keyword": "type", "came": kind}} for kind in KINDS_OF_ABSENCE),
    {"any": [{"body.x": "a", "body.y": "b"}, {"violation": {"at": "body.x"}}]},
    {"all": [{"body.x": "a"}], "none": [{"body.x": "absent"}]},
]


def violations() -> list[Violation]:
    """One of each keyword, and of each reason why a body is no JSON."""
    found = [one for schema, value, _ in MESSAGES for one in compiled_schema(schema).violations("body", value)]
    return [*found, *(one for body in _NO_JSON for one in parse_body(body, 64)[1])]


def in_an_entry(one: Violation) -> EntryViolation:
    """A violation as the journal keeps it."""
    return EntryViolation(one.root, one.path, one.keyword, one.got, one.message, one.values)
