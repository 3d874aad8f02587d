"""Content encodings: a body without the compression that its `Content-Encoding` names."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

from mockserver.core import problems
from mockserver.core.reply import Problem

_WINDOW_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""The content encodings that are read, with what `zlib` needs to know of each."""


def decode_content(body: bytes, encodings: Iterable[str], limit: int, subject: str = "") -> bytes | Problem:
    """Undo the content encoding of a body, up to the limit; return a problem where that fails."""
    codings = [coding.strip().lower() for text in encodings for coding in text.split(",")]
    named = [coding for coding in codings if coding not in ("", "identity")]
    if not named:
        return body
    if len(named) > 1 or named[0] not in _WINDOW_BITS:
        return problems.unsupported_encoding(", ".join(named), list(_WINDOW_BITS))
    bits = _WINDOW_BITS[named[0]]
    if named[0] == "deflate" and body[0] & 0x0F != 8:  # without the header of zlib, as some clients send it
        bits = -bits
    decoder = zlib.decompressobj(bits)
    try:
        data = decoder.decompress(body, limit + 1)
    except zlib.error:
        return problems.undecodable_body(f"It is not {named[0]}, as its Content-Encoding says.")
    if len(data) > limit:
        return problems.too_large(limit, subject)
    if not decoder.eof:
        return problems.undecodable_body(f"It breaks off: the end of the {named[0]} data is missing.")
    if decoder.unused_data:
        return problems.undecodable_body(f"{len(decoder.unused_data)} bytes follow the end of its {named[0]} data.")
    return data
