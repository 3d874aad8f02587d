"""The table of scenarios, curl lines and the start-up banner: how people trigger a scenario."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace

from mockserver.base.not_json import NotJsonError
from mockserver.base.text_table import table_lines
from mockserver.base.values import MAX_OWN_DEPTH, decode_json, encode_ascii_json, encode_json
from mockserver.core.contract import Contract, Example, Operation, Scenario
from mockserver.core.model import MISSING, Request, Settings, value_at
from mockserver.core.reply import Reply
from mockserver.engine.engine import Engine
from mockserver.engine.linter import ExampleRunner, example_requests


def scenario_rows(contract: Contract) -> list[dict[str, Any]]:
    """Every scenario as JSON: what it is, its answer and advice, how to trigger it, and its examples.

    `trigger` says how in words, by `values` or else by `conditions`, which are there as JSON too.
    `status` and `error` are those of the answer to the first example (null where there is no example, or
    no member `error` in the body). An example has `request`, the body, and `before`, the bodies to send first.
    """
    return list(iter_scenario_rows(contract))


def iter_scenario_rows(contract: Contract) -> Iterator[dict[str, Any]]:
    """The same rows one by one; making a row runs the first example of its scenario."""
    runner = ExampleRunner(contract)
    for operation in contract.operations:
        for scenario in operation.scenarios:
            yield _scenario(runner, operation, scenario)


def _scenario(runner: ExampleRunner, operation: Operation, scenario: Scenario) -> dict[str, Any]:
    reply = runner.run(operation, scenario.examples[0]) if scenario.examples else None
    body = decode_json(reply.body, MAX_OWN_DEPTH) if reply is not None else {}
    values = trigger_values(operation, scenario, reply)
    return {
        "id": scenario.id,
        "operation": operation.id,
        "source": scenario.provenance,
        "heading": scenario.heading,
        "assumed": [point.id for point in scenario.assumed],
        "status": reply.status if reply is not None else None,
        "error": body.get("error") if isinstance(body, dict) else None,
        "note": scenario.note,
        "verified": scenario.verified.members if scenario.verified is not None else None,
        **scenario.client_advice.members,
        "trigger": how_to_trigger(scenario, values),
        "values": [one.members for one in values],
        "conditions": [one.written for one in scenario.alternatives[0].conditions],
        "examples": [_example(example) for example in scenario.examples],
    }


def _example(example: Example) -> dict[str, Any]:
    shown: dict[str, Any] = {"request": None if example.body is MISSING else example.body}
    if example.bodies_before:
        shown["before"] = list(example.bodies_before)
    for name in ("path", "query", "headers"):
        if getattr(example, name):
            shown[name] = dict(getattr(example, name))
    return shown


class TriggerValue(Struct, frozen=True):
    """A value by which a tester triggers a scenario; `MISSING` if there must be none. `is_key`: that of a record."""

    at: str
    value: Any
    is_key: bool = False

    @property
    def text(self) -> str:
        """Place and value."""
        if self.value is MISSING:
            return f"{self.at} missing"
        return f"{self.at} {self.value if self.is_key else encode_ascii_json(self.value)}"

    @property
    def members(self) -> dict[str, Any]:
        """Place and value as members of JSON; there is no `value` if it must be missing."""
        return {"at": self.at} if self.value is MISSING else {"at": self.at, "value": self.value}


def trigger_values(operation: Operation, scenario: Scenario, first: Reply | None) -> list[TriggerValue]:
    """The values by which a tester triggers a scenario: reserved ones, or what is malformed in its first example."""
    for example in scenario.examples:
        found = [] if example.bodies_before else list(_seeds(operation, example))
        if found:
            return found
    violation = first.decision.facts.violation if first is not None and first.decision is not None else MISSING
    if violation is MISSING:
        return []
    where, is_missing = violation["where"], violation["came"] == "missing"
    return [TriggerValue(where, MISSING if is_missing else value_at(scenario.examples[0].body, where.split(".")[1:]))]


def how_to_trigger(scenario: Scenario, values: Sequence[TriggerValue]) -> str:
    """How a tester triggers a scenario: by these values, or else by its conditions."""
    if values:
        return ", ".join(one.text for one in values)
    return " and ".join(c.text for c in scenario.alternatives[0].conditions) or "whatever no other scenario answers"


def _seeds(operation: Operation, example: Example) -> Iterator[TriggerValue]:
    for lookup in operation.lookups:
        root, *steps = lookup.path.split(".")
        key = value_at(example.body, steps) if root == "body" else None
        if isinstance(key, str) and (lookup.fold or str)(key) in lookup.collection.seeds:
            yield TriggerValue(lookup.path, key, is_key=True)


def scenario_table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The scenarios as a table; the column `verified` is there if any was compared with a provider."""
    is_verified = any(row["verified"] for row in rows)
    verified = ("verified",) if is_verified else ()
    titles = ("id", "source", "status", "code", "retry", *verified, "how to trigger", "note")
    cells = [
        (
            row["id"],
            row["source"],
            _cell(row["status"]),
            _cell((row["error"] or {}).get("code")),
            _cell(row["retry"]),
            *([_verified_cell(row["verified"])] if is_verified else []),
            row["trigger"],
            row["note"] or "",
        )
        for row in rows
    ]
    yield from table_lines([titles, *cells])
    yield ""
    yield "Each is also met with the request header Mock-Scenario: ID, whatever the request is."
    yield "Retry is advice of this mock, not of the documents; `mockserver scenarios NAME` shows what to do in words."


