"""Admin routes about the contract: what is served, its exports, and scenarios added while the mock runs."""

from __future__ import annotations

from typing import Any, Final

from mockserver.admin.api import PREFIX, Call, Route, as_json, as_text, refused
from mockserver.admin.arming import bad_config, operation_of, scenario_of
from mockserver.admin.sandboxes import sandbox_of
from mockserver.contract.loading import ConfigError, compile_runtime_scenario
from mockserver.core.contract import Operation, Scenario
from mockserver.core.model import Collection
from mockserver.core.reply import Reply
from mockserver.core.spelling import close_matches, did_you_mean_sentence
from mockserver.core.values import printable
from mockserver.export.formats import EXPORTS
from mockserver.storage.interface import Sandbox
from mockserver.version import __version__


def _operation_row(operation: Operation) -> dict[str, Any]:
    return {
        "operation": operation.id,
        "method": operation.method,
        "path": operation.path,
        "parameters": list(operation.parameters),
        "lookups": {lookup.name: lookup.collection.name for lookup in operation.lookups},
    }


def _collection_row(collection: Collection) -> dict[str, Any]:
    return {"collection": collection.name, "open": collection.open, "members": list(collection.members)}


async def _contract(call: Call) -> Reply:
    contract = call.engine.contract
    return as_json(
        {
            "contract": contract.hash,
            "version": __version__,
            "url": call.url,
            "apart": call.apart,
            "operations": [_operation_row(one) for one in contract.operations],
            "collections": [_collection_row(one) for one in contract.collections.values()],
            "assumptions": dict(contract.assumptions),
        }
    )


_CONTRACT_ROUTES: Final = (
    Route(
        "GET",
        f"{PREFIX}/contract",
        "What is served, and where: the operations, the collections and the open points by id.",
        _contract,
    ),
)


async def _export(call: Call) -> Reply:
    kind = call.parameters["kind"]
    if kind not in EXPORTS:
        spelt = close_matches(kind, EXPORTS)
        detail = f"There is no {printable(kind, 80)}.{did_you_mean_sentence(spelt)}"
        raise refused(
            404, "unknown-export", "There is no such export", detail, did_you_mean=list(spelt), kinds=[*EXPORTS]
        )
    export, media = EXPORTS[kind]
    return as_text(export(call.engine.contract, call.engine.settings, call.url), media)


_EXPORT_ROUTES: Final = (
    Route(
        "GET",
        f"{PREFIX}/export/{{kind}}",
        "The contract that is served, with an example of every outcome, as openapi, postman or typescript.",
        _export,
        answers={200: "The export."},
    ),
)


MOST_SCENARIOS: Final = 50
"""How many run-time scenarios a sandbox takes."""

LONGEST_SCENARIO: Final = 65_536
"""Bytes of the text of one."""

_OPERATION_PARAMETER: Final = {"operation": "The operation; needed where the contract has several."}


def _scenario_row(operation: Operation, sandbox: Sandbox, scenario: Scenario) -> dict[str, Any]:
    own = any(one is scenario for one in sandbox.runtime_scenarios.get(operation.id, ()))
    return {
        "scenario": scenario.id,
        "operation": operation.id,
        "source": scenario.source,
        "heading": scenario.heading,
        "run_time": own,
        "replaces": own and scenario.id in operation.by_id,
        "when": [[condition.text for condition in way.conditions] for way in scenario.alternatives],
        "envelope": scenario.envelope.name,
        "changes": [change.lookup.name for change in scenario.changes],
        "note": scenario.note,
    }


async def _list_scenarios(call: Call) -> Reply:
    sandbox = await sandbox_of(call)
    name = call.query.get("operation")
    operations = call.engine.contract.operations if name is None else (await operation_of(call, name),)
    rows = [_scenario_row(o, sandbox, scenario) for o in operations for scenario in sandbox.order(o).scenarios]
    return as_json({"scenarios": rows})


