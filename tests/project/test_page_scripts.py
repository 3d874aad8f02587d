"""Scripts that pages give for pipelines and shared servers, run from the text of their page."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.project.test_pages import PAGES, run
from tests.support import MOCKSERVER, PATIENCE, environment, serving, spawned
from tests.support.tools import skip_without

DOCKER = """#!/bin/sh
# Stands for docker: a container is a mock on a free port; its name is a file with its process and its URL.
command=$1; shift
case $command in
run)
  [ "$1 $2 $3 $5 $6 $7" = "--detach --rm --name -p 127.0.0.1::8080 activation-mockserver" ] || exit 125
  [ ! -e "containers/$4" ] || { echo "Conflict. The container name \\"/$4\\" is already in use" >&2; exit 125; }
  mockserver --port 0 --log-format json > "log-$4" 2>&1 &
  until grep -q started "log-$4"; do sleep 0.05; done
  echo "$!" "$(sed -n 's/.*"url":"\\([^"]*\\)".*/\\1/p' "log-$4")" > "containers/$4"
  ;;
port) cut -d / -f 3 "containers/$1" ;;
exec)
  MOCKSERVER_URL=$(cut -d ' ' -f 2 "containers/$1"); export MOCKSERVER_URL
  shift
  exec "$@"
  ;;
stop)
  kill "$(cut -d ' ' -f 1 "containers/$1")"
  rm "containers/$1"
  ;;
