"""The command that asks a running server whether it is well, as whoever runs a container does each few seconds.

Knows the command line and how a server is asked; it imports no server, as its own start is all that it costs.
"""

from __future__ import annotations

import http.client
import os
import urllib.error

import click

from mockserver.cli.remote import cacert_option, fail
from mockserver.client.http_client import opener, reason
from mockserver.core.address import HEALTH, base_url


@click.command()
@click.argument("url", required=False)
@cacert_option
def health(url: str | None, cacert: str) -> None:
    """Ask a running server for its health: exit status 0 if it is well, 1 if not."""
    own = "" if url else os.environ.get("MOCKSERVER_TLS_CERT", "")
    base = (url or _own_url("https" if own else "http")).rstrip("/").removesuffix(HEALTH)
    if not base.startswith(("http://", "https://")):
        raise click.BadParameter("URL must begin with http:// or https://")
    try:
        with opener(own or cacert, own=bool(own)).open(base + HEALTH, timeout=3) as response:
            click.echo(response.read().decode())
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        fail(f"{base + HEALTH}: {reason(error)}")


def _own_url(scheme: str) -> str:
    """Where a server with this environment listens."""
    port = os.environ.get("MOCKSERVER_PORT", "")
    return base_url(os.environ.get("MOCKSERVER_HOST", ""), int(port) if port.isdecimal() else 8080, scheme)
