"""The command `serve`: its options, the start of the server, and why it cannot start."""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from mockserver.admin.routes import endpoints
from mockserver.base.address import base_url
from mockserver.base.values import encode_ascii_json
from mockserver.cli.environment import warn_of_unknown_variables
from mockserver.cli.store import open_store
from mockserver.client import trust
from mockserver.core.contract import Reload
from mockserver.core.model import Settings
from mockserver.engine import listing
from mockserver.engine.engine import Engine, frozen_clock
from mockserver.engine.reloading import Reloader
from mockserver.http_api.safety import Access, check_host_name, check_origin
from mockserver.remote.options import (
    FILE,
    FOLDER,
    FiniteRange,
    check_each,
    contract_files,
    contract_options,
    environment_option,
    load_files,
    parse_clock,
    print_notice,
)
from mockserver.server import logs, server, tls
from mockserver.server.logs import LineWriter
from mockserver.version import __version__

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


_NOTICES: Final = {"admin_url": "Admin API on", "store": "State is shared in"}


@click.command()
@environment_option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    callback=_check_host,
    help="The address to listen on; 0.0.0.0 is all of IPv4, :: all of IPv4 and IPv6.",
)
@environment_option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port to listen on; 0 takes a free one.",
)
@environment_option(
    "--contract", type=FOLDER, metavar="DIR", help="Serve the contract in this folder instead of the shipped one."
)
@contract_options
@environment_option("--watch", is_flag=True, help="Reload the contract when its files change, if they are valid.")
@environment_option(
    "--clock", callback=parse_clock, metavar="INSTANT", help="Freeze the clock at this RFC 3339 instant."
)
@environment_option(
    "--seed", type=click.IntRange(0), metavar="N", help="The seed of generated ids; the same seed gives the same ids."
)
@environment_option(
    "--error-status", type=click.IntRange(200, 599), metavar="N", help="The HTTP status of all documented errors."
)
@environment_option(
    "--require-header",
    multiple=True,
    callback=_check_header_names,
    metavar="NAME",
    help="Answer requests without this header as unauthorized; repeatable.",
)
@environment_option("--require-sandbox", is_flag=True, default=None, help="Refuse requests that name no sandbox.")
@environment_option(
    "--max-records", type=click.IntRange(0), metavar="N", help="The most records that a sandbox keeps beside its seeds."
)
@environment_option(
    "--max-state-bytes", type=click.IntRange(0), metavar="N", help="The most bytes that all sandboxes keep together."
)
@environment_option(
    "--admin-token",
    callback=_check_token,
    refuse_empty=True,
    metavar="TOKEN",
    help="Require this bearer token on every admin route but health.",
)
@environment_option(
    "--admin-port", type=click.IntRange(0, 65535), metavar="PORT", help="Serve the admin API on a port of its own."
)
@environment_option("--no-admin", is_flag=True, help="Turn off the admin API, except for health.")
@environment_option(
    "--allowed-host",
    multiple=True,
    callback=check_each(check_host_name),
    metavar="NAME",
    help="A host name of the admin API beside loopback names and IP addresses; repeatable.",
)
@environment_option(
    "--cors-origin",
    multiple=True,
    callback=check_each(check_origin),
    metavar="ORIGIN",
    help="Let pages of this origin (or * for all) call the operations; repeatable.",
)
@environment_option("--max-sandboxes", type=click.IntRange(1), metavar="N", help="The most sandboxes that are kept.")
@environment_option(
    "--sandbox-ttl",
    type=FiniteRange(0),
    metavar="SECONDS",
    help="Remove sandboxes that are unused for this long, if room is needed.",
)
@environment_option(
    "--sandbox-from",
    callback=_check_sandbox_source,
    metavar="PLACE",
    help="Take the name of the sandbox from header.NAME or body.MEMBER of the request.",
)
@environment_option(
    "--sandbox-key",
    callback=_parse_key,
    refuse_empty=True,
    metavar="SECRET",
    help="The key with which secrets become names of sandboxes [default: a new one at each start].",
)
@environment_option(
    "--tls-cert",
    type=FILE,
    refuse_empty=True,
    metavar="FILE",
    help="Serve https with this certificate (PEM, followed by its chain).",
)
@environment_option(
    "--tls-key",
    type=FILE,
    refuse_empty=True,
    metavar="FILE",
    help="The private key of the certificate (PEM, without a password).",
)
@environment_option(
    "--store",
    refuse_empty=True,
    metavar="URL",
    help="Share all state with other servers in Valkey or Redis: redis://[user:password@]host:port/db[?prefix=NAME].",
)
@environment_option("--no-mock-headers", is_flag=True, help="Leave out the Mock-* response headers.")
@environment_option(
    "--log-format", type=click.Choice(["human", "json", "none"]), help="The format of the log [default: human]."
)
def serve(
    host: str,
    port: int,
    contract: Path | None,
    overlay: tuple[Path, ...],
    mounts: Path | None,
    clock: int | None,
    log_format: str | None,
    admin_port: int | None,
    sandbox_key: bytes,
    watch: bool,
    **options: Any,
) -> None:
    """Serve the contract until Ctrl-C or SIGTERM."""
    store: str | None = options.pop("store")
    no_admin, access = options.pop("no_admin"), _access(**{name: options.pop(name) for name in _ACCESS})
    if no_admin and admin_port is not None:
        raise click.UsageError("--no-admin and --admin-port cannot be combined")
    secured = _tls_context(options.pop("tls_cert"), options.pop("tls_key"))
    warn_of_unknown_variables()
    files = contract_files(contract, overlay, mounts)
    fingerprint = files.fingerprint() if watch else ""
    loaded = load_files(files)

    def override(settings: Settings) -> Settings:
        return _override(settings, **options)

    settings, now_ns = override(loaded.settings), time.time_ns if clock is None else frozen_clock(clock)
    shared = open_store(store, loaded, settings, now_ns, sandbox_key) if store is not None else None
    engine = Engine(
        loaded,
        settings=settings,
        clock=now_ns,
        storage=shared.storage if shared else None,
        admin_endpoints=tuple if no_admin or admin_port is not None else endpoints,
        sandbox_key=shared.sandbox_key if shared else sandbox_key,
    )
    write = LineWriter(sys.stdout)
    log = {"json": logs.json_access_log(write), "none": logs.no_access_log}.get(
        log_format or "", logs.text_access_log(write)
    )

    def log_reload(reload: Reload) -> None:
        write(logs.reload_message(reload, engine.contract, as_json=log_format == "json"))

    reloader = Reloader(engine, files, time.time_ns, override, log_reload)

    def log_start(url: str, admin_url: str) -> None:
        more = {} if admin_url == url else {"admin_url": admin_url}
        if shared:
            more["store"] = shared.shown
        if log_format == "json":
            event = {"event": "started", "url": url, **more, "contract": loaded.hash, "version": __version__}
            write(encode_ascii_json({**event, "watch": True} if watch else event))
        else:
            notices = [f"{_NOTICES[name]} {place}" for name, place in more.items()] + ["Watching the files"] * watch
            write("\n".join([*listing.banner(loaded, url, engine.settings), *notices]))

    try:
        server.run_until_signal(
            server.Server(engine, log, access, admin_enabled=not no_admin, tls=secured),
            host,
            port,
            admin_port,
            log_start,
            partial(reloader.watch, fingerprint) if watch else None,
        )
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        reason = reason or "this machine has no such address"
        hint = "; try --port 0 for a free port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else ""
        print_notice(f"cannot listen on {error.filename or base_url(host, port)}: {reason}{hint}")
        sys.exit(1)
    finally:
        write.close()


def _tls_context(cert: Path | None, key: Path | None) -> tls.TlsContext | None:
    if (cert is None) != (key is None):
        raise click.UsageError("--tls-cert and --tls-key must be given together")
    if cert is None or key is None:
        return None
    try:
        return tls.server_context(cert, key, print_notice)
    except trust.TlsError as error:
        print_notice(str(error))
        sys.exit(1)


_ACCESS: Final = ("admin_token", "allowed_host", "cors_origin")


def _access(*, admin_token: str | None, allowed_host: tuple[str, ...], cors_origin: tuple[str, ...]) -> Access:
    return Access(admin_token or "", allowed_host, cors_origin)


def _override(settings: Settings, *, require_header: tuple[str, ...], no_mock_headers: bool, **same: Any) -> Settings:
    """The settings of the contract, overridden by options; `same` are options with the name of their setting."""
    return replace(
        settings,
        require_headers=require_header or settings.require_headers,
        mock_headers=settings.mock_headers and not no_mock_headers,
        **{name: value for name, value in same.items() if value is not None},
    )
