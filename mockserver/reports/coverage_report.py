"""Coverage as text for a terminal and as JUnit XML for a pipeline, made of the JSON of the admin API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

Report = Mapping[str, Any]
Row = Mapping[str, Any]

_COLUMNS: Final = ("outcome", "met", "by", "faults", "sent again", "how to meet it")
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
"""Characters that neither a terminal nor XML can show in a line."""


def sandbox_label(report: Report) -> str:
    """The sandbox of the report, in words."""
    if report.get("sandbox_prefix"):
        return f"sandboxes {report['sandbox_prefix']}..."
    if report["sandbox"] is None:
        return "all sandboxes"
    return f"sandbox {report['sandbox']}" if report["sandbox"] else "the default sandbox"


def summary(report: Report) -> str:
    """The report in one line."""
    share, assumed = report["documented"], report["assumed"]
    line = f"{share['met']} of {share['of']} documented outcomes met ({share['percent']} %)"
    line += f", {assumed['met']} of {assumed['of']} assumed" if assumed["of"] else ""
    return line + (" (incomplete: older counts are in the total alone)" if report.get("incomplete") else "")


def by_source(report: Report, source: str) -> list[Row]:
    """The outcomes that are documented, or assumed, in the order of the contract."""
    return [row for row in report["scenarios"] if row["source"] == source]


def counts_text(counts: Mapping[str, int]) -> str:
    """Counts by name as text, the most frequent first."""
    return ", ".join(f"{word} {number}" for word, number in sorted(counts.items(), key=lambda item: -item[1]))


def met_text(row: Row) -> str:
    """How often an outcome was met, and by which trigger."""
    triggers = row["triggers"]
    how = f"by {next(iter(triggers))}" if len(triggers) == 1 else counts_text(triggers)
    return f"{times_text(row['met'])}, {how}"


def times_text(number: int) -> str:
    """A number as `once`, `twice` or `3 times`."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


# -- for a terminal -----------------------------------------------------------------------------------


def text(report: Report) -> str:
    """The report as text: a table of the outcomes, and the behaviour of the client."""
    return "\n".join(map(_printable, _text_lines(report))) + "\n"


def _text_lines(report: Report) -> Iterator[str]:
    yield f"{sandbox_label(report)}: {summary(report)}"
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
    return (
        row["scenario"],
        str(row["met"] or "-"),
        counts_text(row["triggers"]),
        counts_text(row["faults"]),
        again,
        how,
    )


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    lines = [_COLUMNS, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_COLUMNS) - 1)]
    for line in lines:
        padded = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        yield "  " + "  ".join([*padded, line[-1]]).rstrip()


def behaviour(report: Report) -> Iterator[str]:
    """The behaviour of the client, one line for each observation."""
    observed = report["behaviour"]
    for one in observed["retries"]:
        yield f"sent again {retry_text(one)}: {times_text(one['count'])}, {interval_text(one)}"
    if not observed["retries"]:
        yield "nothing was sent again"
    lost = observed["sent_again_after_answer_lost"]
    if lost:
        yield f"sent again after an answer was lost: {times_text(lost)}"
    if observed["secrets_in_url"]:
        yield f"with a secret in the URL: {times_text(observed['secrets_in_url'])}"
    for pointer, number in observed["malformed"].items():
        yield f"malformed at {pointer or 'the body as a whole'}: {times_text(number)}"


def retry_text(retry: Mapping[str, Any]) -> str:
    """What preceded a retry."""
    return f"after {retry['after']}" + (f" with fault {retry['fault']}" if retry["fault"] else "")


def interval_text(retry: Mapping[str, Any]) -> str:
    """The time between a request and its retry."""
    shortest, longest = retry["shortest_ms"], retry["longest_ms"]
    return f"{shortest:g} ms later" if shortest == longest else f"{shortest:g} to {longest:g} ms later"


def _printable(line: str) -> str:
    return _UNPRINTABLE.sub(" ", line)


# -- for a pipeline -----------------------------------------------------------------------------------


def junit(report: Report) -> str:
    """JUnit XML: a test case for each outcome.

    A documented outcome that was not met is a failure; an assumed one is skipped, as no client has to meet it.
    """
    root = Element("testsuites", name=f"coverage of the contract, {sandbox_label(report)}")
    for source in ("documented", "assumed"):
        rows = by_source(report, source)
        missing = str(sum(not row["met"] for row in rows))
        failed, skipped = (missing, "0") if source == "documented" else ("0", missing)
        counts = {"tests": str(len(rows)), "failures": failed, "errors": "0", "skipped": skipped, "time": "0"}
        suite = SubElement(root, "testsuite", {"name": f"{source} outcomes", **counts})
        for row in rows:
            _add_test_case(suite, row)
    for element in root.iter():
        element.text = None if element.text is None else _printable_lines(element.text)
        element.attrib.update({name: _printable(value) for name, value in element.attrib.items()})
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _add_test_case(suite: Element, row: Row) -> None:
    case = SubElement(suite, "testcase", classname=row["operation"], name=row["scenario"], time="0")
    if row["met"]:
        SubElement(case, "system-out").text = f"met {met_text(row)}"
        return
    about = [row["heading"] or "", row["note"] or "", f"how to meet it: {row['how']}", row["curl"]]
    kind = "failure" if row["source"] == "documented" else "skipped"
    missing = SubElement(case, kind, message=f"not met: {row['heading'] or row['scenario']}")
    missing.text = "\n".join(filter(None, about))


def _printable_lines(text: str) -> str:
    return "\n".join(map(_printable, text.split("\n")))
