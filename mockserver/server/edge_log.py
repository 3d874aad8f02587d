"""What is noted of connections that go wrong, in one line each, and how many there may be.

Knows errors of the HTTP library and of the system; it knows no connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]


class LateError(TimeoutError):
    """The rest of a body did not come in time."""


class BrokenError(web.RequestPayloadError):
    """A body that began as HTTP does not go on as HTTP."""


class _Noted(logging.Filter):
    """Bytes that are no HTTP are noted in one line that shows none of them; a client that left is not noted."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, LateError):
            return False
        if isinstance(error, HttpProcessingError | web.RequestPayloadError):
            record.msg, record.args = "mockserver: refused a request that is no HTTP (%s)", (type(error).__name__,)
            record.exc_info, record.levelno = None, logging.WARNING
        return record.levelno >= logging.WARNING and not isinstance(error, ConnectionError)


log: Final = logging.getLogger(__name__)
log.setLevel(logging.DEBUG)  # what is no HTTP comes at that level, or at ERROR
log.addFilter(_Noted())


_NO_MORE: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""What the system says when no connection can be opened."""


def many() -> None:
    """Have as many connections as the system allows: what is usual is soon met."""
    if resource is not None:
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def noted(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Note in one line that no more connections can be opened; asyncio tries again. Other errors are told in full."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in _NO_MORE:
        log.warning("mockserver: no connection can be taken up for a second: %s", error.strerror)
    elif "_start_serving" not in context["message"]:  # it tries again where it has been told to stop
        loop.default_exception_handler(context)
