"""From a request and its reply to a journal entry, everything secret masked on the way.

Knows what is secret in which operation; it keeps nothing and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import urlencode

from mockserver.contract import Operation, Reply
from mockserver.journal import Entry
from mockserver.masks import (
    masked_body,
    masked_decision,
    masked_headers,
    masked_numbers,
    masked_target,
    may_hold_number,
    read_object,
)
from mockserver.model import MISSING, Path, Request


def recorded(
    request: Request,
    reply: Reply,
    sandbox: str,
    at_ns: int,
    operation: Operation | None,
    parameters: Mapping[str, str],
    secrets: tuple[Path, ...],
    *,
    committed: bool,
    micros: int,
) -> Entry:
    """The entry of a request; `secrets` of all operations stand in where it came to none."""
    decision = reply.decision
    secrets = operation.sensitive if operation is not None else secrets
    bodies, names, parts, others = _by_root(secrets)
    headers = masked_headers(request.headers, names)
    value = decision.document.body if decision is not None else read_object(request.body)
    is_json = isinstance(value, dict)
    hidden = [parameters[name] for name in parts if name in parameters]
    target = masked_target(request.path, urlencode(request.query) if request.query else "", hidden)
    body = masked_body(request.body, value if is_json else MISSING, bodies)
    if decision is not None:
        texts = "\n".join((request.path, *request.headers.values())).encode("utf-8", "replace")
        plain = not request.query and b"\\u00" not in request.body
        plain = plain and not may_hold_number(b"\n".join((request.body, texts)))
        decision = masked_decision(decision, others, plain=plain)
    return Entry(
        id=reply.entry,
        sandbox=sandbox,
        at_ns=at_ns,
        method=request.method,
        target=target,
        headers=headers,
        body=body,
        is_json=is_json,
        status=reply.status,
        reply_headers=reply.headers,
        reply_body=masked_numbers(reply.body),
        decision=decision,
        problem=reply.problem,
        fault=reply.fault.kind if reply.fault is not None else None,
        cause=(decision.cause or None) if decision is not None else None,
        committed=committed,
        delay_ms=reply.delay_ms,
        micros=micros,
    )


@lru_cache(maxsize=1_000)
def _by_root(
    secrets: tuple[Path, ...],
) -> tuple[tuple[Path, ...], tuple[str, ...], tuple[str, ...], tuple[Path, ...]]:
    """Secret places: those in the body, names of headers, parameters of the path, and those in path and query."""
    named = [(str(path[0]), path[1:]) for path in secrets if len(path) > 1]
    return (
        tuple(rest for root, rest in named if root == "body"),
        tuple(str(rest[0]).lower() for root, rest in named if root == "header"),
        tuple(str(rest[0]) for root, rest in named if root == "path"),
        tuple((root, *rest) for root, rest in named if root in ("path", "query")),
    )


def all_secrets(operations: Iterable[Operation]) -> tuple[Path, ...]:
    """The secret places of all operations."""
    return tuple(dict.fromkeys(path for operation in operations for path in operation.sensitive))
