"""The command that serves: its options, what it says as it starts, and why it cannot.

Knows the command line; what is served is decided by the engine and carried by the server.
"""

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

from mockserver.admin.routes import paths
from mockserver.admin.safety import Access
from mockserver.cli.options import FILE, FOLDER, PREFIX, contract_options, files, loaded_from, note, option
from mockserver.client import trust
from mockserver.core.address import base_url
from mockserver.core.contract import Reload
from mockserver.core.instants import parse_instant
from mockserver.core.model import Settings
from mockserver.core.spelling import close_matches, did_you_mean
from mockserver.core.values import write_ascii
from mockserver.engine import examples as listing
from mockserver.engine.engine import Engine, frozen_clock
from mockserver.engine.reloading import Reloader
from mockserver.server import logs, process, server, tls
from mockserver.server.log_writer import LineWriter
from mockserver.version import __version__

SHORTEST_KEY: Final = 16
"""Characters of a key that cannot be found by trying."""


def _header_names(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise click.BadParameter(f"expected a header name such as X-Name, got {name!r}")
    return names


def _host(_: click.Context, __: click.Parameter, name: str) -> str:
    if not name.strip():
        raise click.BadParameter("expected an address, such as 127.0.0.1, or 0.0.0.0 for all")
    return name


def _place(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"header\.[A-Za-z0-9-]+|body(\.[^.]+)+", text):
        raise click.BadParameter(f"expected header.NAME or body.MEMBER, got {text!r}")
    return text


def _instant(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _token(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[!-~]+", text):
        raise click.BadParameter("expected visible ASCII characters without white space")
    return text


def _key(_: click.Context, __: click.Parameter, text: str | None) -> bytes:
    if text is not None and len(text) < SHORTEST_KEY:
        raise click.BadParameter(f"expected at least {SHORTEST_KEY} characters, or it could be guessed")
    return (text or "").encode("utf-8", "surrogateescape")


@click.command()
@option("--host", default="127.0.0.1", show_default=True, callback=_host, help="The address to listen on.")
@option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 takes a free one.")
@option("--contract", type=FOLDER, metavar="DIR", help="A contract of your own instead of the shipped one.")
@contract_options
@option("--watch", is_flag=True, help="Look at the files each second, and serve those that changed if they are good.")
@option("--clock", callback=_instant, metavar="INSTANT", help="Freeze the clock at an RFC 3339 instant.")
@option("--seed", type=click.IntRange(0), metavar="N", help="Seed of generated ids.")
@option("--error-status", type=click.IntRange(200, 599), metavar="N", help="HTTP status of all documented errors.")
@option(
    "--require-header",
    multiple=True,
    callback=_header_names,
    metavar="NAME",
    help="Answer requests without this header as unauthorized; repeatable.",
)
@option("--require-sandbox", is_flag=True, default=None, help="Refuse requests that name no sandbox.")
@option("--max-records", type=click.IntRange(0), metavar="N", help="The most records a sandbox keeps beside its seeds.")
@option("--admin-token", callback=_token, metavar="TOKEN", help="Ask for this bearer token on every admin route.")
@option("--admin-port", type=click.IntRange(0, 65535), metavar="PORT", help="Serve the admin API on a port of its own.")
@option("--no-admin", is_flag=True, help="Turn the admin API off; health stays.")
@option(
    "--allowed-host", multiple=True, metavar="NAME", help="A host by which browsers may call the admin API; repeatable."
)
@option(
    "--cors-origin",
    multiple=True,
    metavar="ORIGIN",
    help="Let pages of this origin (or * for all) call the operations; repeatable.",
)
@option("--max-sandboxes", type=click.IntRange(1), metavar="N", help="The most sandboxes that are kept.")
@option("--sandbox-ttl", type=click.FloatRange(0), metavar="SECONDS", help="An unused sandbox may be thrown out then.")
@option(
    "--sandbox-from", callback=_place, metavar="PLACE", help="header.NAME or body.MEMBER that has the sandbox's name."
)
@option(
    "--sandbox-key",
    callback=_key,
    metavar="SECRET",
    help="Keys the names of sandboxes that come from secrets, so that they last [default: a new one at each start].",
)
@option("--tls-cert", type=FILE, metavar="FILE", help="Serve https with this certificate (PEM, its chain after it).")
@option("--tls-key", type=FILE, metavar="FILE", help="The private key of the certificate (PEM, without a password).")
@option("--no-mock-headers", is_flag=True, help="Leave out the Mock-* response headers.")
@option("--log-format", type=click.Choice(["human", "json", "none"]), help="Log lines [default: human].")
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
    **more: Any,
) -> None:
    """Serve the contract until Ctrl-C or SIGTERM."""
    no_admin, access = more.pop("no_admin"), _access(**{name: more.pop(name) for name in _ACCESS})
    if no_admin and admin_port is not None:
        raise click.UsageError("--no-admin and --admin-port contradict each other")
    secured = _secured(more.pop("tls_cert"), more.pop("tls_key"))
    _warn_of_unknown_variables()
    found = files(contract, overlay, mounts)
    known = found.fingerprint() if watch else ""
    served = loaded_from(found)

    def settings(of_files: Settings) -> Settings:
        return _settings(of_files, **more)

    engine = Engine(
        served,
        settings=settings(served.settings),
        clock=time.time_ns if clock is None else frozen_clock(clock),
        admin_paths=tuple if no_admin or admin_port is not None else paths,
        sandbox_key=sandbox_key,
    )
    write = LineWriter(sys.stdout)
    log = {"json": logs.json_log(write), "none": logs.no_log}.get(log_format or "", logs.human_log(write))

    def tell(reload: Reload) -> None:
        write(logs.reload_message(reload, engine.contract, as_json=log_format == "json"))

    reloader = Reloader(engine, found, time.time_ns, settings, tell)

    def started(url: str, admin_url: str) -> None:
        own = {} if admin_url == url else {"admin_url": admin_url}
        if log_format == "json":
            said = {"event": "started", "url": url, **own, "contract": served.hash, "version": __version__}
            write(write_ascii({**said, "watch": True} if watch else said))
        else:
            more = [f"Admin API on {a}" for a in own.values()] + ["Watching the files"] * watch
            write("\n".join([*listing.banner(served, url, engine.settings), *more]))

    try:
        process.run(
            server.Server(engine, log, access, admin_enabled=not no_admin, tls=secured),
            host,
            port,
            admin_port,
            started,
            partial(reloader.watch, known) if watch else None,
        )
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or error
        hint = "; try --port 0 for a free port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else ""
        note(f"cannot listen on {error.filename or base_url(host, port)}: {reason}{hint}")
        sys.exit(1)
    finally:
        write.close()


def _secured(cert: Path | None, key: Path | None) -> tls.TlsContext | None:
    if (cert is None) != (key is None):
        raise click.UsageError("--tls-cert and --tls-key are needed both, or neither")
    if cert is None or key is None:
        return None
    try:
        return tls.server_context(cert, key, note)
    except trust.TlsError as error:
        note(str(error))
        sys.exit(1)


_ACCESS: Final = ("admin_token", "allowed_host", "cors_origin")


def _access(*, admin_token: str | None, allowed_host: tuple[str, ...], cors_origin: tuple[str, ...]) -> Access:
    return Access(admin_token or "", allowed_host, cors_origin)


def _settings(settings: Settings, *, require_header: tuple[str, ...], no_mock_headers: bool, **plain: Any) -> Settings:
    """The settings of the contract with those of the command line, which are called the same, over them."""
    return replace(
        settings,
        require_headers=require_header or settings.require_headers,
        mock_headers=settings.mock_headers and not no_mock_headers,
        **{name: value for name, value in plain.items() if value is not None},
    )


def _warn_of_unknown_variables() -> None:
    context = click.get_current_context()
    given = [name for name in sorted(os.environ) if name.startswith(PREFIX)]
    if not given:
        return
    root = context.find_root()
    group = root.command
    commands = [group.get_command(root, n) for n in group.list_commands(root)] if isinstance(group, click.Group) else []
    params = [param for command in commands if command is not None for param in command.params]
    known = {str(param.envvar).removeprefix(PREFIX) for param in params if param.envvar}
    for variable in given:
        name = variable.removeprefix(PREFIX)
        if name not in known and not re.search(r"(^|_)(SERVICE|PORT)_", name):
            hint = did_you_mean([PREFIX + near for near in close_matches(name, known)[:1]])
            note(", ".join(filter(None, [f"unknown environment variable {variable}", hint])))
