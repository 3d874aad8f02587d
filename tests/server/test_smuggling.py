"""Framing that a proxy in front could read otherwise: it is refused, or no second request comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import pytest

from mockserver import Contract, Engine
from mockserver.server.server import serving
from tests.support import PATH, raw

HIDDEN: Final = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED: Final = b"0\r\n\r\n" + HIDDEN
"""A body that ends at once if it is chunked; behind it is another request."""

BYTES: Final = [bytes([byte]) for byte in (*range(0x30), *range(0x3A, 0x41), *range(0x5B, 0x61), *range(0x7B, 0x100))]
"""All that are neither letters nor digits."""

FORMS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "before the name": lambda byte: byte + b"Transfer-Encoding: chunked",
    "in the name": lambda byte: b"Transfer" + byte + b"Encoding: chunked",
    "behind the name": lambda byte: b"Transfer-Encoding" + byte + b": chunked",
    "before the value": lambda byte: b"Transfer-Encoding:" + byte + b"chunked",
    "behind the value": lambda byte: b"Transfer-Encoding: chunked" + byte,
    "before and behind the value": lambda byte: b"Transfer-Encoding:" + byte + b"chunked" + byte,
    "in another header": lambda byte: b"X: y" + byte + b"Transfer-Encoding: chunked",
    "in a length": lambda byte: b"Content-Length: 5" + byte,
    "before a length": lambda byte: b"Content-Length:" + byte + b"5",
}
"""Where an odd byte stands."""

ODD: Final = [
    *(
        b"Transfer-Encoding: " + value
        for value in (b"xchunked", b"chunked, identity", b"identity", b"chunked;a=b", b"")
    ),
    *(b"Transfer-Encoding: " + value for value in (b"'chunked'", b'"chunked"', b"cow", b"gzip, chunked", b"CHUNKED")),
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding\r\n : chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"X: y\nTransfer-Encoding: chunked",
    *(b"Content-Length: " + value for value in (b"5, 5", b"0x5", b"+5", b"-0", b"5.0", b"05", b"", b"1e1", b"\xb2")),
    b"Content-Length: 5\r\nContent-Length: 5",
]
"""Framing that is odd as a whole."""


async def hidden_requests(contract: Contract, lines: Iterable[bytes]) -> list[bytes]:
    """The lines with which the request behind the body was answered."""
    engine = Engine(contract)
    found = []
    async with serving(engine) as url:
        for line in lines:
            top = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n" % (PATH.encode(), len(CHUNKED))
            came = await asyncio.wait_for(raw(url, top + line + b"\r\nConnection: close\r\n\r\n" + CHUNKED), 10)
            seen = [one for one in await engine.storage.entries(None) if b"/hidden" in one.data.partition(b'"body"')[0]]
            if came.count(b"HTTP/1.1 ") != 1 or seen:
                found.append(line)
            await engine.storage.clear_entries("")
    return found


@pytest.mark.parametrize("form", FORMS)
async def test_no_odd_byte_hides_a_request(contract: Contract, form: str) -> None:
    """Beside a length, one answer comes, and what lies in the body stays body."""
    assert await hidden_requests(contract, map(FORMS[form], BYTES)) == []


async def test_no_odd_framing_hides_a_request(contract: Contract) -> None:
    """Codings and lengths of all kinds."""
    assert await hidden_requests(contract, ODD) == []
