"""A process that serves until a signal: alone, or as one of several workers."""

from __future__ import annotations

import asyncio
import errno
import gc
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from mockserver.server.logs import edge_log
from mockserver.server.server import Ports, Server, raise_open_files_limit

_RESOURCE_ERRNOS: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Error numbers of `accept` where the system has no resources for one more connection."""


def run_until_signal(
    server: Server,
    ports: Ports,
    on_started: Callable[[Ports], None],
    background: Callable[[], Coroutine[None, None, None]] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, and finish the requests in flight.

    `background` runs while the server does.
    """
    prepare_process()
    asyncio.run(_serve_until_signal(server, ports, on_started, background, None))


def prepare_process() -> None:
    """Get this process, and those forked from it, ready to serve."""
    gc.freeze()  # what is loaded by now stays: garbage collection need not look through it
    raise_open_files_limit()


def run_worker(server: Server, ports: Ports, parent: int, blocked: Sequence[signal.Signals]) -> None:
    """Serve until SIGTERM or SIGINT, or until the pipe `parent` ends, and finish the requests in flight.

    Signals that are `blocked` get through once there is somebody to handle them.
    """

    def unblock(_: Ports) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)

    asyncio.run(_serve_until_signal(server, ports, unblock, None, parent))


async def _serve_until_signal(
    server: Server,
    ports: Ports,
    on_started: Callable[[Ports], None],
    background: Callable[[], Coroutine[None, None, None]] | None,
    parent: int | None,
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(loop_exception_handler)
    # An event loop on Windows has no signal handlers; there Ctrl-C ends asyncio.run itself.
    signals = () if sys.platform == "win32" else (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stopped.set)
    if parent is not None:
        loop.add_reader(parent, stopped.set)
    try:
        await server.start_on(ports)
        on_started(ports)
        task = asyncio.ensure_future(background()) if background is not None else None
        await stopped.wait()
        if parent is not None:
            loop.remove_reader(parent)
        if task is not None:
            task.cancel()
        for number in signals:  # a second signal ends the process at once
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
    finally:
        await server.stop()


def loop_exception_handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log in one line that no connection can be accepted (asyncio tries again); show other errors in full."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in _RESOURCE_ERRNOS:
        edge_log.warning("mockserver: cannot accept connections for a second: %s", error.strerror)
    elif not (isinstance(error, ValueError) and "Invalid file descriptor: -1" in str(error)):
        # asyncio retries `accept` on a socket that was closed meanwhile.
        loop.default_exception_handler(context)
