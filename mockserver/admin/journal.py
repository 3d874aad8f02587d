"""Admin routes of the journal: entries and their filters, HTTP archive, bundles, bug reports."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final, get_args

from msgspec import Raw
from msgspec.structs import replace

from mockserver.admin.sandboxes import scenarios_of, settings_of
from mockserver.base.instants import parse_instant
from mockserver.base.spelling import close_matches, did_you_mean_sentence, fold_text, has_all
from mockserver.base.trace_context import TRACE_ID
from mockserver.base.values import encode_json, printable
from mockserver.core.codes import codes, has_name, is_code, near_names
from mockserver.core.model import Provenance, Trigger
from mockserver.core.reply import Reply
from mockserver.engine.engine import Engine
from mockserver.entries.bundle import bundle
from mockserver.entries.journal_entry import JournalEntry, decode_entry
from mockserver.entries.reconstruction import reconstruct
from mockserver.entries.retries import retries_json
from mockserver.entries.views import entry_details, entry_summary, is_unexpected, reply_code
from mockserver.http_api.api import ADMIN_PREFIX, Call, Route, json_reply, text_reply
from mockserver.http_api.errors import admin_error
from mockserver.http_api.parameters import (
    SCOPE_PARAMETERS,
    bad_parameter,
    int_parameter,
    sandbox_names_of,
    scope_of,
    word_parameter,
)
from mockserver.http_api.pieces import json_in_pieces
from mockserver.reports.bug_report import POLICY, report
from mockserver.reports.har import har_pieces
from mockserver.reports.translations import language, language_headers
from mockserver.storage.interface import Entry
from mockserver.storage.pacing import Pacer

MAX_PAGE: Final = 1_000
"""Entries of one page; an archive has no limit."""


async def entries_of(call: Call, *, before: str = "", after: str = "") -> Sequence[Entry]:
    """The entries of the sandbox, or of all (`entry_filter` finds those of a prefix), newest first.

    Raises `AdminError` for a bad id.
    """
    try:
        return await call.engine.storage.entries(scope_of(call).sandbox, before=before, after=after)
    except ValueError as error:
        raise bad_parameter(f"before: {error}.") from None


async def _matching_entries(call: Call) -> AsyncGenerator[JournalEntry, None]:
    """The entries that match the query, newest first, decoded in steps."""
    entries, is_wanted = await entries_of(call, before=call.query.get("before", "")), await entry_filter(call)
    pacer = Pacer()
    for entry in entries:
        decoded = decode_entry(entry.data)
        if is_wanted(decoded):
            yield decoded
        await pacer.pause()


async def entry_filter(call: Call) -> Callable[[JournalEntry], bool]:
    """A function that tells whether an entry matches the query. Raises `AdminError`."""
    query, scope = call.query, scope_of(call)
    since = _since(query.get("since"))
    words, trace = fold_text(query.get("text", "")).split(), query.get("trace")
    if trace is not None and not TRACE_ID.fullmatch(trace):
        raise bad_parameter(f"trace is a trace id, 32 hexadecimal digits in lower case, not {printable(trace, 80)}.")
    wanted = [(name, await _accepted_words(call, name, query[name])) for name in _WORD_FILTERS if name in query]

    def is_wanted(entry: JournalEntry) -> bool:
        shown = entry_summary(entry) if wanted else {}
        return (
            scope.has(entry.sandbox)
            and (since is None or entry.at_ns >= since)
            and all(shown[name] in accepted for name, accepted in wanted)
            and trace in (None, entry.trace)
            and (not words or has_all(words, _searchable_text(entry)))
        )

    return is_wanted


async def _accepted_words(call: Call, name: str, word: str) -> Collection[str]:
    """What matches a filter: its value, or the ids of all scenarios with a code. Refuses what no entry could have."""
    words: Iterable[str] = _WORD_FILTERS[name]
    near: Sequence[str] = ()
    if name == "scenario":
        scenarios = [s for operation in call.engine.contract.operations for s in await scenarios_of(call, operation)]
        ids = {scenario.id for scenario in scenarios if has_name(scenario, word)}
        if ids or await _has_answered(call, word):
            return ids or {word}
        words = codes(scenarios) if is_code(word) else dict.fromkeys(scenario.id for scenario in scenarios)
        near = near_names(word, scenarios)
    if word in words:
        return {word}
    near = near or close_matches(word, words)
    detail = f"{name} is one of {', '.join(words)}; not {printable(word, 80)}.{did_you_mean_sentence(near)}"
    raise bad_parameter(detail, did_you_mean=list(near))


async def _has_answered(call: Call, scenario: str) -> bool:
    """Whether the journal has an answer of a scenario that is not in force here: deleted, or of another sandbox."""
    pacer = Pacer()
    for entry in await call.engine.storage.entries(None):
        decision = decode_entry(entry.data).decision
        if decision is not None and decision.scenario.id == scenario:
            return True
        await pacer.pause()
    return False


def _since(text: str | None) -> int | None:
    try:
        return parse_instant(text) if text is not None else None
    except ValueError as error:
        raise bad_parameter(f"since: {error}.") from None


def _searchable_text(entry: JournalEntry) -> str:
    bodies = (entry.request.body.data + b"\n" + entry.reply.body.data).decode("utf-8", "replace")
    code, headers = reply_code(entry), map(": ".join, entry.request.headers)
    answered = entry.answered_by if code is None else f"{entry.answered_by} {code}"
    return fold_text("\n".join((f"{entry.request.method} {entry.request.target}", answered, *headers, bodies)))


async def _list_entries(call: Call, is_listed: Callable[[JournalEntry], bool] = lambda _: True) -> Reply:
    is_har = word_parameter(call, "format", ("json", "har"), "json") == "har"
    return await (_get_har if is_har else _page)(call, is_listed)


async def _page(call: Call, is_listed: Callable[[JournalEntry], bool]) -> Reply:
    limit = int_parameter(call, "limit", 100, MAX_PAGE)
    rows: list[Raw] = []  # a decoded entry takes many times the bytes of its row
    last, more = "", {}
    async with aclosing(_matching_entries(call)) as matching:
        async for entry in matching:
            if not is_listed(entry):
                continue
            if len(rows) == limit:
                more = {"before": last}
                break
            rows.append(Raw(encode_json(entry_summary(entry))))
            last = entry.id
    names = await sandbox_names_of(call)
    lost = sum([await call.engine.storage.lost_entries(name) for name in names])
    missing = {"lost": lost, "incomplete": await is_journal_incomplete(call.engine, names)}
    return json_reply({"requests": rows, **missing, **more})


async def _get_har(call: Call, is_listed: Callable[[JournalEntry], bool]) -> Reply:
    """The newest entries up to `limit` as an HTTP archive, oldest first, in pieces."""
    limit = int_parameter(call, "limit", 2**62, 2**62)
    entries, matches = await entries_of(call, before=call.query.get("before", "")), await entry_filter(call)

    def is_wanted(entry: JournalEntry) -> bool:
        return is_listed(entry) and matches(entry)

    count = await _count_up_to(entries, is_wanted, limit) if limit < len(entries) else len(entries)
    after = entries[count].id if count < len(entries) else ""
    return json_in_pieces(har_pieces(call.engine.storage, scope_of(call).sandbox, after, count, is_wanted, call.scheme))


async def _count_up_to(entries: Sequence[Entry], is_wanted: Callable[[JournalEntry], bool], limit: int) -> int:
    """How many entries, from the newest on, have to be read to find `limit` wanted ones; all if there are fewer."""
    pacer = Pacer()
    for number, entry in enumerate(entries, 1):
        limit -= is_wanted(decode_entry(entry.data))
        if not limit:
            return number
        await pacer.pause()
    return len(entries)


async def _stored_entry(call: Call) -> Entry:
    """The entry that the path names. Raises `AdminError`."""
    storage, name = call.engine.storage, call.parameters["id"]
    entry = await storage.entry(name)
    if entry is None or entry.sandbox != call.sandbox:
        where = f"; it is one of sandbox {entry.sandbox or '(default)'}" if entry is not None else ""
        detail = f"The journal of this sandbox has no entry {name[:20]}{where}."
        lost = await storage.lost_entries(call.sandbox)
        raise admin_error(404, "unknown-entry", "There is no such entry", detail, lost=lost)
    return entry


async def _get_entry(call: Call) -> Reply:
    contract, storage = call.engine.contract, call.engine.storage
    entry = decode_entry((await _stored_entry(call)).data)
    details = entry_details(entry, contract.hash, reconstruct(entry, contract, storage.orders))
    return json_reply({**details, **await retries_json(storage, entry)})


async def _clear_entries(call: Call) -> Reply:
    return json_reply({"status": "cleared", "requests": await call.engine.storage.clear_entries(call.sandbox)})


async def _get_bundle(call: Call) -> Reply:
    data = (await _stored_entry(call)).data
    entry = decode_entry(data)
    if entry.decision is None:
        detail = f"Entry {entry.id} has no decision of the mock: {entry.answered_by}."
        raise admin_error(409, "no-decision", "There is no decision to replay", detail)
    return json_reply(bundle(data))


async def _get_report(call: Call) -> Reply:
    engine = call.engine
    entry = decode_entry((await _stored_entry(call)).data)
    reconstruction = reconstruct(entry, engine.contract, engine.storage.orders)
    utc_offset = (await settings_of(engine, entry.sandbox)).utc_offset
    language_code = language(call.headers.get("accept-language", ""))
    retries = await retries_json(engine.storage, entry)
    shown = report(entry, engine.contract, reconstruction, retries, utc_offset, language_code, call.scheme)
    page = text_reply(shown, "text/html; charset=utf-8")
    guards = (("Content-Security-Policy", POLICY), ("X-Content-Type-Options", "nosniff"))
    return replace(page, headers=(*page.headers, *language_headers(language_code), *guards))


async def is_journal_incomplete(engine: Engine, sandboxes: Iterable[str]) -> bool:
    """Whether the journal may lack entries of one of these sandboxes."""
    if not engine.settings.journal_entries:
        return True
    for name in sandboxes:
        if await engine.storage.lost_entries(name) or await engine.storage.was_evicted(name):
            return True
    return False


_WORD_FILTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "scenario": (),
    "source": get_args(Provenance),
    "trigger": get_args(Trigger),
}
"""Filters by a member of an entry, with the values that it can have."""

FILTERS: Final = {
    "scenario": "The id of the scenario that answered, or code=1042 for all with this code",
    "source": "documented or assumed",
    "trigger": "values, state, header, armed or default",
    "since": "An RFC 3339 instant",
    "trace": "A trace id: that of the request's header traceparent",
    "text": "Words, in any order, that all stand in request, reply, code or scenario, whatever their case and accents",
    **SCOPE_PARAMETERS,
}
_PAGE_PARAMETERS: Final = {
    **FILTERS,
    "limit": f"How many; 100 by default, {MAX_PAGE} at most",
    "before": "The id of an entry: only older ones",
    "format": "json, or har for an HTTP archive",
}

ROUTES: Final = (
    Route(
        "GET",
        f"{ADMIN_PREFIX}/requests",
        "The received requests, newest first.",
        _list_entries,
        query=_PAGE_PARAMETERS,
    ),
    Route("DELETE", f"{ADMIN_PREFIX}/requests", "Empty the journal of the sandbox.", _clear_entries),
    Route(
        "GET",
        f"{ADMIN_PREFIX}/requests/unexpected",
        "Requests with an unexpected answer: misuse, assumed, default, or forced for a malformed request.",
        partial(_list_entries, is_listed=is_unexpected),
        query=_PAGE_PARAMETERS,
    ),
    Route(
        "GET",
        f"{ADMIN_PREFIX}/requests/{{id}}",
        "One request: what was received, what was decided and why, what was sent; the retry of a lost answer.",
        _get_entry,
        responses={200: "The entry; near misses are those of the contract that is served now."},
    ),
    Route(
        "GET",
        f"{ADMIN_PREFIX}/requests/{{id}}/bundle",
        "The journal entry as a file for `mockserver replay`.",
        _get_bundle,
    ),
    Route(
        "GET",
        f"{ADMIN_PREFIX}/requests/{{id}}/report",
        "One request as an HTML page to attach to a ticket, in English or Spanish by `Accept-Language`.",
        _get_report,
        responses={200: "The page; it is self-contained and has no script."},
        media_types=("text/html",),
    ),
)
