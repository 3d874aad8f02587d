"""The server: an engine on one port or on two."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from aiohttp import web

from mockserver.admin.routes import routes
from mockserver.base.address import DEFAULT_PORTS, base_url
from mockserver.engine.engine import Engine
from mockserver.http_api.api import AdminApi
from mockserver.http_api.safety import Access
from mockserver.server.connection import Connection
from mockserver.server.connections import Connections
from mockserver.server.handler import Dispatch, Dispatcher, Handler
from mockserver.server.head import MAX_HEADERS, MAX_LINE_BYTES
from mockserver.server.logs import AccessLog, aiohttp_log, no_access_log
from mockserver.server.tls import TlsContext

if TYPE_CHECKING:
    from mockserver.recording.recorder import Recorder

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

_ALL_ADDRESSES: Final = frozenset(["0.0.0.0", "::"])  # noqa: S104 - nothing is bound to them by this

BACKLOG: Final = 1_024
"""Connections that may wait to be accepted."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What a server listens on: the sockets of its port, those of the port of the admin API, and the URLs of both.

    Without a port of its own the admin API has no sockets, and the same URL.
    """

    sockets: list[socket.socket]
    admin_sockets: list[socket.socket]
    url: str
    admin_url: str

    def takes(self, url: str) -> bool:
        """Whether a request to a URL comes to the port; one to a host that nobody knows does not."""
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
        if port != port_of(self.sockets):
            return False
        try:
            found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        except OSError:
            return False
        own = {one.getsockname()[0] for one in self.sockets}
        addresses = {str(place[0]).removeprefix("::ffff:") for *_, place in found}  # IPv4 may be written as IPv6
        stands_for_all = not _ALL_ADDRESSES.isdisjoint(own | addresses)
        return not own.isdisjoint(addresses) or (stands_for_all and any(map(_is_of_this_machine, addresses)))

    def close(self) -> None:
        """Stop listening."""
        for one in (*self.sockets, *self.admin_sockets):
            one.close()


@dataclass(frozen=True, slots=True)
class Listener:
    """One open port, on one address or on several."""

    asyncio_servers: list[asyncio.Server]
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
        recorder: Recorder | None = None,
    ) -> None:
        """Serve `engine`; call `log` once for each request; with `tls` serve https, with `recorder` its provider."""
        self._engine = engine
        self._tls = tls
        self._scheme = "http" if tls is None else "https"
        access = access or Access()
        api = AdminApi(engine, routes, access, self._scheme)
        self._recorder = recorder
        self._dispatcher = Dispatcher(engine, access, api, recorder, admin_enabled=admin_enabled)
        self._log = log
        self._stopping = asyncio.Event()
        self._listeners: list[Listener] = []
        count_problem = engine.metrics.count_problem
        self._connections = Connections(self._request_timeout, max_connections, self._stopping, count_problem)

    async def start(self, host: str, port: int, admin_port: int | None = None) -> Ports:
        """Open the ports (a free one for 0), and serve on them. Raises `OSError`."""
        ports = self.open_ports(host, port, admin_port)
        await self.start_on(ports)
        return ports

    def open_ports(self, host: str, port: int, admin_port: int | None, *, reuse_port: bool = False) -> Ports:
        """Open the ports, as `open_sockets` does. Raises `OSError`."""
        admin_sockets = [] if admin_port is None else self._open(host, admin_port, reuse_port=reuse_port)
        sockets = self._open(host, port, reuse_port=reuse_port)
        url, admin_url = (self.url(host, port_of(own)) for own in (sockets, admin_sockets or sockets))
        return Ports(sockets, admin_sockets, url, admin_url)

    async def start_on(self, ports: Ports) -> None:
        """Serve on ports that are open."""
        if ports.admin_sockets:
            await self._listen(ports.admin_sockets, self._dispatcher.dispatch_admin)
            self._dispatcher.admin_disabled_reason = f"It has a port of its own: {port_of(ports.admin_sockets)}."
            self._dispatcher.operations_port = port_of(ports.sockets)
        await self._listen(ports.sockets, self._dispatcher.dispatch)

    def _open(self, host: str, port: int, *, reuse_port: bool = False) -> list[socket.socket]:
        try:
            return open_sockets(host, port, reuse_port=reuse_port)
        except OSError as error:
            error.filename = self.url(host, port)
            raise

    def url(self, host: str, port: int) -> str:
        """The URL by which the same machine reaches a port."""
        return base_url(host, port, self._scheme)

    async def stop(self) -> None:
        """Stop listening, finish the requests in flight, close the connections."""
        self._stopping.set()
        for listener in self._listeners:
            for opened in listener.asyncio_servers:
                opened.close()
        self._connections.interrupt()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                for listener in self._listeners:
                    while not listener.handler.drained.is_set():  # another may begin before this task wakes
                        await listener.handler.drained.wait()
        await self._connections.close(CLOSE_SECONDS)
        for listener in self._listeners:
            await listener.aiohttp_server.shutdown(CLOSE_SECONDS)
        if self._recorder is not None:
            await self._recorder.close()
        await self._engine.storage.close()

    async def _listen(self, sockets: list[socket.socket], dispatch: Dispatch) -> None:
        loop, handler = asyncio.get_running_loop(), Handler(self._engine, dispatch, self._log, self._stopping)
        aiohttp_server = web.Server(
            handler,
            access_log=None,
            logger=aiohttp_log,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            max_headers=MAX_HEADERS,
            auto_decompress=False,  # `server.body` stops at the limit, and says what is wrong
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=0,  # `Connection.send_and_close` does the lingering
        )
        is_secured = self._tls is not None
        opened = [
            await loop.create_server(
                lambda: Connection(self._connections, aiohttp_server()),
                sock=one,
                backlog=BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if is_secured else None,
                ssl_shutdown_timeout=CLOSE_SECONDS if is_secured else None,
            )
            for one in sockets
        ]
        self._listeners.append(Listener(opened, handler, aiohttp_server))

    def _request_timeout(self) -> float:
        return self._engine.settings.request_timeout


def open_sockets(host: str, port: int, *, reuse_port: bool = False) -> list[socket.socket]:
    """Sockets that listen on each address of a host, on one port (a free one for 0). Raises `OSError`.

    `::` takes IPv4 as well. With `reuse_port` several processes can listen on the port.
    """
    if host == "::":
        if not socket.has_dualstack_ipv6():
            raise OSError(errno.EAFNOSUPPORT, "no socket takes IPv4 and IPv6 here")
        options: Any = {"family": socket.AF_INET6, "dualstack_ipv6": True, "reuse_port": reuse_port}
        return [socket.create_server(("::", port), backlog=BACKLOG, **options)]
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    opened: list[socket.socket] = []
    for family, _, _, _, (address, _, *more) in found:
        place: Any = (address, port_of(opened) if opened else port, *more)
        try:
            opened.append(socket.create_server(place, family=family, backlog=BACKLOG, reuse_port=reuse_port))
        except OSError as error:
            # `localhost` has an address of IPv6 where there is no IPv6.
            if len(found) == 1 or error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                raise
    return opened


def _is_of_this_machine(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))  # an address of another machine cannot be bound
        return True
    return False


def port_of(sockets: list[socket.socket]) -> int:
    """The port on which sockets listen."""
    return int(sockets[0].getsockname()[1])


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
    recorder: Recorder | None = None,
) -> AsyncIterator[str]:
    """Serve within a block; yields the base URL."""
    server = Server(engine, log, access, admin_enabled=admin_enabled, tls=tls, recorder=recorder)
    ports = await server.start(host, port)
    try:
        yield ports.url
    finally:
        await server.stop()


def cannot_listen(error: OSError, host: str, port: int) -> str:
    """Why a server cannot start, in one line."""
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    hint = "; try --port 0 for a free port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else ""
    where = error.filename or base_url(host, port)
    return f"cannot listen on {where}: {reason or 'this machine has no such address'}{hint}"


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
