"""The command line: every command, its options, and what it says when something is wrong."""

import contextlib
import http.server
import io
import json
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mockserver import Contract, Request, __version__, load
from mockserver.cli.main import main
from mockserver.core.model import Settings
from mockserver.engine.examples import banner, curl
from tests.support import BATCH, LASTING, MOCKSERVER, ONCE, PATH, PING, alone, environment, folder, run, serving


def invoke(*arguments: str, stdin: str = "", **env: str) -> Result:
    """The command, in this process."""
    return CliRunner(env={**{n: None for n in os.environ if n.startswith("MOCKSERVER_")}, **env}).invoke(
        main, arguments, input=stdin
    )


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    file = tmp_path / "request.json"
    file.write_text(json.dumps(ONCE))
    return file


# -- the whole command --------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[MOCKSERVER], [sys.executable, "-m", "mockserver"]])
def test_the_version_is_told(command: list[str | Path]) -> None:
    """`--version` names the product and its version, however it is called."""
    shown = subprocess.run([*command, "--version"], env=environment(), capture_output=True, text=True, check=True)
    assert shown.stdout == f"mockserver, version {__version__}\n"


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_commands(option: str) -> None:
    """Help of the whole, though options without a command are those of `serve`."""
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
        (["health", "ftp://mock"], "must begin with http://"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(arguments: list[str], words: str) -> None:
    """A usage error names what came and what to try; exit status 2."""
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_a_wrong_variable_is_named() -> None:
    """A usage error in the environment says where it comes from."""
    ended = run(env={"MOCKSERVER_PORT": "abc"})
    assert (ended.returncode, "MOCKSERVER_PORT" in ended.stderr) == (2, True)


def test_an_unknown_variable_is_warned_of() -> None:
    """A misspelt variable is told with a near spelling; those of Kubernetes and of other commands are not."""
    env = {
        "MOCKSERVER_PROT": "1",
        "MOCKSERVER_ZZZZZZ": "1",
        "MOCKSERVER_PORT_8080_TCP_ADDR": "10.0.0.1",
        "MOCKSERVER_SERVICE_PORT": "8080",
        "MOCKSERVER_CONTRACT": "/nowhere/at/all",
    }
    ended = run("--port", "0", env=env)
    assert [line for line in ended.stderr.splitlines() if "variable" in line] == [
        "mockserver: unknown environment variable MOCKSERVER_PROT, did you mean MOCKSERVER_PORT?",
        "mockserver: unknown environment variable MOCKSERVER_ZZZZZZ",
    ]


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["check"], ["scenarios"], ["explain", "--request", "-"]])
def test_a_contract_that_cannot_be_read_is_reported(command: list[str]) -> None:
    """The place, what was expected and what to try; exit status 1, and nothing is started."""
    result = invoke(*command, MOCKSERVER_CONTRACT="/nowhere/at/all")
    assert result.exit_code == 1
    assert "/nowhere/at/all:1:1: no contract can be read here" in result.output
    assert "1 wrong; nothing was started" in result.output


@pytest.mark.parametrize("command", [["scenarios"], ["scenarios", "--json"], ["--help"]])
def test_output_that_is_closed_early_is_no_fault(command: list[str]) -> None:
    """`mockserver scenarios | head -1` leaves no traceback."""
    shown = subprocess.run(
        ["sh", "-c", f"{shlex.quote(str(MOCKSERVER))} {shlex.join(command)} | true"],
        env=environment(),
        capture_output=True,
        check=True,
    )
    assert shown.stderr == b""


def test_a_terminal_that_cannot_show_a_letter_is_no_fault(tmp_path: Path) -> None:
    """Where the encoding lacks a letter, its escape is shown."""
    file = folder(tmp_path, {"r.json": json.dumps({**ONCE, "customer_id": "Ñ"})}) / "r.json"
    ended = run("explain", "--request", str(file), env={"PYTHONIOENCODING": "ascii"})
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "\\xd1" in ended.stdout


def test_output_that_is_no_file_is_written_as_well() -> None:
    """Called from Python, with the output caught."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        main(["check"], standalone_mode=False)
    assert out.getvalue().startswith("ok: contract ")


# -- check --------------------------------------------------------------------------------------------


def test_the_shipped_contract_is_sound(contract: Contract) -> None:
    """`check` runs every example and says how many."""
    scenarios = list(contract.scenarios)
    examples = sum(len(s.examples) for s in scenarios)
    assert invoke("check").output == f"ok: contract {contract.hash}, {len(scenarios)} scenarios, {examples} examples\n"


def test_check_takes_a_folder_or_the_variable(tmp_path: Path) -> None:
    """A contract of one's own is checked by name or by `MOCKSERVER_CONTRACT`."""
    own = folder(tmp_path, PING)
    for result in (invoke("check", str(own)), invoke("check", MOCKSERVER_CONTRACT=str(own))):
        assert (result.exit_code, "1 scenarios, 1 examples" in result.output) == (0, True)


