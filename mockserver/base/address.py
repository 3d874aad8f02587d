"""The URL of a server, the path of its health check, and parameters in paths; importing this imports no server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

MAX_PORT: Final = 65_535

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
"""The port of a URL that names none, by its scheme."""

HEALTH: Final = "/__admin/health"
"""The path of the health check, which needs no token."""

DEFAULT_URL: Final = "http://127.0.0.1:8080"
"""The address of a server that was started without options."""

_HOST: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_PATH_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]+)+")


def base_url(host: str, port: int, scheme: str = "http") -> str:
    """The URL of a server that listens on `host`, for a client on the same machine."""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - every interface; `::` takes IPv4 as well
        host = "127.0.0.1"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def public_url(headers: Mapping[str, str], scheme: str) -> str:
    """The address by which the client of a request reaches a server that speaks `scheme`; for people to read.

    A proxy in front says it in X-Forwarded-Proto, -Host and -Prefix. Otherwise it is that of the header Host, and
    without a usable one the default.
    """
    proto, host, prefix = (_forwarded(headers, name) for name in ("proto", "host", "prefix"))
    usable = next((one for one in (host, headers.get("host", "")) if _HOST.fullmatch(one)), "")
    if not usable:
        return DEFAULT_URL
    scheme = proto if proto in ("http", "https") else scheme
    return f"{scheme}://{usable}{prefix if _PATH_PREFIX.fullmatch(prefix) else ''}"


def _forwarded(headers: Mapping[str, str], name: str) -> str:
    """A header X-Forwarded-…; of several proxies the one next to the client."""
    return headers.get(f"x-forwarded-{name}", "").partition(",")[0].strip()


def host_name(headers: Mapping[str, str]) -> str:
    """The name in the header Host, without the port; that of this machine if there is no usable one."""
    found = _HOST.fullmatch(headers.get("host", ""))
    return found["name"] if found else "127.0.0.1"


def escape_segment(value: str) -> str:
    """A path parameter as `Request.path` holds it."""
    return value.replace("%", "%25").replace("/", "%2F")


def unescape_segment(segment: str) -> str:
    """The path parameter that a segment of `Request.path` holds."""
    return segment.replace("%2F", "/").replace("%25", "%")
