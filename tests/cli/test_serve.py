"""The command that serves: options, variables, the banner, and why it cannot start."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

from mockserver import __version__
from mockserver.base.address import base_url
from tests.support import (
    BATCH,
    LASTING,
    MOCKSERVER,
    ONCE,
    PATH,
    PATIENCE,
    PING,
    Client,
    alone,
    folder,
    free_port,
    run,
    run_process,
    serving,
    spawned,
)
from tests.support.tools import skip_without


def test_the_curl_lines_of_the_banner_work_repeatedly() -> None:
    """The success and the error."""
    skip_without("sh", "curl")
    with serving() as serve:
        serve.out.wait("stop with")
        good, bad = [line.strip() for line in serve.out.seen if line.strip().startswith("curl ")]
        assert f"  POST {serve.url}{PATH}" in serve.out.seen
        for line, status in [(good, "200 OK"), (bad, "400 Bad Request")] * 3:
            shown = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
            assert shown.startswith(f"HTTP/1.1 {status}")
            assert ("Mock-Trigger: header" in shown) is (line == bad)


@pytest.mark.parametrize(
    "options",
    [
        ["--require-sandbox", "--require-header", "Authorization-ecommerce", "--require-header", "X-Key"],
        ["--host", "::1"],
        ["--host", "localhost"],
    ],
)
def test_the_curl_lines_of_the_banner_obey_options(options: list[str]) -> None:
    """Required headers and sandbox; an IPv6 host in brackets."""
    skip_without("sh", "curl")
    with serving(*options) as serve:
        serve.out.wait("stop with")
        good = next(line for line in serve.out.seen if line.strip().startswith("curl "))
        for _ in range(3):
            shown = subprocess.run(["sh", "-c", good], capture_output=True, text=True, check=True).stdout
            assert shown.startswith("HTTP/1.1 200 OK")


async def test_a_port_in_use_is_one_line() -> None:
    """Exit status 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_process("--port", str(port))
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert line == (
        f"mockserver: cannot listen on http://127.0.0.1:{port}: Address already in use; try --port 0 for a free port"
    )


def test_an_unknown_host_is_one_line() -> None:
    """An address of another machine or an unknown name; exit status 1."""
    for host in ("192.0.2.1", "nobody.invalid", "2001:db8::1"):
        ended = run_process("--host", host, "--port", "0")
        assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
        assert f"cannot listen on {base_url(host, 0)}: " in ended.stderr
        assert "--port 0" not in ended.stderr
        assert "None" not in ended.stderr


def test_all_addresses_are_those_of_ipv4_as_well() -> None:
    """`--host ::` takes connections of both kinds."""
    with serving("--host", " :: ") as serve:
        port = int(serve.url.rpartition(":")[2])
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, port), timeout=PATIENCE).close()


