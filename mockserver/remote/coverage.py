"""The command `coverage`: which outcomes of the contract were met, and a minimum for pipelines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import click

from mockserver.remote.options import FiniteRange, print_document
from mockserver.remote.remote_server import RemoteServer, fail, remote_options
from mockserver.reports.coverage_page import FORMATS
from mockserver.reports.coverage_report import summary

BELOW_MINIMUM: Final = 2
"""The exit status if fewer outcomes were met than `--fail-under` asks for."""


@click.command()
@click.option("--all", "all_", is_flag=True, help="Count the requests of all sandboxes, also of removed ones.")
@click.option("--sandbox-prefix", metavar="TEXT", help="Count the requests of sandboxes whose names begin with this.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", *(name for name in FORMATS if name != "text")]),
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
    help=f"End with exit status {BELOW_MINIMUM} if less than this share of the documented outcomes was met.",
)
@remote_options
def coverage(
    remote: RemoteServer,
    *,
    all_: bool,
    sandbox_prefix: str | None,
    form: str,
    output: Path | None,
    fail_under: float | None,
) -> None:
    """Show which outcomes of the contract were met, and how to meet the others."""
    query = {} if sandbox_prefix is None else {"sandbox_prefix": sandbox_prefix}
    report = remote.call_or_fail("GET", "/coverage", query={**query, "all": "true"} if all_ else query)
    if not isinstance(report, dict) or "documented" not in report:
        fail("the answer is not a coverage report; is --url right?")
    text = json.dumps(report, ensure_ascii=False) + "\n" if form == "json" else FORMATS[form].render(report)
    if output is None:
        print_document(text)
    else:
        _write(output, text)
        click.echo(summary(report))
    if fail_under is not None and not _reaches(report["documented"], fail_under):
        click.echo(f"mockserver: {summary(report)}; --fail-under {fail_under:g}", err=True)
        sys.exit(BELOW_MINIMUM)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        fail(f"{file}: {error.strerror or error}")


def _reaches(share: dict[str, Any], percent: float) -> bool:
    """Whether a share is at least so many percent; the percentage in the report is rounded and not used."""
    return bool(not share["of"] or 100 * share["met"] >= percent * share["of"])
