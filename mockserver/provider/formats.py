"""A report on a provider as text for a terminal, as JSON, and as JUnit XML for a pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from mockserver.base.junit import JunitCase, JunitSuite, junit_xml
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
    """A difference in one line of visible ASCII: `status: expected 400, got 500`."""
    expected, came = (_value(one[name]) for name in ("expected", "came"))
    place = _line(one["at"])
    if one["kind"] == "extra":
        return f"{place}: extra, got {came}"
    if one["kind"] == "missing":
        return f"{place}: missing, expected {expected}"
    of_kind = f" ({one['kind']})" if one["kind"] in ("form", "type", "redirect") else ""
    return f"{place}: expected {expected}, got {came}{of_kind}"


def _value(value: Any) -> str:
    return printable(encode_ascii_json(value), 160)


def _line(text: str) -> str:
    """A text that a terminal and XML can show."""
    return printable(text, 300)


def text(report: Report) -> str:
    """The report for a terminal."""
    return "\n".join(_text_lines(report)) + "\n"


def _text_lines(report: Report) -> Iterator[str]:
    yield f"{_line(report['target'])} at {report['at']}, contract {report['contract']}"
    yield summary(report)
    yield ""
    for outcome in report["outcomes"]:
        yield f"{_result(outcome)}  {outcome['id']}"
        yield from (f"    {difference_words(one)}" for one in outcome["differences"])
        if outcome["reason"]:
            yield f"    {_line(outcome['reason'])}"
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
    words = ", ".join(map(_line, names[:MAX_NAMES])) + (
        f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    )
    if assumption["result"] == "refuted":
        outcome = next(one for one in report["outcomes"] if one["id"] == names[0])
        telling = [one for one in outcome["differences"] if one["kind"] in ("value", "missing", "status")]
        words += f": {difference_words((telling or outcome['differences'])[0])}"
    return words


def json_text(report: Report) -> str:
    """The report as JSON."""
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def junit(report: Report) -> str:
    """JUnit XML: a test case for each outcome and each assumption.

    What differs or is refuted is a failure, what was not reached is skipped.
    """
    suites = [
        JunitSuite("outcomes", [_outcome_case(one) for one in report["outcomes"]]),
        JunitSuite("assumptions", [_assumption_case(report, one) for one in report["assumptions"]]),
    ]
    return junit_xml(f"provider {_line(report['target'])}", suites)


_RESULTS: Final[Mapping[str, Literal["passed", "failed", "skipped"]]] = {
    "same": "passed",
    "confirmed": "passed",
    "differs": "failed",
    "refuted": "failed",
    "not-reached": "skipped",
}
"""What JUnit calls the result of an outcome, and of an assumption."""


def _outcome_case(outcome: Mapping[str, Any]) -> JunitCase:
    words = [_line(outcome["reason"])] if outcome["reason"] else []
    words += [difference_words(one) for one in outcome["differences"]]
    return _case(outcome["operation"], outcome, words[0] if words else "", "\n".join(words))


def _assumption_case(report: Report, assumption: Mapping[str, Any]) -> JunitCase:
    words = evidence_words(report, assumption)
    return _case("assumption", assumption, words, words)


def _case(class_name: str, one: Mapping[str, Any], message: str, text: str) -> JunitCase:
    result = _RESULTS[one["result"]]
    if result == "passed":
        message = text = ""
    return JunitCase(_line(class_name), _line(one["id"]), result, message, text if result == "failed" else "")
