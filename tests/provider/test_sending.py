"""Why the provider gave no answer."""

import ssl
from typing import Any
from unittest import mock

import aiohttp
import pytest

from mockserver.provider.sending import no_answer_reason

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
