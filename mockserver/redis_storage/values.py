"""What a tester changes in a sandbox as text, and back: scenarios, armed outcomes, orders of scenarios."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import asdict

from mockserver.base.values import encode_json
from mockserver.contract.loading import compile_runtime_conditions, compile_runtime_scenario
from mockserver.core.contract import Contract, Operation, Scenario, Turn, Turns
from mockserver.core.faults import Delay, Fault, FixedDelay, LognormalDelay, UniformDelay
from mockserver.core.language import Condition
from mockserver.decision.order import Order, compile_order, scenarios_in_force
from mockserver.decision.view import ArmedOutcome

MAX_COMPILED: Final = 10_000
"""Texts whose compiled form is kept, as every request would compile them again (a millisecond each); then all go."""

_DELAYS: Final = {kind.__name__: kind for kind in (FixedDelay, UniformDelay, LognormalDelay)}

_T = TypeVar("_T")


class ContractValues:
    """The scenarios and conditions of a contract with those that testers added, each text compiled once."""

    def __init__(self, contract: Contract) -> None:
        """Nothing is compiled yet."""
        self.contract = contract
        self.operations = contract.operations_by_id
        self.orders: Mapping[str, Order] = {one.id: compile_order(one.scenarios) for one in contract.operations}
        self._compiled: dict[tuple[Any, ...], Any] = {}

    def _once(self, key: tuple[Any, ...], make: Callable[[], _T]) -> _T:
        if key not in self._compiled:
            if len(self._compiled) >= MAX_COMPILED:
                self._compiled.clear()
            self._compiled[key] = make()
        found: _T = self._compiled[key]
        return found

    def order(self, operation: Operation, added: tuple[Scenario, ...]) -> Order:
        """The order of the scenarios in force."""
        if not added:
            return self.orders[operation.id]
        in_force = scenarios_in_force(operation, added)
        return self._once((operation.id, added), lambda: compile_order(in_force, added))

    # -- scenarios --------------------------------------------------------------------------------------

    def encode_scenarios(self, operation: str, scenarios: Sequence[Scenario]) -> str:
        """The text of run-time scenarios; one without a source is of the contract."""
        for one in scenarios:
            if one.runtime_text is not None:
                self._once((operation, one.id, one.runtime_text), lambda one=one: one)  # type: ignore[misc]
        return encode_json([[one.id, one.runtime_text] for one in scenarios]).decode()

    def decode_scenarios(self, operation: str, text: str) -> tuple[Scenario, ...]:
        """The run-time scenarios of a text."""
        return tuple(self._scenario(operation, name, source) for name, source in msgspec.json.decode(text))

    def _scenario(self, operation: str, name: str, source: str | None) -> Scenario:
        found = self.operations[operation]
        if source is None:
            return found.by_id[name]
        return self._once((operation, name, source), lambda: compile_runtime_scenario(found, source.encode(), name))

    # -- armed outcomes ---------------------------------------------------------------------------------

    def encode_armed(self, armed: ArmedOutcome) -> str:
        """The text of an armed outcome."""
        turns = [
            {
                "scenario": None if one.scenario is None else [one.scenario.id, one.scenario.runtime_text],
                "fault": None if one.fault is None else asdict(one.fault),
                "delay": None if one.delay is None else [type(one.delay).__name__, asdict(one.delay)],
                "times": one.times,
            }
            for one in armed.turns.turns
        ]
        shown = {"operation": armed.operation, "left": armed.left, "used": armed.used, "cycle": armed.turns.cycle}
        has_when = bool(armed.when)
        return encode_json({**shown, "turns": turns, "has_when": has_when, "spec": dict(armed.spec)}).decode()

    def decode_armed(self, number: int, text: str) -> ArmedOutcome:
        """The armed outcome of a text."""
        one = msgspec.json.decode(text)
        turns = Turns(tuple(self._turn(one["operation"], turn) for turn in one["turns"]), one["cycle"])
        when = self._conditions(one["operation"], one["spec"]["when"]) if one["has_when"] else ()
        return ArmedOutcome(number, one["operation"], turns, one["left"], when, one["spec"], one["used"])

    def _turn(self, operation: str, turn: Mapping[str, Any]) -> Turn:
        scenario = None if turn["scenario"] is None else self._scenario(operation, *turn["scenario"])
        fault = None if turn["fault"] is None else Fault(**turn["fault"])
        delay: Delay | None = None
        if turn["delay"] is not None:
            kind, members = turn["delay"]
            delay = _DELAYS[kind](**members)
        return Turn(scenario, fault, delay, turn["times"])

    def _conditions(self, operation: str, when: Mapping[str, Any]) -> tuple[Condition, ...]:
        found = self.operations[operation]
        return self._once((operation, encode_json(dict(when))), lambda: compile_runtime_conditions(found, when))