def _verified_cell(verified: Mapping[str, str] | None) -> str:
    return f"{verified['result']} {verified['on']}" if verified else ""


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


# -- banner ---------------------------------------------------------------------------------------


def banner(contract: Contract, url: str, settings: Settings) -> Iterator[str]:
    """The lines shown at the start: the URL, a curl line that always works, and how to get an error."""
    yield f"mock server on {url}   contract {contract.hash}, {sum(1 for _ in contract.scenarios)} scenarios"
    for operation in contract.operations:
        yield f"  {operation.method} {url}{operation.path}"
    for operation in contract.operations:
        example = repeatable_change_example(contract, operation, settings)
        if example is None:
            continue
        request = _example_request(operation, example, settings)
        yield ""
        yield "try it:"
        yield f"  {curl(request, url)}"
        if url.startswith("https:"):
            yield "  (with --cacert FILE where your system does not trust the certificate)"
        error = next((s for s in operation.scenarios if s.provenance == "documented" and not s.changes), None)
        if error is not None:
            forced = replace(request, headers={"mock-scenario": error.id, **request.headers})
            yield "meet an error, whatever the request is (the names: mockserver scenarios):"
            yield f"  {curl(forced, url)}"
        break
    yield ""
    yield "stop with Ctrl-C"


def curl(request: Request, url: str) -> str:
    """A command line that sends a request."""
    query = f"?{urlencode(request.query)}" if request.query else ""
    parts = ["curl", "-i", f"{url}{quote(request.path, safe='/%')}{query}"]
    if request.method != ("POST" if request.body else "GET"):
        parts += ["-X", request.method]
    for name, value in request.headers.items():
        if request.body or name != "content-type":
            parts += ["-H", f"{name.title()}: {value}"]
    if request.body:
        parts += ["-d", request.body.decode()]
    return " ".join(map(shlex.quote, parts))


def repeatable_change_example(contract: Contract, operation: Operation, settings: Settings) -> Example | None:
    """The first example that changes state and gets the same answer however often it is sent."""
    runner = ExampleRunner(contract, settings)
    for scenario in operation.scenarios:
        for example in scenario.examples if scenario.changes else ():
            request = _example_request(operation, example, settings)
            decisions = [reply.decision for reply in runner.replies([request] * 3)]
            if all(d is not None and d.scenario.id == scenario.id for d in decisions):
                return example
    return None


