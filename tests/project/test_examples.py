"""The recipes, run as their readers would; what needs a container engine is checked for its form."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from mockserver import Mock
from tests.support import PATH, Serving, environment, serving
from tests.support.tools import skip, skip_without

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MINUTES = 10


def run_any(*command: str | Path, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60 * MINUTES,
        check=False,
    )


def run(*command: str | Path, cwd: Path = ROOT, **env: str) -> str:
    done = run_any(*command, cwd=cwd, **env)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def server() -> Iterator[Serving]:
    with serving() as started:
        yield started


def test_shell(server: Serving) -> None:
    """With curl; the table of what was covered at the end."""
    skip_without("bash", "curl")
    shown = run("bash", EXAMPLES / "shell" / "activation.sh", server.url)
    assert shown.count("ok      ") == 8
    assert re.search(r"card-already-activated\s", shown)


def test_python() -> None:
    """From the root of the repository with pytest, requests and our plugin alone, and a report of what was covered."""
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "mockserver.testing.pytest_plugin")
    shown = run(
        *(*command, "examples/python", "--mockserver-coverage"),
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
        PYTHONDONTWRITEBYTECODE="1",
        PYTEST_ADDOPTS="",
    )
    assert "5 passed" in shown
    assert "card-already-activated" in shown


def test_vary() -> None:
    """A hundred seeds for the careful client; the brittle one is caught."""
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "mockserver.testing.pytest_plugin")
    shown = run(
        *(*command, "examples/vary"),
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
        PYTHONDONTWRITEBYTECODE="1",
        PYTEST_ADDOPTS="",
    )
    assert "4 passed" in shown


def test_javascript(server: Serving, tmp_path: Path) -> None:
    """With jest and axios, in as many workers as there are; the requests of each test are there afterwards."""
    skip_without("node", "npm")
    folder = shutil.copytree(EXAMPLES / "javascript", tmp_path / "javascript", ignore=lambda *_: ["node_modules"])
    run("npm", "install", "--no-audit", "--no-fund", "--no-package-lock", cwd=folder)
    shown = run("npm", "test", cwd=folder, MOCK_URL=server.url)
    assert "5 passed" in shown
    assert "documented outcomes met: 3 of 18" in shown
    assert len(Mock(server.url, "jest-a-lost-answer-is-no-lost-card").requests()) == 2


def test_java(server: Serving) -> None:
    """With JUnit 5 and the HTTP client of the JDK."""
    skip_without("bash", "javac")
    if not Path("/usr/share/java/junit-jupiter-api.jar").exists():
        skip("needs the package junit5")
    shown = run("bash", EXAMPLES / "java" / "run.sh", MOCK_URL=server.url)
    assert "4 tests successful" in shown
    assert "card-already-activated" in shown


PARSER = """
import com.sun.source.util.JavacTask;
import javax.tools.*;

