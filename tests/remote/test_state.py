"""The commands `reset` and `state`, and what they say when they fail."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.client.http_client import Response
from tests.support import ONCE, PATH, Serving, free_port, run, serving

TOKEN = "s3cr3t-t0ken"


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    """A server that asks for a token."""
    with serving("--admin-token", TOKEN) as serve:
        yield serve


def ask(served: Serving, *arguments: str, stdin: str = "", sandbox: str = "") -> tuple[int, str, str]:
    """A command to that server: exit status, standard output, standard error."""
    env = {"MOCKSERVER_URL": served.url, "MOCKSERVER_ADMIN_TOKEN": TOKEN, "MOCKSERVER_SANDBOX": sandbox}
    ended = run(*arguments, env=env, stdin=stdin)
    return ended.returncode, ended.stdout, ended.stderr


def test_state_shows_and_changes_records(served: Serving) -> None:
    """A table, or the admin API's answer with --json."""
    card = ("state", "cards", "a/b %")
    titles, row = ask(served, *card, sandbox="s1")[1].splitlines()
    assert titles == "collection  key    origin   members"
    assert row == 'cards       a/b %  default  {"status": "issued"}'
    code, out, _ = ask(served, *card, "--put", '{"status": "activated"}', "--json", sandbox="s1")
    assert (code, json.loads(out)["members"]) == (0, {"status": "activated"})
    assert '{"status": "issued"}' in ask(served, *card, "--patch", '{"status": "issued"}', sandbox="s1")[1]
    assert ask(served, *card, "--put", "null", sandbox="s1")[1].split()[-2:] == ["request", "-"]
    assert ask(served, "state", sandbox="s1")[1].count("\n") == 2
    assert ask(served, *card, "--delete", sandbox="s1")[1].split()[-3] == "default"
    assert "TEST-ACTIVATED" in ask(served, "state", "cards", sandbox="s1")[1]


def test_a_snapshot_is_saved_and_loaded(served: Serving, tmp_path: Path) -> None:
    """What `state --json` writes, `state --load` takes, from a file or from standard input."""
    assert served.post(ONCE, path=f"/sandbox/s2{PATH}")[0] == 200
    code, snapshot, _ = ask(served, "state", "--json", sandbox="s2")
    (tmp_path / "state.json").write_text(snapshot, encoding="utf-8")
    assert ask(served, "state", "--load", str(tmp_path / "state.json"), sandbox="s3")[:2] == (0, "loaded 2 records\n")
    assert served.post(ONCE, path=f"/sandbox/s3{PATH}")[1]["Mock-Scenario"] == "card-already-activated"
    other = json.dumps({**json.loads(snapshot), "contract": "other"})
    code, out, _ = ask(served, "state", "--load", "-", sandbox="s3", stdin=other)
    assert (code, "another contract" in out) == (0, True)
    loaded = json.loads(ask(served, "state", "--load", "-", "--json", sandbox="s3", stdin=snapshot)[1])
    assert loaded == {"status": "loaded", "records": 2}


def test_reset_resets_one_sandbox_or_all(served: Serving) -> None:
    """It names what it reset."""
    assert served.post(ONCE, path=f"/sandbox/s4{PATH}")[0] == 200
    assert ask(served, "reset", sandbox="s4")[:2] == (0, "reset s4\n")
    assert served.post(ONCE, path=f"/sandbox/s4{PATH}")[0] == 200
    assert ask(served, "reset")[:2] == (0, "reset the default sandbox\n")
    code, out, _ = ask(served, "reset", "--json", sandbox="s4")
    assert (code, json.loads(out)) == (0, {"status": "reset", "sandbox": "s4"})


def test_reset_says_that_there_was_no_sandbox(served: Serving) -> None:
    """A misspelt name is not taken for one that was reset."""
    assert ask(served, "reset", sandbox="typo")[:2] == (0, "reset typo: There was no such sandbox; it was made.\n")
    note = json.loads(ask(served, "reset", "--json", sandbox="typo-2")[1])["note"]
    assert note == "There was no such sandbox; it was made."


