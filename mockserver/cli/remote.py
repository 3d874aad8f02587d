"""What commands that talk to a running server share: its address, one request, one way to say what went wrong.

Knows the command line; it knows no command.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn, TypeVar

import click

from mockserver.client.http_client import Address, Answer, UnreachableError

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Remote(Address):
    """A running server as a command speaks to it: what goes wrong ends the command."""

    __slots__ = ()

    def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, raw: bytes | None = None
    ) -> Answer:
        """One admin request, as `Address` makes it."""
        if not self.url.startswith(("http://", "https://")):
            raise click.BadParameter("--url must begin with http:// or https://")
        try:
            return super().call(method, path, body, query, raw)
        except UnreachableError as error:
            fail(f"{error}; {error.hint or 'is the server up, and is --url right?'}")
        except ValueError as error:
            fail(str(error))

    def expect(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, raw: bytes | None = None
    ) -> Any:
        """The body of an answer that is no problem; a problem ends the command with its words."""
        answer = self.call(method, path, body, query, raw)
        if answer.status >= 400:
            fail(answer.problem)
        return answer.body


def fail(text: str) -> NoReturn:
    """Say what went wrong in one line, and end with exit status 1."""
    click.echo(f"mockserver: {text}", err=True)
    sys.exit(1)


def parsed_json(text: str | bytes) -> Any:
    """A JSON value that was given. Raises `ValueError`."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def json_object(_: click.Context, __: click.Parameter, text: str | None) -> Any:
    """The value of an option that takes a JSON object."""
    try:
        value = None if text is None else parsed_json(text)
    except ValueError as error:
        raise click.BadParameter(f"expected a JSON object, got what is no JSON: {error}") from None
    if value is not None and not isinstance(value, dict):
        raise click.BadParameter(f"expected a JSON object, got {text}")
    return value


cacert_option: Final = click.option(
    "--cacert",
    envvar="MOCKSERVER_CACERT",
    show_envvar=True,
    default="",
    metavar="FILE",
    help="Trust the certificates in this file, if the server speaks https [default: those of the system].",
)


def remote_options(command: _Command) -> _Command:
    """`--url`, `--sandbox`, `--admin-token` and `--cacert`; the command is handed a `Remote` as `remote`."""

    def wrapped(url: str, sandbox: str, admin_token: str, cacert: str, **more: Any) -> Any:
        return command(remote=Remote(url, sandbox, admin_token, cacert), **more)

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in (
        cacert_option,
        click.option(
            "--admin-token",
            envvar="MOCKSERVER_ADMIN_TOKEN",
            show_envvar=True,
            default="",
            help="The token of the admin API.",
        ),
        click.option(
            "--sandbox",
            envvar="MOCKSERVER_SANDBOX",
            show_envvar=True,
            default="",
            metavar="NAME",
            help="The sandbox [default: the one without a name].",
        ),
        click.option(
            "--url",
            envvar="MOCKSERVER_URL",
            show_envvar=True,
            default="http://127.0.0.1:8080",
            show_default=True,
            help="The server.",
        ),
    ):
        option(wrapped)
    return wrapped  # type: ignore[return-value]
