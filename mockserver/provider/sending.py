"""Requests to the provider: one at a time, at a rate, without retries or redirects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from mockserver.client import trust
from mockserver.client.http_client import failure_reason
from mockserver.core.model import Request
from mockserver.provider.differences import Answer
from mockserver.provider.target import Target
from mockserver.version import __version__

MAX_BODY: Final = 1_048_576
"""Bytes of an answer's body that are read."""

MAX_HEADERS: Final = 1_000
MAX_LINE_BYTES: Final = 65_536
"""Headers of an answer, and bytes of one of them or of the status line; more than any server sends."""

_TIME_TO_CLOSE: Final = 0.25
"""Seconds that a TLS connection takes to close."""

_USER_AGENT: Final = f"mockserver-verify-provider/{__version__}"


class CannotConnectError(Exception):
    """There is no connection to the provider, so that no other request would get one; the message says why."""


class NoAnswerError(Exception):
    """The provider did not answer one request; the message says what came instead."""


class Sender:
    """Sends requests to a target, each on a connection of its own."""

    def __init__(self, target: Target, session: aiohttp.ClientSession) -> None:
        self._target = target
        self._session = session
        self._last_sent: float | None = None

    async def send(self, request: Request) -> Answer:
        """Send one request and read its answer. Raises `CannotConnectError` and `NoAnswerError`."""
        await self._wait_for_turn()
        url = self._target.url_of(request)
        data = request.body or None
        try:
            async with self._session.request(
                request.method, url, data=data, headers=dict(request.headers), allow_redirects=False
            ) as response:
                body = await self._read(response)
                return Answer(response.status, tuple(response.headers.items()), body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
            raise CannotConnectError(no_answer_reason(error)) from None
        except TimeoutError:
            raise NoAnswerError(f"no whole answer within {self._target.timeout:g} s") from None
        except (aiohttp.ClientError, ValueError) as error:
            raise NoAnswerError(no_answer_reason(error)) from None

    async def _wait_for_turn(self) -> None:
        if self._last_sent is not None:
            await asyncio.sleep(self._last_sent + 1 / self._target.rate - time.monotonic())
        self._last_sent = time.monotonic()

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        body = b""
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MAX_BODY:
                raise NoAnswerError(f"a body of more than {MAX_BODY} bytes")
        return body


@asynccontextmanager
async def sending(target: Target) -> AsyncIterator[Sender]:
    """Open a sender. Raises `ValueError` for certificates that cannot be used."""
    timeout = aiohttp.ClientTimeout(total=target.timeout, sock_connect=min(target.timeout, 10.0))
    headers = {"User-Agent": _USER_AGENT, "Accept": "application/json"}
    async with open_session(target, trusted_certificates(target), timeout=timeout, headers=headers) as session:
        yield Sender(target, session)
    # aiohttp says so under "Graceful shutdown": the last connection closes only after the session.
    await asyncio.sleep(_TIME_TO_CLOSE if target.url.startswith("https:") else 0)


def trusted_certificates(target: Target) -> Any:
    """What aiohttp takes as the certificates to trust. Raises `TlsError` for those that cannot be used."""
    return trust.client_context(target.cacert) if target.cacert else True


def open_session(target: Target, certificates: Any, **options: Any) -> aiohttp.ClientSession:
    """A session that sends each request on a connection of its own, and takes nothing from the environment."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=certificates, force_close=True),
        proxy=target.proxy or None,
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        max_line_size=MAX_LINE_BYTES,
        max_field_size=MAX_LINE_BYTES,
        max_headers=MAX_HEADERS,
        **options,
    )


def no_answer_reason(error: Exception) -> str:
    """Why there was no answer, in a few words without an address: those of aiohttp may hold the URL."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return failure_reason(error.certificate_error)
    if isinstance(error, aiohttp.ClientOSError):
        return failure_reason(error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error)
    for kind, reason in _REASONS.items():
        if isinstance(error, kind):
            return reason.format(error)
    return f"the request cannot be sent ({type(error).__name__})"


_REASONS: Final[Mapping[type[Exception], str]] = {
    aiohttp.ConnectionTimeoutError: "it was not accepted in time",
    aiohttp.ServerDisconnectedError: "it closed the connection",
    aiohttp.ClientPayloadError: "its answer breaks off",
    aiohttp.ClientHttpProxyError: "the proxy answered {.status}",
    aiohttp.ClientResponseError: "it sent what is not HTTP/1.1",
}
"""What the errors of aiohttp mean; a kind stands before a more general one."""
