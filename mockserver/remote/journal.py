"""The commands `requests`, `verify` and `replay`, and `explain` where it asks a running server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote

import click
from click.core import ParameterSource

from mockserver.entries.bundle import BundleError, ReplayResult
from mockserver.entries.bundle import replay as replay_bundle
from mockserver.remote.options import FOLDER, contract_options, environment_option, load_contract, print_document
from mockserver.remote.remote_server import (
    RemoteServer,
    cacert_option,
    fail,
    json_object,
    parse_json,
    relevant_cacert,
    remote_options,
    require_utf8,
)

Command = TypeVar("Command", bound=Callable[..., Any])

_COLUMNS: Final = ("id", "time", "method", "target", "status", "scenario", "source", "trigger", "fault")


@click.command()
@click.argument("entry", required=False, metavar="[ID]")
@click.option("--unexpected", is_flag=True, help="Only requests with an unexpected answer: misuse, assumed or default.")
@click.option("--scenario", metavar="ID", help="Only requests that this scenario answered.")
@click.option(
    "--source", type=click.Choice(["documented", "assumed"]), help="Only requests whose answer has this source."
)
@click.option(
    "--trigger",
    metavar="WORD",
    help="Only requests whose scenario was triggered by this: values, state, header, armed or default.",
)
@click.option("--since", metavar="INSTANT", help="Only requests since this RFC 3339 instant.")
@click.option("--text", metavar="TEXT", help="Only requests that contain this text.")
@click.option("--limit", type=click.IntRange(1, 1_000), help="The most requests to list [default: 100].")
@click.option("--before", metavar="ID", help="Only requests before this one.")
@click.option("--all", "all_", is_flag=True, help="The requests of all sandboxes.")
@click.option("--clear", is_flag=True, help="Empty the journal of the sandbox.")
@click.option("--har", is_flag=True, help="Print them as an HTTP archive (HAR).")
@click.option("--bundle", is_flag=True, help="With ID: print the bundle of the request, a file for replay.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@remote_options
def requests(
    remote: RemoteServer,
    entry: str | None,
    *,
    all_: bool,
    unexpected: bool,
    clear: bool,
    har: bool,
    bundle: bool,
    as_json: bool,
    **filters: Any,
) -> None:
    """List the requests of a sandbox, newest first, or show the request of an ID."""
    if bundle and entry is None:
        raise click.UsageError("--bundle needs the ID of a request")
    if entry is not None:
        entry_json = remote.call_or_fail("GET", f"/requests/{quote(entry, safe='')}" + ("/bundle" if bundle else ""))
        print_document(json.dumps(entry_json, indent=None if as_json else 2, ensure_ascii=False) + "\n")
        return
    if clear:
        click.echo(f"cleared {remote.call_or_fail('DELETE', '/requests')['requests']} requests")
        return
    query = {name: str(value) for name, value in filters.items() if value is not None}
    query |= {"all": "true"} if all_ else {}
    query |= {"format": "har"} if har else {}
    answer = remote.call_or_fail("GET", "/requests/unexpected" if unexpected else "/requests", query=query)
    if as_json or har:
        print_document(json.dumps(answer, ensure_ascii=False) + "\n")
        return
    click.echo("\n".join(_table(answer["requests"], ("sandbox", *_COLUMNS) if all_ else _COLUMNS)))
    if answer["lost"]:
        click.echo(f"{answer['lost']} older requests are no longer kept", err=True)
    if "before" in answer:
        click.echo(f"for older requests: --before {answer['before']}", err=True)


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    shown = [
        {
            **row,
            "scenario": row["scenario"] or f"problem: {row['problem']}",
            "target": row["target"] + (" (masked)" if "/request/target" in row["masked"] else ""),
        }
        for row in rows
    ]
    cells = [tuple(columns), *(tuple("" if row[c] is None else str(row[c]) for c in columns) for row in shown)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()


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
        raise click.BadParameter(f"{file}: expected JSON, {error}") from None


@click.command()
@click.option("--scenario", metavar="ID", help="Count requests that this scenario answered.")
@click.option(
    "--when",
    callback=json_object,
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
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@remote_options
def verify(remote: RemoteServer, *, claim: str | None, armed_used: bool, as_json: bool, **options: Any) -> None:
    """Check a claim about the requests of a sandbox: exit status 0 if it holds, 1 if not."""
    spec = {name: value for name, value in options.items() if value is not None}
    if (claim is not None) + armed_used + bool(spec) > 1:
        raise click.UsageError("--claim and --armed-used cannot be combined with other conditions")
    count = {name: spec.pop(name) for name in ("exactly", "at_least", "at_most") if name in spec}
    body = {**spec, **({"count": count} if count else {})}
    answer = remote.call(
        "POST", "/verify", {"armed": "used"} if armed_used else body if claim is None else _read_json(claim)
    )
    result = answer.body if isinstance(answer.body, dict) else {}
    if "text" not in result:
        fail(answer.problem_text)
    click.echo(json.dumps(result) if as_json else result["text"])
    sys.exit(0 if answer.status == 200 else 1)


def or_remote_explain(command: Command) -> Command:
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
