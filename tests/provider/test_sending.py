"""Why the provider gave no answer."""

import asyncio
import ssl
from typing import Any
from unittest import mock

import aiohttp
import pytest

from mockserver.core.model import Request
from mockserver.provider.sending import NoAnswerError, no_answer_reason, sending
from mockserver.provider.target import Target
from tests.support.scripted_provider import scripted_provider

REQUEST: Any = mock.Mock(real_url="http://me:secret@host/?token=secret")
KEY: Any = mock.Mock(host="secret", port=1, ssl=True)
WRONG_VERSION = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
WRONG_VERSION.reason = "WRONG_VERSION_NUMBER"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "('secret', 1)")), "Connection refused"),
        (aiohttp.ClientConnectorSSLError(KEY, WRONG_VERSION), "it does not speak TLS"),
        (aiohttp.ConnectionTimeoutError("Connection timeout to host http://secret"), "it was not accepted in time"),
        (aiohttp.ServerDisconnectedError(), "it closed the connection"),
        (aiohttp.ClientOSError(104, "reset"), "Connection reset by peer"),
        (aiohttp.ClientPayloadError("400, message: secret"), "its answer breaks off"),
        (aiohttp.ClientHttpProxyError(REQUEST, (), status=407), "the proxy answered 407"),
        (aiohttp.ClientResponseError(REQUEST, (), status=400, message="secret"), "it sent what is not HTTP/1.1"),
        (aiohttp.InvalidURL("http://secret"), "the request cannot be sent (InvalidURL)"),
    ],
)
def test_a_reason_is_in_our_words(error: Exception, reason: str) -> None:
    """Those of the library may hold the URL."""
    assert no_answer_reason(error) == reason


async def test_an_answer_is_whole_in_time_or_none() -> None:
    """What came of it in time does not count."""
    async with scripted_provider() as provider, sending(Target(provider.url, timeout=0.2)) as sender:
        provider.script = [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", asyncio.Event()]
        with pytest.raises(NoAnswerError, match=r"^no whole answer within 0\.2 s$"):
            await sender.send(Request("GET", "/", b"", {}))


async def test_an_answer_may_have_many_headers_and_long_ones() -> None:
    """As many as `record` passes on."""
    headers = "".join(f"X-{number}: 1\r\n" for number in range(500)) + f"X-Long: {'x' * 20_000}\r\n"
    async with scripted_provider() as provider, sending(Target(provider.url)) as sender:
        provider.script = [f"HTTP/1.1 200 OK\r\n{headers}Content-Length: 0\r\n\r\n".encode()]
        assert len((await sender.send(Request("GET", "/", b"", {}))).headers) == 502
