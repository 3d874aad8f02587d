"""Commands that arm a running server, and show what is armed.

Knows the command line; what can be armed is the server's to say.
"""

from __future__ import annotations

import json
from typing import Any

import click

from mockserver.cli.remote import Remote, json_object, remote_options


def _times(_: click.Context, __: click.Parameter, text: str) -> int | str:
    if text == "always":
        return text
    if not text.isdecimal() or not int(text):
        raise click.BadParameter(f"expected a number from 1, or always, got {text!r}")
    return int(text)


@click.command()
@click.argument("scenario", required=False)
@click.option("--fault", metavar="KIND", help="What goes wrong: hang, reset, empty, truncate, malformed, ...")
@click.option("--commit", is_flag=True, help="With --fault: only the answer is lost, what it changes is kept.")
@click.option("--delay", metavar="DURATION", help="How long the answer waits, such as 1500ms or 1.5s.")
@click.option(
    "--times", default="1", show_default=True, callback=_times, metavar="N|always", help="How many requests get it."
)
@click.option("--when", callback=json_object, metavar="JSON", help='Conditions as in a scenario: {"body.name": "x"}.')
@click.option("--operation", metavar="ID", help="The operation; needed where the contract has several.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a line.")
@remote_options
def arm(remote: Remote, scenario: str | None, *, commit: bool, as_json: bool, **more: Any) -> None:
    """Let the next matching requests get a SCENARIO, a fault, a delay, or several of them."""
    spec = {name: value for name, value in {"scenario": scenario, **more}.items() if value is not None}
    armed = remote.expect("POST", "/arm", {**spec, **({"commit": True} if commit else {})})
    click.echo(json.dumps(armed) if as_json else _line(armed))


@click.command()
@click.option("--clear", is_flag=True, help="Take away all that is armed.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines.")
@remote_options
def armed(remote: Remote, *, clear: bool, as_json: bool) -> None:
    """Show what is armed, in the order in which it is looked at."""
    answer = remote.expect("DELETE" if clear else "GET", "/armed")
    if as_json:
        click.echo(json.dumps(answer))
    elif clear:
        click.echo(f"took away {len(answer['armed'])}")
    else:
        click.echo("\n".join(map(_line, answer["armed"])) or "nothing is armed")


def _line(one: dict[str, Any]) -> str:
    told = [f"{name} {_text(one[name])}" for name in ("scenario", "fault", "delay", "responses", "when") if name in one]
    lost = ", only the answer is lost" if one.get("commit") else ""
    left = "until it is taken away" if one["left"] == "always" else f"{one['left']} to come"
    return f"{one['id']}  {', '.join(told)}{lost}: {left}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
