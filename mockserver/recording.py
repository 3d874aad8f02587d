"""From a request and its reply to a journal entry, everything secret masked on the way.

Knows what is secret in which operation; it decides nothing, and keeps no entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from mockserver.contract import Operation, Reply
from mockserver.journal import Entry
from mockserver.masks import (
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
from mockserver.model import MISSING, NOTHING, Facts, Path, Request

OVERHEAD: Final = 2_000
"""Bytes that an entry is reckoned to take beside its texts."""

MOST_HEADS: Final = 1_000
"""Sets of headers, and paths, that are known again."""

FINDING: Final = 500
"""Bytes that a violation or a warning is reckoned to take."""


class Recorder:
    """Writes entries for the operations of one contract, whose hash is `contract`.

    Clients send the same headers again and again: those that are known to be alike are looked through once, and a
    text in which nothing was found to mask is kept once.
    """

    def __init__(self, operations: Iterable[Operation], contract: str) -> None:
        """The secret places of all operations stand in where a request came to none."""
        self._contract = contract
        self._secrets = tuple(dict.fromkeys(path for operation in operations for path in operation.sensitive))
        self._texts: dict[str, str] = {}
        self._targets: dict[str, str] = {}
        self._seen: dict[tuple[int, tuple[str, ...]], tuple[str, bool]] = {}

    def entry(
        self,
        request: Request,
        reply: Reply,
        sandbox: str,
        at_ns: int,
        operation: Operation | None,
        parameters: Mapping[str, str],
        *,
        committed: bool,
        micros: int,
    ) -> Entry:
        """The entry of a request."""
        decision, data, path = reply.decision, request.body, request.path
        places = _by_root(operation.sensitive if operation is not None else self._secrets)
        head, clear = self._head(request, places.headers)
        clear = clear and not request.query and b"\\u00" not in data and not may_hold_number(data)
        value = decision.document.body if decision is not None else read_object(data)
        is_json = isinstance(value, dict)
        if clear and is_json and places.members.isdisjoint(value):
            body = data
        else:
            body = masked_body(data, value if is_json else MISSING, places.body, clear=clear)
        target = self._targets.get(path) if clear and not places.parameters else None
        if target is None:
            target, plain = self._target(request, [parameters[n] for n in places.parameters if n in parameters])
            clear = clear and plain
        fault = reply.fault.kind if reply.fault is not None else None
        size = OVERHEAD + len(head) + len(target) + 2 * len(body) + len(reply.body)
        if decision is None:
            return Entry(
                reply.entry,
                sandbox,
                at_ns,
                request.method,
                target,
                head,
                body,
                is_json,
                reply.status,
                masked_numbers(reply.body),
                reply.problem,
                reply.headers,
                fault,
                committed,
                reply.delay_ms,
                micros,
                size,
            )
        facts, document = decision.facts, decision.document
        found, in_path, query, clear = _looked_at(facts, places.others, clear=clear)
        if document.violations or document.warnings:
            size += FINDING * (len(document.violations) + len(document.warnings))
        if decision.scenarios is not decision.operation.scenarios:
            size += sum(len(scenario.given or "") for scenario in decision.scenarios)
        # Past the named tuple's own way of being made, which with so many members takes as long as all the rest.
        return tuple.__new__(
            Entry,
            (
                reply.entry,
                sandbox,
                at_ns,
                request.method,
                target,
                head,
                body,
                is_json,
                reply.status,
                # An answer has what the request has, and records.
                reply.body if clear else masked_numbers(reply.body),
                reply.problem,
                (),
                fault,
                committed,
                reply.delay_ms,
                micros,
                size,
                self._contract,
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
                decision.scenarios,
                found,
                in_path or NOTHING,
                query or NOTHING,
                tuple(facts["new"].values()),
                facts["settings"],
            ),
        )

    def _target(self, request: Request, hidden: Iterable[str]) -> tuple[str, bool]:
        """The request target as it is shown, and whether there is nothing secret in it."""
        target = masked_target(request.path, urlencode(request.query) if request.query else "", hidden)
        plain = target == request.path and not may_hold_number(target.encode())
        if plain:
            if len(self._targets) >= MOST_HEADS:
                self._targets.clear()
            self._targets[target] = target
        return target, plain

    def _head(self, request: Request, names: tuple[str, ...]) -> tuple[str, bool]:
        """The headers' text without account numbers, and whether there were none, nor anything but ASCII."""
        if request.alike and (known := self._seen.get((request.alike, names))) is not None:
            return known
        text = headers_text(request.headers, names)
        clear = text.isascii() and not may_hold_number(text.encode("utf-8", "replace"))
        if len(self._texts) >= MOST_HEADS:
            self._texts.clear()
        text = self._texts.setdefault(text, text) if clear else masked_text(text)
        if request.alike:
            if len(self._seen) >= MOST_HEADS:
                self._seen.clear()
            self._seen[request.alike, names] = (text, clear)
        return text, clear


class _Places(NamedTuple):
    """Secret places by their root: the first names of those in the body too; `others` are in path and query."""

    body: tuple[Path, ...]
    members: frozenset[str | int]
    headers: tuple[str, ...]
    parameters: tuple[str, ...]
    others: tuple[Path, ...]


def _looked_at(
    facts: Facts, secrets: tuple[Path, ...], *, clear: bool
) -> tuple[tuple[Any, ...], Mapping[str, str], Mapping[str, str], bool]:
    """What the lookups came to, path parameters and query, masked, and whether there was no account number anywhere.

    `clear`: there is none in the request, so that only what earlier ones wrote may hold any.
    """
    found, parameters, query = facts["@found"], facts["path"], facts["query"]
    if secrets:
        parameters, query = masked_at("path", parameters, secrets), masked_at("query", query, secrets)
    if clear:
        for fact in found:
            if fact is not None and fact is not MISSING and (type(fact) is not dict or fact["origin"] == "request"):
                clear = False
    if not clear:
        told = [found, parameters, query]
        if may_hold_number(str(told).encode("utf-8", "replace")):
            found, parameters, query = without_numbers(told)
    return tuple(found), parameters, query, clear


@lru_cache(maxsize=1_000)
def _by_root(secrets: tuple[Path, ...]) -> _Places:
    named = [(str(path[0]), path[1:]) for path in secrets if len(path) > 1]
    body = tuple(rest for root, rest in named if root == "body")
    return _Places(
        body,
        frozenset(rest[0] for rest in body),
        tuple(str(rest[0]).lower() for root, rest in named if root == "header"),
        tuple(str(rest[0]) for root, rest in named if root == "path"),
        tuple((root, *rest) for root, rest in named if root in ("path", "query")),
    )
