"""The journal entry: one document, as its schema says it, lean, and masked where it says so."""

import json
import shutil
from pathlib import Path
from typing import Any, get_args

import aiohttp
import msgspec
import pytest
from jsonschema import Draft202012Validator

from mockserver import Contract, Engine, Request, load
from mockserver.admin.sandboxes import SANDBOX_SETTING_NAMES
from mockserver.contract.loading import shipped_folder
from mockserver.core.faults import FAULTS
from mockserver.core.model import Provenance, Record, RequestWarning, Trigger, Write
from mockserver.engine.engine import run_sync
from mockserver.engine.linter import example_requests
from mockserver.entries.journal_entry import (
    Body,
    EntryDecision,
    EntryDifference,
    EntryLookup,
    EntryReply,
    EntryRequest,
    EntrySettings,
    EntryViolation,
    JournalEntry,
    Recorded,
    RuntimeScenarioText,
    ScenarioInfo,
    decode_entry,
    with_client_left,
)
from mockserver.entries.reconstruction import document_of, reconstruct
from mockserver.server.server import serving
from tests.support import LASTING, ONCE, PATH, PING, folder, journal

JSON = {"content-type": "application/json"}
NUMBER = "4111111111111111"
SCHEMA = json.loads((shipped_folder() / "schemas" / "journal-entry.schema.json").read_bytes())
VALIDATOR = Draft202012Validator(SCHEMA)
DOCUMENT: type[msgspec.Struct] = JournalEntry
KINDS: dict[str, type[msgspec.Struct]] = {
    "request": EntryRequest,
    "reply": EntryReply,
    "body": Body,
    "decision": EntryDecision,
    "recorded": Recorded,
    "difference": EntryDifference,
    "scenario": ScenarioInfo,
    "settings": EntrySettings,
    "violation": EntryViolation,
    "warning": RequestWarning,
    "lookup": EntryLookup,
    "record": Record,
    "write": Write,
    "added": RuntimeScenarioText,
}
"""The definitions of the schema, each with the struct that it describes."""


def documents(engine: Engine) -> list[Any]:
    """The documents of the journal as JSON values, oldest first; each is as the schema says."""
    found = [json.loads(entry.data) for entry in run_sync(engine.storage.entries(None))][::-1]
    for document in found:
        assert [error.message for error in VALIDATOR.iter_errors(document)] == []
    return found


def sent(engine: Engine, body: bytes | dict[str, Any], path: str = PATH, **more: Any) -> Any:
    """The document of a request that is sent."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {**JSON, **more.pop("headers", {})}
    engine.handle_sync(Request(more.pop("method", "POST"), path, data, headers, **more))
    return documents(engine)[-1]


def at(document: Any, pointer: str) -> Any:
    """What stands at a JSON Pointer. Raises `LookupError` where there is nothing."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


# -- the schema -----------------------------------------------------------------------------------------


def test_the_entry_schema_is_closed_and_complete() -> None:
    """JSON Schema 2020-12; every object is closed or open on purpose."""
    Draft202012Validator.check_schema(SCHEMA)
    for schema in (SCHEMA, *(SCHEMA["$defs"][kind] for kind in KINDS)):
        assert schema["additionalProperties"] is False
        for name, member in schema["properties"].items():
            about = member.get("description") or SCHEMA["$defs"][member["$ref"].rpartition("/")[2]]["description"]
            assert about.endswith((".", "…")), name


def test_entry_schema_and_code_have_the_same_members() -> None:
    """Members without a default are required."""
    for schema, struct in ((SCHEMA, DOCUMENT), *((SCHEMA["$defs"][kind], one) for kind, one in KINDS.items())):
        fields = msgspec.structs.fields(struct)
        assert [*schema["properties"]] == [field.encode_name for field in fields] or {*schema["properties"]} == {
            field.encode_name for field in fields
        }
        assert {*schema["required"]} == {field.encode_name for field in fields if field.required}
    assert SCHEMA["properties"]["fault"]["enum"] == [*FAULTS]
    assert SCHEMA["$defs"]["decision"]["properties"]["trigger"]["enum"] == [*get_args(Trigger)]
    assert SCHEMA["$defs"]["scenario"]["properties"]["source"]["enum"] == [*get_args(Provenance)]
    assert tuple(SCHEMA["$defs"]["settings"]["properties"]) == SANDBOX_SETTING_NAMES


