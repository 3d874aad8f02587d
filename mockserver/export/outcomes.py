"""The outcomes of a contract for exports: each with the requests that meet it, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from mockserver.base.values import MAX_OWN_DEPTH, decode_json
from mockserver.core.contract import Contract, Example, Operation, Scenario
from mockserver.core.model import Path, Request, Settings
from mockserver.core.reply import Decision, Reply
from mockserver.engine.engine import Engine, frozen_clock
from mockserver.engine.linter import EXAMPLE_TIME_NS, example_requests
from mockserver.engine.listing import how_to_trigger, trigger_values

LATER_NS: Final = EXAMPLE_TIME_NS + 86_461_001_001_001
"""A later instant. The parts of an answer that differ then, with another seed, are not constant."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A scenario, the requests that meet it (the last of them gets the answer), and that answer.

    example: the example of these requests; None if no example meets the scenario, so that a header forces it.
    constant_parts: the parts of the body that are the same at any time and in any sandbox.
    trigger_text: how a tester meets it, in words.
    """

    operation: Operation
    scenario: Scenario
    example: Example | None
    requests: tuple[Request, ...]
    reply: Reply
    decision: Decision
    body: Any
    constant_parts: tuple[tuple[Path, Any], ...]
    trigger_text: str

    @property
    def title(self) -> str:
        """The documented heading, or the id where there is none."""
        return self.scenario.heading or self.scenario.id


def example_settings(settings: Settings) -> Settings:
    """Keep the settings that shape an answer, and drop those that would refuse an example."""
    kept = {name: getattr(settings, name) for name in ("error_status", "utc_offset", "seed", "max_depth")}
    return replace(Settings(), journal_entries=0, max_body=2**31, **kept)


def outcomes(
    contract: Contract, settings: Settings, is_wanted: Callable[[Scenario], bool] = lambda _: True
) -> Iterator[Outcome]:
    """Every wanted scenario of a contract that is served with these settings, in order."""
    served = replace(contract, settings=example_settings(settings))
    for operation in contract.operations:
        for scenario in filter(is_wanted, operation.scenarios):
            yield _outcome(served, operation, scenario)


def _outcome(contract: Contract, operation: Operation, scenario: Scenario) -> Outcome:
    examples = sorted(scenario.examples, key=lambda example: len(example.bodies_before))
    attempts: list[tuple[Example | None, tuple[Request, ...]]] = [
        (e, (*example_requests(operation, e),)) for e in examples
    ]
    last = (
        attempts[0][1][-1]
        if attempts
        else Request(operation.method, operation.fill_path({}), b"{}" if "body" in operation.schema_files else b"")
    )
    forced = msgspec.structs.replace(last, headers={**last.headers, "mock-scenario": scenario.id})
    for example, requests_sent in (*attempts, (None, (forced,))):
        reply = _answer(contract, requests_sent, EXAMPLE_TIME_NS)
        if reply.decision is not None and reply.decision.scenario.id == scenario.id:
            return _make_outcome(contract, reply.decision, example, requests_sent, reply)
    raise ValueError(f"scenario {scenario.id} does not answer when it is forced: {reply.problem}")


def _make_outcome(
    contract: Contract, decision: Decision, example: Example | None, requests_sent: tuple[Request, ...], reply: Reply
) -> Outcome:
    later_contract = replace(contract, settings=replace(contract.settings, seed=contract.settings.seed + 1))
    body, later_body = (
        decode_json(one.body, MAX_OWN_DEPTH) for one in (reply, _answer(later_contract, requests_sent, LATER_NS))
    )
    operation, scenario = decision.operation, decision.scenario
    others = [other for other in scenario.examples if other is not example]
    tried = replace(scenario, examples=(example, *others) if example else ())
    how = how_to_trigger(tried, trigger_values(operation, tried, reply))
    parts = tuple(_constant_parts(body, later_body))
    return Outcome(operation, scenario, example, requests_sent, reply, decision, body, parts, how)


def _answer(contract: Contract, requests_sent: Sequence[Request], instant_ns: int) -> Reply:
    """The answer to the last of the requests, on a fresh state."""
    engine = Engine(contract, clock=frozen_clock(instant_ns))
    return [engine.handle_sync(request) for request in requests_sent][-1]


def _constant_parts(one: Any, other: Any) -> Iterator[tuple[Path, Any]]:
    """The largest parts that two values have in common, with their paths."""
    if one == other:
        yield (), one
    elif isinstance(one, dict) and isinstance(other, dict):
        for name in (name for name in one if name in other):
            yield from (((name, *at), value) for at, value in _constant_parts(one[name], other[name]))
