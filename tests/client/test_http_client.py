"""Why a request got no answer."""

import socket
import ssl
import urllib.error
from http.client import IncompleteRead

import pytest

from mockserver.client.http_client import failure_reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9)"), "Connection refused"),
        (urllib.error.URLError(ConnectionResetError(104, "reset")), "Connection reset by peer"),
        (ConnectionResetError(), "Connection reset by peer"),
        (urllib.error.URLError("unknown url type"), "unknown url type"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (TimeoutError("timed out"), "timed out"),
        (OSError(), "OSError"),
        (IncompleteRead(b""), "the answer broke off"),
    ],
)
def test_the_reason_is_said_without_numbers_and_addresses(error: Exception, reason: str) -> None:
    """As the system words it."""
    assert failure_reason(error) == reason


def test_a_failure_of_tls_is_said_in_words() -> None:
    """A certificate that is not trusted, and anything else."""
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
    error.reason = "WRONG_VERSION_NUMBER"
    assert failure_reason(error) == "it does not speak TLS"
    error.reason = "TLSV1_ALERT_ACCESS_DENIED"
    assert failure_reason(error) == "no TLS: tlsv1 alert access denied"
    untrusted = ssl.SSLCertVerificationError(1, "certificate verify failed")
    untrusted.reason = "CERTIFICATE_VERIFY_FAILED"
    untrusted.verify_message = "self-signed certificate"
    assert failure_reason(untrusted) == "its certificate is not trusted: self-signed certificate"
