"""Requests on one connection, however they are cut and whatever came before: each is met as if it came alone."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from mockserver import Contract, Engine
from mockserver.server.server import serving
from tests.support import BATCH, LASTING, PATH, PATIENCE, answer, head, journal

BODY = json.dumps(LASTING).encode()
SENT = head("POST", PATH, length=len(BODY)) + BODY


class Client:
    """A connection; each `send` comes to the server by itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        """Send, and let the server take it."""
        self.writer.write(data)
        await self.writer.drain()
        for _ in range(4):
            await asyncio.sleep(0)

    async def status(self, data: bytes = b"") -> int:
        """The status of the next answer."""
        if data:
            await self.send(data)
        return int((await answer(self.reader))[0].split()[1])

    async def scenario(self, data: bytes) -> str:
        """The scenario that answers."""
        await self.send(data)
        return (await answer(self.reader))[1]["mock-scenario"]

    async def ended(self) -> bool:
        """Whether the server has closed it, with nothing more to read."""
        return await asyncio.wait_for(self.reader.read(), PATIENCE) == b""


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Client]:
    """A connection, on which one request was answered."""
    split = urlsplit(url)
    reader, writer = await asyncio.open_connection(split.hostname, split.port)
    try:
        made = Client(reader, writer)
        assert await made.status(SENT) == 200
        yield made
    finally:
        writer.close()


@asynccontextmanager
async def warm(engine: Engine) -> AsyncIterator[str]:
    """A server that has answered the head of `SENT`."""
    async with serving(engine) as url:
        async with client(url) as one:
            assert await one.status(SENT) == 200
        yield url


async def test_each_request_gets_its_answer(contract: Contract) -> None:
    """And an entry with its head."""
    engine = Engine(contract)
    async with warm(engine) as url, client(url) as one:
        bodies = [json.dumps({**LASTING, "card_identifier": f"CARD-{n:04}"}).encode() for n in range(10)]
        sent = [head("POST", PATH, length=len(body)) + body for body in bodies]
        assert [await one.scenario(data) for data in sent] == ["activated-existing-customer"] * 10
        assert await one.scenario(sent[0]) == "card-already-activated"
    entries = journal(engine)
    assert len(entries) == 2 + 1 + 11
    assert {entry.request.headers for entry in entries[:11]} == {
        (("Host", "localhost"), ("Content-Length", str(len(bodies[0]))))
    }
    assert [entry.request.body.data for entry in entries[:11]] == [bodies[0], *reversed(bodies)]


@pytest.mark.parametrize(
    ("sends", "statuses"),
    [
        ([SENT], [200]),
        ([SENT, SENT, SENT], [200, 200, 200]),
        ([SENT + SENT], [200, 200]),
        ([SENT + SENT, SENT], [200, 200, 200]),
        ([SENT[:30], SENT[30:]], [200]),
        ([SENT[:-1], SENT[-1:], SENT], [200, 200]),
        ([SENT[:-1], SENT[-1:] + SENT], [200, 200]),
        ([SENT + SENT[:7], SENT[7:], SENT], [200, 200, 200]),
        ([b"\r\n", SENT, SENT], [200, 200]),
        ([SENT, b"\r\n" + SENT, b"\r\n" + SENT], [200, 200, 200]),
        ([SENT + b"\r\n", SENT], [200, 200]),
    ],
)
async def test_requests_are_parsed_however_they_are_cut(
    contract: Contract, sends: list[bytes], statuses: list[int]
) -> None:
    """In pieces, several at once, with line breaks between them."""
    async with warm(Engine(contract)) as url:
        for _ in range(3):
            async with client(url) as one:
                for data in sends:
                    await one.send(data)
                assert [await one.status() for _ in statuses] == statuses
                assert await one.status(SENT) == 200


@pytest.mark.parametrize(
    ("sends", "statuses"),
    [
        ([b"PO", SENT], [501]),
        ([SENT + b"PO", SENT], [200, 400]),
        ([SENT, b"!", SENT], [200, 400]),
        ([SENT + b"!"], [400]),
    ],
)
async def test_a_request_inside_another_is_not_taken_up(
    contract: Contract, sends: list[bytes], statuses: list[int]
) -> None:
    """Though its bytes equal one that was answered."""
    async with warm(Engine(contract)) as url, client(url) as one:
        for data in sends:
            await one.send(data)
        assert [await one.status() for _ in statuses] == statuses
        assert await one.ended()


