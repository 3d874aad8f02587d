"""Answers of the shipped contract, varied: what the open schema allows, and the same to a client that reads it."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mockserver import Engine, Reply, Request, Settings, frozen_clock, load
from mockserver.base.instants import parse_instant
from mockserver.engine.engine import run_sync
from mockserver.entries.bundle import bundle, replay
from mockserver.variation.setting import KINDS, parse_variation
from tests.support import LASTING, ONCE, PATH, explain, folder, journal

CONTRACT = load()
CLOCK = frozen_clock(1_700_000_000_123_456_789)
NEW = {"customer": {"first_name": "Ana", "last_name": "Ruiz"}, "card_identifier": "C-1", "reference_batch": "a" * 32}
REQUESTS: tuple[Mapping[str, Any], ...] = (LASTING, ONCE, ONCE, NEW, {}, {**LASTING, "pin": "12a4"})


def engine(vary: str, **changes: Any) -> Engine:
    """A fresh engine of the shipped contract."""
    return Engine(CONTRACT, settings=replace(CONTRACT.settings, vary=vary, **changes), clock=CLOCK)


def send(engine: Engine, body: Mapping[str, Any], sandbox: str = "", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/sandbox/{sandbox}{PATH}" if sandbox else PATH
    return engine.handle_sync(Request("POST", path, json.dumps(body).encode(), named))


def header(reply: Reply, name: str) -> str:
    return next((value for one, value in reply.all_headers if one.lower() == name.lower()), "")


def without_variation(body: Any, before: Any) -> Any:
    """A varied body with what may vary set back to what it was before."""
    at, at_before = parse_instant(body["timestamp"]), parse_instant(before["timestamp"])
    assert 0 <= at_before - at < 10**9
    assert body["endpoint"].lstrip("/") == before["endpoint"].lstrip("/")
    shown = {"error": {}, **body, "timestamp": before["timestamp"], "endpoint": before["endpoint"]}
    for members in (shown, shown.get("payload", {}), shown["error"]):
        for name in [name for name in members if re.fullmatch(r"x_[0-9]+", name)]:
            del members[name]
    return shown


@pytest.mark.parametrize("seed", range(100))
def test_a_varied_answer_means_the_same(seed: int) -> None:
    """Status, outcome and values are those of the answer without variation; the open schema allows the body."""
    plain, varied = engine(""), engine(f"{seed}:{','.join(kind for kind in KINDS if kind != 'ids')}")
    for request in REQUESTS:
        before, after = send(plain, request), send(varied, request)
        assert (after.status, header(after, "mock-scenario")) == (before.status, header(before, "mock-scenario"))
        body = json.loads(after.body)
        assert after.decision is not None
        schema = after.decision.scenario.envelope.open_validator
        assert schema is not None
        assert schema.violations("answer", body) == ()
        assert without_variation(body, json.loads(before.body)) == json.loads(before.body)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ids"])
def test_each_kind_changes_something_and_says_so(kind: str) -> None:
    """The header names it if and only if the reply is another one."""
    request = {} if kind == "numbers" else LASTING  # a success has none
    plain = send(engine("", mock_headers=False), request)
    told = []
    for seed in range(20):
        reply = send(engine(f"{seed}:{kind}"), request)
        told.append(header(reply, "mock-varied"))
        bare = send(engine(f"{seed}:{kind}", mock_headers=False), request)
        differs = (bare.body, bare.all_headers, bare.framing) != (plain.body, plain.all_headers, None)
        assert told[-1] == (f"{seed}/1:{kind}" if differs else "")
    assert any(told)


def test_a_new_id_of_another_form_is_told_and_taken_again() -> None:
    """The new customer is known by the id that was answered, however it is written."""
    forms = set()
    for seed in range(12):
        one = engine(f"{seed}:ids")
        reply = send(one, NEW)
        customer = json.loads(reply.body)["payload"]["customer_id"]
        forms.add(customer)
        assert header(reply, "mock-varied") == f"{seed}/1:ids"
        again = send(one, {**ONCE, "customer_id": customer, "card_identifier": "C-2"})
        assert header(again, "mock-scenario") == "physical-card-exists"
        assert header(again, "mock-varied") == ""
    assert len(forms) > 3


def test_the_same_seed_and_number_give_the_same_answer() -> None:
    """Whatever other sandboxes do meanwhile; another number or seed gives another one."""

    def bodies(vary: str, *, disturbed: bool = False) -> list[bytes]:
        one = engine(vary)
        found = []
        for _ in range(4):
            found.append(send(one, LASTING, "mine").body)
            if disturbed:
                send(one, LASTING, "other")
        return found

    first = bodies("7")
    assert first == bodies("7", disturbed=True)
    assert first != bodies("8")
    assert len(set(first)) == 4


def test_the_header_gives_the_variation_again() -> None:
    """As the setting, for each request."""
    one = engine("7")
    send(one, {})
    reply = send(one, LASTING)
    assert header(reply, "mock-varied").startswith("7/2:")
    again = engine(header(reply, "mock-varied"))
    for _ in range(2):
        assert send(again, LASTING).body == reply.body


def test_the_journal_has_what_was_sent() -> None:
    """Headers in their order and the body byte for byte; a replay gives the same again."""
    one = engine("7")
    reply = send(one, LASTING)
    (entry,) = journal(one)
    assert entry.reply.body.data == reply.body
    assert entry.reply.headers == reply.all_headers
    assert entry.decision is not None
    assert entry.decision.settings.vary == f"7/1:{','.join(KINDS)}"
    (stored,) = run_sync(one.storage.entries(""))
    assert replay(bundle(stored.data), CONTRACT).differences == ()


def test_an_explanation_varies_as_the_next_answer_will() -> None:
    """And takes no number."""
    one = engine("7")
    request = Request("POST", PATH, json.dumps(LASTING).encode())
    explained = [explain(one, request).reply.body for _ in range(2)]
    assert explained == [send(one, LASTING).body] * 2


def test_a_reply_with_a_fault_stays_as_it_is() -> None:
    """What was asked for is the fault."""
    reply = send(engine("7"), LASTING, Mock_Fault="truncate")
    assert json.loads(reply.body)["endpoint"].startswith("debit")
    assert (reply.framing, header(reply, "mock-varied")) == (None, "")


FILES = {
    "contract.yaml": """\
format: 1
operations:
  look:
    request: HEAD /look
    envelopes: {plain: {status: 200, body: {a: 1, b: {}}}, none: {status: 204, body: {}}}
""",
    "scenarios.yaml": """\
format: 1
operation: look
scenarios:
- {scenario: nothing, documented: No., when: {header.x-nothing: present}, respond: {none: 1}}
- {scenario: rest, documented: Rest., respond: {plain: 1}}
""",
}


def test_without_an_open_schema_values_stay(tmp_path: Path) -> None:
    """Only what JSON and HTTP leave open varies; no chunks without a body, nor where the client cannot read them."""
    contract = load(folder(tmp_path, FILES))
    for seed in range(30):
        one = Engine(contract, settings=Settings(vary=str(seed)))
        old = one.handle_sync(Request("GET", "/look", reads_chunks=False))
        assert "chunks" not in header(old, "mock-varied")
        for headers in ({}, {"x-nothing": "1"}):
            reply = one.handle_sync(Request("HEAD", "/look", b"", headers))
            kinds = set(parse_variation(header(reply, "mock-varied")).kinds)
            assert not kinds & {"ids", "absent", "enum", "time", "extra", "chunks"}
            assert kinds >= {"packets", "headers"}
