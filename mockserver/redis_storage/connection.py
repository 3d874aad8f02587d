"""The connection to the store: its address, its time limits, and what its failures mean."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import redis
from msgspec import Struct
from redis.asyncio import Redis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from mockserver.core.directives import MAX_SECONDS
from mockserver.storage.coverage import MAX_DISTINCT, MAX_DROPPED_TALLIES, MAX_REMEMBERED, MAX_STRAY_TALLIES
from mockserver.storage.interface import StorageError
from mockserver.storage.memory import MAX_EVICTED_NAMES
from mockserver.storage.memory_journal import MAX_COUNTED_SANDBOXES, MAX_QUEUED
from mockserver.version import __version__

CONNECT_SECONDS: Final = 2.0
"""How long a connection may take to be made."""

ANSWER_SECONDS: Final = 3.0
"""How long the store may take to answer."""

MAX_CONNECTIONS: Final = 16
"""Connections of one server; more requests wait until one is free. With many, answers wait for this process to read
them, and seem late."""

STALL_SECONDS: Final = 0.5
"""For how long nobody waits for the store after it did not answer in time, so that all that wait end soon."""

OLDEST_VERSION: Final = 7
"""The major version of the store that is needed."""

SCHEMES: Final = {"redis": "redis", "valkey": "redis", "rediss": "rediss", "valkeys": "rediss", "unix": "unix"}
"""Schemes of addresses, with the name that the client knows."""

SCRIPTS: Final = {
    "sandbox": ("keys", "counts", "drop", "read"),
    "look": ("keys", "read"),
    "change": ("keys", "journal"),
    "delivered": ("keys", "counts"),
    "refused": ("keys", "counts", "journal"),
    "replace": ("keys", "journal"),
    "reset": ("keys", "counts", "journal", "drop"),
    "reset_all": ("keys", "journal", "drop"),
    "clear": ("keys", "journal"),
    "freeze": ("keys",),
    "adopt": ("keys", "drop"),
}
"""The scripts that run in the store, each as a whole or not at all, and the files of `lua` that stand before each."""


LIMITS: Final = {
    "max_dropped": MAX_DROPPED_TALLIES,
    "max_strays": MAX_STRAY_TALLIES,
    "max_counts": 3 * MAX_DISTINCT,  # outcomes, retries, and places of violations
    "max_remembered": MAX_REMEMBERED,
    "max_lost_names": MAX_COUNTED_SANDBOXES,
    "max_queued": MAX_QUEUED,
    "max_evicted_names": MAX_EVICTED_NAMES,
    "longest_answer": 2 * int(MAX_SECONDS) + 60,  # a delay and a fault, in seconds
}
"""Limits by their names in scripts: those of the store in memory."""

ALLOWED_IF_FULL: Final = frozenset(["reset", "reset_all", "clear"])
"""The scripts that run although the store is full, as they make room."""


class Address(Struct, frozen=True):
    """Where the store is: an address as the client takes it, and the prefix of all keys."""

    url: str
    prefix: str

    @property
    def shown(self) -> str:
        """The address without user and password, and the prefix."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path} ({self.prefix})"

    @property
    def totals(self) -> str:
        """The key that every script is given."""
        return self.key("totals")

    def key(self, name: str) -> str:
        """A key of the store; the prefix is its hash tag."""
        return f"{{{self.prefix}}}:{name}"


def parse_address(text: str) -> Address:
    """The address that a user wrote. Raises `ValueError`."""
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"expected an address that begins with {'://, '.join(SCHEMES)}://")
    query = parse_qsl(parts.query, keep_blank_values=True)
    names = [name for name, _ in query]
    if not set(names) <= {"prefix", "db"} or len(names) > len({*names}):
        raise ValueError("expected no parameter but prefix and db, each once")
    prefix = dict(query).get("prefix", "mockserver")
    if not prefix or set(prefix) & set("{} \n"):
        raise ValueError("expected a prefix without braces and white space")
    rest = urlencode([(name, value) for name, value in query if name != "prefix"])
    url = f"{SCHEMES[parts.scheme]}://{parts.netloc}{parts.path}{'?' if rest else ''}{rest}"
    try:
        url.encode()
        redis.ConnectionPool.from_url(url)
    except ValueError:  # its message may have a part of the password
        raise ValueError("expected redis://[user:password@]host:port/db, the password percent-encoded") from None
    database = "" if parts.scheme == "unix" else parts.path.strip("/")
    if parts.fragment or not re.fullmatch("[0-9]*", database):  # the client takes no notice of them
        raise ValueError("expected a number as the database, and nothing behind it")
    return Address(url, prefix)


class Registration(Struct, frozen=True):
    """The key with which secrets become names of sandboxes; what all servers have in common beside the contract.

    shared: by name. A server says it again to a store that has lost its data.
    """

    sandbox_key: bytes
    shared: tuple[tuple[str, str], ...]


def register(
    address: Address, contract: str, bundle: bytes, sandbox_key: bytes, *, adopts: bool = False
) -> Registration:
    """Check that the store answers, and that all its servers have one contract, major version and sandbox key.

    Without an own `sandbox_key` it is that of the store. Where the servers have this contract, its `bundle` is kept.
    Another contract is no error if this server `adopts` its state. Raises `StorageError`.
    """
    with open_client(address) as client:
        server: Any = client.info("server")
        if server.get("redis_mode") == "sentinel":
            raise StorageError(f"{address.shown} is a Sentinel: give the address of the server that it watches")
        major = int(str(server["redis_version"]).partition(".")[0])
        if major < OLDEST_VERSION:
            raise StorageError(f"the store at {address.shown} is version {major}: expected {OLDEST_VERSION} or later")
        key = sandbox_key or _share(client, address, "sandbox_key", os.urandom(32).hex()).encode()
        digest = hashlib.sha256(key).hexdigest()[:8]
        same = (("version", __version__.partition(".")[0]), ("sandbox key", digest))
        for name, own in (*same, ("contract", contract)):
            shared = _share(client, address, name, own)
            if shared != own and not (adopts and name == "contract"):
                raise other_served(address, name, shared, own)
        if shared == contract:
            client.setnx(address.key("bundle"), bundle)
    return Registration(key, same if sandbox_key else (*same, ("sandbox_key", key.decode())))


