"""The engine: the way of a request from its route to its reply."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from contextlib import suppress
from functools import partial
from typing import Any, Final, Literal, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from mockserver.base.values import printable
from mockserver.core import problems
from mockserver.core.contract import Contract, Reload
from mockserver.core.faults import loses_answer
from mockserver.core.model import Request, Settings
from mockserver.core.reply import Decision, NearMiss, Problem, Reply
from mockserver.decision.decide import decide
from mockserver.decision.near_misses import near_misses
from mockserver.decision.rendering import render
from mockserver.decision.sandbox_names import SandboxPath, split_sandbox
from mockserver.decision.view import View
from mockserver.engine.contract_in_use import ContractInUse
from mockserver.engine.metrics import Metrics
from mockserver.entries.journal_entry import with_client_left
from mockserver.privacy.masks import mask_query
from mockserver.storage.interface import (
    Committed,
    Conflict,
    FirstLook,
    Full,
    Gone,
    Sandbox,
    Storage,
    StorageError,
)
from mockserver.storage.memory import MemoryStorage

_T = TypeVar("_T")

MAX_REASON: Final = 200
"""Characters of a reason in a header."""

NowNs = Callable[[], int]
"""Gives nanoseconds since 1970-01-01T00:00:00Z."""


class Explanation(Struct, frozen=True):
    """What would answer a request to a path (masked): the reply, and the near misses."""

    reply: Reply
    path: str
    near_misses: tuple[NearMiss, ...] = ()


class FrozenClock(Struct, frozen=True):
    """A clock that always gives the same instant."""

    instant_ns: int

    def __call__(self) -> int:
        """The instant."""
        return self.instant_ns


def frozen_clock(instant_ns: int) -> NowNs:
    """A clock that always gives the same instant."""
    return FrozenClock(instant_ns)


def run_sync(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine that never suspends, such as those of the storage in memory, and give its result."""
    try:
        work.send(None)
    except StopIteration as done:
        return cast(_T, done.value)
    work.close()
    raise RuntimeError("the storage has to wait; await the coroutine instead")


