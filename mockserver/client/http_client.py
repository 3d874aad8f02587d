"""One request to the admin API of a running server by urllib, and the reasons for which it fails."""

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

from mockserver.base.values import printable
from mockserver.client import trust

TIMEOUT = 30
"""Seconds to wait for an answer."""


class UnreachableError(Exception):
    """There was no HTTP answer; the message has the URL and the reason, `hint` what to try if that is known."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Take the message and the hint."""
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Response:
    """The response of the server: its status, and its body as JSON or else as text."""

    status: int
    body: Any

    @property
    def problem_text(self) -> str:
        """The problem document in one line."""
        if isinstance(self.body, dict) and "title" in self.body:
            return f"{self.body['title']}: {self.body.get('detail', '')}{_choices(self.body)}"
        return f"the server answered {self.status}"


def _choices(problem: Mapping[str, Any]) -> str:
    """The names that there are, as a sentence, if a problem document is about an unknown name."""
    if "did_you_mean" not in problem:
        return ""
    lists = [value for name, value in problem.items() if name != "did_you_mean" and isinstance(value, list) and value]
    return f" Expected one of {', '.join(map(str, lists[0]))}." if lists else ""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a sandbox: server, name of the sandbox (`""` for the default one), and admin token.

    cacert: the file of trusted certificates; `""` for those of the system.
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
    ) -> Response:
        """Send one admin request below `/__admin`; `body` is sent as JSON, `raw` as it is.

        Raises `UnreachableError`, and `ValueError` for an address that is not HTTP or a bad `cacert`.
        """
        target = f"{self.base}/__admin{path}" + (f"?{urlencode(query)}" if query else "")
        if not target.startswith(("http://", "https://")):
            raise ValueError(f"the address of a server begins with http:// or https://, not {printable(self.url, 80)}")
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data is not None else {}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        open_url = opener(self.cacert).open
        try:
            request = urllib.request.Request(target, data, headers, method=method)  # noqa: S310 - checked above
            with open_url(request, timeout=TIMEOUT) as response:
                return Response(response.status, _json_or_text(response.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, _json_or_text(error.read()))
        except (OSError, HTTPException, ValueError) as error:
            raise UnreachableError(f"{printable(target, 200)}: {failure_reason(error)}", hint(error)) from None


def failure_reason(error: Exception) -> str:
    """Why there was no answer, in a few words."""
    cause = getattr(error, "reason", None) or error
    return trust.certificate_error(cause) or printable(str(cause), 200)


def hint(error: Exception) -> str:
    """What to try after an error, if that is known."""
    if trust.certificate_error(getattr(error, "reason", None)):
        return "trust it with --cacert FILE, cacert=FILE or MOCKSERVER_CACERT=FILE"
    return ""


@cache
def opener(cacert: str = "", *, pinned: bool = False) -> urllib.request.OpenerDirector:
    """Make a urllib opener that ignores the proxies of the environment.

    `cacert`, `pinned`: as for `trust.client_context`. Raises `trust.TlsError`, a `ValueError`.
    """
    no_proxy = urllib.request.ProxyHandler({})
    if not cacert:
        return urllib.request.build_opener(no_proxy)
    return urllib.request.build_opener(
        no_proxy, urllib.request.HTTPSHandler(context=trust.client_context(cacert, pinned=pinned))
    )


def _json_or_text(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")