@contextmanager
def open_client(address: Address) -> Iterator[Any]:
    """A client that waits, within a block; its failures in the block are a `StorageError`. It has no useful types."""
    client = redis.Redis.from_url(address.url, retry=Retry(NoBackoff(), 0), **_limits())
    try:
        yield client
    except (redis.RedisError, OSError) as error:
        raise failure(address, error) from None
    finally:
        client.close()


def _limits() -> dict[str, Any]:
    return {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": ANSWER_SECONDS, "protocol": 3}


def _share(client: Any, address: Address, name: str, own: str) -> str:
    """The value that all servers share; the first of them sets it."""
    client.hsetnx(address.totals, name, own)
    shared: Any = client.hget(address.totals, name)
    return str(shared.decode())


def other_served(address: Address, name: str, shared: str, own: str) -> StorageError:
    """Make the error of a prefix that servers of another contract, or another major version, use."""
    what = f"servers of {name} {shared} use the prefix {address.prefix} of the store, this one has {own}"
    hint = "give all of them the same --sandbox-key, or" if name == "sandbox key" else "give"
    more = ", or carry its state over (--store-adopt)" if name == "contract" else ""
    return StorageError(f"{what}: {hint} this one another prefix (?prefix=NAME){more}")


def failure(address: Address, error: Exception) -> StorageError:
    """Make the error of a store that fails."""
    if isinstance(error, redis.exceptions.OutOfMemoryError) or "OOM" in str(error):
        return StorageError(f"the store at {address.shown} is full (its maxmemory is reached)")
    if isinstance(error, redis.TimeoutError | TimeoutError):
        return StorageError(f"the store at {address.shown} does not answer in time")
    if isinstance(error, redis.AuthenticationError | redis.exceptions.AuthorizationError):
        return StorageError(f"the store at {address.shown} refuses the user or the password")
    if isinstance(error, redis.exceptions.MovedError):
        node = f"{error.host}:{error.port}"
        return StorageError(f"the store at {address.shown} is a cluster with this prefix at {node}: give that address")
    if isinstance(error, redis.ResponseError):
        return StorageError(f"the store at {address.shown} refuses a command: {error}")
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return StorageError(f"the certificate of the store at {address.shown} is not trusted (see SSL_CERT_FILE)")
    return StorageError(f"the store at {address.shown} cannot be reached")


def read_scripts() -> dict[str, str]:
    """The text of each script by name."""
    folder = Path(__file__).with_name("lua")
    texts = {
        name: "\n".join((folder / f"{part}.lua").read_text(encoding="utf-8") for part in (*parts, name))
        for name, parts in SCRIPTS.items()
    }
    limits = "".join(f"local {name} = {value}\n" for name, value in LIMITS.items())
    return {
        name: ("#!lua flags=allow-oom\n" if name in ALLOWED_IF_FULL else "") + limits + text
        for name, text in texts.items()
    }


class Store:
    """Runs scripts and commands in the store."""

    def __init__(self, address: Address) -> None:
        """Connect at the first use; each event loop needs a `Store` of its own."""
        self.address = address
        self._client: Redis = Redis.from_url(
            address.url,
            max_connections=MAX_CONNECTIONS,
            retry=AsyncRetry(NoBackoff(), 0),  # a change that is sent twice would conflict with itself
            # With them the client would use connections that the store has closed.
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
            **_limits(),
        )
        self._free_connections = asyncio.Semaphore(MAX_CONNECTIONS)
        """Waited for in the order of requests."""
        self._stalled_until = 0.0
        self._scripts = {name: self._client.register_script(text) for name, text in read_scripts().items()}

    async def run(self, script: str, *arguments: str | bytes | float) -> Any:
        """The answer of a script. Raises `StorageError`."""
        return await self._answer(lambda: self._scripts[script](keys=[self.address.totals], args=arguments))

    async def command(self, name: str, key: str, *arguments: str | bytes | float) -> Any:
        """The answer of one command about a key, named without the prefix. Raises `StorageError`."""
        execute: Any = self._client.execute_command  # it has no types
        return await self._answer(lambda: execute(name, self.address.key(key), *arguments))

    async def _answer(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        try:
            async with self._free_connections:
                if time.monotonic() < self._stalled_until:
                    raise TimeoutError
                return await ask()
        except (redis.RedisError, OSError) as error:
            if isinstance(error, redis.TimeoutError):
                self._stalled_until = time.monotonic() + STALL_SECONDS
            raise failure(self.address, error) from None

    async def fields(self, key: str) -> dict[str, str]:
        """The fields of a hash. Raises `StorageError`."""
        answer: dict[bytes, bytes] = await self.command("HGETALL", key)
        return {name.decode(): value.decode() for name, value in answer.items()}

    async def check(self, identity: Sequence[tuple[str, str]]) -> None:
        """Raise `StorageError` if the store does not answer, or its servers have something else in common."""
        shared = await self.command("HMGET", "totals", *(name for name, _ in identity))
        for (name, own), served in zip(identity, shared, strict=True):
            if served is not None and served.decode() != own:
                raise other_served(self.address, name, served.decode(), own)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
