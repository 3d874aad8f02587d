"""Refusals of admin requests, as errors that carry the problem to answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from mockserver.base.spelling import close_matches, did_you_mean_sentence
from mockserver.core.directives import DirectiveError
from mockserver.core.model import Violation
from mockserver.core.problems import no_room, problem
from mockserver.core.reply import Problem
from mockserver.entries.views import violation_json
from mockserver.storage.interface import Full

_Value = TypeVar("_Value")


class AdminError(Exception):
    """A refused request to the admin API, with the problem to answer."""

    def __init__(self, reply: Problem) -> None:
        """Keep the problem."""
        super().__init__(reply.problem)
        self.reply = reply


def admin_error(status: int, kind: str, title: str, detail: str, **more: Any) -> AdminError:
    """Make the error that is answered with a problem document."""
    return AdminError(problem(status, kind, title, detail, **more))


def unknown_name(what: str, text: str, near: Sequence[str], status: int = 404, **more: Any) -> AdminError:
    """Make the error of a name that there is not.

    `what` is the kind of thing, such as `sandbox`; `text` says that there is none, `near` are the names spelt like it.
    """
    detail = f"{text}.{did_you_mean_sentence(near)}"
    return admin_error(status, f"unknown-{what}", f"There is no such {what}", detail, did_you_mean=list(near), **more)


def violation_error(kind: str, title: str, violations: Sequence[Violation], subject: str = "") -> AdminError:
    """Make the error of a value that a JSON Schema refuses; `subject` names the value.

    The hint is a near spelling, or else what the schema says about the value.
    """
    first = violations[0]
    spelt = close_matches(str(first.path[-1]), first.known) if first.path else ()
    hint = did_you_mean_sentence(spelt) or f" {first.description}".rstrip()
    detail = f"{subject}{first.text}.{hint}"
    shown = [{**violation_json(one), "values": one.values} for one in violations[:20]]
    return admin_error(400, kind, title, detail, violations=shown, did_you_mean=list(spelt))


def parse_spec(parse: Callable[[Any], _Value], spec: Any) -> _Value:
    """Parse a fault, a delay or a duration. Raises `AdminError`."""
    try:
        return parse(spec)
    except DirectiveError as error:
        raise admin_error(400, "bad-directive", "A directive cannot be understood", f"{error}") from None


def require_room(result: _Value | Full) -> _Value:
    """The result of a change. Raises `AdminError` where it did not fit into the limits of a sandbox."""
    if isinstance(result, Full):
        raise AdminError(no_room(result.setting, result.limit))
    return result
