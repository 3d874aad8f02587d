"""What the commands share: options with environment variables, loading a contract, notices on standard error."""

from __future__ import annotations

import io
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import click

from mockserver.base.instants import parse_clock_time
from mockserver.base.spelling import close_matches, did_you_mean
from mockserver.contract.loading import ConfigError, ContractFiles
from mockserver.core.client_advice import LANGUAGES
from mockserver.core.contract import Contract
from mockserver.remote.remote_server import fail, option_parser, parse_json, with_value
from mockserver.variation.setting import check_variation

_SERVICE_ADDRESS: Final = re.compile(r"(tcp|udp|sctp)://.*")
"""The value that Kubernetes gives the variable NAME_PORT for every service NAME."""

VARIABLE_PREFIX: Final = "MOCKSERVER_"
"""The first characters of every environment variable of an option."""

Command = TypeVar("Command", bound=Callable[..., Any])


def print_notice(text: str) -> None:
    """Print one line for people on standard error."""
    click.echo(f"mockserver: {text}", err=True)


def print_document(text: str) -> None:
    """Print a document for machines: it is UTF-8 in every locale."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    click.echo(text, nl=False)


output_option: Final = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write to this file instead of standard output.",
)


def write_document(text: str, output: Path | None, *, failed: int = 1) -> None:
    """Write a document to a file, or without one to standard output.

    Where the file cannot be written it goes to standard output, so that it is not lost, and the command ends with the
    exit status `failed`.
    """
    if output is None:
        print_document(text)
        return
    try:
        output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        print_document(text)
        print_notice(f"cannot write {output}: {error.strerror or error}")
        sys.exit(failed)


class FiniteRange(click.FloatRange):
    """A range of numbers without `nan` and `inf`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Convert a text to a number. Fails as `click.FloatRange` does."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"expected a number, got {value}", param, ctx)
        return number


class _EnvironmentOption(click.Option):
    """An option with an environment variable that Kubernetes may have set for a service of the same name."""

    def __init__(self, *names: Any, refuse_empty: bool = False, **attributes: Any) -> None:
        """refuse_empty: an empty variable is an error, as it may be a secret that is not set."""
        super().__init__(*names, **attributes)
        self.refuse_empty = refuse_empty

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """The value of the variable; None if it is not set, or set by Kubernetes."""
        if self.refuse_empty and os.environ.get(str(self.envvar)) == "":
            raise click.BadParameter(f"{self.envvar} is empty: give it a value, or unset it", ctx, self)
        value = super().resolve_envvar_value(ctx)
        if value is not None and _SERVICE_ADDRESS.fullmatch(value):
            print_notice(f"ignored {self.envvar}={value}: set by Kubernetes for a service, not a value of this option")
            return None
        return value


def environment_option(name: str, **attributes: Any) -> Callable[[Command], Command]:
    """A click option that the environment variable `MOCKSERVER_NAME` sets too."""
    variable = VARIABLE_PREFIX + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, cls=_EnvironmentOption, envvar=variable, show_envvar=True, **attributes)


language_option = environment_option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="The language of an HTML page.",
)


def warn_of_unknown_variables() -> None:
    """Print a notice for each variable of our prefix that no option reads."""
    context = click.get_current_context()
    variables = [name for name in sorted(os.environ) if name.startswith(VARIABLE_PREFIX)]
    if not variables:
        return
    root = context.find_root()
    group = root.command
    commands = [group.get_command(root, n) for n in group.list_commands(root)] if isinstance(group, click.Group) else []
    params = [param for command in commands if command is not None for param in command.params]
    known = {str(param.envvar).removeprefix(VARIABLE_PREFIX) for param in params if param.envvar}
    for variable in variables:
        name = variable.removeprefix(VARIABLE_PREFIX)
        if name not in known and not re.search(r"(^|_)(SERVICE|PORT)_", name):
            hint = did_you_mean([VARIABLE_PREFIX + near for near in close_matches(name, known)[:1]])
            print_notice(", ".join(filter(None, [f"unknown environment variable {variable}", hint])))


