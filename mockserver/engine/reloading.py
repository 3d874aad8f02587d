"""Another contract in the place of the one that is served: what sandboxes have is carried over, in one step.

Knows the engine and what was asked of each sandbox; it reads no file and no clock. All that can fail or take long
is done before the step, which only assigns: no request sees half a contract.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeVar

from mockserver.contract.loading import ConfigError, given_conditions, given_scenario
from mockserver.core.contract import Condition, Contract, Operation, Scenario, Turns
from mockserver.core.model import Settings
from mockserver.core.values import write
from mockserver.decision.order import in_force
from mockserver.engine.engine import Engine, orders
from mockserver.storage.sandboxes import Armed, Sandbox

_Compiled = TypeVar("_Compiled")

MOST_NOTES: Final = 100
"""How much of what was lost is told."""

Given = tuple[str, str, str]
"""A run-time scenario as it was given: its operation, its id, its text."""

When = tuple[str, Mapping[str, Any]]
"""Conditions as they were given: their operation, and the `when`."""


def given(engine: Engine) -> tuple[list[Given], list[When]]:
    """The run-time scenarios of all sandboxes, and the conditions of what is armed, with their operations."""
    own = [one for sandbox in engine.sandboxes for scenarios in sandbox.scenarios.values() for one in scenarios]
    texts = [(one.operation, one.id, one.source_text or "") for one in own]
    whens = [(one.operation, one.spec["when"]) for s in engine.sandboxes for one in s.armed if "when" in one.spec]
    return texts, whens


class ReloadedContract:
    """A new contract, and what was given while the old one was served, compiled against it; each text once."""

    def __init__(self, contract: Contract) -> None:
        """Nothing is compiled yet."""
        self.contract = contract
        self.orders = orders(contract)
        self.operations = {operation.id: operation for operation in contract.operations}
        self._scenarios: dict[Given, Scenario | str] = {}
        self._conditions: dict[tuple[str, bytes], tuple[Condition, ...] | str] = {}

    def compile(self, texts: Iterable[Given], whens: Iterable[When]) -> None:
        """Compile what `given` found; away from the loop that answers, as it may take long."""
        for text in texts:
            self.scenario(*text)
        for when in whens:
            self.conditions(*when)

    def scenario(self, operation: str, name: str, text: str) -> Scenario | str:
        """The scenario of a text, or why there is none."""
        key = (operation, name, text)
        if key not in self._scenarios:
            self._scenarios[key] = self._tried(operation, lambda found: _scenario(found, text, name))
        return self._scenarios[key]

    def conditions(self, operation: str, when: Mapping[str, Any]) -> tuple[Condition, ...] | str:
        """The conditions of a `when`, or why there are none."""
        key = (operation, write(dict(when)))
        if key not in self._conditions:
            self._conditions[key] = self._tried(operation, lambda found: given_conditions(found, when))
        return self._conditions[key]

    def _tried(self, operation: str, compiled: Callable[[Operation], _Compiled | str]) -> _Compiled | str:
        if operation not in self.operations:
            return f"there is no operation {operation}"
        try:
            return compiled(self.operations[operation])
        except ConfigError as error:
            first = error.problems[0]
            return f"{first.position}: {first.what}"


def _scenario(operation: Operation, text: str, name: str) -> Scenario | str:
    scenario = given_scenario(operation, text.encode(), name)
    if name == operation.scenarios[-1].id and not scenario.answers_all:
        return f"{name} is the final scenario now, and has to answer everything"
    return scenario


class _Carried(NamedTuple):
    """What a sandbox has under the new contract."""

    sandbox: Sandbox
    settings: Settings
    scenarios: dict[str, tuple[Scenario, ...]]
    armed: list[tuple[Armed, Turns, tuple[Condition, ...]]]
    turned: dict[str, Counter[str]]


def swap(engine: Engine, anew: ReloadedContract, settings: Settings) -> tuple[str, ...]:
    """Serve the new contract in the place of the old one; what sandboxes had to give up, in words."""
    notes: list[str] = []
    for sandbox in engine.sandboxes:
        engine.store.written(sandbox.name)  # its new ids have begun, with the seed that it has
    carried = [_carry(engine, sandbox, anew, settings, notes) for sandbox in engine.sandboxes]
    engine.take(anew.contract, settings, _skipped(engine.contract, anew.contract), anew.orders)
    for one in carried:
        sandbox = one.sandbox
        sandbox.configure(one.settings)
        sandbox.scenarios = one.scenarios
        for armed, turns, when in one.armed:
            armed.turns, armed.when = turns, when
        sandbox.armed[:] = [armed for armed, _, _ in one.armed]
        for operation, counts in one.turned.items():
            sandbox.turned[operation] = counts
    more = [f"and {len(notes) - MOST_NOTES} more"] if len(notes) > MOST_NOTES else []
    return (*notes[:MOST_NOTES], *more)


def _carry(engine: Engine, sandbox: Sandbox, anew: ReloadedContract, settings: Settings, notes: list[str]) -> _Carried:
    where = f"sandbox {sandbox.name}" if sandbox.name else "the default sandbox"
    # The seed stays with the ids that were given out.
    own = replace(settings, **{"seed": sandbox.settings.seed, **sandbox.own_settings})
    carried = _Carried(sandbox, own, {}, [], {})
    for operation, scenarios in sandbox.scenarios.items():
        kept = []
        for scenario in scenarios:
            found = anew.scenario(operation, scenario.id, scenario.source_text or "")
            if isinstance(found, str):
                notes.append(f"{where}: run-time scenario {scenario.id} is taken out: {found}")
                continue
            kept.append(found)
        carried.scenarios[operation] = tuple(kept)
    for armed in sandbox.armed:
        bound = _bound(armed, anew, carried.scenarios)
        if isinstance(bound, str):
            notes.append(f"{where}: #{armed.id} is armed no more: {bound}")
        else:
            carried.armed.append((armed, *bound))
    for operation, counts in sandbox.turned.items():
        before = next((o for o in engine.contract.operations if o.id == operation), None)
        after = anew.operations.get(operation)
        old = _forms(engine.scenarios(before, sandbox)) if before is not None else {}
        new = _forms(_in_force(after, carried.scenarios)) if after is not None else {}
        carried.turned[operation] = Counter({n: c for n, c in counts.items() if n in old and old[n] == new.get(n)})
    return carried


def _bound(
    armed: Armed, anew: ReloadedContract, extra: Mapping[str, tuple[Scenario, ...]]
) -> tuple[Turns, tuple[Condition, ...]] | str:
    """What is armed, with the scenarios and conditions of the new contract; or what it misses there."""
    operation = anew.operations.get(armed.operation)
    if operation is None:
        return f"there is no operation {armed.operation}"
    by_id = {scenario.id: scenario for scenario in _in_force(operation, extra)}
    gone = [t.scenario.id for t in armed.turns.turns if t.scenario is not None and t.scenario.id not in by_id]
    if gone:
        return f"there is no scenario {gone[0]}"
    when = anew.conditions(armed.operation, armed.spec["when"]) if "when" in armed.spec else ()
    if isinstance(when, str):
        return when
    turns = tuple(t if t.scenario is None else t._replace(scenario=by_id[t.scenario.id]) for t in armed.turns.turns)
    return armed.turns._replace(turns=turns), when


def _in_force(operation: Operation, extra: Mapping[str, tuple[Scenario, ...]]) -> tuple[Scenario, ...]:
    return in_force(operation, extra.get(operation.id, ()))


def _forms(scenarios: Iterable[Scenario]) -> dict[str, tuple[object, ...]]:
    return {scenario.id: scenario.turns.form for scenario in scenarios if scenario.turns is not None}


def _skipped(old: Contract, new: Contract) -> dict[str, int]:
    """How much lower new ids begin than before, by name: so many numbers are passed over, lest one comes twice."""
    begun = {(o.id, one.name): one.first for o in old.operations for one in o.new}
    skipped: dict[str, int] = {}
    for operation in new.operations:
        for one in operation.new:
            lower = begun.get((operation.id, one.name), one.first) - one.first
            skipped[one.name] = max(lower, skipped.get(one.name, 0))
    return skipped
