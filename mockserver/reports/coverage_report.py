"""Coverage, as the admin API gives it, for a terminal and for a pipeline.

Knows the JSON of coverage and nothing else, so that a client can make a report of what a server told it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

Report = Mapping[str, Any]
Row = Mapping[str, Any]

_COLUMNS: Final = ("outcome", "met", "by", "faults", "sent again", "how to meet it")
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
"""What neither a terminal nor XML takes in a line."""


def whose(report: Report) -> str:
    """Whose coverage it is."""
    if report["sandbox"] is None:
        return "all sandboxes"
    return f"sandbox {report['sandbox']}" if report["sandbox"] else "the default sandbox"


def summary(report: Report) -> str:
    """The one line that matters."""
    share, assumed = report["documented"], report["assumed"]
    line = f"{share['met']} of {share['of']} documented outcomes met ({share['percent']} %)"
    return line + (f", {assumed['met']} of {assumed['of']} assumed" if assumed["of"] else "")


def by_source(report: Report, source: str) -> list[Row]:
    """The outcomes that are documented, or assumed, in the order of the contract."""
    return [row for row in report["scenarios"] if row["source"] == source]


def counts(counted: Mapping[str, int]) -> str:
    """Words with their numbers, the most frequent first."""
    return ", ".join(f"{word} {number}" for word, number in sorted(counted.items(), key=lambda item: -item[1]))


def met(row: Row) -> str:
    """How often an outcome was met, and how."""
    triggers = row["triggers"]
    how = f"by {next(iter(triggers))}" if len(triggers) == 1 else counts(triggers)
    return f"{times(row['met'])}, {how}"


def times(number: int) -> str:
    """A number of times, in words."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


# -- for a terminal -----------------------------------------------------------------------------------


def text(report: Report) -> str:
    """A table of the outcomes, and what was seen on the way."""
    return "\n".join(map(_line, _text(report))) + "\n"


def _text(report: Report) -> Iterator[str]:
    yield f"{whose(report)}: {summary(report)}"
    yield f"{report['requests']} requests, {report['problems']} of them misuses; contract {report['contract']}"
    for source in ("documented", "assumed"):
        rows = by_source(report, source)
        if rows:
            yield ""
            yield f"{source}:"
            yield from _table([_cells(row) for row in rows])
    yield ""
    yield "behaviour of the client:"
    yield from (f"  {line}" for line in behaviour(report))


def _cells(row: Row) -> tuple[str, ...]:
    again = str(row["retried"] or "")
    how = "" if row["met"] else row["how"]
    return (row["scenario"], str(row["met"] or "-"), counts(row["triggers"]), counts(row["faults"]), again, how)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    lines = [_COLUMNS, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_COLUMNS) - 1)]
    for line in lines:
        padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        yield "  " + "  ".join([*padded, line[-1]]).rstrip()


def behaviour(report: Report) -> Iterator[str]:
    """What was seen of the client, a line each; nothing is judged."""
    seen = report["behaviour"]
    for one in seen["retries"]:
        yield f"sent again {after(one)}: {times(one['count'])}, {span(one)}"
    if not seen["retries"]:
        yield "nothing was sent again"
    lost = seen["sent_again_after_answer_lost"]
    if lost:
        yield f"sent again after an answer was lost: {times(lost)}"
    if seen["secrets_in_url"]:
        yield f"with a secret in the URL: {times(seen['secrets_in_url'])}"
    for pointer, number in seen["malformed"].items():
        yield f"malformed at {pointer or 'the body as a whole'}: {times(number)}"


def after(retry: Mapping[str, Any]) -> str:
    """After what something was sent again."""
    return f"after {retry['after']}" + (f" with fault {retry['fault']}" if retry["fault"] else "")


def span(retry: Mapping[str, Any]) -> str:
    """How long after."""
    shortest, longest = retry["shortest_ms"], retry["longest_ms"]
    return f"{shortest:g} ms later" if shortest == longest else f"{shortest:g} to {longest:g} ms later"


def _line(line: str) -> str:
    return _UNPRINTABLE.sub(" ", line)


# -- for a pipeline -----------------------------------------------------------------------------------


def junit(report: Report) -> str:
    """JUnit XML: a test case for each outcome.

    A documented outcome that was not met is a failure; an assumed one, which no client has to meet, is skipped.
    """
    root = Element("testsuites", name=f"coverage of the contract, {whose(report)}")
    for source in ("documented", "assumed"):
        rows = by_source(report, source)
        missing = str(sum(not row["met"] for row in rows))
        failed, skipped = (missing, "0") if source == "documented" else ("0", missing)
        counted = {"tests": str(len(rows)), "failures": failed, "errors": "0", "skipped": skipped, "time": "0"}
        suite = SubElement(root, "testsuite", {"name": f"{source} outcomes", **counted})
        for row in rows:
            _case(suite, row)
    for element in root.iter():
        element.text = None if element.text is None else _xml(element.text)
        element.attrib.update({name: _line(value) for name, value in element.attrib.items()})
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _case(suite: Element, row: Row) -> None:
    case = SubElement(suite, "testcase", classname=row["operation"], name=row["scenario"], time="0")
    if row["met"]:
        SubElement(case, "system-out").text = f"met {met(row)}"
        return
    about = [row["heading"] or "", row["note"] or "", f"how to meet it: {row['how']}", row["curl"]]
    kind = "failure" if row["source"] == "documented" else "skipped"
    missing = SubElement(case, kind, message=f"not met: {row['heading'] or row['scenario']}")
    missing.text = "\n".join(filter(None, about))


def _xml(told: str) -> str:
    return "\n".join(map(_line, told.split("\n")))
