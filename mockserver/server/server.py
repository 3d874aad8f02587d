"""The server: an engine on one port or on two, within a block or as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from mockserver.admin.routes import routes
from mockserver.base.address import base_url
from mockserver.engine.engine import Engine
from mockserver.http_api.api import AdminApi
from mockserver.http_api.safety import Access
from mockserver.server.connection import Connection
from mockserver.server.connections import Connections
from mockserver.server.handler import Dispatch, Dispatcher, Handler
from mockserver.server.head import MAX_HEADERS, MAX_LINE_BYTES
from mockserver.server.logs import AccessLog, aiohttp_log, edge_log, no_access_log
from mockserver.server.tls import TlsContext

try:
    import resource
except ImportError:  # on Windows
    resource = None  # type: ignore[assignment]

DRAIN_SECONDS: Final = 8.0
"""How long requests in flight may take after SIGTERM; with `CLOSE_SECONDS` less than the ten of a container."""

CLOSE_SECONDS: Final = 1.0
"""How long connections may take to close after that."""

HANDSHAKE_SECONDS: Final = 10.0
"""How long a TLS handshake may take."""

KEEP_ALIVE_SECONDS: Final = 600.0
"""How long a connection may be idle between two requests: longer than pools of clients keep one, but not for ever."""

RESERVED_FILES: Final = 32
"""Open files that are left for what is no connection, and for refusals."""

BACKLOG: Final = 1_024
"""Connections that may wait to be accepted."""


_RESOURCE_ERRNOS: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Error numbers of `accept` where the system has no resources for one more connection."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One open port."""

    asyncio_server: asyncio.Server
    handler: Handler
    aiohttp_server: web.Server


class Server:
    """An engine on one port, or on two: the admin API can have a port of its own."""

    def __init__(
        self,
        engine: Engine,
        log: AccessLog = no_access_log,
        access: Access | None = None,
        *,
        admin_enabled: bool = True,
        tls: TlsContext | None = None,
    ) -> None:
        """Serve `engine`; call `log` once for each request; with `tls` serve https."""
        self._engine = engine
        self._tls = tls
        self._scheme = "http" if tls is None else "https"
        access = access or Access()
        api = AdminApi(engine, routes, access, self._scheme)
        self._dispatcher = Dispatcher(engine, access, api, admin_enabled=admin_enabled)
        self._log = log
        self._stopping = asyncio.Event()
        self._listeners: list[Listener] = []
        self._connections = Connections(self._request_timeout, max_connections, self._stopping)

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port (a free one for 0). Raises `OSError`."""
        bound_port = await self._listen(host, port, self._dispatcher.dispatch)
        self._dispatcher.operations_port = bound_port if len(self._listeners) > 1 else None
        return bound_port

    async def start_admin(self, host: str, port: int) -> int:
        """Serve the admin API, and nothing else, on this port; to be called before `start`. Raises `OSError`."""
        bound_port = await self._listen(host, port, self._dispatcher.dispatch_admin)
        self._dispatcher.admin_disabled_reason = f"It has a port of its own: {bound_port}."
        return bound_port

    def url(self, host: str, port: int) -> str:
        """The URL by which the same machine reaches a port."""
        return base_url(host, port, self._scheme)

    async def stop(self) -> None:
        """Stop listening, finish the requests in flight, close the connections."""
        self._stopping.set()
        for listener in self._listeners:
            listener.asyncio_server.close()
        self._connections.interrupt()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                for listener in self._listeners:
                    while not listener.handler.drained.is_set():  # another may begin before this task wakes
                        await listener.handler.drained.wait()
        await self._connections.close(CLOSE_SECONDS)
        for listener in self._listeners:
            await listener.aiohttp_server.shutdown(CLOSE_SECONDS)
        await self._engine.storage.close()

    async def _listen(self, host: str, port: int, dispatch: Dispatch) -> int:
        loop, handler = asyncio.get_running_loop(), Handler(self._engine, dispatch, self._log, self._stopping)
        aiohttp_server = web.Server(
            handler,
            access_log=None,
            logger=aiohttp_log,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            auto_decompress=False,  # `body` stops at the limit, and says what is wrong
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=0,  # `Connection.send_and_close` does the lingering
        )
        is_secured = self._tls is not None
        try:
            opened = await loop.create_server(
                lambda: Connection(self._connections, aiohttp_server()),
                **_address(host, port),
                backlog=BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if is_secured else None,
                ssl_shutdown_timeout=CLOSE_SECONDS if is_secured else None,
            )
        except OSError as error:
            error.filename = self.url(host, port)
            raise
        self._listeners.append(Listener(opened, handler, aiohttp_server))
        return int(opened.sockets[0].getsockname()[1])

    def _request_timeout(self) -> float:
        return self._engine.settings.request_timeout


def _address(host: str, port: int) -> dict[str, Any]:
    """Where asyncio listens: a host and a port or, for `::`, a socket that takes IPv4 as well. Raises `OSError`."""
    if host != "::":
        return {"host": host, "port": port, "reuse_address": True}
    if not socket.has_dualstack_ipv6():
        raise OSError(errno.EAFNOSUPPORT, "no socket takes IPv4 and IPv6 here")
    address = ("::", port)
    return {"sock": socket.create_server(address, family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)}


@contextlib.asynccontextmanager
async def serving(
    engine: Engine,
    host: str = "127.0.0.1",
    port: int = 0,
    log: AccessLog = no_access_log,
    access: Access | None = None,
    *,
    admin_enabled: bool = True,
    tls: TlsContext | None = None,
) -> AsyncIterator[str]:
    """Serve within a block; yields the base URL."""
    server = Server(engine, log, access, admin_enabled=admin_enabled, tls=tls)
    bound_port = await server.start(host, port)
    try:
        yield server.url(host, bound_port)
    finally:
        await server.stop()


def run_until_signal(
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
    raise_open_files_limit()
    asyncio.run(_serve_until_signal(server, host, port, admin_port, on_started, background))


async def _serve_until_signal(
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


def raise_open_files_limit() -> None:
    """Raise the limit of open files, and so of connections, to its hard limit."""
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def max_connections() -> int:
    """How many connections the limit of open files allows."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if resource is not None else -1
    return max(1, soft - RESERVED_FILES) if soft >= 0 else sys.maxsize


def loop_exception_handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log in one line that no connection can be accepted (asyncio tries again); show other errors in full."""
    error = context.get("exception")
    if isinstance(error, OSError) and error.errno in _RESOURCE_ERRNOS:
        edge_log.warning("mockserver: cannot accept connections for a second: %s", error.strerror)
    elif not (isinstance(error, ValueError) and "Invalid file descriptor: -1" in str(error)):
        # asyncio retries `accept` on a socket that was closed meanwhile.
        loop.default_exception_handler(context)
