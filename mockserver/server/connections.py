"""Connections: the limits on what may come and how long it may take, and the answer to what is no HTTP.

Knows aiohttp's connections and their log; it knows no engine and no operation.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any, Final, cast

from aiohttp import EMPTY_PAYLOAD, HttpVersion11, StreamReader, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import _ErrInfo

from mockserver.core import problems
from mockserver.core.model import remember
from mockserver.server import faults, wire
from mockserver.server.edge_log import BrokenError, LateError, log
from mockserver.server.outbox import Outbox
from mockserver.server.timeouts import Watch

MOST_HEADERS: Final = 128
LONGEST_LINE: Final = 8_190
"""Limits on the head of a request: how many headers, and the bytes of one or of the request line."""

LEAVING: Final = 1.0
"""Seconds for a client that has closed its side to take its answers, and for one that is refused to hear why."""


MOST_HEADS: Final = 1_000
"""Heads that are known again."""


Answer = Callable[[web.BaseRequest], bytes | None]
"""Answers a request at once: with the bytes that go on the wire, or with None, and then it is handled as others are."""

Again = Callable[["Connection", Any, bytes], bytes | None]
"""Does the same for a body whose head was there before, of which it is known what it means."""

Heads = dict[bytes, tuple[int, Any]]
"""Heads of requests as they came, of all connections, with the length of the body and what `know` was told."""

_END: Final = b"\r\n\r\n"  # of a head
_numbers: Final = count(1)
_NO_WRITER: Final = cast(Any, None)  # what is answered at once is not written bit by bit


class Connection(web.RequestHandler):
    """A connection; what cannot be read as HTTP on it is refused with a problem document.

    A request that is whole while nothing else is to be answered need not wake the task that handles others, which
    takes longer than the answer.
    """

    __slots__ = (
        *("_again", "_alike", "_answer", "_body", "_even", "_headers", "_heads", "_leaving", "_lowest", "_meaning"),
        *("_outbox", "_unread", "_watch", "ready"),
    )

    def __init__(
        self, manager: web.Server, watch: Watch, outbox: Outbox, heads: Heads, answer: Answer, again: Again, **more: Any
    ) -> None:
        """Let `watch` know what is not finished on it, and `answer` or `again` what can be answered at once."""
        super().__init__(manager, **more)
        self._watch = watch
        self._outbox = outbox
        self._heads = heads
        self._answer = answer
        self._again = again
        self._body: StreamReader | None = None  # the one that is not here yet as a whole
        self._leaving: asyncio.Future[None] | None = None  # done when a client that was refused has left
        self._lowest: Any = None
        self._unread = 0  # bytes that waited for the client when it was last looked at
        self._headers: tuple[tuple[bytes, bytes], ...] = ()
        self._alike = 0
        self._even = True  # whether all bytes so far were whole requests, one at a time
        self._meaning: Any = None
        self.ready: Any = None  # what is known already of the request that is handled next

    def alike(self, request: web.BaseRequest) -> int:
        """The same number as for the request read before on this connection, if it had the very same headers."""
        if request.raw_headers != self._headers:
            self._headers, self._alike = request.raw_headers, next(_numbers)
        return self._alike

    def know(self, meaning: Any) -> None:
        """Keep what the head of the request that is being answered means, should the same bytes come again."""
        self._meaning = meaning

    def data_received(self, data: bytes) -> None:
        """Take what came, and mind what is not whole."""
        before, waiter = self._request_count, self._waiter
        free = waiter is not None and not self._messages and self._keepalive and not waiter.done()
        if free and self._even and self._is_known(data):
            return
        if free:
            self._waiter = None  # so that nobody is woken yet
        super().data_received(data)
        if free:
            self._waiter = waiter
        count = self._request_count
        if self._body is None and count != before and self._messages[-1][1].is_eof():
            self._even = self._even and self._is_all(data)
            self._watch.discard(self)
            if free and count == before + 1 and self.ready is None and self._is_answered(data):
                return
        else:
            self._even = False
            self._mind(data, count != before)
        if free and self._messages and waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _is_known(self, data: bytes) -> bool:
        """Whether this is a request whose head came before, byte by byte, and is answered already."""
        end = data.find(_END) + len(_END)
        known = self._heads.get(data[:end])
        if known is None or len(data) - end != known[0] or not self._is_open():
            return False
        return self._is_sent(self._again(self, known[1], data[end:]))

    def _is_all(self, data: bytes) -> bool:
        """Whether the one request that came is all of this, from its first byte to its last."""
        message = self._messages[-1][0]
        if isinstance(message, _ErrInfo) or message.chunked or type(data) is not bytes:
            return False
        return len(data) == data.find(_END) + len(_END) + int(message.headers.get("Content-Length", "0"))

    def _is_answered(self, data: bytes) -> bool:
        """Whether the one request that waits, which came as a whole, is answered already."""
        message, payload = self._messages[0]
        parser, make = self._parser, self._request_factory
        if isinstance(message, _ErrInfo) or parser is None or make is None or not self._is_open():
            return False
        if message.version != HttpVersion11 or message.should_close or message.upgrade or message.method == "HEAD":
            return False
        self._meaning = None
        if not self._is_sent(self._answer(make(message, payload, self, _NO_WRITER, cast(Any, self._task_handler)))):
            return False
        self._messages.popleft()
        parser.message_consumed()
        head = data[: data.find(_END) + len(_END)]
        if self._meaning is not None and self._even and len(head) <= LONGEST_LINE:
            remember(self._heads, head, (len(data) - len(head), self._meaning), MOST_HEADS)
        return True

    def _is_open(self) -> bool:
        """Whether an answer can go out now."""
        transport = self.transport
        if transport is None or self.writing_paused or self._reading_paused or self._close or self._force_close:
            return False
        return not transport.is_closing()

    def _is_sent(self, answer: bytes | None) -> bool:
        if answer is None:
            return False
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        self._outbox.send(cast(asyncio.Transport, self.transport), answer)
        return True

    def _mind(self, data: bytes, came: bool) -> None:
        if self._body is not None:
            if came and not self._body.is_eof():  # the parser has given it up, and tells nobody who waits for it
                self._body.set_exception(BrokenError())
            elif not self._body.is_eof():
                return
            self._body = None
            self._watch.discard(self)
        if came:
            self._watch.discard(self)
            if not self._messages[-1][1].is_eof():
                self._body = self._messages[-1][1]
                self._watch.add(self)
        elif data.strip(b"\r\n"):  # lines between requests mean nothing
            self._watch.add(self)

    def let_go(self) -> bool:
        """End what has taken too long; whether there was nothing to end, as it is not the client that takes long."""
        if self.transport is None:
            return True
        if self.writing_paused:
            unread, self._unread = self._unread, self.transport.get_write_buffer_size()
            if self._unread >= unread:  # it takes nothing at all
                self.transport.abort()
            return self._unread >= unread
        if self._current_request is not None:
            if self._current_request.content is not self._body:
                return False
            self._body.set_exception(LateError())
        elif self._waits() and not self.transport.is_closing():
            self._messages.append((_LATE, EMPTY_PAYLOAD))
            self._request_count += 1
            self._waiter.set_result(None)  # type: ignore[union-attr]  # it waits
        else:
            return False
        return True

    def _waits(self) -> bool:
        """Whether there is nothing to answer."""
        return self._waiter is not None and not self._waiter.done()

    def pause_writing(self) -> None:
        """Mind a client that does not read."""
        super().pause_writing()
        if self.transport is not None:
            self._unread = self.transport.get_write_buffer_size()
        self._watch.add(self)

    def resume_writing(self) -> None:
        """It reads."""
        super().resume_writing()
        if self._body is None:
            self._watch.discard(self)

    def eof_received(self) -> bool | None:  # type: ignore[override]  # as asyncio has it
        """Answer what is still to be answered to a client that has closed its side; true keeps the other open."""
        if self._waits() or self._close or self._body is not None or self.transport is None:
            return None
        if self.ssl_context is not None:  # there is no closing one side alone
            return None
        self._messages.append((_LAST, EMPTY_PAYLOAD))
        self._loop.call_later(LEAVING, self.transport.close)
        return True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport that has the socket, which below TLS is another one."""
        super().connection_made(transport)
        self._lowest = getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Nothing is to be minded any more."""
        self._watch.discard(self)
        if self._leaving is not None and not self._leaving.done():
            self._leaving.set_result(None)
        self._body = None
        super().connection_lost(exc)
        # It refers to itself, and would wait for a collection of garbage that is made as seldom as can be.
        if hasattr(self._lowest, "_read_ready_cb"):
            self._lowest._read_ready_cb = None  # noqa: SLF001
        self._lowest = None

    def _make_error_handler(self, err_info: _ErrInfo) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
        if err_info is _LAST:
            return _say_no_more
        answer = super()._make_error_handler(err_info)

        async def refuse(request: web.BaseRequest) -> web.StreamResponse:
            return await parting(request, await answer(request))

        return refuse

    async def hear_out(self) -> None:
        """Let go of what still comes; closed with bytes unread, a connection is reset, and the answer on it lost."""
        self._close = True
        if self.transport is not None and self.transport.can_write_eof():
            with contextlib.suppress(OSError):  # it has left
                self.transport.write_eof()
        if self.transport is not None and not self.transport.is_closing():
            self._leaving = self._loop.create_future()
            await asyncio.wait((self._leaving,), timeout=LEAVING)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Note it, and answer."""
        try:
            super().handle_error(request, status, exc, message)
        finally:
            if exc is not None:
                exc.__traceback__ = None  # what it refers to refers to it, and would stay as long
        if isinstance(exc, LateError):
            reply = problems.too_slow(self._watch.limit())
        elif isinstance(exc, LineTooLong) or (message or "").startswith("Too many headers"):
            what = f"A request has at most {MOST_HEADERS} headers, and no line longer than {LONGEST_LINE} bytes."
            reply = problems.problem(431, "headers-too-large", "The head of the request is too large", what)
        elif status < 500:
            what = "What came could not be read; the log of the mock says why."
            reply = problems.no_http(what, status)
        else:
            what = "This is a fault of the mock, not of the request; its log says more."
            reply = problems.problem(status, "broken", "The mock failed", what)
        headers = (*reply.headers, ("Server", wire.SERVER))
        response = web.Response(body=reply.body, status=reply.status, headers=headers)
        response.force_close()
        return response


