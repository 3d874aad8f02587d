"""Admin routes about the journal: entries and their filters, archives, events, bundles.

Knows how to ask and what to show; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, get_args
from urllib.parse import urlsplit

from msgspec.structs import replace

from mockserver.admin.api import PREFIX, AdminError, Call, Route, as_json, as_text, refused
from mockserver.admin.sandboxes import scenarios_of
from mockserver.core.instants import parse_instant
from mockserver.core.model import Provenance, Trigger
from mockserver.core.reply import Reply
from mockserver.core.spelling import close_matches, did_you_mean_sentence
from mockserver.core.values import printable
from mockserver.engine.bundle import bundle
from mockserver.engine.entries import JournalEntry, read_entry
from mockserver.engine.reconstruction import reconstruct
from mockserver.engine.views import entry_details, entry_summary, is_unexpected
from mockserver.reports.bug_report import POLICY, report
from mockserver.reports.har import har
from mockserver.reports.words import language
from mockserver.storage.interface import Entry
from mockserver.version import __version__

MOST: Final = 1_000
"""Entries in one answer, but for an archive."""


# -- entries ------------------------------------------------------------------------------------------


def bad_parameter(detail: str) -> AdminError:
    """The error of a query parameter."""
    return refused(400, "bad-parameter", "A query parameter has no usable value", detail)


def _number(call: Call, name: str, default: int, most: int) -> int:
    text = call.query.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:20]) <= most:
        raise bad_parameter(f"{name} is a number from 1 to {most}.")
    return int(text)


def flag(call: Call, name: str) -> bool:
    """A query parameter that is true or false."""
    if call.query.get(name, "false") not in ("true", "false"):
        raise bad_parameter(f"{name} is true or false.")
    return call.query.get(name) == "true"


async def entries_of(call: Call, *, before: str = "", after: str = "") -> Sequence[Entry]:
    """The entries of the sandbox, or of all, newest first. Raises `AdminError`."""
    sandbox = None if flag(call, "all") else call.sandbox
    try:
        return await call.engine.storage.entries(sandbox, before=before, after=after)
    except ValueError as error:
        raise bad_parameter(f"before: {error}.") from None


async def _filtered(call: Call) -> Iterator[JournalEntry]:
    """The entries that the query asks for, newest first."""
    entries, is_wanted = await entries_of(call, before=call.query.get("before", "")), await entry_filter(call)
    return filter(is_wanted, (read_entry(entry.data) for entry in entries))


async def entry_filter(call: Call) -> Callable[[JournalEntry], bool]:
    """Tells the entries that the query asks for."""
    query = call.query
    since = _since(query.get("since"))
    text = query.get("text", "").lower()
    wanted = [(name, query[name]) for name in _WORDS if name in query]
    for name, word in wanted:
        await _check_word(call, name, word)

    def is_wanted(entry: JournalEntry) -> bool:
        shown = entry_summary(entry) if wanted else {}
        return (
            (since is None or entry.at_ns >= since)
            and all(shown[name] == value for name, value in wanted)
            and (not text or text in _all_text(entry))
        )

    return is_wanted


async def _check_word(call: Call, name: str, word: str) -> None:
    """Refuse a word of a filter that no entry could have: it is misspelt."""
    words: Iterable[str] = _WORDS[name]
    if name == "scenario":
        operations = call.engine.contract.operations
        words = dict.fromkeys([s.id for operation in operations for s in await scenarios_of(call, operation)])
        if word not in words and await _has_answered(call, word):
            return
    if word not in words:
        spelt = close_matches(word, words)
        detail = f"{name} is one of {', '.join(words)}; not {printable(word, 80)}.{did_you_mean_sentence(spelt)}"
        title = "A query parameter has no usable value"
        raise refused(400, "bad-parameter", title, detail, did_you_mean=list(spelt))


async def _has_answered(call: Call, scenario: str) -> bool:
    """Whether a scenario has answered that is not in force: one of another sandbox, or one that was taken away."""
    entries = [read_entry(entry.data) for entry in await call.engine.storage.entries(None)]
    return any(one.decision is not None and one.decision.scenario.scenario == scenario for one in entries)


def _since(text: str | None) -> int | None:
    try:
        return parse_instant(text) if text is not None else None
    except ValueError as error:
        raise bad_parameter(f"since: {error}.") from None


def _all_text(entry: JournalEntry) -> str:
    answered = entry.decision.scenario.scenario if entry.decision is not None else entry.problem
    bodies = (entry.request.body.data + b"\n" + entry.reply.body.data).decode("utf-8", "replace")
    headers = map(": ".join, entry.request.headers)
    return "\n".join((f"{entry.request.method} {entry.request.target}", str(answered), *headers, bodies)).lower()


async def _list(call: Call) -> Reply:
    kind = call.query.get("format", "json")
    if kind not in ("json", "har"):
        raise bad_parameter("format is json or har.")
    if kind == "har":
        limit = _number(call, "limit", 2**62, 2**62)
        entries = [*islice(await _filtered(call), limit)]
        return as_json(har(reversed(entries), __version__, urlsplit(call.url).scheme))
    return await _page(call, await _filtered(call))


async def _page(call: Call, found: Iterable[JournalEntry]) -> Reply:
    limit = _number(call, "limit", 100, MOST)
    entries = [*islice(found, limit + 1)]
    shown = entries[:limit]
    more = {"before": shown[-1].id} if len(entries) > limit else {}
    lost = await call.engine.storage.lost_entries(call.sandbox)
    rows = [entry_summary(entry) for entry in shown]
    return as_json({"requests": rows, "lost": lost, "incomplete": await may_lack(call), **more})


async def _unexpected(call: Call) -> Reply:
    return await _page(call, (entry for entry in await _filtered(call) if is_unexpected(entry.decision)))


async def _entry(call: Call) -> Entry:
    """The entry that the path names. Raises `AdminError`."""
    storage, name = call.engine.storage, call.parameters["id"]
    entry = await storage.entry(name)
    if entry is None or entry.sandbox != call.sandbox:
        where = f"; it is one of sandbox {entry.sandbox or '(default)'}" if entry is not None else ""
        detail = f"The journal of this sandbox has no entry {name[:20]}{where}."
        lost = await storage.lost_entries(call.sandbox)
        raise refused(404, "unknown-entry", "There is no such entry", detail, lost=lost)
    return entry


async def _one(call: Call) -> Reply:
    engine = call.engine
    entry = read_entry((await _entry(call)).data)
    made_again = reconstruct(entry, engine.contract, engine.storage.orders)
    return as_json(entry_details(entry, engine.contract.hash, made_again))


async def _clear(call: Call) -> Reply:
    return as_json({"status": "cleared", "requests": await call.engine.storage.clear_entries(call.sandbox)})


async def _bundle(call: Call) -> Reply:
    data = (await _entry(call)).data
    entry = read_entry(data)
    if entry.decision is None:
        detail = f"Entry {entry.id} is the problem {entry.problem}: no scenario answered."
        raise refused(409, "no-decision", "There is no decision to make again", detail)
    return as_json(bundle(data))


async def _report(call: Call) -> Reply:
    entry = read_entry((await _entry(call)).data)
    sandbox = await call.engine.storage.find(entry.sandbox)
    settings = call.engine.settings if sandbox is None else sandbox.settings
    spoken = language(call.headers.get("accept-language", ""))
    shown = report(entry, call.engine.contract, settings.utc_offset, spoken, urlsplit(call.url).scheme)
    page = as_text(shown, "text/html; charset=utf-8")
    about = (("Content-Language", spoken), ("Vary", "Accept-Language"))
    guards = (("Content-Security-Policy", POLICY), ("X-Content-Type-Options", "nosniff"))
    return replace(page, headers=(*page.headers, *about, *guards))


async def may_lack(call: Call) -> bool:
    """Whether the journal may lack entries of the sandbox."""
    storage = call.engine.storage
    off = not call.engine.settings.journal_entries
    return off or await storage.lost_entries(call.sandbox) > 0 or await storage.was_evicted(call.sandbox)


_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "scenario": (),
    "source": get_args(Provenance),
    "trigger": get_args(Trigger),
}
"""Filters by what stands in an entry, with the words that can."""

_ALL: Final = {"all": "true: of every sandbox"}
ABOUT: Final = {
    "scenario": "The id of the scenario that answered",
    "source": "documented or assumed",
    "trigger": "values, state, header, armed or default",
    "since": "An RFC 3339 instant",
    "text": "What stands in the request, the reply or the scenario's id",
    **_ALL,
}
_FILTERS: Final = {
    **ABOUT,
    "limit": f"How many; 100 where nothing is said, {MOST} at most",
    "before": "The id of an entry, a text: only older ones",
}

ROUTES: Final = (
    Route(
        "GET",
        f"{PREFIX}/requests",
        "The requests that came, newest first.",
        _list,
        query={**_FILTERS, "format": "json, or har for an HTTP archive"},
    ),
    Route("DELETE", f"{PREFIX}/requests", "Empty the journal of the sandbox.", _clear),
    Route(
        "GET",
        f"{PREFIX}/requests/unexpected",
        "The requests that got what nobody asked for: misuses, assumed and default answers, malformed forced ones.",
        _unexpected,
        query=_FILTERS,
    ),
    Route(
        "GET",
        f"{PREFIX}/requests/{{id}}",
        "One request: what came, what was decided and why, what went out.",
        _one,
        answers={200: "All that is known of it; near misses are told by the contract that is served."},
    ),
    Route(
        "GET",
        f"{PREFIX}/requests/{{id}}/bundle",
        "One request as a file that `mockserver replay` decides again: its journal entry.",
        _bundle,
    ),
    Route(
        "GET",
        f"{PREFIX}/requests/{{id}}/report",
        "One request as a page of HTML to attach to a ticket, in English or Spanish as `Accept-Language` asks.",
        _report,
        answers={200: "The page; it is whole in itself and holds no script."},
        media="text/html",
    ),
)