async def _one_scenario(call: Call) -> Reply:
    name = call.parameters["id"]
    operation = await operation_of(call, call.query.get("operation"), name)
    scenario = await scenario_of(call, operation, name, 404)
    return as_json(_scenario_row(operation, await sandbox_of(call), scenario))


async def _put_scenario(call: Call) -> Reply:
    name, sandbox = call.parameters["id"], await sandbox_of(call)
    operation = await operation_of(call, call.query.get("operation"), name)
    if len(call.raw) > LONGEST_SCENARIO:
        detail = f"It has {len(call.raw)} bytes; a scenario has at most {LONGEST_SCENARIO}."
        raise refused(413, "scenario-too-large", "The scenario is too large", detail, limit=LONGEST_SCENARIO)
    try:
        scenario = compile_runtime_scenario(operation, call.raw, name)
    except ConfigError as error:
        raise bad_config(error, "scenario") from None
    if name == operation.scenarios[-1].id and not scenario.answers_all:
        detail = (
            f"{name} answers whatever no other scenario of {operation.id} does, so that what replaces it has "
            "neither when nor then, and no turn with pass."
        )
        raise refused(400, "bad-scenario", "The final scenario has to answer everything", detail)
    own = sandbox.runtime_scenarios.get(operation.id, ())
    new = all(one.id != name for one in own)
    if new and sum(map(len, sandbox.runtime_scenarios.values())) >= MOST_SCENARIOS:
        detail = f"A sandbox takes {MOST_SCENARIOS} scenarios at run time; DELETE {PREFIX}/scenarios/ID makes room."
        raise refused(409, "too-many-scenarios", "There is no room for one more scenario", detail)
    # A new one goes first; one that was there keeps its place.
    kept = tuple(scenario if one.id == name else one for one in own)
    await sandbox.set_scenarios(operation, (scenario, *kept) if new else kept, name)
    return as_json(_scenario_row(operation, sandbox, scenario), 201 if new else 200)


async def _delete_scenario(call: Call) -> Reply:
    name, sandbox = call.parameters["id"], await sandbox_of(call)
    operation = await operation_of(call, call.query.get("operation"), name)
    own = sandbox.runtime_scenarios.get(operation.id, ())
    if all(scenario.id != name for scenario in own):
        await scenario_of(call, operation, name, 404)
        there = [scenario.id for scenario in own]
        detail = f"{name} stands in a file; only what was added while the mock runs can be taken away."
        raise refused(409, "scenario-of-a-file", "This scenario cannot be taken away", detail, scenarios=there)
    await sandbox.set_scenarios(operation, [scenario for scenario in own if scenario.id != name], name)
    return as_json({"status": "taken away", "scenario": name})


_SCENARIO_ROUTES: Final = (
    Route(
        "GET", f"{PREFIX}/scenarios", "The scenarios in force, in order.", _list_scenarios, query=_OPERATION_PARAMETER
    ),
    Route("GET", f"{PREFIX}/scenarios/{{id}}", "One scenario in force.", _one_scenario, query=_OPERATION_PARAMETER),
    Route(
        "PUT",
        f"{PREFIX}/scenarios/{{id}}",
        "Add a scenario to the sandbox, or replace it: YAML or JSON as in a file. A new one is tried first; one of "
        "the id of a file's scenario stands in its place.",
        _put_scenario,
        query=_OPERATION_PARAMETER,
        answers={201: "The scenario, which is new.", 200: "The scenario, which replaced a run-time one."},
    ),
    Route(
        "DELETE",
        f"{PREFIX}/scenarios/{{id}}",
        "Take a run-time scenario away again.",
        _delete_scenario,
        query=_OPERATION_PARAMETER,
    ),
)

ROUTES: Final = (*_CONTRACT_ROUTES, *_SCENARIO_ROUTES, *_EXPORT_ROUTES)
