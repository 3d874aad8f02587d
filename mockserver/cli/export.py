"""The command that writes a contract in the formats of other tools.

Knows the command line and which exports there are; what stands in them is theirs.
"""

from __future__ import annotations

from pathlib import Path

import click

from mockserver.cli.options import FOLDER, contract_options, loaded, option
from mockserver.cli.remote import fail
from mockserver.export.formats import EXPORTS


@click.command()
@click.argument("kind", type=click.Choice([*EXPORTS]))
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write this file instead of standard output.",
)
@click.option(
    "--base-url", default="http://127.0.0.1:8080", show_default=True, metavar="URL", help="Where the mock is served."
)
@option("--contract", type=FOLDER, metavar="DIR", help="A contract of your own instead of the shipped one.")
@contract_options
def export(
    kind: str,
    output: Path | None,
    base_url: str,
    contract: Path | None,
    overlay: tuple[Path, ...],
    mounts: Path | None,
) -> None:
    """Write the contract, with an example of every outcome, for other tools."""
    served = loaded(contract, overlay, mounts)
    text = EXPORTS[kind][0](served, served.settings, base_url)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"cannot write {output}: {error.strerror or error}")
