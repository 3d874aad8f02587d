"""The commands `verify` and `replay`, and `explain` where it asks a running server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from mockserver.core.contract import Contract
from mockserver.entries.bundle import BundleError, ReplayResult
from mockserver.entries.bundle import replay as replay_bundle
from mockserver.remote.options import read_json_input, with_contract
from mockserver.remote.remote_server import (
    RemoteServer,
    cacert_option,
    fail,
    parse_json_object,
    parse_scenario,
    remote_options,
    remote_server,
    require_utf8,
    sandbox_prefix_option,
    scope_query,
    with_value,
)

Command = TypeVar("Command", bound=Callable[..., Any])


def parse_pair_options(option: str, texts: Sequence[str], separator: str) -> dict[str, str]:
    """The names and values of a repeatable option; header names in lower case."""
    pairs = {}
    for text in texts:
        if separator not in text:
            raise click.BadParameter(f"{option} needs NAME{separator}VALUE, got {text!r}")
        name, _, value = text.partition(separator)
        pairs[name.strip().lower() if separator == ":" else name] = value.strip()
    return pairs


@click.command()
@click.option(
    "--scenario",
    metavar="ID",
    callback=parse_scenario,
    help="Count requests that this scenario answered: its id, or a code such as 1042 if one answer alone has it.",
)
@click.option(
    "--when",
    callback=parse_json_object,
    metavar="JSON",
    help='Count requests that match these conditions, as in a scenario: {"body.name": "x"}.',
)
@click.option("--operation", metavar="ID", help="The operation; required if the contract has several.")
@click.option("--exactly", type=click.IntRange(0), metavar="N", help="Expect exactly N requests.")
@click.option("--at-least", type=click.IntRange(0), metavar="N", help="Expect at least N requests [default: 1].")
@click.option("--at-most", type=click.IntRange(0), metavar="N", help="Expect at most N requests.")
@click.option("--armed-used", is_flag=True, help="Expect that something was armed, and all of it used.")
@click.option(
    "--claim", metavar="FILE|-", help="Read the claim from a JSON file, or a list of claims to hold in this order."
)
@click.option("--all", "all_", is_flag=True, help="The requests of all sandboxes.")
@sandbox_prefix_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@remote_options
def verify(
    remote: RemoteServer,
    *,
    claim: str | None,
    armed_used: bool,
    all_: bool,
    sandbox_prefix: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Check a claim about the requests of a sandbox: exit status 0 if it holds, 1 if not."""
    scope = scope_query(all_=all_, sandbox_prefix=sandbox_prefix)
    spec = {name: value for name, value in options.items() if value is not None}
    if (claim is not None) + armed_used + bool(spec) > 1:
        raise click.UsageError("--claim and --armed-used cannot be combined with other conditions")
    count = {name: spec.pop(name) for name in ("exactly", "at_least", "at_most") if name in spec}
    body = {**spec, **({"count": count} if count else {})}
    answer = remote.call(
        "POST", "/verify", {"armed": "used"} if armed_used else body if claim is None else read_json_input(claim), scope
    )
    result = answer.body if isinstance(answer.body, dict) else {}
    if "text" not in result:
        fail(answer.problem_text)
    click.echo(json.dumps(result) if as_json else result["text"])
    sys.exit(0 if answer.status == 200 else 1)


def explaining_server_options(command: Command) -> Command:
    """Add `--url` and its companions to `explain`; the command gets the server that explains, if any, as `remote`."""

    def make(url: str | None, sandbox: str, admin_token: str, cacert: str) -> RemoteServer | None:
        if url is None and sandbox:
            raise click.UsageError("--sandbox needs --url")
        require_utf8(click.get_current_context().params)
        return None if url is None else remote_server(url, sandbox, admin_token, cacert)

    options = (
        click.option("--url", metavar="URL", help="Ask the server at this URL instead; its state counts then."),
        click.option("--sandbox", default="", metavar="NAME", help="With --url: the sandbox."),
        click.option(
            "--admin-token",
            envvar="MOCKSERVER_ADMIN_TOKEN",
            default="",
            metavar="TOKEN",
            help="With --url: the token of the admin API.",
        ),
        cacert_option,
    )
    return with_value(command, "remote", make, options)


def explain_remotely(remote: RemoteServer, request: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what a running server explains of a request, in the form of `POST /__admin/explain`."""
    context = click.get_current_context()
    for name in ("before", "contract", "overlay", "mounts"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name} cannot be combined with --url")
    answer = remote.call("POST", "/explain", request, {} if as_json else {"format": "text"})
    if answer.status >= 400:
        fail(answer.problem_text)
    click.echo(json.dumps(answer.body) if as_json else str(answer.body).rstrip("\n"))


@click.command()
@click.argument("file", metavar="FILE|-")
@with_contract
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def replay(contract: Contract, file: str, *, as_json: bool) -> None:
    """Repeat the decision of a bundle; no server is needed. Exit status 0 if the decision is the same, 1 if not."""
    try:
        replayed = replay_bundle(read_json_input(file), contract)
    except BundleError as error:
        fail(str(error))
    click.echo("\n".join([_replayed_json(replayed)] if as_json else _replayed(replayed)))
    sys.exit(1 if replayed.differences else 0)


def _replayed_json(replayed: ReplayResult) -> str:
    differences = [{"at": one.name, "then": one.before, "now": one.now} for one in replayed.differences]
    shown = {"same": not differences, "scenario": replayed.scenario, "same_contract": replayed.same_contract}
    shown["spoilt"] = replayed.disturbance
    return json.dumps({**shown, "differences": differences})


def _replayed(replayed: ReplayResult) -> Iterator[str]:
    if not replayed.same_contract:
        yield "the contract has changed since"
    if replayed.disturbance:
        yield f"its answer was spoilt on purpose: {replayed.disturbance}"
    if not replayed.differences:
        yield f"the same decision: {replayed.scenario}"
        return
    yield "another decision:"
    for one in replayed.differences:
        yield f"  {one.name}: then {json.dumps(one.before, ensure_ascii=False)}"
        yield f"  {' ' * len(one.name)}  now  {json.dumps(one.now, ensure_ascii=False)}"
