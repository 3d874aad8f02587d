"""The framing of chunks, as it is followed beside aiohttp's parser: the same is sound, and the same is broken."""

from __future__ import annotations

import itertools
import random

import pytest

from mockserver.server.body import ChunkFraming
from tests.support.bad_clients import BODY, chunks

SOUND = (
    chunks(BODY, [1] * len(BODY)),
    b"0000%X\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
    b'%x;a=b;c="d"\r\n%s\r\n0;x\r\n\r\n' % (len(BODY), BODY),
    b"%x\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(BODY), BODY),
)
BROKEN = (
    b"-1\r\n{}",
    b"0x2\r\n{}\r\n0\r\n\r\n",
    b"F" * 17 + b"\r\n{}",
    b"2\r\n{}0\r\n\r\n",
    b"2\n{}\n0\n\n",
    b"x\r\n",
    b"\r\n",
    b"x" * 10_000,
    b"2\r\n{}xx",
)


def is_broken(data: bytes, ends: list[int]) -> bool:
    """Whether it is, fed in pieces."""
    framing = ChunkFraming()
    for begin, end in itertools.pairwise([0, *ends, len(data)]):
        framing.feed(data[begin:end])
    return framing.is_broken


@pytest.mark.parametrize(("kinds", "wanted"), [(SOUND, False), (BROKEN, True)])
def test_chunks_are_parsed_however_they_are_cut(kinds: tuple[bytes, ...], wanted: bool) -> None:
    """At every place, into single bytes, and at random."""
    draw = random.Random(1)
    for data in kinds:
        assert is_broken(data, []) is wanted, data[:80]
        assert is_broken(data, [*range(1, len(data))]) is wanted, data[:80]
        for _ in range(20):
            assert is_broken(data, sorted(draw.sample(range(1, len(data)), 1))) is wanted, data[:80]


@pytest.mark.parametrize("begun", [b"", b"1", b"1;a", b"5\r\n{", b"1\r\n{", b"1\r\n{\r", b"0\r\n", b"0\r\nX: "])
def test_an_incomplete_chunk_is_not_broken(begun: bytes) -> None:
    """The rest may still come."""
    assert not is_broken(begun, [])


def test_many_small_chunks_are_parsed_in_linear_time() -> None:
    """A quarter of a megabyte in one go."""
    framing = ChunkFraming()
    framing.feed(b"1\r\nx\r\n" * 40_000 + b"0\r\n\r\n")
    assert not framing.is_broken
