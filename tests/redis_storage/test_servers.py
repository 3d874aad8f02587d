"""Several servers in processes of their own with one store: a client sees one server."""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle
from typing import Any

import pytest

from tests.support import LASTING, ONCE, PATH, Serving, run, serving
from tests.support.stores import needs_redis, redis_server

SUCCESS, AGAIN = "activated-existing-customer", "card-already-activated"


@pytest.fixture(scope="module")
def servers() -> Iterator[list[Serving]]:
    """Three of them."""
    needs_redis()
    url = redis_server().url()
    with ExitStack() as stack:
        yield [stack.enter_context(serving("--store", url)) for _ in range(3)]


def names(servers: list[Serving], bodies: list[dict[str, Any]], path: str = PATH, threads: int = 16) -> Counter[str]:
    """How often each scenario answered these requests, sent at once and to each server in turn."""

    def send(server: Serving, body: dict[str, Any]) -> str:
        _, headers, _ = server.post(body, path)
        return headers["Mock-Scenario"]

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(send, cycle(servers), bodies))


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
        coverage = server.ask("GET", "/sandbox/a/__admin/coverage")[1]
        assert coverage["requests"] == 1


def test_a_card_is_activated_once(servers: list[Serving]) -> None:
    """Whoever is first."""
    assert names(servers, [ONCE] * 120, "/sandbox/race" + PATH) == {SUCCESS: 1, AGAIN: 119}


def test_outcomes_armed_at_once_are_all_used_once(servers: list[Serving]) -> None:
    """On whatever server."""
    armed = json.dumps({"scenario": "card-missing-in-batch", "times": 1}).encode()

    def arm(server: Serving) -> int:
        return int(server.ask("POST", "/sandbox/arms/__admin/arm", armed)[1]["id"])

    with ThreadPoolExecutor(8) as pool:
        ids = [*pool.map(arm, [server for server in servers for _ in range(12)])]
    assert sorted(ids) == [*range(1, 37)]
    counts = names(servers, [LASTING] * 60, "/sandbox/arms" + PATH)
    assert counts["card-missing-in-batch"] == 36


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
            if len(answered) == 20:
                dying.process.kill()

        with ThreadPoolExecutor(8) as pool:
            [*pool.map(send, bodies)]
        assert 20 <= len(answered) < 200
        assert names([living], answered) == {AGAIN: len(answered)}
