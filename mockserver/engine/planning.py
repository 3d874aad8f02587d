"""A request on its way: what its head means, where it is admitted, and what is to become of it.

Knows decisions and what is asked for or armed beside them; it changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mockserver.core.contract import Decision, Operation, Reply, Turn
from mockserver.core.directives import Directives
from mockserver.core.model import Delay, Fault, make
from mockserver.storage.sandboxes import Armed, Sandbox


class Admitted(NamedTuple):
    """A request that an operation will answer, with its path parameters, in a sandbox."""

    operation: Operation
    parameters: Mapping[str, str]
    sandbox: Sandbox
    asked: Directives


class Meaning(NamedTuple):
    """What the head of a request means: the sandbox that it names, an operation, path parameters, directives."""

    sandbox: str
    operation: Operation
    parameters: Mapping[str, str]
    asked: Directives | Reply


class Planned(NamedTuple):
    """What becomes of a request: the decision, and what is armed, delayed or goes wrong with it.

    `commits`: what the scenario changes is committed, if there is room; not where it was forced, or lost on purpose.
    """

    decision: Decision
    armed: Armed | None
    fault: Fault | None
    delay: Delay | None
    commits: bool


def plan_of(decision: Decision, asked: Directives, armed: Armed | None = None) -> Planned:
    """What goes wrong and how long it takes: as a header asks, as is armed, or as the scenario says."""
    turn, scenario = armed.turn if armed is not None else Turn(), decision.scenario
    fault, delay = asked.fault or turn.fault or scenario.fault, asked.delay or turn.delay or scenario.delay
    commits = decision.alternative is not None and bool(scenario.changes) and (fault is None or fault.commit)
    return make(Planned, (decision, armed, fault, delay, commits))
