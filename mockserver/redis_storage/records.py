"""Records and new ids as far as they were read from the store, and which records have to be read yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from mockserver.core.model import Collection, GeneratedId, Record
from mockserver.redis_storage.changes import Candidate, Value, decode_counter, record_field
from mockserver.storage.memory_records import TOMBSTONE, decode_record

NO_RECORD: Final = TOMBSTONE.decode()
"""What stands in the place of a record that was deleted."""


class Draw(Struct, frozen=True):
    """An id that was drawn: how far beyond the first one, and the field of the record that must not exist."""

    offset: int
    unused: str | None


def candidates(generated_ids: Iterable[GeneratedId], base: int) -> tuple[Candidate, ...]:
    """The records that have to be read before new ids are drawn, which begin at `base`."""
    return tuple(
        Candidate(new.name, record_field(new.unused_in, new.prefix), new.first + base)
        for new in generated_ids
        if new.unused_in is not None
    )


class KnownRecords:
    """Fields of records with what the store has in them; `missing` are those that were needed, but are not known."""

    def __init__(self, known: Mapping[str, Value], collections: Mapping[str, Collection]) -> None:
        """Nothing was needed yet."""
        self._known = known
        self._collections = collections
        self.read: set[str] = set()
        self.missing: set[str] = set()

    def find(self, collection: Collection, key: str) -> Record | None:
        """The record of a key: written, a seed, or the default; None too where it is not known."""
        field = record_field(collection.name, key)
        self.read.add(field)
        data = self._known.get(field)
        if data is None:
            self.missing.add(field)
            return None
        if isinstance(data, str):
            return None if data == NO_RECORD else decode_record(data)
        return collection.seeds[key] if key in collection.seeds else collection.default_record(key)

    def draw(self, new: GeneratedId, start: int, counter: str | None) -> Draw:
        """The next unused id, where its record is not known to exist; ids count up from `start`."""
        before = decode_counter(counter)
        if new.unused_in is None:
            return Draw(before.used, None)
        offset, seeds = max(before.used, before.searched), self._collections[new.unused_in].seeds
        while True:
            key = f"{new.prefix}{start + offset}"
            field = record_field(new.unused_in, key)
            if key not in seeds and not self._known.get(field):
                if field not in self._known:
                    self.missing.add(field)
                return Draw(offset, field)
            offset += 1
