"""Admin routes about the mock and its sandboxes: health, metrics, reset, list, drop.

Knows what to show of a sandbox; it decides nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from mockserver.admin.api import PREFIX, AdminError, Call, Route, as_json, as_text, refused
from mockserver.core.address import HEALTH
from mockserver.core.contract import Operation, Reload, Scenario
from mockserver.core.instants import utc_millis
from mockserver.core.problems import no_room, problem
from mockserver.core.reply import Reply
from mockserver.core.values import close_matches
from mockserver.engine.metrics import CONTENT_TYPE
from mockserver.storage.interface import Sandbox
from mockserver.version import __version__

MOST_ERRORS: Final = 20
"""How much of what is wrong in files is shown; the log has all of it."""


async def sandbox_of(call: Call) -> Sandbox:
    """The sandbox that a request is about, made on first use. Raises `AdminError` where there is no room."""
    sandbox = await call.engine.storage.sandbox(call.sandbox)
    if sandbox is None:
        raise AdminError(no_room(call.engine.settings))
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
            "scenarios": sum(len(own) for own in sandbox.added.values()),
            "incomplete": sandbox.incomplete,
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


ROUTES: Final = (
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
