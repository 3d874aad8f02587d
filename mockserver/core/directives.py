"""Directives: the scenario, delay or fault that a tester asks for in request headers or as JSON.

They are parsed here and performed elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from mockserver.base.spelling import close_matches, did_you_mean_sentence
from mockserver.base.values import encode_ascii_json, printable
from mockserver.core.faults import FAULTS, Delay, Fault, FixedDelay, LognormalDelay, UniformDelay
from mockserver.core.model import EMPTY_MAPPING
from mockserver.core.problems import bad_directive, unknown_directive
from mockserver.core.reply import Problem, Reply

MAX_SECONDS: Final = 300.0
"""The longest delay, and the longest time that a fault takes."""

MAX_SIGMA: Final = 10.0
"""How far log-normal delays may spread."""

DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s)")


class DirectiveError(ValueError):
    """A delay, fault or time span that cannot be parsed; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Directives:
    """What the `Mock-*` headers of a request ask for: a scenario by id, a delay, a fault."""

    scenario: str | None = None
    delay: Delay | None = None
    fault: Fault | None = None


NO_DIRECTIVES: Final = Directives()

HEADERS: Final = ("Mock-Scenario", "Mock-Sandbox", "Mock-Fault", "Mock-Delay")
"""The request headers that direct the mock; no other begins with `Mock-`."""

_LOWER_HEADERS: Final = frozenset(map(str.lower, HEADERS))


def parse_directives(headers: Mapping[str, str]) -> Directives | Problem:
    """Parse `Mock-Scenario`, `Mock-Delay` and `Mock-Fault`; gives a problem where a `Mock-*` header is wrong."""
    found = mock_headers(headers)
    if not found:
        return NO_DIRECTIVES
    if isinstance(found, Reply):
        return found
    delay, fault = found.get("mock-delay"), found.get("mock-fault")
    try:
        return Directives(
            found.get("mock-scenario"),
            None if delay is None else parse_delay(delay),
            None if fault is None else parse_fault(fault_spec(fault)),
        )
    except DirectiveError as error:
        return bad_directive(str(error))


def mock_headers(headers: Mapping[str, str]) -> Mapping[str, str] | Problem:
    """The headers that begin with `Mock-`, by name in lower case.

    Gives a problem where one is unknown, as it would be without effect, or comes with two values.
    """
    if "\nmock-" not in "\n".join(["", *headers]).lower():  # a third of the time of a look at each name
        return EMPTY_MAPPING
    found: dict[str, str] = {}
    for name, text in headers.items():
        lower, value = name.lower(), text.strip()
        if not lower.startswith("mock-"):
            continue
        if lower not in _LOWER_HEADERS:
            return unknown_directive(name, close_matches(name, HEADERS), HEADERS)
        if found.setdefault(lower, value) != value:
            return bad_directive(f"expected {name} with one value, got two that differ")
    return found


def fault_spec(text: str) -> dict[str, Any]:
    """Split `reset` or `reset; commit=true; seconds=5` into an object with `kind`. Raises `DirectiveError`."""
    kind, *rest = (part.strip() for part in text.split(";"))
    spec: dict[str, Any] = {"kind": kind}
    for part in rest:
        name, found, value = part.partition("=")
        if not found or name.strip() == "kind":
            raise DirectiveError(f"expected a fault as KIND; NAME=VALUE; …, got {printable(part, 40)} after its kind")
        spec[name.strip()] = {"true": True, "false": False}.get(value.strip().lower(), _number(value.strip()))
    return spec


def _number(text: str) -> Any:
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


def parse_milliseconds(spec: Any) -> float:
    """Parse `1500ms`, `1.5s` or a number of milliseconds. Raises `DirectiveError`."""
    if isinstance(spec, int | float) and not isinstance(spec, bool):
        value = float(spec)
    else:
        found = DURATION.fullmatch(spec) if isinstance(spec, str) else None
        if found is None:
            raise DirectiveError(f"expected a duration such as 1500ms or 1.5s, got {_quoted(spec)}")
        value = float(found[1]) * (1.0 if found[2] == "ms" else 1_000.0)
    if not 0 <= value <= MAX_SECONDS * 1_000:
        raise DirectiveError(f"expected a duration of 0 to {MAX_SECONDS:.0f} s, got {_quoted(spec)}")
    return value


