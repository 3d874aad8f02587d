"""The command line: `mockserver serve`, `check`, `scenarios`, `explain`, `health`.

Knows click and is its one home; every option can also be given as `MOCKSERVER_…` in the environment.
"""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from mockserver import cli_arming, cli_journal, cli_state, listing, logs, server
from mockserver.admin_routes import PATHS
from mockserver.check import examine
from mockserver.cli_journal import content, or_by_server, pairs
from mockserver.clock import parse_instant
from mockserver.contract import Contract, Operation
from mockserver.engine import Engine, frozen
from mockserver.lines import Lines
from mockserver.loading import ConfigError, load
from mockserver.model import Request, Settings
from mockserver.safety import Access
from mockserver.values import near, write_ascii
from mockserver.version import __version__

_LINK: Final = re.compile(r"(tcp|udp|sctp)://.*")
"""What Kubernetes puts into NAME_PORT for every service called NAME."""

PREFIX: Final = "MOCKSERVER_"
"""What the environment variables of all options begin with."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def note(text: str) -> None:
    """A line for people, on standard error."""
    click.echo(f"mockserver: {text}", err=True)


class _Option(click.Option):
    """An option whose environment variable may have been set by Kubernetes for a service of that name."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        value = super().resolve_envvar_value(ctx)
        if value is not None and _LINK.fullmatch(value):
            note(f"ignored {self.envvar}={value}: set by Kubernetes for a service, no value of this option")
            return None
        return value


def _option(name: str, **more: Any) -> Callable[[_Command], _Command]:
    environment = PREFIX + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, cls=_Option, envvar=environment, show_envvar=True, **more)


class _DefaultServe(click.Group):
    """A group for which no command means `serve`."""

    def main(self, *args: Any, **more: Any) -> Any:
        """Run, and tell in one line where what is printed cannot be written (a full disk)."""
        try:
            try:
                return super().main(*args, **more)
            finally:
                sys.stdout.flush()
        except OSError as error:
            note(f"cannot write what was asked for: {error.strerror or error}")
            with Path(os.devnull).open("w") as nowhere:  # or the interpreter tries once more as it ends
                os.dup2(nowhere.fileno(), sys.stdout.fileno())
            sys.exit(1)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help", "--version")):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None:
            spelt = near(args[0], self.list_commands(ctx))
            meant = f" Did you mean {spelt[0]}?" if spelt else ""
            ctx.fail(f"No such command {args[0]!r}.{meant}")
        return super().resolve_command(ctx, args)


