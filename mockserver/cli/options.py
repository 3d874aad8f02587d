"""What the commands share: options that the environment can set too, the contract that they name, notes for people.

Knows the command line and how a contract is loaded; it knows no command.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from mockserver.contract.loading import ConfigError, ContractFiles
from mockserver.core.contract import Contract

_LINK: Final = re.compile(r"(tcp|udp|sctp)://.*")
"""What Kubernetes puts into NAME_PORT for every service called NAME."""

PREFIX: Final = "MOCKSERVER_"
"""What the environment variables of all options begin with."""

Command = TypeVar("Command", bound=Callable[..., Any])


def note(text: str) -> None:
    """A line for people, on standard error."""
    click.echo(f"mockserver: {text}", err=True)


class _Option(click.Option):
    """An option whose environment variable may have been set by Kubernetes for a service of that name."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """What the environment has for the option, if a person has put it there."""
        value = super().resolve_envvar_value(ctx)
        if value is not None and _LINK.fullmatch(value):
            note(f"ignored {self.envvar}={value}: set by Kubernetes for a service, no value of this option")
            return None
        return value


def option(name: str, **more: Any) -> Callable[[Command], Command]:
    """A click option that `MOCKSERVER_…` in the environment sets too."""
    environment = PREFIX + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, cls=_Option, envvar=environment, show_envvar=True, **more)


FOLDER: Final = click.Path(path_type=Path, readable=False)  # who reads it tells why it cannot be read
FILE: Final = FOLDER


def contract_options(command: Command) -> Command:
    """`--overlay` and `--mounts`, which say what is loaded beside the contract's own folder."""
    mounts = option(
        "--mounts",
        type=FOLDER,
        help="Take up DIR/contract as --contract and DIR/overlay as --overlay where they are there (for images).",
        metavar="DIR",
    )
    overlay = option(
        "--overlay", type=FOLDER, multiple=True, metavar="DIR", help="Lay this folder over the contract; repeatable."
    )
    return overlay(mounts(command))


def files(contract: Path | None, overlays: Sequence[Path], mounts: Path | None) -> ContractFiles:
    """Where the contract is loaded from."""
    found = [*overlays]
    if mounts is not None:
        mounted = {name: mounts / name for name in ("contract", "overlay") if _is_there(mounts / name)}
        if "contract" in mounted and contract is None:
            contract = mounted["contract"]
            note(f"took up the contract in {contract}")
        if "overlay" in mounted:
            found.insert(0, mounted["overlay"])
            note(f"took up the overlay in {mounted['overlay']}")
    return ContractFiles(contract, tuple(found))


def _is_there(folder: Path) -> bool:
    """Whether it is a folder; what may not be looked at counts, so that its reader tells why."""
    try:
        return folder.is_dir()
    except OSError:
        return True


def loaded(contract: Path | None, overlays: Sequence[Path], mounts: Path | None) -> Contract:
    """The contract, or a report and exit status 1."""
    return loaded_from(files(contract, overlays, mounts))


def loaded_from(where: ContractFiles) -> Contract:
    """The contract of files, or a report and exit status 1."""
    try:
        return where.load()
    except ConfigError as error:
        click.echo(str(error), err=True)
        note(f"{len(error.diagnostics)} wrong; nothing was started")
        sys.exit(1)
