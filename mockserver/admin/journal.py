"""Admin routes about the journal: entries and their filters, archives, events, bundles.

Knows how to ask and what to show; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, get_args
from urllib.parse import urlsplit

from mockserver.admin.api import PREFIX, AdminError, Call, Route, as_json, as_text, refused
from mockserver.admin.sandboxes import scenarios_of
from mockserver.core.contract import Reply
from mockserver.core.instants import parse_instant
from mockserver.core.model import Provenance, Trigger
from mockserver.core.problems import or_else
from mockserver.core.values import close_matches, printable, write
from mockserver.engine.bundle import bundle
from mockserver.engine.views import event, har, is_unexpected, row, whole
from mockserver.reports.bug_report import POLICY, report
from mockserver.reports.words import language
from mockserver.storage.journal import Entry, Listener
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


def _entries(call: Call) -> Iterator[Entry]:
    return call.engine.journal.all() if flag(call, "all") else call.engine.journal.of(call.sandbox)


def _filtered(call: Call) -> Iterator[Entry]:
    return filter(_wanted(call), _entries(call))


def _wanted(call: Call) -> Callable[[Entry], bool]:
    """Tells the entries that the query asks for."""
    query = call.query
    before = _number(call, "before", 2**62, 2**62)
    since = _since(query.get("since"))
    text = query.get("text", "").lower()
    wanted = [(name, query[name]) for name in _WORDS if name in query]
    for name, word in wanted:
        _known(call, name, word)

    def is_wanted(entry: Entry) -> bool:
        shown = row(entry) if wanted else {}
        return (
            entry.id < before
            and entry.at_ns >= since
            and all(shown[name] == value for name, value in wanted)
            and (not text or text in _all_text(entry))
        )

    return is_wanted


def _known(call: Call, name: str, word: str) -> None:
    """Refuse a word of a filter that no entry could have: it is misspelt."""
    words: Iterable[str] = _WORDS[name]
    if name == "scenario":
        operations = call.engine.contract.operations
        words = dict.fromkeys(s.id for operation in operations for s in scenarios_of(call, operation))
        # One that was given at run time may be gone, or be another sandbox's.
        if any(e.decision is not None and e.decision.scenario.id == word for e in call.engine.journal.all()):
            return
    if word not in words:
        spelt = close_matches(word, words)
        detail = f"{name} is one of {', '.join(words)}; not {printable(word, 80)}.{or_else(spelt)}"
        title = "A query parameter has no usable value"
        raise refused(400, "bad-parameter", title, detail, did_you_mean=list(spelt))


def _since(text: str | None) -> int:
    try:
        return parse_instant(text) if text is not None else -(2**80)
    except ValueError as error:
        raise bad_parameter(f"since: {error}.") from None


def _all_text(entry: Entry) -> str:
    scenario = entry.decision.scenario.id if entry.decision is not None else entry.problem
    bodies = (entry.body + b"\n" + entry.reply_body).decode("utf-8", "replace")
    return "\n".join((f"{entry.method} {entry.target}", str(scenario), *map(": ".join, entry.headers), bodies)).lower()


def _list(call: Call) -> Reply:
    kind = call.query.get("format", "json")
    if kind not in ("json", "har"):
        raise bad_parameter("format is json or har.")
    if kind == "har":
        limit = _number(call, "limit", 2**62, 2**62)
        return as_json(har(reversed([*islice(_filtered(call), limit)]), __version__, urlsplit(call.url).scheme))
    return _page(call, _filtered(call))


def _page(call: Call, found: Iterable[Entry]) -> Reply:
    limit = _number(call, "limit", 100, MOST)
    entries = [*islice(found, limit + 1)]
    shown = entries[:limit]
    more = {"before": shown[-1].id} if len(entries) > limit else {}
    lost = call.engine.journal.lost(call.sandbox)
    return as_json({"requests": [row(e) for e in shown], "lost": lost, "incomplete": may_lack(call), **more})


def _unexpected(call: Call) -> Reply:
    return _page(call, (entry for entry in _filtered(call) if is_unexpected(entry.decision)))


def _entry(call: Call) -> Entry:
    text = call.parameters["id"]
    entry = call.engine.journal.find(int(text)) if text.isascii() and text.isdecimal() and len(text) < 20 else None
    if entry is None or entry.sandbox != call.sandbox:
        where = f"; it is one of sandbox {entry.sandbox or '(default)'}" if entry is not None else ""
        detail = f"The journal of this sandbox has no entry {text[:20]}{where}."
        raise refused(
            404, "unknown-entry", "There is no such entry", detail, lost=call.engine.journal.lost(call.sandbox)
        )
    return entry


def _one(call: Call) -> Reply:
    return as_json(whole(_entry(call)))


def _clear(call: Call) -> Reply:
    return as_json({"status": "cleared", "requests": call.engine.journal.clear(call.sandbox)})


def _bundle(call: Call) -> Reply:
    entry = _entry(call)
    decision = entry.remembered
    if decision is None:
        detail = f"Entry {entry.id} is the problem {entry.problem}: no scenario answered."
        raise refused(409, "no-decision", "There is no decision to make again", detail)
    return as_json(bundle(entry, decision))


def _report(call: Call) -> Reply:
    entry = _entry(call)
    sandbox = call.engine.sandboxes.find(entry.sandbox)
    settings = call.engine.settings if sandbox is None else sandbox.settings
    spoken = language(call.headers.get("accept-language", ""))
    shown = report(entry, call.engine.contract, settings.utc_offset, spoken, urlsplit(call.url).scheme)
    page = as_text(shown, "text/html; charset=utf-8")
    about = (("Content-Language", spoken), ("Vary", "Accept-Language"))
    guards = (("Content-Security-Policy", POLICY), ("X-Content-Type-Options", "nosniff"))
    return page._replace(headers=(*page.headers, *about, *guards))


def may_lack(call: Call) -> bool:
    """Whether the journal may lack entries of the sandbox."""
    engine = call.engine
    off = not engine.settings.journal_entries
    return off or engine.journal.lost(call.sandbox) > 0 or engine.sandboxes.lacks(call.sandbox)


# -- events -------------------------------------------------------------------------------------------


class _Events:
    """New entries as server-sent events."""

    def __init__(
        self,
        listen: Callable[[Callable[[], None]], Listener],
        wanted: Callable[[Entry], bool],
        missed: Iterable[Entry],
    ) -> None:
        """`missed` came before, and is sent first; of what comes, what is `wanted`."""
        self._listen = listen
        self._wanted = wanted
        self._listener: Listener | None = None
        self._first = b"".join(map(event, filter(wanted, missed)))

    def open(self, wake: Callable[[], None]) -> None:
        """See `Feed`."""
        self._listener = self._listen(wake)
        wake()

    def take(self) -> bytes:
        """See `Feed`."""
        first, self._first = self._first, b""
        if self._listener is None:
            return first
        lost, self._listener.missed = self._listener.missed, 0
        told = b"event: lost\ndata: %s\n\n" % write({"entries": lost}) if lost else b""
        return first + told + b"".join(map(event, filter(self._wanted, self._listener.take())))

    def close(self) -> None:
        """See `Feed`."""
        if self._listener is not None:
            self._listener.close()


def _events(call: Call) -> Reply:
    seen = call.headers.get("last-event-id", "")
    sandbox = None if flag(call, "all") else call.sandbox
    missed: list[Entry] = []
    if seen.isascii() and seen.isdecimal() and len(seen) < 20:
        missed = [entry for entry in _entries(call) if entry.id > int(seen)][::-1]
    feed = _Events(lambda wake: call.engine.journal.listen(sandbox, wake), _wanted(call), missed)
    headers = (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"))
    return Reply(200, headers, b": listening\n\n", feed=feed)


_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "scenario": (),
    "source": get_args(Provenance),
    "trigger": get_args(Trigger),
}
"""Filters by what stands in an entry, with the words that can."""

_ALL: Final = {"all": "true: of every sandbox"}
_ABOUT: Final = {
    "scenario": "The id of the scenario that answered",
    "source": "documented or assumed",
    "trigger": "values, state, header, armed or default",
    "since": "An RFC 3339 instant",
    "text": "What stands in the request, the reply or the scenario's id",
    **_ALL,
}
_FILTERS: Final = {
    **_ABOUT,
    "limit": f"How many; 100 where nothing is said, {MOST} at most",
    "before": "The id of an entry: only older ones",
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
    Route("GET", f"{PREFIX}/requests/{{id}}", "One request: what came, what was decided and why, what went out.", _one),
    Route("GET", f"{PREFIX}/requests/{{id}}/bundle", "One request with all that its decision looked at.", _bundle),
    Route(
        "GET",
        f"{PREFIX}/requests/{{id}}/report",
        "One request as a page of HTML to attach to a ticket, in English or Spanish as `Accept-Language` asks.",
        _report,
        answers={200: "The page; it is whole in itself and holds no script."},
        media="text/html",
    ),
    Route(
        "GET",
        f"{PREFIX}/events",
        "New requests as server-sent events.",
        _events,
        query=_ABOUT,
        media="text/event-stream",
    ),
)
