"""The one mutable object: a contract being served, with its sandboxes, its journal, its clock and random source.

Knows no HTTP library: requests and replies are values. Nothing between looking up and committing waits,
so a request is atomic on one event loop.
"""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Final, NamedTuple, TypeVar, cast

from mockserver.core import problems
from mockserver.core.contract import Contract, Decision, NearMiss, Operation, Reload, Reply, Scenario
from mockserver.core.directives import directives
from mockserver.core.model import NOTHING, Document, Facts, Request, Settings, Tick, make, remember
from mockserver.core.values import close_matches
from mockserver.decision import rendering
from mockserver.decision.decide import decide, gather, misses, misspelt, prepare
from mockserver.decision.document import read_document
from mockserver.decision.order import Order, in_force, in_order
from mockserver.decision.router import Routes, Target, target
from mockserver.decision.sandbox_names import derived
from mockserver.engine.metrics import Gauges, Metrics
from mockserver.engine.planning import Admitted, Meaning, Planned, plan_of
from mockserver.engine.recording import Recorder
from mockserver.storage.coverage import Coverage
from mockserver.storage.journal import Journal
from mockserver.storage.sandboxes import Sandbox, Sandboxes
from mockserver.storage.store import MemoryStore, Store

MOST_REMEMBERED: Final = 3
"""Contracts that are kept whole for the journal's sake, the one that is served among them."""

MOST_HEADS: Final = 1_000
"""Heads of requests of which it is known what they mean."""

_T = TypeVar("_T")

Clock = Callable[[], int]
"""Gives nanoseconds since 1970-01-01T00:00:00Z."""


class Explanation(NamedTuple):
    """A decision that was not made: what would answer, the near misses, and whether what it changes would stay."""

    reply: Reply
    misses: tuple[NearMiss, ...] = ()
    commits: bool = False


def frozen(instant_ns: int) -> Clock:
    """A clock that stands still."""
    return lambda: instant_ns


def orders(contract: Contract) -> Mapping[str, Order]:
    """The scenarios of each operation, made ready."""
    return {operation.id: in_order(operation.scenarios, operation.lookups) for operation in contract.operations}


