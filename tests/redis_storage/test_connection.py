"""The address of the shared store, who may share it, and what its failures are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import redis
import trustme

from mockserver import Contract, Engine, Request
from mockserver.redis_storage.connection import CONNECT_SECONDS, Address, Store, failure, parse_address, register
from mockserver.storage.interface import StorageError
from tests.support import LASTING, PATH, free_port, wait_until
from tests.support.stores import RedisServer, close_stores, needs_redis, redis_server, redis_storage


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("redis://h", Address("redis://h", "mockserver"), "redis://h (mockserver)"),
        ("valkey://u:p@h:1/2?prefix=a", Address("redis://u:p@h:1/2", "a"), "redis://h:1/2 (a)"),
        ("rediss://:p%2Fw@h/0", Address("rediss://:p%2Fw@h/0", "mockserver"), "rediss://h/0 (mockserver)"),
        ("valkeys://h", Address("rediss://h", "mockserver"), "rediss://h (mockserver)"),
        ("unix:///s?db=3&prefix=a", Address("unix:///s?db=3", "a"), "unix:///s (a)"),
    ],
)
def test_an_address_is_shown_without_its_password(text: str, address: Address, shown: str) -> None:
    """The prefix of all keys is ours, the rest is the client's."""
    assert parse_address(text) == address
    assert address.shown == shown
    assert address.key("x") == "{" + address.prefix + "}:x"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("http://secret@h", "expected an address that begins with redis://"),
        ("h:6379", "expected an address that begins with redis://"),
        ("redis://h?prefix=", "expected a prefix without braces and white space"),
        ("redis://h?prefix={a}", "expected a prefix without braces and white space"),
        ("redis://h?socket_timeout=1", "expected no parameter but prefix and db, each once"),
        ("redis://h?prefix=a&prefix=b", "expected no parameter but prefix and db, each once"),
        ("redis://:secret@h/0#part", "expected a number as the database"),
        ("redis://h/first", "expected a number as the database"),
        ("redis://:secret\udcff@h/0", "the password percent-encoded"),
        ("redis://:secret/word@h", "the password percent-encoded"),
        ("redis://h:port", "the password percent-encoded"),
    ],
)
def test_an_address_that_is_none_is_refused(text: str, error: str) -> None:
    """No message has a part of it, as that may be the password."""
    with pytest.raises(ValueError, match=error) as raised:
        parse_address(text)
    assert "secret" not in str(raised.value)


def test_servers_of_one_prefix_have_one_contract_version_and_key() -> None:
    """The key is that of the store, where nobody gives one."""
    needs_redis()
    address = parse_address(redis_server().url())
    first = register(address, "c1", b"{}", b"")
    key = first.sandbox_key
    assert len(key) == 64
    assert register(address, "c1", b"{}", b"") == first
    assert register(address, "c1", b"{}", key).sandbox_key == key
    with pytest.raises(StorageError, match=r"servers of contract c1 use the prefix .* this one has c2: give this one"):
        register(address, "c2", b"{}", b"")
    with pytest.raises(
        StorageError, match=r"servers of sandbox key .* give all of them the same --sandbox-key"
    ) as raised:
        register(address, "c1", b"{}", b"another secret")
    assert "another secret" not in str(raised.value)
    with redis.Redis(port=redis_server().port) as client:
        client.hset(address.totals, "version", "99")
    with pytest.raises(StorageError, match=r"servers of version 99 use the prefix"):
        register(address, "c1", b"{}", b"")
    own = parse_address(redis_server().url())
    given = register(own, "c2", b"{}", b"another secret")
    assert given.sandbox_key == b"another secret"
    assert "another secret" not in str(given.shared)
    with redis.Redis(port=redis_server().port) as client:
        assert b"another secret" not in b" ".join(client.hgetall(own.totals).values())


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("redis://127.0.0.1:{closed}", "cannot be reached"),
        ("redis://:wrong@127.0.0.1:{port}", "refuses the user or the password"),
        ("redis://127.0.0.1:{port}", "refuses the user or the password"),
        ("redis://:right@127.0.0.1:{port}/99", "refuses a command: .*DB index"),
    ],
)
async def test_a_store_that_cannot_be_used_says_why(url: str, error: str) -> None:
    """At the start and later, without the password."""
    needs_redis()
    server = RedisServer("--requirepass", "right")
    try:
        address = parse_address(url.format(closed=free_port(), port=server.port))
        with pytest.raises(StorageError, match=error) as raised:
            register(address, "c1", b"{}", b"")
        store = Store(address)
        with pytest.raises(StorageError, match=error) as later:
            await store.check([("contract", "c1")])
        await store.close()
        assert "wrong" not in f"{raised.value}{later.value}"
    finally:
        server.close()


async def test_a_store_with_tls_needs_a_trusted_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the system trusts, or the file that SSL_CERT_FILE names."""
    needs_redis()
    authority, port = trustme.CA(), free_port()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    files = ("--tls-cert-file", str(tmp_path / "cert.pem"), "--tls-key-file", str(tmp_path / "key.pem"))
    server = RedisServer("--tls-port", str(port), *files, "--tls-auth-clients", "no")
    address = parse_address(f"rediss://127.0.0.1:{port}/0")
    try:
        with pytest.raises(StorageError, match=r"the certificate of the store at rediss://127.0.0.1:.* is not trusted"):
            register(address, "c1", b"{}", b"")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        register(address, "c1", b"{}", b"")
        store = Store(address)
        await store.check([("contract", "c1")])
        await store.close()
    finally:
        server.close()


def test_a_sentinel_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stores nothing."""
    needs_redis()
    monkeypatch.setattr(redis.Redis, "info", lambda *_: {"redis_version": "7.0.0", "redis_mode": "sentinel"})
    with pytest.raises(StorageError, match="is a Sentinel: give the address of the server that it watches"):
        register(parse_address(redis_server().url()), "c1", b"{}", b"")


async def test_all_keys_of_a_prefix_lie_on_one_node_of_a_cluster(contract: Contract) -> None:
    """A server uses that node; another one says which it is."""
    needs_redis()
    node = RedisServer("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    try:
        url = node.url()
        with redis.Redis(port=node.port) as client:
            client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            wait_until(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok")
        register(parse_address(url), contract.hash, b"{}", b"")
        engine = Engine(contract, storage=redis_storage(contract, contract.settings, url=url))
        for _ in range(2):
            reply = await engine.handle(Request("POST", f"/sandbox/a{PATH}", json.dumps(LASTING).encode()))
            await engine.delivered(reply)
            assert reply.status == 200
        assert await engine.storage.reset_all() == ("a",)
        await close_stores()
        error = redis.exceptions.MovedError("237 192.0.2.1:6379")
        assert "is a cluster with this prefix at 192.0.2.1:6379" in str(failure(parse_address(url), error))
    finally:
        node.close()


def test_an_old_store_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scripts may lack what ours need."""
    needs_redis()
    monkeypatch.setattr(redis.Redis, "info", lambda *_: {"redis_version": "6.2.7"})
    with pytest.raises(StorageError, match="is version 6: expected 7 or later"):
        register(parse_address(redis_server().url()), "c1", b"{}", b"")
    assert CONNECT_SECONDS < 5
