"""The command line: every command, its options, and what it says when something is wrong."""

import contextlib
import io
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mockserver import __version__
from mockserver.cli.main import main
from tests.support import MOCKSERVER, ONCE, PATIENCE, PING, environment, folder, run, run_process
from tests.support.invoke import invoke


@pytest.mark.parametrize("command", [[MOCKSERVER], [sys.executable, "-m", "mockserver"]])
def test_version_shows_name_and_version(command: list[str | Path]) -> None:
    """As a script and as a module."""
    shown = subprocess.run([*command, "--version"], env=environment(), capture_output=True, text=True, check=True)
    assert shown.stdout == f"mockserver, version {__version__}\n"


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_commands(option: str) -> None:
    """Options without a command are those of `serve`."""
    shown = run(option).stdout
    for command in ("serve", "check", "scenarios", "explain", "health"):
        assert f"\n  {command} " in shown


def test_every_option_of_serve_has_its_variable() -> None:
    """Help shows each option with its `MOCKSERVER_...`."""
    shown = " ".join(run("serve", "--help").stdout.split())
    for name in (
        *("HOST", "PORT", "CONTRACT", "OVERLAY", "MOUNTS", "CLOCK", "SEED", "ERROR_STATUS"),
        *("REQUIRE_HEADER", "REQUIRE_SANDBOX", "NO_MOCK_HEADERS", "LOG_FORMAT"),
    ):
        assert f"--{name.lower().replace('_', '-')}" in shown
        assert f"env var: MOCKSERVER_{name}" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["scenarois"], "Did you mean scenarios?"),
        (["frobnicate"], "No such command 'frobnicate'.\n"),
        (["--port", "abc"], "'abc' is not a valid"),
        (["--port", "65536"], "is not in the range"),
        (["--host", " "], "expected an address, such as 127.0.0.1, or 0.0.0.0 for all"),
        (["--clock", "0001-01-01T00:00:00Z"], "expected an instant from 0001-01-02 to 9999-12-30"),
        (["--sandbox-ttl", "nan"], "expected a number, got nan"),
        (["--clock", "yesterday"], "expected an RFC 3339 instant such as"),
        (["--error-status", "99"], "is not in the range"),
        (["--require-header", "X: y"], "expected a header name such as X-Name, got 'X: y'"),
        (["--log-format", "xml"], "is not one of"),
        (["--prot", "1"], "--port"),
        (["explain"], "--request"),
        (["explain", "--request", "/nowhere/at/all"], "No such file"),
        (["explain", "--request", "-", "--operation", "activateCard"], "did you mean activateCardForCustomer?"),
        (["explain", "--request", "-", "--operation", "zzz"], "one of activateCardForCustomer"),
        (["explain", "--request", "-", "--header", "nothing"], "NAME:VALUE"),
        (["explain", "--request", "-", "--query", "nothing"], "NAME=VALUE"),
        (["health", "ftp://mock"], "begins with http://"),
        (["health", "http://me:secret@mock"], "has no user name and no password, got http://xx:xxxxxx@mock"),
    ],
)
def test_a_usage_error_says_what_is_wrong(arguments: list[str], words: str) -> None:
    """Exit status 2."""
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_a_bad_variable_is_named() -> None:
    """A usage error in the environment says where it comes from."""
    ended = run_process(env={"MOCKSERVER_PORT": "abc"})
    assert (ended.returncode, "MOCKSERVER_PORT" in ended.stderr) == (2, True)


def test_an_unknown_variable_is_a_warning() -> None:
    """With a near spelling; those of Kubernetes and other commands are ignored."""
    env = {
        "MOCKSERVER_PROT": "1",
        "MOCKSERVER_ZZZZZZ": "1",
        "MOCKSERVER_PORT_8080_TCP_ADDR": "10.0.0.1",
        "MOCKSERVER_SERVICE_PORT": "8080",
        "MOCKSERVER_CONTRACT": "/nowhere/at/all",
    }
    ended = run_process("--port", "0", env=env)
    assert [line for line in ended.stderr.splitlines() if "variable" in line] == [
        "mockserver: unknown environment variable MOCKSERVER_PROT, did you mean MOCKSERVER_PORT?",
        "mockserver: unknown environment variable MOCKSERVER_ZZZZZZ",
    ]


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["check"], ["scenarios"], ["explain", "--request", "-"]])
def test_an_unreadable_contract_is_reported(command: list[str]) -> None:
    """Exit status 1, and nothing is started."""
    result = invoke(*command, MOCKSERVER_CONTRACT="/nowhere/at/all")
    assert result.exit_code == 1
    assert "/nowhere/at/all:1:1: no contract can be read here" in result.output
    assert "1 error in the contract" in result.output


