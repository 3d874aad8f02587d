"""The server: an engine on a socket, or on two."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from mockserver.admin import api as admin
from mockserver.admin.routes import routes
from mockserver.admin.safety import Access
from mockserver.core.address import base_url
from mockserver.engine.engine import Engine
from mockserver.server.connection import Connection, Connections
from mockserver.server.handler import Dispatch, Dispatcher, Handler
from mockserver.server.logs import Log, aiohttp_log, no_log
from mockserver.server.response import MAX_HEADERS, MAX_LINE, Outbox
from mockserver.server.timeouts import TimeoutMonitor
from mockserver.server.tls import Secured

DRAIN_SECONDS: Final = 8.0
"""How long requests in flight may take after SIGTERM; with the next below the ten seconds that a container gets."""

CLOSE_SECONDS: Final = 1.0
"""How long what is still open after that may take to be closed."""

HANDSHAKE_SECONDS: Final = 10.0
"""How long a client may take to agree on TLS."""

BACKLOG: Final = 1_024
"""Connections that may wait to be taken up."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A port that is listened on."""

    socket: asyncio.Server
    handler: Handler
    http: web.Server
    connections: Connections

    def stop(self) -> None:
        """Take up no more connections, and wake all that waits on those that there are."""
        self.socket.close()
        for connection in self.connections.open:
            connection.interrupted.set()

    async def close(self, seconds: float) -> None:
        """Close all connections; those that are not closed after so many seconds are cut."""
        self.connections.slow_heads.stop()
        for connection in list(self.connections.open):
            connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.connections.open:
                    await next(iter(self.connections.open)).lost.wait()
        for connection in list(self.connections.open):
            connection.abort()
        self.connections.slow_readers.stop()
        await self.http.shutdown(seconds)


class Server:
    """An engine on a socket, or on two: the admin API can have a port of its own."""

    def __init__(
        self,
        engine: Engine,
        log: Log = no_log,
        access: Access | None = None,
        *,
        admins: bool = True,
        tls: Secured | None = None,
    ) -> None:
        """Serve `engine`; `log` is called once a request, `admins` is for the admin API, `tls` makes it https."""
        self._engine = engine
        self._tls = tls
        self._scheme = "http" if tls is None else "https"
        access = access or Access()
        api = admin.Admin(engine, routes, access, self._scheme)
        self._dispatcher = Dispatcher(engine, access, api, admin_enabled=admins)
        self._log = log
        self._stopping = asyncio.Event()
        self._listeners: list[Listener] = []

    async def start(self, host: str, port: int) -> int:
        """Listen, and give the port (a free one for 0). Raises `OSError`."""
        taken = await self._listen(host, port, self._dispatcher.answer)
        self._dispatcher.operations_port = taken if len(self._listeners) > 1 else None
        return taken

    async def start_admin(self, host: str, port: int) -> int:
        """Give the admin API a port of its own, before `start`; there it is alone. Raises `OSError`."""
        taken = await self._listen(host, port, self._dispatcher.answer_admin)
        self._dispatcher.admin_disabled_reason = f"It has a port of its own: {taken}."
        return taken

    def url(self, host: str, port: int) -> str:
        """The URL by which it is reached there from the same machine."""
        return base_url(host, port, self._scheme)

    async def stop(self) -> None:
        """Stop listening, answer what is in flight, close."""
        self._stopping.set()
        for listener in self._listeners:
            listener.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                for listener in self._listeners:
                    while not listener.handler.drained.is_set():  # another may begin before this task is woken
                        await listener.handler.drained.wait()
        for listener in self._listeners:
            await listener.close(CLOSE_SECONDS)

    async def _listen(self, host: str, port: int, dispatch: Dispatch) -> int:
        loop, handler = asyncio.get_running_loop(), Handler(self._engine, dispatch, self._log, self._stopping)
        http = web.Server(
            handler,
            access_log=None,
            logger=aiohttp_log,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            max_headers=MAX_HEADERS,
            lingering_time=0,  # a connection lingers by itself
        )
        connections = Connections(
            Outbox(loop),
            TimeoutMonitor(self._request_timeout, Connection.refuse_slow_head),
            TimeoutMonitor(self._request_timeout, Connection.check_reader),
            self._request_timeout,
            self._stopping,
        )
        is_secured = self._tls is not None
        try:
            opened = await loop.create_server(
                lambda: Connection(connections, http()),
                host,
                port,
                reuse_address=True,
                backlog=BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if is_secured else None,
                ssl_shutdown_timeout=CLOSE_SECONDS if is_secured else None,
            )
        except OSError as error:
            error.filename = self.url(host, port)
            raise
        self._listeners.append(Listener(opened, handler, http, connections))
        return int(opened.sockets[0].getsockname()[1])

    def _request_timeout(self) -> float:
        return self._engine.settings.request_timeout


@contextlib.asynccontextmanager
async def serving(
    engine: Engine,
    host: str = "127.0.0.1",
    port: int = 0,
    log: Log = no_log,
    access: Access | None = None,
    *,
    admins: bool = True,
    tls: Secured | None = None,
) -> AsyncIterator[str]:
    """Serve within a block; gives the base URL."""
    server = Server(engine, log, access, admins=admins, tls=tls)
    taken = await server.start(host, port)
    try:
        yield server.url(host, taken)
    finally:
        await server.stop()
