"""Connections: the limits on what may come, and the answer to what cannot be read as HTTP.

Knows aiohttp's connections and their log; it knows no engine and no operation.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from mockserver import rendering

MOST_HEADERS: Final = 128
LONGEST_LINE: Final = 8_190
"""Limits on the head of a request: how many headers, and the bytes of one or of the request line."""


class _Noted(logging.Filter):
    """Bytes that are no HTTP are noted in one line that shows none of them; a client that left is not noted."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError | web.RequestPayloadError):
            record.msg, record.args = "mockserver: refused a request that is no HTTP (%s)", (type(error).__name__,)
            record.exc_info, record.levelno = None, logging.WARNING
        return record.levelno >= logging.WARNING and not isinstance(error, ConnectionError)


_edge: Final = logging.getLogger(__name__)
_edge.setLevel(logging.DEBUG)  # what is no HTTP comes at that level, or at ERROR
_edge.addFilter(_Noted())


class Connection(web.RequestHandler):
    """A connection; what cannot be read as HTTP on it is refused with a problem document."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Note it, and answer."""
        super().handle_error(request, status, exc, message)
        if isinstance(exc, LineTooLong) or (message or "").startswith("Too many headers"):
            what = f"A request has at most {MOST_HEADERS} headers, and no line longer than {LONGEST_LINE} bytes."
            reply = rendering.problem(431, "headers-too-large", "The head of the request is too large", what)
        elif status < 500:
            what = "What came could not be read; the log of the mock says why."
            reply = rendering.problem(status, "no-http", "The request is no HTTP/1.1", what)
        else:
            what = "This is a fault of the mock, not of the request; its log says more."
            reply = rendering.problem(status, "broken", "The mock failed", what)
        response = web.Response(body=reply.body, status=reply.status, headers=reply.headers)
        response.force_close()
        return response


class Listener(web.Server):
    """Makes connections with our limits."""

    def __call__(self) -> web.RequestHandler:
        """A new connection."""
        return Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # so it means none
            logger=_edge,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
            max_headers=MOST_HEADERS,
        )
