"""A server that is all that a process does: from its start to a signal that ends it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final

from mockserver.server.logs import edge_log
from mockserver.server.server import Server

try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

_NO_RESOURCES: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""What the system says when no connection can be opened."""


def run(
    server: Server,
    host: str,
    port: int,
    admin_port: int | None,
    started: Callable[[str, str], None],
    beside: Callable[[], Coroutine[None, None, None]] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; what is in flight is answered first. Raises `OSError` if it cannot listen.

    `started` is told the base URL, and that of the admin API; `beside` is done as long as it serves.
    """
    gc.freeze()  # what is loaded by now stays, so that no collection of garbage need look through it
    raise_fd_limit()
    asyncio.run(_run(server, host, port, admin_port, started, beside))


async def _run(
    server: Server,
    host: str,
    port: int,
    admin_port: int | None,
    started: Callable[[str, str], None],
    beside: Callable[[], Coroutine[None, None, None]] | None,
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(loop_exception_handler)
    # Windows has no signal handlers on its loop; there Ctrl-C ends asyncio.run itself.
    signals = () if sys.platform == "win32" else (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stopped.set)
    try:
        admin_taken = await server.start_admin(host, admin_port) if admin_port is not None else None
        taken = await server.start(host, port)
        started(server.url(host, taken), server.url(host, taken if admin_taken is None else admin_taken))
        task = asyncio.ensure_future(beside()) if beside is not None else None
        await stopped.wait()
        if task is not None:
            task.cancel()
        for number in signals:  # a second one does not wait for what is in flight
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
    finally:
        await server.stop()


def raise_fd_limit() -> None:
    """Raise the limit of open files, and so of connections, to its hard limit."""
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def loop_exception_handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Note in one line that no more connections can be opened; asyncio tries again. Show other errors in full."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in _NO_RESOURCES:
        edge_log.warning("mockserver: no connection can be taken up for a second: %s", error.strerror)
    elif not (isinstance(error, ValueError) and "Invalid file descriptor: -1" in str(error)):
        # That is asyncio's, which tries again on a socket where nobody listens any more.
        loop.default_exception_handler(context)
