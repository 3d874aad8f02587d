"""The option `--store`: how it fails, and that it shows no password."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from types import ModuleType

import pytest

from tests.support import run, serving
from tests.support.stores import free_port, needs_redis, redis_server


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
