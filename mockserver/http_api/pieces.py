"""JSON answers in pieces, each made once the client has read those before it, so that slow clients hold little."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Final

from mockserver.core.reply import Reply

PIECE_BYTES: Final = 65_536
"""The size from which parts are sent together."""


def json_in_pieces(pieces: AsyncGenerator[bytes, None]) -> Reply:
    """Make a JSON answer of pieces that is not cached."""
    return Reply(200, (("Content-Type", "application/json"), ("Cache-Control", "no-store")), b"", pieces=pieces)


async def joined(parts: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Join small parts to pieces; a part is made when its piece is asked for."""
    piece = bytearray()
    for part in parts:
        piece += part
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
