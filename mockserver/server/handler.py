"""One request, from the socket to its answer: who answers it, and what becomes of the answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from urllib.parse import unquote

from aiohttp import web
from msgspec import Struct

from mockserver.admin import api as admin
from mockserver.admin import console_files
from mockserver.admin.safety import Access, elsewhere
from mockserver.core.address import HEALTH
from mockserver.core.masks import masked_target
from mockserver.core.model import NOTHING, Request
from mockserver.core.reply import Headers, Reply
from mockserver.decision.router import Target, target
from mockserver.engine.engine import Engine
from mockserver.server import faults
from mockserver.server.body import read_body
from mockserver.server.connection import Connection, ConnectionTransport
from mockserver.server.exchange import Exchange
from mockserver.server.logs import AccessRecord, Log, edge_log, no_log
from mockserver.server.response import SENT_AND_CLOSED, SENT_AND_OPEN, last_answer, mock_failed


class Answer(Struct, frozen=True):
    """A reply, and what the edge knows of it.

    sandbox: that which the request names, for the log.
    headers: those that are sent beside the reply's.
    is_recorded: the engine answered, and is told what became of it.
    """

    reply: Reply
    sandbox: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    is_recorded: bool = False


Dispatch: TypeAlias = Callable[[web.BaseRequest, bytes | Reply], Awaitable[Answer]]
"""Answers a request, given its body, or the problem that kept it from being read."""


class Dispatcher:
    """Finds out who answers. The admin API is served beside the operations, on a port of its own, or nowhere."""

    def __init__(self, engine: Engine, access: Access, api: admin.Admin, *, admin_enabled: bool) -> None:
        """Ask `engine` for the operations, and `api` for the rest."""
        self._engine = engine
        self._access = access
        self._api = api
        self.admin_disabled_reason = None if admin_enabled else "It was turned off by --no-admin."
        self.operations_port: int | None = None
        """That of the operations, where the admin API has one of its own."""

    async def answer(self, request: web.BaseRequest, body: bytes | Reply) -> Answer:
        """Answer on the port of the operations."""
        path, headers, disabled = request.path, request.headers, self.admin_disabled_reason
        found = target(path, headers)
        sandbox = found.sandbox if isinstance(found, Target) else ""
        if isinstance(found, Target):
            if _is_admin(found.path):
                if disabled is None or found.path == HEALTH:
                    return await self.answer_admin(request, body)
                return Answer(elsewhere(disabled), sandbox)
            if found.path == "/" and disabled is None and self._has_no_operation("/"):
                page = console_files.shell(request.method, path, found.path, headers)
                if page is not None:
                    return Answer(page, sandbox)
        preflight = self._access.preflight(request.method, headers)
        if preflight is not None:
            return Answer(preflight, sandbox)
        query = request.query if request.rel_url.raw_query_string else NOTHING
        if isinstance(body, Reply):
            unread = Request(method=request.method, path=path, headers=headers, query=query)
            reply = await self._engine.refuse(unread, body)
        else:
            read = Request(method=request.method, path=path, body=body, headers=headers, query=query)
            reply = await self._engine.handle(read)
        cors: Headers = ()
        if self._access.cors_origins:
            cors = self._access.cors(headers, [name for name, _ in reply.all_headers])
        return Answer(reply, sandbox or reply.sandbox, cors, is_recorded=True)

    async def answer_admin(self, request: web.BaseRequest, body: bytes | Reply) -> Answer:
        """Answer on the port of the admin API."""
        found = target(request.path, request.headers)
        if isinstance(found, Reply):
            return Answer(found)
        if isinstance(body, Reply):
            return Answer(body, found.sandbox)
        method, headers = request.method, request.headers
        reply = console_files.shell(method, request.path, found.path, headers)
        if reply is None:
            place = Target(found.sandbox, _path_as_sent(request))
            reply = await self._api.answer(method, place, request.query, headers, body, self.operations_port)
        return Answer(reply, found.sandbox)

    def _has_no_operation(self, path: str) -> bool:
        return all(operation.path != path for operation in self._engine.contract.operations)


class Handler:
    """Handles the requests of one port: body, answer, access log, delay, fault, delivery.

    drained: set while no request is in flight.
    """

    def __init__(self, engine: Engine, dispatch: Dispatch, log: Log, stopping: asyncio.Event) -> None:
        """Call `log` once a request; once `stopping` is set, no connection stays open."""
        self._engine = engine
        self._dispatch = dispatch
        self._log = log
        self._stopping = stopping
        self._in_flight = 0
        self.drained = asyncio.Event()
        self.drained.set()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Handle a request whose head has come."""
        transport = request.transport
        if not isinstance(transport, ConnectionTransport):  # the client left as soon as it had asked
            return SENT_AND_CLOSED
        connection = transport.connection
        self._in_flight += 1
        self.drained.clear()
        began = connection.begin_request()
        try:
            stays_open = await self._respond(request, connection, began)
        except Exception:  # noqa: BLE001 - the answer is on its way, so that nothing else can be sent
            edge_log.exception("mockserver: a request failed after its answer")
            stays_open = False
        finally:
            connection.end_request()
            self._in_flight -= 1
            if not self._in_flight:
                self.drained.set()
        return SENT_AND_OPEN if stays_open and connection.is_open else SENT_AND_CLOSED

    async def _respond(self, request: web.BaseRequest, connection: Connection, began: float) -> bool:
        """Read, answer, send; whether the connection may stay open."""
        started = time.perf_counter_ns()
        try:
            body = await read_body(request, connection, began, self._engine.settings)
        except OSError:  # the client left
            return False
        if not connection.is_open:  # the client left, or the server stopped, before the request's turn came
            return False
        try:
            answer = await self._dispatch(request, body)
        except Exception:  # noqa: BLE001 - whatever it is, the client is told and the server goes on
            edge_log.exception("mockserver: a request failed")
            answer = Answer(mock_failed())
        self._record(request, answer, started)
        complete = stays_open = False
        try:
            if answer.reply.delay_ms:
                await connection.wait(answer.reply.delay_ms / 1_000)
            stays_open = request.keep_alive and not isinstance(body, Reply) and not self._stopping.is_set()
            exchange = Exchange(request, connection, answer.reply, answer.headers, stays_open, isinstance(body, Reply))
            complete = await _deliver(exchange)
        except Exception:  # noqa: BLE001 - whatever it is, the client is told and the server goes on
            edge_log.exception("mockserver: an answer failed")
            connection.send_and_close(last_answer(mock_failed()))
        finally:
            if answer.is_recorded:
                await self._engine.delivered(answer.reply, complete=complete)
        return stays_open

    def _record(self, request: web.BaseRequest, answer: Answer, started: int) -> None:
        """Write the line of the access log; where that fails, the line is lost and not the answer."""
        if self._log is no_log:
            return
        shown = masked_target(request.path, request.rel_url.raw_query_string)
        micros = (time.perf_counter_ns() - started) // 1_000
        try:
            self._log(AccessRecord(request.method, shown, answer.sandbox, answer.reply, micros))
        except Exception:  # noqa: BLE001 - whatever it is, the client is answered
            edge_log.exception("mockserver: a log line failed")


async def _deliver(exchange: Exchange) -> bool:
    """Perform a fault or send the answer; whether all of it was sent to a client that is there."""
    reply = exchange.reply
    if reply.fault is not None:
        return await faults.perform(reply.fault, exchange)
    if reply.feed is not None and exchange.request.method != "HEAD":
        await exchange.stream(reply.feed)
    else:
        await exchange.send_reply(reply.body)
    return exchange.connection.is_open


def _is_admin(path: str) -> bool:
    return path == admin.PREFIX or path.startswith(admin.PREFIX + "/")


def _path_as_sent(request: web.BaseRequest) -> str:
    """The path below the sandbox, percent-encoded: a `/` in a key is no end of it."""
    parts = request.rel_url.raw_path.split("/")
    return "/" + "/".join(parts[3 if unquote(parts[1]) == "sandbox" else 1 :])
