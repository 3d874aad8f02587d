"""The command line: the group of all commands. A new command is a module of its own and a line below.

Knows click and the names of the commands; what they do is theirs.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from mockserver.core.spelling import close_matches, did_you_mean_sentence
from mockserver.version import __version__

SERVE: Final = "serve"


def _serve() -> click.Command:
    from mockserver.cli import serve as cli_serve

    return cli_serve.serve


def _health() -> click.Command:
    from mockserver.cli import health as cli_health

    return cli_health.health


ALONE: Final = {SERVE: _serve, "health": _health}
"""Commands that wait for no other: what is run most, and by machines."""


def _others() -> tuple[click.Command, ...]:
    """All other commands."""
    from mockserver.cli import arming as cli_arming
    from mockserver.cli import contract as cli_contract
    from mockserver.cli import coverage as cli_coverage
    from mockserver.cli import export as cli_export
    from mockserver.cli import journal as cli_journal
    from mockserver.cli import new as cli_new
    from mockserver.cli import state as cli_state

    return (
        cli_contract.check,
        cli_contract.scenarios,
        cli_contract.explain,
        cli_state.reset,
        cli_state.state,
        cli_export.export,
        cli_new.new,
        cli_arming.arm,
        cli_arming.armed,
        cli_journal.requests,
        cli_journal.verify,
        cli_journal.replay,
        cli_coverage.coverage,
    )


class _DefaultServe(click.Group):
    """A group for which no command means `serve`. A command is imported when it is asked for."""

    def main(self, *args: Any, **more: Any) -> Any:
        """Run, and tell in one line where what is printed cannot be written (a full disk)."""
        try:
            try:
                return super().main(*args, **more)
            finally:
                sys.stdout.flush()
        except OSError as error:
            click.echo(f"mockserver: cannot write what was asked for: {error.strerror or error}", err=True)
            with Path(os.devnull).open("w") as nowhere:  # or the interpreter tries once more as it ends
                os.dup2(nowhere.fileno(), sys.stdout.fileno())
            sys.exit(1)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name."""
        if cmd_name not in ALONE:
            self._load()
        elif cmd_name not in self.commands:
            self.add_command(ALONE[cmd_name]())
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all."""
        self._load()
        return super().list_commands(ctx)

    def _load(self) -> None:
        for command in (*(load() for load in ALONE.values()), *_others()):
            self.add_command(command)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help", "--version")):
            args = [SERVE, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None:
            meant = did_you_mean_sentence(close_matches(args[0], self.list_commands(ctx))[:1])
            ctx.fail(f"No such command {args[0]!r}.{meant}")
        return super().resolve_command(ctx, args)


@click.group(cls=_DefaultServe, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mockserver")
def main() -> None:
    """A contract mock server. Without a command it serves: `mockserver` is `mockserver serve`."""
    for stream in (sys.stdout, sys.stderr):  # a text that a terminal cannot show is no reason to fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
