"""The aiohttp edge: sockets to requests, replies to sockets, one log line each, start and stop.

Knows aiohttp and is its one home; it decides nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gc
import logging
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import HttpVersion11, web
from aiohttp.http_exceptions import HttpProcessingError

from mockserver import admin, rendering
from mockserver.engine import Engine
from mockserver.model import Reply, Request
from mockserver.values import printable, write_ascii

DRAIN_SECONDS: Final = 8.0
"""How long requests in flight may take after SIGTERM; with the next below the ten seconds that a container gets."""

CLOSE_SECONDS: Final = 1.0
"""How long what is still open after that may take to be closed."""

Log = Callable[["Seen"], None]

Write = Callable[[str], None]
"""Writes one line."""


class Seen:
    """What a log line tells of one request."""

    __slots__ = ("method", "micros", "reply", "sandbox", "target")

    def __init__(self, method: str, target: str, sandbox: str, reply: Reply, micros: int) -> None:
        """Keep what was seen; `target` is masked already."""
        self.method = method
        self.target = target
        self.sandbox = sandbox
        self.reply = reply
        self.micros = micros


def no_log(_: Seen) -> None:
    """Log nothing."""


def human_log(write: Write) -> Log:
    """One line a request for people to read."""

    def log(seen: Seen) -> None:
        decision = seen.reply.decision
        what = f"{decision.scenario.id} ({decision.source}, by {decision.trigger})" if decision else _what(seen.reply)
        sandbox = f" [{seen.sandbox}]" if seen.sandbox else ""
        now = dt.datetime.now().astimezone().strftime("%H:%M:%S")
        write(f"{now} {seen.method} {seen.target}{sandbox} {seen.reply.status} {what} {seen.micros / 1000:.1f} ms")

    return log


def _what(reply: Reply) -> str:
    return f"problem: {reply.problem}" if reply.problem else "admin"


def json_log(write: Write) -> Log:
    """One JSON object a request."""

    def log(seen: Seen) -> None:
        decision, reply = seen.reply.decision, seen.reply
        line: dict[str, object] = {
            "time": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"),
            "method": seen.method,
            "target": seen.target,
            "sandbox": seen.sandbox,
            "status": reply.status,
            "micros": seen.micros,
        }
        if decision is not None:
            line |= {"scenario": decision.scenario.id, "source": decision.source, "trigger": decision.trigger}
            line |= {
                "violations": [f"{printable(v.where, 200)} {v.keyword}" for v in decision.document.violations[:10]]
            }
        elif reply.problem is not None:
            line["problem"] = reply.problem
        write(write_ascii(line))

    return log


class _Noted(logging.Filter):
    """Bytes that are no HTTP are noted in one line that shows none of them; a client that left is not noted."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError | web.RequestPayloadError):
            record.msg, record.args = "mockserver: refused a request that is no HTTP (%s)", (type(error).__name__,)
            record.exc_info, record.levelno = None, logging.WARNING
        return record.levelno >= logging.WARNING and not isinstance(error, ConnectionError)


_edge: Final = logging.getLogger(__name__)
_edge.setLevel(logging.DEBUG)  # what is no HTTP comes at that level, or at ERROR
_edge.addFilter(_Noted())


class Server:
    """An engine on a socket."""

    def __init__(self, engine: Engine, log: Log = no_log) -> None:
        """Serve `engine`; `log` is called once a request."""
        self._engine = engine
        self._log = log
        self._runner: web.ServerRunner | None = None
        self._flying = 0
        self._landed: asyncio.Event | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and give the port (a free one for 0). Raises `OSError`."""
        http = web.Server(self._handle, access_log=None, logger=_edge)
        self._runner = web.ServerRunner(http, shutdown_timeout=CLOSE_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, reuse_address=True)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening, answer what is in flight, close."""
        if self._runner is None:
            return
        for site in self._runner.sites:
            await site.stop()
        # aiohttp reads nothing more once it closes, so that a body still on its way has to be waited for before.
        self._landed = asyncio.Event()
        if self._flying:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._landed.wait(), DRAIN_SECONDS)
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._flying += 1
        try:
            return await self._respond(request)
        finally:
            self._flying -= 1
            if self._landed is not None and not self._flying:
                self._landed.set()

    async def _respond(self, request: web.BaseRequest) -> web.Response:
        started = time.perf_counter_ns()
        body = await self._body(request)
        sandbox, reply = self._answer(request, body)
        response = web.Response(body=reply.body, status=reply.status, headers=reply.headers)
        if isinstance(body, Reply) or self._landed is not None:
            response.force_close()
        micros = (time.perf_counter_ns() - started) // 1000
        target = rendering.masked_target(request.path, request.rel_url.raw_query_string)
        self._log(Seen(request.method, target, sandbox, reply, micros))
        return response

    async def _body(self, request: web.BaseRequest) -> bytes | Reply:
        """The body, or the refusal of one that is too long or cannot be read."""
        limit = self._engine.settings.max_body
        if request.content_length is not None and request.content_length > limit:
            return rendering.too_large(limit)
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
                    return rendering.too_large(limit)
        except web.RequestPayloadError:
            what = "Its Content-Encoding says how to unpack it, but that fails."
            return rendering.problem(400, "unreadable-body", "The request body cannot be read", what)
        return bytes(body)

    def _answer(self, request: web.BaseRequest, body: bytes | Reply) -> tuple[str, Reply]:
        target = self._engine.target(request.path, request.headers)
        if isinstance(target, Reply):
            return "", target
        if isinstance(body, Reply):
            return target.sandbox, body
        if target.path == admin.PREFIX or target.path.startswith(admin.PREFIX + "/"):
            return target.sandbox, admin.answer(self._engine, request.method, target)
        asked = Request(request.method, request.path, body, request.headers, request.query)
        return target.sandbox, self._engine.handle(asked)


@contextlib.asynccontextmanager
async def serving(engine: Engine, host: str = "127.0.0.1", port: int = 0, log: Log = no_log) -> AsyncIterator[str]:
    """Serve within a block; gives the base URL."""
    server = Server(engine, log)
    taken = await server.start(host, port)
    try:
        yield base_url(host, taken)
    finally:
        await server.stop()


def base_url(host: str, port: int) -> str:
    """The URL by which a server on `host` is reached from the same machine."""
    shown = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def run(engine: Engine, host: str, port: int, log: Log, started: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; what is in flight is answered first. Raises `OSError` if it cannot listen."""
    # What is loaded by now stays, so that no collection of garbage need look through it.
    gc.collect()
    gc.freeze()
    asyncio.run(_run(engine, host, port, log, started))


async def _run(engine: Engine, host: str, port: int, log: Log, started: Callable[[str], None]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Windows has no signal handlers on its loop; there Ctrl-C ends asyncio.run itself.
    signals = () if sys.platform == "win32" else (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stopped.set)
    async with serving(engine, host, port, log) as url:
        started(url)
        await stopped.wait()
        for number in signals:  # a second one does not wait for what is in flight
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
