"""The commands `arm` and `armed`: answers and faults for the next requests to a running server."""

from __future__ import annotations

import json
from typing import Any

import click

from mockserver.core.directives import fault_spec
from mockserver.remote.remote_server import (
    RemoteServer,
    option_parser,
    parse_json_object,
    parse_scenario,
    remote_options,
)


def _parse_times(_ctx: click.Context, _param: click.Parameter, text: str) -> int | str:
    if text == "always":
        return text
    if not text.isdecimal() or not int(text):
        raise click.BadParameter(f"expected a number from 1, or always, got {text!r}")
    return int(text)


@click.command()
@click.argument("scenario", required=False, callback=parse_scenario)
@click.option(
    "--fault",
    metavar="KIND",
    callback=option_parser(lambda text: fault_spec(text) if ";" in text else text),
    help="The fault: hang, reset, empty, truncate, malformed, garbage, dribble or gateway, "
    'or one with its settings as in the header Mock-Fault: "gateway; status=429".',
)
@click.option("--commit", is_flag=True, help="With --fault: lose the answer, but keep the changes of the request.")
@click.option("--delay", metavar="DURATION", help="Delay the answer, for example by 1500ms or 1.5s.")
@click.option(
    "--times",
    default="1",
    show_default=True,
    callback=_parse_times,
    metavar="N|always",
    help="How many matching requests get it.",
)
@click.option(
    "--when",
    callback=parse_json_object,
    metavar="JSON",
    help='Only requests that match these conditions, as in a scenario: {"body.name": "x"}.',
)
@click.option("--operation", metavar="ID", help="The operation; required if the contract has several.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@remote_options
def arm(remote: RemoteServer, scenario: str | None, *, commit: bool, as_json: bool, **options: Any) -> None:
    """Answer the next matching requests with a SCENARIO, a fault, a delay, or a combination.

    SCENARIO is an id, or a code such as 1042 (code=E42 for one with letters).
    """
    spec = {name: value for name, value in {"scenario": scenario, **options}.items() if value is not None}
    armed = remote.call_or_fail("POST", "/arm", {**spec, **({"commit": True} if commit else {})})
    click.echo(json.dumps(armed) if as_json else describe_armed(armed))


@click.command()
@click.option("--clear", is_flag=True, help="Remove everything that is armed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@remote_options
def armed(remote: RemoteServer, *, clear: bool, as_json: bool) -> None:
    """List what is armed, in the order in which it is tried."""
    answer = remote.call_or_fail("DELETE" if clear else "GET", "/armed")
    if as_json:
        click.echo(json.dumps(answer))
    elif clear:
        click.echo(f"removed {len(answer['armed'])}")
    else:
        click.echo("\n".join(map(describe_armed, answer["armed"])) or "nothing is armed")


def describe_armed(item: dict[str, Any]) -> str:
    """What is armed, in one line."""
    names = [name for name in ("scenario", "fault", "delay", "responses", "when") if name in item]
    effect = ", ".join(f"{name} {_text(item[name])}" for name in names)
    commit = ", only the answer is lost" if item.get("commit") else ""
    uses = "until it is removed" if item["left"] == "always" else f"{item['left']} to come"
    note = f"\n{item['note']}" if "note" in item else ""
    return f"{item['id']}  {effect}{commit}: {uses}{note}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
