"""One request, from its head to the end of its reply: read, dispatched, logged, sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import unquote

from aiohttp import HttpVersion11, hdrs, web
from msgspec import Struct

from mockserver.admin import console_files
from mockserver.base.address import HEALTH
from mockserver.core.directives import mock_headers
from mockserver.core.model import EMPTY_MAPPING, Request
from mockserver.core.reply import Headers, Problem, Reply
from mockserver.decision.sandbox_names import SandboxPath, split_sandbox
from mockserver.engine.engine import Engine
from mockserver.http_api.api import ADMIN_PREFIX, AdminApi
from mockserver.http_api.safety import Access, admin_not_served
from mockserver.server import faults
from mockserver.server.body import ReceivedBody, receive_body
from mockserver.server.connection import Connection
from mockserver.server.exchange import Exchange
from mockserver.server.head import head_problem
from mockserver.server.logs import AccessLog, AccessRecord, edge_log, log_refusal, no_access_log
from mockserver.server.response import SENT_CLOSE, SENT_KEEP_ALIVE, encode_closing_reply, internal_error
from mockserver.server.transport import ConnectionTransport

if TYPE_CHECKING:  # the start of a mock that does not record is some 30 ms shorter
    from mockserver.recording.recorder import Recorder

OPTIONS_REPLY: Final = Reply(204, (("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),), b"")
"""The reply to `OPTIONS *`: all methods of operations and of the admin API."""


class DispatchResult(Struct, frozen=True):
    """The reply to a request, with what the edge needs to log and send it.

    sandbox: the one that the request names or that answered it, for the log.
    extra_headers: sent after those of the reply.
    needs_delivered: whether `Engine.delivered` has to be told once the reply was sent, or lost.
    """

    reply: Reply
    sandbox: str = ""
    extra_headers: Headers = ()
    needs_delivered: bool = False


Dispatch: TypeAlias = Callable[[web.BaseRequest, ReceivedBody | Problem], Awaitable[DispatchResult]]
"""`Dispatcher.dispatch`, or `dispatch_admin` on a port of the admin API (see `Server`): the reply to a request.

