"""The cases of a run: for each outcome the requests to send, and what the contract answers to them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from mockserver.core.contract import Contract, Scenario
from mockserver.core.model import Request
from mockserver.core.reply import Reply
from mockserver.engine.engine import Engine, frozen_clock
from mockserver.engine.linter import EXAMPLE_TIME_NS, example_requests
from mockserver.export.outcomes import Outcome, example_settings, outcomes
from mockserver.provider.bindings import Bindings, Reason, UnboundError


@dataclass(frozen=True, slots=True)
class Case:
    """An outcome with the requests that meet it at the provider, the last of which gets its answer.

    before: the statuses that the contract answers the requests before the last one with.
    reply: what it answers to the last one.
    assumptions: the ids of those that the answer rests on.
    bound_lookups: the names of lookups whose records are the provider's: the bindings give their keys.
    reason: why nothing can be sent; None if `requests` has something.
    """

    outcome: Outcome
    requests: tuple[Request, ...]
    before: tuple[int, ...]
    reply: Reply
    assumptions: tuple[str, ...]
    bound_lookups: frozenset[str] = frozenset()
    reason: Reason | None = None


def cases(contract: Contract, selected: Sequence[str], bindings: Bindings) -> Iterator[Case]:
    """A case for each outcome that is `selected`, by default the documented ones and those that the bindings name."""

    def is_wanted(scenario: Scenario) -> bool:
        if selected:
            return scenario.id in selected
        return scenario.provenance == "documented" or scenario.id in bindings.outcomes

    for outcome in outcomes(contract, contract.settings, is_wanted):
        yield _case(contract, outcome, bindings)


def _case(contract: Contract, outcome: Outcome, bindings: Bindings) -> Case:
    try:
        example = bindings.example(outcome)
        bound_example = bindings.bind(outcome, example)
    except UnboundError as error:
        assumptions = _assumptions(outcome, outcome.reply, frozenset())
        return Case(outcome, (), (), outcome.reply, assumptions, reason=error.reason)
    operation, places = outcome.operation, bindings.places(outcome)
    requests = tuple(example_requests(operation, bound_example))
    *before, _ = _replies(contract, tuple(example_requests(operation, example)))
    reply = _replies(contract, requests)[-1]
    if reply.decision is None or reply.decision.scenario.id != outcome.scenario.id:
        reply = _forced_reply(contract, requests, outcome.scenario)
    bound_lookups = frozenset(lookup.name for lookup in operation.lookups if lookup.path in places)
    statuses = tuple(one.status for one in before)
    return Case(outcome, requests, statuses, reply, _assumptions(outcome, reply, bound_lookups), bound_lookups)


def other_replies(contract: Contract, case: Case) -> Iterator[tuple[Scenario, Reply]]:
    """What the contract answers to the last request of a case for each documented outcome but the expected one."""
    for scenario in case.outcome.operation.scenarios:
        if scenario.provenance == "documented" and scenario.id != case.outcome.scenario.id:
            yield scenario, _forced_reply(contract, case.requests, scenario)


def _forced_reply(contract: Contract, requests: Sequence[Request], scenario: Scenario) -> Reply:
    """The mock's reply to the last of the requests with this outcome, on fresh state."""
    headers = {**requests[-1].headers, "mock-scenario": scenario.id}
    return _replies(contract, [*requests[:-1], msgspec.structs.replace(requests[-1], headers=headers)])[-1]


def _replies(contract: Contract, requests: Sequence[Request]) -> list[Reply]:
    """The mock's reply to each request, on fresh state."""
    served = replace(contract, settings=example_settings(contract.settings))
    engine = Engine(served, clock=frozen_clock(EXAMPLE_TIME_NS))
    return [engine.handle_sync(request) for request in requests]


def _assumptions(outcome: Outcome, reply: Reply, bound: frozenset[str]) -> tuple[str, ...]:
    """The assumptions that the answer to the requests rests on.

    Those of the example, without what it was warned of, and those of the `reply`. What rests on the mock's record of a
    lookup with a `bound` key is left out: the provider has a record of its own.
    """
    example, alternative, scenario = outcome.decision, outcome.decision.alternative, outcome.scenario
    warned = {warning.assumption for warning in example.document.warnings}
    found = [*outcome.operation.assumed, *(one for one in example.assumed if one not in warned)]
    found += reply.decision.assumed if reply.decision is not None else ()
    conditional = [*scenario.envelope.assumed, *scenario.assumed, *(alternative.assumed if alternative else ())]
    unknown = {one.id for one in conditional if any(bound & condition.reads for condition in one.when)}
    return tuple(one for one in dict.fromkeys(found) if one not in unknown)


def in_sandboxes(cases: Sequence[Case]) -> list[Case]:
    """The cases for a mock as target: each in a sandbox of its own, so that none finds the records of another."""
    name = f"verify-{time.time_ns():x}"
    return [_in_sandbox(case, f"/sandbox/{name}-{number}") for number, case in enumerate(cases)]


def _in_sandbox(case: Case, prefix: str) -> Case:
    requests = (msgspec.structs.replace(request, path=prefix + request.path) for request in case.requests)
    return replace(case, requests=tuple(requests))
