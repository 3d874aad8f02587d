"""What the scripts are told of a change, in the form in which it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from mockserver.storage.interface import Counter
from mockserver.storage.memory_records import RECORD_OVERHEAD

Value: TypeAlias = str | bool
"""The text of a field; False where there is none."""


class Change(Struct, frozen=True):
    """A change of one sandbox: what it expects, and what it writes, all or nothing.

    expected, read: fields of the sandbox, and of its records, with the values that they must have.
    fields, records: what is written. forgotten: prefixes of fields that are deleted before that.
    replaces: whether all other records are deleted. growth: by how many bytes run-time scenarios and armed
    outcomes grow.
    is_trial: nothing is written. entry: id, data and limits of the journal.
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
    replaces: bool = False
    growth: int = 0
    is_trial: bool = False
    entry: Mapping[str, Any] | None = None
    overhead: int = RECORD_OVERHEAD


encode = msgspec.msgpack.Encoder().encode
"""The form in which scripts take values."""


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