It is given the body, or the problem (a `Reply`) that kept it from being read.
"""


class Handler:
    """Handles the requests of one port: reads, dispatches, logs, delays, sends.

    drained: set while no request is in flight.
    """

    def __init__(self, engine: Engine, dispatch: Dispatch, log: AccessLog, stopping: asyncio.Event) -> None:
        """Call `log` once for each request; keep no connection open once `stopping` is set."""
        self._engine = engine
        self._dispatch = dispatch
        self._log = log
        self._stopping = stopping
        self._in_flight = 0
        self.drained = asyncio.Event()
        self.drained.set()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Handle a request whose head was received."""
        transport = request.transport
        connection = transport.connection if isinstance(transport, ConnectionTransport) else None
        if not isinstance(connection, Connection):  # the client left right after its request
            return SENT_CLOSE
        self._in_flight += 1
        self.drained.clear()
        first_byte_at = connection.begin_request()
        try:
            keep_alive = await self._respond(request, connection, first_byte_at)
        except Exception:  # noqa: BLE001 - the reply is being sent: nothing else can be
            edge_log.exception("mockserver: a request failed after its reply")
            keep_alive = False
        finally:
            connection.end_request()
            self._in_flight -= 1
            if not self._in_flight:
                self.drained.set()
        return SENT_KEEP_ALIVE if keep_alive and connection.is_open else SENT_CLOSE

    async def _respond(self, request: web.BaseRequest, connection: Connection, first_byte_at: float) -> bool:
        """Read the request, send its reply; return whether the connection may stay open."""
        handling_began_ns = time.perf_counter_ns()
        try:
            problem = head_problem(request)
            body_or_problem = problem or await receive_body(
                request, connection, first_byte_at, self._engine.settings, for_admin=_is_for_admin(request)
            )
        except OSError:  # the client left
            return False
        if not connection.is_open:  # the client left, or the server closed the connection after its drain time
            return False
        is_refused = isinstance(body_or_problem, Reply)
        if isinstance(body_or_problem, Reply):
            log_refusal(body_or_problem)
        try:
            result = await self._dispatch(request, body_or_problem)
        except Exception:  # noqa: BLE001 - the client gets a 500 and the server goes on
            edge_log.exception("mockserver: a request failed")
            result = DispatchResult(internal_error())
        if result.reply.relay is None:
            self._write_access_log(request, result, handling_began_ns)
        complete = keep_alive = False
        try:
            if result.reply.delay_ms:
                await connection.sleep_while_open(result.reply.delay_ms / 1_000)
            reply = result.reply
            is_streamed = reply.pieces is not None or reply.feed is not None  # its head says that the connection ends
            keep_alive = request.keep_alive and not is_refused and not is_streamed and not self._stopping.is_set()
            exchange = Exchange(request, connection, reply, result.extra_headers, keep_alive, is_refused)
            complete = await _deliver(exchange)
        except Exception:  # noqa: BLE001 - the client gets a 500 and the server goes on
            edge_log.exception("mockserver: a reply failed")
            connection.send_and_close(encode_closing_reply(internal_error()))
        finally:
            if result.reply.relay is not None:
                await result.reply.relay.close(complete=complete)
                self._write_access_log(request, result, handling_began_ns)  # only now it is known what it is
            if result.needs_delivered:
                await self._engine.delivered(result.reply, complete=complete)
        return keep_alive

    def _write_access_log(self, request: web.BaseRequest, result: DispatchResult, started: int) -> None:
        """Write the line of the access log; a failure loses the line, not the reply."""
        if self._log is no_access_log:
            return
        micros = (time.perf_counter_ns() - started) // 1_000
        try:
            shown = self._engine.masked_target(request.rel_url.path_safe, request.rel_url.raw_query_string)
            self._log(AccessRecord(request.method, shown, result.sandbox, result.reply, micros))
        except Exception:  # noqa: BLE001 - the client gets its reply all the same
            edge_log.exception("mockserver: a log line failed")


async def _deliver(exchange: Exchange) -> bool:
    """Perform the fault or send the reply; return whether all of it was sent to a connected client."""
    reply = exchange.reply
    if reply.fault is not None:
        return await faults.perform(reply.fault, exchange)
    if reply.relay is not None:
        return await exchange.send_relay(reply.relay)
    if reply.feed is not None and exchange.request.method != "HEAD":
        await exchange.send_feed(reply.feed)
    elif reply.pieces is not None and exchange.request.method != "HEAD":
        await exchange.send_pieces(reply.pieces)
    elif reply.framing is not None:
        await exchange.send_framed(reply.framing)
    else:
        await exchange.send_reply(reply.body)
    return await exchange.connection.confirm_client()


