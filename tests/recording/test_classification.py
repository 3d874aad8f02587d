"""What an answer of a provider that drifts is to the contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from mockserver import Contract
from tests.support import BATCH, PATH
from tests.support.drifting_provider import Drift, Provider, Reply
from tests.support.recording import entry, post, recording

GOOD = {"customer_id": "12345678", "card_identifier": "CARD-7", "reference_batch": BATCH}
WRONG_PIN = {**GOOD, "pin": "12a4"}
PIN, ACTIVATED, SUCCESS = "pin-not-digits", "card-already-activated", "activated-existing-customer"


def error(**members: Any) -> Drift:
    return lambda reply: reply.body["error"].update(members)


def renamed(reply: Reply) -> None:
    reply.body["error"]["Code"] = reply.body["error"].pop("code")


def instead(status: int, body: Any, **headers: str) -> Drift:
    def drift(reply: Reply) -> None:
        reply.status, reply.body = status, body
        reply.headers.update(headers)

    return drift


def status(number: int) -> Drift:
    return lambda reply: setattr(reply, "status", number)


def payload(change: Callable[[dict[str, Any]], object]) -> Drift:
    return lambda reply: (change(reply.body["payload"]), None)[1]


UNKNOWN_ERROR = {"text": "Error", "timestamp": "", "endpoint": "", "error": {"code": 4999, "hints": ["New"]}}
DRIFTS: list[tuple[str, Any, Drift | None, str, list[str]]] = [
    ("no drift", WRONG_PIN, None, f"same as {PIN}", []),
    ("another code", WRONG_PIN, error(code=4999), f"differs from {PIN}", ["body /error/code"]),
    ("another hint", WRONG_PIN, error(hints=["No"]), f"differs from {PIN}", ["body /error/hints/0"]),
    ("a renamed member", WRONG_PIN, renamed, f"differs from {PIN}", ["body /error/code", "body /error/Code"]),
    ("200 for an error", WRONG_PIN, status(200), f"differs from {PIN}", ["status"]),
    (
        "the answer of another check",
        WRONG_PIN,
        error(code=4433, hints=["Card has already been activated"]),
        f"same as {ACTIVATED}",
        [],
    ),
    (
        "the same, with a drift",
        GOOD,
        instead(
            400,
            {
                **UNKNOWN_ERROR,
                "timestamp": "2026-11-29T05:58:46.857056818-06:00",
                "endpoint": PATH,
                "error": {"code": 4433, "hints": ["Used"]},
            },
        ),
        f"differs from {ACTIVATED}",
        ["body /error/hints/0"],
    ),
    ("an error that nobody documents", GOOD, instead(400, UNKNOWN_ERROR), "unknown", []),
    (
        "a code of several answers",
        GOOD,
        instead(400, {**UNKNOWN_ERROR, "error": {"code": 4400, "hints": ["New"]}}),
        "unknown",
        [],
    ),
    (
        "texts that are free, and nothing else",
        {**GOOD, "customer_id": 7},
        instead(400, {**UNKNOWN_ERROR, "error": {"code": 4999, "hints": ["No", "Not at all"]}}),
        "unknown",
        [],
    ),
    ("a page of a gateway", GOOD, instead(502, "<html>no</html>"), "unknown", []),
    ("a redirect", GOOD, instead(302, {}, Location="https://elsewhere.example/?token=abc"), "unknown", []),
    ("JSON of another kind", GOOD, instead(200, [1]), "unknown", []),
    ("a success", GOOD, None, f"same as {SUCCESS}", []),
    (
        "a numeric id",
        GOOD,
        payload(lambda one: one.update(card_id=7)),
        f"differs from {SUCCESS}",
        ["body /payload/card_id"],
    ),
    (
        "much of a success",
        GOOD,
        payload(lambda one: one.update(card_id=7, status="ACTIVE", more=1)),
        f"differs from {SUCCESS}",
        ["body /payload/card_id", "body /payload/status", "body /payload/more"],
    ),
]


@pytest.mark.parametrize(
    ("sent", "drift", "words", "places"), [row[1:] for row in DRIFTS], ids=[row[0] for row in DRIFTS]
)
async def test_an_answer_is_the_same_differs_or_is_unknown(
    contract: Contract,
    provider: Provider,
    client: aiohttp.ClientSession,
    sent: Any,
    drift: Drift | None,
    words: str,
    places: list[str],
) -> None:
    """With each difference at its place."""
    sandbox = f"/sandbox/case-{uuid4()}"
    if drift is not None:
        provider.every = drift
    async with recording(contract, provider.url + sandbox) as url:
        await post(client, url + PATH, sent)
        shown = (await entry(client, url))["recording"]
    assert (shown["words"], [one["at"] for one in shown["differences"]]) == (words, places), shown["reason"]
    assert (shown["reason"] is None) is (shown["words"] != "unknown")
    assert shown["expected"] == {id(WRONG_PIN): PIN, id(GOOD): SUCCESS}.get(id(sent), "malformed")


async def test_the_expected_answer_follows_from_those_before(
    contract: Contract, provider: Provider, client: aiohttp.ClientSession
) -> None:
    """What the provider did is done in the mock's records too; an answer that differs changes nothing."""
    async with recording(contract, f"{provider.url}/sandbox/twice") as url:
        provider.drifts[SUCCESS] = status(201)
        await post(client, url + PATH, GOOD)
        provider.drifts.clear()
        await post(client, url + PATH, {**GOOD, "card_identifier": "CARD-8", "customer_id": "2"})
        await post(client, url + PATH, GOOD)
        await post(client, url + PATH, {**GOOD, "card_identifier": "CARD-8", "customer_id": "2"})
        shown = [(await entry(client, url, number))["recording"] for number in range(1, 5)]
    assert [(one["words"], one["expected"]) for one in shown] == [
        (f"differs from {SUCCESS}", SUCCESS),
        (f"same as {SUCCESS}", SUCCESS),
        (f"same as {ACTIVATED}", SUCCESS),
        (f"same as {ACTIVATED}", ACTIVATED),
    ]
