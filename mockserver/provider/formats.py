"""A report on a provider as text for a terminal, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from mockserver.base.values import encode_ascii_json, printable
from mockserver.provider.report import Report, counts

MAX_NAMES: Final = 3
"""Outcomes that are named as evidence in text; JSON has all."""

_WIDTH: Final = len("not-reached")


def summary(report: Report) -> str:
    """The results in one line."""
    found = counts(report)
    return f"{found['same']} same, {found['differs']} differ, {found['not-reached']} not reached"


def difference_words(one: Mapping[str, Any]) -> str:
    """A difference in one line of visible ASCII: `status: expected 400, came 500`."""
    expected, came = (_value(one[name]) for name in ("expected", "came"))
    if one["kind"] == "extra":
        return f"{one['at']}: extra, came {came}"
    if one["kind"] == "missing":
        return f"{one['at']}: missing, expected {expected}"
    of_kind = f" ({one['kind']})" if one["kind"] in ("form", "type", "redirect") else ""
    return f"{one['at']}: expected {expected}, came {came}{of_kind}"


def _value(value: Any) -> str:
    return printable(encode_ascii_json(value), 160)


def text(report: Report) -> str:
    """The report for a terminal."""
    return "\n".join(_text_lines(report)) + "\n"


def _text_lines(report: Report) -> Iterator[str]:
    yield f"{report['target']} at {report['at']}, contract {report['contract']}"
    yield summary(report)
    yield ""
    for outcome in report["outcomes"]:
        yield f"{_result(outcome)}  {outcome['id']}"
        yield from (f"    {difference_words(one)}" for one in outcome["differences"])
        if outcome["reason"]:
            yield f"    {outcome['reason']}"
    yield ""
    yield "assumptions:"
    for assumption in report["assumptions"]:
        yield f"{_result(assumption)}  {assumption['id']}"
        yield f"    {evidence_words(report, assumption)}"


def _result(one: Mapping[str, Any]) -> str:
    return str(one["result"]).replace("-", " ").ljust(_WIDTH)


def evidence_words(report: Report, assumption: Mapping[str, Any]) -> str:
    """What tells that an assumption holds or not, in one line; if it is refuted, with what came."""
    names = assumption["evidence"]
    if not names:
        return "no answer tells"
    words = ", ".join(names[:MAX_NAMES]) + (f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else "")
    if assumption["result"] == "refuted":
        outcome = next(one for one in report["outcomes"] if one["id"] == names[0])
        words += f": {difference_words(outcome['differences'][0])}"
    return words


def _json(report: Report) -> str:
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


FORMATS: Final[Mapping[str, Callable[[Report], str]]] = {"text": text, "json": _json}
"""The formats by name."""
