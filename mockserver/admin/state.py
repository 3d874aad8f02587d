"""Admin routes about the state of a sandbox: its records one by one, and all of it as a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from msgspec import Struct

from mockserver.admin.api import PREFIX, AdminError, Call, Route, as_json, refused
from mockserver.admin.sandboxes import sandbox_of
from mockserver.core.model import Collection, NewId, Record, Violation
from mockserver.core.problems import no_room_for_record
from mockserver.core.reply import Reply
from mockserver.core.spelling import close_matches, did_you_mean_sentence
from mockserver.core.values import is_blank
from mockserver.storage.interface import Counter, Sandbox, State

MOST_COMPARED: Final = 10_000
"""Keys among which a near spelling is looked for."""

_MEMBERS: Final[Mapping[str, Any]] = {
    "description": "The members of a record, or null for a key that does not exist.",
    "type": ["object", "null"],
}
_COUNTER: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["used", "searched"],
    "additionalProperties": False,
    "properties": {
        "used": {"description": "How many ids were used up.", "type": "integer", "minimum": 0, "maximum": 10**12},
        "searched": {"description": "Where the search for an unused one stands.", "type": "integer", "minimum": 0,
                     "maximum": 10**13},
    },
}  # fmt: skip
SNAPSHOT: Final[Mapping[str, Any]] = {
    "description": "What a sandbox keeps beside the seeds: records by collection and key, counters of new ids.",
    "type": "object",
    "required": ["format", "records"],
    "additionalProperties": False,
    "properties": {
        "format": {"description": "The version of this form: 1.", "const": 1},
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


def _shown(record: Record | None, key: str, tombstone: str = "request") -> dict[str, Any]:
    if record is None:
        return {"key": key, "origin": tombstone, "members": None}
    entry = {"entry": record.entry} if record.entry else {}
    return {"key": key, "origin": record.origin, **entry, "members": record.members}


def _unknown(name: str, names: Mapping[str, Any]) -> AdminError:
    near = close_matches(name, names)
    detail = f"There is no {name[:80]}.{did_you_mean_sentence(near)}"
    more = {"did_you_mean": list(near), "collections": list(names)}
    return refused(404, "unknown-collection", "There is no such collection", detail, **more)


class _Place(Struct, frozen=True):
    """A record of a sandbox: its collection, and its key as it is kept."""

    sandbox: Sandbox
    collection: Collection
    key: str


async def _place(call: Call) -> _Place:
    """The place that the path names; the sandbox is in use from here on. Raises `AdminError`."""
    sandbox = await sandbox_of(call)
    collections = call.engine.contract.collections
    name = call.parameters["collection"]
    if name not in collections:
        raise _unknown(name, collections)
    return _Place(sandbox, collections[name], _key(collections[name], call.parameters.get("key", "-")))


def _key(collection: Collection, sent: str) -> str:
    """The key as it is kept."""
    key = collection.fold(sent)
    if is_blank(key):
        raise refused(400, "bad-path", "A record has no blank key", "A key has something other than white space.")
    return key


async def _found(place: _Place) -> dict[str, Any] | None:
    """The record of a place as it is shown; a tombstone is one too. None where there is none."""
    collection, key = place.collection, place.key
    record = await place.sandbox.find_record(collection.name, key)
    written = await place.sandbox.is_written(collection.name, key)
    if record is None and not written and key not in collection.seeds:
        return None
    return _shown(record, key, "request" if written else "seed")


def _is_misspelt(call: Call, collection: Collection, origin: str) -> bool:
    """Whether a key has the form of a reserved test value, and is none."""
    return origin == "default" and collection.reserved(call.parameters["key"])


async def _nothing(place: _Place) -> AdminError:
    collection, key = place.collection, place.key
    keys = {**collection.seeds, **(await place.sandbox.state()).records[collection.name]}
    spelt = close_matches(key, [name for name in islice(keys, MOST_COMPARED) if name != key])
    detail = f"{collection.name} has no {key[:80]}.{did_you_mean_sentence(spelt)} PUT makes one."
    return refused(404, "unknown-record", "There is no such record", detail, did_you_mean=list(spelt))


def _wrong(what: str, violations: tuple[Violation, ...]) -> AdminError:
    first = violations[0]
    near = did_you_mean_sentence(close_matches(str(first.path[-1]), first.known)) if first.path else ""
    return refused(
        400,
        "bad-record",
        "A record does not have the members of its collection",
        f"{what}: {first.text}.{near}",
        violations=[{"pointer": v.pointer, "keyword": v.keyword, "message": v.message} for v in violations[:20]],
    )


def _checked(collection: Collection, key: str, members: Any) -> Record | None:
    if members is None:
        return None
    violations = collection.violations(members)
    if violations:
        raise _wrong(f"{collection.name} {key[:80]}", violations)
    return Record.make(key, members, "request")


async def _write(place: _Place, record: Record | None) -> Reply:
    full = await place.sandbox.put_record(place.collection.name, place.key, record)
    if full is not None:
        raise AdminError(no_room_for_record(full.limit))
    return as_json(_shown(record, place.key))


# -- one record ---------------------------------------------------------------------------------------


async def _list(call: Call) -> Reply:
    place = await _place(call)
    collection = place.collection
    written = (await place.sandbox.state()).records[collection.name]
    keys = {**collection.seeds, **written}
    records = [found for key in keys if (found := await _found(_Place(place.sandbox, collection, key)))]
    default = dict(collection.default) if collection.open else None
    return as_json({"collection": collection.name, "open": collection.open, "default": default, "records": records})


async def _get(call: Call) -> Reply:
    place = await _place(call)
    found = await _found(place)
    if found is None or _is_misspelt(call, place.collection, found["origin"]):
        raise await _nothing(place)
    return as_json(found)


async def _put(call: Call) -> Reply:
    place = await _place(call)
    return await _write(place, _checked(place.collection, place.key, call.body))


async def _patch(call: Call) -> Reply:
    place = await _place(call)
    record = await place.sandbox.find_record(place.collection.name, place.key)
    if record is None or _is_misspelt(call, place.collection, record.origin):
        raise await _nothing(place)
    merged = {**record.members, **call.body}
    kept = {name: value for name, value in merged.items() if name not in call.body or value is not None}
    return await _write(place, _checked(place.collection, place.key, kept))


async def _delete(call: Call) -> Reply:
    place = await _place(call)
    await place.sandbox.restore_record(place.collection.name, place.key)
    return as_json(await _found(place) or {"key": place.key, "origin": None, "members": None})


# -- all of it ----------------------------------------------------------------------------------------


async def _save(call: Call) -> Reply:
    state = await (await sandbox_of(call)).state()
    records = {
        name: {key: {"members": _members(record), "origin": "request"} for key, record in own.items()}
        for name, own in state.records.items()
        if own
    }
    new = {name: {"used": counter.used, "searched": counter.searched} for name, counter in state.counters.items()}
    whole = {"format": 1, "contract": call.engine.contract.hash, "sandbox": call.sandbox}
    return as_json({**whole, "records": records, "new": new})


def _members(record: Record | None) -> dict[str, Any] | None:
    return None if record is None else record.members


async def _load(call: Call) -> Reply:
    sandbox = await sandbox_of(call)
    engine, collections = call.engine, call.engine.contract.collections
    records: dict[str, dict[str, Record | None]] = {name: {} for name in collections}
    for name, given in call.body["records"].items():
        if name not in collections:
            raise _unknown(name, collections)
        for sent, one in given.items():
            key = _key(collections[name], sent)
            records[name][key] = _checked(collections[name], key, one["members"])
    ids: dict[str, NewId] = {new.name: new for operation in engine.contract.operations for new in operation.new}
    counters = {}
    for name, counter in call.body.get("new", {}).items():
        if name not in ids:
            detail = f"There is no id {name[:80]}.{did_you_mean_sentence(close_matches(name, ids))}"
            raise refused(400, "unknown-id", "A snapshot counts ids that are not given out here", detail)
        counters[name] = Counter(counter["used"], counter["searched"])
    if sum(map(len, records.values())) > engine.settings.max_records:
        raise AdminError(no_room_for_record(engine.settings.max_records))
    await sandbox.load_state(State(records, counters))
    taken = call.body.get("contract", engine.contract.hash)
    note = {} if taken == engine.contract.hash else {"note": f"It is of another contract, {taken[:80]}, but fits."}
    return as_json({"status": "loaded", "records": sum(map(len, records.values())), **note})


_WHERE: Final = f"{PREFIX}/state/{{collection}}"
_FULL: Final = {507: "There is no room for one more record; nothing was changed."}

ROUTES: Final = (
    Route(
        "GET",
        f"{PREFIX}/state",
        "What the sandbox keeps beside the seeds, as a snapshot that any server can load.",
        _save,
        answers={200: "The snapshot."},
    ),
    Route(
        "PUT",
        f"{PREFIX}/state",
        "Load a snapshot in the place of what the sandbox keeps; one of another contract if it fits.",
        _load,
        body=SNAPSHOT,
        answers={200: "How many records were loaded, with a note where the contract is another one.", **_FULL},
    ),
    Route(
        "GET",
        _WHERE,
        "The records of a collection: seeds and what was written; a tombstone has null for members.",
        _list,
        answers={200: "The records, each with key, origin and members."},
    ),
    Route(
        "GET",
        f"{_WHERE}/{{key}}",
        "One record, or the default of an open collection.",
        _get,
        answers={200: "The record."},
    ),
    Route(
        "PUT",
        f"{_WHERE}/{{key}}",
        "Write a record: its members, or null for a key that does not exist.",
        _put,
        body=_MEMBERS,
        answers={200: "The record as it is now.", **_FULL},
    ),
    Route(
        "PATCH",
        f"{_WHERE}/{{key}}",
        "Change members of a record; null takes one away.",
        _patch,
        body={"description": "The members to change.", "type": "object"},
        answers={200: "The record as it is now.", **_FULL},
    ),
    Route(
        "DELETE",
        f"{_WHERE}/{{key}}",
        "Bring a record back to its seed, or to the default.",
        _delete,
        answers={200: "The record as it is now."},
    ),
)
