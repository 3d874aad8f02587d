"""Laws that hold for any request to the shipped contract, whatever came before it."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver import Engine, Reply, Request, frozen_clock, load
from mockserver.contract.loading import shipped_folder
from mockserver.engine.engine import run_sync
from mockserver.schema.schema_set import SchemaSet
from mockserver.storage.interface import State
from tests.support import explain

CONTRACT = load()
OPERATION = CONTRACT.operations[0]
NAMES = ("request", "success", "error")
SCHEMAS = SchemaSet()
SCHEMAS.add(
    {
        name: json.loads((shipped_folder() / "schemas" / f"activate-card-for-customer.{name}.schema.json").read_bytes())
        for name in NAMES
    },
    lambda name, fault: None,
)
VALIDATORS = {name: SCHEMAS.validator(name) for name in NAMES}

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, "", "  ", "x", 5, 1.5, True, [], {}, {"id": 1}, "\u0000", "é" * 3, "1234\n"]
)
TEXTS = {
    "customer_id": [
        "12345678",
        "85",
        "c1",
        "TEST-CUSTOMER",
        "TEST-ENTERPRISE",
        "TEST-UNKNOWN",
        "TEST-HAS-CARD",
        "TEST-NO",
    ],
    "card_identifier": ["CARD-001", "CARD-002", "TEST-CARD", "TEST-ACTIVATED", "TEST-UNKNOWN", "TEST-PROVIDER-DOWN"],
    "reference_batch": ["7e4b85e27c4610824900af48f340394d", "7E4B85E27C4610824900AF48F340394D", "0" * 32, "f" * 32],
    "pin": ["1234", "12a4", "123", "12345", "１２３４"],
    "device_id": ["2fc54683d5fad405"],
}
CUSTOMER = st.fixed_dictionaries(
    {},
    optional={
        "first_name": st.sampled_from(["Laura", "José"]) | ODD,
        "last_name": st.sampled_from(["Pérez"]) | ODD,
        "email": st.sampled_from(["a@example.com", "A@example.com", "TEST-TAKEN@example.com"]) | ODD,
        "rfc": st.sampled_from(["PEGL800101AB1", "ÑAA010101AAA", "no"]) | ODD,
        "other": ODD,
    },
)
BODY = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.sampled_from(texts) | ODD for name, texts in TEXTS.items()},
        "customer": CUSTOMER | ODD,
        "balance": st.sampled_from([{"id": 10249}, {"id": "1"}]) | ODD,
        "extra": ODD,
    },
)
SOUND = st.fixed_dictionaries(
    {name: st.sampled_from(texts) for name, texts in TEXTS.items() if name in ("card_identifier", "reference_batch")},
    optional={
        "customer_id": st.sampled_from(TEXTS["customer_id"]),
        "pin": st.just("1234"),
        "balance": st.just({"id": 1}),
    },
).flatmap(
    lambda body: st.fixed_dictionaries(
        {**{k: st.just(v) for k, v in body.items()}}
        | ({} if "customer_id" in body else {"customer": st.just({"first_name": "Laura", "last_name": "Pérez"})})
    )
)
RAW = (
    BODY.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=20) | st.sampled_from([b"[]", b"null", b"{"])
)
FORCED = st.none() | st.sampled_from([s.id for s in CONTRACT.scenarios])


def engine() -> Engine:
    return Engine(CONTRACT, clock=frozen_clock(1_731_681_138_123_456_789))


def request(body: bytes, forced: str | None = None) -> Request:
    headers = {"content-type": "application/json"} | ({"mock-scenario": forced} if forced else {})
    return Request("POST", "/debit/v1/activateCardForCustomer", body, headers)


def header(reply: Reply, name: str) -> str | None:
    return dict(reply.all_headers).get(name)


def state(of: Engine) -> State:
    """All records and counters of the default sandbox."""
    sandbox = run_sync(of.storage.peek(""))
    assert sandbox is not None
    return run_sync(sandbox.state())


@given(st.lists(BODY | SOUND, min_size=1, max_size=4))
def test_a_request_that_its_schema_accepts_is_never_malformed(bodies: list[dict[str, Any]]) -> None:
    """Violations exist just when JSON Schema, used by itself, finds some."""
    validator = VALIDATORS["request"]
    assert validator is not None
    mock = engine()
    for body in bodies:
        reply = mock.handle_sync(request(json.dumps(body).encode()))
        if reply.decision is not None:
            sound = not validator.violations("body", body)
            assert sound is (header(reply, "Mock-Violations") is None)
            assert not (sound and header(reply, "Mock-Scenario") == "malformed")


@given(st.lists(st.tuples(RAW, FORCED), min_size=1, max_size=4))
def test_an_explanation_equals_the_reply(requests: list[tuple[bytes, str | None]]) -> None:
    """It changes nothing, and has evidence for each miss, nearest first."""
    mock = engine()
    for body, forced in requests:
        before = state(mock)
        explained = explain(mock, request(body, forced))
        assert state(mock) == before
        reply = mock.handle_sync(request(body, forced))
        assert explained.reply.status == reply.status
        assert explained.reply.body == reply.body
        entry = ("Mock-Entry", reply.entry_id)  # explaining makes none
        told = [entry if name == "Mock-Entry" else (name, text) for name, text in explained.reply.all_headers]
        assert tuple(told) == reply.all_headers
        assert all(miss.evidence for miss in explained.near_misses)
        if reply.decision is not None and forced is None:
            order = [s.id for s in OPERATION.scenarios]
            missed = [m.scenario.id for m in explained.near_misses]
            assert sorted(missed, key=order.index) == order[: order.index(reply.decision.scenario.id)]
            nearness = [(not m.held, len(m.evidence)) for m in explained.near_misses]
            assert nearness == sorted(nearness)


@given(st.lists(st.tuples(RAW, FORCED), min_size=1, max_size=4))
def test_the_same_inputs_give_the_same_decisions(requests: list[tuple[bytes, str | None]]) -> None:
    """Two mocks that are sent the same answer the same, byte for byte."""
    left, right = engine(), engine()
    for body, forced in requests:
        one, other = left.handle_sync(request(body, forced)), right.handle_sync(request(body, forced))
        assert (one.status, one.all_headers, one.body) == (other.status, other.all_headers, other.body)
    assert state(left) == state(right)


@given(st.lists(st.tuples(RAW | SOUND.map(lambda b: json.dumps(b).encode()), FORCED), min_size=1, max_size=4))
def test_only_an_activation_changes_the_state(requests: list[tuple[bytes, str | None]]) -> None:
    """A failed activation, a forced answer and a misuse leave the state as it was."""
    mock = engine()
    for body, forced in requests:
        before = state(mock)
        reply = mock.handle_sync(request(body, forced))
        if reply.status != 200 or forced is not None:
            assert state(mock) == before
        else:
            assert state(mock) != before


@given(RAW, FORCED)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_every_answer_fits_its_envelope(body: bytes, forced: str | None) -> None:
    """Whatever was sent, forced or not, the answer fits the schema of its envelope."""
    reply = engine().handle_sync(request(body, forced))
    if reply.decision is None:
        assert json.loads(reply.body)["type"].startswith("urn:mockserver:problem:")
        return
    validator = VALIDATORS["success" if reply.status == 200 else "error"]
    assert validator is not None
    assert validator.violations("answer", json.loads(reply.body)) == ()
    assert header(reply, "Mock-Scenario") == reply.decision.scenario.id
    assert header(reply, "Mock-Contract") == CONTRACT.hash


@given(st.text("9876abcXYZ!-", min_size=5, max_size=9), FORCED, st.sampled_from(["pin", "nested", "list"]))
def test_a_secret_is_never_shown(secret: str, forced: str | None, where: str) -> None:
    """No header and no message of any reply, nor an explanation, holds a PIN or an Authorization header."""
    shapes: dict[str, Any] = {"pin": secret, "nested": {"a": secret}, "list": [secret]}
    body = {"customer_id": "1", "card_identifier": "C", "reference_batch": "0" * 31, "pin": shapes[where]}
    asked = request(json.dumps(body).encode(), forced)
    asked = Request(
        asked.method, asked.path, asked.body, {**asked.headers, "authorization-ecommerce": f"Bearer {secret}"}
    )
    explained = explain(engine(), asked)
    seen = [explained.reply.body.decode(), *(value for _, value in explained.reply.all_headers)]
    seen += [text for miss in explained.near_misses for e in miss.evidence for text in (e.expected, e.got)]
    assert not [text for text in seen if secret in text]
