"""Compressed bodies: what is decoded, and what is refused with which reason."""

import gzip
import json
import time
import zlib

import pytest

from mockserver import Contract, Engine
from mockserver.server.server import serving
from tests.support import LASTING, PATH, head, journal, problem, raw

BODY = json.dumps(LASTING).encode()
GZIP = gzip.compress(BODY)
ZLIB = zlib.compress(BODY)
MIB = 1_048_576


def sent(encoding: str, body: bytes) -> bytes:
    """A request with a body that is encoded like that."""
    return head("POST", PATH, "Connection: close", f"Content-Encoding: {encoding}", length=len(body)) + body


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", GZIP),
        ("GZip", GZIP),
        ("x-gzip", GZIP),
        ("deflate", ZLIB),
        ("deflate", ZLIB[2:-4]),
        ("identity", BODY),
        ("", BODY),
        ("identity, gzip", GZIP),
    ],
)
async def test_an_encoding_that_is_read(url: str, encoding: str, body: bytes) -> None:
    """Deflate with and without the header of zlib, as clients send both."""
    assert (await raw(url, sent(encoding, body))).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        ("gzip", GZIP[:-1], "the end of the gzip data is missing"),
        ("gzip", GZIP[:-8], "the end of the gzip data is missing"),
        ("gzip", GZIP + b"garbage", "7 bytes follow the end"),
        ("gzip", GZIP + GZIP, "follow the end"),
        ("gzip", BODY, "not gzip"),
        ("gzip", GZIP[:-8] + b"12345678", "not gzip"),
        ("deflate", ZLIB[:-1], "the end of the deflate data is missing"),
        ("deflate", b"\xff" * 9, "not deflate"),
    ],
)
async def test_a_body_that_cannot_be_decoded_gets_400(url: str, encoding: str, body: bytes, said: str) -> None:
    """The detail says what is wrong."""
    top, _, came = (await raw(url, sent(encoding, body))).partition(b"\r\n\r\n")
    assert (top.split()[1], problem(came)["type"].rpartition(":")[2]) == (b"400", "unreadable-body")
    assert said in problem(came)["detail"]


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "x\u00fc"])
async def test_an_encoding_that_is_not_read_gets_415(contract: Contract, encoding: str) -> None:
    """It is named in the answer, and the request has a journal entry."""
    engine = Engine(contract)
    async with serving(engine) as url:
        top, _, came = (await raw(url, sent(encoding, b"\x1b\x03"))).partition(b"\r\n\r\n")
    assert top.split()[1] == b"415"
    assert b"Accept-Encoding: gzip, deflate\r\n" in top
    assert encoding.encode("ascii", "ignore").decode() in problem(came)["detail"]
    (entry,) = journal(engine)
    assert (entry.reply.status, entry.problem) == (415, "unsupported-encoding")


async def test_nothing_is_decoded_where_nothing_was_sent(url: str) -> None:
    """An empty body has no encoding to be wrong."""
    assert b'"code":4400' in await raw(url, sent("br", b""))


async def test_a_bomb_takes_no_time(contract: Contract) -> None:
    """One megabyte that unpacks to a gigabyte gets 413 without being unpacked: ten take less than three would."""
    packer = zlib.compressobj(9, wbits=-15)
    part = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    bomb = b"\x1f\x8b\x08" + bytes(7) + part * (contract.settings.max_body // len(part) - 1)
    assert len(part) * 900 < MIB
    async with serving(Engine(contract)) as url:
        began = time.process_time()
        for _ in range(10):
            assert (await raw(url, sent("gzip", bomb))).startswith(b"HTTP/1.1 413 ")
        assert time.process_time() - began < 3