class Engine:
    """Serves a contract. `admin_paths` is asked for those to be named beside the operations where a path is unknown."""

    def __init__(
        self,
        contract: Contract,
        *,
        settings: Settings | None = None,
        clock: Clock = time.time_ns,
        store: Store | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        admin_paths: Callable[[], tuple[str, ...]] = tuple,
        sandbox_key: bytes = b"",
    ) -> None:
        """Begin with fresh state; `clock` and `monotonic` are the only clocks that are read.

        `sandbox_key` keys the names of sandboxes that are derived from secrets; a random one is drawn for none.
        """
        self.contract = contract
        self.settings = settings or contract.settings
        self.clock = clock
        self.store = store or MemoryStore(contract.collections, self.settings.seed)
        self.sandboxes = Sandboxes(self.settings, self._thrown_out, monotonic)
        self.journal = Journal(self.settings.journal_entries, self.settings.journal_bytes)
        self.metrics = Metrics(self._gauges)
        self.coverage = Coverage((), self._is_there, self.settings.max_sandboxes)
        self.reload: Callable[[], Awaitable[Reload]] | None = None
        self.last_reload: Reload | None = None
        self._key = sandbox_key or secrets.token_bytes(32)
        self._admin_paths = admin_paths
        self._remembered = deque([contract], maxlen=MOST_REMEMBERED)
        self._serve(orders(contract))

    def _serve(self, of_operations: Mapping[str, Order]) -> None:
        contract = self.contract
        self._orders = of_operations
        self._routes = Routes(contract, self._admin_paths)
        self._recorder = Recorder(contract.operations, contract.hash)
        self._made: dict[Hashable, Any] = {}
        self._meant: dict[tuple[int, str, str], Meaning] = {}
        self.coverage.serve(contract.operations)

    def take(
        self,
        contract: Contract,
        settings: Settings,
        skipped: Mapping[str, int],
        of_operations: Mapping[str, Order],
    ) -> None:
        """Serve another contract from the next request on; what sandboxes have is carried over by `reloading`."""
        self.contract, self.settings = contract, settings
        self.store.adopt(contract.collections, settings.seed, skipped)
        self.sandboxes.settings = settings
        self.journal.max_entries, self.journal.max_bytes = settings.journal_entries, settings.journal_bytes
        self._serve(of_operations)
        self._remembered.append(contract)
        self.journal.lighten(operation for whole in self._remembered for operation in whole.operations)

    def made(self, name: Hashable, make: Callable[[], _T]) -> _T:
        """What `make` makes of the contract and the settings that are served, made once for them and kept by `name`."""
        if name not in self._made:
            self._made[name] = make()
        return cast(_T, self._made[name])

    def target(self, path: str, headers: Mapping[str, str]) -> Target | Reply:
        """The sandbox and the path that a request names, or why it names none."""
        return target(path, headers)

    def handle(self, request: Request, aim: Target | Reply | None = None) -> Reply:
        """Answer one request, commit what it changes, and write it into the journal.

        `aim` is what `target` gives for it, if that is known already.
        """
        started = time.perf_counter_ns()
        number = self.journal.next_id()
        admitted = self._admit(request, aim)
        if isinstance(admitted, Reply):
            return self._noted(request, number, _sandbox_of(request), None, admitted, started)
        document, facts = self._look(admitted, request)
        planned = self._plan(admitted, document, facts)
        if isinstance(planned, Reply):
            return self._noted(request, number, admitted.sandbox.name, admitted, planned, started)
        decision = planned.decision
        if planned.commits and not self._fits(admitted.sandbox.name, decision):
            full = problems.no_room_for_record(self.settings.max_records)
            return self._noted(request, number, admitted.sandbox.name, admitted, full, started)
        if planned.armed is not None:
            admitted.sandbox.use_up(planned.armed)
        if decision.turned:
            admitted.sandbox.turned[admitted.operation.id].update(name for name, _ in decision.turned)
        if planned.commits:
            self.store.commit(admitted.sandbox.name, decision.writes, decision.scenario.new, number)
        reply = self._reply(admitted, planned, number)
        return self._noted(request, number, admitted.sandbox.name, admitted, reply, started, planned)

    def refused(self, request: Request, sandbox: str, reply: Reply) -> Reply:
        """Write a request that could not be read as a whole into the journal, with the problem that it got."""
        return self._noted(request, self.journal.next_id(), sandbox, None, reply, time.perf_counter_ns())

    async def refuse(self, request: Request, reply: Reply) -> Reply:
        """Write a request that could not be read as a whole into the journal, with the problem that it got."""
        return self.refused(request, _sandbox_of(request), reply)

    async def delivered(self, reply: Reply, *, complete: bool) -> None:
        """Take note that the bytes of a reply were handed over, all of them or not."""

    def explain(self, request: Request) -> Explanation:
        """What `handle` would do and why, without doing it: no sandbox is made or used by it."""
        number = self.journal.last_id + 1
        admitted = self._admit(request, peek=True)
        if isinstance(admitted, Reply):
            return Explanation(self._named(admitted, number, _sandbox_of(request)))
        name = admitted.sandbox.name
        try:
            document, facts = self._look(admitted, request)
            planned = self._plan(admitted, document, facts)
            if isinstance(planned, Planned) and planned.commits and not self._fits(name, planned.decision):
                planned = problems.no_room_for_record(self.settings.max_records)
        finally:
            if self.sandboxes.find(name) is None:
                self.store.reset(name)  # it began to keep something for the look
        if isinstance(planned, Reply):
            return Explanation(self._named(planned, number, name))
        reply = self._reply(admitted, planned, number, peek=True)
        return Explanation(reply, misses(planned.decision, facts), planned.commits)

    def scenarios(self, operation: Operation, sandbox: Sandbox) -> tuple[Scenario, ...]:
        """The scenarios in force in a sandbox, in order."""
        return self._order(operation, sandbox).scenarios

    def now_ns(self, sandbox: Sandbox) -> int:
        """The time of a sandbox."""
        return sandbox.timepiece.read(self.clock())

    def reset(self, name: str) -> None:
        """Bring a sandbox back to its seeds and settings, with nothing armed or counted and an empty journal."""
        self.store.reset(name)
        self.journal.clear(name)
        self.coverage.drop(name)
        self.sandboxes.drop(name)

    def reset_all(self) -> tuple[str, ...]:
        """Bring every sandbox back, and forget all of those that are gone; the names of those that were there."""
        names = self.sandboxes.names()
        for name in names:
            self.store.reset(name)
        self.sandboxes.clear()
        self.journal.clear_all()
        self.coverage.clear()
        return names

    # -- one request ----------------------------------------------------------------------------------

    def _admit(self, request: Request, aim: Target | Reply | None = None, *, peek: bool = False) -> Admitted | Reply:
        meant = self._meant.get((request.alike, request.method, request.path))
        if meant is None:
            found = self._meaning(request, aim or target(request.path, request.headers))
            if isinstance(found, Reply):
                return found
            meant = found
        name, operation, parameters, asked = meant
        settings = self.settings
        if settings.sandbox_from and not name and len(request.body) <= settings.max_body:
            name = derived(request, operation, settings, self._key)
        if settings.require_sandbox and not name:
            return problems.bad_sandbox(
                "This server requires a sandbox: put /sandbox/NAME in front of the path or send the header "
                "Mock-Sandbox. (A relative URL with a leading slash drops the prefix of a base URL.)"
            )
        if len(request.body) > settings.max_body:
            return problems.too_large(settings.max_body)
        if isinstance(asked, Reply):
            return asked
        sandbox = self.sandboxes.peek(name) if peek else self.sandboxes.use(name)
        if sandbox is None:
            return problems.no_room(settings.max_sandboxes, settings.sandbox_ttl)
        return make(Admitted, (operation, parameters, sandbox, asked))

    def _meaning(self, request: Request, aim: Target | Reply) -> Meaning | Reply:
        """What the head of a request means, kept for those that are known to have the same."""
        if isinstance(aim, Reply):
            return aim
        known = self.sandboxes.find(aim.sandbox)
        settings = self.settings if known is None else known.settings
        found = self._routes.find(request.method, aim.path, mock_headers=settings.mock_headers)
        if isinstance(found, Reply):
            return found
        meant = Meaning(aim.sandbox, *found, directives(request.headers))
        if request.alike:
            remember(self._meant, (request.alike, request.method, request.path), meant, MOST_HEADS)
        return meant

    def _look(self, admitted: Admitted, request: Request) -> tuple[Document, Facts]:
        operation, sandbox, store = admitted.operation, admitted.sandbox, self.store
        document = read_document(operation, request, admitted.parameters, sandbox.settings)
        facts = gather(
            operation,
            request,
            admitted.parameters,
            document,
            sandbox.settings,
            make(Tick, (self.now_ns(sandbox),)),
            store.finder(sandbox.name),
            store.draw(sandbox.name, operation.new),
        )
        return document, facts

    def _order(self, operation: Operation, sandbox: Sandbox) -> Order:
        extra = sandbox.scenarios.get(operation.id)
        if not extra:
            return self._orders[operation.id]
        known = sandbox.orders.get(operation.id)
        if known is None or known[0] is not extra:
            known = sandbox.orders[operation.id] = (extra, in_order(in_force(operation, extra), operation.lookups))
        return known[1]

    def _plan(self, admitted: Admitted, document: Document, facts: Facts) -> Planned | Reply:
        """Forced by a header, armed, or the first scenario that applies; in this order."""
        operation, asked, sandbox = admitted.operation, admitted.asked, admitted.sandbox
        order = self._order(operation, sandbox)
        if asked.scenario is not None:
            named = order.by_id.get(asked.scenario)
            if named is None:
                return self._unknown(order.scenarios, asked.scenario)
            return plan_of(decide(operation, document, facts, named, "header", order), asked)
        armed = None
        if sandbox.armed:
            prepare(order, document, facts)
            armed = sandbox.armed_for(operation, facts)
        if armed is not None and armed.turn.scenario is not None:
            return plan_of(decide(operation, document, facts, armed.turn.scenario, "armed", order), asked, armed)
        lookup = misspelt(facts)
        if lookup is not None:
            values = lookup.collection.test_values
            spelt = close_matches(lookup.key(facts), values)
            return problems.misspelt_trigger(lookup.path, lookup.collection.name, spelt, values)
        turned = sandbox.turned.get(operation.id)
        return plan_of(decide(operation, document, facts, order=order, turns=turned), asked, armed)

    def _fits(self, sandbox: str, decision: Decision) -> bool:
        return self.store.fits(sandbox, decision.writes, self.settings.max_records)

    def _unknown(self, scenarios: tuple[Scenario, ...], asked: str) -> Reply:
        names = tuple(scenario.id for scenario in scenarios)
        elsewhere = next((s.operation for s in self.contract.scenarios if s.id == asked), None)
        return problems.unknown_scenario(asked, names, close_matches(asked, names), elsewhere)

    def _reply(self, admitted: Admitted, planned: Planned, number: int, *, peek: bool = False) -> Reply:
        settings = admitted.sandbox.settings
        reply = rendering.reply_to(planned.decision, self.contract, settings.mock_headers, number)
        if planned.fault is None and planned.delay is None:
            return reply
        delay_ms = admitted.sandbox.sampled(planned.delay, peek=peek)
        status = planned.fault.status if planned.fault is not None and planned.fault.kind == "gateway" else reply.status
        return reply._replace(status=status, fault=planned.fault, delay_ms=delay_ms)

    # -- the journal ------------------------------------------------------------------------------------

    def _noted(
        self,
        request: Request,
        number: int,
        sandbox: str,
        admitted: Admitted | None,
        reply: Reply,
        started: int,
        planned: Planned | None = None,
    ) -> Reply:
        """Count a request, and write it into the journal, masked."""
        nanos = time.perf_counter_ns() - started
        self.metrics.seen(reply, nanos)
        self.coverage.seen(sandbox, request, reply, started)
        if not reply.entry:
            reply = self._named(reply, number, sandbox)
        if self.settings.sandbox_from:
            reply = reply._replace(sandbox=sandbox)
        if not self.settings.journal_entries:
            return reply
        operation, parameters, commits = None, NOTHING, planned is not None and planned.commits
        if admitted is not None:
            operation, parameters = admitted.operation, admitted.parameters
        if reply.decision is not None:  # then the time is that by which it was decided
            now = reply.decision.facts["tick"].now_ns
        else:
            now = self.clock() if admitted is None else self.now_ns(admitted.sandbox)
        micros = nanos // 1000
        self.journal.add(self._recorder.entry(request, reply, sandbox, now, operation, parameters, commits, micros))
        return reply

    def _named(self, reply: Reply, number: int, sandbox: str) -> Reply:
        """The reply with the id of its entry; one of the API names it already, among its other headers."""
        if reply.entry:
            return reply
        known = self.sandboxes.find(sandbox)
        shown = (self.settings if known is None else known.settings).mock_headers and reply.decision is None
        named = (("Mock-Entry", str(number)),) if shown else ()
        return reply._replace(headers=(*reply.headers, *named), entry=number)

    def _gauges(self) -> Gauges:
        journal, sandboxes = self.journal, [self.sandboxes.find(name) for name in self.sandboxes.names()]
        armed = sum(len(sandbox.armed) for sandbox in sandboxes if sandbox is not None)
        return Gauges(len(sandboxes), self.sandboxes.evictions, armed, len(journal), journal.size, journal.evictions)

    def _thrown_out(self, name: str) -> None:
        self.store.reset(name)
        self.coverage.drop(name)

    def _is_there(self, name: str) -> bool:
        return self.sandboxes.find(name) is not None


def _sandbox_of(request: Request) -> str:
    """The sandbox that a request names, the default one where it names none that can be."""
    aim = target(request.path, request.headers)
    return aim.sandbox if isinstance(aim, Target) else ""
