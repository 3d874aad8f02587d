"""Loads the files of a contract again and serves the new contract; sandboxes keep what still fits.

All that can fail or take long runs in a thread. The step that serves the new contract only assigns, so that no request
sees half a contract.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from mockserver.base.values import encode_json
from mockserver.contract.loading import ConfigError, ContractFiles, compile_runtime_conditions, compile_runtime_scenario
from mockserver.core.contract import Contract, Operation, Reload, Scenario
from mockserver.core.language import Condition
from mockserver.core.model import Settings
from mockserver.decision.order import scenarios_in_force
from mockserver.decision.view import ArmedOutcome
from mockserver.engine.engine import Engine
from mockserver.engine.threads import run_in_thread
from mockserver.storage.interface import ReloadedSandbox, Sandbox, StorageError

POLL_SECONDS: Final = 1.0
"""Between two polls; a change is loaded once the files are the same in two polls."""

MAX_ATTEMPTS: Final = 10
"""How often files that change while they are read are read again."""

MAX_NOTES: Final = 100
"""Notes that one reload lists; the rest are counted."""

_T = TypeVar("_T")


class ReloadedContract:
    """A new contract with the run-time scenarios and armed conditions compiled against it, each text once."""

    def __init__(self, contract: Contract) -> None:
        """Nothing is compiled yet."""
        self.contract = contract
        self.operations = contract.operations_by_id
        self._scenarios: dict[tuple[str, str, str], Scenario | str] = {}
        self._conditions: dict[tuple[str, bytes], tuple[Condition, ...] | str] = {}

    def compile(self, sandboxes: Iterable[Sandbox]) -> None:
        """Compile ahead what was added to sandboxes, in a thread, as it may take long."""
        for sandbox in sandboxes:
            for scenarios in sandbox.runtime_scenarios.values():
                for scenario in scenarios:
                    self.scenario(scenario)
            for armed in sandbox.armed:
                self.conditions(armed)

    def scenario(self, added: Scenario) -> Scenario | str:
        """A run-time scenario by the new contract, or why there is none."""
        operation, name, text = key = (added.operation, added.id, added.runtime_text or "")
        if key not in self._scenarios:
            self._scenarios[key] = self._compiled(operation, partial(_scenario, name, text))
        return self._scenarios[key]

    def conditions(self, armed: ArmedOutcome) -> tuple[Condition, ...] | str:
        """The conditions of an armed outcome by the new contract, or why there are none."""
        if "when" not in armed.spec:
            return ()
        operation, when = armed.operation, armed.spec["when"]
        key = (operation, encode_json(dict(when)))
        if key not in self._conditions:
            self._conditions[key] = self._compiled(operation, lambda found: compile_runtime_conditions(found, when))
        return self._conditions[key]

    def _compiled(self, operation: str, compiled: Callable[[Operation], _T | str]) -> _T | str:
        if operation not in self.operations:
            return f"there is no operation {operation}"
        try:
            return compiled(self.operations[operation])
        except ConfigError as error:
            first = error.diagnostics[0]
            return f"{first.position}: {first.what}"


def _scenario(name: str, text: str, operation: Operation) -> Scenario | str:
    scenario = compile_runtime_scenario(operation, text.encode(), name)
    if name == operation.scenarios[-1].id and not scenario.answers_all:
        return f"{name} is the final scenario now, and has to answer everything"
    return scenario


async def serve(engine: Engine, reloaded: ReloadedContract, settings: Settings) -> tuple[str, ...]:
    """Serve the new contract from now on; the notes say what sandboxes have lost."""
    notes: list[str] = []
    sandboxes = await engine.storage.sandboxes()
    sandboxes_after = {one.name: _reload_sandbox(engine.contract, one, reloaded, settings, notes) for one in sandboxes}
    id_offsets = _id_offsets(engine.contract, reloaded.contract)
    await engine.storage.use_contract(reloaded.contract, settings, sandboxes_after, id_offsets)
    engine.use_contract(reloaded.contract, settings)
    more = [f"and {len(notes) - MAX_NOTES} more"] if len(notes) > MAX_NOTES else []
    return (*notes[:MAX_NOTES], *more)


def _reload_sandbox(
    before: Contract, sandbox: Sandbox, reloaded: ReloadedContract, settings: Settings, notes: list[str]
) -> ReloadedSandbox:
    where = f"sandbox {sandbox.name}" if sandbox.name else "the default sandbox"
    # The seed stays with the ids that were given out.
    own = replace(settings, **{"seed": sandbox.settings.seed, **sandbox.own_settings})
    added: dict[str, tuple[Scenario, ...]] = {}
    for operation, scenarios in sandbox.runtime_scenarios.items():
        kept = []
        for scenario in scenarios:
            found = reloaded.scenario(scenario)
            if isinstance(found, Scenario):
                kept.append(found)
            else:
                notes.append(f"{where}: run-time scenario {scenario.id} is taken out: {found}")
        added[operation] = tuple(kept)
    armed = []
    for one in sandbox.armed:
        bound = _rebind(one, reloaded, added)
        if isinstance(bound, ArmedOutcome):
            armed.append(bound)
        else:
            notes.append(f"{where}: #{one.id} is armed no more: {bound}")
    turns = {name: _kept_turns(name, before, sandbox, reloaded, added) for name in sandbox.turn_counts}
    return ReloadedSandbox(own, added, tuple(armed), turns)


def _rebind(
    armed: ArmedOutcome, reloaded: ReloadedContract, added: Mapping[str, tuple[Scenario, ...]]
) -> ArmedOutcome | str:
    """An armed outcome with the scenarios and conditions of the new contract, or why there is none."""
    operation = reloaded.operations.get(armed.operation)
    if operation is None:
        return f"there is no operation {armed.operation}"
    by_id = {scenario.id: scenario for scenario in scenarios_in_force(operation, added.get(operation.id, ()))}
    turns = []
    for turn in armed.turns.turns:
        if turn.scenario is not None and turn.scenario.id not in by_id:
            return f"there is no scenario {turn.scenario.id}"
        scenario = by_id[turn.scenario.id] if turn.scenario is not None else None
        turns.append(msgspec.structs.replace(turn, scenario=scenario))
    when = reloaded.conditions(armed)
    if isinstance(when, str):
        return when
    in_turn = msgspec.structs.replace(armed.turns, turns=tuple(turns))
    return msgspec.structs.replace(armed, turns=in_turn, when=when)


def _kept_turns(
    name: str, before: Contract, sandbox: Sandbox, reloaded: ReloadedContract, added: Mapping[str, tuple[Scenario, ...]]
) -> Mapping[str, int]:
    """The counts of answers in turn of an operation, of series that are the same in the new contract."""
    old = before.operations_by_id.get(name)
    new = reloaded.operations.get(name)
    old_forms = _forms(scenarios_in_force(old, sandbox.runtime_scenarios.get(name, ()))) if old is not None else {}
    new_forms = _forms(scenarios_in_force(new, added.get(name, ()))) if new is not None else {}
    counts = sandbox.turn_counts[name].items()
    return {one: n for one, n in counts if one in old_forms and old_forms[one] == new_forms.get(one)}


def _forms(scenarios: Iterable[Scenario]) -> dict[str, tuple[object, ...]]:
    """By scenario with answers in turn: what has to stay the same for its count to stay valid."""
    return {scenario.id: scenario.turns.reload_key for scenario in scenarios if scenario.turns is not None}


def _id_offsets(old: Contract, new: Contract) -> dict[str, int]:
    """By how much the ids of a name begin lower than before; so many are skipped, so that none is given out twice."""
    first = {(operation.id, one.name): one.first for operation in old.operations for one in operation.id_rules}
    id_offsets: dict[str, int] = {}
    for operation in new.operations:
        for one in operation.id_rules:
            lower = first.get((operation.id, one.name), one.first) - one.first
            id_offsets[one.name] = max(lower, id_offsets.get(one.name, 0))
    return id_offsets


class Reloader:
    """Loads the files of an engine anew. Bad ones change nothing; good ones are served from one request to the next."""

    def __init__(
        self,
        engine: Engine,
        files: ContractFiles,
        now_ns: Callable[[], int],
        settings: Callable[[Settings], Settings] = lambda settings: settings,
        on_reload: Callable[[Reload], None] = lambda _: None,
    ) -> None:
        """`settings` applies options and variables to the settings of the files; `on_reload` is called after each."""
        self._engine = engine
        self._files = files
        self._now_ns = now_ns
        self._settings = settings
        self._on_reload = on_reload
        self._lock = asyncio.Lock()
        self._served = ""
        engine.reload = self.reload
        engine.metrics.record_load(now_ns())

    async def watch(self, served: str, interval: float = POLL_SECONDS) -> None:
        """Poll the files until cancelled; `served` is the fingerprint of the files that are served."""
        self._served = before = served
        self._engine.last_reload = Reload(self._now_ns())
        while True:
            await asyncio.sleep(interval)
            now = await run_in_thread(self._files.fingerprint)
            if now == before != self._served:
                await self.reload()
            before = now

    async def reload(self) -> Reload:
        """Load the files now."""
        async with self._lock:
            done = await self._load_and_serve()
            if not done.errors:
                self._engine.metrics.record_load(done.at_ns)
            self._engine.metrics.count_reload(good=not done.errors)
            self._engine.last_reload = done
            self._on_reload(done)
            return done

    async def _load_and_serve(self) -> Reload:
        try:
            sandboxes = await self._engine.storage.sandboxes()
        except StorageError as error:
            return Reload(self._now_ns(), errors=(_failure(error),))
        loaded = await run_in_thread(partial(self._read, sandboxes))
        return await self._serve(loaded) if isinstance(loaded, ReloadedContract) else Reload(self._now_ns(), loaded)

    def _read(self, sandboxes: Sequence[Sandbox]) -> ReloadedContract | tuple[Mapping[str, str], ...]:
        """The contract of the files, or what is wrong with them."""
        for _ in range(MAX_ATTEMPTS):
            fingerprint = self._files.fingerprint()
            loaded = self._load(sandboxes)
            if self._files.fingerprint() == fingerprint:
                self._served = fingerprint
                return loaded
        return (_problem("the files change while they are read", "try it again when they are whole"),)

    def _load(self, sandboxes: Sequence[Sandbox]) -> ReloadedContract | tuple[Mapping[str, str], ...]:
        try:
            reloaded = ReloadedContract(self._files.load())
            reloaded.compile(sandboxes)
        except ConfigError as error:
            return tuple(error.as_json)
        except Exception as error:  # noqa: BLE001 - whatever it is, the contract that is served stays
            return (_failure(error),)
        return reloaded

    async def _serve(self, reloaded: ReloadedContract) -> Reload:
        try:
            notes = await serve(self._engine, reloaded, self._settings(reloaded.contract.settings))
        except Exception as error:  # noqa: BLE001 - whatever it is, the contract that is served stays
            return Reload(self._now_ns(), errors=(_failure(error),))
        return Reload(self._now_ns(), notes=notes)


def _failure(error: Exception) -> dict[str, str]:
    if isinstance(error, StorageError):
        return _problem(str(error), "the contract stays as it was")
    return _problem(f"the mock failed as it loaded the files: {type(error).__name__}", "report this")


def _problem(what: str, hint: str) -> dict[str, Any]:
    expected = "files that make a contract"
    return {"at": "", "what": what, "expected": expected, "came": "", "try": hint, "did_you_mean": []}
