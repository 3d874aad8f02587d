"""Several servers in processes of their own with one store: a client sees one server."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support import LASTING, ONCE, PATH, Serving, run, serving, sharing, wait_until
from tests.support.stores import RedisServer, needs_redis, redis_server


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Serving]]:
    """Three of them."""
    needs_redis()
    url = redis_server().url()
    with ExitStack() as stack:
        yield [stack.enter_context(serving("--store", url)) for _ in range(3)]


def test_one_server_arms_another_answers_a_third_verifies(servers: list[Serving]) -> None:
    """The journal and coverage are the same on each."""
    first, second, third = servers
    armed = {"scenario": "card-missing-in-batch", "times": 1}
    assert first.ask("POST", "/sandbox/a/__admin/arm", json.dumps(armed).encode())[0] == 201
    _, headers, _ = second.post(LASTING, "/sandbox/a" + PATH)
    assert (headers["Mock-Scenario"], headers["Mock-Trigger"]) == ("card-missing-in-batch", "armed")
    ended = run("verify", "--sandbox", "a", "--scenario", "card-missing-in-batch", "--exactly", "1", "--url", third.url)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert first.ask("GET", "/sandbox/a/__admin/armed")[1] == {"armed": []}
    for server in servers:
        (row,) = server.ask("GET", "/sandbox/a/__admin/requests")[1]["requests"]
        assert row["id"] == headers["Mock-Entry"]
        wait_until(lambda: server.ask("GET", "/sandbox/a/__admin/coverage")[1]["requests"] == 1)  # noqa: B023


async def test_clients_at_once_are_answered_as_by_one_server(servers: list[Serving]) -> None:
    """A card is activated once, an armed outcome used once, each turn taken and each id given once."""
    urls = [server.url for server in servers]
    assert await sharing.race_for_one_card(urls, 120) == []
    assert await sharing.arm_at_once(urls, testers=2, times=12) == []
    assert await sharing.answer_in_turn(urls, rounds=10) == []
    assert await sharing.draw_ids(urls, 30) == []


async def test_a_store_that_stops_loses_nothing() -> None:
    """Requests get problems meanwhile, and right answers after; also if it is started anew."""
    needs_redis()
    store = RedisServer("--appendonly", "yes", "--appendfsync", "always")
    try:
        url = store.url()
        with serving("--store", url) as first, serving("--store", url) as second:
            urls = [first.url, second.url]
            assert await sharing.stop_store(urls, store, 200, seconds=3.5) == []
            assert await sharing.stop_store(urls, store, 200, seconds=0.2, sandbox="restart", restarts=True) == []
    finally:
        store.close()


def test_a_killed_server_loses_nothing_that_it_answered() -> None:
    """The others go on, and know it."""
    needs_redis()
    url = redis_server().url()
    with serving("--store", url) as living, serving("--store", url) as dying:
        bodies = [{**ONCE, "card_identifier": f"CARD-{n}", "customer_id": f"customer-{n}"} for n in range(200)]
        answered: list[dict[str, Any]] = []

        def send(body: dict[str, Any]) -> None:
            try:
                status, _, _ = dying.post(body)
            except (OSError, http.client.HTTPException):
                return
            if status == 200:
                answered.append(body)
            if len(answered) >= 20:
                dying.process.kill()

        with ThreadPoolExecutor(8) as pool:
            [*pool.map(send, bodies)]
        assert 20 <= len(answered) < 200
        assert {living.post(body)[1]["Mock-Scenario"] for body in answered} == {"card-already-activated"}
