"""What a tester asks for beside the contract: delays and faults, in headers or as JSON, and a forced scenario.

Knows how they are written; it performs none of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mockserver.core.model import FAULTS, Delay, Fault
from mockserver.core.problems import bad_directive, or_else
from mockserver.core.reply import Reply
from mockserver.core.values import close_matches, printable, write_ascii

LONGEST_SECONDS: Final = 300.0
"""No delay and no fault lasts longer."""

DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s)")


class DirectiveError(ValueError):
    """A delay or a fault that cannot be understood; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Directives:
    """What the headers of one request ask for."""

    scenario: str | None = None
    delay: Delay | None = None
    fault: Fault | None = None


NOTHING: Final = Directives()


def directives(headers: Mapping[str, str]) -> Directives | Reply:
    """The directives in `Mock-Scenario`, `Mock-Delay` and `Mock-Fault`, or the problem with them."""
    scenario, delay, fault = headers.get("mock-scenario"), headers.get("mock-delay"), headers.get("mock-fault")
    if scenario is None and delay is None and fault is None:
        return NOTHING
    try:
        return Directives(
            None if scenario is None else scenario.strip(),
            None if delay is None else delay_of(delay.strip()),
            None if fault is None else _fault_header(fault),
        )
    except DirectiveError as error:
        return bad_directive(str(error))


def _fault_header(text: str) -> Fault:
    """`reset` or `reset; commit=true; seconds=5`."""
    kind, *rest = (part.strip() for part in text.split(";"))
    spec: dict[str, Any] = {"kind": kind}
    for part in rest:
        name, found, value = part.partition("=")
        if not found or name.strip() == "kind":
            raise DirectiveError(f"{printable(part, 40)} is no NAME=VALUE of a fault, whose kind comes first")
        spec[name.strip()] = {"true": True, "false": False}.get(value.strip().lower(), _number(value.strip()))
    return fault_of(spec)


def _number(text: str) -> Any:
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


def milliseconds(spec: Any) -> float:
    """`1500ms`, `1.5s`, or a number of milliseconds. Raises `DirectiveError`."""
    if isinstance(spec, int | float) and not isinstance(spec, bool):
        value = float(spec)
    else:
        found = DURATION.fullmatch(spec) if isinstance(spec, str) else None
        if found is None:
            raise DirectiveError(f"expected a duration such as 1500ms or 1.5s, got {_shown(spec)}")
        value = float(found[1]) * (1.0 if found[2] == "ms" else 1_000.0)
    if not 0 <= value <= LONGEST_SECONDS * 1_000:
        raise DirectiveError(f"expected a duration of 0 to {LONGEST_SECONDS:.0f} s, got {_shown(spec)}")
    return value


_SPAN: Final = re.compile(r"([+-]?)([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9, "d": 86_400 * 10**9}


def nanoseconds(spec: str) -> int:
    """A span of time such as `90s`, `1.5h` or `-2d`. Raises `DirectiveError`."""
    found = _SPAN.fullmatch(spec)
    if found is None:
        raise DirectiveError(f"expected a span of time such as 90s, 15m, 2h, 1d or -90s, got {_shown(spec)}")
    whole, _, part = found[2].partition(".")
    by_ns = int(whole + part) * _UNITS[found[3]] // int("1" + "0" * len(part))
    return -by_ns if found[1] == "-" else by_ns


def delay_of(spec: Any) -> Delay:
    """A delay: a duration, `{uniform: [from, to]}`, or `{lognormal: {median, sigma, cap}}`. Raises `DirectiveError`."""
    if not isinstance(spec, dict):
        return Delay("fixed", milliseconds(spec))
    if list(spec) == ["fixed"]:
        return Delay("fixed", milliseconds(spec["fixed"]))
    if list(spec) == ["uniform"] and isinstance(spec["uniform"], list) and len(spec["uniform"]) == 2:
        low, high = map(milliseconds, spec["uniform"])
        if low > high:
            raise DirectiveError("expected uniform: [from, to] with from at most to")
        return Delay("uniform", low, high)
    lognormal = spec.get("lognormal")
    if list(spec) == ["lognormal"] and isinstance(lognormal, dict) and set(lognormal) == {"median", "sigma", "cap"}:
        sigma = lognormal["sigma"]
        if isinstance(sigma, bool) or not isinstance(sigma, int | float) or not 0 <= sigma <= 10 or math.isnan(sigma):
            raise DirectiveError(f"expected a sigma of 0 to 10, got {_shown(sigma)}")
        return Delay("lognormal", milliseconds(lognormal["median"]), float(sigma), milliseconds(lognormal["cap"]))
    raise DirectiveError(
        "expected a delay: a duration, {fixed: …}, {uniform: [from, to]} or {lognormal: {median, sigma, cap}}, "
        f"got {_shown(spec)}"
    )


HEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "hang": ("seconds",),
    "dribble": ("seconds",),
    "gateway": ("status", "retry_after", "html"),
}
"""The settings that a kind of fault heeds, beside `commit`."""

_MEMBERS: Final = tuple(name for name in Fault.__struct_fields__ if name != "kind")


def fault_of(spec: Any) -> Fault:
    """A fault: the name of its kind, or an object with `kind` and its settings. Raises `DirectiveError`."""
    given: dict[str, Any] = {"kind": spec} if isinstance(spec, str) else dict(spec) if isinstance(spec, dict) else {}
    kind = given.pop("kind", None)
    if kind not in FAULTS:
        spelt = or_else(close_matches(kind, FAULTS)) if isinstance(kind, str) else ""
        raise DirectiveError(f"expected a fault, one of {', '.join(FAULTS)}, got {_shown(kind)}.{spelt}")
    for name in given:
        if name not in _MEMBERS:
            raise DirectiveError(
                f"a fault has no {printable(str(name), 40)}.{or_else(close_matches(str(name), _MEMBERS))}"
            )
    retry_after = _within(given, "retry_after", None, 0, 86_400)
    return Fault(
        kind,
        commit=_flag(given, "commit", default=False),
        seconds=float(_within(given, "seconds", 30, 0, LONGEST_SECONDS)),
        status=int(_within(given, "status", 503, 200, 599)),
        retry_after=None if retry_after is None else int(retry_after),
        html=_flag(given, "html", default=True),
    )


def _flag(given: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise DirectiveError(f"expected true or false for {name} of a fault, got {_shown(value)}")
    return value


def _within(given: Mapping[str, Any], name: str, default: Any, low: float, high: float) -> Any:
    value = given.get(name, default)
    if name in given and (isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high):
        raise DirectiveError(f"expected {name} of a fault from {low:g} to {high:g}, got {_shown(value)}")
    if name != "seconds" and value is not None and value != int(value):
        raise DirectiveError(f"expected a whole number for {name} of a fault, got {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    return printable(write_ascii(value), 60)
