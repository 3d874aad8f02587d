"""TLS of our client and commands: which certificates they trust."""

from __future__ import annotations

import ssl
from pathlib import Path


class TlsError(ValueError):
    """A certificate file that cannot be used; the message has the file and the reason."""


def client_context(cacert: str, *, pinned: bool = False) -> ssl.SSLContext:
    """Make the TLS context of a client that trusts only the certificates in `cacert`. Raises `TlsError`.

    pinned: `cacert` is the certificate of the server itself; its host names are not checked.
    """
    if "-----BEGIN CERTIFICATE-----" not in pem_text(Path(cacert)):
        raise TlsError(f"{cacert}: expected certificates in PEM form (BEGIN CERTIFICATE), got none")
    try:
        context = ssl.create_default_context(cafile=cacert)
    except ssl.SSLError as error:
        raise TlsError(f"{cacert}: not usable: {ssl_reason(error)}") from None
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # trust self-signed certificates too
    context.check_hostname = not pinned
    return context


def certificate_error(error: object) -> str | None:
    """Why a server certificate is not trusted; None for any other error."""
    return (
        f"its certificate is not trusted: {error.verify_message}"
        if isinstance(error, ssl.SSLCertVerificationError)
        else None
    )


def pem_text(file: Path) -> str:
    """The text of a PEM file. Raises `TlsError` if it cannot be read."""
    try:
        return file.read_text("latin-1")
    except OSError as error:
        raise TlsError(f"{file}: {error.strerror or error}") from None


def ssl_reason(error: ssl.SSLError) -> str:
    """Why TLS failed, in plain words."""
    return (error.reason or "unknown").lower().replace("_", " ")
