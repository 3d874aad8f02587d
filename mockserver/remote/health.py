"""The command `health`: whether a running server answers. Container engines run it every few seconds.

It imports no part of the server, to start fast.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import urllib.error
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final, TypeVar

import click

from mockserver.base.address import HEALTH, base_url
from mockserver.client.http_client import error_response, failure_reason, hint, opener
from mockserver.remote.remote_server import cacert_option, check_url_option, fail, relevant_cacert

_Command = TypeVar("_Command", bound=Callable[..., Any])

MAX_SECONDS: Final = 3.0
"""The longest time to wait for one answer."""

PROCESSES: Final = Path("/proc")
"""The folder in which Linux shows the processes."""

_VARIABLES: Final = {"host": "MOCKSERVER_HOST", "port": "MOCKSERVER_PORT", "tls_cert": "MOCKSERVER_TLS_CERT"}
"""The options of `serve` that say where it listens, and their environment variables."""

_LISTEN_OPTIONS: Final = click.Command(
    "serve",
    params=[click.Option([f"--{name.replace('_', '-')}"]) for name in _VARIABLES],
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    add_help_option=False,
)
"""Reads these options from the arguments of `serve`, among others."""


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A process that serves: the arguments of `serve`, its environment, its working directory."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    working_directory: Path

    def options(self) -> dict[str, str]:
        """The options that say where it listens: from the arguments, or else from the environment."""
        variables = {name: self.environment.get(variable) for name, variable in _VARIABLES.items()}
        given = _LISTEN_OPTIONS.make_context("serve", [*self.arguments]).params
        return {name: (given[name] or variables[name] or "").strip() for name in _VARIABLES}

    def certificate(self) -> str:
        """The file of its certificate; "" if it speaks http."""
        name = self.options()["tls_cert"]
        return str(self.working_directory / name) if name else ""

    def url(self) -> str:
        """The URL by which this machine reaches it."""
        options = self.options()
        port = int(options["port"]) if options["port"].isdecimal() else 8080  # as Kubernetes sets it: tcp://...
        return base_url(options["host"], port, "https" if options["tls_cert"] else "http")


def find_server(processes: Path) -> ServerProcess | None:
    """The server of this container: process 1, or its child or grandchild (below an init, a shell); None if none."""
    parents = _parents(processes)
    starters = {0, 1} | {number for number, parent in parents.items() if parent in (0, 1)}
    for number in sorted(parents):
        folder = processes / str(number)
        with contextlib.suppress(OSError):  # it has ended, or belongs to somebody else
            arguments = serve_arguments(_split(folder / "cmdline"))
            if parents[number] in starters and arguments is not None:
                return ServerProcess(arguments, _environment(folder / "environ"), folder / "cwd")
    return None


def _parents(processes: Path) -> dict[int, int]:
    """The number of each process, with that of its parent (0: outside of the container)."""
    parents = {}
    for folder in processes.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            stat = (folder / "stat").read_text("latin-1")
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    return parents


def serve_arguments(command_line: Sequence[str]) -> Sequence[str] | None:
    """The arguments of `mockserver serve`; None for another command or program."""
    names = [PurePath(part).name for part in command_line]
    if "mockserver" not in names or not names[0].startswith(("python", "mockserver")):
        return None
    arguments = command_line[names.index("mockserver") + 1 :]
    if arguments and not arguments[0].startswith("-"):
        return arguments[1:] if arguments[0] == "serve" else None
    return arguments


def _environment(file: Path) -> Mapping[str, str]:
    """The environment of a process; that of this one if it may not be read."""
    try:
        pairs = [line.partition("=") for line in _split(file)]
    except OSError:
        return os.environ
    return {name: value for name, _, value in pairs}


def _split(file: Path) -> list[str]:
    """The texts of a file of `/proc`, each of which ends with a zero byte."""
    return os.fsdecode(file.read_bytes()).split("\0")[:-1]


class NotHealthyError(Exception):
    """A server that does not answer, or not well; the message has the URL and the reason.

    `status` is that of the answer, 0 if there was none.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        """Take the message and the status."""
        super().__init__(message)
        self.status = status


def server_options(command: _Command) -> _Command:
    """Add the options that say which server is asked, as `ask_health` takes them."""
    url = click.option(
        "--url", envvar="MOCKSERVER_URL", show_envvar=True, metavar="URL", help="The same as the argument URL."
    )
    return click.argument("address", required=False, metavar="[URL]")(url(cacert_option(command)))


def ask_health(base: str | None, cacert: str, seconds: float) -> str:
    """The answer of the server at a URL, or without one of that of this container. Raises `NotHealthyError`."""
    server = None
    if base is None:
        server = find_server(PROCESSES) or ServerProcess((), os.environ, Path())
        if server.options()["port"] == "0":
            raise click.UsageError("the server took a free port (--port 0): give its URL")
        base = server.url()
    base = base.rstrip("/").removesuffix(HEALTH)
    check_url_option(base)
    certificate = server.certificate() if server is not None else ""
    trusted = certificate or relevant_cacert(base, cacert)
    try:
        with opener(trusted, pinned=bool(certificate)).open(base + HEALTH, timeout=seconds) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as error:
        answer = error_response(error)
        raise NotHealthyError(f"{base + HEALTH}: {answer.problem_text}", answer.status) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = "; ".join(filter(None, [failure_reason(error), hint(base, error)]))
        raise NotHealthyError(f"{base + HEALTH}: {reason}") from None


@click.command()
@server_options
def health(address: str | None, url: str | None, cacert: str) -> None:
    """Ask a server for its health: exit status 0 if it is well, 1 if not.

    Without a URL it is the server of this container (process 1 or started by it), however that was started; or else
    the server that MOCKSERVER_HOST, MOCKSERVER_PORT and MOCKSERVER_TLS_CERT describe.
    """
    try:
        click.echo(ask_health(address or url, cacert, MAX_SECONDS))
    except NotHealthyError as error:
        fail(str(error))
