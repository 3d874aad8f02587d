"""Query parameters of admin routes: numbers, true or false, and the sandboxes that a question is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mockserver.http_api.api import Call
from mockserver.http_api.errors import AdminError, admin_error

SCOPE_PARAMETERS: Final[Mapping[str, str]] = {
    "all": "true: of every sandbox",
    "sandbox_prefix": "Of the sandboxes whose names begin so; goes without all",
}
"""The parameters that `scope_of` reads, with what they mean."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The sandboxes that a question is about: one, or (`sandbox` is None) those whose names begin with `prefix`."""

    sandbox: str | None
    prefix: str = ""

    def has(self, sandbox: str) -> bool:
        """Whether a sandbox is one of them."""
        return sandbox.startswith(self.prefix) if self.sandbox is None else sandbox == self.sandbox

    @property
    def label(self) -> str:
        """These sandboxes in words; empty for the default one."""
        if self.sandbox is None:
            return f"sandboxes {self.prefix}..." if self.prefix else "all sandboxes"
        return f"sandbox {self.sandbox}" if self.sandbox else ""


def bad_parameter(detail: str, **more: Any) -> AdminError:
    """Make the error of a query parameter."""
    return admin_error(400, "bad-parameter", "A query parameter has no usable value", detail, **more)


def int_parameter(call: Call, name: str, default: int, most: int) -> int:
    """A query parameter that is a number of at least 1. Raises `AdminError`."""
    text = call.query.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:20]) <= most:
        raise bad_parameter(f"{name} is a number from 1 to {most}.")
    return int(text)


def word_parameter(call: Call, name: str, words: Sequence[str], default: str) -> str:
    """A query parameter that is one of some words. Raises `AdminError`."""
    word = call.query.get(name, default)
    if word not in words:
        *first, last = words
        raise bad_parameter(f"{name} is {', '.join(first)} or {last}.")
    return word


def bool_parameter(call: Call, name: str) -> bool:
    """A query parameter that is true or false, false by default. Raises `AdminError`."""
    return word_parameter(call, name, ("true", "false"), "false") == "true"


async def sandbox_names_of(call: Call) -> list[str]:
    """The sandboxes that a query names: one that need not exist, or of those that there are. Raises `AdminError`."""
    scope = scope_of(call)
    if scope.sandbox is not None:
        return [scope.sandbox]
    return [name for name in dict.fromkeys(("", *await call.engine.storage.sandbox_names())) if scope.has(name)]


def scope_of(call: Call) -> Scope:
    """The sandboxes that a query names: that of the path, those with a prefix, or all. Raises `AdminError`."""
    prefix = call.query.get("sandbox_prefix")
    if prefix is None:
        return Scope(None if bool_parameter(call, "all") else call.sandbox)
    if not prefix or "all" in call.query:
        raise bad_parameter("sandbox_prefix is the beginning of names of sandboxes, and goes without all.")
    return Scope(None, prefix)
