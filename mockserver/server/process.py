"""A server that is all that a process does: from its start to a signal that ends it.

Knows signals and the collection of garbage; it knows no request.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Coroutine

from mockserver.server.edge_log import many, noted
from mockserver.server.server import Server


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
    # What is loaded by now stays, so that no collection of garbage need look through it.
    gc.freeze()
    many()

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
    loop.set_exception_handler(noted)
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
