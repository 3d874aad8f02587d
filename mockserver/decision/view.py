"""What a decision may see of a sandbox: records, ids to draw, what is armed, turns, the time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mockserver.base.values import is_empty
from mockserver.core.contract import Operation, Turn, Turns
from mockserver.core.language import Condition, all_hold
from mockserver.core.model import MISSING, Collection, Document, Facts, Lookup, Record, Settings
from mockserver.decision.order import Order

Find = Callable[[Collection, str], Record | None]
"""Gives the record of a key: one that was written, a seed, or the default of an open collection."""


class ArmedOutcome(Struct, frozen=True):
    """What the next matching requests get: a scenario, or the ordinary answer, with a fault or a delay or both.

    `left` counts the requests still to come, None for always; `used` those that got it. `spec` is its JSON form.
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
        return self.turns.turn_after(self.used)

    @property
    def after_use(self) -> ArmedOutcome | None:
        """What is left of it after one more request; None after the last."""
        if self.left == 1:
            return None
        return replace(self, used=self.used + 1, left=None if self.left is None else self.left - 1)

    def matches(self, operation: Operation, facts: Facts) -> bool:
        """Whether it applies to a request: the operation is its own, and all conditions of `when` hold."""
        return self.operation == operation.id and all_hold(self.when, facts)


class LookupResults(Struct, frozen=True):
    """The results of the lookups of a request, by the names of the lookups.

    keys: the key, None if the request has none.
    found: the records.
    unknown_test_value: the first lookup whose key has the reserved form, but is no test value and not written by a
        request.
    """

    keys: Mapping[str, str | None]
    found: Mapping[str, tuple[Record, ...]]
    unknown_test_value: Lookup | None = None


class View(Struct, frozen=True):
    """All that a decision may see of a sandbox.

    facts: what conditions and templates see.
    turn_counts: by scenario with answers in turn, the requests before this one.
    delays_drawn: the random delays drawn so far.
    lost_entry_ids: ids of journal entries that wrote a found record and are no longer kept.
    versions: what the storage needs at the commit to tell whether something has changed since.
    """

    facts: Facts
    lookups: LookupResults
    order: Order
    operation_id: str
    armed: tuple[ArmedOutcome, ...] = ()
    turn_counts: Mapping[str, int] = {}
    sandbox: str = ""
    delays_drawn: int = 0
    lost_entry_ids: frozenset[str] = frozenset()
    versions: Any = None


def make_facts(document: Document, settings: Settings, order: Order, now_ns: int, new: Mapping[str, str]) -> Facts:
    """The facts of a request, without records; `new` are the ids drawn for it."""
    request = document.request
    return Facts(
        settings,
        now_ns,
        body=document.body,
        header=request.headers,
        query=dict(request.query) if request.query else {},
        path=document.parameters,
        new=new,
        violations=document.violations,
        unclaimed=order.unclaimed(document.violations),
    )


def fetch_records(lookups: Iterable[Lookup], facts: Facts, find: Find) -> LookupResults:
    """Fetch the records that a request names, and fill `facts.records` with them.

    In the order of the lookups, as the key of one may stand in the record of another.
    """
    records = facts.records
    keys: dict[str, str | None] = {}
    found: dict[str, tuple[Record, ...]] = {}
    unknown = None
    for lookup in lookups:
        name = lookup.name
        if lookup.is_list:
            found[name] = several = _find_many(lookup, facts, find)
            records[name] = [record.visible for record in several]
            keys[name] = None
            continue
        sent = sent_key(lookup, facts)
        if sent is None:
            keys[name], found[name], records[name] = None, (), MISSING
            continue
        collection = lookup.collection
        key = sent if lookup.fold is None else lookup.fold(sent)
        record = find(collection, key)
        keys[name] = key
        if record is None:
            found[name], records[name] = (), MISSING
        else:
            found[name], records[name] = (record,), record.visible
        was_written = record is not None and record.origin == "request"
        if unknown is None and not was_written and key not in collection.seeds and collection.is_reserved(sent):
            unknown = lookup
    return LookupResults(keys, found, unknown)


def key_of(lookup: Lookup, facts: Facts) -> str | None:
    """The key under which a lookup's record is kept; None if it is missing, null, blank or no text."""
    key = sent_key(lookup, facts)
    return key if key is None or lookup.fold is None else lookup.fold(key)


def sent_key(lookup: Lookup, facts: Facts) -> str | None:
    """The key as the request spells it; None too where the lookup's `unless` has a value."""
    key = lookup.key(facts)
    return key if type(key) is str and not is_empty(key) and not _is_skipped(lookup, facts) else None


def _is_skipped(lookup: Lookup, facts: Facts) -> bool:
    """Whether the lookup's `unless` has a value, so that nothing is fetched."""
    other = lookup.unless(facts) if lookup.unless is not None else MISSING
    return other is not MISSING and not is_empty(other)


def _find_many(lookup: Lookup, facts: Facts, find: Find) -> tuple[Record, ...]:
    values = MISSING if _is_skipped(lookup, facts) else lookup.key(facts)
    sent = [value for value in values if type(value) is str] if isinstance(values, list) else []
    keys = sent if lookup.fold is None else map(lookup.fold, sent)
    records = [find(lookup.collection, key) for key in keys]
    return tuple(record for record in records if record is not None)
