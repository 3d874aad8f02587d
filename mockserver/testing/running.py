"""`running()`: a server in a thread of this process, with an event loop of its own, within a block."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from mockserver.admin.routes import endpoints
from mockserver.base.instants import parse_clock_time
from mockserver.base.spelling import close_matches, did_you_mean
from mockserver.client.mock import Mock
from mockserver.contract.loading import load
from mockserver.core.contract import Contract
from mockserver.core.model import Settings
from mockserver.engine.engine import Engine, frozen_clock
from mockserver.http_api.safety import Access
from mockserver.server.server import serving
from mockserver.variation.setting import check_variation

_Stop = Callable[[], None]


@contextmanager
def running(
    contract: Contract | Path | str | None = None,
    overlays: Iterable[Path | str] = (),
    *,
    clock: str | dt.datetime | None = None,
    seed: int | None = None,
    port: int = 0,
    host: str = "127.0.0.1",
    sandbox: str = "",
    token: str = "",
    **settings: Any,
) -> Iterator[Mock]:
    """Serve a contract (default: the shipped one) within a block; yields a `Mock` of the sandbox.

    `port` 0 takes a free one. `clock` freezes the time at an instant. Admin routes require the `token`. Other
    `settings` are those of a contract file, such as `error_status=200`. Clients may be synchronous or asynchronous:
    the server has a thread and an event loop of its own, which end with the block.

    Raises `ConfigError`, `OSError` if it cannot listen, `TypeError` for an unknown setting, `ValueError` for a wrong
    `vary`.
    """
    loaded = contract if isinstance(contract, Contract) else load(contract, overlays)
    engine = Engine(
        loaded,
        settings=_settings(loaded.settings, **({} if seed is None else {"seed": seed}), **settings),
        clock=time.time_ns if clock is None else frozen_clock(_instant(clock)),
        admin_endpoints=endpoints,
    )
    with serving_in_thread(engine, Access(token), host, port) as url:
        yield Mock(url, sandbox, token)


@contextmanager
def serving_in_thread(engine: Engine, access: Access, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve an engine in a thread of its own within a block; yields the URL. Raises `OSError` if it cannot listen."""
    started: Future[tuple[str, _Stop]] = Future()
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(engine, host, port, access, started)), name="mockserver", daemon=True
    )
    thread.start()
    try:
        url, stop = started.result()
    except BaseException:
        thread.join()
        raise
    try:
        yield url
    finally:
        stop()
        thread.join()


async def _serve(engine: Engine, host: str, port: int, access: Access, started: Future[tuple[str, _Stop]]) -> None:
    """Serve until the stop function is called; `started` gets the URL and that function, or the error."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    try:
        async with serving(engine, host, port, access=access) as url:
            started.set_result((url, lambda: _stop(loop, stopping)))
            await stopping.wait()
    except OSError as error:
        if started.done():
            raise
        started.set_exception(error)


def _stop(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    loop.call_soon_threadsafe(stopping.set)


def _instant(clock: str | dt.datetime) -> int:
    return parse_clock_time(clock if isinstance(clock, str) else clock.isoformat())


def _settings(settings: Settings, **changes: Any) -> Settings:
    """The settings with changes by name. Raises `TypeError` for an unknown name, `ValueError` for a variation."""
    names = [field.name for field in fields(Settings)]
    for name in changes:
        if name not in names:
            hint = did_you_mean(close_matches(name, names)[:1]) or f"one of {names}"
            raise TypeError(f"there is no setting {name}; {hint}")
    check_variation(changes.get("vary", ""))
    frozen_changes: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in changes.items()}
    return replace(settings, **frozen_changes)
