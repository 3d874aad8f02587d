"""Commands that ask a running server what came and why, and one that makes a decision again from a file.

Knows the command line; what is asked is the server's to answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote

import click

from mockserver.cli.remote import Remote, fail, json_object, parsed_json, remote_options
from mockserver.contract.loading import ConfigError, load
from mockserver.engine.bundle import BundleError, ReplayResult
from mockserver.engine.bundle import replay as make_again

Command = TypeVar("Command", bound=Callable[..., Any])

_COLUMNS: Final = ("id", "time", "method", "target", "status", "scenario", "source", "trigger", "fault")


@click.command()
@click.argument("entry", required=False, metavar="[ID]")
@click.option("--unexpected", is_flag=True, help="Only those that got what nobody asked for.")
@click.option("--scenario", metavar="ID", help="Only those that this scenario answered.")
@click.option("--source", type=click.Choice(["documented", "assumed"]), help="Only answers of this source.")
@click.option("--trigger", metavar="WORD", help="Only those met by values, state, header, armed or default.")
@click.option("--since", metavar="INSTANT", help="Only those from an RFC 3339 instant on.")
@click.option("--text", metavar="TEXT", help="Only those in which this stands.")
@click.option("--limit", type=click.IntRange(1, 1_000), help="How many [default: 100].")
@click.option("--before", metavar="ID", help="Only those before this one.")
@click.option("--all", "all_", is_flag=True, help="Those of every sandbox.")
@click.option("--clear", is_flag=True, help="Empty the journal of the sandbox.")
@click.option("--har", is_flag=True, help="An HTTP archive of them.")
@click.option("--bundle", is_flag=True, help="With ID: the file that replay takes.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
@remote_options
def requests(
    remote: Remote,
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
    """Show the requests that came, newest first, or the one of an ID."""
    if bundle and entry is None:
        raise click.UsageError("--bundle needs the ID of a request")
    if entry is not None:
        shown = remote.expect("GET", f"/requests/{quote(entry, safe='')}" + ("/bundle" if bundle else ""))
        click.echo(json.dumps(shown, indent=None if as_json else 2, ensure_ascii=False))
        return
    if clear:
        click.echo(f"cleared {remote.expect('DELETE', '/requests')['requests']} requests")
        return
    query = {name: str(value) for name, value in filters.items() if value is not None}
    query |= {"all": "true"} if all_ else {}
    query |= {"format": "har"} if har else {}
    answer = remote.expect("GET", "/requests/unexpected" if unexpected else "/requests", query=query)
    if as_json or har:
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    click.echo("\n".join(_table(answer["requests"], ("sandbox", *_COLUMNS) if all_ else _COLUMNS)))
    if answer["lost"]:
        click.echo(f"{answer['lost']} older ones are lost", err=True)
    if "before" in answer:
        click.echo(f"there are more: --before {answer['before']}", err=True)


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[str]:
    told = [{**row, "scenario": row["scenario"] or f"problem: {row['problem']}"} for row in rows]
    cells = [tuple(columns), *(tuple("" if row[c] is None else str(row[c]) for c in columns) for row in told)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        yield "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()


def content(file: str) -> bytes:
    """What is in a file, or comes on standard input for `-`."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}") from None


def pairs(option: str, texts: Sequence[str], separator: str) -> dict[str, str]:
    """Names and values of a repeatable option; names of headers in lower case."""
    found = {}
    for text in texts:
        name, there, value = text.partition(separator)
        if not there:
            raise click.BadParameter(f"{option} needs NAME{separator}VALUE, got {text!r}")
        found[name.strip().lower() if separator == ":" else name] = value.strip()
    return found


def _json(file: str) -> Any:
    try:
        return parsed_json(content(file))
    except ValueError as error:
        raise click.BadParameter(f"{file}: expected JSON, {error}") from None


