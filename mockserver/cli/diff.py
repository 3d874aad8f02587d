"""The command `diff`: two contracts compared, for the review of a change."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from mockserver.client.http_client import Address, UnreachableError
from mockserver.comparison.changes import Verdict
from mockserver.comparison.contracts import compare
from mockserver.comparison.formats import FORMATS, render
from mockserver.contract.bundles import load_bundle, load_bundle_file
from mockserver.contract.loading import ConfigError, load
from mockserver.core.contract import Contract
from mockserver.remote.options import FOLDER, fail_with_errors, output_option, write_document
from mockserver.remote.remote_server import cacert_option, fail, relevant_cacert

COULD_NOT_READ: Final = 2
"""The exit status if a contract cannot be read."""

SHIPPED: Final = "shipped"
"""The name of the contract that comes with this package; a folder of that name is ./shipped."""


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--overlay",
    type=FOLDER,
    multiple=True,
    metavar="DIR",
    help="Lay this folder over NEW, as a server does; repeatable.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@output_option
@click.option(
    "--fail-on",
    type=click.Choice(["breaking", "compatible"]),
    help="End with exit status 1 if a change is breaking, or (compatible) more than cosmetic.",
)
@click.option(
    "--admin-token",
    envvar="MOCKSERVER_ADMIN_TOKEN",
    show_envvar=True,
    default="",
    metavar="TOKEN",
    help="The token of the admin API, for a URL.",
)
@cacert_option
def diff(
    old: str,
    new: str,
    overlay: tuple[Path, ...],
    form: str,
    output: Path | None,
    fail_on: Verdict | None,
    admin_token: str,
    cacert: str,
) -> None:
    """Compare two contracts, and say of each change what it means for a client.

    OLD and NEW are folders, files of `mockserver export bundle`, URLs of running servers, or `shipped`. Exit status: 0,
    1 by --fail-on, 2 if a contract cannot be read.
    """
    before, now = _read(old, (), admin_token, cacert), _read(new, overlay, admin_token, cacert)
    comparison = compare(before, now, old, " + ".join([new, *map(str, overlay)]))
    write_document(render(comparison, form, fail_on), output, failed=COULD_NOT_READ)
    failing = ("breaking", "compatible") if fail_on == "compatible" else ("breaking",)
    if fail_on is not None and comparison.verdict in failing:
        sys.exit(1)


def _read(source: str, overlays: Sequence[Path], token: str, cacert: str) -> Contract:
    """The contract of a folder, a file, a URL or `shipped`; one that cannot be read ends the command."""
    path = Path(source)
    is_url = source.startswith(("http://", "https://"))
    if overlays and source != SHIPPED and (is_url or path.is_file()):
        raise click.UsageError(f"--overlay lies over a folder or {SHIPPED}; {source} has its overlays in it")
    try:
        if source == SHIPPED:
            return load(None, overlays)
        if is_url:
            return _fetch(source, token, relevant_cacert(source, cacert))
        return load_bundle_file(path) if path.is_file() else load(path, overlays)
    except ConfigError as error:
        fail_with_errors(error, source, COULD_NOT_READ)


def _fetch(url: str, token: str, cacert: str) -> Contract:
    """The contract of a running server; its URL may have /__admin/contract at its end."""
    base = url.partition("/__admin")[0]
    try:
        answer = Address(base, "", token, cacert).call("GET", "/export/bundle")
    except UnreachableError as error:
        fail(f"{error}; {error.hint or 'is the server up, and is the URL right?'}", COULD_NOT_READ)
    except ValueError as error:
        fail(str(error), COULD_NOT_READ)
    if answer.status >= 400:
        fail(f"{url}: {answer.problem_text}", COULD_NOT_READ)
    return load_bundle(answer.body, url)
