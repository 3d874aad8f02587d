"""Files that are loaded anew: when somebody asks for it, or when a look at their contents shows that they changed.

Knows the loop and the threads beside it, where files are read and compiled; what a contract is and how one takes
the place of another is not its business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import Final, TypeVar

from mockserver.contract.loading import ConfigError, Files
from mockserver.core.contract import Reload
from mockserver.core.model import Settings
from mockserver.engine.engine import Engine
from mockserver.engine.reloading import Given, ReloadedContract, When, given, swap

_Made = TypeVar("_Made")

INTERVAL: Final = 1.0
"""Seconds between two looks; a change is believed when two of them in a row see the same."""

MOST_TRIES: Final = 10
"""How often files are read that change while they are read."""


class Reloader:
    """Loads the files of an engine anew. Bad ones change nothing; good ones are served from one request to the next."""

    def __init__(
        self,
        engine: Engine,
        files: Files,
        now_ns: Callable[[], int],
        settings: Callable[[Settings], Settings] = lambda settings: settings,
        tell: Callable[[Reload], None] = lambda _: None,
    ) -> None:
        """`settings` lays what was set elsewhere over the settings of the files; `tell` is told what came of each."""
        self._engine = engine
        self._files = files
        self._now_ns = now_ns
        self._settings = settings
        self._tell = tell
        self._one = asyncio.Lock()
        self._known = ""
        engine.reload = self.reload
        engine.metrics.loaded(now_ns())

    async def watch(self, known: str, interval: float = INTERVAL) -> None:
        """Look at the files for ever; `known` is the fingerprint of those that are served."""
        self._known = before = known
        self._engine.last_reload = Reload(self._now_ns())
        while True:
            await asyncio.sleep(interval)
            seen = await _aside(self._files.fingerprint)
            if seen == before != self._known:
                await self.reload()
            before = seen

    async def reload(self) -> Reload:
        """Load the files now."""
        async with self._one:
            made = await _aside(partial(self._read, *given(self._engine)))
            return self._taken(made)

    def _read(self, texts: list[Given], whens: list[When]) -> ReloadedContract | tuple[Mapping[str, str], ...]:
        """What the files make, with what was given at run time compiled against it; or what is wrong with them."""
        for _ in range(MOST_TRIES):
            known = self._files.fingerprint()
            made = self._made(texts, whens)
            if self._files.fingerprint() == known:
                self._known = known
                return made
        return (_problem("the files change while they are read", "try it again when they are whole"),)

    def _made(self, texts: list[Given], whens: list[When]) -> ReloadedContract | tuple[Mapping[str, str], ...]:
        try:
            anew = ReloadedContract(self._files.load())
            anew.compile(texts, whens)
        except ConfigError as error:
            return tuple(error.shown)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are tried
            return (_failure(error),)
        return anew

    def _taken(self, made: ReloadedContract | tuple[Mapping[str, str], ...]) -> Reload:
        engine, now = self._engine, self._now_ns()
        done = self._swapped(made, now) if isinstance(made, ReloadedContract) else Reload(now, errors=made)
        if not done.errors:
            engine.metrics.loaded(now)
        engine.metrics.reloaded(good=not done.errors)
        engine.last_reload = done
        self._tell(done)
        return done

    def _swapped(self, anew: ReloadedContract, now: int) -> Reload:
        try:
            return Reload(now, notes=swap(self._engine, anew, self._settings(anew.contract.settings)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are tried
            return Reload(now, errors=(_failure(error),))


async def _aside(work: Callable[[], _Made]) -> _Made:
    """What a piece of work makes in a thread that nobody waits for at the end, as loading can take long."""
    made: Future[_Made] = Future()
    made.set_running_or_notify_cancel()

    def run() -> None:
        try:
            made.set_result(work())
        except BaseException as error:  # noqa: BLE001 - told of as what it is
            made.set_exception(error)

    Thread(target=run, daemon=True, name="files").start()
    return await asyncio.wrap_future(made)


def _failure(error: Exception) -> dict[str, str]:
    return _problem(f"the mock failed as it loaded the files: {type(error).__name__}", "report this")


def _problem(what: str, hint: str) -> dict[str, str]:
    return {"at": "", "what": what, "expected": "files that make a contract", "came": "", "try": hint}
