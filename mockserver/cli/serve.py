"""The commands `serve` and `run`: the start of the server, and why it cannot start."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import click

from mockserver.admin.routes import endpoints
from mockserver.base.values import encode_ascii_json
from mockserver.cli.serve_options import serve_options, setting_options
from mockserver.cli.store import open_store
from mockserver.core.contract import Reload
from mockserver.core.model import Settings
from mockserver.engine.engine import Engine, frozen_clock
from mockserver.engine.metrics import Metrics
from mockserver.engine.reloading import Reloader
from mockserver.engine.sample_requests import banner
from mockserver.http_api.safety import Access
from mockserver.remote.options import contract_files, load_files, print_notice, warn_of_unknown_variables
from mockserver.remote.remote_server import fail
from mockserver.server import logs, server
from mockserver.server.logs import LineWriter
from mockserver.server.tls import TlsContext
from mockserver.version import __version__
from mockserver.workers.lock import ProcessLock
from mockserver.workers.parent import open_worker_ports, run_workers
from mockserver.workers.process import run_until_signal

_NOTICES: Final = {
    "admin_url": "Admin API on {}",
    "store": "State is shared in {}",
    "workers": "{} workers answer",
    "watch": "Watching the files",
}
"""What the start says of an option."""


@dataclass(frozen=True)
class _ListenOptions:
    """Where the server listens, and in how many processes."""

    host: str
    port: int
    admin_port: int | None
    workers: int


@click.command()
@serve_options
def serve(
    access: Access,
    tls: TlsContext | None,
    contract: Path | None,
    overlay: tuple[Path, ...],
    mounts: Path | None,
    clock: int | None,
    log_format: str,
    sandbox_key: bytes,
    watch: bool,
    **options: Any,
) -> None:
    """Serve the contract until Ctrl-C or SIGTERM."""
    listening = _ListenOptions(**{field.name: options.pop(field.name) for field in fields(_ListenOptions)})
    store, adopts, no_admin = (options.pop(name) for name in ("store", "store_adopt", "no_admin"))
    _check_together(listening, store=store, adopts=adopts, no_admin=no_admin, watch=watch)
    warn_of_unknown_variables()
    files = contract_files(contract, overlay, mounts)
    fingerprint = files.fingerprint() if watch else ""
    loaded = load_files(files)

    def override(settings: Settings) -> Settings:
        return _override(settings, **options)

    settings, now_ns = override(loaded.settings), time.time_ns if clock is None else frozen_clock(clock)
    shared = open_store(store, loaded, override, now_ns, sandbox_key, adopts=adopts) if store is not None else None
    engine = Engine(
        loaded,
        settings=settings,
        clock=now_ns,
        storage=shared.storage if shared else None,
        admin_endpoints=tuple if no_admin or listening.admin_port is not None else endpoints,
        sandbox_key=shared.sandbox_key if shared else sandbox_key,
    )
    engine.metrics = Metrics(listening.workers)
    write = LineWriter(sys.stdout, ProcessLock() if listening.workers > 1 else None)
    log = logs.access_log(log_format, write)
    as_json = log_format == "json"

    def log_reload(reload: Reload) -> None:
        write(logs.reload_message(reload, engine.contract, as_json=as_json))

    reloader = Reloader(engine, files, time.time_ns, override, log_reload)

    def log_start(ports: server.Ports) -> None:
        more: dict[str, Any] = {"admin_url": ports.admin_url} if ports.admin_sockets else {}
        more |= {"store": shared.shown} if shared else {}
        more |= {"workers": listening.workers} if listening.workers > 1 else {}
        more |= {"watch": True} if watch else {}
        console_url = "" if no_admin else f"{ports.admin_url}/"
        write(_start_message(engine, ports.url, console_url, more, as_json=as_json))
        write.close()  # no thread of it may live on where workers are forked; the next line starts another

    served = server.Server(engine, log, access, admin_enabled=not no_admin, tls=tls)
    where = (listening.host, listening.port, listening.admin_port)
    try:
        if listening.workers > 1:
            slots = open_worker_ports(served, *where, listening.workers)
            run_workers(served, slots, log_start, engine.metrics.count_as_worker, print_notice)
        else:
            background = partial(reloader.watch, fingerprint) if watch else None
            run_until_signal(served, served.open_ports(*where), log_start, background)
    except OSError as error:
        fail(server.cannot_listen(error, listening.host, listening.port))
    finally:
        write.close()


@click.command(context_settings={"allow_interspersed_args": False})
@setting_options
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND [ARGUMENT]...")
def run(
    access: Access,
    contract: Path | None,
    overlay: tuple[Path, ...],
    mounts: Path | None,
    clock: int | None,
    sandbox_key: bytes,
    command: tuple[str, ...],
    **options: Any,
) -> None:
    """Run a command beside a mock of its own: start the mock on a free port, run the command, stop the mock.

    The command finds the URL in MOCKSERVER_URL, as the commands of mockserver do that it runs. Its exit status is
    passed on, 128 + N if signal N ended it. The mock listens on 127.0.0.1 and writes no log, whatever the variables
    of the other options of serve say.
    """
    from mockserver.remote.run import run_command  # slow to import, and `serve` does not need them
    from mockserver.testing.running import serving_in_thread

    warn_of_unknown_variables()
    loaded = load_files(contract_files(contract, overlay, mounts))
    engine = Engine(
        loaded,
        settings=_override(loaded.settings, **options),
        clock=time.time_ns if clock is None else frozen_clock(clock),
        admin_endpoints=endpoints,
        sandbox_key=sandbox_key,
    )
    token = {"MOCKSERVER_ADMIN_TOKEN": access.token} if access.token else {}
    with serving_in_thread(engine, access) as url:
        status = run_command(command, {**os.environ, **token, "MOCKSERVER_URL": url})
    sys.exit(status)


def _start_message(engine: Engine, url: str, console_url: str, more: Mapping[str, Any], *, as_json: bool) -> str:
    """The beginning of the log; `more` are other facts by name."""
    if as_json:
        event = {"event": "started", "url": url, **more}
        return encode_ascii_json({**event, "contract": engine.contract.hash, "version": __version__})
    notices = [_NOTICES[name].format(fact) for name, fact in more.items()]
    first, *rest = banner(engine.contract, url, engine.settings)
    console = [f"console on {console_url}"] if console_url else []
    return "\n".join([first, *console, *rest, *notices])


def _check_together(listening: _ListenOptions, *, store: str | None, adopts: bool, no_admin: bool, watch: bool) -> None:
    """Refuse options that cannot be combined."""
    if adopts and store is None:
        raise click.UsageError("--store-adopt goes with --store")
    if no_admin and listening.admin_port is not None:
        raise click.UsageError("--no-admin and --admin-port cannot be combined")
    if listening.workers == 1:
        return
    if store is None:
        raise click.UsageError(
            f"--workers {listening.workers} needs a store, or each worker would have state of its own: give --store as "
            "well"
        )
    if watch:
        raise click.UsageError("--workers and --watch cannot be combined: start anew to serve changed files")
    if sys.platform != "linux":
        raise click.UsageError("--workers needs Linux")


def _override(settings: Settings, *, require_header: tuple[str, ...], no_mock_headers: bool, **same: Any) -> Settings:
    """The settings of the contract, overridden by options; `same` are options with the name of their setting."""
    return replace(
        settings,
        require_headers=require_header or settings.require_headers,
        mock_headers=settings.mock_headers and not no_mock_headers,
        **{name: value for name, value in same.items() if value is not None},
    )
