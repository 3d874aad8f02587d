"""Admin routes about the mock and its sandboxes: health, metrics, reset, list, drop, settings, clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any, Final

from mockserver.admin.api import PREFIX, AdminError, Call, Route, as_json, as_text, refused, understood
from mockserver.contract.loading import CONTRACT_FORMAT, shipped
from mockserver.contract.sources import read_json
from mockserver.core.address import HEALTH
from mockserver.core.contract import Operation, Reload, Scenario
from mockserver.core.directives import parse_time_span
from mockserver.core.instants import parse_instant, utc_millis
from mockserver.core.problems import no_room_for_sandbox, problem
from mockserver.core.reply import Reply
from mockserver.core.spelling import close_matches
from mockserver.engine.metrics import CONTENT_TYPE
from mockserver.storage.interface import Clock, Sandbox
from mockserver.version import __version__

MOST_ERRORS: Final = 20
"""How much of what is wrong in files is shown; the log has all of it."""


async def sandbox_of(call: Call) -> Sandbox:
    """The sandbox that a request is about, made on first use. Raises `AdminError` where there is no room."""
    sandbox = await call.engine.storage.sandbox(call.sandbox)
    if sandbox is None:
        raise AdminError(no_room_for_sandbox(call.engine.settings))
    return sandbox


async def scenarios_of(call: Call, operation: Operation) -> tuple[Scenario, ...]:
    """The scenarios in force in the sandbox that a request is about, which need not be there."""
    sandbox = await call.engine.storage.find(call.sandbox)
    return operation.scenarios if sandbox is None else sandbox.order(operation).scenarios


async def _health(call: Call) -> Reply:
    contract = call.engine.contract
    count = sum(1 for _ in contract.scenarios)
    health = {"status": "ok", "version": __version__, "contract": contract.hash, "scenarios": count}
    last = call.engine.last_reload
    return as_json(health if last is None else {**health, "reload": _shown(last)})


def _shown(reload: Reload) -> dict[str, Any]:
    status, errors = "failed" if reload.errors else "ok", reload.errors[:MOST_ERRORS]
    return {"status": status, "at": utc_millis(reload.at_ns), "errors": errors, "notes": reload.notes}


async def _reload(call: Call) -> Reply:
    again, engine = call.engine.reload, call.engine
    if again is None:
        detail = "This server was started with a contract in memory."
        raise refused(409, "no-files", "There are no files to load anew", detail)
    done = await again()
    if not done.errors:
        return as_json({"status": "reloaded", "contract": engine.contract.hash, "notes": done.notes})
    first = done.errors[0]
    detail = f"{first['at']}: {first['what']}; the contract stays as it was.".removeprefix(": ")
    errors = done.errors[:MOST_ERRORS]
    return problem(409, "bad-contract", "The files make no contract", detail, errors=errors)


async def _reset(call: Call) -> Reply:
    if call.query.get("all", "false") not in ("true", "false"):
        raise refused(400, "bad-parameter", "A query parameter has no usable value", "all is true or false.")
    if call.query.get("all") == "true":
        return as_json({"status": "reset", "sandboxes": sorted(await call.engine.storage.reset_all())})
    await call.engine.storage.reset(call.sandbox)
    return as_json({"status": "reset", "sandbox": call.sandbox})


async def _metrics(call: Call) -> Reply:
    return as_text(call.engine.metrics.text().decode(), CONTENT_TYPE)


async def _list(call: Call) -> Reply:
    storage = call.engine.storage
    entries = Counter(entry.sandbox for entry in await storage.entries(None))
    shown = [
        {
            "name": sandbox.name,
            "entries": entries[sandbox.name],
            "armed": len(sandbox.armed),
            "scenarios": sum(len(own) for own in sandbox.runtime_scenarios.values()),
            "incomplete": sandbox.evicted_before,
        }
        for sandbox in sorted(await storage.sandboxes(), key=lambda one: one.name)
    ]
    return as_json({"sandboxes": shown, "most": call.engine.settings.max_sandboxes})


async def _drop(call: Call) -> Reply:
    name = call.parameters["name"]
    if await call.engine.storage.find(name) is None:
        spelt = close_matches(name, await call.engine.storage.names())
        raise refused(404, "unknown-sandbox", "There is no such sandbox", f"There is no {name}.", did_you_mean=spelt)
    await call.engine.storage.reset(name)
    return as_json({"status": "dropped", "sandbox": name})


_SANDBOX_ROUTES: Final = (
    Route("GET", HEALTH, "Whether the mock is well, its version and its contract.", _health, is_open=True),
    Route(
        "GET",
        f"{PREFIX}/metrics",
        "Requests, problems, latency, sandboxes, journal and armed outcomes as Prometheus text.",
        _metrics,
        answers={200: "The text form, version 0.0.4."},
        media=CONTENT_TYPE,
    ),
    Route(
        "POST",
        f"{PREFIX}/reset",
        "Bring the sandbox back to its seeds and settings, nothing armed or counted, its journal empty.",
        _reset,
        query={"all": "true: every sandbox, and what is counted in total"},
    ),
    Route(
        "POST",
        f"{PREFIX}/reload",
        "Load the files of the contract anew, in one step; bad ones change nothing. --watch does so by itself.",
        _reload,
        answers={
            200: "They are served from now on; notes tell what sandboxes had that has no place any more.",
            409: "They make no contract; errors tell why. Or there are no files.",
        },
    ),
    Route("GET", f"{PREFIX}/sandboxes", "The sandboxes that are there.", _list),
    Route("DELETE", f"{PREFIX}/sandboxes/{{name}}", "Forget a sandbox and all that is in it.", _drop),
)


# -- settings and clock ---------------------------------------------------------------------------------

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
        by_ns = understood(parse_time_span, what)
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


_SETTING_ROUTES: Final = (
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

ROUTES: Final = (*_SANDBOX_ROUTES, *_SETTING_ROUTES)
