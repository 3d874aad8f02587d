"""The commands `verify` and `replay`, and `explain` where it asks a running server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import click
from click.core import ParameterSource

from mockserver.entries.bundle import BundleError, ReplayResult
from mockserver.entries.bundle import replay as replay_bundle
from mockserver.remote.options import FOLDER, contract_options, environment_option, load_contract
from mockserver.remote.remote_server import (
    RemoteServer,
    cacert_option,
    fail,
    parse_json,
    parse_json_object,
    parse_scenario,
    relevant_cacert,
    remote_options,
    require_utf8,
    sandbox_prefix_option,
    scope_query,
)

Command = TypeVar("Command", bound=Callable[..., Any])


def read_input(file: str) -> bytes:
    """The bytes of a file; `-` is standard input."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}") from None


def parse_pair_options(option: str, texts: Sequence[str], separator: str) -> dict[str, str]:
    """The names and values of a repeatable option; header names in lower case."""
    pairs = {}
    for text in texts:
        if separator not in text:
            raise click.BadParameter(f"{option} needs NAME{separator}VALUE, got {text!r}")
        name, _, value = text.partition(separator)
        pairs[name.strip().lower() if separator == ":" else name] = value.strip()
    return pairs


def _read_json(file: str) -> Any:
    try:
        return parse_json(read_input(file))
    except ValueError as error:
        raise click.BadParameter(f"{file}: {error}") from None


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
        "POST", "/verify", {"armed": "used"} if armed_used else body if claim is None else _read_json(claim), scope
    )
    result = answer.body if isinstance(answer.body, dict) else {}
    if "text" not in result:
        fail(answer.problem_text)
    click.echo(json.dumps(result) if as_json else result["text"])
    sys.exit(0 if answer.status == 200 else 1)


def remote_explain_options(command: Command) -> Command:
    """Add `--url` and its companions to `explain`: with `--url` a running server explains."""

    def wrapped(url: str | None, sandbox: str, admin_token: str, cacert: str, *, as_json: bool, **options: Any) -> None:
        require_utf8({"url": url, "sandbox": sandbox, **options})
        if url is not None:
            _explain_remotely(
                RemoteServer(url, sandbox, admin_token, relevant_cacert(url, cacert)), as_json=as_json, **options
            )
        elif sandbox:
            raise click.UsageError("--sandbox needs --url")
        else:
            command(as_json=as_json, **options)

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text."),
        cacert_option,
        click.option(
            "--admin-token",
            envvar="MOCKSERVER_ADMIN_TOKEN",
            default="",
            metavar="TOKEN",
            help="With --url: the token of the admin API.",
        ),
        click.option("--sandbox", default="", metavar="NAME", help="With --url: the sandbox."),
        click.option("--url", metavar="URL", help="Ask the server at this URL instead; its state counts then."),
    ):
        option(wrapped)
    return cast(Command, wrapped)


def _explain_remotely(
    remote: RemoteServer,
    *,
    source: str,
    operation: str | None,
    path: str | None,
    query: tuple[str, ...],
    header: tuple[str, ...],
    as_json: bool,
    **local: Any,
) -> None:
    context = click.get_current_context()
    given = [name for name in local if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        raise click.UsageError(f"--{given[0]} cannot be combined with --url")
    spec = {
        **{name: value for name, value in (("operation", operation), ("path", path)) if value is not None},
        "headers": parse_pair_options("--header", header, ":"),
        "query": parse_pair_options("--query", query, "="),
        "body": read_input(source).decode("utf-8", "replace"),
    }
    answer = remote.call("POST", "/explain", spec, {} if as_json else {"format": "text"})
    if answer.status >= 400:
        fail(answer.problem_text)
    click.echo(json.dumps(answer.body) if as_json else str(answer.body).rstrip("\n"))


@click.command()
@click.argument("file", metavar="FILE|-")
@environment_option(
    "--contract", type=FOLDER, metavar="DIR", help="Use the contract in this folder instead of the shipped one."
)
@contract_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def replay(file: str, contract: Path | None, overlay: tuple[Path, ...], mounts: Path | None, *, as_json: bool) -> None:
    """Repeat the decision of a bundle; no server is needed. Exit status 0 if the decision is the same, 1 if not."""
    bundle = _read_json(file)
    loaded = load_contract(contract, overlay, mounts)
    try:
        replayed = replay_bundle(bundle, loaded)
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
