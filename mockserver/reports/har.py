"""Journal entries as an HTTP Archive (HAR 1.2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncGenerator, Callable, Sequence
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from mockserver.base.address import public_url
from mockserver.base.values import encode_json
from mockserver.entries.journal_entry import JournalEntry, decode_entry
from mockserver.entries.views import header_list
from mockserver.reports.translations import TRANSLATIONS
from mockserver.storage.interface import Entry, Storage
from mockserver.version import __version__

_NO_ANSWER = ("hang", "reset", "empty", "garbage")
"""Faults after which no HTTP answer reached the client."""

_CLIENT_LEFT: Final = TRANSLATIONS["en"]["entry.client.left"]

LOG: Final = {"version": "1.2", "creator": {"name": "mockserver", "version": __version__}}
"""The log of an archive, without its entries."""

_PAGE_ENTRIES: Final = 100
_PAGE_BYTES: Final = 1_000_000
"""Entries that are read from the journal at once, by number and by size."""


async def har_pieces(
    storage: Storage,
    sandbox: str | None,
    after: str,
    count: int,
    is_wanted: Callable[[JournalEntry], bool],
    scheme: str = "http",
) -> AsyncGenerator[bytes, None]:
    """The archive of the `count` entries after the one of an id, oldest first, one piece for each wanted entry.

    They are read page by page, so that a slow client holds no more than one page.
    """
    yield b'{"log":' + encode_json(LOG).removesuffix(b"}") + b',"entries":['
    separator = b""
    while count > 0:
        page = _page(await storage.entries(sandbox, after=after), count)
        if not page:  # the journal was cleared meanwhile
            break
        after, count = page[-1].id, count - len(page)
        for entry in page:
            decoded = decode_entry(entry.data)
            if is_wanted(decoded):
                yield separator + encode_json(har_entry(decoded, scheme))
                separator = b","
    yield b"]}}"


def _page(entries: Sequence[Entry], count: int) -> list[Entry]:
    """The oldest of some entries that are given newest first."""
    page: list[Entry] = []
    size = 0
    for entry in islice(reversed(entries), min(count, _PAGE_ENTRIES)):
        page.append(entry)
        size += len(entry.data)
        if size > _PAGE_BYTES:
            break
    return page


def har_entry(entry: JournalEntry, scheme: str = "http") -> dict[str, Any]:
    """An entry of the archive; `scheme` is http or https, as the server speaks."""
    spent = entry.duration_us / 1_000 + entry.delay_ms
    headers, body = entry.first_headers, entry.request.body.data
    url = public_url(headers, scheme) + entry.request.target
    return {
        "startedDateTime": dt.datetime.fromtimestamp(entry.at_ns / 1e9, dt.UTC).isoformat(),
        "time": spent,
        "request": {
            "method": entry.request.method,
            "url": url,
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": header_list(entry.request.headers),
            "queryString": [{"name": n, "value": v} for n, v in parse_qsl(urlsplit(url).query, keep_blank_values=True)],
            "headersSize": -1,
            "bodySize": len(body),
            "postData": {"mimeType": headers.get("content-type", ""), "text": body.decode("utf-8", "replace")},
        },
        "response": _response(entry),
        "cache": {},
        "timings": {"send": 0, "wait": spent, "receive": 0},
        **({"comment": f"masked: {', '.join(entry.masked)}"} if entry.masked else {}),
    }


def _response(entry: JournalEntry) -> dict[str, Any]:
    """The response that went out; status 0, as browsers write it, where the client got no full one.

    Where the client left, `_error` says so, as in the archives of browsers: members that HAR does not define begin
    with `_`.
    """
    lost = entry.fault in _NO_ANSWER or entry.client_left
    notes = (f"fault: {entry.fault}" if entry.fault else "", _CLIENT_LEFT if entry.client_left else "")
    body = b"" if lost or entry.fault == "gateway" else entry.reply.body.data
    headers = () if lost else entry.reply.headers
    return {
        "status": 0 if lost else entry.reply.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": header_list(headers),
        "content": {
            "size": len(body),
            "mimeType": next((value for name, value in headers if name.lower() == "content-type"), ""),
            "text": body.decode("utf-8", "replace"),
        },
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": len(body),
        "comment": "; ".join(filter(None, notes)),
        **({"_error": _CLIENT_LEFT} if entry.client_left else {}),
    }
