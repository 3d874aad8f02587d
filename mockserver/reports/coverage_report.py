"""Coverage as text for a terminal and as JUnit XML for a pipeline, made of the JSON of the admin API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from mockserver.base.junit import JunitCase, JunitSuite, junit_xml
from mockserver.base.spelling import close_matches, did_you_mean_sentence
from mockserver.base.text_table import table_lines
from mockserver.base.values import replace_control_characters
from mockserver.core.codes import CODE_PREFIX

Report = Mapping[str, Any]
Row = Mapping[str, Any]

_COLUMNS: Final = ("outcome", "met", "by", "faults", "sent again", "how to meet it")


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


def share_met(met: Iterable[int]) -> dict[str, Any]:
    """How many outcomes were met, from how often each was; 100 percent means all of them, whatever rounding says."""
    are_met = [number > 0 for number in met]
    percent = round(100 * sum(are_met) / len(are_met), 1) if are_met else 100.0
    return {"met": sum(are_met), "of": len(are_met), "percent": percent if all(are_met) else min(percent, 99.9)}


def by_source(report: Report, source: str) -> list[Row]:
    """The outcomes that are documented, or assumed, in the order of the contract."""
    return [row for row in report["scenarios"] if row["source"] == source]


def not_met(rows: Iterable[Row], names: Iterable[str]) -> list[str]:
    """The names of which no outcome was met. A name is an id, or a code (also `code=CODE`) of one or several outcomes.

    Raises `ValueError` for a name that no outcome has.
    """
    met: dict[str, int] = {}
    for row in rows:
        codes = () if row["code"] is None else (row["code"], f"{CODE_PREFIX}{row['code']}")
        for name in {row["scenario"], *codes}:
            met[name] = met.get(name, 0) + row["met"]
    names = [*map(str.strip, names)]
    for name in names:
        if name not in met:
            raise ValueError(
                f"no outcome has the code or id {name!r}.{did_you_mean_sentence(close_matches(name, met))}"
            )
    return [name for name in names if not met[name]]


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
    return "\n".join(map(replace_control_characters, _text_lines(report))) + "\n"


def _text_lines(report: Report) -> Iterator[str]:
    yield f"{sandbox_label(report)}: {summary(report)}"
    requests = "1 request" if report["requests"] == 1 else f"{report['requests']} requests"
    yield f"{requests}, {report['problems']} of them misuses; contract {report['contract']}"
    for source in ("documented", "assumed"):
        rows = by_source(report, source)
        if rows:
            yield ""
            yield f"{source}:"
            yield from (f"  {line}" for line in table_lines([_COLUMNS, *map(_cells, rows)]))
    yield ""
    yield "behaviour of the client:"
    yield from (f"  {line}" for line in behaviour(report))


def _cells(row: Row) -> tuple[str, ...]:
    retries = str(row["retried"] or "")
    how = "" if row["met"] else row["how"]
    return (
        row["scenario"],
        str(row["met"] or "-"),
        counts_text(row["triggers"]),
        counts_text(row["faults"]),
        retries,
        how,
    )


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


# -- for a pipeline -----------------------------------------------------------------------------------


def junit(report: Report) -> str:
    """JUnit XML: a test case for each outcome.

    A documented outcome that was not met is a failure; an assumed one is skipped, as no client has to meet it.
    """
    suites = [
        JunitSuite(f"{source} outcomes", [_test_case(row) for row in by_source(report, source)])
        for source in ("documented", "assumed")
    ]
    return junit_xml(f"coverage of the contract, {sandbox_label(report)}", suites)


def _test_case(row: Row) -> JunitCase:
    if row["met"]:
        return JunitCase(row["operation"], row["scenario"], "passed", text=f"met {met_text(row)}")
    details = [row["heading"], row["note"], f"how to meet it: {row['how']}", row["curl"]]
    return JunitCase(
        row["operation"],
        row["scenario"],
        "failed" if row["source"] == "documented" else "skipped",
        message=f"not met: {row['heading'] or row['scenario']}",
        text="\n".join(filter(None, details)),
    )