def _header_names(_: click.Context, __: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise click.BadParameter(f"expected a header name such as X-Name, got {name!r}")
    return names


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


_FOLDER: Final = click.Path(path_type=Path)


def _contract_options(command: _Command) -> _Command:
    mounts = _option(
        "--mounts",
        type=_FOLDER,
        help="Take up DIR/contract as --contract and DIR/overlay as --overlay where they are there (for images).",
        metavar="DIR",
    )
    overlay = _option(
        "--overlay", type=_FOLDER, multiple=True, metavar="DIR", help="Lay this folder over the contract; repeatable."
    )
    return overlay(mounts(command))


@click.group(cls=_DefaultServe, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mockserver")
def main() -> None:
    """A contract mock server. Without a command it serves: `mockserver` is `mockserver serve`."""
    for stream in (sys.stdout, sys.stderr):  # a text that a terminal cannot show is no reason to fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _load(contract: Path | None, overlays: Sequence[Path], mounts: Path | None) -> Contract:
    """The contract, or a report and exit status 1."""
    found = [*overlays]
    if mounts is not None:
        mounted = {name: mounts / name for name in ("contract", "overlay") if (mounts / name).is_dir()}
        if "contract" in mounted and contract is None:
            contract = mounted["contract"]
            note(f"took up the contract in {contract}")
        if "overlay" in mounted:
            found.insert(0, mounted["overlay"])
            note(f"took up the overlay in {mounted['overlay']}")
    try:
        return load(contract, found)
    except ConfigError as error:
        click.echo(str(error), err=True)
        note(f"{len(error.problems)} wrong; nothing was started")
        sys.exit(1)


# -- serve ------------------------------------------------------------------------------------------


@main.command()
@_option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@_option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 takes a free one.")
@_option("--contract", type=_FOLDER, metavar="DIR", help="A contract of your own instead of the shipped one.")
@_contract_options
@_option("--clock", callback=_instant, metavar="INSTANT", help="Freeze the clock at an RFC 3339 instant.")
@_option("--seed", type=click.IntRange(0), metavar="N", help="Seed of generated ids.")
@_option("--error-status", type=click.IntRange(200, 599), metavar="N", help="HTTP status of all documented errors.")
@_option(
    "--require-header",
    multiple=True,
    callback=_header_names,
    metavar="NAME",
    help="Answer requests without this header as unauthorized; repeatable.",
)
@_option("--require-sandbox", is_flag=True, default=None, help="Refuse requests that name no sandbox.")
@_option(
    "--max-records", type=click.IntRange(0), metavar="N", help="The most records a sandbox keeps beside its seeds."
)
@_option("--admin-token", callback=_token, metavar="TOKEN", help="Ask for this bearer token on every admin route.")
@_option(
    "--admin-port", type=click.IntRange(0, 65535), metavar="PORT", help="Serve the admin API on a port of its own."
)
@_option("--no-admin", is_flag=True, help="Turn the admin API off; health stays.")
@_option(
    "--allowed-host", multiple=True, metavar="NAME", help="A host by which browsers may call the admin API; repeatable."
)
@_option(
    "--cors-origin",
    multiple=True,
    metavar="ORIGIN",
    help="Let pages of this origin (or * for all) call the operations; repeatable.",
)
@_option("--max-sandboxes", type=click.IntRange(1), metavar="N", help="The most sandboxes that are kept.")
@_option("--sandbox-ttl", type=click.FloatRange(0), metavar="SECONDS", help="An unused sandbox may be thrown out then.")
@_option(
    "--sandbox-from", callback=_place, metavar="PLACE", help="header.NAME or body.MEMBER that has the sandbox's name."
)
@_option("--no-mock-headers", is_flag=True, help="Leave out the Mock-* response headers.")
@_option("--log-format", type=click.Choice(["human", "json", "none"]), help="Log lines [default: human].")
def serve(
    host: str,
    port: int,
    contract: Path | None,
    overlay: tuple[Path, ...],
    mounts: Path | None,
    clock: int | None,
    log_format: str | None,
    admin_port: int | None,
    **more: Any,
) -> None:
    """Serve the contract until Ctrl-C or SIGTERM."""
    no_admin, access = more.pop("no_admin"), _access(**{name: more.pop(name) for name in _ACCESS})
    if no_admin and admin_port is not None:
        raise click.UsageError("--no-admin and --admin-port contradict each other")
    _warn_of_unknown_variables()
    loaded = _load(contract, overlay, mounts)
    engine = Engine(
        loaded,
        settings=_settings(loaded.settings, **more),
        clock=time.time_ns if clock is None else frozen(clock),
        admin_paths=() if no_admin or admin_port is not None else PATHS,
    )
    write = Lines(sys.stdout)
    log = {"json": logs.json_log(write), "none": logs.no_log}.get(log_format or "", logs.human_log(write))

    def started(url: str, admin_url: str) -> None:
        own = {} if admin_url == url else {"admin_url": admin_url}
        if log_format == "json":
            said = {"event": "started", "url": url, **own, "contract": loaded.hash, "version": __version__}
            write(write_ascii(said))
        else:
            write(
                "\n".join([*listing.banner(loaded, url, engine.settings), *(f"Admin API on {a}" for a in own.values())])
            )

    try:
        server.run(server.Server(engine, log, access, admins=not no_admin), host, port, admin_port, started)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or error
        hint = "; try --port 0 for a free port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else ""
        note(f"cannot listen on {error.filename or server.base_url(host, port)}: {reason}{hint}")
        sys.exit(1)
    finally:
        write.close()


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
    params = [param for command in main.commands.values() for param in command.params]
    known = {str(param.envvar).removeprefix(PREFIX) for param in params if param.envvar}
    for variable in sorted(os.environ):
        name = variable.removeprefix(PREFIX)
        if name != variable and name not in known and not re.search(r"(^|_)(SERVICE|PORT)_", name):
            spelt = near(name, known)
            note(f"unknown environment variable {variable}" + (f", did you mean {PREFIX}{spelt[0]}?" if spelt else ""))


# -- check, scenarios, explain ------------------------------------------------------------------


@main.command()
@click.argument("folder", type=_FOLDER, required=False, metavar="[DIR]", envvar="MOCKSERVER_CONTRACT")
@_contract_options
def check(folder: Path | None, overlay: tuple[Path, ...], mounts: Path | None) -> None:
    """Check a contract (the shipped one, if no DIR is given) and run all its examples."""
    contract = _load(folder, overlay, mounts)
    for replaced in contract.replaced:
        how = f"replaces {replaced.before}" if replaced.before is not None else "is new"
        click.echo(f"{replaced.position}: {replaced.what} {how}")
    problems, elsewhere = examine(contract)
    for problem in elsewhere:
        click.echo(f"{problem.position}: {problem.what}")
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        note(f"{len(problems)} wrong")
        sys.exit(1)
    examples = sum(len(scenario.examples) for scenario in contract.scenarios)
    count = sum(1 for _ in contract.scenarios)
    click.echo(f"ok: contract {contract.hash}, {count} scenarios, {examples} examples")


@main.command()
@_option("--contract", type=_FOLDER, metavar="DIR", help="A contract of your own instead of the shipped one.")
@_contract_options
@click.option("--json", "as_json", is_flag=True, help="A JSON array instead of a table.")
def scenarios(contract: Path | None, overlay: tuple[Path, ...], mounts: Path | None, as_json: bool) -> None:
    """List the scenarios: what each answers and how to meet it."""
    rows = listing.scenarios(_load(contract, overlay, mounts))
    click.echo(write_ascii(rows) if as_json else "\n".join(listing.table(rows)))


@main.command()
@click.option(
    "--request",
    "source",
    required=True,
    metavar="FILE|-",
    help="A file with the request body; - reads it from standard input.",
)
@click.option("--operation", metavar="ID", help="The operation [default: the first one].")
@click.option(
    "--path", "path", metavar="PATH", help="The path, sandbox and parameters filled in [default: the operation's]."
)
@click.option("--query", multiple=True, metavar="NAME=VALUE", help="A query parameter; repeatable.")
@click.option("--header", multiple=True, metavar="NAME:VALUE", help="A request header; repeatable.")
@click.option("--before", multiple=True, metavar="FILE", help="A body to send first; repeatable.")
@_option("--contract", type=_FOLDER, metavar="DIR", help="A contract of your own instead of the shipped one.")
@_contract_options
@or_by_server
def explain(
    source: str,
    operation: str | None,
    path: str | None,
    query: tuple[str, ...],
    header: tuple[str, ...],
    before: tuple[str, ...],
    contract: Path | None,
    overlay: tuple[Path, ...],
    mounts: Path | None,
) -> None:
    """Tell which scenario would answer a request and why, without a server."""
    loaded = _load(contract, overlay, mounts)
    chosen = _operation(loaded, operation)
    headers = {"content-type": "application/json", **pairs("--header", header, ":")}
    parameters = pairs("--query", query, "=")

    def request(file: str) -> Request:
        return Request(chosen.method, path or chosen.path, content(file), headers, parameters)

    engine = Engine(loaded)
    for file in before:
        engine.handle(request(file))
    asked = request(source)
    click.echo("\n".join(listing.explanation(asked, engine.explain(asked))))


def _operation(contract: Contract, name: str | None) -> Operation:
    by_id = {operation.id: operation for operation in contract.operations}
    if name is None:
        return contract.operations[0]
    if name not in by_id:
        spelt = near(name, by_id)
        raise click.BadParameter(
            f"there is no operation {name}; " + (f"did you mean {spelt[0]}?" if spelt else f"one of {', '.join(by_id)}")
        )
    return by_id[name]


for _command in (cli_state.health, cli_state.reset, cli_state.state, cli_arming.arm, cli_arming.armed):
    main.add_command(_command)
for _command in (cli_journal.requests, cli_journal.verify, cli_journal.replay):
    main.add_command(_command)
