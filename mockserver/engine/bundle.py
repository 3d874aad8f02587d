"""One request in one file: all that its decision looked at, so that it can be made again elsewhere.

Knows entries, contracts and the pure decision; it needs no server, no store and no clock.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from mockserver.contract.loading import ConfigError, given_scenario
from mockserver.core.contract import Contract, Decision, Operation, Scenario
from mockserver.core.masks import masked_numbers
from mockserver.core.model import MISSING, Collection, Request, Settings, Tick
from mockserver.decision.decide import decide, gather
from mockserver.decision.document import read_document
from mockserver.decision.order import in_force, in_order
from mockserver.decision.rendering import reply_to
from mockserver.engine.views import text_or_json, violation
from mockserver.storage.journal import Entry

FORMAT: Final = 2
"""1 knew no scenarios given at run time, and no answers in turn."""


class BundleError(Exception):
    """What was given is no bundle, or none of this contract; the message says why."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay: the differences as (what, then, now), and whether the contract is the same.

    `spoilt` is how the answer was spoilt or held up on purpose, in words; the decision does not know of that.
    """

    differences: tuple[tuple[str, Any, Any], ...]
    same_contract: bool
    scenario: str
    spoilt: str = ""


def bundle(entry: Entry, decision: Decision) -> dict[str, Any]:
    """The bundle of an entry as JSON; `decision` is the entry's, remembered."""
    facts = decision.facts
    return {
        "format": FORMAT,
        "contract": entry.contract,
        "operation": decision.operation.id,
        "sandbox": entry.sandbox,
        "entry": entry.id,
        "request": {
            "method": entry.method,
            "target": entry.target,
            "path": dict(facts["path"]),
            "query": dict(facts["query"]),
            "headers": entry.first_headers,
            **_body(entry.body),
        },
        "records": _records(decision),
        "new": dict(facts["new"]),
        "tick": facts["tick"].now_ns,
        "settings": asdict(facts["settings"]),
        "scenarios": [_given(s) for s in decision.scenarios if s.source_text is not None],
        "turned": dict(decision.turned),
        "forced": _forced(decision),
        "spoilt": {"fault": entry.fault, "delay_ms": entry.delay_ms, "committed": entry.committed},
        "decision": _told(decision, _status(entry, decision), entry.reply_body),
    }


def _status(entry: Entry, decision: Decision) -> int:
    """The status that was decided; a gateway in front may have answered with another one."""
    return entry.status if entry.fault is None else int(decision.scenario.status.render(decision.facts))


def _given(scenario: Scenario) -> dict[str, str]:
    """A scenario given at run time: its text, with account numbers masked as they are in the request."""
    return {"scenario": scenario.id, "text": masked_numbers((scenario.source_text or "").encode()).decode()}


def _forced(decision: Decision) -> dict[str, Any] | None:
    """What was forced, and by what; with its text (null: it is of a file) if it was armed and is no more in force."""
    if decision.alternative is not None:
        return None
    scenario = decision.scenario
    forced = {"scenario": scenario.id, "by": decision.trigger}
    if any(one is scenario for one in decision.scenarios):
        return forced
    return {**forced, "text": None if scenario.source_text is None else _given(scenario)["text"]}


