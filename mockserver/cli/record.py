"""The command `record`: a proxy in front of a real provider that compares each answer with the contract."""

from __future__ import annotations

import sys
from functools import partial

import click

from mockserver.admin.routes import endpoints
from mockserver.base.values import encode_ascii_json
from mockserver.cli.provider_options import COULD_NOT_RUN, check_url, proxy_option, timeout_option
from mockserver.cli.serve_options import admin_token_option, host_option, port_option
from mockserver.client.trust import TlsError
from mockserver.core.contract import Contract
from mockserver.engine.engine import Engine
from mockserver.http_api.safety import Access
from mockserver.provider.target import Target
from mockserver.recording.recorder import Recorder
from mockserver.remote.options import environment_option, warn_of_unknown_variables, with_contract
from mockserver.remote.remote_server import cacert_option, fail, relevant_cacert
from mockserver.server import logs, server
from mockserver.server.logs import LineWriter
from mockserver.version import __version__
from mockserver.workers.process import run_until_signal


@click.command()
@environment_option("--target", required=True, callback=check_url, metavar="URL", help="The provider.")
@host_option
@port_option
@timeout_option("How long the provider may send nothing.")
@proxy_option
@cacert_option
@click.option("--fallback", is_flag=True, help="Let the mock answer where there is no connection to the provider.")
@admin_token_option
@environment_option(
    "--log-format", type=click.Choice(["human", "json", "none"]), default="human", help="The format of the log."
)
@partial(with_contract, failed=COULD_NOT_RUN)
def record(
    contract: Contract,
    target: str,
    host: str,
    port: int,
    timeout: float,
    proxy: str | None,
    cacert: str,
    admin_token: str | None,
    log_format: str,
    *,
    fallback: bool,
) -> None:
    """Forward all requests to a real provider, pass its answers on, and compare each with the contract.

    Clients use this server in place of the provider. What they send is real there.
    """
    warn_of_unknown_variables()
    engine = Engine(contract, admin_endpoints=endpoints)
    try:
        where = Target(target, timeout=timeout, proxy=proxy or "", cacert=relevant_cacert(target, cacert))
        recorder = Recorder(engine, where, fallback=fallback)
    except TlsError as error:
        fail(str(error), COULD_NOT_RUN)
    write = LineWriter(sys.stdout)
    log = logs.access_log(log_format, write)

    def log_start(ports: server.Ports) -> None:
        if log_format == "json":
            event = {"event": "started", "url": ports.url, "target": target}
            write(encode_ascii_json({**event, "contract": contract.hash, "version": __version__}))
        else:
            write(f"recording {target} on {ports.url}   contract {contract.hash}\nstop with Ctrl-C")

    try:
        served = server.Server(engine, log, Access(admin_token or ""), recorder=recorder)
        ports = served.open_ports(host, port, None)
        if ports.takes(proxy or target):
            ports.close()
            option = "--proxy" if proxy else "--target"
            fail(f"{option} is where this recorder listens itself, {ports.url}: choose another --port", COULD_NOT_RUN)
        run_until_signal(served, ports, log_start)
    except OSError as error:
        fail(server.cannot_listen(error, host, port))
    finally:
        write.close()
