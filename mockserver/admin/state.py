"""Admin routes of the state of a sandbox: its records one by one, and all of it as a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from msgspec import Struct

from mockserver.admin.sandboxes import sandbox_of, sandbox_to_read
from mockserver.base.spelling import close_matches, did_you_mean_sentence
from mockserver.base.values import is_blank, printable
from mockserver.core.model import Collection, GeneratedId, Record
from mockserver.core.problems import no_room
from mockserver.core.reply import Reply
from mockserver.http_api.api import PREFIX, AdminError, Call, Route, admin_error, json_reply, violation_error
from mockserver.storage.interface import Counter, Sandbox, State
from mockserver.storage.pacing import Pacer

MAX_COMPARED_KEYS: Final = 10_000
"""Keys that are compared for a close match."""

MAX_COUNT: Final = 2**53 - 1  # exact in every JSON reader

_MEMBERS: Final[Mapping[str, Any]] = {
    "description": "The members of a record, or null for a key that does not exist.",
    "type": ["object", "null"],
}
_COUNTER: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["used", "searched"],
    "additionalProperties": False,
    "properties": {
        "used": {"description": "How many ids were used.", "type": "integer", "minimum": 0, "maximum": MAX_COUNT},
        "searched": {"description": "How far the search for an unused id came.", "type": "integer", "minimum": 0,
                     "maximum": MAX_COUNT},
    },
}  # fmt: skip
SNAPSHOT: Final[Mapping[str, Any]] = {
    "description": "The state of a sandbox beside the seeds: records by collection and key, counters of generated ids.",
    "type": "object",
    "required": ["format", "records"],
    "additionalProperties": False,
    "properties": {
        "format": {"description": "The version of this format: 1.", "const": 1},
        "contract": {"description": "The hash of the contract that it was taken from.", "type": "string"},
        "sandbox": {"description": "The sandbox that it was taken from.", "type": "string"},
        "records": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "required": ["members"],
                    "additionalProperties": False,
                    "properties": {"members": _MEMBERS, "origin": {"const": "request"}},
                },
            },
        },
        "new": {"type": "object", "additionalProperties": _COUNTER},
    },
}


def _record_row(record: Record | None, key: str, tombstone: str = "request") -> dict[str, Any]:
    if record is None:
        return {"key": key, "origin": tombstone, "members": None}
    entry = {"entry": record.entry} if record.entry else {}
    return {"key": key, "origin": record.origin, **entry, "members": record.members}


def _unknown_collection(name: str, names: Mapping[str, Any]) -> AdminError:
    spelt = close_matches(name, names)
    return admin_error(
        404,
        "unknown-collection",
        "There is no such collection",
        f"There is no {name[:80]}.{did_you_mean_sentence(spelt)}",
        did_you_mean=list(spelt),
        collections=list(names),
    )


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
        raise _unknown_collection(name, collections)
    return _RecordAddress(sandbox, collections[name], _key(collections[name], call.parameters.get("key", "-")))


def _key(collection: Collection, requested_key: str) -> str:
    """The key as it is stored. Raises `AdminError` for a blank one."""
    key = collection.fold(requested_key)
    if is_blank(key):
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
    keys = {**collection.seeds, **(await address.sandbox.state()).records[collection.name]}
    spelt = close_matches(key, [name for name in islice(keys, MAX_COMPARED_KEYS) if name != key])
    detail = f"{collection.name} has no {key[:80]}.{did_you_mean_sentence(spelt)} PUT makes one."
    return admin_error(404, "unknown-record", "There is no such record", detail, did_you_mean=list(spelt))


def _validated_record(collection: Collection, key: str, members: Any) -> Record | None:
    if members is None:
        return None
    violations = collection.violations(members)
    if violations:
        title = "The members of the record do not fit its collection"
        raise violation_error("bad-record", title, violations, f"{collection.name} {key[:80]}: ")
    return Record.make(key, members, "request")


async def _write(address: _RecordAddress, record: Record | None) -> Reply:
    full = await address.sandbox.put_record(address.collection.name, address.key, record)
    if full is not None:
        raise AdminError(no_room(full.setting, full.limit))
    return json_reply(_record_row(record, address.key))


async def _list_records(call: Call) -> Reply:
    address = await _record_address(call, await sandbox_to_read(call))
    collection = address.collection
    written = (await address.sandbox.state()).records[collection.name]
    keys = {**collection.seeds, **written}
    records, pacer = [], Pacer()
    for key in keys:
        if found := await _stored_row(_RecordAddress(address.sandbox, collection, key)):
            records.append(found)
        await pacer.pause()
    default = dict(collection.default) if collection.open else None
    return json_reply({"collection": collection.name, "open": collection.open, "default": default, "records": records})


async def _get_record(call: Call) -> Reply:
    address = await _record_address(call, await sandbox_to_read(call))
    found = await _stored_row(address)
    if found is None or _is_misspelt(call, address.collection, found["origin"]):
        raise await _unknown_record(address)
    return json_reply(found)


async def _put_record(call: Call) -> Reply:
    address = await _record_address(call, await sandbox_of(call))
    return await _write(address, _validated_record(address.collection, address.key, call.body))


async def _patch_record(call: Call) -> Reply:
    address = await _record_address(call, await sandbox_of(call))
    record = await address.sandbox.find_record(address.collection.name, address.key)
    if record is None or _is_misspelt(call, address.collection, record.origin):
        raise await _unknown_record(address)
    merged = {**record.members, **call.body}
    kept = {name: value for name, value in merged.items() if name not in call.body or value is not None}
    return await _write(address, _validated_record(address.collection, address.key, kept))


async def _delete_record(call: Call) -> Reply:
    address = await _record_address(call, await sandbox_of(call))
    await address.sandbox.restore_record(address.collection.name, address.key)
    return json_reply(await _stored_row(address) or {"key": address.key, "origin": None, "members": None})


async def _get_snapshot(call: Call) -> Reply:
    state = await (await sandbox_to_read(call)).state()
    records: dict[str, dict[str, Any]] = {}
    pacer = Pacer()
    for name, own in state.records.items():
        for key, record in list(own.items()):
            shown = {"members": record.members if record is not None else None, "origin": "request"}
            records.setdefault(name, {})[key] = shown
            await pacer.pause()
    new = {name: {"used": counter.used, "searched": counter.searched} for name, counter in state.counters.items()}
    whole = {"format": 1, "contract": call.engine.contract.hash, "sandbox": call.sandbox}
    return json_reply({**whole, "records": records, "new": new})


async def _put_snapshot(call: Call) -> Reply:
    sandbox = await sandbox_of(call)
    engine, collections = call.engine, call.engine.contract.collections
    records: dict[str, dict[str, Record | None]] = {name: {} for name in collections}
    pacer = Pacer()
    for name, given in call.body["records"].items():
        if name not in collections:
            raise _unknown_collection(name, collections)
        keys: dict[str, str] = {}
        for requested_key, one in given.items():
            key = _key(collections[name], requested_key)
            if key in records[name]:
                same = f"{printable(keys[key], 80)} and {printable(requested_key, 80)}"
                detail = f"{name}: the keys {same} are those of the same record."
                raise admin_error(400, "duplicate-record", "A snapshot has a record twice", detail)
            keys[key] = requested_key
            records[name][key] = _validated_record(collections[name], key, one["members"])
            await pacer.pause()
    ids: dict[str, GeneratedId] = {new.name: new for operation in engine.contract.operations for new in operation.new}
    counters = {}
    for name, counter in call.body.get("new", {}).items():
        if name not in ids:
            detail = f"There is no generated id {name[:80]}.{did_you_mean_sentence(close_matches(name, ids))}"
            raise admin_error(400, "unknown-id", "The snapshot counts ids that this contract does not generate", detail)
        counters[name] = Counter(counter["used"], counter["searched"])
    full = await sandbox.load_state(State(records, counters))
    if full is not None:
        raise AdminError(no_room(full.setting, full.limit))
    origin = call.body.get("contract", engine.contract.hash)
    note = {} if origin == engine.contract.hash else {"note": f"It is of another contract, {origin[:80]}, but fits."}
    return json_reply({"status": "loaded", "records": sum(map(len, records.values())), **note})


_COLLECTION_PATH: Final = f"{PREFIX}/state/{{collection}}"
_NO_ROOM: Final = {507: "There is no room for one more record; nothing was changed."}

ROUTES: Final = (
    Route(
        "GET",
        f"{PREFIX}/state",
        "The state of the sandbox beside the seeds, as a snapshot that any server can load.",
        _get_snapshot,
        responses={200: "The snapshot."},
    ),
    Route(
        "PUT",
        f"{PREFIX}/state",
        "Replace the state of the sandbox by a snapshot, also of another contract if it fits.",
        _put_snapshot,
        body=SNAPSHOT,
        responses={200: "How many records were loaded, with a note if the contract is another one.", **_NO_ROOM},
    ),
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
        body=_MEMBERS,
        responses={200: "The record after the change.", **_NO_ROOM},
    ),
    Route(
        "PATCH",
        f"{_COLLECTION_PATH}/{{key}}",
        "Change members of a record; null removes a member.",
        _patch_record,
        body={"description": "The members to change.", "type": "object"},
        responses={200: "The record after the change.", **_NO_ROOM},
    ),
    Route(
        "DELETE",
        f"{_COLLECTION_PATH}/{{key}}",
        "Restore the seed of a record, or the default.",
        _delete_record,
        responses={200: "The record after the change."},
    ),
)