class Engine:
    """Answers requests to a contract. `admin_endpoints` are named beside the operations where a path is unknown."""

    def __init__(
        self,
        contract: Contract,
        *,
        settings: Settings | None = None,
        clock: NowNs = time.time_ns,
        storage: Storage | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        admin_endpoints: Callable[[], tuple[str, ...]] = tuple,
        sandbox_key: bytes = b"",
    ) -> None:
        """Start with fresh state. `clock` tells the time, `monotonic` how long a sandbox is idle.

        `sandbox_key` keys the hashes that name sandboxes derived from secrets; random by default.
        """
        self.clock = clock
        self.storage: Storage = storage or MemoryStorage(contract, settings or contract.settings, clock, monotonic)
        self.metrics = Metrics()
        self.reload: Callable[[], Awaitable[Reload]] | None = None
        self.last_reload: Reload | None = None
        self.answers: Literal["always", "without provider", "never"] = "always"  # a recorder sets it
        self._sandbox_key = sandbox_key or secrets.token_bytes(32)
        self._admin_endpoints = admin_endpoints
        self.in_use = self._contract_in_use(contract, settings or contract.settings)

    @property
    def contract(self) -> Contract:
        """The contract that is served."""
        return self.in_use.contract

    @property
    def settings(self) -> Settings:
        """The settings of the server; a sandbox starts with them."""
        return self.in_use.settings

    def use_contract(self, contract: Contract, settings: Settings) -> None:
        """Serve another contract from the next request on; the caller tells the storage."""
        self.in_use = self._contract_in_use(contract, settings)

    def _contract_in_use(self, contract: Contract, settings: Settings) -> ContractInUse:
        return ContractInUse(contract, settings, self._sandbox_key, self._admin_endpoints)

    def cached(self, name: Hashable, make: Callable[[], _T]) -> _T:
        """A value that `make` derives from the contract in use; computed once for each `name`, until a reload."""
        kept = self.in_use.cached
        if name not in kept:
            kept[name] = make()
        return cast(_T, kept[name])

    # -- one request ------------------------------------------------------------------------------------

    async def handle(self, request: Request, *, fallback: str = "") -> Reply:
        """Answer one request, commit what it changes, and keep its journal entry.

        The caller awaits `delivered` once the reply is sent or lost. If the storage fails, no entry is kept.
        `fallback`: why the provider, in whose place the mock answers, did not; reply and entry say so.
        """
        started_ns = time.perf_counter_ns()
        return await self._or_unavailable(self._answer(request, started_ns, fallback), started_ns)

    async def _answer(self, request: Request, started_ns: int, fallback: str) -> Reply:
        in_use = self.in_use  # a reload changes nothing for a request that is under way
        refuse = partial(self._record_refusal, in_use, request, started_ns)
        route = in_use.router.route(request)
        if isinstance(route, Reply):
            return await refuse(route, _named_sandbox(request))
        async with self.storage.queue(route.sandbox):
            document = in_use.read(route, request, in_use.settings)
            sandbox = await self.storage.use_sandbox(route.sandbox, FirstLook(route.operation, document))
            if sandbox is None:
                return await refuse(problems.no_room_for_sandbox(in_use.settings), route.sandbox)
            if sandbox.own_settings:  # by these the request may read otherwise than by those of the server
                document = in_use.read(route, request, sandbox.settings)
            entry_id = await sandbox.next_entry_id()
            while True:
                view = await sandbox.look(route.operation, document)
                decision = decide(route, document, view)
                if isinstance(decision, Reply):
                    return await refuse(decision, route.sandbox, sandbox, entry_id)
                reply = as_fallback(render(decision, route, entry_id, view.lost_entry_ids), fallback)
                nanos = time.perf_counter_ns() - started_ns
                entry = in_use.entry_writer.encode_decision(view, decision, reply, nanos // 1000)
                observation = in_use.observer.observe(request, view, decision, started_ns)
                match await sandbox.commit(view, decision.effects, entry, observation):
                    case Committed():
                        self.metrics.count(reply, nanos)
                        return reply
                    case Conflict():
                        continue  # somebody was faster: look and decide again
                    case Full(setting, limit):
                        problem = problems.no_room(setting, limit)
                    case Gone():
                        problem = problems.sandbox_gone(route.sandbox)
                # nothing was committed
                return await refuse(problem, route.sandbox, sandbox, entry_id)

    def handle_sync(self, request: Request) -> Reply:
        """`handle` without an event loop, for a storage that never suspends; the reply counts as delivered."""
        reply = run_sync(self.handle(request))
        run_sync(self.delivered(reply))
        return reply

    async def refuse(self, request: Request, problem: Problem) -> Reply:
        """Answer a request that could not be read as a whole with a problem, and keep its entry."""
        started_ns = time.perf_counter_ns()
        refused = self._record_refusal(self.in_use, request, started_ns, problem, _named_sandbox(request))
        return await self._or_unavailable(refused, started_ns)

    async def _or_unavailable(self, answer: Awaitable[Reply], started_ns: int) -> Reply:
        try:
            return await answer
        except StorageError as error:
            reply = problems.store_unavailable(str(error))
            self.metrics.count(reply, time.perf_counter_ns() - started_ns)
            return reply

    async def delivered(self, reply: Reply, *, complete: bool = True) -> None:
        """Count the outcome of a reply. `complete`: all of it was sent; if not, a fault took it or the client left."""
        with suppress(StorageError):  # the reply is out
            if not complete and not loses_answer(reply.fault.kind if reply.fault is not None else None):
                entry = await self.storage.entry(reply.entry_id)
                if entry is not None:
                    await self.storage.replace_entry(replace(entry, data=with_client_left(entry.data)))
            if reply.decision is not None:
                await self.storage.delivered(reply.sandbox, reply.entry_id, complete=complete)

    async def explain(self, request: Request) -> Explanation:
        """What `handle` would answer, and why. No sandbox is made or touched; nothing is drawn or counted."""
        in_use = self.in_use
        entry_id = "0"
        path = self.masked_target(request.path, "")

        async def refused(problem: Problem, sandbox: str) -> Explanation:
            return Explanation(await self._with_mock_headers(problem, entry_id, sandbox), path)

        route = in_use.router.route(request)
        if isinstance(route, Reply):
            return await refused(route, _named_sandbox(request))
        sandbox = await self.storage.peek(route.sandbox)
        if sandbox is None:
            return await refused(problems.no_room_for_sandbox(in_use.settings), route.sandbox)
        document = in_use.read(route, request, sandbox.settings)
        view = await sandbox.look(route.operation, document)
        decision = decide(route, document, view)
        if isinstance(decision, Reply):
            return await refused(decision, route.sandbox)
        full = await sandbox.check_room(decision.effects)
        if full is not None:
            return await refused(problems.no_room(full.setting, full.limit), route.sandbox)
        return Explanation(render(decision, route, entry_id, view.lost_entry_ids), path, near_misses_of(decision, view))

    def masked_target(self, path: str, query: str) -> str:
        """A request target as people may read it; `query` is percent-encoded."""
        writer = self.in_use.entry_writer
        return writer.path_mask.mask(path) + ("?" + mask_query(query, writer.all_secrets) if query else "")

    # -- the journal ------------------------------------------------------------------------------------

    async def _record_refusal(
        self,
        in_use: ContractInUse,
        request: Request,
        started_ns: int,
        problem: Problem,
        name: str,
        sandbox: Sandbox | None = None,
        entry_id: str = "",
    ) -> Problem:
        """Answer with a problem, count it, and keep its entry, of the sandbox of this name."""
        entry_id = entry_id or await self.storage.next_entry_id()
        reply = await self._with_mock_headers(problem, entry_id, name)
        nanos = time.perf_counter_ns() - started_ns
        now = sandbox.clock.read(self.clock()) if sandbox is not None else self.clock()
        entry = in_use.entry_writer.encode_refusal(entry_id, request, name, reply, now, nanos // 1000)
        await self.storage.add_entry(entry, in_use.observer.observe_refusal(request, name, started_ns))
        self.metrics.count(reply, nanos)
        return reply

    async def _with_mock_headers(self, problem: Problem, entry_id: str, name: str) -> Problem:
        """A problem with the id of its entry, and without headers of the mock where the sandbox shows none."""
        sandbox = await self.storage.find(name)
        if (self.settings if sandbox is None else sandbox.settings).mock_headers:
            return replace(problem, own_headers=(("Mock-Entry", entry_id),), entry_id=entry_id, sandbox=name)
        headers = tuple(pair for pair in problem.headers if not pair[0].startswith("Mock-"))
        return replace(problem, headers=headers, entry_id=entry_id, sandbox=name)


def as_fallback(reply: Reply, reason: str) -> Reply:
    """A reply that says that it stands for that of a provider, and why; without a reason as it is."""
    if not reason:
        return reply
    named = ("Mock-Fallback", printable(reason, MAX_REASON))
    return replace(reply, own_headers=(*reply.own_headers, named), fallback=reason)


def near_misses_of(decision: Decision, view: View) -> tuple[NearMiss, ...]:
    """The near misses of a decision; none where it was forced or armed."""
    if decision.alternative is None:
        return ()
    stood_aside = [name for name in decision.turn_counts if name != decision.scenario.id]
    return near_misses(decision.operation, view.order.scenarios, view.facts, stood_aside)


def _named_sandbox(request: Request) -> str:
    """The sandbox that a request names, the default one where it names none that can be."""
    found = split_sandbox(request.path, request.headers)
    return found.sandbox if isinstance(found, SandboxPath) else ""