def test_the_entry_schema_is_not_part_of_a_contract(tmp_path: Path, contract: Contract) -> None:
    """The hash is the same with it and without."""
    for name in ("scenarios", "schemas"):
        shutil.copytree(shipped_folder() / name, tmp_path / name)
    assert load(tmp_path).hash == contract.hash
    (tmp_path / "schemas" / "journal-entry.schema.json").unlink()
    assert load(tmp_path).hash == contract.hash


# -- entries of all kinds ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "encoding", "value"),
    [
        (b'{"pin": "1234", "n": 1.50}', "json", {"pin": "0000", "n": 1.5}),
        (b'{"a":  1}', "json", {"a": 1}),
        (b"[1]", "text", "[1]"),
        (b"{", "text", "{"),
        (b"", "text", ""),
        ("ñ".encode(), "text", "ñ"),
        (b"\xff\xfe", "base64", "//4="),
        (b'{"a": "\\ud800"}', "text", '{"a": "\\ud800"}'),
    ],
)
def test_a_body_in_an_entry_is_json_text_or_base64(
    contract: Contract, body: bytes, encoding: str, value: object
) -> None:
    """Of decided and of refused requests."""
    engine = Engine(contract)
    for path in (PATH, "/nothing"):
        entry = sent(engine, body, path)
        assert entry["request"]["body"] == {"encoding": encoding, "value": value}
    decided, refused = journal(engine)[::-1]
    assert decided.request.body.data == refused.request.body.data
    if encoding != "json":
        assert decided.request.body.data == body


def test_entries_of_all_examples_fit_the_schema(contract: Contract) -> None:
    """Forced ones too."""
    engine = Engine(contract)
    for operation in contract.operations:
        for scenario in operation.scenarios:
            for example in scenario.examples:
                for request in example_requests(operation, example):
                    engine.handle_sync(request)
            sent(engine, b"{}", path=operation.path, headers={"mock-scenario": scenario.id})
    found = {entry["decision"]["scenario"]["scenario"] for entry in documents(engine)}
    assert found == {scenario.id for scenario in contract.scenarios}


async def test_entries_of_all_kinds_fit_the_schema(client: aiohttp.ClientSession, tmp_path: Path) -> None:
    """Refused, with faults and delays, armed, in turn, with run-time scenarios and secrets."""
    files = {**PING, "ping.yaml": PING["ping.yaml"] + "    sensitive: [path.word, query.again, header.x-one]\n"}
    engine = Engine(load(overlays=[folder(tmp_path / "overlay", files)]))
    flaky = "documented: F.\nwhen: {header.x-f: present}\nresponses: [{respond: {error: {code: 1}}}, {pass: true}]\n"
    async with serving(engine) as url:

        async def admin(method: str, path: str, data: object) -> None:
            text = data if isinstance(data, str) else json.dumps(data)
            async with client.request(method, f"{url}/__admin{path}", data=text) as response:
                assert response.status < 300, await response.text()

        async def post(body: object, path: str = PATH, **headers: str) -> None:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            async with client.post(url + path, json=body, headers=named) as response:
                await response.read()

        await post({**ONCE, "card_identifier": NUMBER, "pin": "12a4", "customer": {"curp": 1}})
        await post(ONCE)
        await post(ONCE)
        await post(ONCE, Mock_Scenario="nothing")
        await post(ONCE, "/sandbox/*" + PATH)
        await post(LASTING, Mock_Fault="gateway; status=502", Mock_Delay="1ms")
        await post(LASTING, Mock_Fault="dribble; seconds=0")
        await admin("PUT", "/settings", {"error_status": 422, "require_headers": ["X-Needed"], "mock_headers": False})
        await post({**LASTING, "n": NUMBER}, PATH + f"?{NUMBER}={NUMBER}&q=1")
        await admin("PUT", "/scenarios/flaky?operation=activateCardForCustomer", flaky)
        for _ in range(2):
            await post(LASTING, X_F="1")
        await admin("POST", "/arm", {"scenario": "flaky", "operation": "activateCardForCustomer"})
        responses = [{"pass": True}, {"scenario": "rfc-invalid"}]
        await admin("POST", "/arm", {"responses": responses, "operation": "activateCardForCustomer"})
        for _ in range(3):
            await post(LASTING)
        async with client.get(f"{url}/v1/ping/s3cret?again=s3cret", headers={"X-One": "s3cret", "Cookie": "a=b"}):
            pass
    found = documents(engine)
    kinds = [entry.get("problem") or entry["decision"]["trigger"] for entry in found]
    refused = {"unknown-scenario", "bad-sandbox"}
    assert {*kinds} == {"values", "state", "armed", "default", *refused}, kinds
    assert {entry.get("fault") for entry in found} == {None, "gateway", "dribble"}
    assert [entry["decision"]["cause"] for entry in found if entry.get("decision", {}).get("cause")] == ["2"]
    text = json.dumps(found)
    assert NUMBER not in text
    assert "s3cret" not in text
    for entry in found:
        for pointer in entry.get("masked", ()):
            assert at(entry, pointer) is not None


