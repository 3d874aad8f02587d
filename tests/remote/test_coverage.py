"""The command `coverage`: its forms, its file, and a bar to reach; and the same forms by the admin API."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen
from xml.etree import ElementTree as ET

import pytest

from mockserver.cli.main import main
from tests.support import BATCH, LASTING, ONCE, PATH, Serving, folder, run, serving
from tests.support.coverage_reports import NASTY, Page


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving() as one:
        yield one


class Command:
    """The command, run in this process: exit status, standard output, standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, server: Serving, sandbox: str, *more: str) -> tuple[object, str, str]:
        """Run it about a sandbox."""
        with pytest.raises(SystemExit) as ended:
            main(["coverage", "--url", server.url, "--sandbox", sandbox, "--admin-token", "", *more])
        return ended.value.code, *self._capsys.readouterr()


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def used(server: Serving, sandbox: str) -> None:
    """A sandbox with two outcomes met."""
    for body in (LASTING, {**ONCE, "card_identifier": ""}):
        server.post(body, f"/sandbox/{sandbox}/debit/v1/activateCardForCustomer")


def test_coverage_prints_every_form(server: Serving, command: Command) -> None:
    """Text by default; JSON is that of the admin API."""
    used(server, "forms")
    status, out, err = command(server, "forms")
    assert (status, err) == (0, "")
    assert out.startswith("sandbox forms: 2 of 18 documented outcomes met (11.1 %), 0 of 4 assumed\n2 requests, 0 of")
    assert json.loads(command(server, "forms", "--format", "json")[1])["documented"]["met"] == 2
    assert Page(command(server, "forms", "--format", "html")[1]).open == []
    suites = ET.fromstring(command(server, "forms", "--format", "junit")[1].encode())
    assert [(s.get("tests"), s.get("failures"), s.get("skipped")) for s in suites] == [
        ("18", "16", "0"),
        ("4", "0", "4"),
    ]
    failure = suites.find(".//testcase[@name='rfc-invalid']/failure")
    assert failure is not None
    assert "body.customer_id TEST-RFC-INVALID\ncurl -i http" in (failure.text or "")


def test_coverage_writes_a_file(server: Serving, command: Command, tmp_path: Path) -> None:
    """A summary line is printed; a file that cannot be written is one line."""
    used(server, "file")
    file = tmp_path / "coverage.html"
    assert command(server, "file", "--format", "html", "--output", str(file)) == (
        0,
        "2 of 18 documented outcomes met (11.1 %), 0 of 4 assumed\n",
        "",
    )
    assert "2 of 18" in Page(file.read_text(encoding="utf-8")).text
    status, _, err = command(server, "file", "--output", str(tmp_path / "no" / "file"))
    assert status == 1
    assert err == f"mockserver: cannot write {tmp_path / 'no' / 'file'}: No such file or directory\n"


@pytest.mark.parametrize(("bar", "status"), [("0", 0), ("11.1", 0), ("11.2", 1), ("100", 1), ("nan", 2), ("101", 2)])
def test_coverage_fails_under_a_bar(server: Serving, command: Command, bar: str, status: int) -> None:
    """Of the documented outcomes; the report is printed in any case."""
    name = f"bar-{bar.replace('.', '-')}"
    used(server, name)
    came, out, err = command(server, name, "--fail-under", bar)
    assert came == status
    if bar in ("11.2", "100"):
        assert "2 of 18 documented" in out
        assert err == f"mockserver: 2 of 18 documented outcomes met (11.1 %), 0 of 4 assumed; --fail-under {bar}\n"


@pytest.mark.parametrize(
    ("names", "not_met"),
    [
        ("4433", ""),
        ("4433, card-already-activated", ""),
        ("4400,4433,5001,7000", "4400, 5001, 7000"),
        ("code=4433", ""),
        ("code=4433, code=4400", "code=4400"),
        ("card-batch-mismatch,4433", "card-batch-mismatch"),
    ],
)
def test_coverage_requires_outcomes(server: Serving, command: Command, names: str, not_met: str) -> None:
    """By code, of which one outcome is enough, or by id; those that were not met are listed."""
    server.post({**LASTING, "card_identifier": "TEST-ACTIVATED"}, f"/sandbox/require{PATH}")
    status, out, err = command(server, "require", "--require", names)
    assert out.startswith("sandbox require: ")
    assert (status, err) == ((1, f"mockserver: not met: {not_met} (--require)\n") if not_met else (0, ""))


def test_a_required_name_that_no_outcome_has_is_2(server: Serving, command: Command) -> None:
    """With the near ones."""
    for names, said in (
        ("4433,7001", "'7001'. Did you mean 7000"),
        ("code=7001", "'code=7001'. Did you mean code=7000"),
    ):
        status, _, err = command(server, "", "--require", names)
        assert (status, f"no outcome has the code or id {said}" in err) == (2, True)


