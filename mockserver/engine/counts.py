"""Counts in memory that processes share: each adds to a part of its own, and all read the sum.

What a process has counted stays when it ends, however that happens; the one that replaces it goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap
from typing import Final, TypeAlias

import msgspec

PART_BYTES: Final = 1_048_576
"""The memory of one process; pages are taken when they are written. Some 10,000 names have room."""

RESERVED_BYTES: Final = 65_536
"""Of these, what is kept for names that have no substitute; there are few of them."""

Name: TypeAlias = tuple[str, ...]
"""The name of a count: its kind, and the values of its labels."""


class _Part:
    """The counts of one process, in words of eight bytes.

    The first has the number of words in use. Then, for each name, come its length, itself as JSON, and its count.
    """

    def __init__(self, memory: memoryview) -> None:
        self._bytes = memory
        self.words = memory.cast("Q")
        self.words[0] = self.words[0] or 1
        self.places = dict(self._found())

    def _found(self) -> Iterator[tuple[Name, int]]:
        """Each name with the number of the word of its count."""
        at = 1
        while at < self.words[0]:
            length = self.words[at]
            start = 8 * (at + 1)
            at += 1 + _words(length)
            yield msgspec.json.decode(self._bytes[start : start + length], type=Name), at
            at += 1

    def items(self) -> Iterator[tuple[Name, int]]:
        """Each name with its count."""
        return ((name, self.words[at]) for name, at in self._found())

    def place(self, name: Name, substitute: Name | None) -> int:
        """The number of the word of a count: that of the substitute, if there is one, where a name has no room."""
        if name in self.places:
            return self.places[name]
        text = msgspec.json.encode(name)
        start, size = self.words[0], 2 + _words(len(text))
        if substitute is not None and 8 * (start + size) > PART_BYTES - RESERVED_BYTES:
            return self.place(substitute, None)
        self.words[start] = len(text)
        self._bytes[8 * (start + 1) : 8 * (start + 1) + len(text)] = text
        self.words[0] = start + size  # last, as others may read now
        self.places[name] = start + size - 1
        return start + size - 1


def _words(length: int) -> int:
    return (length + 7) // 8


class Counts:
    """The counts of this process, and the sums over all that share them."""

    def __init__(self, processes: int = 1) -> None:
        """Begin at zero. Processes that are forked from this one share the memory; each calls `use_part`."""
        self._memory = memoryview(mmap(-1, processes * PART_BYTES))
        self._processes = processes
        self._own = self._part(0)

    def _part(self, number: int) -> _Part:
        return _Part(self._memory[number * PART_BYTES : (number + 1) * PART_BYTES])

    def use_part(self, number: int) -> None:
        """Count in the part of this number from now on, from 0."""
        self._own = self._part(number)

    def add(self, name: Name, amount: int = 1, *, substitute: Name | None = None) -> None:
        """Add to a count, or to that of a substitute if there is no room for one more name."""
        own = self._own
        at = own.places.get(name)
        own.words[own.place(name, substitute) if at is None else at] += amount

    def put(self, name: Name, value: int) -> None:
        """Replace a count of this process."""
        self._own.words[self._own.place(name, None)] = value

    def _all(self) -> Iterator[tuple[Name, int]]:
        for number in range(self._processes):
            yield from self._part(number).items()

    def sums(self) -> dict[Name, int]:
        """Each count, summed over all processes."""
        sums: dict[Name, int] = {}
        for name, count in self._all():
            sums[name] = sums.get(name, 0) + count
        return sums

    def largest(self, name: Name) -> int:
        """The largest count of this name among all processes; 0 if there is none."""
        return max((count for found, count in self._all() if found == name), default=0)
