"""The command `health`: whether a running server answers. Container engines run it every few seconds.

It imports no part of the server, to start fast.
"""

from __future__ import annotations

import http.client
import os
import urllib.error

import click

from mockserver.cli.remote import cacert_option, fail
from mockserver.client.http_client import failure_reason, opener
from mockserver.core.address import HEALTH, base_url


@click.command()
@click.argument("url", required=False)
@cacert_option
def health(url: str | None, cacert: str) -> None:
    """Ask a running server for its health: exit status 0 if it is well, 1 if not."""
    own_cert = "" if url else os.environ.get("MOCKSERVER_TLS_CERT", "")
    base = (url or _own_url("https" if own_cert else "http")).rstrip("/").removesuffix(HEALTH)
    if not base.startswith(("http://", "https://")):
        raise click.BadParameter("URL must begin with http:// or https://")
    try:
        with opener(own_cert or cacert, pinned=bool(own_cert)).open(base + HEALTH, timeout=3) as response:
            click.echo(response.read().decode())
    except (OSError, ValueError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        fail(f"{base + HEALTH}: {failure_reason(error)}")


def _own_url(scheme: str) -> str:
    """The URL of a server that was started with this environment."""
    port = os.environ.get("MOCKSERVER_PORT", "")
    return base_url(os.environ.get("MOCKSERVER_HOST", ""), int(port) if port.isdecimal() else 8080, scheme)
