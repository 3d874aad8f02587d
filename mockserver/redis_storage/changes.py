"""What the scripts are told and what they answer: changes, and what is read of a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from mockserver.storage.interface import Counter
from mockserver.storage.memory_records import RECORD_OVERHEAD

Value: TypeAlias = str | bool
"""The text of a field; False where there is none."""


class Replacement(Struct, frozen=True):
    """Records that were written apart, in a hash of this name: how many, and their bytes as they are counted."""

    name: str
    records: int
    bytes: int


class Change(Struct, frozen=True):
    """A change of one sandbox: what it expects, and what it writes, all or nothing.

    expected, read: fields of the sandbox, and of its records, with the values that they must have.
    fields, records: what is written. forgotten: prefixes of fields that are deleted before that.
    replacement: what takes the place of all records. growth: by how many bytes run-time scenarios and armed
    outcomes grow.
    armed: the text of an outcome to arm, under the next id. is_trial: nothing is written. entry: id, data and limits
    of the journal.
    """

    sandbox: str
    born: str
    max_records: int
    max_state_bytes: int
    expected: Mapping[str, Value] = {}
    read: Mapping[str, Value] = {}
    fields: Mapping[str, Value] = {}
    records: Mapping[str, Value] = {}
    forgotten: tuple[str, ...] = ()
    replacement: Replacement | None = None
    growth: int = 0
    armed: str | None = None
    is_trial: bool = False
    entry: Mapping[str, Any] | None = None
    overhead: int = RECORD_OVERHEAD


class Candidate(Struct, frozen=True):
    """The record of the next new id: its field is `field` and a number from `start`, counted by `id:NAME`."""

    name: str
    field: str
    start: int


class Wanted(Struct, frozen=True):
    """What is read beside the fields of a sandbox: fields of its records, and the records of the next new ids."""

    fields: tuple[str, ...] = ()
    new: tuple[Candidate, ...] = ()


class Reading(Struct, frozen=True):
    """What was read: the fields of a sandbox, values of records, ids of entries that wrote them and are not kept."""

    sandbox: Mapping[str, str]
    records: Mapping[str, Value]
    lost: frozenset[str]


encode = msgspec.msgpack.Encoder().encode
"""The form in which scripts take values."""


_decode_reading = msgspec.msgpack.Decoder(tuple[list[str], list[str | bool], list[str]]).decode


def decode_reading(answer: bytes) -> Reading:
    """What a script has read."""
    sandbox, records, lost = _decode_reading(answer)
    fields = dict(zip(sandbox[::2], sandbox[1::2], strict=True))
    return Reading(fields, dict(zip(map(str, records[::2]), records[1::2], strict=True)), frozenset(lost))


def record_field(collection: str, key: str) -> str:
    """The field of a record."""
    return f"{collection}\n{key}"


def turn_field(operation: str, scenario: str) -> str:
    """The field that counts the answers in turn of a scenario."""
    return "turn:" + json_text([operation, scenario])


def json_text(value: object) -> str:
    """A value as JSON."""
    return msgspec.json.encode(value).decode()


def decode_counter(text: str | None) -> Counter:
    """The counter of a generated id, as a field has it."""
    return Counter(0, 0) if text is None else Counter(*msgspec.json.decode(text))
