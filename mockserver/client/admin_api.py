"""The admin API of one sandbox as a client calls it, and the error that a problem becomes."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from mockserver.client.http_client import Address, UnreachableError

Instant = str | dt.datetime
"""An RFC 3339 text, or a datetime that has a zone."""


class MockError(Exception):
    """The mock did not do what was asked; the message says why, with near spellings.

    `status` is that of the answer, 0 where none came; `problem` is the problem document.
    """

    def __init__(self, message: str, status: int = 0, problem: Mapping[str, Any] | None = None) -> None:
        """Keep what the server said."""
        super().__init__(message)
        self.status = status
        self.problem: Mapping[str, Any] = problem or {}


class AdminApi:
    """The admin API of one sandbox; a problem becomes a `MockError`."""

    __slots__ = ("address",)

    def __init__(self, address: Address) -> None:
        """Keep the server's address with the sandbox in it."""
        self.address = address

    def call(self, method: str, path: str, body: Any = None, raw: bytes | None = None, **query: Any) -> Any:
        """Give the body of an answer that is no problem; query parameters that are None are left out."""
        parameters = {name: _query_value(value) for name, value in query.items() if value is not None}
        try:
            answer = self.address.call(method, path, body, parameters, raw)
        except UnreachableError as error:
            raise MockError(f"{error}; {error.hint or 'is the server up?'}") from None
        if answer.status < 400:
            return answer.body
        problem = answer.body if isinstance(answer.body, dict) else {}
        raise MockError("\n  ".join(_message(answer.problem, problem)), answer.status, problem)


def _message(line: str, problem: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a message: one, or, where parts of a scenario file are wrong, one for each mistake."""
    yield line if "errors" not in problem else f"{problem['title']}:"
    for error in problem.get("errors", ()):
        parts = [f"{error['at']}: {error['what']}", f"expected {error['expected']}", error["try"]]
        yield "; ".join(filter(None, parts))


def _query_value(value: Any) -> str:
    return instant_text(value) if isinstance(value, Instant) else json.dumps(value)


def instant_text(instant: Instant) -> str:
    """An instant as the admin API takes it."""
    return instant if isinstance(instant, str) else instant.isoformat()


def segment(text: str) -> str:
    """A text as one segment of a path, with the slash before it."""
    return "/" + quote(text, safe="")
