"""JSON Pointers (RFC 6901): written from a path, and read back into its steps."""

from __future__ import annotations

from collections.abc import Iterable


def json_pointer_step(step: str | int) -> str:
    """One step of a JSON Pointer, without the slash before it."""
    return str(step).replace("~", "~0").replace("/", "~1")


def json_pointer(path: Iterable[str | int]) -> str:
    """The JSON Pointer of a path."""
    return "".join("/" + json_pointer_step(step) for step in path)


def json_pointer_steps(pointer: str) -> list[str]:
    """The steps of a JSON Pointer; an index is a text like any other."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
