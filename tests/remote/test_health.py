"""The command `health`: exit status 0 and the answer of a healthy server, one line and 1 otherwise."""

import contextlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from mockserver.remote import health
from mockserver.remote.health import find_server, serve_arguments
from tests.support import MOCKSERVER, PATIENCE, alone, free_port, serving
from tests.support.invoke import invoke
from tests.support.processes import environment


def test_health_asks_a_running_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By URL with or without the path, or by the server's own variables."""
    monkeypatch.setattr(health, "PROCESSES", tmp_path)  # a server of the developer may run on this machine
    with serving("--require-sandbox", "--require-header", "X-Key", "--host", "::1") as serve:
        port = serve.url.rpartition(":")[2]
        for arguments, env in [
            ([serve.url], {}),
            ([f"{serve.url}/"], {}),
            ([f"{serve.url}/__admin/health"], {}),
            ([f"{serve.url}/sandbox/a"], {}),
            (["--url", serve.url], {}),
            ([], {"MOCKSERVER_URL": f"{serve.url}/", "MOCKSERVER_PORT": "9"}),
            ([], {"MOCKSERVER_PORT": port, "MOCKSERVER_HOST": "::1"}),
        ]:
            result = invoke("health", *arguments, http_proxy="http://127.0.0.1:9", **env)
            assert (result.exit_code, json.loads(result.output)["status"]) == (0, "ok")


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that is no mock server."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(answer)

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as other:
        thread = threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{other.server_port}"
        finally:
            other.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.0 503 No\r\n\r\n", "the server answered 503"),
        (b'HTTP/1.0 503 No\r\n\r\n{"title": "No store", "detail": "It is away."}', "No store: It is away."),
        (b"no HTTP\n", "no HTTP\\x0a"),
        (b"", "Remote end closed connection without response; does the server speak https?"),
    ],
)
def test_health_of_an_unhealthy_server_is_1(answer: bytes, reason: str) -> None:
    """Another status, a problem, another protocol, no answer: one line with the reason."""
    with answering(answer) as url:
        result = invoke("health", url)
    assert (result.exit_code, result.output) == (1, f"mockserver: {url}/__admin/health: {reason}\n")


def test_health_of_a_server_without_tls_is_1() -> None:
    """The scheme of the URL is what is wrong."""
    with answering(b"HTTP/1.0 400 No\r\n\r\n") as url:
        result = invoke("health", url.replace("http:", "https:"))
    assert (result.exit_code, "it does not speak TLS; try http:// in place of https://" in result.output) == (1, True)


