"""The command `wait`: exit status 0 once the server is up, 1 if it is not in time."""

import socket
from pathlib import Path

import pytest

from mockserver.remote import health
from tests.support import MOCKSERVER, PATIENCE, alone, serving, spawned
from tests.support.invoke import invoke


def test_a_server_that_is_up_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is found as `health` finds it: by argument, option or variable, or by the variables of `serve`."""
    monkeypatch.setattr(health, "PROCESSES", tmp_path)  # a server of the developer may run on this machine
    with serving() as serve:
        port = serve.url.rpartition(":")[2]
        assert invoke("wait", serve.url).output == "up\n"
        assert invoke("wait", "--timeout", "30s", "--url", serve.url).output == "up\n"
        assert invoke("wait", "--timeout", "1m", MOCKSERVER_URL=serve.url).output == "up\n"
        assert invoke("wait", MOCKSERVER_PORT=port).output == "up\n"


def test_a_server_that_starts_is_waited_for() -> None:
    """The command is there first, and ends once the server answers."""
    host = alone()
    with socket.create_server((host, 0)) as taken:  # nobody accepts, as in a container that only begins
        port = taken.getsockname()[1]
        with spawned(MOCKSERVER, "wait", "--timeout", "10m", f"http://{host}:{port}") as waiting:
            taken.settimeout(PATIENCE)
            taken.accept()[0].close()  # the first attempt came, and failed
            taken.close()
            with spawned(MOCKSERVER, "--host", host, "--port", str(port)):
                assert waiting.process.wait(timeout=PATIENCE) == 0
                assert waiting.out.rest() == ["up"]


@pytest.mark.parametrize("timeout", ["1ms", "200ms"])
def test_a_server_that_is_not_up_in_time_is_1(timeout: str) -> None:
    """One line with the URL and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for url in ("http://127.0.0.1:1", silent_url):
            result = invoke("wait", "--timeout", timeout, url)
            seconds = {"1ms": "0.001", "200ms": "0.2"}[timeout]
            assert result.exit_code == 1
            assert result.output.startswith(f"mockserver: not up within {seconds} s: {url}/__admin/health: ")
            assert len(result.output.splitlines()) == 1


def test_a_server_that_refuses_the_url_is_not_waited_for() -> None:
    """The host name is not allowed: waiting would not change that, and the message says what would."""
    with serving("--host", "0.0.0.0") as serve:
        url = f"http://{socket.gethostname()}:{serve.url.rpartition(':')[2]}"
        result = invoke("wait", "--timeout", "1h", url)
    assert result.exit_code == 1
    assert "not served under this host: Expected a loopback name" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["--timeout", "0s"],
        ["--timeout", "-5s"],
        ["--timeout", "30"],
        ["ftp://mock"],
        ["http://me:secret@mock"],
        ["http://127.0.0.1:abc"],
        ["--cacert", "nowhere.pem", "https://127.0.0.1:1"],
    ],
)
def test_what_cannot_be_waited_for_is_2(arguments: list[str]) -> None:
    """A time that is none; an address that is not HTTP, or has a password; certificates that are not there."""
    result = invoke("wait", *arguments)
    assert result.exit_code == 2
    assert "secret" not in result.output


def test_a_time_without_a_unit_is_refused_with_an_example() -> None:
    """And with nothing that would be refused next."""
    result = invoke("wait", "--timeout", "30")
    assert result.output.endswith("'--timeout': expected a time such as 30s, 1500ms or 2m, got '30'\n")
