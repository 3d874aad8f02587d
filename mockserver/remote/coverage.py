"""The command `coverage`: which outcomes of the contract were met, and a minimum for pipelines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from mockserver.remote.options import FiniteRange, language_option, print_notice, write_document
from mockserver.remote.remote_server import (
    RemoteServer,
    fail,
    has_requests,
    notice_of_no_requests,
    remote_options,
    sandbox_prefix_option,
    scope_query,
)
from mockserver.reports.coverage_page import MEDIA_TYPES, render
from mockserver.reports.coverage_report import not_met, summary


@click.command()
@click.option("--all", "all_", is_flag=True, help="Count the requests of all sandboxes, also of removed ones.")
@sandbox_prefix_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", *(name for name in MEDIA_TYPES if name != "text")]),
    default="text",
    show_default=True,
    help="A table, JSON, JUnit XML, or an HTML page.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the report to this file and print a summary.",
)
@click.option(
    "--fail-under",
    type=FiniteRange(0, 100),
    metavar="PERCENT",
    help="End with exit status 1 if less than this share of the documented outcomes was met.",
)
@click.option(
    "--require",
    metavar="NAMES",
    help="End with exit status 1 unless each of these was met: codes or ids of outcomes, separated by commas.",
)
@language_option
@remote_options
def coverage(
    remote: RemoteServer,
    *,
    all_: bool,
    sandbox_prefix: str | None,
    form: str,
    output: Path | None,
    fail_under: float | None,
    require: str | None,
    language: str,
) -> None:
    """Show which outcomes of the contract were met, and how to meet the others."""
    scope = scope_query(all_=all_, sandbox_prefix=sandbox_prefix)
    report = remote.call_or_fail("GET", "/coverage", query=scope)
    if not isinstance(report, dict) or "documented" not in report:
        fail("the answer is not a coverage report; is --url right?")
    not_met = _not_met(report["scenarios"], require.split(",")) if require is not None else []
    text = json.dumps(report, ensure_ascii=False) + "\n" if form == "json" else render(report, form, language)
    write_document(text, output)
    if output is not None:
        click.echo(summary(report))
    if not report["requests"] and not has_requests(remote, scope):
        notice_of_no_requests(remote, scope)
    below = fail_under is not None and not _reaches(report["documented"], fail_under)
    if below:
        print_notice(f"{summary(report)}; --fail-under {fail_under:g}")
    if not_met:
        print_notice(f"not met: {', '.join(not_met)} (--require)")
    sys.exit(1 if below or not_met else 0)


def _not_met(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> list[str]:
    try:
        return not_met(rows, names)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--require'") from None


def _reaches(share: dict[str, Any], percent: float) -> bool:
    """Whether a share is at least so many percent; the percentage in the report is rounded and not used."""
    return bool(not share["of"] or 100 * share["met"] >= percent * share["of"])
