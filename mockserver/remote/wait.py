"""The command `wait`: until a server is up, for pipelines without health checks."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Final

import click

from mockserver.core.directives import DirectiveError, parse_time_span
from mockserver.remote.health import MAX_SECONDS, NotHealthyError, ask_health, server_options
from mockserver.remote.remote_server import fail

PAUSE_SECONDS: Final = 0.1
"""The time between two attempts."""


def _parse_timeout(_ctx: click.Context, _param: click.Parameter, text: str) -> float:
    try:
        seconds = parse_time_span(text) / 10**9
    except DirectiveError:
        seconds = 0.0
    if seconds <= 0:
        raise click.BadParameter(f"expected a time such as 30s, 1500ms or 2m, got {text!r}")
    return seconds


@click.command()
@server_options
@click.option(
    "--timeout",
    default="30s",
    show_default=True,
    callback=_parse_timeout,
    metavar="DURATION",
    help="How long to wait, for example 30s, 1500ms or 2m.",
)
def wait(address: str | None, url: str | None, cacert: str, timeout: float) -> None:
    """Wait until a server is up: exit status 0 once it is, 1 if it is not in time.

    The server is found as `health` finds it. One that refuses the URL (403) does so at once.
    """
    end = time.monotonic() + timeout
    while True:
        left = end - time.monotonic()
        try:
            ask_health(address or url, cacert, max(PAUSE_SECONDS, min(MAX_SECONDS, left)))
        except NotHealthyError as error:
            if error.status == HTTPStatus.FORBIDDEN:  # it is up, and no waiting changes its mind
                fail(str(error))
            if left <= PAUSE_SECONDS:
                fail(f"not up within {timeout:g} s: {error}")
            time.sleep(PAUSE_SECONDS)
        else:
            click.echo("up")
            return