class Dispatcher:
    """Sends a request to the engine, the admin API or the console.

    The admin API is served on the port of the operations, on a port of its own, or not at all.
    """

    def __init__(
        self, engine: Engine, access: Access, api: AdminApi, recorder: Recorder | None, *, admin_enabled: bool
    ) -> None:
        """Take replies of operations from `recorder` or, without one, from `engine`; of the admin API from `api`."""
        self._engine = engine
        self._recorder = recorder
        self._access = access
        self._api = api
        self.admin_disabled_reason = None if admin_enabled else "It was turned off by --no-admin."
        self.operations_port: int | None = None
        """The port of the operations; None if the admin API shares it."""

    async def dispatch(self, request: web.BaseRequest, body: ReceivedBody | Problem) -> DispatchResult:
        """Reply to a request on the port of the operations."""
        path, headers, disabled = request.rel_url.path_safe, request.headers, self.admin_disabled_reason
        found = split_sandbox(path, headers)  # the engine refuses a bad name
        sandbox = found.sandbox if isinstance(found, SandboxPath) else ""
        if isinstance(found, SandboxPath):
            if _is_admin(found.path):
                if disabled is None or found.path == HEALTH:
                    return await self.dispatch_admin(request, body)
                return DispatchResult(admin_not_served(disabled), sandbox)
            if found.path == "/" and disabled is None and self._is_root_free() and not isinstance(body, Reply):
                page = console_files.console_page(request.method, path, found.path, headers)
                if page is not None:
                    return DispatchResult(page, sandbox)
        query = request.query if request.rel_url.raw_query_string else EMPTY_MAPPING
        if isinstance(body, Reply):
            unread = Request(method=request.method, path=path, headers=headers, query=query)
            reply = await self._engine.refuse(unread, body)
        else:
            options = self._options(request.method, path, headers)
            if options is not None:
                return DispatchResult(options, sandbox)
            reads_chunks = request.version >= HttpVersion11
            read = Request(request.method, path, body.content, headers, query, reads_chunks=reads_chunks)
            if self._recorder is None:
                reply = await self._engine.handle(read)
            else:
                reply = await self._recorder.handle(read, _target_as_sent(request), body.sent)
        cors: Headers = ()
        if self._access.cors_origins:
            cors = self._access.cors_headers(headers, [name for name, _ in reply.all_headers])
        return DispatchResult(reply, sandbox or reply.sandbox, cors, needs_delivered=True)

    async def dispatch_admin(self, request: web.BaseRequest, body: ReceivedBody | Problem) -> DispatchResult:
        """Reply to a request on the port of the admin API."""
        path = request.rel_url.path_safe
        found = split_sandbox(path, request.headers)
        if isinstance(found, Reply):
            return DispatchResult(found)
        if isinstance(body, Reply):
            return DispatchResult(body, found.sandbox)
        method, headers = request.method, request.headers
        if (method, path) == (hdrs.METH_OPTIONS, "*"):
            return DispatchResult(OPTIONS_REPLY)
        directives = mock_headers(headers)
        if isinstance(directives, Reply):
            return DispatchResult(directives, found.sandbox)
        reply = console_files.console_page(method, path, found.path, headers)
        if reply is None:
            place = SandboxPath(found.sandbox, _path_as_sent(request))
            reply = await self._api.handle(method, place, request.query, headers, body.content, self.operations_port)
        return DispatchResult(reply, found.sandbox)

    def _options(self, method: str, path: str, headers: Mapping[str, str]) -> Reply | None:
        """The reply to `OPTIONS *` or to a CORS preflight; None for any other request."""
        if method != hdrs.METH_OPTIONS:
            return None
        return OPTIONS_REPLY if path == "*" else self._access.preflight(method, headers)

    def _is_root_free(self) -> bool:
        """Whether no operation has the path `/`, where the console is."""
        return all(operation.path != "/" for operation in self._engine.contract.operations)


def _is_for_admin(request: web.BaseRequest) -> bool:
    path = request.rel_url.path_safe
    if ADMIN_PREFIX not in path:  # most are not
        return False
    found = split_sandbox(path, request.headers)
    return isinstance(found, SandboxPath) and _is_admin(found.path)


def _is_admin(path: str) -> bool:
    return path == ADMIN_PREFIX or path.startswith(ADMIN_PREFIX + "/")


def _path_as_sent(request: web.BaseRequest) -> str:
    """The path below the sandbox, still percent-encoded: `%2F` in a key does not separate."""
    parts = request.rel_url.raw_path.split("/")
    return "/" + "/".join(parts[3 if unquote(parts[1]) == "sandbox" else 1 :])


def _target_as_sent(request: web.BaseRequest) -> str:
    """The path below the sandbox and the query, still percent-encoded."""
    query = request.rel_url.raw_query_string
    return _path_as_sent(request) + (f"?{query}" if query else "")
