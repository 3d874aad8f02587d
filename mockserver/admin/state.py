"""Admin routes of the records of a sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from msgspec import Struct

from mockserver.admin.sandboxes import sandbox_to_change, sandbox_to_read
from mockserver.base.spelling import close_matches, did_you_mean_sentence
from mockserver.base.values import encode_json, is_empty
from mockserver.core.model import Collection, Record
from mockserver.core.reply import Reply
from mockserver.http_api.api import ADMIN_PREFIX, Call, Route, json_reply
from mockserver.http_api.errors import AdminError, admin_error, require_room, unknown_name, violation_error
from mockserver.http_api.pieces import joined, json_in_pieces
from mockserver.storage.interface import Sandbox

MAX_COMPARED_KEYS: Final = 10_000
"""Keys that are compared for a close match."""

MEMBERS: Final[Mapping[str, Any]] = {
    "description": "The members of a record, or null for a key that does not exist.",
    "type": ["object", "null"],
}


def _record_row(record: Record | None, key: str, tombstone: str = "request") -> dict[str, Any]:
    if record is None:
        return {"key": key, "origin": tombstone, "members": None}
    entry = {"entry": record.entry_id} if record.entry_id else {}
    return {"key": key, "origin": record.origin, **entry, "members": record.members}


def unknown_collection(name: str, names: Mapping[str, Any]) -> AdminError:
    """The error of a collection that there is not."""
    return unknown_name("collection", f"There is no {name[:80]}", close_matches(name, names), collections=list(names))


class _RecordAddress(Struct, frozen=True):
    """The address of a record: sandbox, collection, and key as it is stored."""

    sandbox: Sandbox
    collection: Collection
    key: str


async def _record_address(call: Call, sandbox: Sandbox) -> _RecordAddress:
    """The address that the path names. Raises `AdminError`."""
    collections = call.engine.contract.collections
    name = call.parameters["collection"]
    if name not in collections:
        raise unknown_collection(name, collections)
    return _RecordAddress(sandbox, collections[name], stored_key(collections[name], call.parameters.get("key", "-")))


def stored_key(collection: Collection, requested_key: str) -> str:
    """The key as it is stored. Raises `AdminError` for a blank one."""
    key = collection.fold(requested_key)
    if is_empty(key):
        raise admin_error(
            400, "bad-path", "The path cannot be used", "The key is blank: expected one that is not only white space."
        )
    return key


async def _stored_row(address: _RecordAddress) -> dict[str, Any] | None:
    """The row of the record or tombstone at an address; None if there is neither."""
    collection, key = address.collection, address.key
    record = await address.sandbox.find_record(collection.name, key)
    written = await address.sandbox.is_written(collection.name, key)
    if record is None and not written and key not in collection.seeds:
        return None
    return _record_row(record, key, "request" if written else "seed")


def _is_misspelt(call: Call, collection: Collection, origin: str) -> bool:
    """Whether a key has the form of a reserved test value, but is not one."""
    return origin == "default" and collection.is_reserved(call.parameters["key"])


async def _unknown_record(address: _RecordAddress) -> AdminError:
    collection, key = address.collection, address.key
    written = (await address.sandbox.state()).records[collection.name]
    keys = dict.fromkeys([*collection.seeds, *written])
    spelt = close_matches(key, [name for name in islice(keys, MAX_COMPARED_KEYS) if name != key])
    detail = f"{collection.name} has no {key[:80]}.{did_you_mean_sentence(spelt)} PUT makes one."
    return admin_error(404, "unknown-record", "There is no such record", detail, did_you_mean=list(spelt))


def validated_record(collection: Collection, key: str, members: Any) -> Record | None:
    """The record of these members, None for a tombstone. Raises `AdminError`."""
    if members is None:
        return None
    violations = collection.violations(members)
    if violations:
        title = "The members of the record do not fit its collection"
        raise violation_error("bad-record", title, violations, f"{collection.name} {key[:80]}: ")
    return Record.make(key, members, "request")


async def _list_records(call: Call) -> Reply:
    address = await _record_address(call, await sandbox_to_read(call))
    written = (await address.sandbox.state()).records[address.collection.name]
    return json_in_pieces(joined(_list_parts(address.collection, written)))


def _list_parts(collection: Collection, written: Mapping[str, Record | None]) -> Iterator[bytes]:
    """The records of a collection as JSON, a part for each."""
    default = dict(collection.default_members) if collection.is_open else None
    about = encode_json({"collection": collection.name, "open": collection.is_open, "default": default})
    yield about.removesuffix(b"}") + b',"records":['
    separator = b""
    for key in dict.fromkeys([*collection.seeds, *written]):
        record, origin = (written[key], "request") if key in written else (collection.seeds[key], "seed")
        yield separator + encode_json(_record_row(record, key, origin))
        separator = b","
    yield b"]}"


async def _get_record(call: Call) -> Reply:
    address = await _record_address(call, await sandbox_to_read(call))
    found = await _stored_row(address)
    if found is None or _is_misspelt(call, address.collection, found["origin"]):
        raise await _unknown_record(address)
    return json_reply(found)


async def _put_record(call: Call) -> Reply:
    address = await _record_address(call, await sandbox_to_change(call))
    record = validated_record(address.collection, address.key, call.body)
    require_room(await address.sandbox.put_record(address.collection.name, address.key, record))
    return json_reply(_record_row(record, address.key))


async def _patch_record(call: Call) -> Reply:
    address = await _record_address(call, await sandbox_to_change(call))

    def patch(record: Record | None) -> Record | None:
        if record is None or _is_misspelt(call, address.collection, record.origin):
            raise LookupError
        merged = {**record.members, **call.body}
        kept = {name: value for name, value in merged.items() if name not in call.body or value is not None}
        return validated_record(address.collection, address.key, kept)

    try:
        patched = require_room(await address.sandbox.update_record(address.collection.name, address.key, patch))
    except LookupError:
        raise await _unknown_record(address) from None
    return json_reply(_record_row(patched, address.key))


async def _delete_record(call: Call) -> Reply:
    address = await _record_address(call, await sandbox_to_change(call))
    await address.sandbox.restore_record(address.collection.name, address.key)
    return json_reply(await _stored_row(address) or {"key": address.key, "origin": None, "members": None})


_COLLECTION_PATH: Final = f"{ADMIN_PREFIX}/state/{{collection}}"
NO_ROOM: Final = {507: "There is no room for one more record; nothing was changed."}

ROUTES: Final = (
    Route(
        "GET",
        _COLLECTION_PATH,
        "The records of a collection, seeds and written ones; the members of a tombstone are null.",
        _list_records,
        responses={200: "The records, each with key, origin and members."},
    ),
    Route(
        "GET",
        f"{_COLLECTION_PATH}/{{key}}",
        "One record, or the default of an open collection.",
        _get_record,
        responses={200: "The record."},
    ),
    Route(
        "PUT",
        f"{_COLLECTION_PATH}/{{key}}",
        "Write a record: its members, or null for a key that does not exist.",
        _put_record,
        body=MEMBERS,
        responses={200: "The record after the change.", **NO_ROOM},
    ),
    Route(
        "PATCH",
        f"{_COLLECTION_PATH}/{{key}}",
        "Change members of a record; null removes a member.",
        _patch_record,
        body={"description": "The members to change.", "type": "object"},
        responses={200: "The record after the change.", **NO_ROOM},
    ),
    Route(
        "DELETE",
        f"{_COLLECTION_PATH}/{{key}}",
        "Restore the seed of a record, or the default.",
        _delete_record,
        responses={200: "The record after the change."},
    ),
)
