"""Admin routes about what is armed: scenarios, faults and delays for the next matching requests of a sandbox.

Knows how they are asked for and shown; it neither decides a request nor performs a fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mockserver.admin.api import PREFIX, AdminError, Call, Route, as_json, refused, understood
from mockserver.admin.sandboxes import sandbox_of, scenarios_of
from mockserver.contract.loading import ConfigError, compile_runtime_conditions
from mockserver.core.contract import Operation, Scenario, Turn, Turns
from mockserver.core.directives import FAULT_SETTINGS, parse_delay, parse_fault
from mockserver.core.model import FAULTS
from mockserver.core.reply import Reply
from mockserver.core.spelling import close_matches, did_you_mean_sentence
from mockserver.core.values import printable
from mockserver.decision.view import Armed

MOST_ARMED: Final = 100
"""How much can be armed at once in a sandbox."""


def _example(kind: str) -> dict[str, Any]:
    """A kind of fault with the settings that it heeds, at their defaults."""
    fault = parse_fault(kind)
    return {"kind": kind, **{name: getattr(fault, name) for name in FAULT_SETTINGS.get(kind, ())}}


_WHAT: Final[Mapping[str, Any]] = {
    "scenario": {"description": "The id of the scenario that answers, and changes nothing.", "type": "string"},
    "fault": {
        "description": "What goes wrong: a kind's name, or an object with kind and its settings.",
        "type": ["string", "object"],
        "examples": [_example(kind) for kind in FAULTS],
    },
    "commit": {
        "description": "Whether what a request changes is committed all the same, so that only the answer is lost.",
        "type": "boolean",
    },
    "delay": {
        "description": "How long it takes: 1500ms, {uniform: [from, to]}, {lognormal: {median, sigma, cap}}.",
        "type": ["string", "number", "object"],
    },
}

_ARM: Final[Mapping[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **_WHAT,
        "operation": {"description": "The operation; needed where the contract has several.", "type": "string"},
        "times": {
            "description": 'How many matching requests get it, 1 where nothing is said, or "always".',
            "anyOf": [{"type": "integer", "minimum": 1, "maximum": 1_000_000}, {"const": "always"}],
        },
        "when": {"description": "Conditions as in a scenario file; without them every request.", "type": "object"},
        "responses": {
            "description": "What the requests get in turn, until it is taken away. {pass: true}: the ordinary answer.",
            "type": "array",
            "minItems": 1,
            "maxItems": 100,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    **_WHAT,
                    "pass": {"description": "The ordinary answer.", "const": True},
                    "times": {"description": "For how many requests.", "type": "integer", "minimum": 1},
                },
            },
        },
        "repeat": {
            "description": "What comes after the last of the responses: it stays (last) or all begin again (cycle).",
            "enum": ["last", "cycle"],
        },
    },
}


async def operation_of(call: Call, name: str | None, scenario: str | None = None) -> Operation:
    """The operation of a name, the only one, or the only one with such a scenario. Raises `AdminError`."""
    operations = call.engine.contract.operations
    names = [operation.id for operation in operations]
    if name is not None:
        found = [operation for operation in operations if operation.id == name]
        if not found:
            spelt = close_matches(name, names)
            detail = f"There is no {printable(name, 80)}.{did_you_mean_sentence(spelt)}"
            title = "There is no such operation"
            raise refused(400, "unknown-operation", title, detail, did_you_mean=list(spelt), operations=names)
        return found[0]
    found = [one for one in operations if scenario in [s.id for s in await scenarios_of(call, one)]]
    if len(operations) > 1 and len(found) != 1:
        detail = f"The contract has several: name one of {', '.join(names)} as operation."
        raise refused(400, "operation-needed", "It takes an operation to tell what is meant", detail, operations=names)
    return (found or operations)[0]


async def scenario_of(call: Call, operation: Operation, name: str, status: int = 400) -> Scenario:
    """The scenario in force of a name. Raises `AdminError` with near spellings."""
    scenarios = await scenarios_of(call, operation)
    found = next((scenario for scenario in scenarios if scenario.id == name), None)
    if found is None:
        names = [scenario.id for scenario in scenarios]
        spelt, title = close_matches(name, names), "There is no such scenario"
        detail = f"There is no {printable(name, 80)} in {operation.id}.{did_you_mean_sentence(spelt)}"
        raise refused(status, "unknown-scenario", title, detail, did_you_mean=list(spelt), scenarios=names)
    return found


def bad_config(error: ConfigError, what: str) -> AdminError:
    """The error that tells all that is wrong in a part of a scenario file."""
    first = error.problems[0]
    detail = f"{first.position}: {first.what}; expected {first.expected}" + (
        f"; {first.hint}" if first.hint.startswith("did you mean") else "."
    )
    return refused(400, f"bad-{what}", f"The {what} cannot be used", detail, errors=error.shown)


async def _turn(call: Call, operation: Operation, spec: Mapping[str, Any]) -> Turn:
    if ("pass" in spec) == any(name in spec for name in ("scenario", "fault", "delay")):
        detail = "Give a scenario, a fault or a delay" + (", or pass: true alone." if "pass" in spec else ".")
        raise refused(400, "bad-arming", "It is not told what to arm", detail)
    fault = spec.get("fault")
    if "commit" in spec:
        if fault is None:
            detail = "commit says whether changes are kept where a fault takes the answer: give a fault as well."
            raise refused(400, "bad-arming", "commit goes with a fault", detail)
        fault = {**(fault if isinstance(fault, dict) else {"kind": fault}), "commit": spec["commit"]}
    return Turn(
        await scenario_of(call, operation, spec["scenario"]) if "scenario" in spec else None,
        understood(parse_fault, fault) if fault is not None else None,
        understood(parse_delay, spec["delay"]) if "delay" in spec else None,
        spec.get("times", 1) if spec.get("times") != "always" else 1,
    )


async def _arm(call: Call) -> Reply:
    spec = call.body
    sandbox = await sandbox_of(call)
    operation = await operation_of(call, spec.get("operation"), spec.get("scenario"))
    left: int | None = None
    if "responses" in spec:
        alone = [name for name in (*_WHAT, "times") if name in spec]
        if alone:
            detail = f"{', '.join(alone)} cannot stand beside responses: it goes into one of them."
            raise refused(400, "bad-arming", "It is not told what to arm", detail)
        turns = tuple([await _turn(call, operation, turn) for turn in spec["responses"]])
    elif "repeat" in spec:
        raise refused(400, "bad-arming", "repeat goes with responses", "repeat says what comes after the last of them.")
    else:
        turns = (await _turn(call, operation, spec),)
        left = None if spec.get("times") == "always" else spec.get("times", 1)
    try:
        when = compile_runtime_conditions(operation, spec["when"]) if "when" in spec else ()
    except ConfigError as error:
        raise bad_config(error, "when") from None
    if len(sandbox.armed) >= MOST_ARMED:
        detail = f"At most {MOST_ARMED} things are armed at once; DELETE {PREFIX}/armed makes room."
        raise refused(409, "too-much-armed", "There is no room to arm one more thing", detail)
    order = Turns(turns, spec.get("repeat") == "cycle")
    armed = await sandbox.arm(
        lambda number: Armed(id=number, operation=operation.id, turns=order, left=left, when=when, spec=spec)
    )
    return as_json(_shown(armed), 201)


def _shown(armed: Armed) -> dict[str, Any]:
    left = "always" if armed.left is None else armed.left
    return {"id": armed.id, **armed.spec, "operation": armed.operation, "left": left, "used": armed.used}


async def _armed(call: Call) -> Reply:
    return as_json({"armed": [_shown(armed) for armed in (await sandbox_of(call)).armed]})


async def _clear(call: Call) -> Reply:
    sandbox = await sandbox_of(call)
    taken = [armed.id for armed in sandbox.armed]
    await sandbox.disarm(taken)
    return as_json({"status": "taken away", "armed": taken})


async def _take_away(call: Call) -> Reply:
    sandbox = await sandbox_of(call)
    name = call.parameters["id"]
    found = next((armed for armed in sandbox.armed if str(armed.id) == name), None)
    if found is None:
        detail = f"Nothing with the id {printable(name, 40)} is armed; what has no requests left is gone."
        there = [armed.id for armed in sandbox.armed]
        raise refused(404, "not-armed", "Nothing of this id is armed", detail, armed=there)
    await sandbox.disarm([found.id])
    return as_json({"status": "taken away", "armed": [found.id]})


ROUTES: Final = (
    Route(
        "POST",
        f"{PREFIX}/arm",
        "Arm a scenario, a fault or a delay for the next matching requests.",
        _arm,
        body=_ARM,
        answers={201: "What was armed, with its id."},
    ),
    Route("GET", f"{PREFIX}/armed", "What is armed, in the order in which it is looked at.", _armed),
    Route("DELETE", f"{PREFIX}/armed", "Take away all that is armed.", _clear),
    Route("DELETE", f"{PREFIX}/armed/{{id}}", "Take away one thing that is armed.", _take_away),
)
