"""A store of its own for the tests of one process: `redis-server` on a free port, with a temporary folder.

In the environment, `REDIS_SERVER` names another program, such as `valkey-server`, and `OVER_STORE=1` runs the
transcripts and the tests of `mockserver.testing` with servers that share a store.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mockserver import Contract, Engine, Settings
from mockserver.engine.engine import NowNs
from mockserver.redis_storage.connection import parse_address
from mockserver.redis_storage.storage import RedisStorage
from tests.support.processes import PATIENCE, free_port
from tests.support.tools import skip_without

OVER_STORE: Final = os.environ.get("OVER_STORE", "") == "1"
PROGRAM: Final = os.environ.get("REDIS_SERVER", "redis-server")
MEMORY: Final = Path("/dev/shm")
"""Where files are kept in memory, if anywhere: a disk that others keep busy holds a store up for seconds."""

_numbers = itertools.count()
_open: list[RedisStorage] = []


def needs_redis() -> None:
    """Skip the test where there is no such program."""
    skip_without(PROGRAM)


class RedisServer:
    """A `redis-server`; its data lie in a folder of its own."""

    def __init__(self, *options: str) -> None:
        self.folder = tempfile.mkdtemp(prefix="mockserver-redis-", dir=MEMORY if MEMORY.is_dir() else None)
        self.port = free_port()
        self._options = options
        self.start()
        atexit.register(self.close)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder]
        self.process = subprocess.Popen([*command, "--save", "", *self._options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with redis.Redis(port=self.port, retry=Retry(NoBackoff(), 0)) as client:
                    client.ping()
                    return
            except redis.AuthenticationError:
                return
            except redis.RedisError:
                assert self.process.poll() is None, "redis-server has ended"
                assert time.monotonic() < deadline, "redis-server does not answer"
                time.sleep(0.02)

    def url(self, prefix: str = "") -> str:
        """Its address, with a prefix that nobody else has."""
        return f"redis://127.0.0.1:{self.port}/0?prefix={prefix or f'test-{os.getpid()}-{next(_numbers)}'}"

    def stop(self) -> None:
        """Stop it, as a user does."""
        self.process.terminate()
        self.process.wait(PATIENCE)

    def close(self) -> None:
        """Stop it, and remove its data."""
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def redis_server() -> RedisServer:
    """The one that the tests of this process share."""
    return RedisServer()


def redis_storage(
    contract: Contract,
    settings: Settings,
    now_ns: Callable[[], int] = time.time_ns,
    monotonic: Callable[[], float] | None = None,
    url: str = "",
) -> RedisStorage:
    """A storage of a new prefix, or of this address; to be closed by `close_stores`."""
    address = parse_address(url or redis_server().url())
    storage = RedisStorage(address, contract, settings, now_ns, monotonic)
    _open.append(storage)
    return storage


def engine_over_store(contract: Contract, *, settings: Settings, clock: NowNs, **options: Any) -> Engine:
    """An engine as `running()` makes it, with a store of a new prefix; its server closes the storage."""
    storage = RedisStorage(parse_address(redis_server().url()), contract, settings, clock)
    return Engine(contract, settings=settings, clock=clock, storage=storage, **options)


async def close_stores() -> None:
    """Close the connections of all storages that were made."""
    while _open:
        await _open.pop().close()
