"""The command `requests --follow`: new requests as they come, until Ctrl-C or the server stops."""

import json
import signal
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from mockserver.remote import events
from mockserver.remote.requests import COLUMNS, RequestTable
from tests.support import LASTING, MOCKSERVER, PATH, PATIENCE, Serving, folder, free_port, run, serving, spawned
from tests.support.invoke import invoke


@contextmanager
def following(url: str, *arguments: str) -> Iterator[Serving]:
    """The command, once it listens."""
    with spawned(MOCKSERVER, "requests", "--follow", "--url", url, *arguments) as command:
        command.err.wait("mockserver: listening; Ctrl-C ends it")
        yield command


def test_new_requests_are_printed_until_the_server_stops() -> None:
    """The rows of `requests`, without the ones before, of one sandbox; the server's end is said, and is 0."""
    with serving() as serve:
        serve.post(LASTING, f"/sandbox/a{PATH}")
        with following(serve.url, "--sandbox", "a") as rows, following(serve.url, "--all", "--json") as lines:
            serve.post({}, f"/sandbox/b{PATH}")
            serve.post({}, f"/sandbox/a{PATH}")
            assert json.loads(lines.out.wait("{"))["sandbox"] == "b"
            assert rows.out.wait("id ").split() == [*COLUMNS]
            assert rows.out.wait("reference-batch-empty").split()[0] == "3"
            assert serve.stop() == 0
            assert rows.process.wait(timeout=PATIENCE) == 0
            assert rows.err.rest()[-1] == "mockserver: the server has stopped"
            assert [json.loads(line)["id"] for line in lines.out.rest()] == ["2", "3"]


def test_ctrl_c_ends_it_quietly() -> None:
    """With status 0; filters of the journal hold, and `--unexpected` too."""
    with (
        serving() as serve,
        following(serve.url, "--unexpected", "--json") as unexpected,
        following(serve.url, "--json", "--scenario", "card-already-activated") as one,
    ):
        for body in (LASTING, {}, {**LASTING, "card_identifier": "TEST-ACTIVATED"}):
            serve.post(body)
        assert [json.loads(command.out.wait("{"))["id"] for command in (unexpected, one)] == ["2", "3"]
        for command in (unexpected, one):
            assert command.stop(signal.SIGINT) == 0
            assert len(command.err.rest()) == 1


def test_an_emptied_journal_is_a_notice() -> None:
    """Emptied, or reset with its sandbox; the rows of JSON go on without a word about it."""
    with serving() as serve, following(serve.url, "--all", "--json") as command:
        for method, path, sandbox in (
            ("DELETE", "/sandbox/a/__admin/requests", "sandbox a"),
            ("POST", "/__admin/reset", "sandbox (default)"),
            ("POST", "/__admin/reset?all=true", "every sandbox"),
        ):
            assert serve.ask(method, path)[0] == 200
            assert command.err.wait("mockserver: ") == f"mockserver: the journal of {sandbox} was emptied"
        serve.post(LASTING)
        assert json.loads(command.out.wait("{"))["sandbox"] == ""


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"fault": None}, ""),
        ({"fault": "dribble", "committed": True}, "dribble"),
        ({"fault": "reset", "answer_lost": True}, "reset, answer lost"),
        ({"fault": "gateway", "answer_lost": True, "committed": True}, "gateway, answer lost, change kept"),
        ({"fault": None, "answer_lost": True, "client_left": True}, "client left, answer lost"),
    ],
)
def test_the_table_says_that_an_answer_was_lost(row: dict[str, object], words: str) -> None:
    """And whether the change was kept, so that a retry finds it made."""
    other = dict.fromkeys(("id", "target", "scenario", "problem", "recorded", "fallback"), "x") | {"recorded": None}
    table = RequestTable(["id", "fault"])
    line = {**other, "masked": [], "answer_lost": False, "client_left": False, "committed": False, **row}
    assert list(table.lines([line])) == [f"x   {words}".rstrip()]