def test_reset_all_counts_the_sandboxes() -> None:
    """`--all` counts them."""
    with serving() as serve:
        for name in ("a", "b"):
            serve.post(ONCE, path=f"/sandbox/{name}{PATH}")
        assert run("reset", "--all", "--url", serve.url).stdout == "reset 2 sandboxes\n"


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (("state", "card"), 1, "There is no such collection: There is no card. Did you mean cards"),
        (("state", "cards", "X", "--put", '{"status": "lost"}'), 1, "do not fit its collection"),
        (("state", "cards", "X", "--put", "{"), 2, "not JSON, reading stopped at line 1, column 2"),
        (("state", "cards", "X", "--put", "[" * 100_000), 2, "nested deeper than 100 levels"),
        (("arm", "rfc-invalid", "--when", '{"a":' * 20_000), 2, "nested deeper than 100 levels"),
        (("state", "cards", "--put", "{}"), 2, "needs COLLECTION and KEY"),
        (("state", "cards", "X", "--put", "{}", "--delete"), 2, "cannot be combined"),
        (("state", "cards", "--load", "-"), 2, "takes no COLLECTION"),
        (("state", "--load", "-"), 2, "-: expected a JSON object, got nothing"),
        (("state", "--load", "nowhere.json"), 2, "No such file"),
        (("reset", "--admin-token", "wrong"), 1, "The token that was sent is not the server's"),
        (("reset", "--sandbox", "a b"), 1, "no usable sandbox"),
        (("reset", "--url", "ftp://x"), 2, "begins with http"),
        (("reset", "--url", "http://a:99999"), 2, "at most a port up to 65535, got http://a:99999"),
        (("health", "http://[::1"), 2, "at most a port up to 65535, got http://[::1"),
        (("reset", "--url", "http://me:secret@x"), 2, "no user name and no password, got http://xx:xxxxxx@x"),
        (("mcp", "--sandbox", "a", "--url", "http://me:secret@x"), 2, "no password, got http://xx:xxxxxx@x"),
        (("requests", "--follow", "--url", "http://me:secret@x"), 1, "no password, got http://xx:xxxxxx@x"),
        (("diff", "http://me:secret@x", "http://me:secret@x"), 2, "no password, got http://xx:xxxxxx@x"),
    ],
)
def test_an_error_is_one_line(served: Serving, arguments: tuple[str, ...], code: int, hint: str) -> None:
    """A problem with status 1; a usage error with status 2."""
    ended, out, err = ask(served, *arguments)
    assert (ended, out) == (code, "")
    assert hint in " ".join(err.split())
    assert code == 2 or len(err.splitlines()) == 1
    assert TOKEN not in err


def test_an_unreachable_server_is_one_line() -> None:
    """The address and what to check."""
    url = f"http://127.0.0.1:{free_port()}"
    ended = run("reset", "--url", url)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert url in ended.stderr
    assert "is the server up" in ended.stderr


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\n\xff<p", "the server answered 502"),
        (b"SSH-2.0-other\r\n", "is --url right"),
    ],
)
def test_a_server_that_is_no_mock_is_one_line(sent: bytes, said: str) -> None:
    """Or that speaks no HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            with other.accept()[0] as connection:
                connection.recv(65_536)
                connection.sendall(sent)

        thread = threading.Thread(target=answer)
        thread.start()
        ended = run("reset", "--url", f"http://127.0.0.1:{other.getsockname()[1]}")
        thread.join()
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert said in ended.stderr


def test_a_problem_is_printed_as_title_and_detail() -> None:
    """Without both, the status."""
    assert Response(400, {"title": "No", "detail": "Because."}).problem_text == "No: Because."
    assert Response(500, "text").problem_text == "the server answered 500"
