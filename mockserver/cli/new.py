"""The command `new`: a small contract to start from, copied from the folder `starter/`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

import click

from mockserver.contract.folders import CONTRACT_SCHEMA_FILE, SCENARIOS_SCHEMA_FILE
from mockserver.contract.loading import shipped_folder
from mockserver.remote.options import FOLDER
from mockserver.remote.remote_server import fail

_STARTER: Final = Path(__file__).parent / "starter"


def _starter_files() -> dict[Path, bytes]:
    """The files of a new contract by relative path: the starter, and the schemas with which editors check it."""
    files = {file.relative_to(_STARTER): file.read_bytes() for file in sorted(_STARTER.rglob("*.*"))}
    formats = (Path("schemas", name) for name in (CONTRACT_SCHEMA_FILE, SCENARIOS_SCHEMA_FILE))
    return files | {name: (shipped_folder() / name).read_bytes() for name in formats}


@click.command()
@click.argument("folder", type=FOLDER, metavar="DIR")
def new(folder: Path) -> None:
    """Start a contract of your own in DIR, a new or empty folder."""
    try:
        existing = [file.name for file in folder.iterdir() if not file.name.startswith(".")] if folder.exists() else []
        if existing:
            fail(f"{folder} is not empty: it has {min(existing)}; name a folder that is new or empty")
        files = _starter_files()
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    except OSError as error:
        fail(f"cannot write {error.filename or folder}: {error.strerror or error}")
    for name in files:
        click.echo(f"wrote {folder / name}")
    quoted = shlex.quote(str(folder))
    click.echo("")
    click.echo("next:")
    click.echo(f"  mockserver check {quoted}       run its examples")
    click.echo(f"  mockserver --contract {quoted}  serve it; the output has a request to try")
    click.echo(f"  edit {folder / 'scenarios'}: comments explain each line, and editors complete by the schemas")
