"""Another command beside a mock: its process group, its signals, its exit status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

import click


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end and give its exit status, 128 + N if signal N ended it.

    SIGTERM and SIGINT go to all its processes. In a terminal it stays in our process group, to be able to read from
    it; the terminal sends Ctrl-C to that group. Raises `click.BadParameter` if the command cannot start.
    """
    is_apart = os.name == "posix" and not sys.stdin.isatty()
    started: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        if started is None:
            early.append(number)
            return
        with suppress(ProcessLookupError):  # it has ended
            if is_apart:
                os.killpg(started.pid, number)
            elif number != signal.SIGINT:
                started.send_signal(number)

    # Before the start: a signal that ended us in between would leave the command alone.
    handlers = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        started = subprocess.Popen(command, env=environment, process_group=0 if is_apart else None)  # noqa: S603 - the caller's own command
        for number in early:
            pass_on(number, None)
        with started:
            status = started.wait()
    except OSError as error:
        raise click.BadParameter(f"{command[0]}: {error.strerror or error}") from None
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status
