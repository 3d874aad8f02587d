"""From a request to a route: the operation, its path parameters, the sandbox and the directives of the headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from mockserver.base.address import unescape_segment
from mockserver.base.spelling import close_matches
from mockserver.core import problems
from mockserver.core.contract import Contract, Operation
from mockserver.core.directives import Directives, parse_directives
from mockserver.core.model import Request, Settings
from mockserver.core.reply import Problem, Reply
from mockserver.decision.sandbox_names import SANDBOX_PREFIX, SandboxPath, derive_sandbox_name, split_sandbox
from mockserver.privacy.masks import PathMask
from mockserver.privacy.secrets import Secrets


class Route(Struct, frozen=True):
    """What a request asks for: an operation with its path parameters, a sandbox, and directives."""

    contract: Contract
    operation: Operation
    parameters: Mapping[str, str]
    sandbox: str
    directives: Directives


class _MatchedOperation(Struct, frozen=True):
    """An operation whose path is the one that was sent, with its path parameters."""

    operation: Operation
    parameters: Mapping[str, str]


class Router:
    """The operations of a contract by method and path."""

    def __init__(
        self,
        contract: Contract,
        settings: Settings,
        sandbox_key: bytes,
        secrets: Mapping[str, Secrets],
        path_mask: PathMask,
        admin_endpoints: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        """Compile the paths.

        `sandbox_key` keys the hashes that name sandboxes derived from `secrets`, which are by operation. The problem of
        an unknown path shows it masked by `path_mask`, and lists the operations and `admin_endpoints`.
        """
        self._contract = contract
        self._settings = settings
        self._sandbox_key = sandbox_key
        self._admin_endpoints = admin_endpoints
        self._secrets = secrets
        self._path_mask = path_mask
        self._static: dict[str, list[_MatchedOperation]] = {}
        self._templates: list[tuple[re.Pattern[str], Operation]] = []
        for operation in contract.operations:
            if operation.parameters:
                parts = re.split(r"\{([^{}]*)\}", operation.path)
                pattern = "".join("([^/]+)" if i % 2 else re.escape(p) for i, p in enumerate(parts))
                self._templates.append((re.compile(pattern), operation))
            else:
                self._static.setdefault(operation.path, []).append(_MatchedOperation(operation, {}))

    def route(self, request: Request) -> Route | Problem:
        """The route of a request, or the problem with it."""
        found = split_sandbox(request.path, request.headers)  # a bad name is refused here, not by the server
        if isinstance(found, Reply):
            return found
        candidate = self._find(request.method, found, in_path=request.path.startswith(SANDBOX_PREFIX))
        if isinstance(candidate, Reply):
            return candidate
        settings, sandbox = self._settings, found.sandbox
        # The server refuses large bodies earlier; direct callers of the engine do not. Such a body names no sandbox.
        too_large = len(request.body) > settings.max_body
        if settings.sandbox_from and not sandbox and not too_large:
            sandbox = derive_sandbox_name(request, self._secrets[candidate.operation.id], settings, self._sandbox_key)
        if settings.require_sandbox and not sandbox:
            return problems.sandbox_required()
        if too_large:
            return problems.too_large(settings.max_body)
        directives = parse_directives(request.headers)
        if isinstance(directives, Reply):
            return directives
        return Route(self._contract, candidate.operation, candidate.parameters, sandbox, directives)

    def _find(self, method: str, found: SandboxPath, *, in_path: bool) -> _MatchedOperation | Problem:
        """The operation of a method and a path; a path without parameters goes first.

        A HEAD request without an operation of its own gets that of GET. `in_path`: the path names the sandbox.
        """
        path, candidates = found.path, self._candidates(found.path)
        for wanted in (method, "GET") if method == "HEAD" else (method,):
            for candidate in candidates:
                if candidate.operation.method == wanted:
                    return candidate
        if candidates:
            assumptions = dict.fromkeys(one for candidate in candidates for one in candidate.operation.assumed)
            named = {"Mock-Assumed": ", ".join(assumptions)} if assumptions else {}
            methods = [*dict.fromkeys(candidate.operation.method for candidate in candidates)]
            if "GET" in methods:
                methods.append("HEAD")
            return problems.wrong_method(method, methods, named)
        paths = [f"{one.method} {one.path}" for one in self._contract.operations] + list(self._admin_endpoints())
        near = close_matches(path, [text.partition(" ")[2] for text in paths])
        return problems.not_found(self._path_mask.mask(path), paths, near, found.sandbox if in_path else "")

    def _candidates(self, path: str) -> list[_MatchedOperation]:
        found = self._static.get(path, [])
        if not self._templates:
            return found
        matched = [(pattern.fullmatch(path), operation) for pattern, operation in self._templates]
        return found + [
            _MatchedOperation(
                operation, dict(zip(operation.parameters, map(unescape_segment, match.groups()), strict=True))
            )
            for match, operation in matched
            if match is not None
        ]
