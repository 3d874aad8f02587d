"""The command `recordings`: what a running `mockserver record` found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mockserver.provider.page import FORMATS, render
from mockserver.remote.options import FOLDER, count, language_option, print_document, print_notice
from mockserver.remote.remote_server import RemoteServer, fail, remote_options

REPORT_FILE = "report.json"


@click.command()
@click.option(
    "--output",
    type=FOLDER,
    metavar="DIR",
    help="Write the report and drafts of scenarios into this folder, an overlay to review.",
)
@click.option("--delays", is_flag=True, help="Print the delays that make the mock as slow as the provider was.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="The format of the report.",
)
@click.option("--all", "all_", is_flag=True, help="The recordings of all sandboxes.")
@language_option
@remote_options
def recordings(
    remote: RemoteServer, output: Path | None, form: str, language: str, *, delays: bool, all_: bool
) -> None:
    """Report what recorded answers tell of the provider, as `verify-provider` does."""
    found = remote.call_or_fail("GET", "/recordings", query={"all": "true"} if all_ else {})
    if delays:
        print_document("".join(f"{line}\n" for line in _delay_lines(found["delays"])))
        return
    print_document(render(found["report"], form, language))
    if output is None:
        return
    files = {Path("scenarios") / name: text for name, text in found["drafts"].items()}
    report = json.dumps(found["report"], indent=2, ensure_ascii=False) + "\n"
    for name, text in {**files, Path(REPORT_FILE): report}.items():
        try:
            (output / name).parent.mkdir(parents=True, exist_ok=True)
            (output / name).write_text(text, encoding="utf-8")
        except OSError as error:
            fail(f"cannot write {output / name}: {error.strerror or error}")
        print_notice(f"wrote {output / name}")
    for note in found["notes"]:
        print_notice(f"not drafted: {note}")


def _delay_lines(found: Mapping[str, Any]) -> list[str]:
    """The delays in YAML, as scenarios, `arm` and the admin API take them."""
    rows = {"all": found["all"], **found["outcomes"]}
    return [
        f"{json.dumps(name) if name != 'all' else name}: {json.dumps(one['delay'])} # {count(one['answers'], 'answer')}"
        for name, one in rows.items()
    ]