@pytest.mark.parametrize("env", [{"MOCKSERVER_PORT": "9"}, {"MOCKSERVER_PORT": "tcp://10.0.0.1:8080"}])
def test_health_without_a_server_is_1(env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the port of the environment or, with a link of Kubernetes, the default one."""
    monkeypatch.setattr(health, "PROCESSES", tmp_path)  # a server of the developer may run on this machine
    port = env["MOCKSERVER_PORT"] if env["MOCKSERVER_PORT"].isdigit() else "8080"
    host = alone()
    result = invoke("health", **env, MOCKSERVER_HOST=host)
    assert result.exit_code == 1
    assert result.output.startswith(f"mockserver: http://{host}:{port}/__admin/health: ")


def test_health_imports_no_server() -> None:
    """It runs every few seconds in a container."""
    code = (
        "import sys; from mockserver.cli.main import main\n"
        "try: main(['health', 'ftp://mock'])\nfinally: print(*sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 2
    assert "mockserver.remote.health" in ended.stdout.split()
    assert not {"aiohttp", "yaml", "mockserver.engine.engine", "mockserver.cli.serve"} & {*ended.stdout.split()}


@pytest.mark.parametrize("port", ["abc", "99999"])
def test_health_of_a_bad_url_is_2(port: str) -> None:
    """A port that is none is told, not thrown."""
    assert invoke("health", f"http://127.0.0.1:{port}").exit_code == 2


# -- the server of the container ----------------------------------------------------------------------


def add_process(
    processes: Path, number: int, command_line: Sequence[str], environment: Sequence[str] = (), parent: int = 0
) -> Path:
    """A folder as Linux has it in /proc."""
    folder = processes / str(number)
    folder.mkdir(parents=True)
    (folder / "cmdline").write_bytes(b"".join(part.encode() + b"\0" for part in command_line))
    (folder / "environ").write_bytes(b"".join(part.encode() + b"\0" for part in environment))
    (folder / "stat").write_text(f"{number} (a) b) S {parent} {number} 0")
    return folder


SCRIPT = ("/opt/mockserver/bin/python", "/opt/mockserver/bin/mockserver")


@pytest.mark.parametrize(
    ("arguments", "environment", "url"),
    [
        ((), (), "http://127.0.0.1:8080"),
        (("--port", "9000"), ("MOCKSERVER_HOST=0.0.0.0", "MOCKSERVER_PORT=9001"), "http://127.0.0.1:9000"),
        (("serve", "--seed", "5", "--watch", "--port=9000"), (), "http://127.0.0.1:9000"),
        (("--port", "9000", "--port", "9001"), (), "http://127.0.0.1:9001"),
        ((), ("MOCKSERVER_PORT= 9000 ", "MOCKSERVER_HOST= 0.0.0.0"), "http://127.0.0.1:9000"),
        ((), ("MOCKSERVER_PORT=tcp://10.0.0.1:80", "MOCKSERVER_HOST="), "http://127.0.0.1:8080"),
        (("--host", "::", "--admin-port", "9001"), (), "http://127.0.0.1:8080"),
        (("--host", "fd00::7"), (), "http://[fd00::7]:8080"),
        (("--tls-cert", "/c.pem", "--tls-key", "/k.pem"), (), "https://127.0.0.1:8080"),
        ((), ("MOCKSERVER_TLS_CERT=/c.pem", "MOCKSERVER_HOST=mock"), "https://mock:8080"),
    ],
)
def test_the_server_of_the_container_is_found(
    arguments: tuple[str, ...], environment: tuple[str, ...], url: str, tmp_path: Path
) -> None:
    """By its arguments and its environment, arguments first, as `serve` reads them."""
    add_process(tmp_path, 1, [*SCRIPT, *arguments], environment)
    server = find_server(tmp_path)
    assert server is not None
    assert server.url() == url
    assert server.certificate() == ("/c.pem" if url.startswith("https") else "")


def test_a_server_below_an_init_is_found(tmp_path: Path) -> None:
    """A child or grandchild of process 1; no other command or program, and no server that somebody else started."""
    add_process(tmp_path, 1, ["/sbin/docker-init", "--", "mockserver", "--port", "9000"])
    add_process(tmp_path, 7, ["/bin/sh", "-c", "mockserver health"], parent=1)
    add_process(tmp_path, 8, [*SCRIPT, "health"])
    add_process(tmp_path, 9, ["/usr/sbin/sshd"], parent=7)
    add_process(tmp_path, 90, [*SCRIPT, "--port", "9090"], parent=9)
    (tmp_path / "12").mkdir()  # one that ends just now
    add_process(tmp_path, 13, [], parent=1)
    assert find_server(tmp_path) is None
    add_process(tmp_path, 11, ["python3", "-X", "dev", "-m", "mockserver", "--port", "9011"], parent=1)
    add_process(tmp_path, 110, [*SCRIPT, "--port", "9110"], parent=1)
    server = find_server(tmp_path)
    assert server is not None
    assert server.url() == "http://127.0.0.1:9011"
    add_process(tmp_path, 10, [*SCRIPT, "--port", "9010"], parent=7)
    server = find_server(tmp_path)
    assert server is not None
    assert server.url() == "http://127.0.0.1:9010"


@pytest.mark.parametrize(
    ("command_line", "arguments"),
    [
        ("mockserver --port 1", ["--port", "1"]),
        ("python3.13 /x/mockserver", []),
        ("python -m mockserver serve --port 1", ["--port", "1"]),
        ("python -m mockserver check", None),
        ("vim mockserver", None),
        ("python other.py", None),
    ],
)
def test_what_serves_is_told_from_other_programs(command_line: str, arguments: list[str] | None) -> None:
    """By the name of the program and of the command; `serve` is the default."""
    assert serve_arguments(command_line.split()) == arguments


def test_health_finds_a_running_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A real process, as if it were process 1; the variables of `health` itself do not count then."""
    with serving("--host", "::1", env={"MOCKSERVER_SEED": "7"}) as serve:
        port = serve.url.rpartition(":")[2]
        folder = add_process(tmp_path, 1, [*SCRIPT, "--host", "::1"])
        (folder / "environ").write_bytes(f"MOCKSERVER_PORT={port}\0".encode())
        monkeypatch.setattr(health, "PROCESSES", tmp_path)
        result = invoke("health", MOCKSERVER_PORT="9")
        assert (result.exit_code, json.loads(result.output)["status"]) == (0, "ok")
        (folder / "environ").unlink()  # as where it may not be read
        assert invoke("health", MOCKSERVER_PORT=port).exit_code == 0


def test_a_server_on_a_free_port_is_not_guessed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With `--port 0` nobody knows the port but the server: the URL is asked for."""
    add_process(tmp_path, 1, [*SCRIPT, "--port", "0"])
    monkeypatch.setattr(health, "PROCESSES", tmp_path)
    result = invoke("health")
    assert (result.exit_code, "give its URL" in result.output) == (2, True)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_a_process_of_this_machine_is_read() -> None:
    """The parent of this process is found where Linux writes it."""
    stat = Path(f"/proc/{os.getpid()}/stat").read_text("latin-1")
    assert stat.rpartition(")")[2].split()[1] == str(os.getppid())


# -- in a container -----------------------------------------------------------------------------------


UNSHARE: Final = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child")
"""Starts a command as process 1, as a container engine does."""


def needs_namespaces() -> None:
    """Skip a test where this machine has no such thing."""
    try:
        made = subprocess.run([*UNSHARE, "true"], capture_output=True, timeout=PATIENCE, check=False)
    except OSError:
        pytest.skip("needs unshare, of util-linux")
    if made.returncode != 0 or shutil.which("nsenter") is None:
        pytest.skip("needs namespaces, and nsenter of util-linux")


@contextlib.contextmanager
def container(command: Sequence[str], env: Mapping[str, str]) -> Iterator[Callable[[], tuple[int, str]]]:
    """A process 1 of its own; gives a function that runs `mockserver health` beside it."""
    with subprocess.Popen([*UNSHARE, *command], env=environment(env), stdout=subprocess.PIPE, text=True) as unshare:
        try:
            assert unshare.stdout is not None
            assert unshare.stdout.readline().startswith("mock server on ")
            first = Path(f"/proc/{unshare.pid}/task/{unshare.pid}/children").read_text().split()[0]
            enter = ("nsenter", "--target", first, "--user", "--pid", "--mount", "--preserve-credentials")

            def health() -> tuple[int, str]:
                ended = subprocess.run(
                    [*enter, MOCKSERVER, "health"],
                    env=environment(env),
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE,
                    check=False,
                )
                return ended.returncode, ended.stdout + ended.stderr

            yield health
        finally:
            unshare.kill()


@pytest.mark.parametrize(
    ("command", "env"),
    [
        (("{mockserver}", "--port", "{port}"), {}),
        (("{mockserver}", "serve", "--host=::1", "--port={port}", "--admin-port=0"), {"MOCKSERVER_PORT": "9"}),
        (("{mockserver}",), {"MOCKSERVER_PORT": " {port} ", "MOCKSERVER_HOST": "127.0.0.2"}),
        (("sh", "-c", "{mockserver} --port {port}; true"), {}),
    ],
    ids=["arguments", "other arguments", "variables", "below a shell"],
)
def test_health_finds_the_server_of_its_container(command: Sequence[str], env: Mapping[str, str]) -> None:
    """As process 1, like `docker run IMAGE --port 9000`; the check runs beside it, in the same environment."""
    needs_namespaces()
    values = {"mockserver": MOCKSERVER, "port": free_port()}
    started = [part.format(**values) for part in command]
    with container(started, {name: value.format(**values) for name, value in env.items()}) as health_beside:
        status, said = health_beside()
        for _ in range(4):  # on a busy machine an answer may take longer than the command waits
            if status:
                status, said = health_beside()
    assert status == 0, said
    assert json.loads(said)["status"] == "ok"
