"""What no good client sends, tried on a server: each try says what has to come back, and leaves nothing open.

`tests/robustness/wire.py` tries it at length, `tests/robustness/test_wire.py` for a few seconds.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Final
from urllib.parse import urlsplit

from tests.support import LASTING, PATH, PATIENCE, answer, head

BODY: Final = json.dumps(LASTING).encode()
CLOSE: Final = "Connection: close"
CHUNKED: Final = (CLOSE, "Transfer-Encoding: chunked")
HEALTH: Final = head("GET", "/__admin/health")


def request(*headers: str, body: bytes = BODY) -> bytes:
    """A request that succeeds."""
    return head("POST", PATH, *headers, length=len(body)) + body


def chunks(body: bytes, sizes: Iterable[int]) -> bytes:
    """A body in chunks of these sizes, the last of which ends it."""
    parts, at = [], 0
    for size in sizes:
        part = body[at : at + size]
        at += size
        if part:
            parts.append(b"%x\r\n%s\r\n" % (len(part), part))
    return b"".join([*parts, b"0\r\n\r\n"])


def statuses(came: bytes) -> list[int]:
    """The statuses of all answers."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] ([0-9]{3})", came)]


async def opened(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection."""
    split = urlsplit(url)
    return await asyncio.open_connection(split.hostname, split.port)


async def idle_connection(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection on which one request was answered."""
    reader, writer = await opened(url)
    writer.write(request())
    await answer(reader)
    return reader, writer


async def exchanged(url: str, *parts: bytes, half: bool = False) -> bytes:
    """All that comes for these parts, each sent by itself, up to the end; `half` closes our side after them."""
    reader, writer = await opened(url)
    came = bytearray()
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if half:
            writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            while data := await reader.read(65_536):
                came += data
    except ConnectionError:
        came += b" reset"
    finally:
        writer.close()
    return bytes(came)


async def is_well(url: str) -> None:
    """The next request is answered."""
    assert statuses(await exchanged(url, request(CLOSE))) == [200]


async def expect(url: str, wanted: Sequence[int], sent: Iterable[bytes], *, half: bool = False) -> str:
    """Each of these is met with just these answers and the end of the connection."""
    count = 0
    for one in sent:
        came = await exchanged(url, one, half=half)
        assert statuses(came) == [*wanted], f"{one[:300]!r} was met with {came[:300]!r}, not with {wanted}"
        await is_well(url)
        count += 1
    return f"{count} kinds: {', '.join(map(str, wanted)) or 'closed without an answer'}"


# -- the tries ----------------------------------------------------------------------------------------


async def pipelining(url: str, _: Random, scale: int) -> str:
    """Many requests before the first answer is read, each answered, in order."""
    count = 300 * scale
    reader, writer = await opened(url)

    async def ask() -> None:
        for number in range(count):
            writer.write(request("Mock-Scenario: rfc-invalid") if number % 3 == 0 else request())
            await writer.drain()

    asking = asyncio.ensure_future(ask())
    for number in range(count):
        status = (await answer(reader))[0]
        assert status.split()[1] == ("400" if number % 3 == 0 else "200"), (number, status)
    await asking
    writer.close()
    return f"{count} requests in one go"


async def split_heads(url: str, rng: Random, scale: int) -> str:
    """A request cut at every place, and into many pieces at random ones."""
    whole = request()
    reader, writer = await opened(url)
    cuts = [[at] for at in range(1, len(whole), 1 if scale > 1 else 7)]
    cuts += [sorted(rng.sample(range(1, len(whole)), rng.randint(2, 40))) for _ in range(20 * scale)]
    for cut in cuts:
        for start, end in pairwise([0, *cut, len(whole)]):
            writer.write(whole[start:end])
            await asyncio.sleep(0)
        assert (await answer(reader))[0] == "HTTP/1.1 200 OK", cut
    writer.close()
    return f"{len(cuts)} requests in pieces"


async def odd_chunks(url: str, rng: Random, scale: int) -> str:
    """Chunks of one byte, with zeros before their size, extensions and trailers, cut anywhere."""
    kinds = [
        chunks(BODY, [1] * len(BODY)),
        b"0000%X\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
        b'%x;a=b;c="d"\r\n%s\r\n0;x\r\n\r\n' % (len(BODY), BODY),
        b"%x\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(BODY), BODY),
        *(chunks(BODY, (rng.randint(1, 60) for _ in BODY)) for _ in range(10 * scale)),
    ]
    for body in kinds:
        whole = head("POST", PATH, *CHUNKED) + body
        cut = sorted(rng.sample(range(1, len(whole)), 3))
        parts = [whole[a:b] for a, b in pairwise([0, *cut, len(whole)])]
        assert statuses(await exchanged(url, *parts)) == [200], body
    return f"{len(kinds)} bodies"


async def broken_chunks(url: str, _: Random, __: int) -> str:
    """Sizes that are none, chunks without an end; at once or in mid-body."""
    broken = (
        b"-1\r\n{}",
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b"F" * 17 + b"\r\n{}",
        b"2\r\n{}0\r\n\r\n",
        b"2\n{}\n0\n\n",
        b"x\r\n",
    )
    top = head("POST", PATH, *CHUNKED)
    told = await expect(url, [400], (top + one for one in broken))
    for one in broken:
        reader, writer = await opened(url)
        writer.write(head("POST", PATH, *CHUNKED, "Expect: 100-continue"))
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
        writer.write(b"1\r\n{\r\n" + one)
        assert (await answer(reader))[0].split()[1] == "400", one
        writer.close()
    return f"{told}, and as many in mid-body"


async def conflicting_lengths(url: str, _: Random, __: int) -> str:
    """More lengths than one, lengths that are none, and lengths beside chunks."""
    size = f"Content-Length: {len(BODY)}"
    heads = [
        [size, "Content-Length: 3"],
        [size, size],
        [f"{size}, {len(BODY)}"],
        *([f"Content-Length: {length}"] for length in ("+2", "-2", "0x2", "2 2", "9" * 30, "two", "")),
        [size, "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", size],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding : chunked"],
    ]
    codings = [f"Transfer-Encoding: {coding}" for coding in ("chunked, identity", "gzip, chunked", "xchunked")]
    await expect(url, [501], (head("POST", PATH, CLOSE, coding) + BODY for coding in codings))
    return await expect(url, [400], (head("POST", PATH, CLOSE, *lines) + BODY for lines in heads))


async def huge_heads(url: str, _: Random, scale: int) -> str:
    """Lines and headers beyond all reason, and a head that never ends."""
    size = 500_000 * scale
    heads = [
        head("POST", PATH, "X: " + "x" * size),
        head("POST", PATH, "x" * size + ": x"),
        head("POST", PATH, *["X: x"] * (size // 100)),
        head("POST", PATH + "?" + "x" * size),
        head("POST", PATH + "x" * size),
    ]
    return await expect(url, [431], heads) + f", of {size:,} bytes"


async def bytes_that_are_no_http(url: str, _: Random, __: int) -> str:
    """Bare line feeds, control characters, folded headers, names that are none, other protocols."""
    whole = request(CLOSE)
    line = f"POST {PATH} HTTP/1.1".encode()
    heads = ("X: a\nY: b", "X: a\rY: b", "X: a\0b", "X: a\r\n b", "X : a", "Xabc", ": abc", "Host: other")
    sent = [
        whole.replace(b"\r\n", b"\n"),
        *(request(CLOSE, one) for one in heads),
        whole.replace(b"Host: localhost\r\n", b""),
        *(whole.replace(b"HTTP/1.1", version) for version in (b"http/1.1", b"HTTP/1.1 x")),
        *(whole.replace(b"POST", method) for method in (b"P@ST", b" POST")),
        *(whole.replace(line, one) for one in (b"POST", b"POST /\0 HTTP/1.1", b"POST http://[::1 HTTP/1.1")),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        b"SSH-2.0-OpenSSH_9.6\r\n",
        bytes(range(256)) * 100,
    ]
    versions = (b"HTTP/1.2", b"HTTP/9.9", b"HTTP/2.0", b"HTTP/0.9")
    await expect(url, [505], (whole.replace(b"HTTP/1.1", version) for version in versions))
    await expect(url, [505], [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /__admin/health\r\n\r\n"])
    await expect(url, [501], (whole.replace(b"POST", method) for method in (b"FOOBAR", b"A" * 5_000, b"post")))
    return await expect(url, [400], sent)


async def old_versions(url: str, _: Random, __: int) -> str:
    """HTTP/1.0 gets its answer and the end, or goes on where it asks for that; no Host is needed there."""
    old = request().replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"Host: localhost\r\n", b"")
    kept = request("Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")
    told = await expect(url, [200], [old, b"\r\n\r\n" + old])
    await expect(url, [200, 200], [kept + old])
    return f"{told}; one that goes on"


async def half_closed(url: str, _: Random, __: int) -> str:
    """Our side is closed: behind whole requests all are answered, behind half a one none is."""
    for count in (1, 2, 10):
        await expect(url, [200] * count, [request() * count], half=True)
    return await expect(url, [], [b"", b"POST", HEALTH[:-2], request()[:-1], head("POST", PATH, length=9)], half=True)


async def never_reading(url: str, _: Random, scale: int) -> str:
    """A client that asks on and on, and reads nothing, is let go; what it left behind is not kept."""

    async def flood() -> None:
        _, writer = await opened(url)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        try:
            while True:
                writer.write(head("GET", "/__admin/openapi.json") * 100)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    async with asyncio.timeout(4 * PATIENCE):
        await asyncio.gather(*(flood() for _ in range(5 * scale)))
    return f"{5 * scale} clients, all let go"


async def comings_and_goings(url: str, rng: Random, scale: int) -> str:
    """Connects and disconnects: at once, by a reset, after half a head, with an answer unread."""
    split = urlsplit(url)
    address = (str(split.hostname), int(split.port or 0))
    kinds = (b"", b"POST /deb", request()[:-5], request(), HEALTH * 3)

    def come_and_go(count: int, seed: float) -> None:
        mine = Random(seed)
        for _ in range(count):
            with socket.create_connection(address, PATIENCE) as connection:
                if mine.random() < 0.3:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.sendall(mine.choice(kinds))

    count, threads = 1_000 * scale, 4
    await asyncio.gather(*(asyncio.to_thread(come_and_go, count // threads, rng.random()) for _ in range(threads)))
    return f"{count:,} connections"


async def mutations(url: str, rng: Random, scale: int) -> str:
    """Requests in which bytes were changed at random: refused or answered, never a fault of the server."""
    whole = [request(), request(CLOSE), HEALTH, head("POST", PATH, *CHUNKED) + chunks(BODY, [50, 3, 500])]
    found: dict[int, int] = {}
    count = 200 * scale
    for _ in range(count):
        sent = mutated(rng, rng.choice(whole) * rng.randint(1, 2))
        came = await exchanged(url, sent, half=True)
        for status in statuses(came):
            assert status < 500 or status in (501, 505), (sent, came)
            found[status] = found.get(status, 0) + 1
    return f"{count:,} requests, answers {dict(sorted(found.items()))}"


def mutated(rng: Random, data: bytes) -> bytes:
    """The bytes, changed in one to four places."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice((1, 1, 2, 5, 40)))
        piece = rng.choice(
            (
                b"",
                rng.randbytes(end - start),
                data[start:end] * 2,
                rng.choice((b"\r\n", b"\n", b"\r", b"\0", b":", b" ", b"0\r\n\r\n", b"Content-Length: 5\r\n", b"\xff")),
            )
        )
        data = data[:start] + piece + data[end:]
    return data


Try = Callable[[str, Random, int], Awaitable[str]]

TRIES: Final[tuple[Try, ...]] = (
    pipelining,
    split_heads,
    odd_chunks,
    broken_chunks,
    conflicting_lengths,
    huge_heads,
    bytes_that_are_no_http,
    old_versions,
    half_closed,
    never_reading,
    comings_and_goings,
    mutations,
)
"""Each is given the base URL, a random source and how much of it is wanted, and says in a few words what it did."""