esac
"""


def script(page: str, name: str) -> str:
    """The file of this name on a page."""
    (text,) = [block.text for block in PAGES[f"docs/pages/{page}.md"].blocks if block.file == name]
    return text


def test_each_script_of_a_page_is_run() -> None:
    """By a command of its page, by another script of it, or by a test in this file."""
    tested = Path(__file__).read_text(encoding="utf-8")
    for page in PAGES.values():
        for block in page.blocks:
            others = [other.text for other in page.blocks if other is not block]
            assert block.kind != "sh" or block.file in "\n".join([*others, tested]), block.file


def executable(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def write_script_by_hand(folder: Path) -> None:
    (folder / "by-hand.sh").write_text(script("tutorials/in-your-pipeline", "by-hand.sh"), encoding="utf-8")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_script_starts_and_stops_a_mock_on_a_free_port(shell: str, tmp_path: Path) -> None:
    """The mock is up for the tests, the exit status is theirs, and then the mock is gone."""
    skip_without(shell)
    write_script_by_hand(tmp_path)
    (tmp_path / "run-tests.sh").write_text('mockserver health && echo "$MOCKSERVER_URL" && exit 7\n', encoding="utf-8")
    printed = run(f"{shell} by-hand.sh; echo status $?", tmp_path).splitlines()
    assert printed[-1] == "status 7"
    assert run(f"mockserver health {printed[-2]} 2> /dev/null; echo status $?", tmp_path) == "status 1\n"


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_script_that_is_cancelled_stops_its_mock(shell: str, tmp_path: Path) -> None:
    """By SIGTERM, as a pipeline sends it to a job, while the tests run."""
    skip_without(shell)
    write_script_by_hand(tmp_path)
    (tmp_path / "run-tests.sh").write_text('echo "at $MOCKSERVER_URL"; exec sleep 600\n', encoding="utf-8")
    path = f"{MOCKSERVER.parent}{os.pathsep}{os.environ['PATH']}"
    with spawned(shell, "by-hand.sh", cwd=tmp_path, env={"PATH": path}) as job:
        url = job.out.wait("http://").removeprefix("at ")
        assert job.stop(signal.SIGTERM) == 128 + signal.SIGTERM
    assert run(f"mockserver health {url} 2> /dev/null; echo status $?", tmp_path) == "status 1\n"


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_a_script_takes_no_other_mock_for_its_own(shell: str, tmp_path: Path) -> None:
    """Another mock has the port: no test runs, also where the log of an earlier start is left over."""
    skip_without(shell)
    write_script_by_hand(tmp_path)
    (tmp_path / "run-tests.sh").write_text("touch ran\n", encoding="utf-8")
    (tmp_path / "mock.log").write_text('{"event":"started"}\n', encoding="utf-8")
    with serving() as server:
        printed = run(f"PORT={server.url.rpartition(':')[2]} {shell} by-hand.sh; echo status $?", tmp_path)
    assert "Address already in use" in printed
    assert printed.endswith("status 1\n")
    assert not (tmp_path / "ran").exists()


def run_docker_job(folder: Path, number: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The job of the page, with a `docker` that needs no containers."""
    path = os.pathsep.join([str(folder / "bin"), str(MOCKSERVER.parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", *options, "docker-job.sh"],
        cwd=folder,
        env=environment({"PATH": path, "RUN": number}),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def docker_job(tmp_path: Path) -> Path:
    """A folder with the script of the page, tests that fail with status 3, and a `docker`."""
    skip_without("bash", "curl")
    for name in ("bin", "containers"):
        (tmp_path / name).mkdir()
    executable(tmp_path / "bin" / "docker", DOCKER)
    executable(tmp_path / "client-tests.sh", '#!/bin/sh\ncurl -s "$PROVIDER_URL/nowhere" > answer.json\nexit 3\n')
    (tmp_path / "docker-job.sh").write_text(script("how-to/docker", "docker-job.sh"), encoding="utf-8")
    return tmp_path


def test_a_docker_job_whose_tests_fail_keeps_what_the_mock_saw(docker_job: Path) -> None:
    """With their status, also where the shell ends at the first error; then the mock is gone."""
    done = run_docker_job(docker_job, "42", "-e")
    assert done.returncode == 3, done.stderr
    for name in ("journal.har", "unexpected.txt", "coverage.html"):
        assert (docker_job / name).stat().st_size, name
    assert "/nowhere" in (docker_job / "unexpected.txt").read_text(encoding="utf-8")
    assert not list((docker_job / "containers").iterdir())


def test_a_docker_job_leaves_the_mock_of_another_one_alone(docker_job: Path) -> None:
    """The name is in use: no test runs, and the other mock is not stopped."""
    other = docker_job / "containers" / "mock-42"
    other.write_text("0 http://127.0.0.1:9\n")
    done = run_docker_job(docker_job, "42")
    assert done.returncode == 1
    assert "already in use" in done.stderr
    assert other.exists()
    assert not (docker_job / "answer.json").exists()


def test_many_seeds_end_with_the_one_that_fails(tmp_path: Path) -> None:
    """With a status that fails a job."""
    skip_without("bash", "seq")
    executable(tmp_path / "pytest", '#!/bin/sh\n[ "$3" != mockserver_vary=3 ]\n')
    (tmp_path / "seeds.sh").write_text(script("how-to/vary-what-is-open", "seeds.sh"), encoding="utf-8")
    done = subprocess.run(
        ["bash", "seeds.sh"],
        cwd=tmp_path,
        env=environment({"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "failed with seed 3\n")


@contextmanager
def shared(command: str, folder: Path) -> Iterator[str]:
    """A script of a page that serves others, on a free port: its address for its own machine."""
    path = f"{MOCKSERVER.parent}{os.pathsep}{os.environ['PATH']}"
    serve = command.replace("mockserver ", "exec mockserver ")
    with spawned("bash", "-c", serve, cwd=folder, env={"PATH": path, "MOCKSERVER_PORT": "0"}) as server:
        yield f"https://127.0.0.1:{server.out.wait('https://').split()[3].rpartition(':')[2]}"


def test_a_server_with_tls_and_a_token_answers_who_has_both(tmp_path: Path) -> None:
    """The commands of the page, with another port, and an address that each machine has."""
    skip_without("bash", "curl", "openssl")
    with shared(script("how-to/tls-and-tokens", "serve.sh"), tmp_path) as url:
        ask = script("how-to/tls-and-tokens", "ask.sh").replace("https://127.0.0.1:8080", url)
        first, second = ask.splitlines()
        token = "export MOCKSERVER_ADMIN_TOKEN=s3cret; "
        assert '{"requests":' in run(token + first, tmp_path)
        assert run(token + second, tmp_path) == "mockserver: no requests in the default sandbox\n"
        assert '"status":401' in run(first, tmp_path)
        assert '{"requests":' in run(f"{token}{first} -H 'Host: mock'", tmp_path)
        assert '"status":403' in run(f"{token}{first} -H 'Host: other'", tmp_path)


def test_a_shared_mock_has_a_name_and_wants_a_sandbox(tmp_path: Path) -> None:
    """The command of the page."""
    skip_without("bash", "curl", "openssl")
    run(script("how-to/tls-and-tokens", "serve.sh").splitlines()[0], tmp_path)
    (command,) = PAGES["docs/pages/how-to/share-one-mock.md"].of_kind("sh")
    with shared(command, tmp_path) as url:
        ask = f"curl -s --cacert cert.pem -H 'Host: mock.example.com' --oauth2-bearer s3cret {url}"
        assert run(f"{ask}/sandbox/ci-42-1/__admin/requests", tmp_path).startswith('{"requests":')
        assert "bad-sandbox" in run(f"{ask}/debit/v1/activateCardForCustomer -d '{{}}'", tmp_path)
