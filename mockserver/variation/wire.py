"""What varies on the wire: headers, chunks and packets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import Final

from msgspec.structs import replace

from mockserver.core.reply import Framing, Headers, Reply

JSON_TYPES: Final = (
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"',
)
"""Values of `Content-Type` that mean the same."""


def name_charset(random: Random, reply: Reply) -> Reply:
    """Write another value of `Content-Type` that means JSON."""
    media_type = random.choice(JSON_TYPES)

    def changed(headers: Headers) -> Headers:
        return tuple((n, media_type if (n, v) == ("Content-Type", JSON_TYPES[0]) else v) for n, v in headers)

    return replace(reply, headers=changed(reply.headers), own_headers=changed(reply.own_headers))


def cut_into_chunks(random: Random, reply: Reply) -> Reply:
    """Have the body sent in chunks."""
    return replace(reply, framing=replace(reply.framing or Framing(), chunk_ends=_ends(random)))


def cut_into_packets(random: Random, reply: Reply) -> Reply:
    """Have head and body sent in packets, the first of which ends within the head."""
    return replace(
        reply, framing=replace(reply.framing or Framing(), packet_ends=(random.random() / 4, *_ends(random)))
    )


def _ends(random: Random) -> tuple[float, ...]:
    return tuple(sorted(random.random() for _ in range(random.randint(1, 4))))


def rewrite_headers(random: Random, reply: Reply) -> Reply:
    """Write the names of headers in another case, and the headers in another order."""
    seed = str(random.random())
    headers = vary_headers(reply.all_headers, seed)
    framing = replace(reply.framing or Framing(), header_seed=seed)
    return replace(reply, headers=(), own_headers=headers, framing=framing)


def vary_headers(headers: Headers, seed: str) -> Headers:
    """Headers in another order, their names in another case; those of one name keep their order.

    What becomes of a header depends on its name and the seed alone: headers can be added and varied again.
    """
    return tuple((_spelling(name, seed), value) for name, value in sorted(headers, key=lambda one: _rank(one[0], seed)))


def _rank(name: str, seed: str) -> float:
    return Random(f"{seed} {name.lower()}").random()  # noqa: S311 - it has to be repeatable


def _spelling(name: str, seed: str) -> str:
    random, lower = Random(f"{name.lower()} {seed}"), name.lower()  # noqa: S311 - it has to be repeatable
    mixed = "".join(random.choice([char, char.upper()]) for char in lower)
    return random.choice([lower, lower.upper(), lower.title(), mixed])


def cut(data: bytes, ends: tuple[float, ...]) -> Iterator[bytes]:
    """The parts of `data` that end at these shares of it, none of them empty."""
    places = sorted({0, len(data), *(int(end * len(data)) for end in ends)})
    return (data[start:end] for start, end in pairwise(places))
