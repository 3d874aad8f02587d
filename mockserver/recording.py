"""From a request and its reply to a journal entry, everything secret masked on the way.

Knows what is secret in which operation; it keeps nothing and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from mockserver.contract import Decision, Operation, Reply
from mockserver.journal import Entry
from mockserver.masks import (
    LONGEST_PATH,
    headers_text,
    masked_at,
    masked_body,
    masked_numbers,
    masked_target,
    masked_text,
    may_hold_number,
    read_object,
    without_numbers,
)
from mockserver.model import MISSING, Facts, Path, Request
from mockserver.values import printable

OVERHEAD: Final = 2_000
"""Bytes that an entry is reckoned to take beside its texts."""

FINDING: Final = 500
"""Bytes that a violation or a warning is reckoned to take."""


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
    contract: str,
) -> Entry:
    """The entry of a request; `secrets` of all operations stand in where it came to none, `contract` is its hash."""
    decision = reply.decision
    secrets = operation.sensitive if operation is not None else secrets
    bodies, names, parts, others = _by_root(secrets)
    head = headers_text(request.headers, names)
    # Looked through once: what has no number anywhere need not be looked through part by part.
    clear = not request.query and head.isascii() and b"\\u00" not in request.body
    clear = clear and not may_hold_number(
        b"\n".join((request.body, reply.body, request.path.encode("utf-8", "replace"), head.encode("ascii")))
    )
    value = decision.document.body if decision is not None else read_object(request.body)
    is_json = isinstance(value, dict)
    body = masked_body(request.body, value if is_json else MISSING, bodies, clear=clear)
    if clear and not parts:
        target = printable(request.path, LONGEST_PATH)
    else:
        head = masked_text(head)
        hidden = [parameters[name] for name in parts if name in parameters]
        target = masked_target(request.path, urlencode(request.query) if request.query else "", hidden)
    kept = (
        reply.entry,
        sandbox,
        at_ns,
        request.method,
        target,
        head,
        body,
        is_json,
        reply.status,
        reply.body if clear else masked_numbers(reply.body),
        reply.problem,
        reply.headers if decision is None else (),
        reply.fault.kind if reply.fault is not None else None,
        committed,
        reply.delay_ms,
        micros,
    )
    size = OVERHEAD + len(head) + len(target) + 2 * len(body) + len(reply.body)
    if decision is None:
        return Entry(*kept, size)
    facts, document = decision.facts, decision.document
    if document.violations or document.warnings:
        size += FINDING * (len(document.violations) + len(document.warnings))
    found, new, parameters, query = _looked_at(decision, facts, others, clear=clear)
    return Entry(
        *kept,
        size,
        contract,
        decision.operation,
        decision.scenario,
        decision.way,
        decision.trigger,
        decision.cause or None,
        decision.assumed,
        document.violations,
        document.warnings,
        facts["unclaimed"],
        decision.turned,
        found,
        parameters,
        query,
        new,
        facts["settings"],
        facts["tick"],
    )


def _looked_at(
    decision: Decision, facts: Facts, secrets: tuple[Path, ...], *, clear: bool
) -> tuple[tuple[Any, ...], Mapping[str, str], Mapping[str, str], Mapping[str, str]]:
    """What the lookups came to, the new ids, path parameters and query, all masked.

    `clear`: there is no account number in the request, so that only what earlier ones wrote may hold any.
    """
    found, written = [], False
    for lookup in decision.operation.lookups:
        fact = facts[lookup.name]
        if type(fact) is dict and fact["origin"] == "default":
            fact = None
        elif fact is not MISSING and (type(fact) is not dict or fact["origin"] == "request"):
            written = True
        found.append(fact)
    new, parameters, query = facts["new"], facts["path"], facts["query"]
    if secrets:
        parameters, query = masked_at("path", parameters, secrets), masked_at("query", query, secrets)
    if clear and not written:
        return tuple(found), new, parameters, query
    told = [found, parameters, query]
    if may_hold_number(str(told).encode("utf-8", "replace")):
        found, parameters, query = without_numbers(told)
    return tuple(found), new, parameters, query


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
