"""The command `export`: the contract in the formats of other tools."""

from __future__ import annotations

from pathlib import Path

import click

from mockserver.base.address import DEFAULT_URL
from mockserver.core.contract import Contract
from mockserver.export.formats import MEDIA_TYPES, render
from mockserver.remote.options import output_option, with_contract, write_document


@click.command()
@click.argument("kind", type=click.Choice([*MEDIA_TYPES]))
@output_option
@click.option(
    "--base-url",
    default=DEFAULT_URL,
    show_default=True,
    metavar="URL",
    help="The URL of the mock that is written into the export.",
)
@click.option(
    "--no-mock-parameters", is_flag=True, help="Leave out the Mock-* request headers (openapi), as for a fuzzer."
)
@with_contract
def export(contract: Contract, kind: str, output: Path | None, base_url: str, *, no_mock_parameters: bool) -> None:
    """Print the contract, with an example of every outcome, in the format of another tool."""
    if no_mock_parameters and kind != "openapi":
        raise click.UsageError(f"--no-mock-parameters goes with openapi, got {kind}")
    text = render(kind, contract, contract.settings, base_url, mock_parameters=not no_mock_parameters)
    write_document(text, output)
