"""What a decision may see of a sandbox: records, ids to draw, what is armed, turns, the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from mockserver.core.contract import Operation, Turn, Turns
from mockserver.core.language import Condition, all_hold
from mockserver.core.model import MISSING, Collection, Document, Facts, Lookup, Record, Settings
from mockserver.core.values import is_blank
from mockserver.decision.order import Order

Find = Callable[[Collection, str], Record | None]
"""Gives the record of a key: one that was written, a seed, or the default of an open collection."""


class Armed(Struct, frozen=True):
    """What the next matching requests get: a scenario, or the ordinary answer, with a fault or a delay or both.

    `left` counts the requests still to come, None for always; `used` those that got it. `spec` is what was asked for.
    """

    id: int
    operation: str
    turns: Turns
    left: int | None
    when: tuple[Condition, ...]
    spec: Mapping[str, Any]
    used: int = 0

    @property
    def turn(self) -> Turn:
        """What the next request gets."""
        return self.turns.at(self.used)

    def matches(self, operation: Operation, facts: Facts) -> bool:
        """Whether it is for such a request."""
        return self.operation == operation.id and all_hold(self.when, facts)


class View(Struct, frozen=True):
    """All that was read of a sandbox for one request.

    `facts` has, by root, what conditions and templates see. `keys` has what each lookup asked for (None: nothing), and
    `found` the records that it came to. `misspelt` is the first lookup by a key of the reserved form that is no test
    value. `turns` counts requests by scenario with answers in turn, `delays` the random delays drawn so far.
    `versions` belongs to the storage, which tells by it whether something has changed since.
    """

    facts: Facts
    keys: Mapping[str, str | None]
    found: Mapping[str, tuple[Record, ...]]
    misspelt: Lookup | None
    order: Order
    operation: str
    armed: tuple[Armed, ...] = ()
    turns: Mapping[str, int] = {}
    sandbox: str = ""
    delays: int = 0
    versions: Any = None


class Lookups(Struct, frozen=True):
    """What the lookups of a request came to."""

    keys: dict[str, str | None]
    found: dict[str, tuple[Record, ...]]
    misspelt: Lookup | None


def facts_of(document: Document, settings: Settings, order: Order) -> Facts:
    """What is known of a request before its sandbox is looked at, by root."""
    request = document.request
    return {
        "body": document.body,
        "header": request.headers,
        "query": dict(request.query) if request.query else {},
        "path": document.parameters,
        "settings": settings,
        "violations": document.violations,
        "unclaimed": order.unclaimed(document.violations),
        "violation": MISSING,
    }


def look_up(lookups: Iterable[Lookup], facts: Facts, find: Find) -> Lookups:
    """Fetch the records that a request names, in the order of the lookups, and add each to the facts."""
    keys: dict[str, str | None] = {}
    found: dict[str, tuple[Record, ...]] = {}
    misspelt = None
    for lookup in lookups:
        name = lookup.name
        if lookup.many:
            found[name] = records = _find_many(lookup, facts, find)
            facts[name] = [record.view for record in records]
            keys[name] = None
            continue
        sent = key_as_sent(lookup, facts)
        if sent is None:
            keys[name], found[name], facts[name] = None, (), MISSING
            continue
        collection = lookup.collection
        key = sent if lookup.fold is None else lookup.fold(sent)
        record = find(collection, key)
        keys[name] = key
        if record is None:
            found[name], facts[name] = (), MISSING
        else:
            found[name], facts[name] = (record,), record.view
        if misspelt is None and key not in collection.seeds and collection.reserved(sent):
            misspelt = lookup if record is None or record.view["origin"] != "request" else None
    return Lookups(keys, found, misspelt)


def key_of(lookup: Lookup, facts: Facts) -> str | None:
    """The key under which a lookup's record is kept; None where it is missing, null, blank or no text."""
    key = key_as_sent(lookup, facts)
    return key if key is None or lookup.fold is None else lookup.fold(key)


def key_as_sent(lookup: Lookup, facts: Facts) -> str | None:
    """The key as the request spells it; None too where something else in the request makes the lookup needless."""
    if lookup.unless is not None:
        excuse = lookup.unless(facts)
        if excuse is not MISSING and not is_blank(excuse):
            return None
    key = lookup.key(facts)
    return key if type(key) is str and key and not key.isspace() else None


def _find_many(lookup: Lookup, facts: Facts, find: Find) -> tuple[Record, ...]:
    keys = lookup.key(facts)
    records = [find(lookup.collection, key) for key in keys if type(key) is str] if isinstance(keys, list) else []
    return tuple(record for record in records if record is not None)
