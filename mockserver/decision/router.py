"""From method and path to an operation, or why there is none.

Knows paths and sandbox prefixes; it decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from mockserver.core import problems
from mockserver.core.contract import Contract, Operation, Reply
from mockserver.core.values import close_matches

SANDBOX_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")
SANDBOX_PREFIX: Final = "/sandbox/"


class Target(NamedTuple):
    """Where a request goes: its sandbox (`""` is the default one) and the path below it."""

    sandbox: str
    path: str


def target(path: str, headers: Mapping[str, str]) -> Target | Reply:
    """The sandbox that a request names by its path or its header `Mock-Sandbox`, or why it names none."""
    named = headers.get("mock-sandbox")
    if path.startswith(SANDBOX_PREFIX):
        prefix, slash, rest = path[len(SANDBOX_PREFIX) :].partition("/")
        if named is not None and named != prefix:
            return problems.bad_sandbox("The path and the header Mock-Sandbox name two different sandboxes.")
        named, path = prefix, slash + rest
    path = path or "/"
    if named is None:
        return Target("", path)
    if not SANDBOX_NAME.fullmatch(named):
        return problems.bad_sandbox(
            "A sandbox name has 1 to 64 letters, digits, '.', '_', '~' or '-', a letter or digit first."
        )
    return Target(named, path)


class Routes:
    """The operations of a contract by method and path."""

    def __init__(self, contract: Contract, admin_paths: Callable[[], tuple[str, ...]]) -> None:
        """Compile the paths; `admin_paths` gives those that are named with them where a path is unknown."""
        self._admin_paths = admin_paths
        self._contract = contract
        self._static: dict[str, list[Operation]] = {}
        self._templates: list[tuple[re.Pattern[str], Operation]] = []
        for operation in contract.operations:
            if operation.parameters:
                parts = re.split(r"\{([^{}]*)\}", operation.path)
                pattern = "".join("([^/]+)" if i % 2 else re.escape(p) for i, p in enumerate(parts))
                self._templates.append((re.compile(pattern), operation))
            else:
                self._static.setdefault(operation.path, []).append(operation)

    def find(self, method: str, path: str, *, mock_headers: bool) -> tuple[Operation, Mapping[str, str]] | Reply:
        """The operation with its path parameters; a path without parameters goes first."""
        candidates = self._candidates(path)
        for operation, values in candidates:
            if operation.method == method:
                return operation, dict(zip(operation.parameters, values, strict=True))
        if candidates:
            points = dict.fromkeys(point for operation, _ in candidates for point in operation.assumed)
            named = {"Mock-Assumed": ", ".join(points)} if points and mock_headers else {}
            return problems.wrong_method(method, [operation.method for operation, _ in candidates], named)
        paths = [f"{o.method} {o.path}" for o in self._contract.operations] + list(self._admin_paths())
        return problems.not_found(path, paths, close_matches(path, [p.partition(" ")[2] for p in paths]))

    def _candidates(self, path: str) -> list[tuple[Operation, tuple[str, ...]]]:
        found: list[tuple[Operation, tuple[str, ...]]] = [(o, ()) for o in self._static.get(path, ())]
        for pattern, operation in self._templates:
            match = pattern.fullmatch(path)
            if match is not None:
                found.append((operation, match.groups()))
        return found