@contextmanager
def scripted(answers: Sequence[bytes]) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers in turn, and then none; its URL, and the ids from which it was resumed."""
    left, ids = list(answers), []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines = iter(self.rfile.readline, b"\r\n")
            ids.append(next((line.split()[1].decode() for line in [*lines] if line.startswith(b"Last-Event-Id:")), ""))
            self.wfile.write(left.pop(0) if left else b"")

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", ids
        finally:
            server.shutdown()
            thread.join()


def test_requests_are_found_by_trace_id() -> None:
    """In a list and as they come."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with serving() as serve, following(serve.url, "--json", "--trace", trace) as command:
        serve.post({})
        serve.post({}, traceparent=f"00-{trace}-00f067aa0ba902b7-01")
        assert json.loads(command.out.wait("{"))["id"] == "2"
        found = json.loads(run("requests", "--json", "--trace", trace, "--url", serve.url).stdout)
        assert [row["id"] for row in found["requests"]] == ["2"]
        assert json.loads(run("requests", "2", "--url", serve.url).stdout)["trace"] == trace
        by_words = run("requests", "--json", "--text", f"{trace} BATCH-empty post", "--url", serve.url)
        assert json.loads(by_words.stdout) == found
        assert "trace is a trace id" in run("requests", "--trace", "x", "--url", serve.url).stderr


def test_requests_are_found_by_the_code_of_their_scenario() -> None:
    """As a number or as code=CODE, also as they come."""
    with serving() as serve, following(serve.url, "--json", "--scenario", "4433") as lines:
        serve.post(LASTING, PATH)
        serve.post({**LASTING, "card_identifier": "TEST-ACTIVATED"}, PATH)
        assert json.loads(lines.out.wait("{"))["id"] == "2"
        for name in ("4433", "code=4433", "card-already-activated"):
            found = run("requests", "--json", "--scenario", name, "--url", serve.url)
            assert [row["id"] for row in json.loads(found.stdout)["requests"]] == ["2"]


def test_the_requests_of_a_run_are_listed_by_prefix() -> None:
    """As a table with the sandbox, as an archive, and as they come; `--fail` makes a gate of it."""
    with serving() as serve, following(serve.url, "--json", "--sandbox-prefix", "ci-7-") as command:
        for sandbox, body in (("ci-7-a", LASTING), ("ci-8-a", {}), ("ci-7-b", {})):
            serve.post(body, f"/sandbox/{sandbox}{PATH}")
        assert [json.loads(command.out.wait("{"))["id"] for _ in range(2)] == ["1", "3"]
        of_run = ("requests", "--url", serve.url, "--sandbox-prefix", "ci-7-")
        head, *rows = run(*of_run).stdout.splitlines()
        assert [line.split()[0] for line in (head, *rows)] == ["sandbox", "ci-7-b", "ci-7-a"]
        entries = json.loads(run(*of_run, "--har").stdout)["log"]["entries"]
        assert [entry["request"]["url"].split("/")[4] for entry in entries] == ["ci-7-a", "ci-7-b"]
        (entry,) = json.loads(run(*of_run, "--unexpected", "--har").stdout)["log"]["entries"]
        assert entry["request"]["url"].split("/")[4] == "ci-7-b"
        assert [
            run(*of_run, "--fail", *more).returncode for more in (["--unexpected"], ["--scenario", "rfc-invalid"])
        ] == [
            1,
            0,
        ]
        typo = run("requests", "--url", serve.url, "--sandbox-prefix", "ci-9-", "--unexpected", "--fail")
        said = "mockserver: no requests in sandboxes ci-9-...; other sandboxes have some (--all)\n"
        assert (typo.returncode, typo.stdout, typo.stderr) == (1, "", said)
        assert run(*of_run, "--all").stderr.count("goes without all") == 1
        assert run(*of_run, "1", "--fail").returncode == 2


def test_a_sandbox_without_requests_is_a_notice() -> None:
    """And no table, so that the file of a pipeline is empty."""
    with serving() as serve:
        of_none = ("requests", "--url", serve.url)
        said = run(*of_none)
        assert (said.returncode, said.stdout, said.stderr) == (
            0,
            "",
            "mockserver: no requests in the default sandbox\n",
        )
        serve.post(LASTING, f"/sandbox/a{PATH}")
        assert run(*of_none).stderr.endswith("no requests in the default sandbox; other sandboxes have some (--all)\n")
        unexpected = run(*of_none, "--sandbox", "a", "--unexpected")
        assert (unexpected.stdout, unexpected.stderr) == ("", "")