def test_check_lists_what_an_overlay_changes(tmp_path: Path) -> None:
    """What is new and what is replaced, each at its place."""
    overlay = folder(tmp_path, {**PING, "more.yaml": "format: 1\nsettings: {error_status: 422, seed: 5}\n"})
    shown = invoke("check", "--overlay", str(overlay)).output
    assert f"{overlay}/more.yaml:2:12: setting error_status replaces scenarios/contract.yaml:" in shown
    assert f"{overlay}/more.yaml:2:31: setting seed is new" in shown
    assert "scenario pong of ping is new" in shown


def test_check_fails_where_an_example_is_not_met(tmp_path: Path) -> None:
    """An example that another scenario answers is reported; exit status 1."""
    first = "- {scenario: first, assumed: [], when: {header.x-one: two}, respond: {success: 1}, examples: [{}]}\n"
    own = folder(tmp_path, PING)
    text = PING["ping.scenarios.yaml"].replace("scenarios:\n", "scenarios:\n" + first)
    (own / "ping.scenarios.yaml").write_text(text)
    result = invoke("check", str(own))
    assert result.exit_code == 1
    assert "shadowed by first" in result.output
    assert "mockserver: 2 wrong\n" in result.output


# -- scenarios ----------------------------------------------------------------------------------------


def test_scenarios_are_listed_as_json(contract: Contract) -> None:
    """An array of objects: id, source, heading, status, error, note, examples with request and before."""
    rows = json.loads(invoke("scenarios", "--json").output)
    assert [row["id"] for row in rows] == [s.id for s in contract.scenarios]
    by_id = {row["id"]: row for row in rows}
    assert {"id", "source", "heading", "status", "error", "note", "examples"} <= rows[0].keys()
    activated = by_id["card-already-activated"]
    assert (activated["source"], activated["heading"]) == ("documented", "Card already activated.")
    assert (activated["status"], activated["note"]) == (400, None)
    assert activated["error"] == {"code": 4433, "hints": ["Card has already been activated"]}
    assert activated["examples"][1] == {"request": ONCE, "before": [ONCE]}
    assert "before" not in activated["examples"][0]
    assert by_id["activated-existing-customer"]["error"] == {}
    assert by_id["unauthorized"]["source"] == "assumed"
    assert "FIRST name" in by_id["last-name-empty"]["note"]


def test_the_examples_that_are_listed_meet_their_scenarios() -> None:
    """What the list shows can be sent as it is to a real server, and is answered as listed."""
    rows = json.loads(run("scenarios", "--json").stdout)
    with serving() as serve:
        for row in rows:
            for number, example in enumerate(row["examples"]):
                sandbox = f"/sandbox/{row['id']}-{number}"
                for body in (*example.get("before", ()), example["request"]):
                    status, headers, answer = serve.post(body, f"{sandbox}{PATH}")
                assert (headers["Mock-Scenario"], headers["Mock-Source"]) == (
                    row["id"],
                    headers["Mock-Source"] if number else row["source"],
                )
                if not number:
                    assert (status, json.loads(answer).get("error")) == (row["status"], row["error"])


def test_the_table_tells_how_to_meet_each(contract: Contract) -> None:
    """One line a scenario: id, source, status, code, how to trigger, note."""
    lines = invoke("scenarios").output.splitlines()
    assert lines[0].split("  ")[0] == "id"
    columns = [lines[0].index(title) for title in ("id", "source", "status", "code", "how to trigger", "note")]
    cells = {
        line[: columns[1]].strip(): [line[a:b].strip() for a, b in zip(columns[1:], [*columns[2:], None], strict=True)]
        for line in lines[1:-2]
    }
    assert list(cells) == [s.id for s in contract.scenarios]
    assert cells["card-already-activated"] == ["documented", "400", "4433", "body.card_identifier TEST-ACTIVATED", ""]
    assert cells["activated-existing-customer"][:3] == ["documented", "200", ""]
    assert cells["pin-not-digits"][3].startswith("body.pin ")
    assert cells["last-name-empty"][4].startswith("The document gives the hint of the FIRST name")
    assert lines[-1] == "Each is also met with the request header Mock-Scenario: ID, whatever the request is."


