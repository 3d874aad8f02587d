"""The URL of a server, the path of its health check, and parameters in paths; importing this imports no server."""

from __future__ import annotations

from typing import Final

MAX_PORT: Final = 65_535

HEALTH: Final = "/__admin/health"
"""The path of the health check, which needs no token."""


def base_url(host: str, port: int, scheme: str = "http") -> str:
    """The URL of a server that listens on `host`, for a client on the same machine."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - every interface; `::` takes IPv4 as well
        host = "127.0.0.1"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def escape_segment(value: str) -> str:
    """A path parameter as `Request.path` holds it."""
    return value.replace("%", "%25").replace("/", "%2F")


def unescape_segment(segment: str) -> str:
    """The path parameter that a segment of `Request.path` holds."""
    return segment.replace("%2F", "/").replace("%25", "%")
