"""The head of a request: why one is refused that is not valid HTTP/1.1, or asks for what is not supported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web

from mockserver.base.address import MAX_PORT
from mockserver.base.values import printable
from mockserver.core.problems import not_http, problem, unsupported_http
from mockserver.core.reply import Problem
from mockserver.privacy.masks import mask_host

MAX_HEADERS: Final = 128
MAX_LINE_BYTES: Final = 8_190
"""Limits on the head of a request: the number of headers, and the bytes of a header or of the request line."""

BROKEN_CHUNKS: Final = "The chunk framing of its body is broken."

_HOST_PATTERN: Final = re.compile(r"([A-Za-z0-9._~%-]*|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9._~-]+)?\])(:(?P<port>[0-9]{0,5}))?")
_ABSOLUTE_TARGET: Final = re.compile(r"(?i)https?://([^/?#]+)")
_REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\S+) HTTP/([0-9]+(?:\.[0-9]+)?)")
_CODINGS: Final = re.compile(rb"(?im)^transfer-encoding[ \t]*:[ \t]*([^\r\n]*)")
_REASONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Expected Host, got none.": ("Missing 'Host'",),
    "Expected one Host, got several.": ("Duplicate 'Host'",),
    "Expected HTTP, got TLS: the client speaks https, and this port does not.": ("Received HTTPS",),
    "Expected NAME: VALUE in each header, without control characters, and a line for each.": (
        "Invalid header",
        "Missing expected CR after header",
        "Missing expected LF after header",
        "Unexpected whitespace after header",
        "Expected LF after headers",
    ),
    "Expected one Content-Length, got several.": ("Duplicate Content-Length",),
    "Expected a number of bytes as Content-Length.": (
        "Invalid character in Content-Length",
        "Empty Content-Length",
        "Content-Length overflow",
    ),
    "Expected Content-Length or Transfer-Encoding, got both.": ("Content-Length can't", "Transfer-Encoding can't"),
    "Expected chunked, once and alone, as Transfer-Encoding.": (
        "Invalid `Transfer-Encoding`",
        "Request has invalid `Transfer-Encoding`",
    ),
    BROKEN_CHUNKS: (
        "Invalid character in chunk",
        "Invalid quoted-pair in chunk",
        "Chunk size overflow",
        "Expected LF after chunk",
        "Missing expected CR after chunk",
    ),
    "Bytes follow a request that ends its connection.": ("Data after",),
}
"""Why a head cannot be parsed, and the beginnings of aiohttp's texts that say so.

Its texts are not shown: they may hold the target, with secrets.
"""


def head_problem(request: web.BaseRequest) -> Problem | None:
    """The problem with a head that aiohttp took; None if there is none."""
    version, headers = request.version, request.headers
    if version not in (HttpVersion11, HttpVersion10):
        return _unsupported_version(f"{version.major}.{version.minor}")
    host = headers.get("Host", "")
    if not _is_host(host):
        return not_http(f"Expected a host with or without a port as Host, got {printable(mask_host(host), 80)}.")
    target = request.raw_path
    if not target.startswith(("/", "*")):  # an absolute one, as for a proxy
        found = _ABSOLUTE_TARGET.match(target)
        if request.method != hdrs.METH_CONNECT and (found is None or not _is_host(found[1])):
            return not_http("Expected a path, or http:// and a host with or without a port, as target.")
    if "Transfer-Encoding" in headers:
        coding = headers["Transfer-Encoding"].strip().lower()
        if not coding:
            return not_http("Expected chunked as Transfer-Encoding, got an empty one.")
        if coding != "chunked":
            return _unsupported_coding(coding)
    if request.method == hdrs.METH_CONNECT:
        return _unsupported_method("CONNECT")
    return None


def _is_host(text: str) -> bool:
    """Whether a text is a host, with a port or without."""
    found = _HOST_PATTERN.fullmatch(text)
    return found is not None and int(found["port"] or 0) <= MAX_PORT


def unreadable_head(received: bytes, message: str) -> Problem:
    """The problem with a head that aiohttp could not parse.

    `message` is what aiohttp says; `received` may be empty, or begin with the request before.
    """
    lines = received.lstrip(b"\r\n").partition(b"\r\n\r\n")[0].split(b"\r\n")
    begins_well = re.match(rb"[A-Z]{1,20} ", lines[0])
    if begins_well and (len(lines) > MAX_HEADERS + 1 or any(len(line) > MAX_LINE_BYTES for line in lines)):
        what = f"A request has at most {MAX_HEADERS} headers, and no line longer than {MAX_LINE_BYTES} bytes."
        return problem(431, "headers-too-large", "The head of the request is too large", what)
    found = _REQUEST_LINE.fullmatch(lines[0])
    if found is not None:
        method, version = found[1].decode(), found[3].decode()
        if version not in ("1.1", "1.0"):
            return _unsupported_version(version)
        if message.startswith("Invalid method") and method not in hdrs.METH_ALL:
            return _unsupported_method(method)
        codings = b", ".join(_CODINGS.findall(b"\n".join(lines[1:]))).decode("ascii", "replace").lower()
        if any(coding.strip() not in ("", "chunked") for coding in codings.split(",")):
            return _unsupported_coding(codings)
    reasons = (reason for reason, beginnings in _REASONS.items() if message.startswith(beginnings))
    return not_http(next(reasons, "The request line, or what stands in its place, cannot be read."))


def _unsupported_version(version: str) -> Problem:
    return unsupported_http(505, f"Expected HTTP/1.1 or HTTP/1.0, got HTTP/{version}.")


def _unsupported_method(method: str) -> Problem:
    return unsupported_http(501, f"There is no method {printable(method, 40)} here; names of methods are in capitals.")


def _unsupported_coding(coding: str) -> Problem:
    return unsupported_http(501, f"Expected chunked as Transfer-Encoding, got {printable(coding, 80)}.")
