"""The command that starts a contract of one's own from the files in starter/.

Knows the command line and where those files are; what they teach stands in them.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

import click

from mockserver.cli.options import FOLDER
from mockserver.cli.remote import fail
from mockserver.contract.loading import CONTRACT_FORMAT, SCENARIOS_FORMAT, shipped_folder

_STARTER: Final = Path(__file__).parent / "starter"


def _files() -> dict[Path, bytes]:
    """What a new folder gets: the starter, and the formats of its files, for editors."""
    found = {file.relative_to(_STARTER): file.read_bytes() for file in sorted(_STARTER.rglob("*.*"))}
    formats = (Path("schemas", name) for name in (CONTRACT_FORMAT, SCENARIOS_FORMAT))
    return found | {name: (shipped_folder() / name).read_bytes() for name in formats}


@click.command()
@click.argument("folder", type=FOLDER, metavar="DIR")
def new(folder: Path) -> None:
    """Start a contract of your own in a folder that is new or empty."""
    try:
        there = [file.name for file in folder.iterdir() if not file.name.startswith(".")] if folder.exists() else []
        if there:
            fail(f"{folder} is not empty: it has {min(there)}; name a folder that is new or empty")
        for name, content in _files().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
            click.echo(f"wrote {folder / name}")
    except OSError as error:
        fail(f"cannot write {error.filename or folder}: {error.strerror or error}")
    shown = shlex.quote(str(folder))
    click.echo("")
    click.echo("next:")
    click.echo(f"  mockserver check {shown}       run its examples")
    click.echo(f"  mockserver --contract {shown}  serve it; what is printed has a request to try")
    click.echo(f"  edit {folder / 'scenarios'}: each line says what it is for, and editors complete by the schemas")
