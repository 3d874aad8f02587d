"""Journal entries as an HTTP Archive (HAR 1.2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mockserver.engine.entries import JournalEntry
from mockserver.engine.views import header_list

_NO_ANSWER = ("hang", "reset", "empty", "garbage")
"""Faults after which no HTTP answer reached the client."""


def har(entries: Iterable[JournalEntry], version: str, scheme: str = "http") -> dict[str, Any]:
    """An archive of entries in their order; `version` is that of the mock, `scheme` http or https."""
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "mockserver", "version": version},
            "entries": [_entry(entry, scheme) for entry in entries],
        }
    }


def _entry(entry: JournalEntry, scheme: str) -> dict[str, Any]:
    spent = entry.micros / 1_000 + entry.delay_ms
    headers, body = entry.first_headers, entry.request.body.data
    url = f"{scheme}://{headers.get('host', 'localhost')}{entry.request.target}"
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
    }


def _response(entry: JournalEntry) -> dict[str, Any]:
    """What went out; status 0, as browsers have it, where no answer did."""
    lost = entry.fault in _NO_ANSWER
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
        "comment": f"fault: {entry.fault}" if entry.fault else "",
    }
