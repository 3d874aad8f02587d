"""The aiohttp edge: sockets to requests, replies to sockets, one log line each.

Knows aiohttp; it decides nothing, and of connections it knows only that there are some.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Final, NamedTuple, cast
from urllib.parse import unquote

from aiohttp import HttpVersion11, web

from mockserver.admin import api as admin
from mockserver.admin import console_files as admin_console
from mockserver.admin.routes import routes
from mockserver.admin.safety import Access, elsewhere
from mockserver.core import problems
from mockserver.core.address import HEALTH, base_url
from mockserver.core.masks import masked_target
from mockserver.core.model import NOTHING, Request, make
from mockserver.core.reply import Feed, Reply
from mockserver.decision.router import Target
from mockserver.engine.engine import Engine
from mockserver.server import faults, wire
from mockserver.server.connections import Connection, Listener, parting, taken
from mockserver.server.edge_log import BrokenError, LateError
from mockserver.server.logs import AccessRecord, Log, no_log
from mockserver.server.tls import Secured

DRAIN_SECONDS: Final = 8.0
"""How long requests in flight may take after SIGTERM; with the next below the ten seconds that a container gets."""

HEARTBEAT: Final = 15.0
"""Seconds after which a stream in which nothing happens shows that it is there."""

CLOSE_SECONDS: Final = 1.0
"""How long what is still open after that may take to be closed."""

HANDSHAKE_SECONDS: Final = 10.0
"""How long a client may take to agree on TLS."""

BACKLOG: Final = 1_024
"""Connections that may wait to be taken up."""

Answer = Callable[[web.BaseRequest, bytes | Reply], tuple[str, Reply]]
"""Answers a request whose body was read, or could not be: the sandbox that it names, and the reply."""


class Known(NamedTuple):
    """A head that an operation answers, whatever comes with it; `shown` is its target in the log."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    alike: int
    aim: Target
    shown: str


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
        self._access = access or Access()
        self._tls = tls
        self._scheme = "http" if tls is None else "https"
        self._admin = admin.Admin(engine, routes, self._access, self._scheme)
        self._elsewhere = None if admins else "It was turned off by --no-admin."
        self._port: int | None = None  # of the operations, where the admin API has one of its own
        self._log = log
        self._stopping = asyncio.Event()
        self._ports: list[tuple[asyncio.Server, Listener]] = []
        self._flying = 0
        self._landed: asyncio.Event | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and give the port (a free one for 0). Raises `OSError`."""
        taken = await self._listen(host, port, self._answer)
        self._port = taken if len(self._ports) > 1 else None
        return taken

    async def start_admin(self, host: str, port: int) -> int:
        """Give the admin API a port of its own, before `start`; there it is alone. Raises `OSError`."""
        taken = await self._listen(host, port, self._answer_admin)
        self._elsewhere = f"It has a port of its own: {taken}."
        return taken

    async def _listen(self, host: str, port: int, answer: Answer) -> int:
        listener = Listener(
            partial(self._handle, answer), partial(self._at_once, answer), self._again, self._request_timeout
        )
        secured = self._tls is not None
        try:
            opened = await asyncio.get_running_loop().create_server(
                listener,
                host,
                port,
                reuse_address=True,
                backlog=BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if secured else None,
                ssl_shutdown_timeout=CLOSE_SECONDS if secured else None,
            )
        except OSError as error:
            error.filename = self.url(host, port)
            raise
        self._ports.append((opened, listener))
        return int(opened.sockets[0].getsockname()[1])

    def url(self, host: str, port: int) -> str:
        """The URL by which it is reached there from the same machine."""
        return base_url(host, port, self._scheme)

    def _request_timeout(self) -> float:
        return self._engine.settings.request_timeout

    async def stop(self) -> None:
        """Stop listening, answer what is in flight, close."""
        self._stopping.set()
        for opened, _ in self._ports:
            opened.close()
        # aiohttp reads nothing more once it closes, so that a body still on its way has to be waited for before.
        self._landed = asyncio.Event()
        if self._flying:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._landed.wait(), DRAIN_SECONDS)
        for _, listener in self._ports:
            listener.pre_shutdown()
            await listener.shutdown(CLOSE_SECONDS)

    async def _handle(self, answer: Answer, request: web.BaseRequest) -> web.StreamResponse:
        self._flying += 1
        try:
            return await self._respond(answer, request)
        finally:
            self._flying -= 1
            if self._landed is not None and not self._flying:
                self._landed.set()

    def _at_once(self, answer: Answer, request: web.BaseRequest) -> bytes | None:
        """The bytes of an answer that has to wait for nothing; `_respond` goes on with any other."""
        if self._landed is not None:
            return None
        started = time.perf_counter_ns()
        connection, body = cast(Connection, request.protocol), taken(request.content)
        limit = self._engine.settings.max_body
        decided: bytes | Reply = body if len(body) <= limit else problems.too_large(limit)
        try:
            sandbox, reply = answer(request, decided)
            return self._ready(connection, request, decided, sandbox, reply, started)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are tried
            connection.ready = error
        return None

    def _again(self, connection: Connection, known: Known, body: bytes) -> bytes | None:
        """The same for a request with a head that came before, which an operation answers."""
        if self._landed is not None or len(body) > self._engine.settings.max_body:
            return None
        started = time.perf_counter_ns()
        method, path, headers, query, alike, aim, _ = known
        try:
            reply = self._engine.handle(make(Request, (method, path, body, headers, query, alike)), aim)
            return self._ready(connection, known, body, aim.sandbox, reply, started)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are tried
            connection.ready = error
        return None

    def _ready(
        self,
        connection: Connection,
        request: web.BaseRequest | Known,
        body: bytes | Reply,
        sandbox: str,
        reply: Reply,
        started: int,
    ) -> bytes | None:
        if type(body) is bytes and _is_whole(reply):
            data = wire.whole(reply)
            self._note(request, sandbox, reply, started)
            return data
        connection.ready = (started, body, sandbox, reply)
        return None

    def _note(self, request: web.BaseRequest | Known, sandbox: str, reply: Reply, started: int) -> None:
        if self._log is not no_log:
            micros = (time.perf_counter_ns() - started) // 1000
            shown = request.shown if isinstance(request, Known) else _shown(request)
            self._log(make(AccessRecord, (request.method, shown, sandbox or reply.sandbox, reply, micros)))

    async def _respond(self, answer: Answer, request: web.BaseRequest) -> web.StreamResponse:
        connection = cast(Connection, request.protocol)
        ready, connection.ready = connection.ready, None
        if isinstance(ready, Exception):
            raise ready
        if ready is not None:
            started, body, sandbox, reply = ready
        else:
            started = time.perf_counter_ns()
            body = await self._body(request)
            sandbox, reply = answer(request, body)
        if reply.later is not None:
            reply = await reply.later()
        self._note(request, sandbox, reply, started)
        if reply.delay_ms:
            await faults.pause(reply.delay_ms / 1_000, self._stopping, request)
        if reply.fault is not None:
            return await faults.perform(reply.fault, request, reply, self._stopping)
        if reply.feed is not None and request.method != "HEAD":
            return await self._stream(request, reply, reply.feed)
        closes = isinstance(body, Reply) or self._landed is not None
        if _stays(request) and _is_whole(reply) and not closes:
            return cast(web.StreamResponse, wire.Whole(reply))
        headers = (*reply.headers, ("Server", wire.SERVER))
        response = web.Response(body=reply.body, status=reply.status, headers=headers)
        if closes:
            response.force_close()
            if request.content.exception() is not None:
                return await parting(request, response)
        return response

    async def _stream(self, request: web.BaseRequest, reply: Reply, feed: Feed) -> web.StreamResponse:
        """Send what a feed has whenever it has something, until the client leaves or the server stops."""
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        response.force_close()
        something = asyncio.Event()
        feed.open(something.set)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await response.prepare(request)
            await response.write(reply.body)
            while not self._stopping.is_set():
                waiting = asyncio.ensure_future(something.wait())
                await asyncio.wait((waiting, stopping), timeout=HEARTBEAT, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
                something.clear()
                await response.write(feed.take() or b": still here\n\n")
            await response.write_eof()
        except ConnectionError:
            pass  # the client left
        finally:
            stopping.cancel()
            feed.close()
        return response

    async def _body(self, request: web.BaseRequest) -> bytes | Reply:
        """The body, or the refusal of one that is too long or cannot be read."""
        limit = self._engine.settings.max_body
        if request.content.is_eof():  # it came with the head, as the bodies of most clients do
            whole = request.content.read_nowait()
            return whole if len(whole) <= limit else problems.too_large(limit)
        if request.content_length is not None and request.content_length > limit:
            return problems.too_large(limit)
        if not request.body_exists:
            return b""
        if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11:
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        body = bytearray()
        try:
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    return problems.too_large(limit)
        except LateError:
            return problems.too_slow(self._request_timeout())
        except BrokenError:
            return problems.no_http("The chunks of its body are not written as HTTP/1.1 wants them.")
        except web.RequestPayloadError:
            what = "Its Content-Encoding says how to unpack it, but that fails."
            return problems.problem(400, "unreadable-body", "The request body cannot be read", what)
        return bytes(body)

    def _answer(self, request: web.BaseRequest, body: bytes | Reply) -> tuple[str, Reply]:
        """An operation's answer, or, where it has no port of its own, the admin API's."""
        headers = request.headers
        target = self._engine.target(request.path, headers)
        if isinstance(target, Target) and _is_admin(target.path):
            if self._elsewhere is None or target.path == HEALTH:
                return self._answer_admin(request, body)
            return target.sandbox, elsewhere(self._elsewhere)
        if isinstance(target, Target) and target.path == "/" and self._elsewhere is None and self._is_free("/"):
            page = admin_console.shell(request.method, request.path, target.path, headers)
            if page is not None:
                return target.sandbox, page
        sandbox = target.sandbox if isinstance(target, Target) else ""
        preflight = self._access.preflight(request.method, headers)
        if preflight is not None:
            return sandbox, preflight
        query = request.query if request.rel_url.raw_query_string else NOTHING
        if isinstance(body, Reply):
            unread = Request(request.method, request.path, b"", headers, query)
            reply = self._engine.refused(unread, sandbox, body)
        else:
            connection = cast(Connection, request.protocol)
            alike = connection.alike(request)
            if isinstance(target, Target) and target.path != "/" and not self._access.cors_origins:
                known = Known(request.method, request.path, headers, query, alike, target, _shown(request))
                connection.know(known)
            reply = self._engine.handle(Request(request.method, request.path, body, headers, query, alike), target)
        more = self._access.cors(headers, (name for name, _ in reply.headers))
        return sandbox, reply._replace(headers=(*reply.headers, *more)) if more else reply

    def _is_free(self, path: str) -> bool:
        """Whether no operation has this path."""
        return all(operation.path != path for operation in self._engine.contract.operations)

    def _answer_admin(self, request: web.BaseRequest, body: bytes | Reply) -> tuple[str, Reply]:
        """The admin API's answer."""
        target = self._engine.target(request.path, request.headers)
        if isinstance(target, Reply):
            return "", target
        if isinstance(body, Reply):
            return target.sandbox, body
        page = admin_console.shell(request.method, request.path, target.path, request.headers)
        if page is not None:
            return target.sandbox, page
        return target.sandbox, self._admin.answer(
            request.method, target._replace(path=_sent(request)), request.query, request.headers, body, self._port
        )


def _shown(request: web.BaseRequest) -> str:
    return masked_target(request.path, request.rel_url.raw_query_string)


def _stays(request: web.BaseRequest) -> bool:
    """Whether the connection stays open after an answer with a body."""
    return request.version == HttpVersion11 and request.keep_alive and request.method != "HEAD"


def _is_whole(reply: Reply) -> bool:
    """Whether an answer is head and body and nothing else, now."""
    status, _, _, _, _, fault, delay_ms, _, _, feed, later = reply
    return fault is None and not delay_ms and feed is None and later is None and status not in (204, 304)


def _is_admin(path: str) -> bool:
    return path == admin.PREFIX or path.startswith(admin.PREFIX + "/")


def _sent(request: web.BaseRequest) -> str:
    """The path below the sandbox as it was sent, percent-encoded: a `/` in a key is no end of it."""
    parts = request.rel_url.raw_path.split("/")
    return "/" + "/".join(parts[3 if unquote(parts[1]) == "sandbox" else 1 :])


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