def test_a_scenario_of_another_kind_is_listed_as_well(tmp_path: Path) -> None:
    """Without a body, without conditions, without examples: the list says what there is."""
    text = PING["ping.scenarios.yaml"].replace(
        "scenarios:\n", "scenarios:\n- {scenario: never, assumed: [], when: {header.x: y}, respond: {success: [1]}}\n"
    )
    own = folder(tmp_path, {**PING, "ping.scenarios.yaml": text})
    never, pong = json.loads(invoke("scenarios", "--json", "--contract", str(own)).output)
    assert (never["status"], never["error"], never["examples"]) == (None, None, [])
    assert pong["examples"] == [
        {"request": None, "path": {"word": "a b"}, "query": {"again": "1"}, "headers": {"x-one": "two"}}
    ]
    assert "whatever no other scenario answers" in invoke("scenarios", "--contract", str(own)).output


# -- explain ------------------------------------------------------------------------------------------


def test_explain_tells_which_scenario_answers_and_why(request_file: Path) -> None:
    """The answer, its source, trigger and place, what it would write, and the evidence against those before it."""
    result = invoke("explain", "--request", str(request_file))
    assert result.exit_code == 0
    shown = result.output
    assert shown.startswith(f"POST {PATH} -> 200 activated-existing-customer\n")
    assert '  source:   documented, "Example 1: Only customer_id provided"' in shown
    assert "  trigger:  values" in shown
    assert "  because:  customer is present" in shown
    assert "  writes    cards CARD-001: " in shown
    assert "  at:       scenarios/activate-card-for-customer.yaml:" in shown
    assert '"card_id":"card_987654321"' in shown
    tried = shown.partition("near misses, nearest first:\n")[2]
    assert "  card-already-activated  (scenarios/activate-card-for-customer.yaml:" in tried
    assert '    card.status: expected "activated"\n                 got      "issued"\n' in tried


def test_explain_reads_standard_input() -> None:
    """`--request -`; violations and warnings are told, and what is missing is said to be so."""
    shown = run("explain", "--request", "-", stdin=json.dumps({**LASTING, "pin": "s3cr3t", "device": 1})).stdout
    assert "-> 400 pin-not-digits" in shown
    assert "  violation body.pin: " in shown
    assert "  warning   device is not a documented member" in shown
    assert "got      no violation" not in shown
    assert "s3cr3t" not in shown


def test_explain_takes_up_what_was_sent_before(request_file: Path) -> None:
    """`--before` gives the state; it is answered from records of earlier requests."""
    shown = invoke("explain", "--request", str(request_file), "--before", str(request_file)).output
    assert "-> 400 card-already-activated" in shown
    assert "  trigger:  state" in shown


def test_explain_takes_headers_paths_and_queries(tmp_path: Path, request_file: Path) -> None:
    """A forced scenario, another operation with its parameters, a sandbox."""
    forced = invoke("explain", "--request", str(request_file), "--header", "Mock-Scenario: rfc-invalid").output
    assert "-> 400 rfc-invalid" in forced
    assert "because:  forced by Mock-Scenario" in forced
    assert "note:" not in forced
    assert "tried before it" not in forced
    options = ["--overlay", str(folder(tmp_path / "o", PING)), "--operation", "ping", "--query", "a=b"]
    shown = invoke("explain", "--request", "-", "--path", "/sandbox/a/v1/ping/x", *options).output
    assert shown.startswith("GET /sandbox/a/v1/ping/x -> 200 pong\n")
    assert "because:  no other scenario applied" in shown
    noted = invoke("explain", "--request", "-", "--header", "mock-scenario:last-name-empty").output
    assert "  note:     The document gives the hint of the FIRST name here" in noted


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--header", "Mock-Scenario: rfc-valid"], "Did you mean rfc-invalid?"),
        (["--path", "/nowhere\n/at/all"], "There is no /nowhere\\x0a/at/all."),
    ],
)
def test_explain_explains_a_refusal(options: list[str], words: str) -> None:
    """What is no answer of the API is told as such; the exit status is still 0."""
    result = invoke("explain", "--request", "-", *options)
    assert result.exit_code == 0
    assert "(no answer of the API)" in result.output
    assert words in result.output


def test_explain_shows_a_key_without_control_characters() -> None:
    """What a request holds cannot take over the terminal."""
    body = json.dumps({**ONCE, "card_identifier": "\u001b[31mCARD"})
    shown = invoke("explain", "--request", "-", stdin=body).output
    assert "writes    cards \\x1b[31mCARD" in shown
    assert "\u001b" not in shown


# -- mounts -------------------------------------------------------------------------------------------