def check_each(
    check: Callable[[str], None],
) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], tuple[str, ...]]:
    """Make the callback of a repeatable option that checks each of its values."""

    def callback(_ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
        for value in values:
            try:
                check(value)
            except ValueError as error:
                hint = f"; {param.envvar} takes several separated by blanks" if "," in value else ""
                raise click.BadParameter(f"{error}{hint}") from None
        return values

    return callback


def _variation(text: str) -> str:
    check_variation(text)
    return text


parse_clock: Final = option_parser(parse_clock_time)
"""Reads the RFC 3339 instant at which a clock is frozen."""

parse_vary: Final = option_parser(_variation)
"""Checks the seed and the kinds of a variation."""

FOLDER: Final = click.Path(path_type=Path, readable=False)  # the code that reads it reports why it cannot be read
FILE: Final = FOLDER


contract_option: Final = environment_option(
    "--contract", type=FOLDER, metavar="DIR", help="Use the contract in this folder instead of the shipped one."
)


def contract_options(command: Command) -> Command:
    """Add `--overlay` and `--mounts`, the folders that are loaded beside the contract."""
    mounts = environment_option(
        "--mounts",
        type=FOLDER,
        help="Use DIR/contract as the contract and DIR/overlay as an overlay, if they exist (for images).",
        metavar="DIR",
    )
    overlay = environment_option(
        "--overlay", type=FOLDER, multiple=True, metavar="DIR", help="Lay this folder over the contract; repeatable."
    )
    return overlay(mounts(command))


def contract_files(contract: Path | None, overlay: Sequence[Path], mounts: Path | None) -> ContractFiles:
    """The files of the contract that the options name."""
    folders = [*overlay]
    if mounts is not None:
        mounted = {name: mounts / name for name in ("contract", "overlay") if _exists(mounts / name)}
        if "contract" in mounted and contract is None:
            contract = mounted["contract"]
            print_notice(f"using the contract in {contract}")
        if "overlay" in mounted:
            folders.insert(0, mounted["overlay"])
            print_notice(f"using the overlay in {mounted['overlay']}")
    return ContractFiles(contract, tuple(folders))


def _exists(folder: Path) -> bool:
    """Whether there is such a folder; an unreadable one counts, so that loading it reports why."""
    try:
        return folder.is_dir()
    except OSError:
        return True


def with_contract(command: Command, *, failed: int = 1) -> Command:
    """Add the options of the contract; the command gets it as `contract`. Errors in it end with the status `failed`."""

    def load(contract: Path | None, overlay: Sequence[Path], mounts: Path | None) -> Contract:
        return load_files(contract_files(contract, overlay, mounts), failed)

    return with_value(command, "contract", load, (contract_option, contract_options))


def load_files(files: ContractFiles, failed: int = 1) -> Contract:
    """Load a contract; errors are printed and end the command with the exit status `failed`."""
    try:
        return files.load()
    except ConfigError as error:
        fail_with_errors(error, "the contract", failed)


def fail_with_errors(error: ConfigError, place: str, status: int) -> NoReturn:
    """Print the errors in a file or folder on standard error, and end with this exit status."""
    click.echo(str(error), err=True)
    fail(f"{count(len(error.diagnostics), 'error')} in {place}", status)


def read_input(file: str) -> bytes:
    """The bytes of a file; `-` is standard input. Raises `click.BadParameter`."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}") from None


def read_json_input(file: str) -> Any:
    """The JSON value in a file; `-` is standard input. Raises `click.BadParameter`."""
    try:
        return parse_json(read_input(file))
    except ValueError as error:
        raise click.BadParameter(f"{file}: {error}") from None


def count(number: int, noun: str) -> str:
    """A number with its noun: `1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
