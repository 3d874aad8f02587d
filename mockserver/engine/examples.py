"""How a scenario is met in a sandbox as it is now: in words, and as a curl line that does it.

Knows examples and what the engine would answer to them; it changes nothing and counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mockserver.core.contract import Operation, Scenario
from mockserver.core.model import Request, Settings
from mockserver.core.values import NotJsonError, read, write
from mockserver.engine.engine import Engine
from mockserver.engine.linter import requests
from mockserver.engine.overview import curl

FORCED: Final = "mock-scenario"


def curl_for(engine: Engine, sandbox: str, operation: Operation, scenario: Scenario, url: str) -> str:
    """A command line that meets a scenario in a sandbox; `url` is the server's.

    By values, if one of its examples is answered by it now and writes nothing, so that the lines of all scenarios
    can be run one after the other; otherwise by the header that names it.
    """
    known = engine.sandboxes.find(sandbox)
    settings = engine.settings if known is None else known.settings
    # Looking makes no sandbox: one that is not there is as a fresh one.
    asked = engine if known is not None else engine.made("fresh", lambda: Engine(engine.contract, settings=settings))
    prefix = f"/sandbox/{sandbox or 'demo'}" if sandbox or settings.require_sandbox else ""
    for request in _by_values(operation, scenario):
        sent = _demanded(request, prefix, settings)
        if _meets(asked, sent, operation, scenario):
            return curl(sent, url)
    headers = {"content-type": "application/json", FORCED: scenario.id}
    sent = Request(operation.method, operation.fill({}), b"" if operation.method == "GET" else b"{}", headers)
    for example in scenario.examples:
        sent = [*requests(operation, example)][-1]
        sent = sent._replace(headers={**sent.headers, FORCED: scenario.id})
        break
    return curl(_demanded(sent, prefix, settings), url)


def _by_values(operation: Operation, scenario: Scenario) -> Iterator[Request]:
    """The requests of its examples that need none before them, then the same about records that never change."""
    alone = [[*requests(operation, example)][-1] for example in scenario.examples if not example.before]
    yield from alone
    for request in alone:
        yield from _lasting(operation, request)


def _lasting(operation: Operation, request: Request) -> Iterator[Request]:
    """The request about records that no request changes, where it has the key of such a collection in its body."""
    try:
        body = read(request.body, 1_000)
    except NotJsonError:
        return
    for lookup in operation.lookups:
        root, *steps = lookup.path.split(".")
        keys = sorted(k for k in lookup.collection.constant if lookup.collection.seeds.get(k) is not None)
        if root == "body" and keys:
            body = _with(body, steps, keys[0])
    yield request._replace(body=write(body))


def _with(value: Any, steps: list[str], key: str) -> Any:
    """A JSON value with `key` for the text that stands at a place, if one does."""
    if not steps:
        return key if isinstance(value, str) else value
    if not isinstance(value, dict) or steps[0] not in value:
        return value
    return {**value, steps[0]: _with(value[steps[0]], steps[1:], key)}


def _demanded(request: Request, prefix: str, settings: Settings) -> Request:
    """The request in its sandbox, with the headers that the settings ask of all."""
    headers = {**dict.fromkeys(map(str.lower, settings.require_headers), "any"), **request.headers}
    return request._replace(path=prefix + request.path, headers=headers)


def _meets(engine: Engine, request: Request, operation: Operation, scenario: Scenario) -> bool:
    """Whether a request would get the scenario of the contract, whole, and change nothing."""
    reply = engine.explain(request).reply
    decision = reply.decision
    if decision is None or decision.alternative is None or decision.writes or reply.fault is not None:
        return False
    return decision.scenario is operation.by_id.get(scenario.id)
