"""The admin API of one sandbox, as a client calls it; problems are raised as `MockError`."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from mockserver.client.http_client import Address, UnreachableError

Instant = str | dt.datetime
"""An RFC 3339 text, or a datetime with a time zone."""


class MockError(Exception):
    """The mock refused a request; the message says why, with close matches.

    `status` is that of the answer, 0 if there was none; `problem` is the problem document.
    """

    def __init__(self, message: str, status: int = 0, problem: Mapping[str, Any] | None = None) -> None:
        """Take the message, the status and the problem document."""
        super().__init__(message)
        self.status = status
        self.problem: Mapping[str, Any] = problem or {}


class AdminClient:
    """Calls the admin API of one sandbox; raises a problem as `MockError`."""

    __slots__ = ("address",)

    def __init__(self, address: Address) -> None:
        """Call the server and sandbox of this address."""
        self.address = address

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        media_type: str = "application/json",
        **query: Any,
    ) -> Any:
        """Send a request, and give the body of the answer; query parameters that are None are left out."""
        parameters = {name: _query_value(value) for name, value in query.items() if value is not None}
        try:
            response = self.address.call(method, path, body, parameters, media_type)
        except UnreachableError as error:
            raise MockError(f"{error}; {error.hint or 'is the server up?'}") from None
        if response.status < 400:
            return response.body
        problem = response.body if isinstance(response.body, dict) else {}
        raise MockError("\n  ".join(_message(response.problem_text, problem)), response.status, problem)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The JSON object that a route gives."""
        answer: dict[str, Any] = self.call("GET", path, **query)
        return answer


def _message(line: str, problem: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a message: one, or one for each error in a scenario file."""
    yield line if "errors" not in problem else f"{problem['title']}:"
    for error in problem.get("errors", ()):
        parts = [f"{error['at']}: {error['what']}", f"expected {error['expected']}", error["try"]]
        yield "; ".join(filter(None, parts))


def _query_value(value: Any) -> str:
    return instant_text(value) if isinstance(value, Instant) else json.dumps(value)


def instant_text(instant: Instant) -> str:
    """An instant as text for the admin API."""
    return instant if isinstance(instant, str) else instant.isoformat()


def subpath(text: str) -> str:
    """A text percent-encoded as one segment of a path, with a slash before it."""
    return "/" + quote(text, safe="")
