"""README and pages, executed: every command is run, every file is checked, every generated part is up to date.

Each page has a folder of its own and a server that was reset. Blocks of `console` hold commands behind `$` and what
they print (`...` stands for anything in a line), run in order; a block with `title="NAME"` is a file of that name;
other `python` is run. Items of numbered lists are done in a browser (`tutorial_steps.py`). Nothing of `sh` is run
here; `test_page_scripts.py` runs scripts for pipelines.
"""

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from tests.support import PATIENCE, Serving, generated, serving
from tests.support.browser import Tabs, browsing, opening
from tests.support.tools import skip_without
from tests.support.tutorial_steps import Step, perform, steps

ROOT = generated.ROOT
SHOWN = "http://127.0.0.1:8080"
"""The address of the server in a text."""

KINDS = frozenset(["console", "json", "js", "python", "sh", "text", "ts", "yaml"])
"""The kinds of block that are executed or checked somewhere; `ts` by test_typescript.py, `text` is not run."""


@dataclass(frozen=True)
class Block:
    """A block of a page: its kind, its text, and the name of the file that it is, or `""`."""

    kind: str
    file: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command, and what it prints."""

    line: str
    output: str


@dataclass(frozen=True)
class Page:
    """A page's text and its blocks."""

    name: str
    text: str
    blocks: tuple[Block, ...]

    def of_kind(self, kind: str) -> list[str]:
        """The texts of the blocks of a kind."""
        return [block.text for block in self.blocks if block.kind == kind]

    def scripts(self) -> list[str]:
        """The Python that is no file."""
        return [block.text for block in self.blocks if block.kind == "python" and not block.file]

    def parts(self) -> Iterator[Command | Step]:
        """What its reader does, in order: commands, and steps in the browser."""
        for found in re.finditer(
            r"^```console\n(.*?)^```$|^\d+\. ([^\n]+)$", self.text, flags=re.DOTALL | re.MULTILINE
        ):
            if found[2]:
                yield from steps(found[2])
            for part in re.split(r"^\$ ", found[1] or "", flags=re.MULTILINE)[1:]:
                yield Command(*part.partition("\n")[::2])


def read(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(\w*)(?: title=\"([\w./-]+)\")?\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return Page(path.relative_to(ROOT).as_posix(), text, tuple(Block(*block) for block in blocks))


PAGES = {page.name: page for page in map(read, generated.pages())}
README = PAGES["README.md"]
each_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)


def run(command: str, folder: Path, url: str = "") -> str:
    """What a command prints; those of `mockserver` ask the server at `url`, as they ask port 8080 elsewhere."""
    scripts = sysconfig.get_path("scripts")
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={
            # nor what pytest shows in CI alone
            **{name: value for name, value in os.environ.items() if name != "CI"},
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            # A reader has other plugins than this project's own tests, or none.
            "PYTEST_ADDOPTS": "-p no:asyncio -p no:aiohttp -p no:cacheprovider",
            **({"MOCKSERVER_URL": url} if url else {}),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving() as started:
        yield started


@pytest.mark.parametrize(
    "page", [page for page in PAGES.values() if page.of_kind("console") or page.scripts()], ids=lambda page: page.name
)
def test_each_command_prints_what_the_page_shows(page: Page, server: Serving, tmp_path: Path) -> None:
    """In order, as a reader types them; then its Python is run."""
    skip_without("bash", "curl", *(["node"] if "node --test" in page.text else []))
    assert server.ask("POST", "/__admin/reset?all=true")[0] == 200
    for block in page.blocks:
        if block.file:
            (tmp_path / block.file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.file).write_text(block.text.replace(SHOWN, server.url), encoding="utf-8")
    wrong = []
    with ExitStack() as browser:
        tab = None
        for part in page.parts():
            if isinstance(part, Step):
                tab = tab or browser.enter_context(opening(Tabs(browser.enter_context(browsing()))))("about:blank")
                perform(tab, replace(part, text=part.text.replace(SHOWN, server.url)))
                continue
            pattern = ".*".join(map(re.escape, part.output.strip().split("...")))
            came = run(part.line.replace(SHOWN, server.url), tmp_path, server.url).strip().replace(server.url, SHOWN)
            if not re.fullmatch(pattern, came):
                wrong.append(f"$ {part.line}\n{came}\ninstead of\n{part.output}")
    assert not wrong, "\n".join(wrong)
    for text in page.scripts():
        script = [sys.executable, "-W", "error", "-c", text.replace(SHOWN, server.url)]
        subprocess.run(script, cwd=tmp_path, check=True, timeout=PATIENCE)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """The serve command differs in its last step alone."""
    serve, test, *_ = (text.strip() for text in README.of_kind("sh"))
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
    docker = [line for text in README.of_kind("sh") for line in text.splitlines() if line.startswith("docker ")]
    assert docker[0] == "docker build -t activation-mockserver ."
    assert (ROOT / "Dockerfile").exists()
    assert "docker-smoke.sh" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_is_of_one_screen() -> None:
    """More than that nobody reads; the pages have the rest."""
    assert len(README.text.splitlines()) <= 150


def test_the_copy_button_takes_commands_alone() -> None:
    """Not the prompt, nor what they print; the site copies the text that a block then shows."""
    style = (generated.FOLDER / "stylesheets" / "site.css").read_text(encoding="utf-8")
    code = '<code data-md-copying><span class="gp">$ </span>ls<br><span class="go">a file</span></code>'
    with browsing() as browser:
        page = browser.new_page()
        page.set_content(f"<style>{style}</style><pre>{code}</pre>")
        assert page.locator("code").inner_text().split() == ["ls"]


@each_page
def test_every_kind_of_block_is_executed(page: Page) -> None:
    """Or it is YAML or JSON that can be read; a block without a kind is an error."""
    assert {block.kind for block in page.blocks} <= KINDS
    for text in page.of_kind("yaml"):
        list(yaml.safe_load_all(text))


@each_page
def test_the_generated_parts_are_up_to_date(page: Page) -> None:
    """python -m tests.support.generated would change nothing."""
    assert generated.generated(page.text) == page.text