def test_the_server_needs_no_home_and_writes_nothing(tmp_path: Path) -> None:
    """As user 54321 in a read-only folder."""
    # The one right that is left is to read what is closed to others, where the Python itself may lie.
    rights = "-all,+dac_read_search"
    drop = ["env", "-u", "COVERAGE_PROCESS_CONFIG", "setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    drop += [f"--{kind}-caps={rights}" for kind in ("inh", "ambient")] + [f"--bounding-set={rights}"]
    if shutil.which("setpriv") is None or subprocess.run([*drop, "true"], check=False).returncode:
        pytest.skip("only root can become another user, and needs setpriv for it")
    here = tmp_path / "here"
    here.mkdir()
    nowhere = str(here / "nowhere")
    with serving(env={"HOME": nowhere, "TMPDIR": nowhere, "USER": ""}, cwd=here, prefix=drop) as serve:
        assert Path(f"/proc/{serve.process.pid}").stat().st_uid == 54321
        assert serve.post(LASTING)[0] == 200
        assert serve.stop() == 0
        assert serve.err.rest() == []
    assert list(here.iterdir()) == []


def test_the_port_variable_of_kubernetes_is_ignored() -> None:
    """`MOCKSERVER_PORT=tcp://...` leaves the default port, with a note."""
    link, host = "tcp://10.0.0.1:8080", alone()
    env = {"MOCKSERVER_PORT": link, "MOCKSERVER_SERVICE_HOST": "10.0.0.1"}
    with spawned(MOCKSERVER, "--host", host, env=env) as serve:
        serve.started()
        assert serve.url == f"http://{host}:8080"
        assert serve.stop() == 0
        (line,) = serve.err.rest()
    assert (
        line
        == f"mockserver: ignored MOCKSERVER_PORT={link}: set by Kubernetes for a service, not a value of this option"
    )


def test_a_seed_sets_the_ids() -> None:
    """The same seed gives the same ids, another one others."""
    found = []
    for seed in ("0", "7", "7"):
        with serving("--seed", seed) as serve:
            bodies = [{**ONCE, "card_identifier": card, "customer_id": card} for card in ("A", "B")]
            found.append([json.loads(serve.post(body)[2])["payload"]["card_id"] for body in bodies])
    first, second, third = [[int(i.removeprefix("card_")) for i in ids] for ids in found]
    assert first == [987654321, 987654322]
    assert second == third != first
    assert all(b == a + 1 for a, b in pairwise(second))


def test_a_variation_is_the_same_at_each_start() -> None:
    """By option or variable; an unknown kind is told with the one that was meant."""
    found = []
    for options, env in ((["--vary", "7:order,space"], {}), ([], {"MOCKSERVER_VARY": "7:order,space"})):
        with serving("--clock", "2025-11-18T11:50:57Z", *options, env=env) as serve:
            _, headers, body = serve.post(LASTING)
            found.append((headers["Mock-Varied"], body))
    assert found[0] == found[1]
    assert found[0][0] == "7/1:order,space"
    refused = run("--vary", "7:ordr")
    assert refused.returncode == 2
    assert 'got "ordr". Did you mean order?' in refused.stderr


def test_the_clock_option_freezes_time() -> None:
    """To the nanosecond, in both forms of timestamps."""
    with serving("--clock", "2025-11-18T11:50:57.960232171-06:00") as serve:
        assert json.loads(serve.post(LASTING)[2])["timestamp"] == "2025-11-18T17:50:57.960Z"
        assert json.loads(serve.post({})[2])["timestamp"] == "2025-11-18T11:50:57.960232171-06:00"


@pytest.mark.parametrize(
    "env",
    [
        {"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
        {"TZ": "America/St_Johns", "LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_time_zone_and_locale_change_nothing(env: dict[str, str]) -> None:
    """Timestamps, log lines, and letters in both directions."""
    body = {**LASTING, "customer": {"first_name": "\u0130I\u0131i", "last_name": "\u00d1", "email": "a@b.example"}}
    with serving("--clock", "2025-11-18T11:50:57.960232171-06:00", "--seed", "7", env=env) as serve:
        status, _, shown = serve.post(body)
        assert (status, json.loads(shown)["timestamp"]) == (200, "2025-11-18T17:50:57.960Z")
        assert json.loads(serve.post({})[2])["timestamp"] == "2025-11-18T11:50:57.960232171-06:00"
        assert serve.ask("GET", "/__admin/requests/1")[1]["request"]["body"] == body


def test_clients_that_connect_during_the_start_are_answered() -> None:
    """A connection is refused before the server listens; once one is accepted, its request is answered."""
    port, refused, has_started = free_port(), threading.Event(), True

    def first_status() -> int:
        client = Client(f"http://127.0.0.1:{port}")
        while has_started:
            try:
                return client.post(LASTING)[0]
            except ConnectionRefusedError:
                refused.set()
                time.sleep(0.01)
        return 0

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(first_status)
        assert refused.wait(PATIENCE)
        with spawned(MOCKSERVER, "--port", str(port)) as serve:
            try:
                serve.started()
                assert asking.result(PATIENCE) == 200
            finally:
                has_started = False


def test_proxies_in_the_environment_are_ignored() -> None:
    """By the commands, which would reach no server through this one."""
    dead = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    with serving(env=dead) as serve:
        assert run("reset", "--url", serve.url, env=dead).returncode == 0
        assert run("requests", "--url", serve.url, env=dead).returncode == 0


def test_options_change_the_answers() -> None:
    """`--error-status`, `--require-header` and `--no-mock-headers`."""
    with serving("--error-status", "200", "--no-mock-headers", "--require-header", "X-Key") as serve:
        status, headers, body = serve.post({}, **{"X-Key": "any"})
        assert (status, json.loads(body)["text"]) == (200, "Error")
        assert not [name for name in headers if name.startswith("Mock-")]
        assert serve.post(LASTING)[0] == 401
        assert serve.post(LASTING, **{"x-key": "any"})[0] == 200


def test_every_option_has_a_variable(tmp_path: Path) -> None:
    """Several overlays are separated as in PATH."""
    ping = folder(tmp_path / "ping", PING)
    other = folder(tmp_path / "other", {"other.yaml": "format: 1\nsettings: {error_status: 418}\n"})
    env = {
        "MOCKSERVER_HOST": "::1",
        "MOCKSERVER_CLOCK": "2024-11-15T14:32:18.123Z",
        "MOCKSERVER_LOG_FORMAT": "json",
        "MOCKSERVER_REQUIRE_SANDBOX": "1",
        "MOCKSERVER_NO_MOCK_HEADERS": "true",
        "MOCKSERVER_REQUIRE_HEADER": "X-One X-Two",
        "MOCKSERVER_OVERLAY": os.pathsep.join(map(str, (ping, other))),
        "MOCKSERVER_SEED": "3",
    }
    with serving(env=env) as serve:
        assert serve.url.startswith("http://[::1]:")
        assert serve.post(LASTING)[0] == 400  # no sandbox
        assert serve.post(LASTING, path=f"/sandbox/a{PATH}", **{"X-One": "1"})[0] == 401
        status, headers, body = serve.post({}, path=f"/sandbox/a{PATH}", **{"X-One": "1", "X-Two": "2"})
        assert (status, json.loads(body)["timestamp"]) == (418, "2024-11-15T08:32:18.123000000-06:00")
        assert not [name for name in headers if name.startswith("Mock-")]
        assert serve.post({}, path="/sandbox/a/v1/ping/x")[0] == 405
        assert json.loads(serve.out.seen[0])["version"] == __version__
    env = {"MOCKSERVER_ERROR_STATUS": "422", "MOCKSERVER_CONTRACT": str(folder(tmp_path / "own", PING))}
    with serving(env=env) as serve:
        assert serve.post(LASTING)[0] == 404
        assert BATCH not in "".join(serve.out.seen)