async def test_bytes_after_a_request_are_no_part_of_it(contract: Contract) -> None:
    """On the same connection or another one."""
    async with warm(Engine(contract)) as url, client(url) as one, client(url) as other:
        for each in (one, other):
            assert await each.status(SENT + SENT[:7]) == 200
        for each in (one, other):
            assert await each.status(SENT[7:]) == 200


async def test_each_head_has_its_meaning(contract: Contract) -> None:
    """Another header, sandbox, path or method, or a change in between."""
    engine = Engine(contract)
    card = json.dumps({"customer_id": "1", "card_identifier": "C", "reference_batch": BATCH}).encode()
    plain = head("POST", PATH, length=len(card)) + card
    async with warm(engine) as url, client(url) as one:
        elsewhere = head("POST", f"/sandbox/x{PATH}", length=len(card)) + card
        forced = head("POST", PATH, "Mock-Scenario: rfc-invalid", length=len(card)) + card
        named = head("POST", PATH, "Mock-Sandbox: y", length=len(card)) + card
        for _ in range(3):
            await engine.storage.reset_all()
            for data in (plain, elsewhere, named):
                assert await one.scenario(data) == "activated-existing-customer"
                assert await one.scenario(data) == "card-already-activated"
            assert await one.scenario(forced) == "rfc-invalid"
            assert await one.status(head("GET", PATH)) == 405
            assert await one.status(head("GET", "/__admin/health")) == 200
        sandbox = await engine.storage.use_sandbox("x")
        assert sandbox is not None
        await sandbox.configure({"mock_headers": False})
        await one.send(elsewhere)
        assert "mock-scenario" not in (await answer(one.reader))[1]


async def test_an_armed_outcome_answers_an_equal_head_once(contract: Contract) -> None:
    """With a delay or a fault, too."""
    engine = Engine(contract)
    arm = json.dumps({"fault": {"kind": "gateway", "status": 503}, "delay": "1ms", "times": 2}).encode()
    async with warm(engine) as url, client(url) as one:
        assert await one.status(head("POST", "/__admin/arm", length=len(arm)) + arm) == 201
        before = len(journal(engine))
        assert [await one.status(SENT) for _ in range(4)] == [503, 503, 200, 200]
        assert len(journal(engine)) == before + 4


async def test_answers_keep_the_order_of_requests(contract: Contract) -> None:
    """A delayed answer holds up later ones of its connection."""
    arm = json.dumps({"fault": {"kind": "gateway", "status": 503}, "delay": "50ms"}).encode()
    async with warm(Engine(contract)) as url, client(url) as one:
        assert await one.status(head("POST", "/__admin/arm", length=len(arm)) + arm) == 201
        await one.send(SENT)
        await one.send(SENT)
        assert [await one.status(), await one.status()] == [503, 200]


async def test_a_long_body_after_an_equal_head_is_refused(contract: Contract) -> None:
    """The current limit holds."""
    engine = Engine(contract)
    async with warm(engine) as url, client(url) as one:
        engine.use_contract(contract, replace(engine.settings, max_body=len(BODY) - 1))
        assert await one.status(SENT) == 413
        assert await one.ended()


@pytest.mark.parametrize("seed", range(8))
async def test_a_stream_of_requests_means_the_same_however_it_is_cut(contract: Contract, seed: int) -> None:
    """Requests of several kinds, in random pieces."""
    of = random.Random(seed)
    other = json.dumps({**LASTING, "reference_batch": ""}).encode()
    kinds = [
        (SENT, (200, "activated-existing-customer")),
        (head("POST", PATH, length=len(other)) + other, (400, "reference-batch-empty")),
        (head("POST", PATH, "Mock-Scenario: rfc-invalid", length=len(BODY)) + BODY, (400, "rfc-invalid")),
        (head("GET", "/__admin/health"), (200, "")),
        (head("GET", PATH), (405, "")),
    ]
    async with warm(Engine(contract)) as url, client(url) as whole:
        for data, _ in kinds * 2:
            await whole.status(data)
        for _ in range(15):
            drawn = [of.choice(kinds) for _ in range(of.randint(1, 8))]
            stream = b"".join(data for data, _ in drawn)
            ends = list(itertools.accumulate(len(data) for data, _ in drawn))
            cuts = {0, *of.sample(ends, of.randint(1, len(ends))), *of.sample(range(len(stream)), of.randint(0, 2))}
            async with client(url) as one:
                for begin, end in itertools.pairwise(sorted(cuts | {len(stream)})):
                    await one.send(stream[begin:end])
                for _, (status, scenario) in drawn:
                    top, headers, _ = await answer(one.reader)
                    assert (int(top.split()[1]), headers.get("mock-scenario", "")) == (status, scenario)
