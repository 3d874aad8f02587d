"""From a request and its reply to a journal entry, everything secret masked on the way.

Knows what is secret in which operation; it decides nothing, and keeps no entry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from operator import is_not
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import urlencode

from mockserver.core.contract import Operation, Reply
from mockserver.core.masks import (
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
from mockserver.core.model import MISSING, NOTHING, Facts, Path, Request, RequestWarning, Violation, make, remember
from mockserver.core.values import write, write_to_keep
from mockserver.storage.journal import Kept

OVERHEAD: Final = 2_000
"""Bytes that an entry is reckoned to take beside its texts."""

MOST_HEADS: Final = 1_000
LONGEST_HEAD: Final = 8_192
"""Sets of headers, paths, bodies, records and shared members that are known again, and the characters of one."""

HEAVIEST: Final = OVERHEAD + LONGEST_HEAD
"""Bytes that members which entries share may be reckoned to take where they are known again."""

FINDING: Final = 500
"""Bytes that a violation or a warning is reckoned to take."""


class Recorder:
    """Writes entries for the operations of one contract, whose hash is `contract`.

    Clients send the same again and again: headers that are known to be alike are looked through once, and a text or a
    body in which nothing was found to mask is kept once, as are what was found with it and the members of an entry that
    do not differ.
    """

    def __init__(self, operations: Collection[Operation], contract: str) -> None:
        """The secret places of all operations stand in where a request came to none."""
        self._contract = contract
        self._places = {operation.id: _by_root(operation.sensitive) for operation in operations}
        self._anywhere = _by_root(tuple(dict.fromkeys(path for one in operations for path in one.sensitive)))
        self._texts: dict[str, str] = {}
        self._records: dict[bytes, bytes] = {}
        self._assumed: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._new: tuple[str, ...] = ()
        self._targets: dict[str, str] = {}
        self._nothing: dict[tuple[str, int], tuple[Any, ...]] = {}
        self._seen: dict[tuple[int, tuple[str, ...]], tuple[str, bool]] = {}
        self._usual: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._asked: dict[bytes, tuple[bytes, tuple[Any, ...]]] = {}
        self._seeds: dict[int, bool] = {}

    def entry(
        self,
        request: Request,
        reply: Reply,
        sandbox: str,
        at_ns: int,
        operation: Operation | None,
        parameters: Mapping[str, str],
        committed: bool,
        micros: int,
    ) -> Kept:
        """The entry of a request."""
        # Unpacked at once, which takes a fraction of the time of so many attributes.
        method, path, data, _, asked, alike = request
        status, _, answer, decision, _, fault, delay_ms, number, _, _, _ = reply
        plain = b"\\u00" not in data and not may_hold_number(data)
        if decision is None:
            value = read_object(data)
            places = self._anywhere if operation is None else self._places[operation.id]
            body = masked_body(data, value, places.body)
            met = (request, reply, sandbox, places, parameters, committed)
            alone, _ = self._unusual(*met, is_json=value is not MISSING)
            return make(Kept, (number, at_ns, micros, delay_ms, body, masked_numbers(answer), None, (), (), alone))
        served, scenario, way, trigger, _, assumed, document, facts, _, cause, turned, scenarios = decision
        value, violations, warnings = document
        findings = (violations, warnings, facts["unclaimed"])
        if (violations or warnings) and (asked or not plain):  # they name members that a client made up
            violations, warnings, _ = findings = _masked(*findings)
        is_json = type(value) is dict
        places = self._places[served.id]
        if plain and is_json and places.members.isdisjoint(value):
            body = data
        else:
            body = masked_body(data, value if is_json else MISSING, places.body)
        # Scenarios in force and settings by their ids, as to hash them takes longer; what is kept keeps them alive.
        told = (scenario, way, trigger, assumed, violations, warnings, turned, id(scenarios), id(facts["settings"]))
        key = (alike, method, path, sandbox, is_json, status, fault, committed, told)
        usual = self._usual.get(key) if alike and not asked else None
        clear = plain
        if usual is None:
            met = (request, reply, sandbox, places, parameters, committed)
            usual, clear = self._unusual(*met, is_json, findings, key)
            clear = clear and plain
        came_to = (served.id, facts["@kind"])
        nothing = found = self._nothing.get(came_to)
        if found is None:
            found, clear = self._found(served, facts, clear=clear)
            if len(self._nothing) < MOST_HEADS and all(fact is None or fact is MISSING for fact in found):
                self._nothing[came_to] = found
        if not clear:
            answer = masked_numbers(answer)  # it has what the request has, and records
        elif body is data and len(data) <= LONGEST_HEAD:
            body, found = self._again(data, found, is_nothing=nothing is not None)
        new = tuple(facts["new"].values())
        self._new = new = self._new if new == self._new else new  # they are drawn again until a scenario uses them up
        return make(Kept, (number, at_ns, micros, delay_ms, body, answer, cause or None, found, new, usual))

    def _unusual(
        self,
        request: Request,
        reply: Reply,
        sandbox: str,
        places: _Places,
        parameters: Mapping[str, str],
        committed: bool,
        is_json: bool,
        findings: _Findings = ((), (), ()),
        key: tuple[Any, ...] = (),
    ) -> tuple[tuple[Any, ...], bool]:
        """An entry's members from `sandbox` on, and whether there is no query, nor any account number in the head.

        If that is so, and they are not long, they are known again by the key.
        """
        method, path, _, _, asked, alike = request
        status, headers, _, decision, problem, fault, _, _, _, _, _ = reply
        head, clear = self._head(request, places.headers)
        clear = clear and not asked
        target = self._targets.get(path) if clear and not places.parameters else None
        if target is None:
            target, plain = self._target(request, [parameters[n] for n in places.parameters if n in parameters])
            clear = clear and plain
        kind = fault.kind if fault is not None else None
        weight = OVERHEAD + len(head) + len(target)
        seen = (method, target, head, is_json, status, problem)
        if decision is None:
            return (sandbox, weight, *seen, headers, kind, committed), clear
        served, scenario, way, trigger, _, assumed, _, facts, _, _, turned, scenarios = decision
        in_path, query = facts["path"], facts["query"]
        if places.others:
            in_path, query = masked_at("path", in_path, places.others), masked_at("query", query, places.others)
        if not clear:
            in_path, query = without_numbers([in_path, query])
        violations, warnings, unclaimed = findings
        weight += FINDING * (len(violations) + len(warnings))
        if scenarios is not served.scenarios:
            weight += sum(len(one.source_text or "") for one in scenarios)
        assumed = self._assumed.setdefault(assumed, assumed)
        answered = (self._contract, served, scenario, way, trigger, assumed, violations, warnings, unclaimed)
        looked_at = (turned, scenarios, in_path or NOTHING, query or NOTHING, facts["settings"])
        usual = (sandbox, weight, *seen, (), kind, committed, *answered, *looked_at)
        if alike and clear and weight <= HEAVIEST:
            remember(self._usual, key, usual, MOST_HEADS)
        return usual, clear

    def _again(self, body: bytes, found: tuple[Any, ...], *, is_nothing: bool) -> tuple[bytes, tuple[Any, ...]]:
        """A body and what was found with it; those that came before, if they did, so that they are kept once."""
        again = self._asked.get(body)
        if again is None or len(again[1]) != len(found) or any(map(is_not, again[1], found)):
            again = (body, found)
            if is_nothing or all(type(one) is not bytes or len(one) <= LONGEST_HEAD for one in found):
                remember(self._asked, body, again, MOST_HEADS)
        return again

    def _target(self, request: Request, hidden: Iterable[str]) -> tuple[str, bool]:
        """The request target as it is shown, and whether there is nothing secret in it."""
        target = masked_target(request.path, urlencode(request.query) if request.query else "", hidden)
        plain = target == request.path and not may_hold_number(target.encode())
        if plain:
            remember(self._targets, target, target, MOST_HEADS)
        return target, plain

    def _head(self, request: Request, names: tuple[str, ...]) -> tuple[str, bool]:
        """The headers' text without account numbers, and whether there were none, nor anything but ASCII."""
        if request.alike and (known := self._seen.get((request.alike, names))) is not None:
            return known
        text = headers_text(request.headers, names)
        clear = text.isascii() and not may_hold_number(text.encode("utf-8", "replace"))
        if not clear:
            text = masked_text(text)
        if len(text) > LONGEST_HEAD:
            return text, clear
        if clear:
            text = self._texts.get(text) or remember(self._texts, text, text, MOST_HEADS)
        if request.alike:
            remember(self._seen, (request.alike, names), (text, clear), MOST_HEADS)
        return text, clear

    def _found(self, operation: Operation, facts: Facts, *, clear: bool) -> tuple[tuple[Any, ...], bool]:
        """What each lookup came to, None for the default record, and whether there can be no account number anywhere.

        `clear`: there is none in the request, so that only what earlier ones wrote may hold any. That is kept as its
        text, which is looked through once and shared by all entries that found the same.
        """
        found: list[Any] = []
        asked_clear = clear
        for lookup in operation.lookups:
            fact = facts[lookup.name]
            if fact is not MISSING:
                origin = fact["origin"] if type(fact) is dict else None
                if origin == "default":
                    fact = None
                elif origin != "seed" or not asked_clear or self._has_number(fact):
                    fact, without = self._record(fact)
                    clear = clear and without
            found.append(fact)
        return tuple(found), clear

    def _has_number(self, seed: Mapping[str, Any]) -> bool:
        """Whether an account number stands in a seed of the contract, which is there as long as it is served."""
        known = self._seeds.get(id(seed))
        if known is None:
            known = self._seeds[id(seed)] = without_numbers(seed) != seed
        return known

    def _record(self, fact: Any) -> tuple[Any, bool]:
        """The text of a record or of many, or themselves where they have none; masked, and whether without a number."""
        try:
            text = write(fact)
        except TypeError:  # a lone surrogate, or a number of more than 64 bits
            return without_numbers(fact), False
        known = self._records.get(text)
        if known is not None:
            return known, True
        text = write_to_keep(fact)
        masked = masked_numbers(text)
        if masked is not text:
            return masked, False
        if len(text) <= LONGEST_HEAD:
            remember(self._records, text, text, MOST_HEADS)
        return text, True


_Findings: TypeAlias = tuple[tuple[Violation, ...], tuple[RequestWarning, ...], tuple[Violation, ...]]
"""Violations, warnings, and the violations that no scenario names."""


def _masked(
    violations: Iterable[Violation], warnings: Iterable[RequestWarning], unclaimed: Iterable[Violation]
) -> _Findings:
    def masked(one: Violation) -> Violation:
        path = tuple(masked_text(step) if isinstance(step, str) else step for step in one.path)
        return one._replace(path=path, message=masked_text(one.message))

    told = [one._replace(pointer=masked_text(one.pointer), message=masked_text(one.message)) for one in warnings]
    return tuple(map(masked, violations)), tuple(told), tuple(map(masked, unclaimed))


class _Places(NamedTuple):
    """Secret places by their root: the first names of those in the body too; `others` are in path and query."""

    body: tuple[Path, ...]
    members: frozenset[str | int]
    headers: tuple[str, ...]
    parameters: tuple[str, ...]
    others: tuple[Path, ...]


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
