"""The curl command that sends the request of a journal entry again."""

from __future__ import annotations

import re
import shlex
from typing import Final

from mockserver.base.address import public_url
from mockserver.entries.journal_entry import JournalEntry

_CLIENT_HEADERS: Final = {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length"}
"""Request headers that curl sets by itself."""

_DOT_SEGMENT: Final = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)
_GLOB: Final = re.compile(r"[\[\]{}]")


def curl_line(entry: JournalEntry, scheme: str) -> str:
    """The command; secrets are masked in it as in the entry."""
    request, body = entry.request, entry.request.body.data
    url = public_url(entry.first_headers, scheme) + request.target
    is_head = request.method == "HEAD" and not body
    parts = ["curl", "-I" if is_head else "-i", url]
    if _DOT_SEGMENT.search(request.target.partition("?")[0]):
        parts.append("--path-as-is")  # or curl resolves the segments
    if _GLOB.search(request.target):
        parts.append("--globoff")  # or curl sends several requests
    if not is_head and request.method != ("POST" if body else "GET"):
        parts += ["-X", request.method]
    for name, value in request.headers:
        # The entry has the body unpacked.
        if name.lower() not in _CLIENT_HEADERS and not (body and name.lower() == "content-encoding"):
            parts += ["-H", f"{name}: {value}" if value else f"{name};"]
    if body:
        if "content-type" not in entry.first_headers:
            parts += ["-H", "Content-Type:"]  # or curl adds that of a form
        parts += ["--data-raw", body.decode("utf-8", "replace")]
    return shlex.join(parts)
