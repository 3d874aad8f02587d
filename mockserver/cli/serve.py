"""The command `serve`: the start of the server, and why it cannot start."""

from __future__ import annotations

import errno
import os
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
from mockserver.cli.serve_options import serve_options
from mockserver.cli.store import open_store
from mockserver.client import trust
from mockserver.core.contract import Reload
from mockserver.core.model import Settings
from mockserver.engine import listing
from mockserver.engine.engine import Engine, frozen_clock
from mockserver.engine.reloading import Reloader
from mockserver.http_api.safety import Access
from mockserver.remote.options import contract_files, load_files, print_notice, warn_of_unknown_variables
from mockserver.server import logs, server, tls
from mockserver.server.logs import LineWriter
from mockserver.version import __version__

_NOTICES: Final = {"admin_url": "Admin API on", "store": "State is shared in"}


@click.command()
@serve_options
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
