"""One request to the admin API of a running server, by urllib, and what went wrong with it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlencode

from mockserver.client import trust
from mockserver.core.values import printable

TIMEOUT = 30
"""Seconds after which a server that does not answer is given up."""


class UnreachableError(Exception):
    """No answer in HTTP came; the message says from where and why, `hint` what to try, if that is known."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep both."""
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, and the body as JSON or, where it is none, as text."""

    status: int
    body: Any

    @property
    def problem(self) -> str:
        """A problem document in one line."""
        if isinstance(self.body, dict) and "title" in self.body:
            return f"{self.body['title']}: {self.body.get('detail', '')}"
        return f"the server answered {self.status}"


@dataclass(frozen=True, slots=True)
class Address:
    """A running server, the sandbox in it (`""` for the default one) that is spoken of, and the admin token.

    `cacert` is the file with the certificates that are trusted; `""` for those of the system.
    """

    url: str
    sandbox: str = ""
    token: str = ""
    cacert: str = ""

    @property
    def base(self) -> str:
        """The base URL with the sandbox in it, without a slash at its end."""
        return self.url.rstrip("/") + (f"/sandbox/{quote(self.sandbox, safe='')}" if self.sandbox else "")

    def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, raw: bytes | None = None
    ) -> Answer:
        """One admin request below `/__admin`; `body` is sent as JSON, `raw` as it is.

        Raises `UnreachableError`, and `ValueError` where the address is none of HTTP or `cacert` no certificate.
        """
        target = f"{self.base}/__admin{path}" + (f"?{urlencode(query)}" if query else "")
        if not target.startswith(("http://", "https://")):
            raise ValueError(f"the address of a server begins with http:// or https://, not {printable(self.url, 80)}")
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data is not None else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        ask = opener(self.cacert).open
        try:
            request = urllib.request.Request(target, data, headers, method=method)  # noqa: S310 - checked above
            with ask(request, timeout=TIMEOUT) as response:
                return Answer(response.status, _value(response.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _value(error.read()))
        except (OSError, HTTPException, ValueError) as error:
            raise UnreachableError(f"{printable(target, 200)}: {reason(error)}", hint(error)) from None


def reason(error: Exception) -> str:
    """Why no answer came, in a few words."""
    why = getattr(error, "reason", None) or error
    return trust.distrust(why) or printable(str(why), 200)


def hint(error: Exception) -> str:
    """What to try then, if the error tells."""
    if trust.distrust(getattr(error, "reason", None)):
        return "trust it with --cacert FILE, cacert=FILE or MOCKSERVER_CACERT=FILE"
    return ""


@cache
def opener(cacert: str = "", *, own: bool = False) -> urllib.request.OpenerDirector:
    """What opens URLs; no proxy of the environment stands between a tester and the mock.

    `cacert`, `own`: as for `trust.client_context`. Raises `trust.TlsError`, a `ValueError`.
    """
    direct = urllib.request.ProxyHandler({})
    if not cacert:
        return urllib.request.build_opener(direct)
    return urllib.request.build_opener(
        direct, urllib.request.HTTPSHandler(context=trust.client_context(cacert, own=own))
    )


def _value(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")
