"""Admin routes about the mock and its sandboxes: health, metrics, reset, list, drop.

Knows what to show of a sandbox; it decides nothing.
"""

from __future__ import annotations

from typing import Final

from mockserver.admin import HEALTH, PREFIX, AdminError, Call, Route, as_json, as_text, refused
from mockserver.contract import Operation, Reply, Scenario
from mockserver.metrics import CONTENT_TYPE
from mockserver.rendering import no_room
from mockserver.sandboxes import Sandbox
from mockserver.values import near
from mockserver.version import __version__


def sandbox_of(call: Call) -> Sandbox:
    """The sandbox that a request is about, made on first use. Raises `AdminError` where there is no room."""
    sandbox = call.engine.sandboxes.use(call.sandbox)
    if sandbox is None:
        raise AdminError(no_room(call.engine.settings.max_sandboxes, call.engine.settings.sandbox_ttl))
    return sandbox


def scenarios_of(call: Call, operation: Operation) -> tuple[Scenario, ...]:
    """The scenarios in force in the sandbox that a request is about, which need not be there."""
    sandbox = call.engine.sandboxes.find(call.sandbox)
    return operation.scenarios if sandbox is None else call.engine.scenarios(operation, sandbox)


def _health(call: Call) -> Reply:
    contract = call.engine.contract
    count = sum(1 for _ in contract.scenarios)
    return as_json({"status": "ok", "version": __version__, "contract": contract.hash, "scenarios": count})


def _reset(call: Call) -> Reply:
    if call.query.get("all", "false") not in ("true", "false"):
        raise refused(400, "bad-parameter", "A query parameter has no usable value", "all is true or false.")
    if call.query.get("all") == "true":
        return as_json({"status": "reset", "sandboxes": sorted(call.engine.reset_all())})
    call.engine.reset(call.sandbox)
    return as_json({"status": "reset", "sandbox": call.sandbox})


def _metrics(call: Call) -> Reply:
    return as_text(call.engine.metrics.text().decode(), CONTENT_TYPE)


def _list(call: Call) -> Reply:
    engine = call.engine
    shown = []
    for name in sorted(engine.sandboxes.names()):
        sandbox = engine.sandboxes.find(name)
        if sandbox is not None:
            shown.append(
                {
                    "name": name,
                    "entries": sum(1 for _ in engine.journal.of(name)),
                    "armed": len(sandbox.armed),
                    "scenarios": sum(len(own) for own in sandbox.scenarios.values()),
                    "incomplete": sandbox.incomplete,
                }
            )
    return as_json({"sandboxes": shown, "most": engine.settings.max_sandboxes})


def _drop(call: Call) -> Reply:
    name = call.parameters["name"]
    if call.engine.sandboxes.find(name) is None:
        spelt = near(name, call.engine.sandboxes.names())
        raise refused(404, "unknown-sandbox", "There is no such sandbox", f"There is no {name}.", did_you_mean=spelt)
    call.engine.reset(name)
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
    Route("GET", f"{PREFIX}/sandboxes", "The sandboxes that are there.", _list),
    Route("DELETE", f"{PREFIX}/sandboxes/{{name}}", "Forget a sandbox and all that is in it.", _drop),
)