_TIME_SPAN: Final = re.compile(r"([+-]?)([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3_600 * 10**9, "d": 86_400 * 10**9}


def parse_time_span(spec: str) -> int:
    """Parse a time span such as `90s`, `1.5h` or `-2d` to nanoseconds. Raises `DirectiveError`."""
    found = _TIME_SPAN.fullmatch(spec)
    if found is None:
        raise DirectiveError(f"expected a span of time such as 90s, 15m, 2h, 1d or -90s, got {_quoted(spec)}")
    whole, _, part = found[2].partition(".")
    by_ns = int(whole + part) * _UNITS[found[3]] // int("1" + "0" * len(part))
    return -by_ns if found[1] == "-" else by_ns


def parse_delay(spec: Any) -> Delay:
    """Parse a duration, `{uniform: [from, to]}` or `{lognormal: {median, sigma, cap}}`. Raises `DirectiveError`."""
    if not isinstance(spec, dict):
        return FixedDelay(parse_milliseconds(spec))
    if list(spec) == ["fixed"]:
        return FixedDelay(parse_milliseconds(spec["fixed"]))
    if list(spec) == ["uniform"] and isinstance(spec["uniform"], list) and len(spec["uniform"]) == 2:
        low, high = map(parse_milliseconds, spec["uniform"])
        if low > high:
            raise DirectiveError("expected uniform: [from, to] with from at most to")
        return UniformDelay(low, high)
    lognormal = spec.get("lognormal")
    if list(spec) == ["lognormal"] and isinstance(lognormal, dict) and set(lognormal) == {"median", "sigma", "cap"}:
        sigma = lognormal["sigma"]
        if isinstance(sigma, bool) or not isinstance(sigma, int | float) or not 0 <= sigma <= MAX_SIGMA:
            raise DirectiveError(f"expected a sigma of 0 to {MAX_SIGMA:.0f}, got {_quoted(sigma)}")
        return LognormalDelay(
            parse_milliseconds(lognormal["median"]), float(sigma), parse_milliseconds(lognormal["cap"])
        )
    raise DirectiveError(
        "expected a delay: a duration, {fixed: …}, {uniform: [from, to]} or {lognormal: {median, sigma, cap}}, "
        f"got {_quoted(spec)}"
    )


FAULT_SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "hang": ("seconds",),
    "dribble": ("seconds",),
    "gateway": ("status", "retry_after", "html"),
}
"""The settings that a kind of fault uses, beside `commit`."""


def parse_fault(spec: Any) -> Fault:
    """Parse the name of a fault, or an object with `kind` and its settings. Raises `DirectiveError`."""
    settings: dict[str, Any] = {"kind": spec} if isinstance(spec, str) else dict(spec) if isinstance(spec, dict) else {}
    kind = settings.pop("kind", None)
    if kind not in FAULTS:
        near = did_you_mean_sentence(close_matches(kind, FAULTS)) if isinstance(kind, str) else ""
        raise DirectiveError(f"expected a fault, one of {', '.join(FAULTS)}, got {_quoted(kind)}.{near}")
    names = ("commit", *FAULT_SETTINGS.get(kind, ()))
    for name in settings:
        if name not in names:
            near = did_you_mean_sentence(close_matches(str(name), names))
            raise DirectiveError(f"the fault {kind} has no {printable(str(name), 40)}.{near}")
    retry_after = _number_setting(settings, "retry_after", None, 0, 86_400)
    return Fault(
        kind,
        commit=_bool_setting(settings, "commit", default=False),
        seconds=float(_number_setting(settings, "seconds", 30, 0, MAX_SECONDS)),
        status=int(_number_setting(settings, "status", 503, 200, 599)),
        retry_after=None if retry_after is None else int(retry_after),
        html=_bool_setting(settings, "html", default=True),
    )


def _bool_setting(settings: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = settings.get(name, default)
    if not isinstance(value, bool):
        raise DirectiveError(f"expected true or false for {name} of a fault, got {_quoted(value)}")
    return value


def _number_setting(settings: Mapping[str, Any], name: str, default: Any, low: float, high: float) -> Any:
    value = settings.get(name, default)
    if name in settings and (isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high):
        raise DirectiveError(f"expected {name} of a fault from {low:g} to {high:g}, got {_quoted(value)}")
    if name != "seconds" and value is not None and value != int(value):
        raise DirectiveError(f"expected a whole number for {name} of a fault, got {_quoted(value)}")
    return value


def _quoted(value: Any) -> str:
    return printable(encode_ascii_json(value), 60)
