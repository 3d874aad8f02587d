"""What the commands share that send to a provider: its address, and where a report goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

import click

from mockserver.provider.page import FORMATS
from mockserver.provider.target import Target
from mockserver.remote.options import FOLDER, FiniteRange, language_option, output_option
from mockserver.remote.remote_server import cacert_option, relevant_cacert, with_value

COULD_NOT_RUN: Final = 2
"""The exit status if such a command cannot run."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


def check_url(_ctx: click.Context, param: click.Parameter, text: str | None) -> str | None:
    """Check the URL of a server. Raises `click.BadParameter`."""
    if not text:
        return text
    try:
        parts = urlsplit(text)
        is_sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_sound = False
    if not is_sound or parts.query or parts.fragment:
        raise click.BadParameter("expected http://HOST or https://HOST, with a port and a path if there are any")
    if param.name in ("url", "target") and parts.username is not None:
        raise click.BadParameter("credentials stand in a header, not in the URL")
    return text


def timeout_option(description: str) -> Callable[[_Command], _Command]:
    """The option for how long something of the provider may take, in seconds."""
    return click.option(
        "--timeout",
        type=FiniteRange(min=0.1, max=600),
        default=30.0,
        show_default=True,
        metavar="SECONDS",
        help=description,
    )


proxy_option = click.option("--proxy", callback=check_url, metavar="URL", help="Send through this proxy, and no other.")

_TARGET_OPTIONS: Final = (
    click.option("--target", "url", default="", callback=check_url, metavar="URL", help="The provider."),
    click.option(
        "--rate",
        type=FiniteRange(min=0.001, max=1000),
        default=1.0,
        show_default=True,
        metavar="NUMBER",
        help="Requests a second, at most.",
    ),
    timeout_option("How long to wait for an answer."),
    proxy_option,
    cacert_option,
)


def target_options(command: _Command) -> _Command:
    """Add the options that say where requests go and how; the command gets a `Target` as `target`."""

    def make(url: str, rate: float, timeout: float, proxy: str | None, cacert: str) -> Target:
        return Target(url, rate, timeout, proxy or "", relevant_cacert(url, cacert))

    return with_value(command, "target", make, _TARGET_OPTIONS)


class Save(NamedTuple):
    """The folder of the overlay that a run writes, if any, and the outcomes whose answers it takes over."""

    folder: Path | None
    accepted: tuple[str, ...]


_SAVE_OPTIONS: Final = (
    click.option(
        "--save",
        type=FOLDER,
        metavar="DIR",
        help="Write what was found into this folder, an overlay: answers then say so in Mock-Verified.",
    ),
    click.option(
        "--accept",
        multiple=True,
        metavar="ID",
        help="With --save: write the provider's answer to this outcome as a scenario of the overlay; repeatable.",
    ),
)


def save_options(command: _Command) -> _Command:
    """Add the options of the overlay that a run writes; the command gets a `Save` as `save`."""

    def make(save: Path | None, accept: tuple[str, ...]) -> Save:
        if accept and save is None:
            raise click.UsageError("--accept goes with --save")
        return Save(save, accept)

    return with_value(command, "save", make, _SAVE_OPTIONS)


class Reporting(NamedTuple):
    """The format of a report, the language of a page, and the file that it goes to instead of standard output."""

    form: str
    language: str
    output: Path | None


_REPORTING_OPTIONS: Final = (
    click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True),
    language_option,
    output_option,
)


def reporting_options(command: _Command) -> _Command:
    """Add the options of the report; the command gets a `Reporting` as `reporting`."""
    return with_value(command, "reporting", Reporting, _REPORTING_OPTIONS)
