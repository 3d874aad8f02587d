"""The command `run`: another command beside a mock of its own, and its exit status."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mockserver.remote.run import run_command
from mockserver.testing.running import running
from tests.support import MOCKSERVER, PATIENCE, run, spawned
from tests.support.invoke import invoke


def test_the_command_finds_a_mock_that_is_up(tmp_path: Path) -> None:
    """At MOCKSERVER_URL, on a port of its own, whatever the environment says; it is gone afterwards."""
    script = (
        "import os, sys, mockserver\n"
        "mock = mockserver.Mock(os.environ['MOCKSERVER_URL'])\n"
        f"open({str(tmp_path / 'url')!r}, 'w').write(mock.url)\n"
        "sys.exit(0 if mock.health()['status'] == 'ok' else 1)\n"
    )
    with running() as other:
        port = other.url.rpartition(":")[2]
        assert (
            invoke("run", sys.executable, "-c", script, MOCKSERVER_URL=other.url, MOCKSERVER_PORT=port).exit_code == 0
        )
        url = (tmp_path / "url").read_text()
        assert url != other.url
    assert invoke("health", url).exit_code == 1


@pytest.mark.parametrize(
    ("code", "status"), [("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 128 + 9)]
)
def test_the_exit_status_is_that_of_the_command(code: str, status: int) -> None:
    """128 and the number of the signal that ended it, as in a shell. Its options are its own."""
    assert invoke("run", "--", sys.executable, "-c", code).exit_code == status


def test_a_command_that_cannot_start_is_2(tmp_path: Path) -> None:
    """As none is; an overlay that cannot be loaded is 1."""
    missing = invoke("run", "no-such-command")
    assert (missing.exit_code, "no-such-command: No such file or directory" in missing.output) == (2, True)
    assert run("run").returncode == 2
    assert invoke("run", "--overlay", str(tmp_path / "none"), "true").exit_code == 1


@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (signal.SIGTERM, ("sh", "-c", "sleep 600 & sleep 600 & echo here; wait")),
        (signal.SIGINT, (sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)")),
    ],
)
def test_a_job_that_is_cancelled_ends_all_processes_of_the_command(
    number: signal.Signals, arguments: tuple[str, ...]
) -> None:
    """The signal goes to those that a shell started as well: none is left that holds the output open."""
    with spawned(MOCKSERVER, "run", "--", *arguments) as command:
        command.out.wait("here")
        command.process.send_signal(number)
        assert command.process.wait(timeout=PATIENCE) == 128 + number
        assert command.out.rest() == ["here"]


def test_a_signal_while_the_command_starts_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not end the mock alone."""
    start = subprocess.Popen

    def start_and_cancel(*arguments: Any, **options: Any) -> Any:
        process = start(*arguments, **options)
        os.kill(os.getpid(), signal.SIGTERM)
        return process

    monkeypatch.setattr(subprocess, "Popen", start_and_cancel)
    assert run_command(["sleep", "600"], os.environ) == 128 + signal.SIGTERM


SETTINGS = """
import os
from mockserver import Mock, MockError

mock = Mock(os.environ["MOCKSERVER_URL"], "", os.environ["MOCKSERVER_ADMIN_TOKEN"])
settings = mock.settings.all()
assert (settings["seed"], settings["error_status"], mock.clock.now().year) == (7, 418, 2031)
try:
    Mock(mock.url).armed()
except MockError as error:
    raise SystemExit(0 if error.status == 401 else 1)
raise SystemExit(1)
"""


def test_the_mock_takes_the_options_and_variables_of_serve() -> None:
    """Its command finds the token as well; a misspelt variable is told, and where a server listens is its own."""
    variables = {"MOCKSERVER_SEED": "7", "MOCKSERVER_CLOCK": "2031-05-06T12:00:00Z", "MOCKSERVER_SEDE": "7"}
    options = ("--error-status", "418", "--admin-token", "s3cr3t")
    done = invoke("run", *options, "--", sys.executable, "-c", SETTINGS, **variables, MOCKSERVER_PORT="1")
    assert (done.exit_code, done.output) == (
        0,
        "mockserver: unknown environment variable MOCKSERVER_SEDE, did you mean MOCKSERVER_SEED?\n",
    )
