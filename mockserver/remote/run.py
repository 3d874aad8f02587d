"""The command `run`: another command beside a mock of its own, for pipelines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from mockserver.remote.options import FOLDER, contract_options, environment_option, load_contract
from mockserver.testing.running import running


@click.command(context_settings={"allow_interspersed_args": False})
@environment_option(
    "--contract", type=FOLDER, metavar="DIR", help="Serve the contract in this folder instead of the shipped one."
)
@contract_options
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND [ARGUMENT]...")
def run(contract: Path | None, overlay: tuple[Path, ...], mounts: Path | None, command: tuple[str, ...]) -> None:
    """Run a command beside a mock of its own: start the mock on a free port, run the command, stop the mock.

    The command finds the URL in MOCKSERVER_URL, as the commands of mockserver do that it runs. Its exit status is
    passed on, 128 + N if signal N ended it.
    """
    with running(load_contract(contract, overlay, mounts)) as mock:
        status = _run_command(command, {**os.environ, "MOCKSERVER_URL": mock.url})
    sys.exit(status)


def _run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end and give its exit status. Raises `click.BadParameter` if it cannot start."""
    try:
        started = subprocess.Popen(command, env=environment)  # noqa: S603 - the caller's own command
    except OSError as error:
        raise click.BadParameter(f"{command[0]}: {error.strerror or error}") from None
    with started:
        handlers = {
            signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),  # a terminal sends Ctrl-C to both
            signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: started.terminate()),
        }
        try:
            status = started.wait()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    return status if status >= 0 else 128 - status
