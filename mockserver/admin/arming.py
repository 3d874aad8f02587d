"""Admin routes that arm scenarios, faults and delays for the next matching requests of a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mockserver.admin.sandboxes import sandbox_to_change, sandbox_to_read, scenarios_of
from mockserver.base.spelling import close_matches
from mockserver.base.values import printable
from mockserver.contract.loading import ConfigError, compile_runtime_conditions
from mockserver.core.codes import has_name, is_code, near_names, scenario_by_code
from mockserver.core.contract import Operation, Scenario, Turn, Turns
from mockserver.core.directives import FAULT_SETTINGS, parse_delay, parse_fault
from mockserver.core.faults import FAULTS
from mockserver.core.reply import Reply
from mockserver.decision.view import ArmedOutcome
from mockserver.http_api.api import ADMIN_PREFIX, Call, Route, json_reply
from mockserver.http_api.errors import AdminError, admin_error, parse_spec, require_room, unknown_name

MAX_ARMED: Final = 100
"""Armed outcomes of one sandbox."""

_FALLBACK_NOTE: Final = "This server records: what is armed answers only while there is no connection to the provider."


def _fault_example(kind: str) -> dict[str, Any]:
    """A kind of fault with its settings at their defaults."""
    fault = parse_fault(kind)
    return {"kind": kind, **{name: getattr(fault, name) for name in FAULT_SETTINGS.get(kind, ())}}


_OUTCOME: Final[Mapping[str, Any]] = {
    "scenario": {
        "description": "The id of the scenario that answers, or code=1042 for the one with this code; it changes no "
        "records.",
        "type": "string",
    },
    "fault": {
        "description": "What goes wrong: the name of a kind, or an object with kind and its settings.",
        "type": ["string", "object"],
        "examples": [_fault_example(kind) for kind in FAULTS],
    },
    "commit": {
        "description": "Whether the changes of the request are kept although the fault takes its answer.",
        "type": "boolean",
    },
    "delay": {
        "description": "How long the answer takes: 1500ms, {uniform: [from, to]}, {lognormal: {median, sigma, cap}}.",
        "type": ["string", "number", "object"],
    },
}

_ARM_BODY: Final[Mapping[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **_OUTCOME,
        "operation": {"description": "The operation; needed where the contract has several.", "type": "string"},
        "times": {
            "description": 'How many matching requests get it, or "always"; 1 by default.',
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 1_000_000,
            "pattern": "^always$",
            "x-expected": {"en": 'a number or "always"'},
        },
        "when": {
            "description": "Conditions as in a scenario file; without them every request matches.",
            "type": "object",
        },
        "responses": {
            "description": "What the matching requests get in turn, until disarmed. {pass: true}: the ordinary answer.",
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    **_OUTCOME,
                    "pass": {"description": "The ordinary answer.", "const": True},
                    "times": {"description": "For how many requests.", "type": "integer", "minimum": 1},
                },
            },
        },
        "repeat": {
            "description": "What follows the last of the responses: the last one again (last), or the first (cycle).",
            "enum": ["last", "cycle"],
        },
    },
}


async def operation_of(call: Call, name: str | None, scenario: str | None = None) -> Operation:
    """The operation of this name; without a name the only one, or the only one with the scenario.

    Raises `AdminError`.
    """
    operations = call.engine.contract.operations
    names = [operation.id for operation in operations]
    if name is not None:
        found = [operation for operation in operations if operation.id == name]
        if not found:
            text, near = f"There is no {printable(name, 80)}", close_matches(name, names)
            raise unknown_name("operation", text, near, 400, operations=names)
        return found[0]
    found = [one for one in operations if any(has_name(s, scenario) for s in await scenarios_of(call, one))]
    if len(operations) > 1 and len(found) != 1:
        detail = f"Expected operation, one of {', '.join(names)}; got none."
        raise admin_error(
            400, "operation-needed", "The contract has several operations: name one", detail, operations=names
        )
    return (found or operations)[0]


async def scenario_of(call: Call, operation: Operation, name: str, status: int = 400) -> Scenario:
    """The scenario in force with this id, or code as `code=1042`. Raises `AdminError` with close matches."""
    scenarios = await scenarios_of(call, operation)
    if is_code(name):
        by_code = scenario_by_code(name, scenarios)
        if isinstance(by_code, Reply):
            raise AdminError(by_code)
        return by_code
    found = next((scenario for scenario in scenarios if scenario.id == name), None)
    if found is None:
        names, text = [scenario.id for scenario in scenarios], f"There is no {printable(name, 80)} in {operation.id}"
        raise unknown_name("scenario", text, near_names(name, scenarios), status, scenarios=names)
    return found


def bad_config(error: ConfigError, part: str) -> AdminError:
    """Make the error of a part of a scenario file, with all that is wrong in it."""
    first = error.diagnostics[0]
    detail = f"{first.position}: {first.what}; expected {first.expected}" + (
        f"; {first.hint}" if first.hint.startswith("did you mean") else "."
    )
    return admin_error(400, f"bad-{part}", f"The {part} cannot be used", detail, errors=error.as_json)


def _bad_arming(detail: str) -> AdminError:
    return admin_error(400, "bad-arming", "The arming cannot be used", detail)


async def _parse_turn(call: Call, operation: Operation, spec: Mapping[str, Any]) -> Turn:
    if ("pass" in spec) == any(name in spec for name in ("scenario", "fault", "delay")):
        alone = ", or pass: true alone." if "pass" in spec else "."
        raise _bad_arming(f"Give a scenario, a fault or a delay{alone}")
    fault = spec.get("fault")
    if "commit" in spec:
        if fault is None:
            raise _bad_arming("commit keeps the changes of a request whose answer a fault takes: give a fault as well.")
        fault = {**(fault if isinstance(fault, dict) else {"kind": fault}), "commit": spec["commit"]}
    return Turn(
        await scenario_of(call, operation, spec["scenario"]) if "scenario" in spec else None,
        parse_spec(parse_fault, fault) if fault is not None else None,
        parse_spec(parse_delay, spec["delay"]) if "delay" in spec else None,
        spec.get("times", 1) if spec.get("times") != "always" else 1,
    )


async def _parse_turns(call: Call, operation: Operation, spec: Mapping[str, Any]) -> tuple[Turn, ...]:
    """What the matching requests get in turn: the `responses`, or without them the same again and again."""
    if "responses" in spec:
        misplaced = [name for name in (*_OUTCOME, "times") if name in spec]
        if misplaced:
            raise _bad_arming(f"{', '.join(misplaced)} cannot stand beside responses: put it into one of them.")
        return tuple([await _parse_turn(call, operation, turn) for turn in spec["responses"]])
    if "repeat" in spec:
        raise _bad_arming("repeat says what follows the last of them.")
    return (await _parse_turn(call, operation, spec),)


async def _arm(call: Call) -> Reply:
    if call.engine.answers == "never":
        detail = (
            "This server records: the provider answers each request. Arm on a mock, or start record with --fallback."
        )
        raise admin_error(409, "arming-without-effect", "What is armed here would have no effect", detail)
    spec = call.body
    sandbox = await sandbox_to_change(call)
    operation = await operation_of(call, spec.get("operation"), spec.get("scenario"))
    turns = await _parse_turns(call, operation, spec)
    left = None if "responses" in spec or spec.get("times") == "always" else spec.get("times", 1)
    if "scenario" in spec and turns[0].scenario is not None:  # it may be named by its code
        spec = {**spec, "scenario": turns[0].scenario.id}
    try:
        when = compile_runtime_conditions(operation, spec["when"]) if "when" in spec else ()
    except ConfigError as error:
        raise bad_config(error, "when") from None
    if len(sandbox.armed) >= MAX_ARMED:
        detail = f"A sandbox has at most {MAX_ARMED} armed outcomes; DELETE {ADMIN_PREFIX}/armed makes room."
        raise admin_error(409, "too-much-armed", "There is no room for one more armed outcome", detail)
    responses = Turns(turns, spec.get("repeat") == "cycle")
    armed = await sandbox.arm(
        lambda number: ArmedOutcome(id=number, operation=operation.id, turns=responses, left=left, when=when, spec=spec)
    )
    armed = require_room(armed)
    note = {"note": _FALLBACK_NOTE} if call.engine.answers == "without provider" else {}
    return json_reply({**_armed_row(armed), **note}, 201)


def _armed_row(armed: ArmedOutcome) -> dict[str, Any]:
    left = "always" if armed.left is None else armed.left
    return {"id": armed.id, **armed.spec, "operation": armed.operation, "left": left, "used": armed.used}


async def _list_armed(call: Call) -> Reply:
    return json_reply({"armed": [_armed_row(armed) for armed in (await sandbox_to_read(call)).armed]})


async def _disarm_all(call: Call) -> Reply:
    sandbox = await sandbox_to_change(call)
    ids = [armed.id for armed in sandbox.armed]
    await sandbox.disarm(ids)
    return json_reply({"status": "taken away", "armed": ids})


async def _disarm(call: Call) -> Reply:
    sandbox = await sandbox_to_change(call)
    armed_id = call.parameters["id"]
    found = next((armed for armed in sandbox.armed if str(armed.id) == armed_id), None)
    if found is None:
        detail = f"Nothing with the id {printable(armed_id, 40)} is armed; an outcome that is used up is gone."
        ids = [armed.id for armed in sandbox.armed]
        raise admin_error(404, "not-armed", "Nothing of this id is armed", detail, armed=ids)
    await sandbox.disarm([found.id])
    return json_reply({"status": "taken away", "armed": [found.id]})


ROUTES: Final = (
    Route(
        "POST",
        f"{ADMIN_PREFIX}/arm",
        "Arm a scenario, a fault or a delay for the next matching requests.",
        _arm,
        body=_ARM_BODY,
        responses={201: "The armed outcome, with its id; a `note` says when it has an effect, if that is not always."},
    ),
    Route("GET", f"{ADMIN_PREFIX}/armed", "The armed outcomes, in the order in which they are tried.", _list_armed),
    Route("DELETE", f"{ADMIN_PREFIX}/armed", "Disarm everything.", _disarm_all),
    Route("DELETE", f"{ADMIN_PREFIX}/armed/{{id}}", "Disarm one outcome.", _disarm),
)
