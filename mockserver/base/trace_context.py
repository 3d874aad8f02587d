"""The header `traceparent` of W3C Trace Context, by which tracing tools join what belongs to one request."""

from __future__ import annotations

import re
from typing import Final

TRACE_ID: Final = re.compile(r"(?!0{32})[0-9a-f]{32}")

_TRACEPARENT: Final = re.compile(rf"(?!ff)[0-9a-f]{{2}}-({TRACE_ID.pattern})-(?!0{{16}})[0-9a-f]{{16}}-[0-9a-f]{{2}}")


def trace_id(traceparent: str) -> str | None:
    """The trace id of a well-formed `traceparent`; None of another one. A later version may add fields behind."""
    found = _TRACEPARENT.match(traceparent)
    if found is None:
        return None
    rest = traceparent[found.end() :]
    is_whole = not rest or (rest.startswith("-") and not traceparent.startswith("00"))
    return found[1] if is_whole else None