class Parser {
  public static void main(String[] files) throws Exception {
    var found = new DiagnosticCollector<JavaFileObject>();
    var compiler = ToolProvider.getSystemJavaCompiler();
    var manager = compiler.getStandardFileManager(found, null, null);
    ((JavacTask) compiler.getTask(null, manager, found, null, null, manager.getJavaFileObjects(files))).parse();
    found.getDiagnostics().forEach(System.out::println);
    System.exit(found.getDiagnostics().isEmpty() ? 0 : 1);
  }
}
"""


def test_the_java_container_recipe_parses(tmp_path: Path) -> None:
    """Its libraries are not installed."""
    skip_without("javac")
    (tmp_path / "Parser.java").write_text(PARSER)
    run("java", tmp_path / "Parser.java", EXAMPLES / "testcontainers" / "ActivationContainerTest.java")


def test_the_python_container_recipe_parses() -> None:
    """Its library is not installed."""
    file = EXAMPLES / "testcontainers" / "test_container.py"
    compile(file.read_text(), file, "exec")


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.github-workflows", ".github/workflows/ci.yaml"),
        ("vendor.github-workflows", ".github/workflows/docs.yaml"),
        ("vendor.github-workflows", ".github/workflows/release.yaml"),
        ("vendor.github-workflows", "examples/contract-diff.yaml"),
        ("vendor.github-workflows", "examples/verify-provider.yaml"),
        ("vendor.github-workflows", "examples/github-actions.yaml"),
        ("vendor.gitlab-ci", "examples/gitlab-ci.yml"),
        ("vendor.compose-spec", "examples/docker-compose.yaml"),
        ("vendor.compose-spec", "examples/docker-compose.cluster.yaml"),
    ],
)
def test_workflows_and_compose_files_fit_their_schemas(schema: str, file: str) -> None:
    """Those of their tools."""
    transform = ("--data-transform", "gitlab-ci") if schema == "vendor.gitlab-ci" else ()
    run(Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", schema, *transform, ROOT / file)


@pytest.mark.parametrize("name", ["docker-compose", "docker-compose.cluster"])
def test_compose_publishes_on_loopback(name: str) -> None:
    """Other machines do not reach the mock, which asks for no token there."""
    services = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())["services"].values()
    assert [port for service in services for port in service.get("ports", ())] == ["127.0.0.1:8080:8080"]


WORKFLOWS = [
    *(ROOT / ".github" / "workflows").glob("*.yaml"),
    *(EXAMPLES / f"{name}.yaml" for name in ("github-actions", "contract-diff", "verify-provider")),
]


def test_no_command_has_an_expression_of_the_workflow_in_it() -> None:
    """Its text would be run as code; a variable of the environment is only a value."""
    for file in WORKFLOWS:
        for job in yaml.safe_load(file.read_text())["jobs"].values():
            assert [step["run"] for step in job["steps"] if "${{" in step.get("run", "")] == []
    assert not re.search(r"run: .*\$\{\{", (ROOT / "docs" / "pages" / "how-to" / "ci.md").read_text())


@pytest.mark.parametrize("file", WORKFLOWS)
def test_actions_are_pinned_by_commit(file: Path) -> None:
    """A tag can be moved; the version stands behind in a comment."""
    used = re.findall(r"uses: (.+)$", file.read_text(), re.MULTILINE)
    assert used
    assert [name for name in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", name)] == []


def gitlab_lines() -> list[str]:
    job = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())["client-tests"]
    return [*job["before_script"], *job["after_script"]]


def github_lines() -> list[str]:
    steps = yaml.safe_load((EXAMPLES / "github-actions.yaml").read_text())["jobs"]["client-tests"]["steps"]
    return [step["run"] for step in steps if "curl" in step.get("run", "")]


@pytest.mark.parametrize("lines", [gitlab_lines, github_lines])
def test_a_failed_job_keeps_what_the_mock_saw(lines: Callable[[], list[str]], server: Serving, tmp_path: Path) -> None:
    """The lines of the example, run: an archive with the request, the unexpected ones, the coverage page."""
    skip_without("bash", "curl")
    server.post({}, f"/sandbox/{tmp_path.name}{PATH}")
    run("bash", "-e", "-c", "\n".join(lines()), cwd=tmp_path, MOCK_URL=server.url)
    kept = {path.name: path.read_text() for path in (tmp_path / "mock").iterdir()}
    assert set(kept) == {"journal.har", "unexpected.json", "coverage.html"}
    assert json.loads(kept["journal.har"])["log"]["entries"]
    assert tmp_path.name in kept["unexpected.json"]
    assert kept["coverage.html"].startswith("<!doctype html>")


@pytest.mark.parametrize("lines", [gitlab_lines, github_lines])
def test_a_mock_that_refuses_its_admin_api_fails_the_step(lines: Callable[[], list[str]], tmp_path: Path) -> None:
    """At the first file, with the status; a problem is no archive."""
    skip_without("bash", "curl")
    with serving("--admin-token", "s3cret") as server:
        command = ["bash", "-e", "-c", "\n".join(lines())]
        done = run_any(*command, cwd=tmp_path, MOCK_URL=server.url)
    assert done.returncode == 22
    assert "The requested URL returned error: 401" in done.stdout
    assert not (tmp_path / "mock" / "coverage.html").exists()


def test_a_job_finds_the_token_in_its_environment(tmp_path: Path) -> None:
    """By the variable that the mock reads as well."""
    skip_without("bash", "curl")
    with serving("--admin-token", "s3cret") as server:
        for name, lines in (("gitlab", gitlab_lines()), ("github", github_lines())):
            (tmp_path / name).mkdir()
            command = ["bash", "-e", "-c", "\n".join(lines)]
            run(*command, cwd=tmp_path / name, MOCK_URL=server.url, MOCKSERVER_ADMIN_TOKEN="s3cret")
            assert (tmp_path / name / "mock" / "coverage.html").read_text().startswith("<!doctype html>")


def test_a_job_without_an_image(tmp_path: Path) -> None:
    """The line of both examples, for a client whose tests fail: its status, and what the mock saw."""
    skip_without("curl")
    gitlab = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())["client-tests-without-image"]["script"]
    github = yaml.safe_load((EXAMPLES / "github-actions.yaml").read_text())["jobs"]["client-tests-without-image"][
        "steps"
    ]
    assert f"{gitlab[-1].removesuffix('./client-tests.sh')}npm test" in [step.get("run") for step in github]
    (tmp_path / "client-tests.sh").write_text(f'#!/bin/sh\ncurl --silent --data "{{}}" "$PROVIDER_URL{PATH}"\nexit 3\n')
    (tmp_path / "client-tests.sh").chmod(0o755)
    shutil.copy(EXAMPLES / "shell" / "run-tests.sh", tmp_path)
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    assert run_any("sh", "-c", gitlab[-1], cwd=tmp_path, PATH=scripts).returncode == 3
    kept = {path.name: path.read_text() for path in (tmp_path / "mock").iterdir()}
    assert set(kept) == {"journal.har", "unexpected.txt", "coverage.html", "coverage.xml"}
    assert "reference-batch-empty" in kept["unexpected.txt"]


def test_a_job_does_not_wait_for_a_mock_that_refuses_its_host(tmp_path: Path) -> None:
    """GitLab without MOCKSERVER_ALLOWED_HOST: the answer says what to add, at once."""
    skip_without("bash", "curl")
    with serving("--host", "0.0.0.0") as server:
        url = f"http://{socket.gethostname()}:{server.url.rpartition(':')[2]}"
        done = run_any("bash", "-e", "-c", gitlab_lines()[0], cwd=tmp_path, MOCK_URL=url)
    assert done.returncode == 22
    assert "--allowed-host" in done.stdout


def workflow_step(file: str, name: str) -> str:
    (job,) = yaml.safe_load((EXAMPLES / file).read_text())["jobs"].values()
    (step,) = [step for step in job["steps"] if step.get("name") == name]
    return str(step["run"])


@pytest.mark.parametrize("is_new", [False, True])
def test_a_pull_request_may_add_the_contract(tmp_path: Path, *, is_new: bool) -> None:
    """Then there is nothing to compare with, and no step that fails."""
    skip_without("bash", "git")
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", origin)
    run("git", "init", "--quiet", "--initial-branch", "main", origin)
    if not is_new:
        shutil.copytree(ROOT / "scenarios", origin / "contract")
        run(*git, "add", ".")
    run(*git, "commit", "--quiet", "--allow-empty", "--message", "begin")
    run("git", "clone", "--quiet", origin, clone)
    output = tmp_path / "output"
    output.touch()
    step = workflow_step("contract-diff.yaml", "The contract of the branch that the pull request goes to")
    run("bash", "-e", "-c", step, cwd=clone, BASE="main", GITHUB_OUTPUT=str(output))
    assert output.read_text() == ("" if is_new else "found=true\n")


def test_the_index_lists_every_recipe() -> None:
    """And nothing else."""
    index = (EXAMPLES / "README.md").read_text()
    there = {path.name + "/" * path.is_dir() for path in EXAMPLES.iterdir() if path.name != "README.md"}
    assert set(re.findall(r"^\| `([^`]+)`", index, re.MULTILINE)) == there
