"""Retries in the journal: which request is one, and where it is searched."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mockserver import Contract, Engine, Request
from mockserver.entries.journal_entry import JournalEntry, decode_entry
from mockserver.entries.retries import MAX_SEARCHED, is_same_request, retries_json
from mockserver.reports.translations import TRANSLATIONS
from tests.storage.storages import STORAGES, Clock, MakeStorage, storages
from tests.support import LASTING, ONCE, PATH, journal

SECOND = 1_000_000_000


def request(body: Any = ONCE, *, path: str = PATH, method: str = "POST", query: Any = None, **headers: str) -> Request:
    """A request; names of headers are written with `_`."""
    named = {name.lower().replace("_", "-"): value for name, value in headers.items()}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method, path, data, {"content-type": "application/json", **named}, query or {})


def pair(contract: Contract, first: Request, second: Request) -> tuple[JournalEntry, JournalEntry]:
    """The entries of two requests to one sandbox."""
    engine = Engine(contract)
    engine.handle_sync(first)
    engine.handle_sync(second)
    newer, older = journal(engine)
    return older, newer


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (request(), request()),
        (request(X_Request_Id="1", Idempotency_Key="a"), request(X_Request_Id="2", Idempotency_Key="b")),
        (request(Mock_Fault="reset; commit=true"), request()),
        (request(Mock_Scenario="malformed"), request(Mock_Scenario="malformed", Mock_Delay="1ms")),
        (request(query={"a": "1"}), request(query={"a": "1"})),
        (request(b"{"), request(b"{")),
        (request(b"\xff"), request(b"\xff")),
        (request({**ONCE, "pin": "1234"}), request({**ONCE, "pin": "9999"})),  # no answer rests on a secret
        (request(path="/nothing"), request(path="/nothing")),
    ],
)
def test_the_same_request_is_a_retry(contract: Contract, first: Request, second: Request) -> None:
    """Whatever its ids and faults; both are masked alike."""
    assert is_same_request(*pair(contract, first, second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (request(), request({**ONCE, "card_identifier": "CARD-002"})),
        (request(), request(json.dumps(ONCE, indent=1).encode())),
        (request(), request({**ONCE, "pin": "1234"})),
        (request({**ONCE, "pin": "123"}), request({**ONCE, "pin": "1234"})),
        (request(query={"a": "1"}), request(query={"a": "2"})),
        (request(), request(path=f"{PATH}/")),
        (request(), request(method="PUT")),
        (request(Mock_Scenario="malformed"), request(Mock_Scenario="rfc-invalid")),
        (request(Mock_Scenario="malformed"), request()),
        (request(b"ab"), request(b'"ab"')),
    ],
)
def test_another_request_is_none(contract: Contract, first: Request, second: Request) -> None:
    """A client that sends corrected data does not repeat itself."""
    assert not is_same_request(*pair(contract, first, second))


@pytest.mark.parametrize(("language", "number"), [("en", f"{MAX_SEARCHED:,}"), ("es", str(MAX_SEARCHED))])
def test_the_texts_name_the_bound(language: str, number: str) -> None:
    """The console and the bug report say how far the search goes."""
    assert f" {number} " in TRANSLATIONS[language]["lost.retry.none"]


class Sender:
    """Sends requests to an engine, and asks its journal for their retries."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine, self.clock = engine, clock

    async def send(self, body: Any = ONCE, **headers: str) -> str:
        """The id of the entry of a request."""
        reply = await self.engine.handle(request(body, **headers))
        await self.engine.delivered(reply)
        return reply.entry_id

    async def lose(self, body: Any = ONCE) -> str:
        """The id of the entry of a request whose answer is lost."""
        return await self.send(body, Mock_Fault="reset; commit=true")

    async def retries(self, entry_id: str) -> dict[str, Any]:
        """The retry of an entry, and what it is the retry of."""
        entry = await self.engine.storage.entry(entry_id)
        assert entry is not None
        return await retries_json(self.engine.storage, decode_entry(entry.data))


