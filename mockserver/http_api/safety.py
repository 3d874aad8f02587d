"""Access to the admin API and CORS of the operations: token, hosts, origins."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from mockserver.base.address import DEFAULT_PORTS, MAX_PORT
from mockserver.base.values import printable
from mockserver.core.problems import problem
from mockserver.core.reply import Headers, Problem, Reply

PREFLIGHT_SECONDS: Final = "600"
"""How long a browser may keep the answer to a preflight request."""


_HOST_NAME: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?")
_ORIGIN: Final = re.compile(
    r"\*|null|(?P<scheme>[a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:(?P<port>[1-9][0-9]{0,4}))?"
)
_ALWAYS_READABLE: Final = frozenset(["cache-control", "content-length", "content-type"])
"""Response headers that a page of another origin may read without being told so."""


def check_host_name(text: str) -> None:
    """Check a name of --allowed-host. Raises `ValueError` for one that no `Host` can match."""
    if not _HOST_NAME.fullmatch(text):
        raise ValueError(
            f"expected a host name such as mock.example, without scheme, port and path, got {printable(text, 80)}"
        )


def check_origin(text: str) -> None:
    """Check an origin of --cors-origin. Raises `ValueError` for one that no browser sends."""
    match = _ORIGIN.fullmatch(text)
    port = int(match["port"] or 0) if match is not None else 0
    if match is None or port > MAX_PORT or port == DEFAULT_PORTS.get(match["scheme"]):
        raise ValueError(
            "expected * or an origin as browsers send it, such as http://localhost:3000 (lower case, without path "
            f"and default port), got {printable(text, 80)}"
        )


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call: the admin token, host names of the admin API, origins whose pages may read the operations."""

    token: str = ""
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()

    def is_authorized(self, headers: Mapping[str, str]) -> bool:
        """Whether a request has the token, if there is one; compared in constant time."""
        if not self.token:
            return True
        scheme, _, token = headers.get("authorization", "").partition(" ")
        is_equal = hmac.compare_digest(token.strip().encode("utf-8", "replace"), self.token.encode())
        return is_equal and scheme.lower() == "bearer"

    def refusal(self, headers: Mapping[str, str]) -> Problem | None:
        """The refusal of an admin request to an unknown host, or from a page of another origin; None for any other.

        The host is checked in every request: a page whose own name resolves to this server (DNS rebinding) sends
        neither `Origin` nor `Sec-Fetch-…` with a GET. Browsers always send `Host`; HTTP/1.0 clients may not.
        """
        host = headers.get("host")
        if host is None:
            return None
        if not self._is_allowed(host):
            got = printable(host, 100) or "an empty one"
            detail = f"Expected a loopback name, an IP address or a name of --allowed-host, got {got}."
            return problem(403, "foreign-host", "The admin API is not served under this host", detail)
        if "origin" not in headers and not any(name.lower().startswith("sec-fetch-") for name in headers):
            return None
        site = headers.get("sec-fetch-site", "none")
        origin = headers.get("origin")
        if site not in ("same-origin", "none") or (origin is not None and not _is_same_origin(origin, host)):
            return _forbidden("A browser sent it from a page of another origin; the admin API is not for other pages.")
        return None

    def _is_allowed(self, host: str) -> bool:
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

    def cors_headers(self, headers: Mapping[str, str], reply: Iterable[str] = ()) -> Headers:
        """The CORS headers of an answer; none where the page's origin is not allowed.

        reply: the names of the answer's own headers, which a page may read.
        """
        if not self.cors_origins:
            return ()
        origin = headers.get("origin")
        any_origin = "*" in self.cors_origins
        if origin is None or not (any_origin or origin in self.cors_origins):
            return ()
        found = [("Access-Control-Allow-Origin", "*" if any_origin else origin)]
        if not any_origin:
            found.append(("Vary", "Origin"))
        exposed = ", ".join(name for name in reply if name.lower() not in _ALWAYS_READABLE)
        if exposed:
            found.append(("Access-Control-Expose-Headers", exposed))
        return tuple(found)

    def preflight(self, method: str, headers: Mapping[str, str]) -> Reply | None:
        """The answer to a CORS preflight of an allowed origin; None for any other request."""
        if method != "OPTIONS":
            return None
        requested_method = headers.get("access-control-request-method")
        cors = self.cors_headers(headers)
        if requested_method is None or not cors:
            return None
        allowed = [("Access-Control-Allow-Methods", printable(requested_method, 40))]
        requested_headers = headers.get("access-control-request-headers")
        if requested_headers:
            allowed.append(("Access-Control-Allow-Headers", printable(requested_headers, 4_000)))
        return Reply(204, (*cors, *allowed, ("Access-Control-Max-Age", PREFLIGHT_SECONDS)), b"")


def _is_same_origin(origin: str, host: str) -> bool:
    """Whether an origin is that of a `Host` header; default ports may be left out."""
    try:
        left, right = urlsplit(origin), urlsplit(f"//{host}")
        default_port = DEFAULT_PORTS[left.scheme]
        is_equal = (left.hostname, left.port or default_port) == (right.hostname, right.port or default_port)
    except (KeyError, ValueError):  # `null`, or not an origin
        return False
    return is_equal


def embedding_refusal(headers: Mapping[str, str]) -> Problem | None:
    """The refusal of a console file that a page of another origin embeds; None for any other request.

    Links to the console are allowed, and any `Host`: the files hold no data.
    """
    is_navigation = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    if is_navigation or headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return None
    return _forbidden("A page of another origin embeds it; the console is not served to other pages.")


def _forbidden(detail: str) -> Problem:
    return problem(403, "foreign-page", "The admin API does not answer this page", detail)


def unauthorized(headers: Mapping[str, str]) -> Problem:
    """401: the request has no token, or a wrong one."""
    detail = (
        "The token that was sent is not the server's: check --admin-token or MOCKSERVER_ADMIN_TOKEN."
        if "authorization" in headers
        else "Send the header Authorization: Bearer TOKEN, with the value of --admin-token."
    )
    return problem(401, "token-needed", "The admin API asks for a token", detail, {"WWW-Authenticate": "Bearer"})


def admin_not_served(why: str) -> Problem:
    """404: the admin API is not served here."""
    return problem(404, "no-admin-here", "The admin API is not served here", why)
