"""A server in a thread of this process: it begins, serves clients of every kind, and is gone."""

import asyncio
import contextlib
import datetime as dt
import gc
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import aiohttp
import pytest

import mockserver
from mockserver import ConfigError, Contract, Mock
from mockserver.server.server import DRAIN_SECONDS
from tests.support import LASTING, ONCE, PATH, PATIENCE, PING, folder, wait_until


def post(mock: Mock, body: object = LASTING) -> tuple[int, dict[str, object]]:
    """A request by urllib."""
    request = urllib.request.Request(mock.url + PATH, json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def files() -> int:
    """How many files this process has open."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a list, not paths


def test_a_server_runs_for_the_block(contract: Contract) -> None:
    """Neither thread, port nor file is left."""
    with mockserver.running(contract):  # what is opened once for all is open from here on
        pass
    threads, before = threading.active_count(), files() if Path("/proc/self/fd").is_dir() else 0
    for _ in range(5):
        with mockserver.running(contract) as mock:
            assert post(mock)[0] == 200
            assert threading.active_count() == threads + 1
        with pytest.raises(mockserver.MockError, match="is the server up"):
            mock.health()
        with socket.create_server(("127.0.0.1", int(mock.url.rpartition(":")[2]))):
            pass
    assert threading.active_count() == threads
    if before:
        assert files() == before


def test_a_server_stops_promptly(contract: Contract) -> None:
    """With an idle connection, a waiting client and a reader of events."""
    with contextlib.ExitStack() as stack:
        with mockserver.running(contract) as mock:
            port = int(mock.url.rpartition(":")[2])
            sockets = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(3)]
            mock.fault("hang")
            body = json.dumps(LASTING)
            sockets[1].sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            sockets[2].sendall(b"GET /__admin/events HTTP/1.1\r\nHost: x\r\n\r\n")
            assert sockets[2].recv(100)
            wait_until(mock.requests)
            stopping = time.monotonic()
        assert time.monotonic() - stopping < DRAIN_SECONDS


@pytest.mark.filterwarnings("error")
async def test_clients_on_the_loop_of_the_test_are_served(contract: Contract) -> None:
    """The server has a loop of its own."""
    with mockserver.running(contract, sandbox="a") as mock:
        async with aiohttp.ClientSession() as session:
            answers = await asyncio.gather(*(session.post(mock.url + PATH, json=LASTING) for _ in range(10)))
            assert {answer.status for answer in answers} == {200}
        assert (await asyncio.to_thread(post, mock))[0] == 200
    assert mock.url.endswith("/sandbox/a")


def test_clock_seed_token_and_settings_are_set(contract: Contract) -> None:
    """By the names of a contract file."""
    instant = dt.datetime(2024, 11, 15, 14, 32, 18, tzinfo=dt.UTC)

    def answers(seed: int) -> tuple[dict[str, object], tuple[int, dict[str, object]]]:
        new = {**ONCE, "customer_id": "", "customer": {"first_name": "Ana", "last_name": "Gil"}}
        with mockserver.running(contract, clock=instant, seed=seed, error_status=418, token="t") as mock:
            return post(mock, new)[1], post(mock, new)

    assert answers(1) == answers(1) != answers(2)
    first, (status, _) = answers(1)
    assert "2024-11-15T14:32:18" in str(first)
    assert status == 418
    with mockserver.running(contract, token="t") as mock, pytest.raises(mockserver.MockError, match="token"):
        Mock(mock.url).reset()
    with mockserver.running(contract, require_headers=["X-One"]) as mock:
        assert post(mock)[0] == 401
    with mockserver.running(contract, vary="7:space") as mock:
        assert mock.settings.all()["vary"] == "7:space"
    with pytest.raises(ValueError, match="Did you mean space"), mockserver.running(contract, vary="7:spce"):
        pass


def test_a_contract_and_overlays_are_loaded(tmp_path: Path) -> None:
    """By path, as on the command line."""
    with (
        mockserver.running(overlays=[folder(tmp_path / "ping", PING)]) as mock,
        urllib.request.urlopen(f"{mock.url}/v1/ping/x", timeout=PATIENCE) as response,
    ):
        assert json.loads(response.read()) == {"word": "pong"}


def test_an_error_at_the_start_is_raised(contract: Contract, tmp_path: Path) -> None:
    """A bad contract, port, instant or setting; no thread is left."""
    threads = threading.active_count()
    with pytest.raises(ConfigError), mockserver.running(tmp_path):
        pass
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
        mockserver.running(contract, port=taken.getsockname()[1]),
    ):
        pass
    with pytest.raises(ValueError, match="2024"), mockserver.running(contract, clock="2024"):
        pass
    with pytest.raises(TypeError, match="did you mean error_status"), mockserver.running(contract, eror_status=1):
        pass
    with pytest.raises(TypeError, match="there is no setting qqq; one of"), mockserver.running(contract, qqq=1):
        pass
    assert threading.active_count() == threads


def test_an_error_in_the_block_stops_the_server(contract: Contract) -> None:
    """It is raised unchanged."""
    with pytest.raises(KeyError, match="mine"), mockserver.running(contract) as mock:
        raise KeyError("mine")
    with pytest.raises(mockserver.MockError):
        mock.health()


def test_starting_imports_only_what_it_needs() -> None:
    """Metrics and the admin API are imported when they are used."""
    code = (
        "import sys; from mockserver import Engine, Request, load; from mockserver.cli import serve;"
        "from mockserver.engine.sample_requests import banner; contract = load();"
        "engine = Engine(contract); [*banner(contract, '', contract.settings)];"
        "late = {'jsonschema', 'prometheus_client', 'mockserver.remote.journal', 'mockserver.export.openapi'};"
        "late |= {'mockserver.admin.journal', 'mockserver.admin.coverage'};"
        "print(sorted(late & sys.modules.keys()));"
        "engine.handle_sync(Request('POST', contract.operations[0].path, b'{}')); "
        "import asyncio; engine.metrics.text(asyncio.run(engine.storage.gauges()));"
        "print(sorted(late & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['prometheus_client']"]
