"""Who may use the admin API, and from which pages a browser may: tokens, hosts, origins.

Knows headers as names and values; it knows no route and no socket.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from mockserver.core.problems import problem
from mockserver.core.reply import Reply
from mockserver.core.values import printable

PREFLIGHT_SECONDS: Final = "600"
"""How long a browser may keep the answer to a preflight request."""


@dataclass(frozen=True, slots=True)
class Access:
    """What was set: a token for the admin API, hosts by which browsers may call it, origins for the operations."""

    token: str = ""
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request bears the token, if one is asked for; the comparison takes the same time for any."""
        if not self.token:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), self.token.encode())
        return same and scheme.lower() == "bearer"

    def refusal(self, headers: Mapping[str, str]) -> Reply | None:
        """Why a browser's request to the admin API is refused; None for one that is not, or from no browser."""
        if "origin" not in headers and not any(name.lower().startswith("sec-fetch-") for name in headers):
            return None
        host = headers.get("host", "")
        if not self._known(host):
            return _forbidden(
                f"A browser sent it to the host {printable(host, 100)}, which is neither loopback nor an IP address. "
                "--allowed-host NAME allows it."
            )
        site = headers.get("sec-fetch-site", "none")
        origin = headers.get("origin")
        if site not in ("same-origin", "none") or (origin is not None and not _same(origin, host)):
            return _forbidden("A browser sent it from a page of another origin; the admin API is not for other pages.")
        return None

    def _known(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name == "localhost" or name.endswith(".localhost") or name in map(str.lower, self.allowed_hosts):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def cors(self, headers: Mapping[str, str], reply: Iterable[str] = ()) -> tuple[tuple[str, str], ...]:
        """The headers that let a page read an answer that has headers of these names; none for other pages."""
        if not self.cors_origins:
            return ()
        origin = headers.get("origin")
        everyone = "*" in self.cors_origins
        if origin is None or not (everyone or origin in self.cors_origins):
            return ()
        shown = ", ".join(name for name in reply if name.startswith("Mock-") or name in ("Retry-After", "Allow"))
        return (
            ("Access-Control-Allow-Origin", "*" if everyone else origin),
            *(() if everyone else (("Vary", "Origin"),)),
            *((("Access-Control-Expose-Headers", shown),) if shown else ()),
        )

    def preflight(self, method: str, headers: Mapping[str, str]) -> Reply | None:
        """The answer to a browser's question whether a page may send its request; None for any other request."""
        if method != "OPTIONS":
            return None
        wanted = headers.get("access-control-request-method")
        opened = self.cors(headers)
        if wanted is None or not opened:
            return None
        asked = headers.get("access-control-request-headers")
        return Reply(
            204,
            (
                *opened,
                ("Access-Control-Allow-Methods", printable(wanted, 40)),
                *((("Access-Control-Allow-Headers", printable(asked, 4_000)),) if asked else ()),
                ("Access-Control-Max-Age", PREFLIGHT_SECONDS),
            ),
            b"",
        )


def _same(origin: str, host: str) -> bool:
    """Whether an origin is that of a host as a request names it; the port of a scheme need not be named."""
    try:
        left, right = urlsplit(origin), urlsplit(f"//{host}")
        usual = {"http": 80, "https": 443}[left.scheme]
        same = (left.hostname, left.port or usual) == (right.hostname, right.port or usual)
    except (KeyError, ValueError):  # `null`, or no origin at all
        return False
    return same


def strange(headers: Mapping[str, str]) -> Reply | None:
    """Why a file of the console is refused to a browser: a page of another origin takes it in.

    A link on such a page may lead to the console, and its host may have any name: the files hold no data.
    """
    opened = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    if opened or headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return None
    return _forbidden("A page of another origin takes it in; the console is no part of other pages.")


def _forbidden(detail: str) -> Reply:
    return problem(403, "foreign-page", "The admin API does not answer this page", detail)


def unauthorized() -> Reply:
    """401: the admin API asks for a token that did not come."""
    return problem(
        401,
        "token-needed",
        "The admin API asks for a token",
        "Send the header Authorization: Bearer TOKEN, with what --admin-token was given.",
        {"WWW-Authenticate": "Bearer"},
    )


def elsewhere(why: str) -> Reply:
    """404: the admin API is not served here."""
    return problem(404, "no-admin-here", "The admin API is not served here", why)
