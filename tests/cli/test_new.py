"""`mockserver new`: a contract of one's own that holds and serves from the first minute."""

import json
import shlex
import subprocess
from pathlib import Path

from mockserver import load
from mockserver.engine.linter import check
from mockserver.engine.listing import scenario_rows
from tests.support import MOCKSERVER, environment, run, serving


def test_a_new_contract_passes_check_and_serves(tmp_path: Path) -> None:
    """The output says what to do next."""
    made = run("new", "shop", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert "  mockserver check shop " in made.stdout
    assert run("check", "shop", cwd=tmp_path).stdout.startswith("ok: contract ")
    with serving("--contract", "shop", cwd=tmp_path) as server:
        status, headers, body = server.post({"name": "Ana", "code": "1234"}, "/parcels/TEST-WAITING/collection")
        assert server.stop() == 0
    assert (status, headers["Mock-Scenario"], headers["Content-Type"]) == (200, "collected", "application/json")
    assert json.loads(body)["receipt"]["name"] == "Ana"
    assert any(line.strip().startswith("curl ") for line in server.out.seen)


def test_a_new_contract_has_an_outcome_of_each_kind(tmp_path: Path) -> None:
    """By values, by state, malformed and default; secrets and editor lines too."""
    assert run("new", str(tmp_path / "shop")).returncode == 0
    contract = load(tmp_path / "shop")
    assert check(contract) == ()
    assert [(row["id"], row["source"], row["status"]) for row in scenario_rows(contract)] == [
        ("bad-request", "assumed", 400),
        ("already-collected", "documented", 409),
        ("collected", "documented", 200),
        ("parcel-unknown", "documented", 404),
    ]
    assert contract.operations[0].secret_places == (("body", "code"),)
    for file in (tmp_path / "shop" / "scenarios").iterdir():
        first = file.read_text(encoding="utf-8").splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert (file.parent / first.partition("=")[2]).is_file()


def test_new_refuses_a_folder_with_files(tmp_path: Path) -> None:
    """Dot-files do not count."""
    (tmp_path / ".git").mkdir()
    assert run("new", str(tmp_path)).returncode == 0
    before = sorted(tmp_path.rglob("*"))
    again = run("new", str(tmp_path))
    assert (again.returncode, again.stdout) == (1, "")
    assert (
        again.stderr == f"mockserver: {tmp_path} is not empty: it has scenarios; name a folder that is new or empty\n"
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_a_closed_pipe_is_not_blamed_on_the_folder(tmp_path: Path) -> None:
    """`mockserver new DIR | true` writes all files and says nothing."""
    line = f"{shlex.quote(str(MOCKSERVER))} new {shlex.quote(str(tmp_path))} | true"
    ended = subprocess.run(["sh", "-c", line], env=environment(), capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert run("check", str(tmp_path)).returncode == 0


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    """No traceback."""
    (tmp_path / "file").write_text("")
    failed = run("new", str(tmp_path / "file" / "shop"))
    assert failed.returncode == 1
    assert failed.stderr.startswith("mockserver: cannot write ")
    assert failed.stderr.count("\n") == 1
