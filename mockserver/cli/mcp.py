"""The command `mcp`: the tools of agents on standard input and output, or over HTTP."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from typing import Any

import click

from mockserver.client.mock import Mock
from mockserver.decision.sandbox_names import sandbox_name_fault
from mockserver.remote.options import print_notice
from mockserver.remote.remote_server import RemoteServer, fail, remote_options
from mockserver.server.server import open_sockets

HOST = "127.0.0.1"
"""Only programs of this machine can use the tools."""


@click.command()
@click.option(
    "--http",
    "port",
    type=click.IntRange(1, 65_535),
    metavar="PORT",
    help=f"Serve streamable HTTP at http://{HOST}:PORT/mcp instead of standard input and output.",
)
@partial(remote_options, sandbox_help="The sandbox in which the agent works. Its name has to be given.")
def mcp(remote: RemoteServer, *, port: int | None) -> None:
    """Serve tools for coding agents by the Model Context Protocol, within one named sandbox of a running server.

    It needs the package mcp 2.3 or later: install the mock with its extra [mcp].
    """
    if not remote.sandbox:
        raise click.UsageError("an agent works in a named sandbox: give --sandbox NAME")
    if fault := sandbox_name_fault(remote.sandbox):
        raise click.BadParameter(fault, param_hint="'--sandbox'")
    try:
        from mockserver.agents.mcp_server import mcp_server
    except ImportError as error:  # it is missing, or older than the names that are used
        if not (error.name or "").startswith("mcp"):
            raise
        fail("mcp needs the package mcp 2.3 or later: install the mock with its extra [mcp]")
    try:
        server = mcp_server(Mock(remote.url, remote.sandbox, remote.token, remote.cacert))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    with suppress(KeyboardInterrupt):
        if port is None:
            _serve_streams(server)
        else:
            _require_free(port)
            print_notice(f"tools at http://{HOST}:{port}/mcp; Ctrl-C ends it")
            server.run("streamable-http", host=HOST, port=port)


def _serve_streams(server: Any) -> None:
    try:
        server.run()
    except ExceptionGroup as group:
        failed, others = group.split(OSError)
        if failed is None or others is not None:
            raise
        fail("cannot write to standard output: has the agent ended?")


def _require_free(port: int) -> None:
    """Check that a server can listen on the port; the package reports that later, and in words of its own."""
    try:
        for one in open_sockets(HOST, port):
            one.close()
    except OSError as error:
        fail(f"cannot listen on {HOST}:{port}: {os.strerror(error.errno) if error.errno else error}")
