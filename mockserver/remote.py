"""What commands that talk to a running server share: its address, one request, one way to say what went wrong.

Knows HTTP and the command line; it knows no command.
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, urlencode

import click

from mockserver.values import printable

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, and the body as JSON or, where it is none, as text."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Remote:
    """A running server, and the sandbox in it (`""` for the default one) that is spoken of."""

    url: str
    sandbox: str = ""
    token: str = ""

    def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, raw: bytes | None = None
    ) -> Answer:
        """One admin request below `/__admin`; `body` is sent as JSON, `raw` as it is. Ends the command if it fails."""
        prefix = f"/sandbox/{quote(self.sandbox, safe='')}" if self.sandbox else ""
        target = f"{self.url.rstrip('/')}{prefix}/__admin{path}" + (f"?{urlencode(query)}" if query else "")
        if not target.startswith(("http://", "https://")):
            raise click.BadParameter("--url must begin with http:// or https://")
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data is not None else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(target, data, headers, method=method)  # noqa: S310 - checked above
        # No proxy of the environment stands between a tester and the mock.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as response:
                return Answer(response.status, _value(response.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _value(error.read()))
        except (OSError, HTTPException, ValueError) as error:
            why = printable(str(getattr(error, "reason", None) or error), 200)
            fail(f"{printable(target, 200)}: {why}; is the server up, and is --url right?")

    def expect(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, raw: bytes | None = None
    ) -> Any:
        """The body of an answer that is no problem; a problem ends the command with its words."""
        answer = self.call(method, path, body, query, raw)
        if answer.status >= 400:
            fail(problem_text(answer))
        return answer.body


def problem_text(answer: Answer) -> str:
    """A problem document in one line."""
    if isinstance(answer.body, dict) and "title" in answer.body:
        return f"{answer.body['title']}: {answer.body.get('detail', '')}"
    return f"the server answered {answer.status}"


def fail(text: str) -> NoReturn:
    """Say what went wrong in one line, and end with exit status 1."""
    click.echo(f"mockserver: {text}", err=True)
    sys.exit(1)


def _value(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")


def json_object(_: click.Context, __: click.Parameter, text: str | None) -> Any:
    """The value of an option that takes a JSON object."""
    try:
        value = None if text is None else json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"expected a JSON object, got what is no JSON: {error}") from None
    if value is not None and not isinstance(value, dict):
        raise click.BadParameter(f"expected a JSON object, got {text}")
    return value


def remote_options(command: _Command) -> _Command:
    """`--url`, `--sandbox` and `--admin-token`; the command is handed a `Remote` as `remote`."""

    def wrapped(url: str, sandbox: str, admin_token: str, **more: Any) -> Any:
        return command(remote=Remote(url, sandbox, admin_token), **more)

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in (
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
