"""The command `health`: exit status 0 and the answer of a healthy server, one line and 1 otherwise."""

import contextlib
import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.cli.invoke import invoke
from tests.support import alone, serving


def test_health_asks_a_running_server() -> None:
    """By URL with or without the path, or by the server's own variables."""
    with serving("--require-sandbox", "--require-header", "X-Key", "--host", "::1") as serve:
        port = serve.url.rpartition(":")[2]
        for arguments, env in [
            ([serve.url], {}),
            ([f"{serve.url}/"], {}),
            ([f"{serve.url}/__admin/health"], {}),
            ([f"{serve.url}/sandbox/a"], {}),
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


@pytest.mark.parametrize("answer", [b"HTTP/1.0 503 No\r\n\r\n", b"no HTTP\r\n", b""])
def test_health_of_an_unhealthy_server_is_1(answer: bytes) -> None:
    """Another status, another protocol, no answer: one line."""
    with answering(answer) as url:
        result = invoke("health", url)
    assert result.exit_code == 1
    assert result.output.startswith(f"mockserver: {url}/__admin/health: ")
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize("env", [{"MOCKSERVER_PORT": "9"}, {"MOCKSERVER_PORT": "tcp://10.0.0.1:8080"}])
def test_health_without_a_server_is_1(env: dict[str, str]) -> None:
    """At the port of the environment or, with a link of Kubernetes, the default one."""
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
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "mockserver.cli.health" in ended.stdout.split()
    assert not {"aiohttp", "yaml", "mockserver.engine.engine", "mockserver.cli.serve"} & {*ended.stdout.split()}


def test_health_of_a_bad_url_is_1() -> None:
    """A port that is no number is told, not thrown."""
    assert invoke("health", "http://127.0.0.1:abc").exit_code == 1
