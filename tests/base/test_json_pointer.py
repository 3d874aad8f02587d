"""JSON Pointers: written from a path and read back."""

from __future__ import annotations

import pytest

from mockserver.base.json_pointer import json_pointer, json_pointer_step, json_pointer_steps


@pytest.mark.parametrize(
    ("path", "pointer"),
    [((), ""), (("a", 0, ""), "/a/0/"), (("~1", "a/b", "~"), "/~01/a~1b/~0")],
)
def test_a_pointer_is_read_back_as_it_was_written(path: tuple[str | int, ...], pointer: str) -> None:
    """Tilde and slash are escaped; the pointer of the whole is empty."""
    assert json_pointer(path) == pointer == "".join("/" + json_pointer_step(step) for step in path)
    assert json_pointer_steps(pointer) == [str(step) for step in path]
