"""TLS: the certificates that our own client and commands trust."""

from __future__ import annotations

import ssl
from pathlib import Path


class TlsError(ValueError):
    """Files from which no TLS can be made; the text says which and why in one line."""


def client_context(cacert: str, *, own: bool = False) -> ssl.SSLContext:
    """Whom a client trusts: the certificates in `cacert` alone. Raises `TlsError`.

    own: `cacert` is the very certificate that is expected, whatever names stand in it.
    """
    if "-----BEGIN CERTIFICATE-----" not in pem_text(Path(cacert)):
        raise TlsError(f"{cacert}: expected certificates in PEM form (BEGIN CERTIFICATE), got none")
    try:
        context = ssl.create_default_context(cafile=cacert)
    except ssl.SSLError as error:
        raise TlsError(f"{cacert}: not usable: {ssl_reason(error)}") from None
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


def pem_text(file: Path) -> str:
    """The text of a file. Raises `TlsError` where it cannot be read."""
    try:
        return file.read_text("latin-1")
    except OSError as error:
        raise TlsError(f"{file}: {error.strerror or error}") from None


def ssl_reason(error: ssl.SSLError) -> str:
    """Why TLS failed, in plain words."""
    return (error.reason or "unknown").lower().replace("_", " ")
