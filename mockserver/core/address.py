"""Where a server is found: the URL by which it is reached, and the path at which it says whether it is well.

Knows nothing else, so that who only asks for that imports no server.
"""

from __future__ import annotations

from typing import Final

HEALTH: Final = "/__admin/health"
"""The path that is served whatever is asked for, and without a token."""


def base_url(host: str, port: int, scheme: str = "http") -> str:
    """The URL by which a server on `host` is reached from the same machine."""
    shown = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"{scheme}://{shown}:{port}"
