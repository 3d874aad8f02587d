"""What a schema declares: member names and secrets by place."""

from __future__ import annotations

from tests.support.schemas import DECLARING, compiled


def test_declared_names_are_known_by_place() -> None:
    """References, branches and items declare; `if` and `not` do not; elsewhere nothing is known."""
    known = compiled(DECLARING).known
    assert known(()) == ("pin", "customer", "list", "pair", "any", "then", "extra")
    assert known(("customer",)) == ("first_name", "last_name", "self")
    assert known(("list", 7)) == ("key",)
    assert known(("pair", 0)) == ("left", "right")
    assert known(("any",)) == ()
    assert known(("nowhere", "at", "all")) == ()


def test_secrets_are_the_places_marked_write_only() -> None:
    """`writeOnly: true` marks a secret; an item's is that of every item."""
    assert compiled(DECLARING).secrets == (("list", "*", "key"), ("pin",))