def test_coverage_without_a_request_says_where_there_are_some(server: Serving, command: Command) -> None:
    """A misspelt name or prefix is no error, as a sandbox is made on first use."""
    server.post(LASTING, f"/sandbox/run-1{PATH}")
    others = "; other sandboxes have some (--all)\n"
    assert command(server, "typo")[2] == f"mockserver: no requests in sandbox typo{others}"
    assert (
        command(server, "", "--sandbox-prefix", "typo-")[2] == f"mockserver: no requests in sandboxes typo-...{others}"
    )
    assert command(server, "run-1")[2] == ""


def test_coverage_of_no_mock_server_is_one_line(server: Serving) -> None:
    """No server, or an unknown path: no traceback."""
    for url, said in ((f"{server.url}/nowhere", "Path"), ("http://127.0.0.1:1", "is the server up")):
        done = run("coverage", "--url", url)
        assert (done.returncode, done.stdout) == (1, "")
        assert len(done.stderr.splitlines()) == 1
        assert said.lower() in done.stderr.lower()


@pytest.mark.parametrize(
    ("form", "media", "begins"),
    [
        ("text", "text/plain; charset=utf-8", "sandbox qa: 0 of 18"),
        ("junit", "application/xml", "<?xml"),
        ("html", "text/html; charset=utf-8", "<!doctype html>"),
        ("json", "application/json", "{"),
    ],
)
def test_the_route_gives_every_form(server: Serving, form: str, media: str, begins: str) -> None:
    """With its media type, uncached."""
    with urlopen(f"{server.url}/sandbox/qa/__admin/coverage?format={form}") as response:
        assert response.headers["Content-Type"] == media
        assert response.headers["Cache-Control"] == "no-store"
        assert response.read().decode().startswith(begins)


@pytest.mark.parametrize(("accepted", "spoken"), [("es-MX,en;q=0.5", "es"), ("fr", "en")])
def test_the_page_has_the_language_of_the_reader(server: Serving, accepted: str, spoken: str) -> None:
    """As the bug report has; a cache knows what it depends on."""
    request = Request(f"{server.url}/__admin/coverage?format=html", headers={"Accept-Language": accepted})
    with urlopen(request) as response:
        assert (response.headers["Content-Language"], response.headers["Vary"]) == (spoken, "Accept-Language")
        assert f'<html lang="{spoken}">' in response.read().decode()


def test_the_page_of_the_command_has_the_language_that_was_chosen(
    server: Serving, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the option, or else by the variable; English by default."""
    assert '<html lang="en">' in command(server, "", "--format", "html")[1]
    monkeypatch.setenv("MOCKSERVER_LANGUAGE", "es")
    assert '<html lang="es">' in command(server, "", "--format", "html")[1]
    assert '<html lang="en">' in command(server, "", "--format", "html", "--language", "en")[1]


def test_coverage_of_all_sandboxes_includes_dropped_ones(server: Serving, command: Command) -> None:
    """The total counts what was met in any of them."""
    server.post({**LASTING, "card_identifier": "TEST-UNKNOWN"}, "/sandbox/gone/debit/v1/activateCardForCustomer")
    server.post({}, "/sandbox/gone/__admin/reset")
    report = json.loads(command(server, "", "--all", "--format", "json")[1])
    assert report["sandbox"] is None
    assert next(r for r in report["scenarios"] if r["scenario"] == "card-batch-mismatch")["met"] >= 1


def test_the_headings_of_an_overlay_are_escaped(tmp_path: Path, command: Command) -> None:
    """Whoever writes an overlay does not write the page."""
    overlay = folder(
        tmp_path / "over",
        {
            "over.yaml": f"""\
format: 1
operation: activateCardForCustomer
scenarios:
- scenario: email-taken
  documented: {json.dumps(NASTY)}
  note: {json.dumps(NASTY)}
  when: {{email: present}}
  respond: {{error: {{code: 4400, hints: [{json.dumps(NASTY)}]}}}}
  examples:
  - request:
      customer: {{first_name: A, last_name: B, email: TEST-TAKEN@example.com}}
      card_identifier: CARD-1
      reference_batch: {BATCH}
"""
        },
    )
    with serving("--overlay", str(overlay)) as server:
        page = Page(command(server, "", "--format", "html")[1])
        assert "script" not in page.tags
        assert page.text.count(NASTY) == 2
        suites = ET.fromstring(command(server, "", "--format", "junit")[1].encode())
        failure = suites.find(".//testcase[@name='email-taken']/failure")
        assert failure is not None
        assert failure.get("message") == f"not met: {NASTY}"
