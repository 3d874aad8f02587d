"""A comparison as text for a terminal, JSON, JUnit XML for a pipeline, and Markdown for a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from mockserver.base.junit import JunitCase, JunitSuite, junit_xml
from mockserver.base.values import encode_json
from mockserver.comparison.changes import VERDICTS, Change, Comparison, Place, Verdict
from mockserver.core.model import MISSING

COMPARISON_VERSION: Final = 1
"""The version of the JSON document."""

MAX_ROWS: Final = 100
"""Rows of a table in Markdown: GitHub refuses a comment of more than 65,536 characters."""

_MAX_VALUE: Final = 120
"""Characters of a value in text and Markdown; JSON has it whole."""


def summary(comparison: Comparison) -> str:
    """The changes in one line: `2 breaking, 1 compatible`."""
    counts = {verdict: len(comparison.of_verdict(verdict)) for verdict in VERDICTS}
    return ", ".join(f"{number} {verdict}" for verdict, number in counts.items() if number) or "no change"


def _place_words(place: Place) -> str:
    return f"{place.part} {place.name}" + (f" of {place.operation}" if place.operation else "")


def _value(value: Any) -> str:
    """A value as JSON in one line of printable characters."""
    text = encode_json(value).decode()
    text = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 3]}..."


# -- text ---------------------------------------------------------------------------------------------------


def text(comparison: Comparison) -> str:
    """The changes for a terminal, by verdict and place."""
    return "\n".join(_text_lines(comparison)) + "\n"


def _text_lines(comparison: Comparison) -> Iterator[str]:
    for word, side in (("old", comparison.old), ("new", comparison.new)):
        yield f"{word}: {side.name}, contract {side.hash}"
    yield summary(comparison)
    for verdict in VERDICTS:
        changes = comparison.of_verdict(verdict)
        if changes:
            yield ""
            yield f"{verdict}:"
        last = None
        for change in changes:
            if change.place != last:
                yield f"  {_place_words(change.place)}"
            last = change.place
            at = f"{change.at}: " if change.at else ""
            yield f"    {at}{_change_words(change)}"
            yield f"      {change.reason}"


def _change_words(change: Change) -> str:
    if change.before is MISSING:
        return f"added {_value(change.now)}"
    if change.now is MISSING:
        return f"removed {_value(change.before)}"
    return f"{_value(change.before)}, now {_value(change.now)}"


# -- JSON ---------------------------------------------------------------------------------------------------


def document(comparison: Comparison) -> dict[str, Any]:
    """The comparison as `schemas/comparison.schema.json` describes it."""
    return {
        "format": COMPARISON_VERSION,
        "old": {"name": comparison.old.name, "contract": comparison.old.hash},
        "new": {"name": comparison.new.name, "contract": comparison.new.hash},
        "verdict": comparison.verdict or "none",
        "counts": {verdict: len(comparison.of_verdict(verdict)) for verdict in VERDICTS},
        "changes": [_change_document(change) for change in comparison.changes],
    }


def _change_document(change: Change) -> dict[str, Any]:
    values = {"before": change.before, "now": change.now}
    return {
        "part": change.place.part,
        "operation": change.place.operation or None,
        "name": change.place.name,
        "at": change.at,
        "change": change.kind,
        **{name: value for name, value in values.items() if value is not MISSING},
        "verdict": change.verdict,
        "reason": change.reason,
    }


# -- Markdown -----------------------------------------------------------------------------------------------


def markdown(comparison: Comparison) -> str:
    """The changes as a comment of a pull request; the first line lets a workflow find its comment again."""
    return "\n".join(_markdown_lines(comparison)) + "\n"


def _markdown_lines(comparison: Comparison) -> Iterator[str]:
    yield "<!-- mockserver diff -->"
    yield f"### Contract: {summary(comparison)}"
    yield ""
    old, new = comparison.old, comparison.new
    yield f"{_code(old.name)} ({_code(old.hash)}) → {_code(new.name)} ({_code(new.hash)})"
    for verdict in VERDICTS:
        changes = comparison.of_verdict(verdict)
        if changes and verdict == "cosmetic":
            yield from ("", "<details>", f"<summary>Cosmetic: {len(changes)}</summary>", "")
            yield from _rows(changes)
            yield from ("", "</details>")
        elif changes:
            yield from ("", f"#### {verdict.capitalize()}", "")
            yield from _rows(changes)


def _rows(changes: Sequence[Change]) -> Iterator[str]:
    yield "| where | before | now | why |"
    yield "| --- | --- | --- | --- |"
    for change in changes[:MAX_ROWS]:
        place = change.place
        where = f"{place.part} {_code(place.name)}" + (f"<br>{_code(change.at)}" if change.at else "")
        cells = (_code(_value(value)) if value is not MISSING else "" for value in (change.before, change.now))
        yield f"| {where} | {' | '.join(cells)} | {_escaped(change.reason)} |"
    if len(changes) > MAX_ROWS:
        yield ""
        yield f"and {len(changes) - MAX_ROWS} more: `mockserver diff` lists them all"


def _code(value: str) -> str:
    """A text as code inside a table, whatever is in it."""
    value = "".join(c if c.isprintable() else " " for c in value).replace("|", "\\|")
    ticks = "`"
    while ticks in value:
        ticks += "`"
    return f"{ticks}{value}{ticks}" if len(ticks) == 1 else f"{ticks} {value} {ticks}"


def _escaped(value: str) -> str:
    """Plain words inside a table; `Mock-*` would begin emphasis."""
    return value.replace("*", "\\*").replace("|", "\\|")


# -- JUnit --------------------------------------------------------------------------------------------------


def junit(comparison: Comparison, fail_on: Verdict | None) -> str:
    """JUnit XML: a test case for each change; breaking ones fail, with `--fail-on compatible` these as well."""
    failing: tuple[Verdict, ...] = ("breaking", "compatible") if fail_on == "compatible" else ("breaking",)
    name = f"contract {comparison.old.name} to {comparison.new.name}"
    cases = [_test_case(change, change.verdict in failing) for change in comparison.changes]
    return junit_xml(name, [JunitSuite(name, cases or [JunitCase("contract", "no change", "passed")])])


def _test_case(change: Change, fails: bool) -> JunitCase:
    class_name, name = f"contract.{change.verdict}", f"{_place_words(change.place)} {change.at}".strip()
    words = _change_words(change)
    if fails:
        return JunitCase(class_name, name, "failed", f"{change.verdict}: {change.reason}", words)
    return JunitCase(class_name, name, "passed", text=f"{words}; {change.reason}")


FORMATS: Final = ("text", "json", "junit", "markdown")


def render(comparison: Comparison, form: str, fail_on: Verdict | None) -> str:
    """The comparison in one of `FORMATS`; `fail_on` is the verdict on which the command fails."""
    match form:
        case "text":
            return text(comparison)
        case "json":
            return json.dumps(document(comparison), indent=2, ensure_ascii=False) + "\n"
        case "junit":
            return junit(comparison, fail_on)
    return markdown(comparison)
