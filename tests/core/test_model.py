"""The values that all else speaks in: they do not change, and what is not said of one is what most mean."""

import dataclasses

import msgspec
import pytest

from mockserver.core import contract, diagnostics, language, model, reply
from mockserver.core.diagnostics import Diagnostic, Position
from mockserver.core.faults import Fault
from mockserver.core.model import MISSING, Document, Record, Request, RequestWarning, Violation, value_at
from mockserver.core.provider_verification import ProviderVerification


def names(value: type) -> tuple[str, ...]:
    """The members of a dataclass or a struct; none of any other class."""
    if issubclass(value, msgspec.Struct):
        return value.__struct_fields__
    return tuple(field.name for field in dataclasses.fields(value)) if dataclasses.is_dataclass(value) else ()


VALUES = [
    value
    for module in (model, diagnostics, language, contract, reply)
    for value in vars(module).values()
    if isinstance(value, type) and value.__module__ == module.__name__ and names(value)
]


@pytest.mark.parametrize("value", VALUES)
def test_model_values_are_frozen(value: type) -> None:
    """They have no place for undeclared members."""
    made = value(**dict.fromkeys(names(value), ""))
    assert not hasattr(made, "__dict__")
    with pytest.raises(AttributeError):  # a struct's, or a `FrozenInstanceError`, which is one
        setattr(made, names(value)[0], None)


def test_model_values_have_plain_defaults() -> None:
    """A fault commits nothing and ends in half a minute; a request has no body; a document has no violations."""
    request = Request("GET", "/")
    assert Fault("hang") == Fault("hang", commit=False, seconds=30.0, status=503, retry_after=None, html=True)
    assert Fault("hang").html is True
    assert Fault("hang").commit is False
    assert request == Request("GET", "/", b"", model.EMPTY_MAPPING, model.EMPTY_MAPPING)
    assert dict(model.EMPTY_MAPPING) == {}
    assert Document(request) == Document(request, model.EMPTY_MAPPING, model.MISSING, (), ())
    assert Violation("body", (), "type", "other", "text") == Violation("body", (), "type", "other", "text", (), "")
    assert Diagnostic((), "a", "b") == Diagnostic((), "a", "b", "", "")
    with pytest.raises(TypeError):
        RequestWarning("body", "/a", "unknown-member", "text")  # type: ignore[call-arg]


def test_a_record_shows_its_members_key_and_origin() -> None:
    """Paths see all of them; `members` are those that the contract names."""
    record = Record.make("k", {"size": 1}, "request", "7")
    assert (record.visible, record.origin, record.members, record.entry_id) == (
        {"size": 1, "key": "k", "origin": "request"},
        "request",
        {"size": 1},
        "7",
    )
    assert Record.make("k", {}, "seed").entry_id == ""


def test_a_value_is_found_at_its_path() -> None:
    """Members and items are found; where the path leads nowhere, nothing is."""
    value = {"a": [{"b": None}], "1": 2}
    assert value_at(value, ("a", 0, "b")) is None
    assert value_at(value, ("a", "0", "b")) is None
    assert value_at(value, ("1",)) == 2
    assert value_at(value, ("a", 1)) is MISSING
    assert value_at(value, ("1", "2", "3")) is MISSING
    assert value_at(value, ("a", "x")) is MISSING
    assert value_at(value, ("a", 0, "b", "c")) is MISSING
    assert value_at(value, ()) is value


def test_a_place_has_a_dotted_path_and_a_json_pointer() -> None:
    """A dotted path for people, a JSON Pointer for programs."""
    violation = Violation("body", ("a/b", 0, "c~d"), "type", "other", "expected text")
    assert (violation.where, violation.pointer) == ("body.a/b.0.c~d", "/a~1b/0/c~0d")
    assert violation.text == "body.a/b.0.c~d: expected text"
    assert str(Position("a.yaml", 3, 5)) == "a.yaml:3:5"


def test_what_the_provider_answered_has_members_and_a_line() -> None:
    """For programs and for people."""
    verified = ProviderVerification("2026-11-29", "differs")
    assert verified.members == {"on": "2026-11-29", "result": "differs"}
    assert verified.text == "differs; 2026-11-29"


def test_an_answer_that_broke_off_says_how() -> None:
    """In words, and whether the connection was reset."""
    for was_reset in (False, True):
        error = reply.BrokenOffError("the provider left", was_reset=was_reset)
        assert (str(error), error.was_reset) == ("the provider left", was_reset)
