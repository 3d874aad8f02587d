"""The README, executed: every command is run, every file is checked, every table is up to date.

Blocks of `console` hold commands behind `$` and what they print (`...` stands for anything); files (yaml,
json) name themselves in their first line; `python` is run. The commands share one folder and one server.
"""

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import readme_tables, serving
from tests.support.tools import skip_without

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)


def of_kind(*kinds: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind in kinds]


@dataclass(frozen=True)
class Folder:
    """Where the README's commands are run, and the port of the server that they talk to."""

    path: Path
    url: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    path = tmp_path_factory.mktemp("readme")
    for text in [*of_kind("yaml", "json"), *(text for text in of_kind("python") if text.startswith("# test_"))]:
        name, _, content = text.partition("\n")
        file = path / name.removeprefix("# ")
        file.parent.mkdir(exist_ok=True)
        file.write_text(content if file.suffix == ".json" else text, encoding="utf-8")
    with serving() as server:
        yield Folder(path, server.url)


def commands() -> Iterator[tuple[str, str]]:
    """Each command with what it prints."""
    for text in of_kind("console"):
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def run(command: str, folder: Folder) -> str:
    scripts = sysconfig.get_path("scripts")
    done = subprocess.run(
        ["bash", "-c", command.replace("http://127.0.0.1:8080", folder.url)],
        cwd=folder.path,
        env={
            # nor what pytest shows in CI alone
            **{name: value for name, value in os.environ.items() if name != "CI"},
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            # A reader has other plugins than this project's own tests, or none.
            "PYTEST_ADDOPTS": "-p no:asyncio -p no:aiohttp -p no:cacheprovider",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def test_each_command_prints_what_the_readme_shows(folder: Folder) -> None:
    """In order, as a reader types them."""
    skip_without("bash", "curl")
    wrong = []
    for command, output in commands():
        pattern = ".*".join(map(re.escape, output.strip().split("...")))
        came = run(command, folder).strip()
        if not re.fullmatch(pattern, came):
            wrong.append(f"$ {command}\n{came}\ninstead of\n{output}")
    assert wrong == []


def test_the_contracts_of_the_readme_pass_check(folder: Folder) -> None:
    """Overlay and contract, with their examples."""
    skip_without("bash")
    assert "ok: contract" in run("mockserver check --overlay team", folder)
    assert "collections cards" not in run("mockserver check --overlay team", folder)
    assert "ok: contract" in run("mockserver check pets", folder)


def test_the_python_of_the_readme_runs(folder: Folder) -> None:
    """A block that is a test suite is run by a command."""
    for text in of_kind("python"):
        if text.startswith("# test_"):
            continue
        subprocess.run([sys.executable, "-W", "error", "-c", text], cwd=folder.path, check=True, timeout=60)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """The serve command differs in its last step alone."""
    serve, test, *_ = (text.strip() for text in of_kind("sh"))
    assert serve == "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/mockserver"
    assert test == "python3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/python -m pytest -n auto"
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    found = re.search(r"TESTS=\$\((.*)\)", ci)
    assert found is not None
    skip_without("bash", "grep")
    printed = subprocess.run(["bash", "-c", found[1]], cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == test


def test_the_docker_commands_are_sound() -> None:
    """The commands for the image are those of a Dockerfile that is there; .ci/run builds and runs it."""
    docker = [line for text in of_kind("sh") for line in text.splitlines() if line.startswith("docker ")]
    assert docker[0] == "docker build -t activation-mockserver ."
    assert (ROOT / "Dockerfile").exists()
    assert "docker-smoke.sh" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_kind_of_block_is_executed() -> None:
    """None is skipped."""
    assert {kind for kind, _ in BLOCKS} == {
        "sh",
        "console",
        "yaml",
        "json",
        "python",
        "ts",
    }  # ts: test_export_typescript.py


def test_the_tables_are_up_to_date() -> None:
    """python -m tests.support.readme_tables would change nothing."""
    assert readme_tables.written(TEXT) == TEXT
