"""The values that all else speaks in: they do not change, and what is not said of one is what most mean."""

import dataclasses

import pytest

from mockserver.core import contract, model
from mockserver.core.model import Delay, Document, Fault, Request, RequestWarning, Violation


def names(value: type) -> tuple[str, ...]:
    """The members of a dataclass or a named tuple; none of any other class."""
    fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
    return tuple(field.name for field in fields) or getattr(value, "_fields", ())


VALUES = [
    value
    for module in (model, contract)
    for value in vars(module).values()
    if isinstance(value, type) and value.__module__ == module.__name__ and names(value)
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_does_not_change(value: type) -> None:
    """It is frozen, and has no place for members that nobody declared."""
    assert "__slots__" in vars(value)
    made: object = tuple.__new__(value) if issubclass(value, tuple) else object.__new__(value)
    with pytest.raises(AttributeError):  # a named tuple's, or a `FrozenInstanceError`, which is one
        setattr(made, names(value)[0], None)


def test_what_is_not_said_is_what_most_mean() -> None:
    """A fault commits nothing and ends in half a minute; a request has no body; a document is sound."""
    assert Fault("hang") == Fault("hang", commit=False, seconds=30.0, status=503, retry_after=None, html=True)
    assert Fault("hang").html is True
    assert Fault("hang").commit is False
    assert Delay("fixed", 5.0) == Delay("fixed", 5.0, 0.0, 0.0)
    assert Request("GET", "/") == Request("GET", "/", b"", {}, {})
    assert Document(1) == Document(1, (), ())
    assert Violation("body", (), "type", "other", "text") == Violation("body", (), "type", "other", "text", (), "")
    assert model.Diagnostic((), "a", "b") == model.Diagnostic((), "a", "b", "", "")
    with pytest.raises(TypeError):
        RequestWarning("body", "/a", "unknown-member", "text")  # type: ignore[call-arg]
