"""The requests of a mock as text for the report of a failed test, with the near misses of unexpected ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from mockserver.base.values import encode_ascii_json, printable
from mockserver.client.admin_client import MockError
from mockserver.client.mock import Mock
from mockserver.entries.views import evidence_lines

MAX_REQUESTS: Final = 30
"""The most requests that are listed."""

MAX_DETAILED: Final = 5
"""The most unexpected requests of a test that are explained, and the most other ones whose body is shown."""

MAX_BODY: Final = 300
"""The most characters of a body that are shown."""

MAX_NEAR_MISSES: Final = 3
"""The most near misses of a request."""


def history(mock: Mock) -> str:
    """The last requests of a sandbox, oldest first, and what is still armed; an error becomes text as well."""
    try:
        return "\n".join(_history(mock))
    except MockError as error:
        return f"the mock server cannot be reached: {error}"


def _history(mock: Mock) -> Iterator[str]:
    rows = mock.requests(limit=MAX_REQUESTS)
    if not rows:
        yield "no requests"
    elif len(rows) == MAX_REQUESTS:
        yield f"the last {MAX_REQUESTS} requests:"
    unexpected = [row["id"] for row in mock.requests(unexpected=True, limit=MAX_REQUESTS)]
    for row in rows:
        yield f"{_summary(row, urlsplit(mock.url).path)}{': unexpected' if row['id'] in unexpected else ''}"
        if row["id"] in unexpected[-MAX_DETAILED:]:
            yield from (f"    {line}" for line in _explanation(mock.request(row["id"])))
        elif row in rows[-MAX_DETAILED:]:
            yield from (f"    {line}" for line in _sent(mock.request(row["id"])))
    for item in mock.armed():
        effect = item.get("scenario") or item.get("fault") or item.get("delay") or "responses"
        yield f"armed and not used up: #{item['id']} {effect}, {item['left']} left"
        if item.get("when") and not item["used"]:
            yield from (f"    {line}" for line in _mismatch(mock, item))


def unexpected_requests(mock: Mock) -> list[str]:
    """The unexpected requests of a sandbox as text, oldest first, the last ones explained. Raises `MockError`."""
    rows = mock.requests(unexpected=True)
    prefix = urlsplit(mock.url).path
    brief = [_summary(row, prefix) for row in rows[:-MAX_DETAILED]]
    detailed = [
        "\n".join([_summary(row, prefix), *(f"    {line}" for line in _explanation(mock.request(row["id"])))])
        for row in rows[-MAX_DETAILED:]
    ]
    return [*brief, *detailed]


def _mismatch(mock: Mock, item: Mapping[str, Any]) -> Iterator[str]:
    """Why no request used an armed item: the conditions of its `when` that did not match the nearest requests."""
    try:
        mock.verify(when=item["when"], operation=item["operation"])
    except AssertionError as error:
        lines = str(error).splitlines()
        yield from lines[lines.index("nearest misses:") :] if "nearest misses:" in lines else ()
    else:
        yield "its when matches a request that was sent before it was armed, or that something else answered"


def _summary(row: Mapping[str, Any], prefix: str) -> str:
    """A request and its answer in one line; the path without the prefix of the sandbox."""
    answer = (
        f"{row['scenario']} ({row['source']}, by {row['trigger']})" if row["scenario"] else f"problem {row['problem']}"
    )
    fault = f", fault {row['fault']}" if row["fault"] else ""
    left = ", client left before it" if row["client_left"] else ""
    lost = "lost: " if row["answer_lost"] else ""
    request = f"#{row['id']} {row['method']} {row['target'].removeprefix(prefix)}"
    return f"{request} -> {lost}{row['status']} {answer}{fault}{left}"


def _explanation(entry: Mapping[str, Any]) -> Iterator[str]:
    """What was sent, why the answer was unexpected, and the scenarios that came nearest to a match."""
    yield from _sent(entry)
    reply = entry["reply"]["body"]
    if entry["problem"] and isinstance(reply, dict) and "title" in reply:
        yield f"{reply['title']}: {reply.get('detail', '')}"
    for violation in entry["violations"]:
        yield f"{violation['at']}: {violation['message']}"
    yield from (f"warning: {one['at']}{one['pointer']}: {one['message']}" for one in entry["warnings"])
    explained = bool(entry["violations"] or entry["problem"])  # then a miss without one true condition adds nothing
    misses = [miss for miss in entry["misses"] if miss["held"] or not explained]
    misses.sort(key=lambda miss: (not miss["held"], len(miss["evidence"])))
    if misses:
        yield "nearest misses:"
    for miss in misses[:MAX_NEAR_MISSES]:
        yield f"  {miss['scenario']}"
        for one in miss["evidence"]:
            yield from (f"    {line}" for line in evidence_lines(one["at"], one["expected"], one["came"]))


def _sent(entry: Mapping[str, Any]) -> Iterator[str]:
    """The body of a request, masked as in the journal, and how its answer was varied."""
    sent = entry["request"]["body"]
    if sent is not None:
        yield f"sent: {printable(sent if isinstance(sent, str) else encode_ascii_json(sent), MAX_BODY)}"
    for header in entry["reply"]["headers"]:
        if header["name"].lower() == "mock-varied":  # the case of its letters may be varied as well
            yield f"Mock-Varied: {header['value']}"
