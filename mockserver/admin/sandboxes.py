"""Admin routes of the server and its sandboxes: health, metrics, reset, reload, settings, clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any, Final

from mockserver.base.address import HEALTH
from mockserver.base.instants import is_clock_time, parse_instant, utc_millis
from mockserver.base.spelling import close_matches
from mockserver.base.values import printable
from mockserver.contract.folders import CONTRACT_SCHEMA_FILE
from mockserver.contract.loading import shipped_folder
from mockserver.core.contract import Operation, Reload, Scenario
from mockserver.core.directives import parse_time_span
from mockserver.core.model import Settings
from mockserver.core.problems import no_room_for_sandbox, problem
from mockserver.core.reply import Reply
from mockserver.engine.engine import Engine, FrozenClock
from mockserver.engine.metrics import CONTENT_TYPE
from mockserver.entries.journal_entry import EntrySettings
from mockserver.files.sources import read_json
from mockserver.http_api.api import ADMIN_PREFIX, Call, Route, json_reply, text_reply
from mockserver.http_api.errors import AdminError, admin_error, parse_spec, unknown_name
from mockserver.http_api.parameters import bool_parameter
from mockserver.storage.interface import Sandbox, SandboxClock
from mockserver.variation.setting import check_variation
from mockserver.version import __version__

MAX_ERRORS_SHOWN: Final = 20
"""Errors of files in an answer; the log has all of them."""


async def sandbox_to_change(call: Call) -> Sandbox:
    """The sandbox of an admin request that changes it, made on first use. Raises `AdminError` where it has no room."""
    return _with_room(call, await call.engine.storage.use_sandbox(call.sandbox))


async def sandbox_to_read(call: Call) -> Sandbox:
    """The sandbox, or what a new one would be: a `GET` makes none, as any web page can send it."""
    return _with_room(call, await call.engine.storage.peek(call.sandbox))


def _with_room(call: Call, sandbox: Sandbox | None) -> Sandbox:
    if sandbox is None:
        raise AdminError(no_room_for_sandbox(call.engine.settings))
    return sandbox


async def unknown_sandbox(call: Call, name: str) -> AdminError:
    """Make the error of a sandbox that does not exist."""
    near = close_matches(name, await call.engine.storage.sandbox_names())
    return unknown_name("sandbox", f"There is no sandbox {printable(name, 80)}", near)


async def settings_of(engine: Engine, sandbox: str) -> Settings:
    """The settings of a sandbox; those of the server where there is no such sandbox."""
    found = await engine.storage.find(sandbox)
    return engine.settings if found is None else found.settings


async def scenarios_of(call: Call, operation: Operation) -> tuple[Scenario, ...]:
    """The scenarios in force in the sandbox of an admin request; this does not make the sandbox."""
    sandbox = await call.engine.storage.find(call.sandbox)
    return operation.scenarios if sandbox is None else sandbox.scenario_order(operation).scenarios


async def _get_health(call: Call) -> Reply:
    await call.engine.storage.check()
    contract = call.engine.contract
    count = sum(1 for _ in contract.scenarios)
    health = {"status": "ok", "version": __version__, "contract": contract.hash, "scenarios": count}
    last_reload = call.engine.last_reload
    if last_reload is None:
        return json_reply(health)
    # Counts alone: this route needs no token, and errors quote the files.
    counts = {"errors": len(last_reload.errors), "notes": len(last_reload.notes)}
    return json_reply({**health, "reload": {**_reload_status(last_reload), **counts}})


def _reload_status(reload: Reload) -> dict[str, Any]:
    return {"status": "failed" if reload.errors else "ok", "at": utc_millis(reload.at_ns)}


async def _get_last_reload(call: Call) -> Reply:
    reload = call.engine.last_reload
    if reload is None:
        return json_reply({"status": "none", "errors": [], "notes": []})
    errors = reload.errors[:MAX_ERRORS_SHOWN]
    return json_reply({**_reload_status(reload), "errors": errors, "notes": reload.notes})


async def _reload(call: Call) -> Reply:
    reload, engine = call.engine.reload, call.engine
    if reload is None:
        detail = "This server was started with a contract in memory."
        raise admin_error(409, "no-files", "There are no files to load again", detail)
    result = await reload()
    if not result.errors:
        return json_reply({"status": "reloaded", "contract": engine.contract.hash, "notes": result.notes})
    first = result.errors[0]
    detail = f"{first['at']}: {first['what']}; the contract stays as it was.".removeprefix(": ")
    errors = result.errors[:MAX_ERRORS_SHOWN]
    return problem(409, "bad-contract", "The files are not a valid contract", detail, errors=errors)


async def _reset(call: Call) -> Reply:
    if bool_parameter(call, "all"):
        return json_reply({"status": "reset", "sandboxes": sorted(await call.engine.storage.reset_all())})
    existed = await call.engine.storage.reset(call.sandbox)
    await sandbox_to_change(call)
    note = {} if existed or not call.sandbox else {"note": "There was no such sandbox; it was made."}
    return json_reply({"status": "reset", "sandbox": call.sandbox, **note})


async def _get_metrics(call: Call) -> Reply:
    return text_reply(call.engine.metrics.text(await call.engine.storage.gauges()).decode(), CONTENT_TYPE)


async def _list_sandboxes(call: Call) -> Reply:
    storage = call.engine.storage
    entries = Counter(entry.sandbox for entry in await storage.entries(None))
    rows = [
        {
            "name": sandbox.name,
            "entries": entries[sandbox.name],
            "armed": len(sandbox.armed),
            "scenarios": sum(map(len, sandbox.runtime_scenarios.values())),
            "incomplete": sandbox.evicted_before,
        }
        for sandbox in sorted(await storage.sandboxes(), key=lambda sandbox: sandbox.name)
    ]
    return json_reply({"sandboxes": rows, "most": call.engine.settings.max_sandboxes})


async def _delete_sandbox(call: Call) -> Reply:
    name = call.parameters["name"]
    if await call.engine.storage.find(name) is None:
        raise await unknown_sandbox(call, name)
    await call.engine.storage.reset(name)
    return json_reply({"status": "dropped", "sandbox": name})


_SANDBOX_ROUTES: Final = (
    Route("GET", HEALTH, "Whether the server is up, its version and its contract.", _get_health, is_public=True),
    Route(
        "GET",
        f"{ADMIN_PREFIX}/metrics",
        "Requests, problems, latency, sandboxes, journal and armed outcomes as Prometheus text.",
        _get_metrics,
        responses={200: "The text form, version 0.0.4."},
        media_types=(CONTENT_TYPE,),
    ),
    Route(
        "POST",
        f"{ADMIN_PREFIX}/reset",
        "Bring the sandbox back to its seeds and settings; nothing is armed or counted, and its journal is empty.",
        _reset,
        query={"all": "true: every sandbox, and the counts in total"},
    ),
    Route(
        "GET",
        f"{ADMIN_PREFIX}/reload",
        "The last reload: errors of the files, and what sandboxes lost.",
        _get_last_reload,
    ),
    Route(
        "POST",
        f"{ADMIN_PREFIX}/reload",
        "Load the files of the contract again; files with errors change nothing. --watch does so by itself.",
        _reload,
        responses={
            200: "They are served from now on; anything of a sandbox that was dropped is listed in notes.",
            409: "They are not a valid contract, with errors; or there are no files.",
        },
    ),
    Route("GET", f"{ADMIN_PREFIX}/sandboxes", "All sandboxes.", _list_sandboxes),
    Route("DELETE", f"{ADMIN_PREFIX}/sandboxes/{{name}}", "Delete a sandbox and all that is in it.", _delete_sandbox),
)


# -- settings and clock ---------------------------------------------------------------------------------

SANDBOX_SETTING_NAMES: Final = EntrySettings.__struct_fields__
"""The settings that a sandbox can change; the others are the server's."""


