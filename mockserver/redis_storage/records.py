"""Records and new ids as far as they were read from the store, and which records have to be read yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Final

from msgspec import Struct

from mockserver.core.model import Collection, IdRule, Record
from mockserver.redis_storage.changes import Candidate, Replacement, Value, decode_counter, record_field
from mockserver.redis_storage.connection import Store
from mockserver.storage.memory_records import RECORD_OVERHEAD, decode_record

PART: Final = 1_000
"""Records that are written at once where a whole state is loaded."""

PART_SECONDS: Final = 600
"""For how long the store keeps parts of a state that never gets whole, as its server was killed."""


class Draw(Struct, frozen=True):
    """An id that was drawn: how far it is beyond the first one, and the field of the record that must not exist."""

    text: str
    offset: int
    unused: str | None


def candidates(id_rules: Iterable[IdRule], base: int) -> tuple[Candidate, ...]:
    """The records that have to be read before new ids are drawn, which begin at `base`."""
    return tuple(
        Candidate(new.name, record_field(new.unused_in, new.prefix), new.first + base)
        for new in id_rules
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
            return decode_record(data)
        return collection.unwritten_record(key)

    def draw(self, rule: IdRule, base: int, counter: str | None) -> Draw:
        """The next unused id, where its record is not known to exist; `base` is added to the first number."""
        before = decode_counter(counter)
        offset = before.used if rule.unused_in is None else max(before.used, before.searched)
        while True:
            text = f"{rule.prefix}{rule.first + base + offset}"
            if rule.unused_in is None:
                return Draw(text, offset, None)
            field = record_field(rule.unused_in, text)
            if text not in self._collections[rule.unused_in].seeds and not self._known.get(field):
                if field not in self._known:
                    self.missing.add(field)
                return Draw(text, offset, field)
            offset += 1


async def write_apart(store: Store, name: str, records: Mapping[str, str]) -> Replacement:
    """Write records in a hash of their own, which nobody reads yet, in parts: the store serves others between."""
    key, fields = f"loading:{name}", [*records]
    for start in range(0, len(fields), PART):
        pairs = ((field, records[field]) for field in fields[start : start + PART])
        await store.command("HSET", key, *chain.from_iterable(pairs))
        await store.command("EXPIRE", key, PART_SECONDS)
    size = sum(len(field.encode()) + len(text.encode()) + RECORD_OVERHEAD for field, text in records.items())
    return Replacement(key, len(records), size)
