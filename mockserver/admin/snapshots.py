"""Admin routes of a snapshot: all that a sandbox keeps beside the seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mockserver.admin.sandboxes import sandbox_to_change, sandbox_to_read
from mockserver.admin.state import MEMBERS, NO_ROOM, stored_key, unknown_collection, validated_record
from mockserver.base.spelling import close_matches, did_you_mean_sentence
from mockserver.base.values import encode_json, printable
from mockserver.core.model import IdRule, Record
from mockserver.core.reply import Reply
from mockserver.http_api.api import ADMIN_PREFIX, Call, Route, json_reply
from mockserver.http_api.errors import admin_error, require_room
from mockserver.http_api.pieces import joined, json_in_pieces
from mockserver.storage.interface import Counter, State
from mockserver.storage.pacing import Pacer

MAX_COUNTER: Final = 2**53 - 1
"""The most that a counter of a snapshot may be: exact in every JSON reader."""

_COUNTER: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["used", "searched"],
    "additionalProperties": False,
    "properties": {
        "used": {"description": "How many ids were used.", "type": "integer", "minimum": 0, "maximum": MAX_COUNTER},
        "searched": {"description": "How far the search for an unused id came.", "type": "integer", "minimum": 0,
                     "maximum": MAX_COUNTER},
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
                    "properties": {"members": MEMBERS, "origin": {"const": "request"}},
                },
            },
        },
        "new": {"type": "object", "additionalProperties": _COUNTER},
    },
}


async def _get_snapshot(call: Call) -> Reply:
    state = await (await sandbox_to_read(call)).state()
    return json_in_pieces(joined(_snapshot_parts(state, call.engine.contract.hash, call.sandbox)))


def _snapshot_parts(state: State, contract: str, sandbox: str) -> Iterator[bytes]:
    """A snapshot as JSON, a part for each record."""
    about = encode_json({"format": 1, "contract": contract, "sandbox": sandbox})
    yield about.removesuffix(b"}") + b',"records":{'
    collections = {name: records for name, records in state.records.items() if records}
    for number, (name, records) in enumerate(collections.items()):
        yield (b"," if number else b"") + encode_json(name) + b":{"
        separator = b""
        for key, record in records.items():
            shown = {"members": record.members if record is not None else None, "origin": "request"}
            yield separator + encode_json(key) + b":" + encode_json(shown)
            separator = b","
        yield b"}"
    new = {name: {"used": counter.used, "searched": counter.searched} for name, counter in state.counters.items()}
    yield b'},"new":' + encode_json(new) + b"}"


async def _put_snapshot(call: Call) -> Reply:
    sandbox = await sandbox_to_change(call)
    engine, collections = call.engine, call.engine.contract.collections
    records: dict[str, dict[str, Record | None]] = {name: {} for name in collections}
    pacer = Pacer()
    for name, given in call.body["records"].items():
        if name not in collections:
            raise unknown_collection(name, collections)
        keys: dict[str, str] = {}
        for requested_key, one in given.items():
            key = stored_key(collections[name], requested_key)
            if key in records[name]:
                same = f"{printable(keys[key], 80)} and {printable(requested_key, 80)}"
                detail = f"{name}: the keys {same} are those of the same record."
                raise admin_error(400, "duplicate-record", "A snapshot has a record twice", detail)
            keys[key] = requested_key
            records[name][key] = validated_record(collections[name], key, one["members"])
            await pacer.pause()
    ids: dict[str, IdRule] = {new.name: new for operation in engine.contract.operations for new in operation.id_rules}
    counters = {}
    for name, counter in call.body.get("new", {}).items():
        if name not in ids:
            detail = f"There is no generated id {name[:80]}.{did_you_mean_sentence(close_matches(name, ids))}"
            raise admin_error(400, "unknown-id", "The snapshot counts ids that this contract does not generate", detail)
        counters[name] = Counter(counter["used"], counter["searched"])
    require_room(await sandbox.load_state(State(records, counters)))
    origin = call.body.get("contract", engine.contract.hash)
    note = {} if origin == engine.contract.hash else {"note": f"It is of another contract, {origin[:80]}, but fits."}
    return json_reply({"status": "loaded", "records": sum(map(len, records.values())), **note})


ROUTES: Final = (
    Route(
        "GET",
        f"{ADMIN_PREFIX}/state",
        "The state of the sandbox beside the seeds, as a snapshot that any server can load.",
        _get_snapshot,
        responses={200: "The snapshot."},
    ),
    Route(
        "PUT",
        f"{ADMIN_PREFIX}/state",
        "Replace the state of the sandbox by a snapshot, also of another contract if it fits.",
        _put_snapshot,
        body=SNAPSHOT,
        responses={200: "How many records were loaded, with a note if the contract is another one.", **NO_ROOM},
    ),
)
