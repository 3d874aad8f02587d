"""What people read about a contract: the table of scenarios, an explanation, the curl lines of the banner.

Knows values and words; it decides nothing and prints nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from mockserver.check import requests, run
from mockserver.engine import Engine, Explanation
from mockserver.model import MISSING, Contract, Decision, Example, Operation, Reply, Request, Scenario
from mockserver.values import read, write


def scenarios(contract: Contract) -> list[dict[str, Any]]:
    """Every scenario as JSON: id, operation, source, heading, status, error, note, trigger, examples.

    `status` and `error` are those of the answer to the first example (null where there is no example, or
    no member `error` in the body). An example has `request`, the body, and `before`, the bodies to send first.
    """
    return [_scenario(contract, o, s) for o in contract.operations for s in o.scenarios]


def _scenario(contract: Contract, operation: Operation, scenario: Scenario) -> dict[str, Any]:
    reply = run(contract, operation, scenario.examples[0]) if scenario.examples else None
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
        "trigger": triggers(operation, scenario),
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


def triggers(operation: Operation, scenario: Scenario) -> str:
    """How a tester meets a scenario: a reserved value of its examples, or its conditions in words."""
    for example in scenario.examples:
        found = [] if example.before else list(_seeds(operation, example))
        if found:
            return ", ".join(found)
    return " and ".join(c.text for c in scenario.ways[0].conditions) or "whatever no other scenario answers"


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


# -- explain --------------------------------------------------------------------------------------


def explanation(request: Request, explained: Explanation) -> Iterator[str]:
    """The lines of an explanation: the answer, why, and the evidence against the scenarios before it."""
    decision = explained.reply.decision
    if decision is None:
        problem = read(explained.reply.body, 100)
        yield f"{request.method} {request.path} -> {explained.reply.status} (no answer of the API)"
        yield f"  {problem['title']}"
        yield f"  {problem['detail']}"
        return
    yield f"{request.method} {request.path} -> {explained.reply.status} {decision.scenario.id}"
    yield from _why(decision)
    yield ""
    yield "answer:"
    yield f"  {explained.reply.body.decode()}"
    if explained.misses:
        yield ""
        yield "tried before it:"
    for miss in explained.misses:
        yield f"  {miss.scenario.id}  ({miss.scenario.position})"
        for evidence in miss.evidence:
            expected = evidence.expected.removeprefix(evidence.path).strip().removeprefix("is ")
            yield f"    {evidence.path}: expected {expected}"
            yield f"    {' ' * len(evidence.path)}  came     {evidence.came}"


def _why(decision: Decision) -> Iterator[str]:
    scenario = decision.scenario
    yield f"  source:   {decision.source}" + (f', "{scenario.heading}"' if scenario.heading else "")
    if decision.assumed:
        yield f"  assumed:  {', '.join(decision.assumed)}"
    yield f"  trigger:  {decision.trigger}"
    held = [c.text for c in decision.way.conditions] if decision.way is not None else ["forced by Mock-Scenario"]
    yield f"  because:  {' and '.join(held) or 'no other scenario applied'}"
    if scenario.note:
        yield f"  note:     {scenario.note}"
    for violation in decision.document.violations:
        yield f"  violation {violation.text}"
    for warn in decision.document.warnings:
        yield f"  warning   {warn.message}"
    for write_ in decision.writes:
        yield f"  writes    {write_.collection} {write_.key}: {', '.join(write_.members)}"
    yield f"  at:       {scenario.position}"


# -- banner ---------------------------------------------------------------------------------------


def banner(contract: Contract, url: str) -> Iterator[str]:
    """The lines shown at the start: the URL, a curl that always works, and how to meet an error."""
    yield f"mock server on {url}   contract {contract.hash}, {sum(1 for _ in contract.scenarios)} scenarios"
    for operation in contract.operations:
        yield f"  {operation.method} {url}{operation.path}"
    lasting = _lasting(contract)
    if lasting is not None:
        operation, example = lasting
        yield ""
        yield "try it:"
        yield f"  {curl(operation, example, url)}"
        error = next((s for s in operation.scenarios if s.source == "documented" and not s.changes), None)
        if error is not None:
            yield "meet an error, whatever the request is (the names: mockserver scenarios):"
            yield f"  {curl(operation, example, url, ('Mock-Scenario: ' + error.id,))}"
    yield ""
    yield "stop with Ctrl-C"


def curl(operation: Operation, example: Example, url: str, headers: Sequence[str] = ()) -> str:
    """A command line that sends an example's request."""
    request = list(requests(operation, example))[-1]
    parts = ["curl", "-i", f"{url}{request.path}"]
    if request.method not in ("GET", "POST"):
        parts += ["-X", request.method]
    for header in (*headers, *(["Content-Type: application/json"] if request.body else [])):
        parts += ["-H", header]
    if request.body:
        parts += ["-d", write(example.request).decode()]
    return " ".join(map(shlex.quote, parts))


def _lasting(contract: Contract) -> tuple[Operation, Example] | None:
    """The first example of a scenario that changes state which is met however often it is sent."""
    for operation in contract.operations:
        for scenario in operation.scenarios:
            for example in scenario.examples if scenario.changes else ():
                if all(
                    r.decision is not None and r.decision.scenario is scenario
                    for r in _thrice(contract, operation, example)
                ):
                    return operation, example
    return None


def _thrice(contract: Contract, operation: Operation, example: Example) -> Iterator[Reply]:
    engine = Engine(contract)
    for _ in range(3):
        yield [engine.handle(request) for request in requests(operation, example)][-1]