def _body(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _records(decision: Decision) -> list[dict[str, Any]]:
    """The records that were found, each once: the collection and the record as the decision saw it."""
    found: dict[tuple[str, str], Any] = {}
    for lookup in decision.operation.lookups:
        fact = decision.facts[lookup.name]
        for view in fact if isinstance(fact, list) else () if fact is MISSING else (fact,):
            found[lookup.collection.name, view["key"]] = dict(view)
    return [{"collection": collection, "record": view} for (collection, _), view in found.items()]


def _told(decision: Decision, status: int, body: bytes) -> dict[str, Any]:
    return {
        "scenario": decision.scenario.id,
        "trigger": decision.trigger,
        "source": decision.source,
        "assumed": list(decision.assumed),
        "cause": decision.cause,
        "violations": [violation(v) for v in decision.document.violations],
        "warnings": [warn.message for warn in decision.document.warnings],
        "writes": [{"collection": w.collection, "key": w.key, "members": dict(w.members)} for w in decision.writes],
        "status": status,
        "reply": text_or_json(body),
    }


def replay(given: Any, contract: Contract) -> Replayed:
    """Make the decision of a bundle again. Raises `BundleError`."""
    if not isinstance(given, dict) or given.get("format") != FORMAT:
        raise BundleError(f"expected a bundle with format: {FORMAT}, as GET /__admin/requests/ID/bundle gives it")
    operation = next((o for o in contract.operations if o.id == given.get("operation")), None)
    if operation is None:
        raise BundleError(f"the contract has no operation {given.get('operation')}")
    try:
        decision = _again(given, operation)
        before = given["decision"]
        hash_before = given["contract"]
        spoilt = _spoilt(given["spoilt"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BundleError(f"the bundle is not whole: {type(error).__name__} {error}") from None
    reply = reply_to(decision, contract, mock_headers=False, entry=0)
    now = _told(decision, reply.status, masked_numbers(reply.body))
    differences = tuple((name, before.get(name), value) for name, value in now.items() if before.get(name) != value)
    return Replayed(differences, hash_before == contract.hash, decision.scenario.id, spoilt)


def _spoilt(given: Mapping[str, Any]) -> str:
    fault, delay = given["fault"], given["delay_ms"]
    told = [f"fault {fault}, " + ("only the answer was lost" if given["committed"] else "nothing was committed")]
    return "; ".join((told if fault else []) + ([f"delay of {delay:.0f} ms"] if delay else []))


def _again(given: Mapping[str, Any], operation: Operation) -> Decision:
    asked = given["request"]
    body = base64.b64decode(asked["base64"]) if "base64" in asked else asked["body"].encode()
    headers = {name.lower(): value for name, value in asked["headers"].items()}
    request = Request(asked["method"], operation.path, body, headers, asked["query"])
    settings = _settings(given["settings"])
    records = {(r["collection"], r["record"]["key"]): r["record"] for r in given["records"]}

    def find(collection: Collection, key: str) -> Mapping[str, Any] | None:
        return records.get((collection.name, key))

    document = read_document(operation, request, asked["path"], settings)
    tick, forced = Tick(given["tick"]), given["forced"]
    facts = gather(operation, request, asked["path"], document, settings, tick, find, given["new"])
    extra = [_compiled(operation, one["scenario"], one["text"]) for one in given["scenarios"]]
    order = in_order(in_force(operation, extra), operation.lookups)
    if forced is None:
        return decide(operation, document, facts, order=order, turns=given["turned"])
    return decide(operation, document, facts, _forced_again(forced, operation, order.scenarios), forced["by"], order)


def _forced_again(forced: Mapping[str, Any], operation: Operation, scenarios: tuple[Scenario, ...]) -> Scenario:
    name = forced["scenario"]
    if forced.get("text") is not None:
        return _compiled(operation, name, forced["text"])
    among = operation.scenarios if "text" in forced else scenarios
    scenario = next((one for one in among if one.id == name), None)
    if scenario is None:
        raise BundleError(f"the contract has no scenario {name}")
    return scenario


def _compiled(operation: Operation, name: str, text: str) -> Scenario:
    try:
        return given_scenario(operation, text.encode(), name)
    except ConfigError as error:
        raise BundleError(f"scenario {name}, given at run time, does not fit this contract:\n{error}") from None


def _settings(given: Mapping[str, Any]) -> Settings:
    """The settings of a bundle, but for those that this version does not know."""
    known = {field.name for field in fields(Settings)}
    values: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in given.items() if name in known
    }
    return Settings(**values)
