"""What a schema declares: member names and secrets by place."""

from __future__ import annotations

from tests.support.schemas import DECLARING, compiled


def test_declared_names_are_listed_by_place() -> None:
    """References, branches and items declare; `if` and `not` do not."""
    known = compiled(DECLARING).member_names
    assert known(()) == ("pin", "customer", "list", "pair", "any", "then", "extra")
    assert known(("customer",)) == ("first_name", "last_name", "self")
    assert known(("list", 7)) == ("key",)
    assert known(("pair", 0)) == ("left", "right")
    assert known(("any",)) == ()
    assert known(("nowhere", "at", "all")) == ()


def test_write_only_marks_a_secret() -> None:
    """The `writeOnly: true` of an item holds for every item."""
    assert compiled(DECLARING).write_only_places == (("list", "*", "key"), ("pin",))


def test_a_pattern_that_marks_a_secret_marks_the_declared_members_that_match() -> None:
    """`writeOnly` under `patternProperties` holds for any name that matches, declared or not."""
    schema = {
        "properties": {"code_a": {"type": "string"}, "other": {}},
        "patternProperties": {"^code_": {"writeOnly": True}, "^o": {"type": "string"}},
    }
    assert compiled(schema).write_only_places == (("*",), ("code_a",))
