"""How people meet a scenario: the table of scenarios, curl lines, the banner."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from msgspec.structs import replace

from mockserver.core.contract import Contract, Example, Operation, Scenario
from mockserver.core.model import MISSING, Request, Settings
from mockserver.core.reply import Reply
from mockserver.core.values import NotJsonError, read, write, write_ascii
from mockserver.engine.engine import Engine
from mockserver.engine.linter import Fresh, requests


def scenarios(contract: Contract) -> list[dict[str, Any]]:
    """Every scenario as JSON: id, operation, source, heading, status, error, note, trigger, examples.

    `status` and `error` are those of the answer to the first example (null where there is no example, or
    no member `error` in the body). An example has `request`, the body, and `before`, the bodies to send first.
    """
    fresh = Fresh(contract)
    return [_scenario(fresh, o, s) for o in contract.operations for s in o.scenarios]


def _scenario(fresh: Fresh, operation: Operation, scenario: Scenario) -> dict[str, Any]:
    reply = fresh.run(operation, scenario.examples[0]) if scenario.examples else None
    body = read(reply.body, 1_000) if reply is not None else {}
    return {
        "id": scenario.id,
        "operation": operation.id,
        "source": scenario.source,
        "heading": scenario.heading,
        "assumed": [point.id for point in scenario.assumed],
        "status": reply.status if reply is not None else None,
        "error": body.get("error") if isinstance(body, dict) else None,
        "note": scenario.note,
        "trigger": triggers(operation, scenario, reply),
        "examples": [_example(example) for example in scenario.examples],
    }


def _example(example: Example) -> dict[str, Any]:
    shown: dict[str, Any] = {"request": None if example.request is MISSING else example.request}
    if example.before:
        shown["before"] = list(example.before)
    for name in ("path", "query", "headers"):
        if getattr(example, name):
            shown[name] = dict(getattr(example, name))
    return shown


def triggers(operation: Operation, scenario: Scenario, first: Reply | None) -> str:
    """How a tester meets a scenario: reserved values, what is malformed in its first example, or its conditions."""
    for example in scenario.examples:
        found = [] if example.before else list(_seeds(operation, example))
        if found:
            return ", ".join(found)
    violation = first.decision.facts["violation"] if first is not None and first.decision is not None else MISSING
    if violation is not MISSING:
        value = _at(scenario.examples[0].request, violation["where"])
        return f"{violation['where']} {violation['came'] if violation['came'] == 'missing' else write_ascii(value)}"
    return " and ".join(c.text for c in scenario.alternatives[0].conditions) or "whatever no other scenario answers"


def _seeds(operation: Operation, example: Example) -> Iterator[str]:
    for lookup in operation.lookups:
        key = _at(example.request, lookup.path) if lookup.path.startswith("body.") else None
        if isinstance(key, str) and (lookup.fold or str)(key) in lookup.collection.seeds:
            yield f"{lookup.path} {key}"


def _at(request: Any, path: str) -> Any:
    _, *steps = path.split(".")
    for step in steps:
        request = request.get(step) if isinstance(request, dict) else None
    return request


def table(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The scenarios as lines: id, source, status, code, how to trigger, note."""
    titles = ("id", "source", "status", "code", "how to trigger", "note")
    cells = [
        (
            row["id"],
            row["source"],
            _cell(row["status"]),
            _cell((row["error"] or {}).get("code")),
            row["trigger"],
            row["note"] or "",
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in [titles, *cells]) for i in range(len(titles) - 1)]
    for line in [titles, *cells]:
        yield "  ".join([*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
    yield ""
    yield "Each is also met with the request header Mock-Scenario: ID, whatever the request is."


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


# -- banner ---------------------------------------------------------------------------------------


def banner(contract: Contract, url: str, settings: Settings) -> Iterator[str]:
    """The lines shown at the start: the URL, a curl that always works, and how to meet an error."""
    yield f"mock server on {url}   contract {contract.hash}, {sum(1 for _ in contract.scenarios)} scenarios"
    for operation in contract.operations:
        yield f"  {operation.method} {url}{operation.path}"
    lasting = _lasting(contract, settings)
    if lasting is not None:
        operation, request = lasting
        yield ""
        yield "try it:"
        yield f"  {curl(request, url)}"
        if url.startswith("https:"):
            yield "  (with --cacert FILE where your system does not trust the certificate)"
        error = next((s for s in operation.scenarios if s.source == "documented" and not s.changes), None)
        if error is not None:
            forced = replace(request, headers={"mock-scenario": error.id, **request.headers})
            yield "meet an error, whatever the request is (the names: mockserver scenarios):"
            yield f"  {curl(forced, url)}"
    yield ""
    yield "stop with Ctrl-C"


def curl(request: Request, url: str) -> str:
    """A command line that sends a request."""
    query = f"?{urlencode(request.query)}" if request.query else ""
    parts = ["curl", "-i", f"{url}{quote(request.path)}{query}"]
    if request.method != ("POST" if request.body else "GET"):
        parts += ["-X", request.method]
    for name, value in request.headers.items():
        if request.body or name != "content-type":
            parts += ["-H", f"{name.title()}: {value}"]
    if request.body:
        parts += ["-d", request.body.decode()]
    return " ".join(map(shlex.quote, parts))


def _lasting(contract: Contract, settings: Settings) -> tuple[Operation, Request] | None:
    """The first request of an example that changes state and is answered alike however often it is sent."""
    fresh = Fresh(contract, settings)
    for operation in contract.operations:
        for scenario in operation.scenarios:
            for example in scenario.examples if scenario.changes else ():
                request = _demanded([*requests(operation, example)][-1], settings)
                decisions = [reply.decision for reply in fresh.replies([request] * 3)]
                if all(d is not None and d.scenario is scenario for d in decisions):
                    return operation, request
    return None


def _demanded(request: Request, settings: Settings) -> Request:
    """The request with what the settings demand of all."""
    path = f"/sandbox/demo{request.path}" if settings.require_sandbox else request.path
    headers = {**dict.fromkeys(map(str.lower, settings.require_headers), "any"), **request.headers}
    return replace(request, path=path, headers=headers)


# -- a scenario in a sandbox as it is now ---------------------------------------------------------------

FORCED: Final = "mock-scenario"


async def curl_for(engine: Engine, sandbox: str, operation: Operation, scenario: Scenario, url: str) -> str:
    """A command line that meets a scenario in a sandbox; `url` is the server's.

    By values, if one of its examples is answered by it now and writes nothing, so that the lines of all scenarios
    can be run one after the other; otherwise by the header that names it.
    """
    known = await engine.storage.find(sandbox)
    settings = engine.settings if known is None else known.settings
    # Looking makes no sandbox: one that is not there is as a fresh one.
    asked = engine if known is not None else engine.cached("fresh", lambda: Engine(engine.contract, settings=settings))
    prefix = f"/sandbox/{sandbox or 'demo'}" if sandbox or settings.require_sandbox else ""
    for request in _by_values(operation, scenario):
        sent = _in_sandbox(request, prefix, settings)
        if await _meets(asked, sent, operation, scenario):
            return curl(sent, url)
    headers = {"content-type": "application/json", FORCED: scenario.id}
    sent = Request(operation.method, operation.fill_path({}), b"" if operation.method == "GET" else b"{}", headers)
    for example in scenario.examples:
        sent = [*requests(operation, example)][-1]
        sent = replace(sent, headers={**sent.headers, FORCED: scenario.id})
        break
    return curl(_in_sandbox(sent, prefix, settings), url)


def _by_values(operation: Operation, scenario: Scenario) -> Iterator[Request]:
    """The requests of its examples that need none before them, then the same about records that never change."""
    alone = [[*requests(operation, example)][-1] for example in scenario.examples if not example.before]
    yield from alone
    for request in alone:
        yield from _about_constant_records(operation, request)


def _about_constant_records(operation: Operation, request: Request) -> Iterator[Request]:
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
    yield replace(request, body=write(body))


def _with(value: Any, steps: list[str], key: str) -> Any:
    """A JSON value with `key` for the text that stands at a place, if one does."""
    if not steps:
        return key if isinstance(value, str) else value
    if not isinstance(value, dict) or steps[0] not in value:
        return value
    return {**value, steps[0]: _with(value[steps[0]], steps[1:], key)}


def _in_sandbox(request: Request, prefix: str, settings: Settings) -> Request:
    """The request in its sandbox, with the headers that the settings ask of all."""
    headers = {**dict.fromkeys(map(str.lower, settings.require_headers), "any"), **request.headers}
    return replace(request, path=prefix + request.path, headers=headers)


async def _meets(engine: Engine, request: Request, operation: Operation, scenario: Scenario) -> bool:
    """Whether a request would get the scenario of the contract, whole, and change nothing."""
    explanation = await engine.explain(request)
    decision = explanation.reply.decision
    if decision is None or decision.alternative is None or decision.effects.writes or decision.fault is not None:
        return False
    return decision.scenario is operation.by_id.get(scenario.id)
