"""The outcomes of a contract as exports show them: each with the requests that meet it and the answer that comes.

Knows how examples are run; it knows no format that is exported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from mockserver.core.contract import Contract, Example, Operation, Scenario
from mockserver.core.model import Path, Request, Settings
from mockserver.core.reply import Decision, Reply
from mockserver.core.values import read
from mockserver.engine.engine import Engine, frozen_clock
from mockserver.engine.examples import how_to_trigger
from mockserver.engine.linter import EXAMPLE_TIME_NS, example_requests

LATER_NS: Final = EXAMPLE_TIME_NS + 86_461_001_001_001
"""Another instant, to tell what of an answer the time decides."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A scenario, the requests that meet it (the last of them gets the answer), and that answer.

    `example` is the one that was run; None where no example meets the scenario, and a header forces it. `steady`
    are the parts of the body that are the same at any time and in any sandbox. `how` is how a tester meets it.
    """

    operation: Operation
    scenario: Scenario
    example: Example | None
    requests: tuple[Request, ...]
    reply: Reply
    decision: Decision
    body: Any
    steady: tuple[tuple[Path, Any], ...]
    how: str

    @property
    def title(self) -> str:
        """The documented heading, or the id where there is none."""
        return self.scenario.heading or self.scenario.id


def plain(settings: Settings) -> Settings:
    """What of the settings shapes an answer, with nothing that would refuse an example."""
    shaping = {name: getattr(settings, name) for name in ("error_status", "utc_offset", "seed", "max_depth")}
    return replace(Settings(), journal_entries=0, max_body=2**31, **shaping)


def outcomes(contract: Contract, settings: Settings) -> Iterator[Outcome]:
    """Every scenario of a contract that is served with these settings, in order."""
    served = replace(contract, settings=plain(settings))
    for operation in contract.operations:
        for scenario in operation.scenarios:
            yield _outcome(served, operation, scenario)


def _outcome(contract: Contract, operation: Operation, scenario: Scenario) -> Outcome:
    by_values = sorted(scenario.examples, key=lambda example: len(example.before))
    tried: list[tuple[Example | None, tuple[Request, ...]]] = [
        (e, (*example_requests(operation, e),)) for e in by_values
    ]
    last = (
        tried[0][1][-1]
        if tried
        else Request(operation.method, operation.fill_path({}), b"{}" if "body" in operation.schemas else b"")
    )
    forced = msgspec.structs.replace(last, headers={**last.headers, "mock-scenario": scenario.id})
    for example, sent in (*tried, (None, (forced,))):
        reply = _answer(contract, sent, EXAMPLE_TIME_NS)
        if reply.decision is not None and reply.decision.scenario is scenario:
            return _met(contract, reply.decision, example, sent, reply)
    raise ValueError(f"scenario {scenario.id} is not met by its own name: {reply.problem}")


def _met(
    contract: Contract, decision: Decision, example: Example | None, sent: tuple[Request, ...], reply: Reply
) -> Outcome:
    again = replace(contract, settings=replace(contract.settings, seed=contract.settings.seed + 1))
    body, later = (read(one.body, 1_000) for one in (reply, _answer(again, sent, LATER_NS)))
    operation, scenario = decision.operation, decision.scenario
    others = [other for other in scenario.examples if other is not example]
    how = how_to_trigger(operation, replace(scenario, examples=(example, *others) if example else ()), reply)
    return Outcome(operation, scenario, example, sent, reply, decision, body, (*_steady(body, later),), how)


def _answer(contract: Contract, sent: Sequence[Request], instant_ns: int) -> Reply:
    """The answer to the last of the requests, on a fresh state."""
    engine = Engine(contract, clock=frozen_clock(instant_ns))
    return [engine.handle_sync(request) for request in sent][-1]


def _steady(one: Any, other: Any) -> Iterator[tuple[Path, Any]]:
    """What two values have in common, in parts as large as can be."""
    if one == other:
        yield (), one
    elif isinstance(one, dict) and isinstance(other, dict):
        for name in (name for name in one if name in other):
            yield from (((name, *at), value) for at, value in _steady(one[name], other[name]))
