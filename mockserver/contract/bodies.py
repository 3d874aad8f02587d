"""The body of an answer as JSON, its constant parts written once at boot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mockserver.core.language import BodyForm, Template
from mockserver.core.model import MISSING, Facts
from mockserver.core.values import write


def form_of(template: Template) -> BodyForm:
    """A body cut into the bytes that are always the same and the values in between."""
    found: list[bytes] = []
    values: list[Callable[[Facts], Any]] = []
    _cut(template, found, values)
    return BodyForm(b"".join(found), tuple(values))


def _cut(template: Template, found: list[bytes], values: list[Callable[[Facts], Any]]) -> None:
    if template.constant is not MISSING:
        found.append(_literal(write(template.constant)))
    elif template.members is not None and template.certain:
        for index, (name, member) in enumerate(template.members.items()):
            found.append((b"," if index else b"{") + _literal(write(name)) + b":")
            _cut(member, found, values)
        found.append(b"}")
    elif template.items is not None and template.certain:
        for index, item in enumerate(template.items):
            found.append(b"," if index else b"[")
            _cut(item, found, values)
        found.append(b"]")
    else:
        found.append(b"%b")
        values.append(template.render)


def _literal(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")


def body_of(form: BodyForm, facts: Facts) -> bytes:
    """The JSON of a body."""
    return form.text % tuple([write(value(facts)) for value in form.values])