def _example_request(operation: Operation, example: Example, settings: Settings) -> Request:
    *_, request = example_requests(operation, example)
    return _in_sandbox(request, "/sandbox/demo" if settings.require_sandbox else "", settings)


# -- a scenario in a sandbox as it is now ---------------------------------------------------------------

SCENARIO_HEADER: Final = "mock-scenario"


async def triggering_request(engine: Engine, sandbox: str, operation: Operation, scenario: Scenario) -> Request:
    """A request that triggers a scenario in a sandbox.

    By values, if one of its examples gets it now and writes nothing, so that the requests of all scenarios can be sent
    one after the other; otherwise by the header that names it.
    """
    found = await engine.storage.find(sandbox)
    settings = engine.settings if found is None else found.settings
    # No sandbox is made: one that does not exist is like a fresh one.
    answering = (
        engine if found is not None else engine.cached("fresh", lambda: Engine(engine.contract, settings=settings))
    )
    prefix = f"/sandbox/{sandbox or 'demo'}" if sandbox or settings.require_sandbox else ""
    for request in _by_values(operation, scenario):
        sent = _in_sandbox(request, prefix, settings)
        if await _gets_scenario(answering, sent, scenario):
            return sent
    headers = {"content-type": "application/json", SCENARIO_HEADER: scenario.id}
    sent = Request(operation.method, operation.fill_path({}), b"" if operation.method == "GET" else b"{}", headers)
    if scenario.examples:
        *_, sent = example_requests(operation, scenario.examples[0])
        sent = replace(sent, headers={**sent.headers, SCENARIO_HEADER: scenario.id})
    return _in_sandbox(sent, prefix, settings)


def _by_values(operation: Operation, scenario: Scenario) -> Iterator[Request]:
    """The requests of examples that need none before them, then the same with records that never change."""
    alone = [[*example_requests(operation, example)][-1] for example in scenario.examples if not example.bodies_before]
    yield from alone
    for request in alone:
        yield from _with_constant_keys(operation, request)


def _with_constant_keys(operation: Operation, request: Request) -> Iterator[Request]:
    """The request with keys of records that no request changes, in place of those that the contract does not name."""
    try:
        body = decode_json(request.body, MAX_OWN_DEPTH)
    except NotJsonError:
        return
    for lookup in operation.lookups:
        root, *steps = lookup.path.split(".")
        keys = sorted(k for k in lookup.collection.constant_seeds if lookup.collection.seeds.get(k) is not None)
        if root == "body" and keys and str(value_at(body, steps)) not in lookup.collection.seeds:
            body = _replace_text(body, steps, keys[0])
    yield replace(request, body=encode_json(body))


def _replace_text(value: Any, steps: list[str], key: str) -> Any:
    """A JSON value with `key` in place of the text at a path, if there is one."""
    if not steps:
        return key if isinstance(value, str) else value
    if not isinstance(value, dict) or steps[0] not in value:
        return value
    return {**value, steps[0]: _replace_text(value[steps[0]], steps[1:], key)}


def _in_sandbox(request: Request, prefix: str, settings: Settings) -> Request:
    """The request in its sandbox, with the headers that the settings require."""
    headers = {**dict.fromkeys(map(str.lower, settings.require_headers), "any"), **request.headers}
    return replace(request, path=prefix + request.path, headers=headers)


async def _gets_scenario(engine: Engine, request: Request, scenario: Scenario) -> bool:
    """Whether a request would get the scenario of the contract, whole, and change nothing."""
    explanation = await engine.explain(request)
    decision = explanation.reply.decision
    if decision is None or decision.alternative is None or decision.effects.writes or decision.fault is not None:
        return False
    return decision.scenario.id == scenario.id and decision.scenario.runtime_text is None
