"""The options of the command `serve`, and which values they take."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from mockserver.client.trust import TlsError
from mockserver.http_api.safety import Access, check_host_name, check_origin
from mockserver.remote.options import (
    FILE,
    FOLDER,
    FiniteRange,
    check_each,
    contract_options,
    environment_option,
    parse_clock,
    parse_vary,
    print_notice,
)
from mockserver.remote.remote_server import fail, with_value
from mockserver.server.tls import TlsContext, server_context

_Command = TypeVar("_Command", bound=Callable[..., Any])

MIN_KEY_LENGTH: Final = 16
"""The least characters of a key, so that nobody finds it by trying."""


def _check_header_names(_ctx: click.Context, _param: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise click.BadParameter(f"expected a header name such as X-Name, got {name!r}")
    return names


def _check_host(_ctx: click.Context, _param: click.Parameter, host: str) -> str:
    if not host.strip():
        raise click.BadParameter("expected an address, such as 127.0.0.1, or 0.0.0.0 for all")
    return host.strip()


def _check_sandbox_source(_ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"header\.[A-Za-z0-9-]+|body(\.[^.]+)+", text):
        raise click.BadParameter(f"expected header.NAME or body.MEMBER, got {text!r}")
    return text


def _check_token(_ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[!-~]+", text):
        raise click.BadParameter("expected visible ASCII characters without white space")
    return text


def _parse_key(_ctx: click.Context, _param: click.Parameter, text: str | None) -> bytes:
    if text is not None and len(text) < MIN_KEY_LENGTH:
        raise click.BadParameter(f"expected at least {MIN_KEY_LENGTH} characters, or it could be guessed")
    return (text or "").encode("utf-8", "surrogateescape")


host_option = environment_option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    callback=_check_host,
    help="The address to listen on; 0.0.0.0 is all of IPv4, :: all of IPv4 and IPv6.",
)
port_option = environment_option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on; 0 takes a free one.",
)
admin_token_option = environment_option(
    "--admin-token",
    callback=_check_token,
    refuse_empty=True,
    metavar="TOKEN",
    help="Require this bearer token on every admin route but health.",
)


def _access(admin_token: str | None, allowed_host: tuple[str, ...], cors_origin: tuple[str, ...]) -> Access:
    return Access(admin_token or "", allowed_host, cors_origin)


_ACCESS_OPTIONS: Final = (
    admin_token_option,
    environment_option(
        "--allowed-host",
        multiple=True,
        callback=check_each(check_host_name),
        metavar="NAME",
        help="A host name of the admin API beside loopback names and IP addresses; repeatable.",
    ),
    environment_option(
        "--cors-origin",
        multiple=True,
        callback=check_each(check_origin),
        metavar="ORIGIN",
        help="Let pages of this origin (or * for all) call the operations; repeatable.",
    ),
)


def _tls_context(tls_cert: Path | None, tls_key: Path | None) -> TlsContext | None:
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key must be given together")
    if tls_cert is None or tls_key is None:
        return None
    try:
        return server_context(tls_cert, tls_key, print_notice)
    except TlsError as error:
        fail(str(error))


_TLS_OPTIONS: Final = (
    environment_option(
        "--tls-cert",
        type=FILE,
        refuse_empty=True,
        metavar="FILE",
        help="Serve https with this certificate (PEM, followed by its chain).",
    ),
    environment_option(
        "--tls-key",
        type=FILE,
        refuse_empty=True,
        metavar="FILE",
        help="The private key of the certificate (PEM, without a password).",
    ),
)

_SETTING_OPTIONS: Final = (
    environment_option(
        "--contract", type=FOLDER, metavar="DIR", help="Serve the contract in this folder instead of the shipped one."
    ),
    contract_options,
    environment_option(
        "--clock", callback=parse_clock, metavar="INSTANT", help="Freeze the clock at this RFC 3339 instant."
    ),
    environment_option(
        "--seed",
        type=click.IntRange(0),
        metavar="N",
        help="The seed of generated ids; the same seed gives the same ids.",
    ),
    environment_option(
        "--vary",
        callback=parse_vary,
        metavar="SEED[:KIND,KIND]",
        help="Vary answers within what the contract leaves open; the same seed gives the same answers.",
    ),
    environment_option(
        "--error-status", type=click.IntRange(200, 599), metavar="N", help="The HTTP status of all documented errors."
    ),
    environment_option(
        "--require-header",
        multiple=True,
        callback=_check_header_names,
        metavar="NAME",
        help="Answer requests without this header as unauthorized; repeatable.",
    ),
    environment_option("--require-sandbox", is_flag=True, default=None, help="Refuse requests that name no sandbox."),
    environment_option(
        "--max-records",
        type=click.IntRange(0),
        metavar="N",
        help="The most records that a sandbox keeps beside its seeds.",
    ),
    environment_option(
        "--max-state-bytes",
        type=click.IntRange(0),
        metavar="N",
        help="The most bytes that all sandboxes keep together.",
    ),
    lambda command: with_value(command, "access", _access, _ACCESS_OPTIONS),
    environment_option(
        "--max-sandboxes", type=click.IntRange(1), metavar="N", help="The most sandboxes that are kept."
    ),
    environment_option(
        "--sandbox-ttl",
        type=FiniteRange(0),
        metavar="SECONDS",
        help="Remove sandboxes that are unused for this long, if room is needed.",
    ),
    environment_option(
        "--sandbox-from",
        callback=_check_sandbox_source,
        metavar="PLACE",
        help="Take the name of the sandbox from header.NAME or body.MEMBER of the request.",
    ),
    environment_option(
        "--sandbox-key",
        callback=_parse_key,
        refuse_empty=True,
        metavar="SECRET",
        help="The key with which secrets become names of sandboxes [default: a new one at each start].",
    ),
    environment_option("--no-mock-headers", is_flag=True, help="Leave out the Mock-* response headers."),
)
"""What is served, and how it answers."""

_SERVER_OPTIONS: Final = (
    host_option,
    port_option,
    environment_option("--watch", is_flag=True, help="Reload the contract when its files change, if they are valid."),
    environment_option(
        "--admin-port", type=click.IntRange(0, 65535), metavar="PORT", help="Serve the admin API on a port of its own."
    ),
    environment_option("--no-admin", is_flag=True, help="Turn off the admin API, except for health."),
    lambda command: with_value(command, "tls", _tls_context, _TLS_OPTIONS),
    environment_option(
        "--store",
        refuse_empty=True,
        metavar="URL",
        help="Share all state with other servers in Valkey or Redis: redis://[user:password@]host:port/db[?prefix=NAME].",
    ),
    environment_option(
        "--store-adopt",
        is_flag=True,
        help="Carry the state of the store over from another contract to this one; servers of the other answer 503.",
    ),
    environment_option(
        "--workers",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        metavar="N",
        help="Serve in this many processes on one port; more than one need --store.",
    ),
    environment_option(
        "--log-format",
        type=click.Choice(["human", "json", "none"]),
        default="human",
        help="The format of the log [default: human].",
    ),
)
"""Where the server listens, where its state is, what it logs."""


def setting_options(command: _Command) -> _Command:
    """Add the options that say what is served, and how; the command gets those of who may call as `access`."""
    for option in reversed(_SETTING_OPTIONS):
        command = option(command)
    return command


def serve_options(command: _Command) -> _Command:
    """Add all options of `serve`; the command gets those of TLS as a context, or None, as `tls`."""
    command = setting_options(command)
    for option in reversed(_SERVER_OPTIONS):
        command = option(command)
    return command
