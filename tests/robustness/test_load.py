"""A small share of the long load: mixed requests with faults, pipelined, in sandboxes of their own."""

import pytest

from tests.support import serving
from tests.support.mixed_load import CLOSES, INSTANT, Run
from tests.support.stores import needs_redis, redis_server


def run(requests: int, *options: str) -> Run:
    """Requests to the command, to their end."""
    with serving("--clock", INSTANT, "--log-format", "none", *options) as server:
        ran = Run([server.url], server.process.pid, requests, sandboxes=8, seed=7)
        ran.go()
    return ran


@pytest.mark.skipif("sys.platform != 'linux'", reason="the memory of a process is read as Linux tells it")
def test_every_answer_equals_the_one_decided_offline() -> None:
    """Byte for byte, with faults, pipelined."""
    ran = run(3_000)
    assert ran.differences == []
    assert sum(ran.met.values()) == 3_000
    assert {f"fault {kind}" for kind in (*CLOSES, "malformed", "gateway")} < ran.met.keys()
    assert {
        "activated-new-customer",
        "card-already-activated",
        "malformed",
        "unknown-scenario",
        "admin",
    } < ran.met.keys()


@pytest.mark.skipif("sys.platform != 'linux'", reason="the memory of a process is read as Linux tells it")
def test_every_answer_of_servers_with_one_store_is_the_same() -> None:
    """As the one decided offline by one engine, whichever server a request comes to."""
    needs_redis()
    options = ("--clock", INSTANT, "--log-format", "json", "--store", redis_server().url())
    with serving(*options) as first, serving(*options) as second:
        ran = Run([first.url, second.url], first.process.pid, 800, sandboxes=8, seed=7)
        ran.go()
    assert ran.differences == []
    assert sum(ran.met.values()) == 800
    for server in (first, second):
        assert sum('"target":"/sandbox/' in line for line in server.out.rest()) > 100


@pytest.mark.skipif("sys.platform != 'linux'", reason="the memory of a process is read as Linux tells it")
def test_a_difference_is_detected() -> None:
    """By a server that draws other ids."""
    assert run(1_000, "--seed", "9").differences
