"""Workers: several processes that answer on one port, and the one that watches them."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import itertools
import json
import os
import signal
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from mockserver.server.server import Ports
from mockserver.workers.parent import Worker
from tests.support import (
    LASTING,
    MOCKSERVER,
    ONCE,
    PATH,
    PATIENCE,
    Serving,
    answer,
    head,
    run,
    run_process,
    serving,
    spawned,
    wait_until,
)
from tests.support.stores import needs_redis, redis_server

SUCCESS, AGAIN = "activated-existing-customer", "card-already-activated"


@contextmanager
def two_workers(*options: str) -> Iterator[Serving]:
    """A server of two workers, with a store of its own."""
    needs_redis()
    with serving("--workers", "2", "--store", redis_server().url(), *options) as serve:
        yield serve


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    """One that tests share; its log is JSON."""
    with two_workers("--log-format", "json") as serve:
        yield serve


def children_of(serve: Serving) -> list[int]:
    """The process ids of its children."""
    number = serve.process.pid
    return [int(one) for one in Path(f"/proc/{number}/task/{number}/children").read_text().split()]


def workers_of(serve: Serving) -> list[int]:
    """The process ids of its workers, once there are two."""
    wait_until(lambda: len(children_of(serve)) == 2)
    return children_of(serve)


def sockets_of(process: int) -> set[str]:
    """The sockets that a process has open."""
    found = set()
    for file in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
            found.add(str(file.readlink()))
    return {name for name in found if name.startswith("socket:")}


def sockets_to(port: int, clients: set[int]) -> set[str]:
    """The sockets of a port's connections with clients at these ports, as the processes name them."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        own, other = (int(columns[at].rpartition(":")[2], 16) for at in (1, 2))
        if own == port and other in clients:
            found.add(f"socket:[{columns[9]}]")
    return found


def live(processes: list[int]) -> list[int]:
    """Those of these processes that have not ended."""
    return [one for one in processes if Path(f"/proc/{one}").exists()]


def is_refused(serve: Serving) -> bool:
    """Whether nobody listens on its port."""
    try:
        socket.create_connection(("127.0.0.1", urlsplit(serve.url).port or 0), timeout=PATIENCE).close()
    except ConnectionError:
        return True
    return False


def test_both_workers_answer(server: Serving) -> None:
    """The system spreads connections among them; journal, coverage and metrics are those of one server."""
    path = "/sandbox/both"
    workers = workers_of(server)
    clients = set()
    with ExitStack() as stack:
        for _ in range(40):
            connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE)
            stack.callback(connection.close)
            connection.request("POST", path + PATH, json.dumps(LASTING))
            clients.add(connection.sock.getsockname()[1])
            assert connection.getresponse().read()
        sockets = sockets_to(urlsplit(server.url).port or 0, clients)
        opened = [len(sockets & sockets_of(one)) for one in workers]
    assert sum(opened) == 40
    assert min(opened) >= 3
    for _ in range(4):  # each on a connection of its own
        assert len(server.ask("GET", f"{path}/__admin/requests?limit=100")[1]["requests"]) == 40
        wait_until(lambda: server.ask("GET", f"{path}/__admin/coverage")[1]["requests"] == 40)


