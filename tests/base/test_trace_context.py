"""The trace id of a `traceparent`, as W3C Trace Context has it."""

import pytest

from mockserver.base.trace_context import trace_id

ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("text", [f"00-{ID}-00f067aa0ba902b7-01", f"cc-{ID}-00f067aa0ba902b7-00-what-comes-later"])
def test_a_well_formed_header_has_a_trace_id(text: str) -> None:
    """Of this version and of later ones."""
    assert trace_id(text) == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        ID,
        f"00-{ID}-00f067aa0ba902b7",
        f"00-{ID}-00f067aa0ba902b7-01-more",
        f"cc-{ID}-00f067aa0ba902b7-01more",
        f"ff-{ID}-00f067aa0ba902b7-01",
        f"00-{ID.upper()}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{ID}-{'0' * 16}-01",
        f"00-{ID}0-00f067aa0ba902b7-01",
    ],
)
def test_another_header_has_none(text: str) -> None:
    """Nothing is guessed."""
    assert trace_id(text) is None