@click.command()
@click.option("--scenario", metavar="ID", help="The scenario that answered.")
@click.option("--when", callback=json_object, metavar="JSON", help='Conditions as in a scenario: {"body.name": "x"}.')
@click.option("--operation", metavar="ID", help="The operation; needed where the contract has several.")
@click.option("--exactly", type=click.IntRange(0), metavar="N", help="How many requests.")
@click.option("--at-least", type=click.IntRange(0), metavar="N", help="How many at least [default: 1].")
@click.option("--at-most", type=click.IntRange(0), metavar="N", help="How many at most.")
@click.option("--armed-used", is_flag=True, help="That nothing armed is left over.")
@click.option("--claim", metavar="FILE|-", help="A claim as JSON instead, or a list of claims in order.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
@remote_options
def verify(remote: Remote, *, claim: str | None, armed_used: bool, as_json: bool, **given: Any) -> None:
    """Claim something of the requests that came: exit status 0 if it holds, 1 if not."""
    spec = {name: value for name, value in given.items() if value is not None}
    if (claim is not None) + armed_used + bool(spec) > 1:
        raise click.UsageError("--claim and --armed-used stand alone")
    count = {name: spec.pop(name) for name in ("exactly", "at_least", "at_most") if name in spec}
    body = {**spec, **({"count": count} if count else {})}
    answer = remote.call(
        "POST", "/verify", {"armed": "used"} if armed_used else body if claim is None else _json(claim)
    )
    shown = answer.body if isinstance(answer.body, dict) else {}
    if "text" not in shown:
        fail(answer.problem)
    click.echo(json.dumps(shown, ensure_ascii=False) if as_json else shown["text"])
    sys.exit(0 if answer.status == 200 else 1)


def or_by_server(command: Command) -> Command:
    """Give `explain` the options `--url` and so on, by which a running server is asked instead."""

    def wrapped(url: str | None, sandbox: str, admin_token: str, *, as_json: bool, **more: Any) -> None:
        if url is not None:
            _explain(Remote(url, sandbox, admin_token), as_json=as_json, **more)
        elif sandbox:
            raise click.UsageError("--sandbox needs --url")
        else:
            command(as_json=as_json, **more)

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in (
        click.option("--json", "as_json", is_flag=True, help="JSON instead of text."),
        click.option("--admin-token", envvar="MOCKSERVER_ADMIN_TOKEN", default="", help="With --url: the token."),
        click.option("--sandbox", default="", metavar="NAME", help="With --url: the sandbox."),
        click.option("--url", metavar="URL", help="Ask this running server."),
    ):
        option(wrapped)
    return cast(Command, wrapped)


def _explain(
    remote: Remote,
    *,
    source: str,
    operation: str | None,
    path: str | None,
    query: tuple[str, ...],
    header: tuple[str, ...],
    as_json: bool,
    **more: Any,
) -> None:
    if any(more.values()):
        raise click.UsageError(f"--{next(name for name in more if more[name])} has no meaning with --url")
    spec = {
        **{name: value for name, value in (("operation", operation), ("path", path)) if value is not None},
        "headers": pairs("--header", header, ":"),
        "query": pairs("--query", query, "="),
        "body": content(source).decode("utf-8", "replace"),
    }
    answer = remote.call("POST", "/explain", spec, {} if as_json else {"format": "text"})
    if answer.status >= 400:
        fail(answer.problem)
    click.echo(json.dumps(answer.body, ensure_ascii=False) if as_json else str(answer.body).rstrip("\n"))


@click.command()
@click.argument("file", metavar="FILE|-")
@click.option("--contract", type=click.Path(path_type=Path), envvar="MOCKSERVER_CONTRACT", metavar="DIR")
@click.option("--overlay", type=click.Path(path_type=Path), multiple=True, metavar="DIR", help="Repeatable.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
def replay(file: str, contract: Path | None, overlay: tuple[Path, ...], *, as_json: bool) -> None:
    """Make the decision of a bundle again, without a server: exit status 0 if it is the same, 1 if not."""
    given = _json(file)
    try:
        replayed = make_again(given, load(contract, overlay))
    except (ConfigError, BundleError) as error:
        fail(str(error))
    click.echo("\n".join([_replayed_json(replayed)] if as_json else _replayed(replayed)))
    sys.exit(1 if replayed.differences else 0)


def _replayed_json(replayed: ReplayResult) -> str:
    differences = [{"at": one.name, "then": one.before, "now": one.now} for one in replayed.differences]
    shown = {"same": not differences, "scenario": replayed.scenario, "same_contract": replayed.same_contract}
    shown["spoilt"] = replayed.disturbance
    return json.dumps({**shown, "differences": differences}, ensure_ascii=False)


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
