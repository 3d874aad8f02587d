"""One request to the admin API of a running server by urllib, and the reasons for which it fails."""

from __future__ import annotations

import errno
import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from mockserver.base.values import printable
from mockserver.client import trust
from mockserver.privacy.masks import mask_userinfo

TIMEOUT = 30
"""Seconds to wait for an answer."""

_PIECE = 65_536


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


class RefusedError(Exception):
    """The server refused to open a stream; `response` says why."""

    def __init__(self, response: Response) -> None:
        """Take the response."""
        super().__init__(response.problem_text)
        self.response = response


def _choices(problem: Mapping[str, Any]) -> str:
    """The names that there are, as a sentence, if a problem document is about an unknown name."""
    if "did_you_mean" not in problem:
        return ""
    lists = [value for name, value in problem.items() if name != "did_you_mean" and isinstance(value, list) and value]
    names = [value for value in lists if isinstance(value[0], str)]
    return f" Expected one of {', '.join(names[0])}." if names else ""


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
    def base_url(self) -> str:
        """The base URL with the sandbox in it, without a slash at its end."""
        return self.url.rstrip("/") + (f"/sandbox/{quote(self.sandbox, safe='')}" if self.sandbox else "")

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        media_type: str = "application/json",
    ) -> Response:
        """Send one admin request below `/__admin`; `body` is sent as JSON, or as it is if it is bytes of `media_type`.

        Raises `UnreachableError`, and `ValueError` for an address that is not HTTP or a bad `cacert`.
        """
        target = self._target(path, query)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": media_type} if data is not None else {}
        open_url = opener(self.cacert).open
        try:
            with open_url(self._request(method, target, headers, data), timeout=TIMEOUT) as response:
                return Response(response.status, _json_or_text(response.read()))
        except urllib.error.HTTPError as error:
            return error_response(error)
        except (OSError, HTTPException, ValueError) as error:
            raise _unreachable(target, error) from None

    def stream(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Iterator[bytes]:
        """Give the lines of an answer below `/__admin` as they come; the end of the answer is the end of the lines.

        Raises `RefusedError` for a problem, `UnreachableError` if the connection breaks, `ValueError` as `call` does.
        """
        target = self._target(path, query)
        open_url = opener(self.cacert).open
        try:
            with open_url(self._request("GET", target, headers), timeout=TIMEOUT) as response:
                yield from _lines(response)
        except urllib.error.HTTPError as error:
            raise RefusedError(error_response(error)) from None
        except (OSError, HTTPException, ValueError) as error:
            raise _unreachable(target, error) from None

    def _target(self, path: str, query: Mapping[str, str] | None) -> str:
        target = f"{self.base_url}/__admin{path}" + (f"?{urlencode(query)}" if query else "")
        check_url(self.url)
        return target

    def _request(
        self, method: str, target: str, headers: Mapping[str, str], data: bytes | None = None
    ) -> urllib.request.Request:
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return urllib.request.Request(target, data, {**headers, **token}, method=method)  # noqa: S310 - by `_target`


def check_url(url: str) -> None:
    """Check the URL of a server. Raises `ValueError`, whose message has no password."""
    got = printable(mask_userinfo(url), 80)
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"the address of a server begins with http:// or https://, got {got}")
    if "@" in url.split("/")[2]:
        raise ValueError(f"the address of a server has no user name and no password, got {got}")
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError(f"the address of a server has a host, and at most a port up to 65535, got {got}") from None


def _lines(response: HTTPResponse) -> Iterator[bytes]:
    """The lines of a response without their ends. By `read1`: the iterator of a response hides that it broke off."""
    rest = b""
    while data := response.read1(_PIECE):
        *lines, rest = (rest + data).split(b"\n")
        yield from lines


def _unreachable(target: str, error: Exception) -> UnreachableError:
    return UnreachableError(f"{printable(target, 200)}: {failure_reason(error)}", hint(target, error))


def error_response(error: urllib.error.HTTPError) -> Response:
    """The response of an error status, read to its end."""
    with error:
        return Response(error.code, _json_or_text(error.read()))


def _cause(error: Exception) -> object:
    """What urllib wraps in an error of its own: an exception or a text."""
    return error.reason if isinstance(error, urllib.error.URLError) else error


def failure_reason(error: Exception) -> str:
    """Why there was no answer, in a few words without an address."""
    cause = _cause(error)
    if _speaks_no_tls(cause):
        return "it does not speak TLS"
    if isinstance(cause, ssl.SSLError):
        return trust.certificate_error(cause) or f"no TLS: {trust.ssl_reason(cause)}"
    if isinstance(cause, OSError) and cause.errno:
        # asyncio's own text names the address; the negative numbers are those of name resolution.
        return os.strerror(cause.errno) if cause.errno > 0 else printable(cause.strerror or str(cause), 200)
    if isinstance(cause, IncompleteRead):
        return "the answer broke off"
    if isinstance(cause, ConnectionResetError) and not str(cause):
        return os.strerror(errno.ECONNRESET)  # that of asyncio, where a TLS handshake is cut off
    return printable(str(cause) or type(cause).__name__, 200)


def _speaks_no_tls(cause: object) -> bool:
    return isinstance(cause, ssl.SSLError) and cause.reason == "WRONG_VERSION_NUMBER"


def hint(url: str, error: Exception) -> str:
    """What to try after an error at a URL, if that is known."""
    cause = _cause(error)
    if trust.certificate_error(cause):
        return "trust it with --cacert FILE, cacert=FILE or MOCKSERVER_CACERT=FILE"
    if isinstance(cause, RemoteDisconnected) and url.startswith("http://"):
        return "does the server speak https?"
    if _speaks_no_tls(cause):
        return "try http:// in place of https://"
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
