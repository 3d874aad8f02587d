"""The option `--store`: how it fails, and that it shows no password."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from tests.support import folder, free_port, run, serving, wait_until
from tests.support.contract_versions import version
from tests.support.stores import needs_redis, redis_server


@pytest.mark.parametrize(
    ("url", "status", "error"),
    [
        ("redis://:secret@127.0.0.1:{port}/0", 1, "mockserver: the store at redis://127.0.0.1:{port}/0 (mockserver) "),
        ("http://:secret@127.0.0.1", 2, "Invalid value for '--store': expected an address that begins with redis://"),
    ],
)
def test_a_store_that_cannot_be_used_ends_the_command(url: str, status: int, error: str) -> None:
    """In one line, without the password."""
    port = free_port()
    for options, env in ((["--store", url.format(port=port)], {}), ([], {"MOCKSERVER_STORE": url.format(port=port)})):
        ended = run("serve", *options, env=env)
        assert ended.returncode == status
        assert error.format(port=port) in ended.stderr.splitlines()[-1]
        assert "secret" not in ended.stdout + ended.stderr


def test_an_empty_variable_is_no_store() -> None:
    """It is a secret that somebody forgot."""
    ended = run("serve", env={"MOCKSERVER_STORE": ""})
    assert (ended.returncode, "MOCKSERVER_STORE is empty" in ended.stderr) == (2, True)


@pytest.mark.parametrize("package", [None, ModuleType("redis")])
def test_a_store_needs_the_extra(package: ModuleType | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line says how to install it, if it is missing and if it is too old."""
    for name in [name for name in sys.modules if name.startswith(("redis", "mockserver.redis_storage"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "redis", package)
    ended = run("serve", "--store", "redis://127.0.0.1")
    assert ended.returncode == 1
    assert ended.stderr == (
        "mockserver: --store needs the package redis 8.1 or later: install the mock with its extra [redis]\n"
    )


@pytest.mark.parametrize("options", [[], ["--log-format", "json"]])
def test_the_start_says_where_the_state_is(options: Sequence[str]) -> None:
    """Without the password."""
    needs_redis()
    url = redis_server().url("start")
    with serving("--store", url.replace("//", "//:secret@"), *options) as serve:
        pass
    lines = serve.out.rest()
    assert "secret" not in "".join(lines)
    shown = f"redis://127.0.0.1:{redis_server().port}/0 (start)"
    assert json.loads(lines[0])["store"] == shown if options else f"State is shared in {shown}" in lines


def test_adopting_needs_a_store() -> None:
    """A usage error."""
    ended = run("serve", "--store-adopt")
    assert (ended.returncode, "--store-adopt goes with --store" in ended.stderr) == (2, True)


def test_a_server_of_another_contract_adopts_the_state(tmp_path: Path) -> None:
    """Workers of the old one answer 503 from one request to the next; nothing that they had answered is lost."""
    needs_redis()
    url = redis_server().url()
    old_files, new_files = (str(folder(tmp_path / one, version(one))) for one in ("a", "b"))
    with serving("--store", url, "--contract", old_files, "--workers", "2") as old:
        old_hash = json.loads(run("export", "bundle", "--contract", old_files).stdout)["hash"]
        answers: list[tuple[int, str, str]] = []
        ended = threading.Event()

        def ask(client: int) -> None:
            number = 0
            while not ended.is_set():
                number += 1
                thing = f"T{client}-{number}"
                status, headers, _ = old.post({"thing": thing}, "/order")
                answers.append((status, headers.get("Mock-Contract", ""), thing))

        clients = [threading.Thread(target=ask, args=(client,)) for client in range(4)]
        for client in clients:
            client.start()
        try:
            wait_until(lambda: (200, old_hash, "T0-1") in answers)
            with serving("--store", url, "--contract", new_files, "--store-adopt") as new:
                assert "carried the state of the store over to contract " in new.err.wait("carried")
                ended.set()
                for client in clients:
                    client.join()
                kept = new.ask("GET", "/__admin/state")[1]["records"]["things"]
                after = [old.post({"thing": f"after-{number}"}, "/order")[0] for number in range(4)]
                health, _ = old.ask("GET", "/__admin/health")
                assert new.post({"thing": "T0-1"}, "/order")[1]["Mock-Scenario"] == "again"
        finally:
            ended.set()
    good = [(contract, thing) for status, contract, thing in answers if status == 200]
    assert {contract for contract, _ in good} == {old_hash}
    assert {thing for _, thing in good} <= kept.keys()
    assert {status for status, _, _ in answers} <= {200, 503}
    assert after == [503] * 4
    assert health == 503