def counted(server: Serving, scenario: str) -> float:
    """The requests that a scenario has answered, as the metrics say."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=PATIENCE)
    connection.request("GET", "/__admin/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return sum(float(line.split()[-1]) for line in lines if f'_requests_total{{scenario="{scenario}"' in line)


def test_a_killed_worker_is_replaced(server: Serving) -> None:
    """Nothing that was answered is lost, the metrics keep its counts, and each line of the log is whole."""
    before = counted(server, SUCCESS)
    killed = workers_of(server)[0]
    answered: list[str] = []
    numbers = itertools.count(1)

    def send(_number: int) -> None:
        try:
            _, headers, _ = server.post(LASTING, "/sandbox/killed" + PATH)
        except (OSError, http.client.HTTPException):
            return
        assert headers["Mock-Scenario"] == SUCCESS
        answered.append(headers["Mock-Entry"])
        if next(numbers) == 30:
            os.kill(killed, signal.SIGKILL)

    with ThreadPoolExecutor(8) as pool:
        [*pool.map(send, range(150))]
    line = server.err.wait("worker")
    assert line.startswith(f"mockserver: worker 1 (process {killed}) was ended by SIGKILL; another one starts")
    assert 30 <= len(answered) <= 150
    assert killed not in workers_of(server)
    listed = server.ask("GET", "/sandbox/killed/__admin/requests?limit=200")[1]["requests"]
    assert {*answered} <= {row["id"] for row in listed}
    assert counted(server, SUCCESS) - before >= len(answered)
    answers = Counter(server.post(LASTING, "/sandbox/after" + PATH)[0] for _ in range(20))
    assert answers == {200: 20}


def test_a_card_is_activated_once(server: Serving) -> None:
    """Whichever worker is first."""

    def send(_: int) -> str:
        return server.post(ONCE, "/sandbox/race" + PATH)[1]["Mock-Scenario"]

    with ThreadPoolExecutor(16) as pool:
        assert Counter(pool.map(send, range(100))) == {SUCCESS: 1, AGAIN: 99}


def test_the_log_is_one() -> None:
    """One banner, then a line for each request, none within another."""
    with two_workers("--log-format", "json") as serve:
        with ThreadPoolExecutor(8) as pool:
            long = "/sandbox/log" + PATH + "?" + "a" * 6_000
            assert {*pool.map(lambda _: serve.post(LASTING, long)[0], range(80))} == {200}
        assert serve.stop() == 0
        started, *requests = map(json.loads, serve.out.rest())
        assert (started["event"], started["workers"]) == ("started", 2)
        assert len({one["entry"] for one in requests}) == len(requests) == 80
        assert serve.err.rest() == []


async def test_requests_in_flight_are_answered_before_the_end() -> None:
    """New clients are refused at once; then every process has ended, and the status is 0."""
    with two_workers() as serve:
        workers = workers_of(serve)
        split = urlsplit(serve.url)
        body = json.dumps(LASTING).encode()
        streams = [await asyncio.open_connection(split.hostname, split.port) for _ in range(12)]
        for reader, writer in streams:
            writer.write(head("POST", PATH, "Expect: 100-continue", length=len(body)))
            await reader.readuntil(b"\r\n\r\n")  # so the request is in flight
        serve.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(wait_until, lambda: is_refused(serve))
        assert serve.process.poll() is None
        for reader, writer in streams:
            writer.write(body)
            assert (await answer(reader))[0] == "HTTP/1.1 200 OK"
            writer.close()
        assert serve.process.wait(timeout=PATIENCE) == 0
        assert not live(workers)
        assert serve.err.rest() == []


async def test_a_second_signal_ends_all_at_once() -> None:
    """Without waiting for unfinished requests."""
    with two_workers() as serve:
        workers = workers_of(serve)
        split = urlsplit(serve.url)
        reader, writer = await asyncio.open_connection(split.hostname, split.port)
        writer.write(head("POST", PATH, "Expect: 100-continue", length=2))
        await reader.readuntil(b"\r\n\r\n")
        serve.process.send_signal(signal.SIGINT)
        await asyncio.to_thread(wait_until, lambda: is_refused(serve))
        assert serve.stop(signal.SIGINT) == -signal.SIGINT
        writer.close()
        await asyncio.to_thread(wait_until, lambda: not live(workers))


def test_workers_end_with_their_parent() -> None:
    """However it ends: nobody keeps the port."""
    with two_workers() as serve:
        workers = workers_of(serve)
        assert serve.stop(signal.SIGKILL) == -signal.SIGKILL
        wait_until(lambda: not live(workers))
        assert is_refused(serve)


def test_a_worker_that_handles_a_signal_is_replaced() -> None:
    """Its requests are finished; the other one answers meanwhile."""
    with two_workers() as serve:
        other, last = sorted(workers_of(serve))
        os.kill(last, signal.SIGTERM)
        line = serve.err.wait("worker")
        assert f"(process {last}) ended with status 0; another one starts" in line
        assert other in workers_of(serve)
        assert last not in workers_of(serve)
        assert serve.post(LASTING)[0] == 200


def test_a_worker_that_ends_soon_is_replaced_later_each_time() -> None:
    """Until one has run for ten seconds."""
    worker, now, pauses = Worker(0, Ports([], [], "", "")), 100.0, []
    for seconds in (1, 0, 9, 2, 2, 2, 2, 11, 3):
        worker.started = now
        now += seconds
        worker.plan_next(now)
        pauses.append(worker.pause)
        assert worker.start_at == now + worker.pause
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 0.0, 0.1]


def test_a_port_of_other_workers_is_in_use(server: Serving) -> None:
    """Two parents never share one."""
    port = str(urlsplit(server.url).port)
    ended = run_process("--workers", "2", "--store", redis_server().url(), "--port", port)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"mockserver: cannot listen on http://127.0.0.1:{port}: Address already in use; try --port 0 for a free port\n"
    )


def test_the_admin_port_and_tls_are_those_of_all_workers(tmp_path: Path) -> None:
    """As with one process; the banner says how many there are."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued.private_key_pem.write_to_path(str(key))
    for pem in issued.cert_chain_pems:
        pem.write_to_path(str(cert), append=True)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    needs_redis()
    options = ["--workers", "2", "--store", redis_server().url(), "--port", "0", "--admin-port", "0"]
    with spawned(MOCKSERVER, *options, "--tls-cert", str(cert), "--tls-key", str(key)) as serve:
        serve.url = serve.out.wait("mock server on ").split()[3]
        admin = serve.out.wait("Admin API on ").split()[-1]
        serve.out.wait("2 workers answer")
        assert admin != serve.url
        for _ in range(6):
            for url, path, status in ((serve.url, "/__admin/requests", 404), (admin, "/__admin/requests", 200)):
                connection = http.client.HTTPSConnection(urlsplit(url).netloc, timeout=PATIENCE, context=trusting)
                connection.request("GET", path)
                assert connection.getresponse().status == status
                connection.close()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((), "--workers 2 needs a store, or each worker would have state of its own: give --store as well"),
        (("--store", "redis://x", "--watch"), "--workers and --watch cannot be combined: start anew to serve "),
    ],
)
def test_what_workers_cannot_do_is_refused(options: tuple[str, ...], reason: str) -> None:
    """With the reason, what to do, and status 2; from the environment as well."""
    for given, env in ((("--workers", "2"), {}), ((), {"MOCKSERVER_WORKERS": "2"})):
        ended = run("serve", *given, *options, env=env)
        assert ended.returncode == 2
        assert reason in ended.stderr
