"""Commands about what a running server keeps: its records, and bringing them back.

Knows the command line; what a record may hold is the server's to say.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click

from mockserver.cli.remote import Remote, parsed_json, remote_options
from mockserver.core.values import printable

LONGEST_CELL: Final = 100
"""Characters of a record's members in a table."""


@click.command()
@click.option("--all", "everything", is_flag=True, help="Every sandbox.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a line.")
@remote_options
def reset(remote: Remote, *, everything: bool, as_json: bool) -> None:
    """Bring a sandbox back to its seeds and settings, nothing armed, its journal empty."""
    answer = remote.expect("POST", "/reset", query={"all": "true"} if everything else None)
    if as_json:
        click.echo(json.dumps(answer))
    elif everything:
        click.echo(f"reset {len(answer['sandboxes'])} sandboxes")
    else:
        click.echo(f"reset {answer['sandbox'] or 'the default sandbox'}")


def _value(_: click.Context, __: click.Parameter, text: str | None) -> Any:
    try:
        return None if text is None else (parsed_json(text),)
    except ValueError as error:
        raise click.BadParameter(f"expected JSON, got what is none: {error}") from None


@click.command()
@click.argument("collection", required=False)
@click.argument("key", required=False)
@click.option("--put", callback=_value, metavar="JSON", help="Write the record: its members, or null for none.")
@click.option("--patch", callback=_value, metavar="JSON", help="Change members of the record; null takes one away.")
@click.option("--delete", is_flag=True, help="Bring the record back to its seed, or to the default.")
@click.option("--load", metavar="FILE|-", help="Load a snapshot, as --json shows it, in the place of what is there.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table; without COLLECTION a snapshot.")
@remote_options
def state(
    remote: Remote, collection: str | None, key: str | None, *, load: str | None, as_json: bool, **change: Any
) -> None:
    """Show what a sandbox keeps, a COLLECTION or the record of a KEY, or change that record."""
    asked = [name for name, value in change.items() if value]
    if len(asked) + (load is not None) > 1:
        raise click.UsageError("one of --put, --patch, --delete and --load at a time")
    if bool(asked) != (key is not None) and asked:
        raise click.UsageError(f"--{asked[0]} needs COLLECTION and KEY")
    if load is not None:
        if collection is not None:
            raise click.UsageError("--load takes no COLLECTION")
        answer = remote.expect("PUT", "/state", _snapshot(load))
        note = f"; {answer['note']}" if "note" in answer else ""
        click.echo(json.dumps(answer) if as_json else f"loaded {answer['records']} records{note}")
        return
    path = "/state" + "".join("/" + quote(part, safe="") for part in (collection, key) if part is not None)
    value = change[asked[0]] if asked else None
    answer = remote.expect(asked[0].upper() if asked else "GET", path, raw=_raw(value))
    click.echo(json.dumps(answer) if as_json else "\n".join(_table(_rows(answer, collection))))


def _raw(value: Any) -> bytes | None:
    """JSON that was given; null is a value, not the lack of one."""
    return json.dumps(value[0]).encode() if isinstance(value, tuple) else None


def _snapshot(file: str) -> Any:
    try:
        return parsed_json(sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes())
    except OSError as error:
        raise click.BadParameter(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise click.BadParameter(f"{file}: expected a snapshot in JSON: {error}") from None


def _rows(answer: Any, collection: str | None) -> list[tuple[str, ...]]:
    """A snapshot, a collection or a record as collection, key, origin, members."""
    if "format" in answer:
        found = [(c, k, r["origin"], r["members"]) for c, own in answer["records"].items() for k, r in own.items()]
    else:
        found = [(collection, r["key"], r["origin"], r["members"]) for r in answer.get("records", [answer])]
    return [(str(c), printable(k, LONGEST_CELL), o or "-", _cell(members)) for c, k, o, members in found]


def _cell(members: Any) -> str:
    return "-" if members is None else printable(json.dumps(members, ensure_ascii=False), LONGEST_CELL)


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    lines = [("collection", "key", "origin", "members"), *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(3)]
    return ["  ".join([*(c.ljust(w) for c, w in zip(line, widths, strict=False)), line[3]]).rstrip() for line in lines]
