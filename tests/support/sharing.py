"""Clients of several servers with one store, at once: each function says what was not as with one server."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Final

import aiohttp

from mockserver.redis_storage.connection import ANSWER_SECONDS
from tests.support.processes import PATIENCE, until
from tests.support.samples import BATCH, LASTING, ONCE, PATH
from tests.support.stores import RedisServer

SUCCESS: Final = "activated-existing-customer"
AGAIN: Final = "card-already-activated"
ARMED: Final = "card-missing-in-batch"


@dataclass(frozen=True)
class Answer:
    """What came."""

    status: int
    headers: Any
    body: Any

    @property
    def scenario(self) -> str:
        """The scenario that answered."""
        return str(self.headers.get("Mock-Scenario") or self.body.get("detail"))


class Clients:
    """So many at once; each request goes to the next server."""

    def __init__(self, session: aiohttp.ClientSession, urls: Sequence[str], sandbox: str) -> None:
        self._session = session
        self._urls = cycle(f"{url}/sandbox/{sandbox}" for url in urls)

    async def send(self, body: object, path: str = PATH, method: str = "POST") -> Answer:
        """One request."""
        async with self._session.request(method, next(self._urls) + path, data=json.dumps(body)) as response:
            return Answer(response.status, response.headers, json.loads(await response.read()))

    async def send_all(self, bodies: Iterable[object], path: str = PATH) -> list[Answer]:
        """All of them."""
        return list(await asyncio.gather(*[self.send(body, path) for body in bodies]))


@asynccontextmanager
async def clients_of(urls: Sequence[str], sandbox: str, count: int = 64) -> AsyncIterator[Clients]:
    """So many clients of these servers, in one sandbox."""
    headers, limit = {"Content-Type": "application/json"}, aiohttp.ClientTimeout(None, sock_read=PATIENCE)
    connector = aiohttp.TCPConnector(limit=count)
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=limit) as session:
        yield Clients(session, urls, sandbox)


def differences(**pairs: tuple[object, object]) -> list[str]:
    """What is not as it has to be: by name, what came and what is due."""
    return [f"{name}: expected {due!r}, got {came!r}" for name, (came, due) in pairs.items() if came != due]


async def race_for_one_card(urls: Sequence[str], requests: int, sandbox: str = "race") -> list[str]:
    """One succeeds, all others are told which one it was; all is in the journal and counted."""
    async with clients_of(urls, sandbox) as clients:
        answers = await clients.send_all([ONCE] * requests)
        won = [one.headers["Mock-Entry"] for one in answers if one.status == 200]
        codes = Counter(one.body["error"]["code"] for one in answers if one.status != 200)
        causes = Counter(one.headers["Mock-Cause"] for one in answers if one.status != 200)
        counted, deadline = 0, time.monotonic() + PATIENCE
        while counted < requests and time.monotonic() < deadline:  # each a moment after its answer
            counted = (await clients.send(None, "/__admin/coverage", "GET")).body["requests"]
    return differences(
        successes=(len(won), 1),
        codes=(codes, {4433: requests - 1}),
        causes=(causes, {won[0]: requests - 1} if won else {}),
        entries=(len({one.headers["Mock-Entry"] for one in answers}), requests),
        coverage=(counted, requests),
    )


async def arm_at_once(urls: Sequence[str], testers: int, times: int) -> list[str]:
    """So many testers, each in a sandbox, arm an outcome so many times; each is there, and used once."""
    sandboxes = [f"arms-{number}" for number in range(testers)]
    found = await asyncio.gather(*[_arm_in(urls, times, sandbox) for sandbox in sandboxes])
    return [text for wrong in found for text in wrong]


async def _arm_in(urls: Sequence[str], times: int, sandbox: str) -> list[str]:
    armed = {"scenario": ARMED, "times": 1}
    async with clients_of(urls, sandbox, 8) as clients:
        replies = await clients.send_all([armed] * times, "/__admin/arm")
        waiting = (await clients.send(None, "/__admin/armed", "GET")).body["armed"]
        used = Counter(one.scenario for one in await clients.send_all([LASTING] * (times + 10)))
        left = (await clients.send(None, "/__admin/armed", "GET")).body["armed"]
    return differences(
        ids=(sorted(one.body.get("id", 0) for one in replies), [*range(1, times + 1)]),
        waiting=(len(waiting), times),
        used=(used, {ARMED: times, SUCCESS: 10}),
        left=(left, []),
    )


async def answer_in_turn(urls: Sequence[str], rounds: int, sandbox: str = "turns") -> list[str]:
    """A scenario of a tester answers two in one way, one in another, one as without it, and begins again."""
    turns = [
        {"respond": {"status": 418, "error": {"code": 1}}, "times": 2},
        {"respond": {"status": 419, "error": {"code": 2}}},
        {"pass": True},
    ]
    scenario = {"documented": "In turn.", "responses": turns, "repeat": "cycle"}
    async with clients_of(urls, sandbox) as clients:
        put = await clients.send(scenario, "/__admin/scenarios/in-turn", "PUT")
        answers = await clients.send_all([LASTING] * (4 * rounds))
    counts = Counter(one.status for one in answers)
    return differences(put=(put.status, 201), counts=(counts, {418: 2 * rounds, 419: rounds, 200: rounds}))


async def draw_ids(urls: Sequence[str], requests: int, sandbox: str = "ids") -> list[str]:
    """No id of a new customer, a card or a journal entry is given twice, and none is left out."""
    person = {"first_name": "Laura", "last_name": "Pérez"}
    bodies = [{"customer": person, "card_identifier": f"C{n}", "reference_batch": BATCH} for n in range(requests)]
    async with clients_of(urls, sandbox) as clients:
        answers = await clients.send_all(bodies)
    payloads = [one.body.get("payload", {}) for one in answers]
    customers = sorted(int(one.get("customer_id", 0)) for one in payloads)
    cards = sorted(int(one.get("card_id", "_0").partition("_")[2]) for one in payloads)
    return differences(
        customers=(customers, [*range(customers[0], customers[0] + requests)]),
        cards=(cards, [*range(cards[0], cards[0] + requests)]),
        entries=(len({one.headers["Mock-Entry"] for one in answers}), requests),
    )


async def stop_store(
    urls: Sequence[str],
    store: RedisServer,
    requests: int,
    seconds: float,
    sandbox: str = "stop",
    *,
    restarts: bool = False,
) -> list[str]:
    """The store stops for so long under load: problems if that is too long, right answers after, none lost or wrong.

    If it `restarts`, it is ended by SIGTERM and started anew, so that all connections break.
    A card whose answer was a problem may be activated, as after any lost answer; all others are as they were answered.
    """
    bodies = [{**ONCE, "customer_id": f"U{n}", "card_identifier": f"C{n}"} for n in range(requests)]
    due = {200, 503} if restarts or seconds > ANSWER_SECONDS else {200}
    async with clients_of(urls, sandbox) as clients:
        stopped, statuses = asyncio.Event(), set[int]()

        async def stop_and_go_on() -> None:
            await until(lambda: 200 in statuses)
            if restarts:
                await asyncio.to_thread(store.stop)
            else:
                store.process.send_signal(signal.SIGSTOP)
            stopped.set()
            await asyncio.sleep(seconds)
            await until(lambda: due == {200} or 503 in statuses)
            if restarts:
                await asyncio.to_thread(store.start)
            else:
                store.process.send_signal(signal.SIGCONT)

        async def send(number: int) -> Answer:
            if number >= requests // 2:  # however fast the others are answered, these meet a store that has stopped
                await stopped.wait()
            answer = await clients.send(bodies[number])
            statuses.add(answer.status)
            return answer

        stopping = asyncio.create_task(stop_and_go_on())
        first = await asyncio.gather(*map(send, range(requests)))
        await stopping
        is_well = 0
        while is_well < len(urls):  # in a row: each server again has the store, which it takes for stopped for a while
            is_well = is_well + 1 if (await clients.send(None, "/__admin/health", "GET")).status == 200 else 0
            await asyncio.sleep(0.02)
        second = await clients.send_all(bodies)
    wrong = [
        f"{body['card_identifier']}: {before.status}, then {after.status} {after.scenario}"
        for body, before, after in zip(bodies, first, second, strict=True)
        if after.scenario != AGAIN and not (before.status == 503 and after.status == 200)
    ]
    return wrong + differences(statuses=(statuses, due))
