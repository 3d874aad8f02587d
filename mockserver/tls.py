"""TLS: the certificate that the server shows, and the certificates that our own commands trust.

Knows `ssl` and the files; it knows no socket, no HTTP and no command.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

Secured: TypeAlias = ssl.SSLContext
"""What makes a connection one of TLS."""

Note: TypeAlias = Callable[[str], None]
"""Says one line to people."""

_WHY: Final = {
    "HTTP_REQUEST": "it speaks HTTP, and this port speaks TLS (https)",
    "TLSV1_ALERT_UNKNOWN_CA": "the client does not trust the certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "the client does not take the certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the client does not take the certificate",
    "UNSUPPORTED_PROTOCOL": "it asks for a version of TLS older than 1.2",
}


class TlsError(ValueError):
    """Files from which no TLS can be made; the text says which and why in one line."""


def server_context(cert: Path, key: Path, note: Note) -> Secured:
    """What a server shows to its clients; `note` is told of each that cannot be spoken with. Raises `TlsError`."""
    chain, secret = _text(cert), _text(key)
    if "-----BEGIN CERTIFICATE-----" not in chain:
        raise TlsError(f"{cert}: expected a certificate in PEM form (BEGIN CERTIFICATE), got none")
    if "PRIVATE KEY-----" not in secret:
        raise TlsError(f"{key}: expected a private key in PEM form (BEGIN PRIVATE KEY), got none")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.sslobject_class = _noting(note)

    def locked() -> str:
        raise TlsError(f"{key}: the key is locked with a password; give one that is not")

    try:
        context.load_cert_chain(cert, key, locked)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise TlsError(f"{key}: the key does not belong to the certificate in {cert}") from None
        raise TlsError(f"{cert}, {key}: not usable: {_reason(error)}") from None
    return context


def client_context(cacert: str, *, own: bool = False) -> Secured:
    """Whom a client trusts: the certificates in `cacert` alone. Raises `TlsError`.

    own: `cacert` is the very certificate that is expected, whatever names stand in it.
    """
    if "-----BEGIN CERTIFICATE-----" not in _text(Path(cacert)):
        raise TlsError(f"{cacert}: expected certificates in PEM form (BEGIN CERTIFICATE), got none")
    try:
        context = ssl.create_default_context(cafile=cacert)
    except ssl.SSLError as error:
        raise TlsError(f"{cacert}: not usable: {_reason(error)}") from None
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # one that no authority signed can be trusted too
    context.check_hostname = not own
    return context


def distrust(error: object) -> str | None:
    """Why a client does not trust a server, in words; None for any other error."""
    return (
        f"its certificate is not trusted: {error.verify_message}"
        if isinstance(error, ssl.SSLCertVerificationError)
        else None
    )


def _text(file: Path) -> str:
    try:
        return file.read_text("latin-1")
    except OSError as error:
        raise TlsError(f"{file}: {error.strerror or error}") from None


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "unknown").lower().replace("_", " ")


def _noting(note: Note) -> type[ssl.SSLObject]:
    """Connections whose failing is noted, in one line that shows none of their bytes."""

    class Noting(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                _tell(error)
                raise

        def read(self, len: int = 1024, buffer: bytearray | None = None) -> bytes:  # type: ignore[override]  # noqa: A002
            try:
                return super().read(len, buffer)
            except ssl.SSLError as error:  # with TLS 1.3 a client says only now what it does not trust
                if "ALERT" in (error.reason or ""):
                    _tell(error)
                raise

    def _tell(error: ssl.SSLError) -> None:
        note(f"refused a connection: {_WHY.get(error.reason or '', _reason(error))}")

    return Noting
