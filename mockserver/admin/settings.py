"""Admin routes about the clock and the settings of a sandbox.

Knows which settings a sandbox has of its own; what each means is described in the format of contract files.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from mockserver.admin.api import PREFIX, Call, Route, as_json, refused
from mockserver.admin.arming import understood
from mockserver.admin.sandboxes import sandbox_of
from mockserver.contract.loading import CONTRACT_FORMAT, shipped
from mockserver.contract.sources import read_json
from mockserver.core.directives import nanoseconds
from mockserver.core.instants import parse_instant, utc_millis
from mockserver.core.reply import Reply
from mockserver.storage.interface import Clock

OWN: Final = ("error_status", "mock_headers", "require_headers", "seed", "utc_offset", "max_depth")
"""The settings that a sandbox can have of its own; the others are the server's."""

_EARLIEST, _LATEST = parse_instant("0001-01-02T00:00:00Z"), parse_instant("9999-12-30T00:00:00Z")


def _format() -> dict[str, Any]:
    """The JSON Schema of these settings, as contract files have it."""
    all_settings = read_json(shipped() / "schemas" / CONTRACT_FORMAT, "").data["properties"]["settings"]["properties"]
    return {"type": "object", "additionalProperties": False, "properties": {n: all_settings[n] for n in OWN}}


async def _settings(call: Call) -> Reply:
    settings = asdict((await sandbox_of(call)).settings)
    return as_json({name: settings[name] for name in OWN})


async def _configure(call: Call) -> Reply:
    sandbox = await sandbox_of(call)
    given = dict(call.body)
    if "require_headers" in given:
        given["require_headers"] = tuple(given["require_headers"])
    await sandbox.configure(given)
    return await _settings(call)


_CLOCK: Final = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        "freeze": {"description": 'Stand still at this RFC 3339 instant, or at "now".', "type": "string"},
        "set": {"description": "Run on from this RFC 3339 instant.", "type": "string"},
        "advance": {
            "description": "Go forward by a duration such as 90s, 15m, 2h or 1d (back, with a minus), standing or not.",
            "type": "string",
        },
        "real": {"description": "Back to the server's clock, which --clock freezes.", "const": True},
    },
}


async def _clock(call: Call) -> Reply:
    clock = (await sandbox_of(call)).clock
    mode = "frozen" if clock.frozen_ns is not None else "shifted" if clock.offset_ns else "real"
    now = clock.read(call.engine.clock())
    return as_json({"now": utc_millis(now), "now_ns": str(now), "mode": mode})


async def _set_clock(call: Call) -> Reply:
    sandbox, real = await sandbox_of(call), call.engine.clock()
    ((how, what),) = call.body.items()
    await sandbox.set_clock(_changed_clock(sandbox.clock, real, how, what))
    return await _clock(call)


def _changed_clock(clock: Clock, real: int, how: str, what: Any) -> Clock:
    """The clock after a change; `real` is the server's time. Raises `AdminError`."""
    if how == "real":
        return Clock()
    now = clock.read(real)
    if how == "advance":
        by_ns = understood(nanoseconds, what)
        _within(now + by_ns)
        if clock.frozen_ns is not None:
            return Clock(frozen_ns=clock.frozen_ns + by_ns)
        return Clock(offset_ns=clock.offset_ns + by_ns)
    instant = now if (how, what) == ("freeze", "now") else _instant(what)
    return Clock(frozen_ns=instant) if how == "freeze" else Clock(offset_ns=instant - real)


def _instant(text: str) -> int:
    try:
        instant = parse_instant(text)
    except ValueError as error:
        raise refused(400, "bad-instant", "An instant cannot be understood", f"{error}.") from None
    _within(instant)
    return instant


def _within(instant: int) -> None:
    if not _EARLIEST <= instant <= _LATEST:
        detail = "A clock stands between the years 1 and 9999."
        raise refused(400, "bad-instant", "An instant is out of bounds", detail)


ROUTES: Final = (
    Route("GET", f"{PREFIX}/settings", "The settings that the sandbox has of its own.", _settings),
    Route(
        "PUT",
        f"{PREFIX}/settings",
        "Change some of them, until a reset; a seed begins the generated ids again.",
        _configure,
        body=_format(),
        answers={200: "The settings as they are now."},
    ),
    Route("GET", f"{PREFIX}/clock", "The time of the sandbox.", _clock),
    Route(
        "PUT",
        f"{PREFIX}/clock",
        "Freeze, set or advance the time of the sandbox, or let it be real again.",
        _set_clock,
        body=_CLOCK,
        answers={200: "The time of the sandbox now."},
    ),
)
