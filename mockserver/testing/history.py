"""What a mock saw, as text for the report of a test that failed: who answered, and what nearly did.

Knows the client and its answers; it knows no test framework.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from mockserver.client.admin_api import MockError
from mockserver.client.mock import Mock
from mockserver.engine.views import evidence_lines

MOST: Final = 30
"""Requests that are shown."""

MOST_TOLD: Final = 5
"""Unexpected ones that are told in full."""

MOST_MISSES: Final = 3


def history(mock: Mock) -> str:
    """The last requests of a sandbox, the first one first, and what is armed and was not used; never an error."""
    try:
        return "\n".join(_history(mock))
    except MockError as error:
        return f"the mock cannot be asked: {error}"


def _history(mock: Mock) -> Iterator[str]:
    rows = mock.requests(limit=MOST)
    if not rows:
        yield "no request came"
    elif len(rows) == MOST:
        yield f"the last {MOST} requests:"
    strange = [row["id"] for row in mock.requests(unexpected=True, limit=MOST)]
    for row in rows:
        yield f"{_line(row, urlsplit(mock.url).path)}{': unexpected' if row['id'] in strange else ''}"
        if row["id"] in strange[-MOST_TOLD:]:
            yield from (f"    {line}" for line in _told(mock.request(row["id"])))
    for one in mock.armed():
        what = one.get("scenario") or one.get("fault") or one.get("delay") or "responses"
        yield f"armed and not used up: #{one['id']} {what}, {one['left']} left"


def _line(row: Mapping[str, Any], prefix: str) -> str:
    who = (
        f"{row['scenario']} ({row['source']}, by {row['trigger']})" if row["scenario"] else f"problem {row['problem']}"
    )
    fault = f", fault {row['fault']}" if row["fault"] else ""
    return f"#{row['id']} {row['method']} {row['target'].removeprefix(prefix)} -> {row['status']} {who}{fault}"


def _told(entry: Mapping[str, Any]) -> Iterator[str]:
    """Why a request got what nobody asked for, and the scenarios that missed it by least."""
    reply = entry["reply"]["body"]
    if entry["problem"] and isinstance(reply, dict) and "title" in reply:
        yield f"{reply['title']}: {reply.get('detail', '')}"
    for violation in entry["violations"]:
        yield f"{violation['at']}: {violation['message']}"
    told = bool(entry["violations"] or entry["problem"])  # then one of which nothing is true tells nothing more
    tried = [miss for miss in entry["misses"] if miss["held"] or not told]
    near = sorted(tried, key=lambda miss: (not miss["held"], len(miss["evidence"])))
    if near:
        yield "nearest misses:"
    for miss in near[:MOST_MISSES]:
        yield f"  {miss['scenario']}"
        for one in miss["evidence"]:
            yield from (f"    {line}" for line in evidence_lines(one["at"], one["expected"], one["came"]))
