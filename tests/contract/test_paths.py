"""Paths: the value at a place, and what is wrong with a path that leads nowhere."""

from typing import Any

import pytest

from mockserver.contract.paths import Context, compile_path
from mockserver.core.diagnostics import Diagnostic
from mockserver.core.model import MISSING
from mockserver.schema.schema_set import SchemaSet
from tests.support.scopes import FACTS, SCOPE


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("body", FACTS.body),
        ("body.name", "Laura"),
        ("body.name.x", MISSING),
        ("body.list.0", "a"),
        ("body.list.1.b", 2),
        ("body.list.2", MISSING),
        ("body.list.b", MISSING),
        ("body.deep.er.x", None),
        ("body.deep.er.y", MISSING),
        ("header.X-Name", "café"),
        ("header.none", MISSING),
        ("query.a", MISSING),
        ("one", MISSING),
        ("one.member", MISSING),
        ("new.id", "id_1"),
        ("settings.error_status", 418),
        ("now.utc_millis", "2024-11-15T14:32:18.123Z"),
        ("now.offset_nanos", "2024-11-15T08:32:18.123456789-06:00"),
        ("now.epoch_millis", 1_731_681_138_123),
    ],
)
def test_a_path_gives_the_value_at_its_place(path: str, value: Any) -> None:
    """Typed, or MISSING."""
    faults: list[Diagnostic] = []
    place = compile_path(path, Context(SCOPE, SchemaSet(), faults.append))
    assert faults == []
    assert place is not None
    assert place.extract(FACTS) == value or place.extract(FACTS) is value


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("bdy.name", "did you mean body?"),
        ("body.nmae", "did you mean name?"),
        ("now.utc_mills", "did you mean utc_millis?"),
        ("zzzz.name", ""),
        ("body..name", ""),
        ("body.na me", ""),
        ("", ""),
    ],
)
def test_an_unknown_path_is_reported(path: str, hint: str) -> None:
    """With the near spelling of root or member."""
    faults: list[Diagnostic] = []
    assert compile_path(path, Context(SCOPE, SchemaSet(), faults.append, ("at",))) is None
    assert [(fault.at, fault.hint) for fault in faults] == [(("at",), hint)]