def test_a_gate_over_a_journal_that_lost_requests_is_1(tmp_path: Path) -> None:
    """Nobody knows what they were; the same holds for those of a run."""
    overlay = folder(tmp_path / "small", {"small.yaml": "format: 1\nsettings: {journal_entries: 1}\n"})
    with serving("--overlay", str(overlay)) as serve:
        for _ in range(2):
            serve.post(LASTING, f"/sandbox/ci-7-a{PATH}")
        for scope in (("--sandbox", "ci-7-a"), ("--sandbox-prefix", "ci-7-")):
            done = run("requests", "--url", serve.url, "--unexpected", *scope, "--fail")
            assert (done.returncode, "the journal has lost requests" in done.stderr) == (1, True), scope


def chunk(text: str) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text.encode()), text.encode())


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
LISTENING = chunk(": listening\n\n")
END = b"0\r\n\r\n"


def entry(number: int) -> bytes:
    row = {"unexpected": False, "masked": [], "id": str(number), "number": number}
    return chunk(f"id: {number}\nevent: entry\ndata: {json.dumps(row)}\n\n")


def test_a_broken_connection_is_resumed() -> None:
    """Behind the last entry, and said so; events that were lost are counted."""
    lost = chunk('event: lost\ndata: {"entries":4}\n\n')
    answers = [HEAD + LISTENING, HEAD + LISTENING + entry(7), HEAD + LISTENING + lost + entry(8) + END]
    with scripted(answers) as (url, ids):
        ended = run("requests", "--follow", "--json", "--url", url)
    assert [json.loads(line)["number"] for line in ended.stdout.splitlines()] == [7, 8]
    assert ids == ["", "", "7"]
    said = [line.partition(": http")[0].removeprefix("mockserver: ") for line in ended.stderr.splitlines()]
    assert said == [
        "listening; Ctrl-C ends it",
        "the connection broke",
        "listening again; requests in between are not shown",
        "the connection broke",
        "resumed",
        "4 requests are not shown: they came too fast",
        "the server has stopped",
    ]
    assert ended.returncode == 0


def test_a_connection_that_cannot_be_resumed_is_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no answer any more."""
    monkeypatch.setattr(events, "RESUME_SECONDS", 0.2)
    with scripted([HEAD + LISTENING]) as (url, _):
        ended = run("requests", "--follow", "--url", url)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(f"mockserver: not resumed within 0.2 s: {url}/__admin/events: ")


def test_what_cannot_be_followed_is_said() -> None:
    """No server, another server, a server that refuses, options that make no sense together."""
    url = f"http://127.0.0.1:{free_port()}"
    answers = [HEAD + END, b'HTTP/1.0 503 No\r\n\r\n{"title": "Too many", "detail": "50 readers."}']
    with scripted(answers) as (scripted_url, _):
        for address, text in [
            (url, "is the server up, and is --url right?"),
            ("ftp://mock", "the address of a server begins with http:// or https://, got ftp://mock"),
            (scripted_url, "the answer is not a stream of events; is --url right?"),
            (scripted_url, "Too many: 50 readers."),
        ]:
            ended = run("requests", "--follow", "--url", address)
            assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1)
            assert ended.stderr.strip().endswith(text)
    for option in (["1"], ["--har"], ["--clear"], ["--limit", "3"], ["--before", "3"], ["--bundle"]):
        assert run("requests", "--follow", *option).returncode == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--clear", "--har"], "--clear cannot be combined with --har"),
        (["--clear", "--all"], "--clear cannot be combined with --all"),
        (["--clear", "--scenario", "rfc-invalid"], "--clear cannot be combined with --scenario"),
        (["1", "--har"], "ID cannot be combined with --har"),
        (["1", "--sandbox-prefix", "ci-"], "ID cannot be combined with --sandbox-prefix"),
        (["1", "--fail"], "ID cannot be combined with --fail"),
        (["1", "--follow"], "--follow cannot be combined with ID"),
        (["--bundle"], "--bundle needs the ID of a request"),
    ],
)
def test_an_option_that_would_have_no_effect_is_refused(options: list[str], said: str) -> None:
    """Above all beside `--clear`, which would empty more than it says."""
    refused = invoke("requests", *options)
    assert refused.exit_code == 2
    assert said in refused.stderr
