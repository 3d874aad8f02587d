"""Requests that are forwarded to the provider as they came, and its answers as they come."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Final

import aiohttp
from yarl import URL

from mockserver.base.values import printable
from mockserver.core import problems
from mockserver.core.model import Request
from mockserver.core.reply import BrokenOffError, Headers, Problem
from mockserver.provider.sending import no_answer_reason, open_session, trusted_certificates
from mockserver.provider.target import Target

CONNECT_SECONDS: Final = 10.0
"""How long connecting to the provider may take."""

_HOP_BY_HOP: Final = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)
"""Headers that concern one connection (RFC 9110, section 7.6.1), beside those that `Connection` names."""

_MADE_ANEW: Final = ("host", "content-length", "expect")
"""Other headers of a request that are not forwarded: the target has its own, and the body is here already."""

_OWN_HEADERS: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""Headers that the HTTP library would add to a request."""


class ForwardedAnswer:
    """An answer of the provider whose head is here.

    latency_ms: from the moment when the request was sent to that of the head; connecting does not count.
    """

    def __init__(self, response: aiohttp.ClientResponse, latency_ms: float, target: str) -> None:
        """Read the head."""
        self._response = response
        self.target = target
        self.latency_ms = latency_ms
        self.status = response.status
        self.reason = response.reason or ""
        headers = [(_text(name), _text(value)) for name, value in response.raw_headers]
        self.headers: Headers = tuple(_end_to_end(headers))

    @property
    def is_at_end(self) -> bool:
        """Whether all of the body was read."""
        return self._response.content.at_eof()

    async def read(self) -> bytes:
        """The next piece of the body; empty at its end. Raises `BrokenOffError`."""
        try:
            return await self._response.content.readany()
        except TimeoutError:
            raise BrokenOffError("the provider sent nothing more in time") from None
        except aiohttp.ClientError as error:
            was_reset = _is_reset(error)
            how = "reset" if was_reset else "closed"
            raise BrokenOffError(f"the provider {how} the connection", was_reset=was_reset) from None

    def close(self) -> None:
        """Close its connection."""
        self._response.close()


class Forwarder:
    """Sends requests to a target, each on a connection of its own: none is sent twice."""

    def __init__(self, target: Target) -> None:
        """Connect at the first request. Raises `TlsError` for certificates that cannot be used."""
        self._target = target
        self._certificates = trusted_certificates(target)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: Request, target: str, body: bytes) -> ForwardedAnswer | Problem:
        """The provider's answer as soon as its head is here; a problem where there is none.

        `target` and `body` are those of the request as they came, below the sandbox: see `Recorder.handle`.
        """
        timing = SimpleNamespace(sent=time.perf_counter())
        spellings: dict[str, str] = {}  # the HTTP library keeps all values of a name only in one spelling
        headers = [
            (spellings.setdefault(name.lower(), name), value)
            for name, value in _end_to_end(request.headers.items())
            if name.lower() not in _MADE_ANEW and not name.lower().startswith("mock-")
        ]
        refused = next((name for name, value in headers if not _is_utf8(name + value)), None)
        if refused is not None:
            return problems.header_not_forwarded(printable(refused, 100))
        self._session = self._session or self._open_session()
        try:
            response = await self._session.request(
                request.method,
                URL(self._target.url.rstrip("/") + target, encoded=True),
                data=body or None,
                headers=headers,
                allow_redirects=False,
                trace_request_ctx=timing,
            )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
            return problems.provider_unreachable(no_answer_reason(error))
        except TimeoutError:
            return problems.provider_too_slow(self._target.timeout)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            return problems.provider_closed(was_reset=_is_reset(error))
        except (aiohttp.ClientError, ValueError) as error:
            return problems.provider_not_http(no_answer_reason(error))
        return ForwardedAnswer(response, (time.perf_counter() - timing.sent) * 1_000, self._target.url)

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()

    def _open_session(self) -> aiohttp.ClientSession:
        """The session for all requests, which belongs to the event loop."""
        target = self._target
        timing = aiohttp.TraceConfig()
        timing.on_request_headers_sent.append(_note_sent)
        return open_session(
            target,
            self._certificates,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=target.timeout),
            skip_auto_headers=_OWN_HEADERS,
            auto_decompress=False,
            trace_configs=[timing],
        )


async def _note_sent(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.sent = time.perf_counter()


def _end_to_end(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Headers without those that concern one connection."""
    found = [*headers]
    named = {
        option.strip().lower() for name, value in found if name.lower() == "connection" for option in value.split(",")
    }
    yield from ((name, value) for name, value in found if name.lower() not in _HOP_BY_HOP | named)


def _is_reset(error: Exception) -> bool:
    """Whether the connection was reset; of an incomplete body only aiohttp's words tell it."""
    return isinstance(error.__cause__, ConnectionResetError) or ConnectionResetError.__name__ in str(error)


def _is_utf8(text: str) -> bool:
    """Whether the bytes of a header were UTF-8; the HTTP library would drop those that were not."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