_LAST: Final = _ErrInfo(0, EOFError(), "")
"""Stands behind the last request of a client that will send nothing more."""


_LATE: Final = _ErrInfo(408, LateError(), "")
"""Stands for a request whose head did not come in time."""


async def parting(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """Send the answer to a request that comes to no end, and wait until its client has heard it, or long enough."""
    await response.prepare(request)
    await response.write_eof()
    await cast(Connection, request.protocol).hear_out()
    return faults.done()


async def _say_no_more(_: web.BaseRequest) -> web.StreamResponse:
    return faults.done()


def taken(body: StreamReader) -> bytes:
    """A body that is here as a whole; to read it in the usual way would have the parser look for more."""
    return b"".join(body._buffer) if type(body) is StreamReader else body.read_nowait()  # noqa: SLF001


class Listener(web.Server):
    """Makes connections with our limits."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        answer: Answer,
        again: Again,
        limit: Callable[[], float],
    ) -> None:
        """Hand requests to `answer`, `again` or `handler`; `limit` tells the seconds that one may take to come."""
        super().__init__(handler)
        self._answer = answer
        self._again = again
        self._watch = Watch(limit)
        self._outbox = Outbox(asyncio.get_running_loop())
        self._heads: Heads = {}

    def __call__(self) -> web.RequestHandler:
        """A new connection."""
        return Connection(
            self,
            self._watch,
            self._outbox,
            self._heads,
            self._answer,
            self._again,
            loop=asyncio.get_running_loop(),
            access_log=None,  # so it means none
            logger=log,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
            max_headers=MOST_HEADERS,
        )

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as it is called there
        """Close all connections."""
        self._watch.stop()
        await super().shutdown(timeout)
