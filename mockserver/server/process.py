"""A process that serves: from its start to the signal that ends it."""

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

_RESOURCE_ERRNOS: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Error numbers of `accept` where the system has no resources for one more connection."""


def run(
    server: Server,
    host: str,
    port: int,
    admin_port: int | None,
    on_started: Callable[[str, str], None],
    background: Callable[[], Coroutine[None, None, None]] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, and finish the requests in flight. Raises `OSError` if it cannot listen.

    `on_started` is called with the base URL and that of the admin API; `background` runs while the server does.
    """
    gc.freeze()  # what is loaded by now stays: garbage collection need not look through it
    raise_fd_limit()
    asyncio.run(_run(server, host, port, admin_port, on_started, background))


async def _run(
    server: Server,
    host: str,
    port: int,
    admin_port: int | None,
    on_started: Callable[[str, str], None],
    background: Callable[[], Coroutine[None, None, None]] | None,
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(loop_exception_handler)
    # An event loop on Windows has no signal handlers; there Ctrl-C ends asyncio.run itself.
    signals = () if sys.platform == "win32" else (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stopped.set)
    try:
        bound_admin_port = await server.start_admin(host, admin_port) if admin_port is not None else None
        bound_port = await server.start(host, port)
        on_started(
            server.url(host, bound_port), server.url(host, bound_port if bound_admin_port is None else bound_admin_port)
        )
        task = asyncio.ensure_future(background()) if background is not None else None
        await stopped.wait()
        if task is not None:
            task.cancel()
        for number in signals:  # a second signal ends the process at once
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
    """Log in one line that no connection can be accepted (asyncio tries again); show other errors in full."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in _RESOURCE_ERRNOS:
        edge_log.warning("mockserver: no connection can be taken up for a second: %s", error.strerror)
    elif not (isinstance(error, ValueError) and "Invalid file descriptor: -1" in str(error)):
        # asyncio retries `accept` on a socket that was closed meanwhile.
        loop.default_exception_handler(context)
