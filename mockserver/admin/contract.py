"""Admin routes about the contract: what is served, its exports, and scenarios added while the mock runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from mockserver.admin.arming import bad_config, operation_of, scenario_of
from mockserver.admin.sandboxes import sandbox_to_change, sandbox_to_read
from mockserver.base.spelling import close_matches
from mockserver.base.values import printable
from mockserver.contract.loading import ConfigError, compile_runtime_scenario
from mockserver.core.contract import Operation, Scenario
from mockserver.core.model import MISSING, Collection
from mockserver.core.reply import Reply
from mockserver.engine.engine import Engine
from mockserver.engine.sample_requests import repeatable_change_example
from mockserver.export.formats import MEDIA_TYPES, render
from mockserver.http_api.api import ADMIN_PREFIX, Call, Route, json_reply, text_reply
from mockserver.http_api.errors import admin_error, require_room, unknown_name
from mockserver.http_api.parameters import bad_parameter
from mockserver.storage.interface import Sandbox
from mockserver.version import __version__


def _operation_row(engine: Engine, operation: Operation) -> dict[str, Any]:
    example = engine.cached(
        ("repeatable", operation.id), lambda: repeatable_change_example(engine.contract, operation, engine.settings)
    )
    return {
        "operation": operation.id,
        "method": operation.method,
        "path": operation.path,
        "parameters": list(operation.parameters),
        "lookups": {lookup.name: lookup.collection.name for lookup in operation.lookups},
        "example": example
        and {
            "path": example.path,
            "query": example.query,
            "body": None if example.body is MISSING else example.body,
        },
    }


def _collection_row(collection: Collection) -> dict[str, Any]:
    return {
        "collection": collection.name,
        "title": dict(collection.title),
        "open": collection.is_open,
        "members": list(collection.members),
        "constant": sorted(collection.constant_seeds),
    }


async def _get_contract(call: Call) -> Reply:
    contract = call.engine.contract
    return json_reply(
        {
            "contract": contract.hash,
            "version": __version__,
            "url": call.operations_url,
            "apart": call.has_own_port,
            "operations": [_operation_row(call.engine, operation) for operation in contract.operations],
            "collections": [_collection_row(collection) for collection in contract.collections.values()],
            "assumptions": contract.assumptions,
            "assumption_texts": {name: dict(texts) for name, texts in contract.assumption_texts.items()},
        }
    )


_CONTRACT_ROUTES: Final = (
    Route(
        "GET",
        f"{ADMIN_PREFIX}/contract",
        "What is served, and where: operations, collections, and assumptions by id.",
        _get_contract,
    ),
)


async def _get_export(call: Call) -> Reply:
    kind = call.parameters["kind"]
    if kind not in MEDIA_TYPES:
        text = f"There is no {printable(kind, 80)}"
        raise unknown_name("export", text, close_matches(kind, MEDIA_TYPES), kinds=[*MEDIA_TYPES])
    engine, mock_parameters = call.engine, call.query.get("mock_parameters")
    if mock_parameters not in ((None, "true", "false") if kind == "openapi" else (None,)):
        raise bad_parameter("mock_parameters is true or false, for openapi.")
    # It runs every example: in a thread other requests are answered meanwhile.
    with_parameters, url = mock_parameters != "false", call.operations_url
    write = partial(render, kind, engine.contract, engine.settings, url, mock_parameters=with_parameters)
    return text_reply(await asyncio.to_thread(write), MEDIA_TYPES[kind])


_EXPORT_ROUTES: Final = (
    Route(
        "GET",
        f"{ADMIN_PREFIX}/export/{{kind}}",
        "The contract with an example of every outcome, as openapi, postman or typescript; or whole, as bundle.",
        _get_export,
        query={"mock_parameters": "false: openapi without the Mock-* request headers, as for a fuzzer"},
        responses={200: "The export."},
        media_types=tuple(dict.fromkeys(media_type.partition(";")[0] for media_type in MEDIA_TYPES.values())),
    ),
)


MAX_RUNTIME_SCENARIOS: Final = 50
"""Run-time scenarios of one sandbox."""

MAX_SCENARIO_BYTES: Final = 65_536
"""Bytes of the text of a run-time scenario."""

_OPERATION_PARAMETER: Final = {"operation": "The operation; needed where the contract has several."}


def _scenario_row(operation: Operation, sandbox: Sandbox, scenario: Scenario) -> dict[str, Any]:
    is_runtime = any(added is scenario for added in sandbox.runtime_scenarios.get(operation.id, ()))
    return {
        "scenario": scenario.id,
        "operation": operation.id,
        "source": scenario.provenance,
        "heading": scenario.heading,
        "run_time": is_runtime,
        "replaces": is_runtime and scenario.id in operation.by_id,
        "when": [[condition.text for condition in alternative.conditions] for alternative in scenario.alternatives],
        "envelope": scenario.envelope.name,
        "changes": [change.lookup.name for change in scenario.changes],
        "note": scenario.note,
        "notes": dict(scenario.notes),
        "verified": scenario.verified.members if scenario.verified is not None else None,
        **scenario.client_advice.members,
    }


async def _list_scenarios(call: Call) -> Reply:
    sandbox = await sandbox_to_read(call)
    name = call.query.get("operation")
    operations = call.engine.contract.operations if name is None else (await operation_of(call, name),)
    rows = [
        _scenario_row(operation, sandbox, scenario)
        for operation in operations
        for scenario in sandbox.scenario_order(operation).scenarios
    ]
    return json_reply({"scenarios": rows})


async def _get_scenario(call: Call) -> Reply:
    name = call.parameters["id"]
    operation = await operation_of(call, call.query.get("operation"), name)
    scenario = await scenario_of(call, operation, name, 404)
    return json_reply(_scenario_row(operation, await sandbox_to_read(call), scenario))


def _claims_json(headers: Mapping[str, str]) -> bool:
    """Whether a request says that its body is JSON."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type in ("application/json", "text/json") or media_type.endswith("+json")


