"""Retries in the journal: found when somebody looks at an entry, from what the entries hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from mockserver.entries.journal_entry import JournalEntry, decode_entry
from mockserver.entries.views import entry_summary
from mockserver.storage.interface import Entry, Storage
from mockserver.storage.pacing import Pacer

MAX_SEARCHED: Final = 1_000
"""Entries of the sandbox that are searched for a retry, and for what it repeats; the texts of `reports` name it."""

_SHOWN: Final = ("id", "status", "code", "scenario", "problem", "answer_lost")

_MASKED: Final = ("/request/target", "/request/body")
"""Pointers to masked values that are compared begin so."""


def is_same_request(one: JournalEntry, other: JournalEntry) -> bool:
    """Whether two entries of a sandbox have the same method, path, query and body, as far as these are not masked.

    Headers may differ, as ids of requests do, but for one that forces a scenario. Coverage counts retries by the same
    rule, before anything is masked.
    """
    sent, repeated = one.request, other.request
    is_as_sent = (sent.method, sent.target, sent.body) == (repeated.method, repeated.target, repeated.body)
    return is_as_sent and _forced_scenario(one) == _forced_scenario(other)


def _forced_scenario(entry: JournalEntry) -> str | None:
    return entry.scenario_id if entry.decision is not None and entry.decision.trigger == "header" else None


async def retries_json(storage: Storage, entry: JournalEntry) -> dict[str, Any]:
    """The members `retried_by` and `retry_of` of an entry: the next and the last same request, if an answer was lost.

    `after_ms` is by the clock of the sandbox. `has_masked_values`: some of what is compared is masked.
    """
    older = await storage.entries(entry.sandbox, before=entry.id, limit=MAX_SEARCHED)
    last, following = await _first_same(entry, older), None
    if entry.answer_lost:
        newer = await storage.entries(entry.sandbox, after=entry.id, limit=MAX_SEARCHED)
        following = await _first_same(entry, reversed(newer))
    return {
        "retried_by": _shown(following, entry, following) if following is not None else None,
        "retry_of": _shown(last, last, entry) if last is not None and last.answer_lost else None,
    }


async def _first_same(entry: JournalEntry, others: Iterable[Entry]) -> JournalEntry | None:
    pacer = Pacer()
    for one in others:
        decoded = decode_entry(one.data)
        if is_same_request(entry, decoded):
            return decoded
        await pacer.pause()
    return None


def _shown(entry: JournalEntry, first: JournalEntry, second: JournalEntry) -> dict[str, Any]:
    summary = entry_summary(entry)
    return {
        **{name: summary[name] for name in _SHOWN},
        "after_ms": round((second.at_ns - first.at_ns) / 1_000_000),
        "has_masked_values": any(place.startswith(_MASKED) for place in entry.masked),
    }
