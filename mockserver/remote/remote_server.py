"""What the commands share that talk to a running server: its options, one request, and errors in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Any, Final, NoReturn, TypeVar, cast

import click
from click.core import ParameterSource

from mockserver.base.address import DEFAULT_URL
from mockserver.base.values import MAX_FILE_DEPTH, decode_json
from mockserver.client.http_client import Address, Response, UnreachableError, check_url, opener
from mockserver.client.trust import TlsError
from mockserver.core.codes import scenario_name

_Command = TypeVar("_Command", bound=Callable[..., Any])


class RemoteServer(Address):
    """A running server; a request that gets no answer ends the command."""

    __slots__ = ()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        media_type: str = "application/json",
    ) -> Response:
        """Send one admin request, as `Address.call` does; no answer ends the command."""
        check_url_option(self.url)
        try:
            return super().call(method, path, body, query, media_type)
        except UnreachableError as error:
            fail(f"{error}; {error.hint or 'is the server up, and is --url right?'}")
        except ValueError as error:
            fail(str(error))

    def call_or_fail(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Any:
        """Send one admin request and return the body of the answer; a problem document ends the command."""
        answer = self.call(method, path, body, query)
        if answer.status >= 400:
            fail(answer.problem_text)
        return answer.body


def check_url_option(url: str) -> None:
    """Check the URL of a server on the command line. Raises `click.BadParameter`."""
    try:
        check_url(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def fail(text: str, status: int = 1) -> NoReturn:
    """Print one line on standard error and end with this exit status."""
    click.echo(f"mockserver: {text}", err=True)
    sys.exit(status)


def parse_json(text: str | bytes) -> Any:
    """Read a JSON value. Raises `ValueError`, whose message says what is wrong with the text, and where."""
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return decode_json(data, MAX_FILE_DEPTH)


def option_parser(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """Make the callback of an option whose text `parse` reads; its `ValueError` says what is wrong with the text."""

    def callback(_ctx: click.Context, _param: click.Parameter, text: str | None) -> Any:
        try:
            return None if text is None else parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return callback


def _json_object(text: str) -> Any:
    value = parse_json(text)
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {text}")
    return value


parse_json_object: Final = option_parser(_json_object)
"""Reads the value of an option that takes a JSON object."""

parse_scenario: Final = option_parser(scenario_name)
"""Reads the name of a scenario: its id, or its code."""


def require_utf8(values: Mapping[str, Any]) -> None:
    """Check that texts of the command line are UTF-8, as those of a request are; another one ends the command."""
    for name, value in values.items():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
                fail(f"expected UTF-8 text for {name.replace('_', '-')}, got other bytes")


cacert_option: Final = click.option(
    "--cacert",
    envvar="MOCKSERVER_CACERT",
    show_envvar=True,
    default="",
    metavar="FILE",
    help="Trust the certificates in this PEM file, for https [default: those of the system].",
)


def relevant_cacert(url: str, cacert: str) -> str:
    """The file of `--cacert`; empty if it comes from the environment and the URL is not https.

    Raises `click.BadParameter` if the file cannot be used.
    """
    source = click.get_current_context().get_parameter_source("cacert")
    if source is ParameterSource.ENVIRONMENT and not url.startswith("https:"):
        return ""
    try:
        opener(cacert)
    except TlsError as error:
        raise click.BadParameter(str(error), param_hint="'--cacert'") from None
    return cacert


def with_value(
    command: _Command, name: str, make: Callable[..., Any], options: Sequence[Callable[..., Any]]
) -> _Command:
    """Add options to a command, which gets what `make` makes of them under one name."""
    parameters = signature(make).parameters

    @wraps(command)
    def wrapped(**given: Any) -> Any:
        value = make(**{one: given.pop(one) for one in parameters})
        return command(**{name: value}, **given)

    for option in reversed(options):
        option(wrapped)
    return cast(_Command, wrapped)


def remote_options(
    command: _Command, *, sandbox_help: str = "The sandbox [default: the one without a name]."
) -> _Command:
    """Add `--url`, `--sandbox`, `--admin-token` and `--cacert`; the command gets a `RemoteServer` as `remote`."""
    options = (
        click.option(
            "--url",
            envvar="MOCKSERVER_URL",
            show_envvar=True,
            default=DEFAULT_URL,
            show_default=True,
            metavar="URL",
            help="The URL of the server.",
        ),
        click.option(
            "--sandbox",
            envvar="MOCKSERVER_SANDBOX",
            show_envvar=True,
            default="",
            metavar="NAME",
            help=sandbox_help,
        ),
        click.option(
            "--admin-token",
            envvar="MOCKSERVER_ADMIN_TOKEN",
            show_envvar=True,
            default="",
            metavar="TOKEN",
            help="The token of the admin API.",
        ),
        cacert_option,
    )
    return with_value(command, "remote", remote_server, options)


def remote_server(url: str, sandbox: str, admin_token: str, cacert: str) -> RemoteServer:
    """The server that the options of a command name; texts of the command line that are no UTF-8 end the command."""
    require_utf8(click.get_current_context().params)
    return RemoteServer(url, sandbox, admin_token, relevant_cacert(url, cacert))


sandbox_prefix_option: Final = click.option(
    "--sandbox-prefix", metavar="TEXT", help="The requests of sandboxes whose names begin with this."
)


def scope_query(*, all_: bool, sandbox_prefix: str | None) -> dict[str, str]:
    """The query parameters of the admin API for `--all` and `--sandbox-prefix`."""
    prefix = {} if sandbox_prefix is None else {"sandbox_prefix": sandbox_prefix}
    return {**prefix, "all": "true"} if all_ else prefix


def notice_of_no_requests(remote: RemoteServer, scope: Mapping[str, str]) -> None:
    """Print on standard error that the journal has no request of these sandboxes, and whether others have."""
    where = f"sandbox {remote.sandbox}" if remote.sandbox else "the default sandbox"
    where = f"sandboxes {scope['sandbox_prefix']}..." if "sandbox_prefix" in scope else where
    where = "any sandbox" if "all" in scope else where
    others = "; other sandboxes have some (--all)" if has_requests(remote, {"all": "true"}) else ""
    click.echo(f"mockserver: no requests in {where}{others}", err=True)


def has_requests(remote: RemoteServer, scope: Mapping[str, str]) -> bool:
    """Whether the journal has a request of these sandboxes."""
    return bool(remote.call_or_fail("GET", "/requests", query={**scope, "limit": "1"})["requests"])
