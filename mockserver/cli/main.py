"""The command line: the group of all commands.

A new command is a function of this package or of `remote`, with an import and an item in `_other_commands`.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from mockserver.base.spelling import close_matches, did_you_mean_sentence
from mockserver.version import __version__

DEFAULT_COMMAND: Final = "serve"


def _serve() -> click.Command:
    from mockserver.cli import serve as cli_serve

    return cli_serve.serve


def _health() -> click.Command:
    from mockserver.remote import health as cli_health

    return cli_health.health


FAST_COMMANDS: Final = {DEFAULT_COMMAND: _serve, "health": _health}
"""Commands that are imported without the others, because machines run them often."""


def _other_commands() -> tuple[click.Command, ...]:
    from mockserver.cli import contract as cli_contract
    from mockserver.cli import diff as cli_diff
    from mockserver.cli import export as cli_export
    from mockserver.cli import mcp as cli_mcp
    from mockserver.cli import new as cli_new
    from mockserver.cli import record as cli_record
    from mockserver.cli import serve as cli_serve
    from mockserver.cli import verify_provider as cli_verify_provider
    from mockserver.remote import arming as cli_arming
    from mockserver.remote import coverage as cli_coverage
    from mockserver.remote import journal as cli_journal
    from mockserver.remote import recordings as cli_recordings
    from mockserver.remote import requests as cli_requests
    from mockserver.remote import state as cli_state
    from mockserver.remote import wait as cli_wait

    return (
        cli_contract.check,
        cli_contract.scenarios,
        cli_contract.explain,
        cli_state.reset,
        cli_state.state,
        cli_export.export,
        cli_diff.diff,
        cli_verify_provider.verify_provider,
        cli_record.record,
        cli_new.new,
        cli_arming.arm,
        cli_arming.armed,
        cli_requests.requests,
        cli_recordings.recordings,
        cli_journal.verify,
        cli_journal.replay,
        cli_coverage.coverage,
        cli_wait.wait,
        cli_serve.run,
        cli_mcp.mcp,
    )


class _CommandGroup(click.Group):
    """The group of all commands: each is imported on first use, and `serve` is the default."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command; output that cannot be written, as on a full disk, is one line."""
        _open_closed_streams()
        try:
            try:
                return super().main(*args, **options)
            finally:
                sys.stdout.flush()
        except OSError as error:
            click.echo(f"mockserver: cannot write the output: {error.strerror or error}", err=True)
            with Path(os.devnull).open("w") as null:  # or the interpreter tries once more at its end
                os.dup2(null.fileno(), sys.stdout.fileno())
            sys.exit(1)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name."""
        if cmd_name not in FAST_COMMANDS:
            self._import_all()
        elif cmd_name not in self.commands:
            self.add_command(FAST_COMMANDS[cmd_name]())
        return super().get_command(ctx, cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        self._import_all()
        return super().list_commands(ctx)

    def _import_all(self) -> None:
        for command in (*(load() for load in FAST_COMMANDS.values()), *_other_commands()):
            self.add_command(command)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help", "--version")):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None:
            hint = did_you_mean_sentence(close_matches(args[0], self.list_commands(ctx))[:1])
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


def _open_closed_streams() -> None:
    """Read and write nothing where a standard stream is closed (`>&-`), so that no other file gets its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


@click.group(cls=_CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mockserver")
def main() -> None:
    """A contract mock server. Without a command it serves: `mockserver` means `mockserver serve`."""
    for stream in (sys.stdout, sys.stderr):  # show what a terminal cannot display as escapes, instead of failing
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