async def _put_scenario(call: Call) -> Reply:
    name, sandbox = call.parameters["id"], await sandbox_to_change(call)
    operation = await operation_of(call, call.query.get("operation"), name)
    if len(call.raw) > MAX_SCENARIO_BYTES:
        detail = f"It has {len(call.raw)} bytes; a scenario has at most {MAX_SCENARIO_BYTES}."
        raise admin_error(413, "scenario-too-large", "The scenario is too large", detail, limit=MAX_SCENARIO_BYTES)
    try:
        scenario = compile_runtime_scenario(operation, call.raw, name, is_json=_claims_json(call.headers))
    except ConfigError as error:
        raise bad_config(error, "scenario") from None
    if name == operation.scenarios[-1].id and not scenario.answers_all:
        detail = (
            f"{name} is the final scenario of {operation.id}, which answers every request that no other does: "
            "expected neither when, nor then, nor a turn with pass."
        )
        raise admin_error(400, "bad-scenario", "The scenario cannot be used", detail)
    added = sandbox.runtime_scenarios.get(operation.id, ())
    is_new = all(other.id != name for other in added)
    if is_new and sum(map(len, sandbox.runtime_scenarios.values())) >= MAX_RUNTIME_SCENARIOS:
        remedy = f"DELETE {ADMIN_PREFIX}/scenarios/ID makes room"
        detail = f"A sandbox takes {MAX_RUNTIME_SCENARIOS} run-time scenarios; {remedy}."
        raise admin_error(409, "too-many-scenarios", "There is no room for one more scenario", detail)
    # A new scenario is tried first; a replaced one keeps its place.
    replaced = tuple(scenario if other.id == name else other for other in added)
    require_room(await sandbox.set_scenarios(operation, (scenario, *replaced) if is_new else replaced, name))
    return json_reply(_scenario_row(operation, sandbox, scenario), 201 if is_new else 200)


async def _delete_scenario(call: Call) -> Reply:
    name, sandbox = call.parameters["id"], await sandbox_to_change(call)
    operation = await operation_of(call, call.query.get("operation"), name)
    added = sandbox.runtime_scenarios.get(operation.id, ())
    if all(scenario.id != name for scenario in added):
        await scenario_of(call, operation, name, 404)
        ids = [scenario.id for scenario in added]
        detail = f"{name} comes from a file; only run-time scenarios can be deleted."
        raise admin_error(409, "scenario-of-a-file", "This scenario cannot be deleted", detail, scenarios=ids)
    await sandbox.set_scenarios(operation, [scenario for scenario in added if scenario.id != name], name)
    return json_reply({"status": "taken away", "scenario": name})


_SCENARIO_ROUTES: Final = (
    Route(
        "GET",
        f"{ADMIN_PREFIX}/scenarios",
        "The scenarios in force, in order.",
        _list_scenarios,
        query=_OPERATION_PARAMETER,
    ),
    Route(
        "GET", f"{ADMIN_PREFIX}/scenarios/{{id}}", "One scenario in force.", _get_scenario, query=_OPERATION_PARAMETER
    ),
    Route(
        "PUT",
        f"{ADMIN_PREFIX}/scenarios/{{id}}",
        "Add or replace a scenario of the sandbox as in a file: JSON where the Content-Type says so, otherwise YAML. A "
        "new one is tried first; one with the id of a scenario of a file takes its place.",
        _put_scenario,
        raw_body=("application/yaml", "application/json"),
        query=_OPERATION_PARAMETER,
        responses={201: "The added scenario.", 200: "The scenario that replaced a run-time one."},
    ),
    Route(
        "DELETE",
        f"{ADMIN_PREFIX}/scenarios/{{id}}",
        "Delete a run-time scenario.",
        _delete_scenario,
        query=_OPERATION_PARAMETER,
    ),
)

ROUTES: Final = (*_CONTRACT_ROUTES, *_SCENARIO_ROUTES, *_EXPORT_ROUTES)
