"""TLS: the certificate of the server, and why a handshake fails."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from mockserver.client.trust import TlsError, pem_text, ssl_reason

TlsContext: TypeAlias = ssl.SSLContext
"""Certificate, key and options of TLS connections."""

ReportLine: TypeAlias = Callable[[str], None]
"""Shows one line to the user."""

_REASONS: Final = {
    "HTTP_REQUEST": "the client speaks HTTP, and this port speaks TLS (https)",
    "TLSV1_ALERT_UNKNOWN_CA": "the client does not trust the certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the client rejects the certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the client rejects the certificate",
    "UNSUPPORTED_PROTOCOL": "the client asks for a version of TLS before 1.2",
}


def server_context(cert: Path, key: Path, report_line: ReportLine) -> TlsContext:
    """Load certificate and key; `report_line` is called for each failed handshake. Raises `TlsError`."""
    chain, secret = pem_text(cert), pem_text(key)
    if "-----BEGIN CERTIFICATE-----" not in chain:
        raise TlsError(f"{cert}: expected a certificate in PEM form (BEGIN CERTIFICATE), got none")
    if "PRIVATE KEY-----" not in secret:
        raise TlsError(f"{key}: expected a private key in PEM form (BEGIN PRIVATE KEY), got none")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.sslobject_class = _reporting_ssl_object(report_line)

    def refuse_password() -> str:
        raise TlsError(f"{key}: the key is locked with a password; give one that is not")

    try:
        context.load_cert_chain(cert, key, refuse_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise TlsError(f"{key}: the key does not belong to the certificate in {cert}") from None
        raise TlsError(f"{cert}, {key}: not usable: {ssl_reason(error)}") from None
    return context


def _reporting_ssl_object(report_line: ReportLine) -> type[ssl.SSLObject]:
    """A class of TLS connections that report a failed handshake in one line, without its bytes."""

    class Reporting(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                _report(error)
                raise

        def read(self, len: int = 1024, buffer: bytearray | None = None) -> bytes:  # type: ignore[override]  # noqa: A002
            try:
                return super().read(len, buffer)
            except ssl.SSLError as error:  # with TLS 1.3 the client refuses a certificate only now
                if "ALERT" in (error.reason or ""):
                    _report(error)
                raise

    def _report(error: ssl.SSLError) -> None:
        report_line(f"refused a connection: {_REASONS.get(error.reason or '', ssl_reason(error))}")

    return Reporting