def _settings_schema() -> dict[str, Any]:
    """The JSON Schema of these settings, taken from that of contract files."""
    settings = read_json(shipped_folder() / "schemas" / CONTRACT_SCHEMA_FILE, "").data["properties"]["settings"]
    properties = {name: settings["properties"][name] for name in SANDBOX_SETTING_NAMES}
    return {"type": "object", "additionalProperties": False, "properties": properties}


async def _get_settings(call: Call) -> Reply:
    settings = asdict((await sandbox_to_read(call)).settings)
    return json_reply({name: settings[name] for name in SANDBOX_SETTING_NAMES})


async def _configure(call: Call) -> Reply:
    parse_spec(check_variation, call.body.get("vary", ""))
    sandbox = await sandbox_to_change(call)
    await sandbox.configure({n: tuple(v) if isinstance(v, list) else v for n, v in call.body.items()})
    return await _get_settings(call)


_CLOCK: Final = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        "freeze": {"description": 'Stop at this RFC 3339 instant, or at "now".', "type": "string"},
        "set": {"description": "Continue from this RFC 3339 instant.", "type": "string"},
        "advance": {
            "description": "Go forward by a duration such as 90s, 15m, 2h or 1d (back with a minus), stopped or not.",
            "type": "string",
        },
        "real": {"description": "Go back to the server's clock, which --clock freezes.", "const": True},
    },
}


