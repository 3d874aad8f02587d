"""The command `requests`: the journal of a sandbox as a list, as it grows, or one entry of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import quote

import click

from mockserver.entries.journal_entry import FALLBACK, recorded_words
from mockserver.remote.events import EventStream
from mockserver.remote.options import print_document, print_notice
from mockserver.remote.remote_server import (
    RemoteServer,
    has_requests,
    notice_of_no_requests,
    parse_scenario,
    remote_options,
    sandbox_prefix_option,
    scope_query,
)

COLUMNS: Final = ("id", "time", "method", "target", "status", "scenario", "source", "trigger", "fault")

_COMPANIONS: Final[Mapping[str, Collection[str]]] = {
    "--clear": (),
    "--follow": (
        *("--all", "--json", "--sandbox-prefix", "--scenario", "--source", "--text", "--trace", "--trigger"),
        "--unexpected",
    ),
    "ID": ("--bundle", "--json"),
}
"""The only other options that these go with."""


@click.command()
@click.argument("entry", required=False, metavar="[ID]")
@click.option(
    "--unexpected",
    is_flag=True,
    help="Only requests with an unexpected answer: misuse, assumed, default, or forced for a malformed request.",
)
@click.option(
    "--scenario",
    metavar="ID",
    callback=parse_scenario,
    help="Only requests that this scenario answered; a code such as 1042 stands for all scenarios that have it.",
)
@click.option(
    "--source", type=click.Choice(["documented", "assumed"]), help="Only requests whose answer has this source."
)
@click.option(
    "--trigger",
    metavar="WORD",
    help="Only requests whose scenario was triggered by this: values, state, header, armed or default.",
)
@click.option("--since", metavar="INSTANT", help="Only requests since this RFC 3339 instant.")
@click.option("--trace", metavar="ID", help="Only requests with this trace id in their header traceparent.")
@click.option("--text", metavar="WORDS", help="Only requests with all of these words, in any order and place.")
@click.option("--limit", type=click.IntRange(1, 1_000), help="The most requests to list [default: 100].")
@click.option("--before", metavar="ID", help="Only requests before this one.")
@click.option("--all", "all_", is_flag=True, help="The requests of all sandboxes.")
@sandbox_prefix_option
@click.option(
    "--fail",
    "fail_",
    is_flag=True,
    help="End with exit status 1 if there is any such request, or no request at all to look at.",
)
@click.option("--clear", is_flag=True, help="Empty the journal of the sandbox.")
@click.option("--follow", is_flag=True, help="Print new requests as they come, until Ctrl-C or the server stops.")
@click.option("--har", is_flag=True, help="Print them as an HTTP archive (HAR).")
@click.option("--bundle", is_flag=True, help="With ID: print the bundle of the request, a file for replay.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@remote_options
def requests(
    remote: RemoteServer,
    entry: str | None,
    *,
    unexpected: bool,
    fail_: bool,
    clear: bool,
    follow: bool,
    har: bool,
    bundle: bool,
    as_json: bool,
    **filters: Any,
) -> None:
    """List the requests of a sandbox, newest first, or show the request of an ID."""
    flags = {"--unexpected": unexpected, "--fail": fail_, "--clear": clear, "--follow": follow, "--har": har}
    flags |= {"--bundle": bundle, "--json": as_json, "ID": entry is not None}
    values = {"--" + name.strip("_").replace("_", "-"): value for name, value in filters.items()}
    _check_together([name for name, value in (flags | values).items() if value])
    scope = scope_query(all_=filters.pop("all_"), sandbox_prefix=filters.pop("sandbox_prefix"))
    if entry is not None:
        entry_json = remote.call_or_fail("GET", f"/requests/{quote(entry, safe='')}" + ("/bundle" if bundle else ""))
        print_document(json.dumps(entry_json, indent=None if as_json else 2, ensure_ascii=False) + "\n")
        return
    if clear:
        click.echo(f"cleared {remote.call_or_fail('DELETE', '/requests')['requests']} requests")
        return
    query = {name: str(value) for name, value in filters.items() if value is not None}
    query |= scope
    columns = ("sandbox", *COLUMNS) if scope else COLUMNS
    if follow:
        rows = (row for row in EventStream(remote, query).rows() if row["unexpected"] or not unexpected)
        _print_new(rows, None if as_json else RequestTable(columns))
        return
    query |= {"format": "har"} if har else {}
    answer = remote.call_or_fail("GET", "/requests/unexpected" if unexpected else "/requests", query=query)
    rows = answer["log"]["entries"] if har else answer["requests"]
    if as_json or har:
        print_document(json.dumps(answer, ensure_ascii=False) + "\n")
    else:
        _print_page(answer, columns)
    is_empty = not rows and not has_requests(remote, scope)
    if is_empty:
        notice_of_no_requests(remote, scope)
    is_incomplete = bool(answer.get("incomplete")) and not rows
    if fail_ and is_incomplete:
        print_notice("the journal has lost requests: nobody can tell whether one of them was such (--fail)")
    sys.exit(1 if fail_ and (rows or is_empty or is_incomplete) else 0)


def _print_page(answer: Mapping[str, Any], columns: Sequence[str]) -> None:
    """Print a page of requests as a table; nothing where there are none."""
    if answer["requests"]:
        click.echo("\n".join(RequestTable(columns).lines(answer["requests"], with_head=True)))
    if answer["lost"]:
        click.echo(f"{answer['lost']} older requests are no longer kept", err=True)
    if "before" in answer:
        click.echo(f"for older requests: --before {answer['before']}", err=True)


def _check_together(used: Sequence[str]) -> None:
    """Refuse options that cannot be combined."""
    for name, companions in _COMPANIONS.items():
        for other in used:
            if name in used and other not in (name, *companions):
                raise click.UsageError(f"{name} cannot be combined with {other}")
    if "--bundle" in used and "ID" not in used:
        raise click.UsageError("--bundle needs the ID of a request")


def _print_new(rows: Iterator[Mapping[str, Any]], table: RequestTable | None) -> None:
    """Print rows as they come, as a table or as lines of JSON, until they end or Ctrl-C."""
    with suppress(KeyboardInterrupt):
        for number, row in enumerate(rows):
            if table is None:
                print_document(json.dumps(row, ensure_ascii=False) + "\n")
            else:
                click.echo("\n".join(table.lines([row], with_head=not number)))


class RequestTable:
    """A table of requests; its columns become wider as rows need it."""

    def __init__(self, columns: Sequence[str]) -> None:
        """Take the names of the columns, which are members of the rows."""
        self._columns = columns
        self._widths = [len(column) for column in columns]

    def lines(self, rows: Sequence[Mapping[str, Any]], *, with_head: bool = False) -> Iterator[str]:
        """The rows as lines, below the names of the columns if these are wanted."""
        cells = [*([self._columns] if with_head else []), *map(self._cells, rows)]
        self._widths = [max(width, *(len(line[i]) for line in cells)) for i, width in enumerate(self._widths)]
        for line in cells:
            yield "  ".join(text.ljust(width) for text, width in zip(line, self._widths, strict=True)).rstrip()

    def _cells(self, row: Mapping[str, Any]) -> Sequence[str]:
        shown = {
            **row,
            "scenario": _answered_by(row),
            "fault": _fault_words(row),
            "target": row["target"] + (" (masked)" if "/request/target" in row["masked"] else ""),
        }
        return ["" if shown[column] is None else str(shown[column]) for column in self._columns]


def _fault_words(row: Mapping[str, Any]) -> str:
    """What went wrong below the contract: the fault, whether the client got the answer, whether the change was kept."""
    found = [row["fault"], "client left" if row["client_left"] else None, "answer lost" if row["answer_lost"] else None]
    kept = "change kept" if row["answer_lost"] and row["committed"] else None
    return ", ".join(one for one in (*found, kept) if one is not None)


def _answered_by(row: Mapping[str, Any]) -> str:
    """What answered: the scenario, a problem, or the provider, with how its answer compares."""
    if row["recorded"] is not None:
        return recorded_words(row["recorded"], row["scenario"])
    if row["scenario"] is None:
        return f"problem: {row['problem']}"
    return f"{row['scenario']}{FALLBACK if row['fallback'] is not None else ''}"
