"""The provider as a run sees it: where requests go, and how they are sent."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from mockserver.core.model import Request


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go, and how.

    rate: at most so many requests a second. timeout: seconds for a whole answer.
    proxy: its URL; `""` for none. cacert: the file of trusted certificates; `""` for those of the system.
    """

    url: str
    rate: float = 1.0
    timeout: float = 30.0
    proxy: str = ""
    cacert: str = ""

    def url_of(self, request: Request) -> str:
        """The URL of a request."""
        query = f"?{urlencode(request.query)}" if request.query else ""
        return f"{self.url.rstrip('/')}{quote(request.path, safe='/%')}{query}"