def test_mounts_are_taken_up_where_they_are_there(tmp_path: Path) -> None:
    """DIR/contract is the contract, DIR/overlay an overlay below those that are named; nothing there is fine."""
    mounts = str(tmp_path)
    assert "(scenarios/" not in invoke("check", "--mounts", mounts).output
    folder(tmp_path / "overlay", {"o.yaml": "format: 1\nsettings: {seed: 7}\n"})
    shown = invoke("check", MOCKSERVER_MOUNTS=mounts).output
    assert f"mockserver: took up the overlay in {tmp_path}/overlay\n" in shown
    assert "setting seed is new" in shown
    named = folder(tmp_path / "named", {"o.yaml": "format: 1\nsettings: {seed: 8}\n"})
    shown = invoke("check", "--mounts", mounts, "--overlay", str(named)).output
    assert f"{named}/o.yaml:2:12: setting seed replaces {tmp_path}/overlay/o.yaml:2:12" in shown
    folder(tmp_path / "contract", PING)
    shown = invoke("check", "--mounts", mounts).output
    assert f"mockserver: took up the contract in {tmp_path}/contract\n" in shown
    assert "1 scenarios, 1 examples" in shown
    own = folder(tmp_path / "own", PING)
    assert "took up the contract" not in invoke("check", str(own), "--mounts", mounts).output


# -- health -------------------------------------------------------------------------------------------


def test_health_asks_a_running_server() -> None:
    """Exit status 0 and the answer, by URL with or without the path, or by the server's own variables."""
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
def test_health_of_what_is_not_well_is_1(answer: bytes) -> None:
    """Another status, another protocol, no answer: one line, exit status 1."""
    with answering(answer) as url:
        result = invoke("health", url)
    assert result.exit_code == 1
    assert result.output.startswith(f"mockserver: {url}/__admin/health: ")
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize("env", [{"MOCKSERVER_PORT": "9"}, {"MOCKSERVER_PORT": "tcp://10.0.0.1:8080"}])
def test_health_where_nothing_listens_is_1(env: dict[str, str]) -> None:
    """A server that is not there, at the port of the environment or, past a link of Kubernetes, the default one."""
    port = env["MOCKSERVER_PORT"] if env["MOCKSERVER_PORT"].isdigit() else "8080"
    host = alone()
    result = invoke("health", **env, MOCKSERVER_HOST=host)
    assert result.exit_code == 1
    assert result.output.startswith(f"mockserver: http://{host}:{port}/__admin/health: ")


def test_health_imports_no_server() -> None:
    """It is asked each few seconds in a container, and its own start is what that costs."""
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


# -- the lines of the banner ----------------------------------------------------------------------------


def test_a_curl_line_says_all_of_a_request() -> None:
    """Method where curl would take another, escapes in the path, query and headers, quoted for a shell."""
    for request, line in [
        (Request("GET", "/v1/a b", query={"x": "1&2"}), "curl -i 'u/v1/a%20b?x=1%262'"),
        (Request("POST", "/v1", headers={"content-type": "application/json"}), "curl -i u/v1 -X POST"),
        (Request("POST", "/v1", b'"it\'s"', {"x-one": "a"}), "curl -i u/v1 -H 'X-One: a' -d '\"it'\"'\"'s\"'"),
        (Request("GET", "/v1", b"1"), "curl -i u/v1 -X GET -d 1"),
    ]:
        assert curl(request, "u") == line


def test_a_contract_without_a_lasting_example_has_no_curl(tmp_path: Path) -> None:
    """The banner promises nothing that would not hold."""
    shown = list(banner(load(folder(tmp_path, PING)), "http://mock", Settings()))
    assert "  GET http://mock/v1/ping/{word}" in shown
    assert not [line for line in shown if "curl" in line]
    assert BATCH not in "".join(shown)


def test_a_contract_without_a_documented_error_shows_none(tmp_path: Path) -> None:
    """What can be tried is shown; nothing is invented."""
    files = {
        "contract.yaml": """\
format: 1
collections: {things: {open: true, members: {kept: {type: boolean}}}}
operations:
  keep:
    request: PUT /things/{key}
    lookups: {thing: {in: things, key: path.key}}
    envelopes: {success: {status: 200, body: "${respond}"}}
""",
        "keep.yaml": """\
format: 1
operation: keep
scenarios:
- scenario: kept
  assumed: []
  when: {thing: present}
  respond: {success: 1}
  then: {thing: {kept: true}}
  examples: [{path: {key: a}}]
- {scenario: rest, assumed: [], respond: {success: 0}}
""",
    }
    lines = list(banner(load(folder(tmp_path, files)), "http://mock", Settings()))
    assert [line for line in lines if "curl" in line] == ["  curl -i http://mock/things/a -X PUT"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["scenarios", "check", "--version"])
def test_a_full_disk_is_one_line(command: str) -> None:
    """What cannot be written is said in one line, with exit status 1."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [MOCKSERVER, command], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "mockserver: cannot write what was asked for: No space left on device\n"
