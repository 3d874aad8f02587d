"""The one mutable object: a contract being served, with its sandboxes, its clock and its random source.

Knows no HTTP library: requests and replies are values. Nothing between looking up and committing waits,
so a request is atomic on one event loop.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from mockserver import rendering
from mockserver.decide import decide, gather, misses, misspelt
from mockserver.model import (
    Contract,
    Decision,
    Document,
    Facts,
    Miss,
    Operation,
    Reply,
    Request,
    Scenario,
    Settings,
    Tick,
)
from mockserver.store import MemoryStore, Store
from mockserver.values import near

SANDBOX_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")
SANDBOX_PREFIX: Final = "/sandbox/"

Clock = Callable[[], int]
"""Gives nanoseconds since 1970-01-01T00:00:00Z."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision that was not made: what would answer, and the evidence against those before it."""

    reply: Reply
    misses: tuple[Miss, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: its sandbox (`""` is the default one) and the path below it."""

    sandbox: str
    path: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that an operation will answer, with its path parameters, in a sandbox."""

    operation: Operation
    parameters: Mapping[str, str]
    sandbox: str


def frozen(instant_ns: int) -> Clock:
    """A clock that stands still."""
    return lambda: instant_ns


class Engine:
    """Serves a contract. `admin_paths` are named beside the operations where a path is unknown."""

    def __init__(
        self,
        contract: Contract,
        *,
        settings: Settings | None = None,
        clock: Clock = time.time_ns,
        store: Store | None = None,
        admin_paths: tuple[str, ...] = (),
    ) -> None:
        self.contract = contract
        self.settings = settings or contract.settings
        self._clock = clock
        self._store = store or MemoryStore(contract.collections, self.settings.seed)
        self._admin_paths = admin_paths
        self._routes: dict[str, list[Operation]] = {}
        self._templates: list[tuple[re.Pattern[str], list[Operation]]] = []
        for operation in contract.operations:
            self._add_route(operation)

    def _add_route(self, operation: Operation) -> None:
        same = self._routes.setdefault(operation.path, [])
        same.append(operation)
        if operation.parameters and len(same) == 1:
            parts = re.split(r"\{([^{}]*)\}", operation.path)
            pattern = "".join("([^/]+)" if i % 2 else re.escape(p) for i, p in enumerate(parts))
            self._templates.append((re.compile(pattern), same))

    # -- the way in ---------------------------------------------------------------------------------

    def target(self, path: str, headers: Mapping[str, str]) -> Target | Reply:
        """The sandbox that a request names by its path or its header `Mock-Sandbox`, or why it names none."""
        named = headers.get("mock-sandbox")
        if path.startswith(SANDBOX_PREFIX):
            prefix, slash, rest = path[len(SANDBOX_PREFIX) :].partition("/")
            if named is not None and named != prefix:
                return rendering.bad_sandbox("The path and the header Mock-Sandbox name two different sandboxes.")
            named, path = prefix, slash + rest
        path = path or "/"
        if named is None:
            return Target("", path)
        if not SANDBOX_NAME.fullmatch(named):
            return rendering.bad_sandbox(
                "A sandbox name has 1 to 64 letters, digits, '.', '_', '~' or '-', a letter or digit first."
            )
        return Target(named, path)

    def handle(self, request: Request) -> Reply:
        """Answer one request and commit what it changes."""
        admitted = self._admit(request)
        if isinstance(admitted, Reply):
            return admitted
        document, facts = self._look(admitted, request)
        decided = self._decide(admitted, request, document, facts)
        if isinstance(decided, Reply):
            return decided
        if decided.way is not None and decided.scenario.changes:
            self._store.commit(admitted.sandbox, decided.writes, decided.scenario.new)
        return rendering.reply_to(decided, self.contract, self.settings.mock_headers)

    def explain(self, request: Request) -> Explanation:
        """What `handle` would do and why, without doing it."""
        admitted = self._admit(request)
        if isinstance(admitted, Reply):
            return Explanation(admitted, ())
        document, facts = self._look(admitted, request)
        decided = self._decide(admitted, request, document, facts)
        if isinstance(decided, Reply):
            return Explanation(decided, ())
        before = misses(admitted.operation, document, facts) if decided.way is not None else ()
        return Explanation(rendering.reply_to(decided, self.contract, self.settings.mock_headers), before)

    def reset(self, sandbox: str) -> None:
        """Bring a sandbox back to its seeds."""
        self._store.reset(sandbox)

    # -- one decision ---------------------------------------------------------------------------------

    def _admit(self, request: Request) -> Admitted | Reply:
        target = self.target(request.path, request.headers)
        if isinstance(target, Reply):
            return target
        found = self._route(request.method, target.path)
        if isinstance(found, Reply):
            return found
        if self.settings.require_sandbox and not target.sandbox:
            return rendering.bad_sandbox(
                "This server requires a sandbox: put /sandbox/NAME in front of the path or send the header "
                "Mock-Sandbox. (A relative URL with a leading slash drops the prefix of a base URL.)"
            )
        if len(request.body) > self.settings.max_body:
            return rendering.too_large(self.settings.max_body)
        return Admitted(*found, target.sandbox)

    def _look(self, admitted: Admitted, request: Request) -> tuple[Document, Facts]:
        operation, store, sandbox = admitted.operation, self._store, admitted.sandbox
        document = operation.read(request, admitted.parameters, self.settings)
        facts = gather(
            operation,
            request,
            admitted.parameters,
            document,
            self.settings,
            Tick(self._clock()),
            lambda collection, key: store.find(sandbox, collection, key),
            {new.name: store.draw(sandbox, new) for new in operation.new},
        )
        return document, facts

    def _decide(self, admitted: Admitted, request: Request, document: Document, facts: Facts) -> Decision | Reply:
        operation = admitted.operation
        asked = request.headers.get("mock-scenario")
        if asked is not None:
            named = self._forced(operation, asked)
            return named if isinstance(named, Reply) else decide(operation, document, facts, named)
        lookup = misspelt(operation, facts)
        if lookup is not None:
            values = lookup.collection.test_values
            spelt = near(lookup.key(facts), values)
            return rendering.misspelt_trigger(lookup.path, lookup.collection.name, spelt, values)
        return decide(operation, document, facts)

    def _forced(self, operation: Operation, asked: str) -> Scenario | Reply:
        asked = asked.strip()
        scenario = operation.by_id.get(asked)
        if scenario is not None:
            return scenario
        elsewhere = next((s.operation for s in self.contract.scenarios if s.id == asked), None)
        return rendering.unknown_scenario(asked, tuple(operation.by_id), near(asked, operation.by_id), elsewhere)

    # -- routes -----------------------------------------------------------------------------------------

    def _route(self, method: str, path: str) -> tuple[Operation, Mapping[str, str]] | Reply:
        for operations, values in self._candidates(path):
            for operation in operations:
                if operation.method == method:
                    return operation, dict(zip(operation.parameters, values, strict=True))
        allow = [o.method for operations, _ in self._candidates(path) for o in operations]
        if allow:
            points = [p for operations, _ in self._candidates(path) for o in operations for p in o.assumed]
            named = {"Mock-Assumed": ", ".join(dict.fromkeys(points))} if points and self.settings.mock_headers else {}
            return rendering.wrong_method(method, allow, named)
        paths = [f"{o.method} {o.path}" for o in self.contract.operations] + list(self._admin_paths)
        spelt = near(path, [p.partition(" ")[2] for p in paths])
        return rendering.not_found(path, paths, spelt)

    def _candidates(self, path: str) -> list[tuple[list[Operation], tuple[str, ...]]]:
        found: list[tuple[list[Operation], tuple[str, ...]]] = []
        if path in self._routes and not self._routes[path][0].parameters:
            found.append((self._routes[path], ()))
        for pattern, operations in self._templates:
            match = pattern.fullmatch(path)
            if match is not None:
                found.append((operations, match.groups()))
        return found
