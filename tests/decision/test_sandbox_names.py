"""Sandboxes whose names are derived from a header or a member, and hashed where that is a secret."""

import hashlib
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mockserver import Contract, Engine, Request, load
from mockserver.admin.routes import endpoints
from mockserver.engine.engine import run_sync
from tests.support import LASTING, PATH, PATIENCE, folder, run, run_process, serving


def sent(name: str, headers: Mapping[str, str] | None, body: object) -> Request:
    path = f"/sandbox/{name}{PATH}" if name else PATH
    return Request("POST", path, json.dumps(body).encode(), headers or {})


@pytest.mark.parametrize(
    ("place", "headers", "body", "name"),
    [
        ("header.x-tenant", {"x-tenant": "t1"}, {}, "t1"),
        ("header.X-Tenant", {"x-tenant": "t1"}, {}, "t1"),
        ("body.tenant.id", {}, {"tenant": {"id": "t2"}}, "t2"),
        ("body.tenant.id", {}, {"tenant": {"id": 7}}, "7"),
        ("body.tenant.id", {}, {"tenant": "t2"}, ""),
        ("body.tenant", {}, {"tenant": None}, ""),
        ("body.tenant", {}, [], ""),
        ("header.x-tenant", {}, {}, ""),
        ("header.x-tenant", {"x-tenant": "a b"}, {}, "h-c8687a08aa5d6ed2"),
        ("header.authorization", {"authorization": "key"}, {}, "s-f04a62fc8d008a29"),
        ("header.X-Api-Key", {"x-api-key": "key"}, {}, "s-f04a62fc8d008a29"),
        ("header.x-pin", {"x-pin": "key"}, {}, "s-f04a62fc8d008a29"),
        ("body.x.PIN", {}, {"x": {"PIN": "key"}}, "s-f04a62fc8d008a29"),
        ("body.tenant", {}, {"tenant": "4111.1111_1111  1111"}, "s-1a7b9f8e555a7d4a"),
        ("body.pin", {}, {"pin": "1234"}, "s-25c34ac5bc685429"),
        ("body.pin", {}, {"pin": 1234}, "s-25c34ac5bc685429"),
        ("body.tenant", {}, {"tenant": {"pin": "1234"}}, "s-e412efe3fe912070"),
        ("body.tenants.1.id", {}, {"tenants": [0, {"id": "acme"}]}, "acme"),
        ("body.tenant", {}, {"tenant": "4111111111111111"}, "s-02c96142cc612feb"),
        ("body.tenant", {}, {"tenant": "4111 1111 1111 1111"}, "s-9e30373b676a3a6a"),
    ],
)
def test_a_sandbox_name_can_be_derived(
    contract: Contract, place: str, headers: Mapping[str, str], body: object, name: str
) -> None:
    """From a header or a member; an invalid name is hashed, a secret with a key."""
    engine = Engine(contract, settings=replace(contract.settings, sandbox_from=place), sandbox_key=b"a key")
    engine.handle_sync(sent("", headers, body))
    assert run_sync(engine.storage.sandbox_names()) == (name,)


def test_a_name_from_a_secret_cannot_be_guessed(contract: Contract) -> None:
    """Each process draws a key unless one is given; with one, names last."""
    settings = replace(contract.settings, sandbox_from="body.pin")

    def named(key: bytes) -> str:
        engine = Engine(contract, settings=settings, sandbox_key=key)
        for _ in range(2):
            engine.handle_sync(sent("", {}, {"pin": "1234"}))
        (name,) = run_sync(engine.storage.sandbox_names())
        return name

    plain = {hashlib.sha256(b"%04d" % number).hexdigest()[:16] for number in range(10_000)}
    assert not {named(b"").removeprefix("s-"), named(b"k1").removeprefix("s-")} & plain
    assert len({named(b""), named(b""), named(b"k1"), named(b"k2")}) == 4
    assert named(b"k1") == named(b"k1")


def test_the_key_of_sandbox_names_is_never_shown() -> None:
    """Two servers with one key agree on a name; no log, setting, bundle or answer holds the key."""
    key, names, told = "a-key-for-two-servers", [], []
    for options, env in ((("--sandbox-key", key), {}), ((), {"MOCKSERVER_SANDBOX_KEY": key})):
        with serving("--sandbox-from", "header.Authorization", *options, env=env) as serve:
            serve.post(LASTING, Authorization="Bearer 1234")
            rows = json.loads(run("requests", "--all", "--json", "--url", serve.url).stdout)["requests"]
            names.append(rows[0]["sandbox"])
            at = ("--url", serve.url, "--sandbox", names[-1])
            told += [run("requests", "1", *more, *at).stdout for more in ((), ("--bundle",))]
            gets = [path.removeprefix("GET ") for path in endpoints() if path.startswith("GET ") and "{" not in path]
            for path in gets:
                if not path.endswith("/events"):
                    try:
                        with urllib.request.urlopen(serve.url + path, timeout=PATIENCE) as answer:
                            told.append(answer.read().decode())
                    except urllib.error.HTTPError as refused:  # that of a recorder, say
                        with refused:
                            told.append(refused.read().decode())
            assert serve.stop() == 0
            told += [*serve.out.rest(), *serve.err.rest()]
    assert names[0] == names[1]
    assert names[0].startswith("s-")
    assert len(told) > 30
    assert key not in "\n".join(told)
    short = run_process("--sandbox-key", "short")
    assert (short.returncode, "at least 16 characters" in short.stderr) == (2, True)


def test_a_named_sandbox_is_not_derived(contract: Contract) -> None:
    """Path and header come first; a body that is not JSON has no member."""
    engine = Engine(contract, settings=replace(contract.settings, sandbox_from="body.tenant", require_sandbox=True))
    engine.handle_sync(sent("named", None, {"tenant": "t"}))
    assert run_sync(engine.storage.sandbox_names()) == ("named",)
    assert engine.handle_sync(Request("POST", PATH, b"{")).problem == "bad-sandbox"
    assert engine.handle_sync(sent("", None, {"tenant": "t"})).decision is not None


def test_a_name_from_a_header_that_the_contract_marks_is_hashed(tmp_path: Path) -> None:
    """The header itself is not the name of the sandbox."""
    sensitive = "format: 1\noperations: {activateCardForCustomer: {sensitive: [header.X-Tenant]}}\n"
    contract = load(overlays=[folder(tmp_path / "overlay", {"secrets.yaml": sensitive})])
    engine = Engine(contract, settings=replace(contract.settings, sandbox_from="header.X-Tenant"), sandbox_key=b"a key")
    engine.handle_sync(sent("", {"x-tenant": "key"}, {}))
    assert run_sync(engine.storage.sandbox_names()) == ("s-f04a62fc8d008a29",)
