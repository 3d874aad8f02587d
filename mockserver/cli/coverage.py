"""The command that shows which outcomes of the contract were met, and can hold a pipeline to a share of them.

Knows the command line and the forms of a report; what was met is the server's to say.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import click

from mockserver.cli.remote import Remote, fail, remote_options
from mockserver.reports.coverage_page import FORMS
from mockserver.reports.coverage_report import summary

BELOW: Final = 2
"""The exit status where fewer outcomes were met than were asked for."""


@click.command()
@click.option("--all", "all_", is_flag=True, help="Of every sandbox that there ever was.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", *(name for name in FORMS if name != "text")]),
    default="text",
    show_default=True,
    help="A table, JSON, JUnit XML, or a page for a browser.",
)
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there, and print one line.")
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help=f"Exit status {BELOW} where fewer of the documented outcomes were met.",
)
@remote_options
def coverage(remote: Remote, *, all_: bool, form: str, output: Path | None, fail_under: float | None) -> None:
    """Show which outcomes of the contract were met, and how the others can be."""
    report = remote.expect("GET", "/coverage", query={"all": "true"} if all_ else None)
    if not isinstance(report, dict) or "documented" not in report:
        fail("what came is no coverage; is --url right?")
    shown = json.dumps(report, ensure_ascii=False) + "\n" if form == "json" else FORMS[form][1](report)
    if output is None:
        click.echo(shown, nl=False)
    else:
        _write(output, shown)
        click.echo(summary(report))
    if fail_under is not None and not _reaches(report["documented"], fail_under):
        click.echo(f"mockserver: {summary(report)}; --fail-under {fail_under:g}", err=True)
        sys.exit(BELOW)


def _write(file: Path, shown: str) -> None:
    try:
        file.write_text(shown, encoding="utf-8", newline="\n")
    except OSError as error:
        fail(f"{file}: {error.strerror or error}")


def _reaches(share: dict[str, Any], percent: float) -> bool:
    """Whether a share is as great; not by the percentage that is shown, which is rounded."""
    return bool(not share["of"] or 100 * share["met"] >= percent * share["of"])