@pytest.mark.parametrize("name", ["ADMIN_TOKEN", "SANDBOX_KEY", "TLS_CERT", "TLS_KEY"])
def test_a_secret_that_is_not_set_is_refused(name: str) -> None:
    """An empty variable is one in CI whose secret is missing: the server does not start open."""
    ended = run_process("--port", "0", env={f"MOCKSERVER_{name}": ""})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"MOCKSERVER_{name} is empty: give it a value, or unset it" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["state", "cards", "\udcff"], "key"),
        (["requests", "--text", "\udcff"], "text"),
        (["reset", "--sandbox", "\udcff"], "sandbox"),
        (["arm", "x", "--admin-token", "\udcff"], "admin-token"),
        (["explain", "--request", "-", "--query", "a=\udcff"], "query"),
    ],
)
def test_bytes_that_are_not_utf_8_are_one_line(arguments: list[str], name: str) -> None:
    """Of arguments that go into a request; the bytes are not repeated."""
    result = invoke(*arguments)
    assert (result.exit_code, result.output) == (1, f"mockserver: expected UTF-8 text for {name}, got other bytes\n")


@pytest.mark.parametrize("streams", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("command", "status"), [("check", 0), ("--version", 0), ("check /nowhere/at/all", 1)])
def test_closed_standard_streams_are_no_error(command: str, status: int, streams: str) -> None:
    """The exit status is that of the command, and standard error has only what it says itself."""
    line = f"exec {shlex.quote(str(MOCKSERVER))} {command} {streams}"
    ended = subprocess.run(["sh", "-c", line], env=environment(), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (status, "")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", [["scenarios"], ["scenarios", "--json"], ["--help"]])
def test_a_closed_pipe_is_no_error(command: list[str]) -> None:
    """`mockserver scenarios | head -1` leaves no traceback."""
    shown = subprocess.run(
        ["sh", "-c", f"{shlex.quote(str(MOCKSERVER))} {shlex.join(command)} | true"],
        env=environment(),
        capture_output=True,
        check=True,
    )
    assert shown.stderr == b""


def test_letters_outside_the_encoding_are_escaped(tmp_path: Path) -> None:
    """On a terminal of another encoding."""
    file = folder(tmp_path, {"r.json": json.dumps({**ONCE, "customer_id": "Ñ"})}) / "r.json"
    ended = run_process("explain", "--request", str(file), env={"PYTHONIOENCODING": "ascii"})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "\\xd1" in ended.stdout


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-16"])
def test_documents_are_utf_8_in_every_encoding(encoding: str) -> None:
    """What machines read is the same whatever the terminal is."""
    shown = run_process("export", "openapi", env={"PYTHONIOENCODING": encoding})
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == run("export", "openapi").stdout
    assert not shown.stdout.isascii()


@pytest.mark.parametrize("command", [["armed", "--url"], ["health"], ["explain", "--request", "-", "--url"]])
def test_certificates_of_the_environment_do_not_concern_http(command: list[str]) -> None:
    """A file that is missing is an error with https, or where it is given as an option."""
    variable = {"MOCKSERVER_CACERT": "/nowhere.pem"}
    assert "nowhere.pem" not in run(*command, "http://127.0.0.1:9", env=variable).stderr
    assert "nowhere.pem" in run(*command, "https://127.0.0.1:9", env=variable).stderr
    assert "nowhere.pem" in run(*command, "http://127.0.0.1:9", "--cacert", "/nowhere.pem").stderr


def test_output_can_be_captured_in_process() -> None:
    """Called from Python."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        main(["check"], standalone_mode=False)
    assert out.getvalue().startswith("ok: contract ")


def test_mounted_folders_are_loaded(tmp_path: Path) -> None:
    """DIR/contract is the contract, DIR/overlay the lowest overlay; both may be missing."""
    mounts = str(tmp_path)
    assert "(scenarios/" not in invoke("check", "--mounts", mounts).output
    folder(tmp_path / "overlay", {"o.yaml": "format: 1\nsettings: {seed: 7}\n"})
    shown = invoke("check", MOCKSERVER_MOUNTS=mounts).output
    assert f"mockserver: using the overlay in {tmp_path}/overlay\n" in shown
    assert "setting seed is new" in shown
    named = folder(tmp_path / "named", {"o.yaml": "format: 1\nsettings: {seed: 8}\n"})
    shown = invoke("check", "--mounts", mounts, "--overlay", str(named)).output
    assert f"{named}/o.yaml:2:12: setting seed replaces {tmp_path}/overlay/o.yaml:2:12" in shown
    folder(tmp_path / "contract", PING)
    shown = invoke("check", "--mounts", mounts).output
    assert f"mockserver: using the contract in {tmp_path}/contract\n" in shown
    assert "1 scenario, 1 example" in shown
    own = folder(tmp_path / "own", PING)
    assert "using the contract" not in invoke("check", str(own), "--mounts", mounts).output


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["scenarios", "check", "--version"])
def test_a_full_disk_is_one_line(command: str) -> None:
    """Exit status 1."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [MOCKSERVER, command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "mockserver: cannot write the output: No space left on device\n"