async def _get_clock(call: Call) -> Reply:
    clock = (await sandbox_to_read(call)).clock
    is_frozen = clock.frozen_ns is not None or isinstance(call.engine.clock, FrozenClock)
    mode = "frozen" if is_frozen else "shifted" if clock.offset_ns else "real"
    now = clock.read(call.engine.clock())
    return json_reply({"now": utc_millis(now), "now_ns": str(now), "mode": mode})


async def _set_clock(call: Call) -> Reply:
    sandbox, real_ns = await sandbox_to_change(call), call.engine.clock()
    ((action, value),) = call.body.items()
    await sandbox.set_clock(_changed_clock(sandbox.clock, real_ns, action, value))
    return await _get_clock(call)


def _changed_clock(clock: SandboxClock, real_ns: int, action: str, value: Any) -> SandboxClock:
    """The clock after a change; `real_ns` is the server's time. Raises `AdminError`."""
    if action == "real":
        return SandboxClock()
    now = clock.read(real_ns)
    if action == "advance":
        advance_ns = parse_spec(parse_time_span, value)
        _check_bounds(now + advance_ns)
        if clock.frozen_ns is not None:
            return SandboxClock(frozen_ns=clock.frozen_ns + advance_ns)
        return SandboxClock(offset_ns=clock.offset_ns + advance_ns)
    instant = now if (action, value) == ("freeze", "now") else _instant(value)
    return SandboxClock(frozen_ns=instant) if action == "freeze" else SandboxClock(offset_ns=instant - real_ns)


def _instant(text: str) -> int:
    try:
        instant = parse_instant(text)
    except ValueError as error:
        raise admin_error(400, "bad-instant", "An instant cannot be used", f"{error}.") from None
    _check_bounds(instant)
    return instant


def _check_bounds(instant: int) -> None:
    if not is_clock_time(instant):
        detail = "Expected an instant from 0001-01-02 to 9999-12-30."
        raise admin_error(400, "bad-instant", "An instant cannot be used", detail)


_SETTING_ROUTES: Final = (
    Route("GET", f"{ADMIN_PREFIX}/settings", "The settings that a sandbox can change.", _get_settings),
    Route(
        "PUT",
        f"{ADMIN_PREFIX}/settings",
        "Change some of them until the next reset; a new seed restarts the generated ids, vary the count of requests.",
        _configure,
        body=_settings_schema(),
        responses={200: "The settings after the change."},
    ),
    Route("GET", f"{ADMIN_PREFIX}/clock", "The time of the sandbox.", _get_clock),
    Route(
        "PUT",
        f"{ADMIN_PREFIX}/clock",
        "Freeze, set or advance the time of the sandbox, or return to real time.",
        _set_clock,
        body=_CLOCK,
        responses={200: "The time of the sandbox after the change."},
    ),
)

ROUTES: Final = (*_SANDBOX_ROUTES, *_SETTING_ROUTES)
