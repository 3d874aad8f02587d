"""The commands `reset` and `state`: the records of a sandbox."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

import click

from mockserver.base.text_table import table_lines
from mockserver.base.values import printable
from mockserver.remote.options import read_json_input
from mockserver.remote.remote_server import RemoteServer, option_parser, parse_json, remote_options

COLUMNS: Final = ("collection", "key", "origin", "members")

MAX_CELL: Final = 100
"""The most characters of a key or of a record's members in a table."""


@click.command()
@click.option("--all", "everything", is_flag=True, help="Reset all sandboxes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@remote_options
def reset(remote: RemoteServer, *, everything: bool, as_json: bool) -> None:
    """Reset a sandbox: records, settings, clock, what is armed, and journal."""
    answer = remote.call_or_fail("POST", "/reset", query={"all": "true"} if everything else None)
    if as_json:
        click.echo(json.dumps(answer))
    elif everything:
        click.echo(f"reset {len(answer['sandboxes'])} sandboxes")
    else:
        note = f": {answer['note']}" if "note" in answer else ""
        click.echo(f"reset {answer['sandbox'] or 'the default sandbox'}{note}")


_parse_record: Final = option_parser(lambda text: json.dumps(parse_json(text)).encode())
"""Reads JSON and encodes it again: `null` is a value too."""


@click.command()
@click.argument("collection", required=False)
@click.argument("key", required=False)
@click.option(
    "--put",
    callback=_parse_record,
    metavar="JSON",
    help="Write the record: an object, or null for a key that does not exist.",
)
@click.option(
    "--patch", callback=_parse_record, metavar="JSON", help="Change members of the record; null removes a member."
)
@click.option("--delete", is_flag=True, help="Reset the record to its seed, or to the default.")
@click.option("--load", metavar="FILE|-", help="Replace all records by a snapshot (the output of --json).")
@click.option(
    "--json", "as_json", is_flag=True, help="Print JSON instead of a table; without COLLECTION it is a snapshot."
)
@remote_options
def state(
    remote: RemoteServer, collection: str | None, key: str | None, *, load: str | None, as_json: bool, **change: Any
) -> None:
    """Show the records of a sandbox, of a COLLECTION, or of one KEY, or change that record."""
    changes = [name for name, value in change.items() if value]
    if len(changes) + (load is not None) > 1:
        raise click.UsageError("--put, --patch, --delete and --load cannot be combined")
    if changes and key is None:
        raise click.UsageError(f"--{changes[0]} needs COLLECTION and KEY")
    if load is not None:
        if collection is not None:
            raise click.UsageError("--load takes no COLLECTION")
        answer = remote.call_or_fail("PUT", "/state", read_json_input(load))
        note = f"; {answer['note']}" if "note" in answer else ""
        click.echo(json.dumps(answer) if as_json else f"loaded {answer['records']} records{note}")
        return
    path = "/state" + "".join("/" + quote(part, safe="") for part in (collection, key) if part is not None)
    record = change["put"] or change["patch"]
    answer = remote.call_or_fail(changes[0].upper() if changes else "GET", path, record)
    click.echo(json.dumps(answer) if as_json else "\n".join(table_lines([COLUMNS, *_rows(answer, collection)])))


def _rows(answer: Any, collection: str | None) -> list[tuple[str, ...]]:
    """A snapshot, a collection or a record as collection, key, origin, members."""
    if "format" in answer:
        return [_row(name, key, r) for name, records in answer["records"].items() for key, r in records.items()]
    return [_row(str(collection), r["key"], r) for r in answer.get("records", [answer])]


def _row(collection: str, key: str, record: Any) -> tuple[str, ...]:
    return collection, printable(key, MAX_CELL), record["origin"] or "-", _cell(record["members"])


def _cell(members: Any) -> str:
    return "-" if members is None else printable(json.dumps(members, ensure_ascii=False), MAX_CELL)
