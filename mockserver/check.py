"""The linter: runs the examples of a contract, each on a fresh state, and finds what is shadowed.

Knows how to serve a contract in process; it reads no file of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mockserver.engine import Engine, frozen
from mockserver.model import MISSING, Contract, Example, Operation, Reply, Request, Scenario
from mockserver.sources import Problem
from mockserver.values import read, write

INSTANT_NS = 1_731_681_138_123_000_000
"""The instant at which examples run, 2024-11-15T14:32:18.123Z: any will do, but always the same."""


@dataclass(frozen=True, slots=True)
class Ran:
    """An example that was run, and the reply that it got."""

    scenario: Scenario
    example: Example
    reply: Reply


def requests(operation: Operation, example: Example) -> Iterator[Request]:
    """The requests of an example: those to send first, then its own."""
    for body in (*example.before, example.request):
        yield Request(
            operation.method,
            operation.fill(example.path),
            b"" if body is MISSING else write(body),
            {"content-type": "application/json", **example.headers},
            example.query,
        )


def run(contract: Contract, operation: Operation, example: Example) -> Reply:
    """The reply to an example's request on a fresh state."""
    engine = Engine(contract, clock=frozen(INSTANT_NS))
    return [engine.handle(request) for request in requests(operation, example)][-1]


def run_all(contract: Contract) -> Iterator[Ran]:
    """Every example of every scenario, in order, with the reply that it got."""
    for operation in contract.operations:
        for scenario in operation.scenarios:
            for example in scenario.examples:
                yield Ran(scenario, example, run(contract, operation, example))


def check(contract: Contract) -> tuple[Problem, ...]:
    """What is wrong with the examples of a contract that loads."""
    problems = [
        Problem(s.position, f"scenario {s.id} has no example", "examples: one request or more", "none", "")
        for s in contract.scenarios
        if not s.examples
    ]
    for ran in run_all(contract):
        problems += _problems(ran)
    return tuple(problems)


def _problems(ran: Ran) -> Iterator[Problem]:
    expected, decision, position = ran.scenario.id, ran.reply.decision, ran.example.position
    if decision is None:
        problem = read(ran.reply.body, 100)
        yield Problem(position, "an example that is refused", expected, str(problem["title"]), str(problem["detail"]))
        return
    if decision.scenario is not ran.scenario:
        caught = decision.scenario
        yield Problem(
            position,
            f"an example of {expected} is shadowed by {caught.id} at {caught.position}",
            expected,
            caught.id,
            f"make the conditions of {caught.id} narrower, put {expected} before it, or change the example",
        )
        return
    for violation in decision.scenario.envelope.violations(read(ran.reply.body, 1_000)):
        yield Problem(
            position,
            "an example whose answer breaks the schema of its envelope",
            f"{violation.where}: {violation.message}",
            "",
            "",
        )