@pytest.fixture(params=STORAGES)
async def make_storage(request: pytest.FixtureRequest) -> AsyncIterator[MakeStorage]:
    """What makes a storage; one kind after the other."""
    async with storages(request.param) as make:
        yield make


def sender(contract: Contract, make_storage: MakeStorage, **changes: Any) -> Sender:
    """A sender to a fresh engine over a storage."""
    clock, settings = Clock(), replace(contract.settings, **changes)
    storage = make_storage(contract, settings, clock.now_ns, clock.monotonic)
    return Sender(Engine(contract, settings=settings, clock=clock.now_ns, storage=storage), clock)


async def test_a_lost_answer_and_its_retry_name_each_other(contract: Contract, make_storage: MakeStorage) -> None:
    """With the time between by the clock of the sandbox; requests between and in other sandboxes do not count."""
    mock = sender(contract, make_storage)
    lost = await mock.lose()
    assert await mock.retries(lost) == {"retried_by": None, "retry_of": None}
    other = await mock.send({**ONCE, "card_identifier": "CARD-002"})
    await mock.send(Mock_Sandbox="other")
    mock.clock.now += 3 * SECOND // 2
    repeated = await mock.send()
    later = await mock.send()
    refused = {"status": 400, "code": 4433, "scenario": "card-already-activated", "problem": None, "answer_lost": False}
    found = {"id": repeated, **refused, "after_ms": 1500, "has_masked_values": False}
    assert await mock.retries(lost) == {"retried_by": found, "retry_of": None}
    answered = {"status": 200, "code": None, "scenario": "activated-existing-customer", "problem": None}
    first = {"id": lost, **answered, "answer_lost": True, "after_ms": 1500, "has_masked_values": False}
    assert await mock.retries(repeated) == {"retried_by": None, "retry_of": first}
    assert await mock.retries(later) == await mock.retries(other) == {"retried_by": None, "retry_of": None}


async def test_a_retry_whose_answer_is_lost_has_a_retry(contract: Contract, make_storage: MakeStorage) -> None:
    """Each is that of the one before; masked values are told, and a clock that stands still tells no time."""
    mock = sender(contract, make_storage)
    body = {**LASTING, "pin": "1234"}
    first, second, third = await mock.lose(body), await mock.lose(body), await mock.send(body)
    assert (await mock.retries(first))["retried_by"]["id"] == second
    middle = await mock.retries(second)
    assert (middle["retry_of"]["id"], middle["retried_by"]["id"]) == (first, third)
    assert middle["retried_by"]["has_masked_values"]
    assert middle["retried_by"]["after_ms"] == 0
    assert (await mock.retries(third))["retry_of"]["id"] == second


async def test_the_retry_outlives_the_entry_of_the_lost_answer(contract: Contract, make_storage: MakeStorage) -> None:
    """A full journal drops the older one; a journal that was emptied has neither."""
    mock = sender(contract, make_storage, journal_entries=2)
    lost, repeated = await mock.lose(), await mock.send()
    assert (await mock.retries(repeated))["retry_of"]["id"] == lost
    await mock.send(LASTING)
    assert await mock.engine.storage.entry(lost) is None
    assert await mock.retries(repeated) == {"retried_by": None, "retry_of": None}


async def test_the_search_is_bounded(
    contract: Contract, make_storage: MakeStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads the nearest entries of the sandbox alone."""
    monkeypatch.setattr("mockserver.entries.retries.MAX_SEARCHED", 2)
    mock = sender(contract, make_storage)
    lost = await mock.lose()
    await mock.send(LASTING)
    for name in ("other", "other", "other"):
        await mock.send(LASTING, Mock_Sandbox=name)
    near = await mock.send()
    assert (await mock.retries(lost))["retried_by"]["id"] == near
    assert (await mock.retries(near))["retry_of"]["id"] == lost
    lost = await mock.lose({**ONCE, "card_identifier": "CARD-002"})
    for _ in range(2):
        await mock.send(LASTING)
    far = await mock.send({**ONCE, "card_identifier": "CARD-002"})
    assert await mock.retries(lost) == await mock.retries(far) == {"retried_by": None, "retry_of": None}
