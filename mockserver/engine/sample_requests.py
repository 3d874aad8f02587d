"""Sample requests, as people send them: what triggers a scenario, curl lines, the banner at the start."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote, urlencode

from msgspec.structs import replace

from mockserver.base.not_json import NotJsonError
from mockserver.base.values import MAX_OWN_DEPTH, decode_json, encode_json
from mockserver.core.contract import Contract, Example, Operation, Scenario
from mockserver.core.model import Request, Settings, value_at
from mockserver.engine.engine import Engine
from mockserver.engine.linter import ExampleRunner, example_requests

SCENARIO_HEADER: Final = "mock-scenario"


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
            forced = replace(request, headers={SCENARIO_HEADER: error.id, **request.headers})
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