def test_masked_lists_each_masked_place(contract: Contract) -> None:
    """Secrets by name, account numbers anywhere."""
    engine = Engine(contract)
    assert "masked" not in sent(engine, {**LASTING})
    secret = {"authorization-ecommerce": "Bearer abc", "cookie": "a=1"}
    body = {**ONCE, "pin": "1234", "card_identifier": NUMBER, "more": {"a/b": [f"of {NUMBER}"]}}
    entry = sent(engine, body, headers=secret, query={"pin": "1"})
    assert entry["masked"][:5] == [
        "/request/target",
        "/request/query/pin",
        "/request/headers/1/1",
        "/request/headers/2/1",
        "/request/body/value/pin",
    ]
    places = {pointer for pointer in entry["masked"] if pointer.startswith("/request/body")}
    assert places == {f"/request/body/value/{name}" for name in ("pin", "card_identifier", "more/a~1b/0")}
    key = "/decision/lookups/card/records/0/view/key"
    assert {"/decision/lookups/card/key", key, "/decision/writes/0/key"} <= {*entry["masked"]}
    assert len(entry["masked"]) == len({*entry["masked"]})
    for pointer in entry["masked"]:
        assert "0" in str(at(entry, pointer)) or "x" in str(at(entry, pointer)), pointer


@pytest.mark.parametrize("name", ["pin", "PIN", "Authorization", "cookie"])
def test_a_secret_in_the_query_is_masked(contract: Contract, name: str) -> None:
    """Where the contract has none, too: a client may put it where it does not belong."""
    entry = sent(Engine(contract), LASTING, query={name: "7391", "page": "2"})
    assert entry["request"]["query"] == {name: "0000", "page": "2"}
    assert entry["masked"] == ["/request/target", f"/request/query/{name}"]


def test_an_entry_leaves_out_defaults(contract: Contract) -> None:
    """Empty and default members."""
    entry = sent(Engine(contract), ONCE)
    assert entry.keys() == {"id", "sandbox", "time", "micros", "contract", "request", "reply", "decision"}
    assert entry["request"].keys() == {"method", "target", "headers", "body"}
    left_out = {"cause", "violations", "turns", "added", "forced_text"}
    assert {field.encode_name for field in msgspec.structs.fields(EntryDecision)} - entry["decision"].keys() == left_out
    assert entry["decision"]["lookups"].keys() == {"batch", "card", "customer", "created"}  # not email
    assert entry["decision"]["lookups"]["batch"]["records"][0].keys() == {"view"}
    assert entry["decision"]["scenario"].keys() == {"operation", "scenario", "position", "source", "heading", "because"}
    assert len(json.dumps(entry, separators=(",", ":"))) < 2_700


def test_a_bad_entry_is_refused() -> None:
    """A document that lacks a member."""
    with pytest.raises(ValueError, match="missing required field `sandbox`"):
        decode_entry(b'{"id": "1"}')


def test_a_decision_is_reconstructed_only_with_its_operation(contract: Contract, tmp_path: Path) -> None:
    """A refusal has no decision to reconstruct."""
    both = load(overlays=[folder(tmp_path / "overlay", PING)])
    engine = Engine(both)
    sent(engine, b"", "/v1/ping/a", method="GET")
    sent(engine, b"", "/nothing", method="GET")
    refused, ping = journal(engine)
    assert reconstruct(refused, both) is None
    assert reconstruct(ping, contract) is None
    again = reconstruct(ping, both, engine.storage.orders)
    assert again is not None
    assert again.near_misses == ()
    assert ping.decision is not None
    document = document_of(ping, ping.decision)
    assert (document.parameters, document.request.path) == ({"word": "a"}, "/v1/ping/a")


def test_an_entry_of_a_client_that_left_differs_in_that_alone(contract: Contract) -> None:
    """Every example of the contract."""
    engine = Engine(contract)
    for operation in contract.operations:
        for scenario in operation.scenarios:
            for example in scenario.examples:
                for request in example_requests(operation, example):
                    engine.handle_sync(request)
    for entry in run_sync(engine.storage.entries("")):
        left = json.loads(with_client_left(entry.data))
        assert left.pop("client_left") is True
        assert left == json.loads(entry.data)
