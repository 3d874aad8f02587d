"""Sandboxes: each its own clock, settings, armed outcomes and run-time scenarios; how many, and for how long.

Knows names and idle times; the records of a sandbox are in the store, its entries in the journal.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final

from mockserver.core.contract import Condition, Operation, Scenario, Turn, Turns
from mockserver.core.model import Delay, Facts, Settings
from mockserver.decision.order import Order

MOST_REMEMBERED: Final = 100_000
"""Names of sandboxes that were thrown out; beyond this any new one counts as if it had been there."""


@dataclass(slots=True, eq=False)
class Armed:
    """What the next matching requests get: a scenario, or the ordinary answer, with a fault or a delay or both.

    `left` counts the requests still to come, None for always. `spec` is what was asked for, to be shown.
    """

    id: int
    operation: str
    turns: Turns
    left: int | None
    when: tuple[Condition, ...]
    spec: Mapping[str, Any]
    used: int = 0

    @property
    def turn(self) -> Turn:
        """What the next one gets."""
        return self.turns.at(self.used)


@dataclass(slots=True, eq=False)
class Timepiece:
    """The clock of a sandbox: frozen at an instant, or running with an offset; all in nanoseconds."""

    frozen_ns: int | None = None
    offset_ns: int = 0

    def read(self, real_ns: int) -> int:
        """The sandbox's time when it is really `real_ns`."""
        return real_ns + self.offset_ns if self.frozen_ns is None else self.frozen_ns

    def set(self, instant_ns: int, real_ns: int, *, frozen: bool) -> None:
        """Stand at an instant, or run on from it."""
        self.frozen_ns = instant_ns if frozen else None
        self.offset_ns = 0 if frozen else instant_ns - real_ns

    def advance(self, by_ns: int) -> None:
        """Go forward (or back), standing or running."""
        if self.frozen_ns is None:
            self.offset_ns += by_ns
        else:
            self.frozen_ns += by_ns


@dataclass(slots=True, eq=False)
class Sandbox:
    """One sandbox. `incomplete`: it was thrown out since it was first used, so its journal may lack entries.

    `orders` keeps the run-time scenarios of an operation and what is made of them and those of the files.
    `own_settings` is what was set here alone; it outlasts the contract.
    """

    name: str
    settings: Settings
    timepiece: Timepiece
    touched: float
    random: Random
    incomplete: bool = False
    armed: list[Armed] = field(default_factory=list)
    scenarios: dict[str, tuple[Scenario, ...]] = field(default_factory=dict)
    orders: dict[str, tuple[tuple[Scenario, ...], Order]] = field(default_factory=dict)
    turned: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    armed_ids: Iterator[int] = field(default_factory=lambda: count(1))
    own_settings: dict[str, Any] = field(default_factory=dict)

    def configure(self, settings: Settings) -> None:
        """Take other settings; another seed begins another series of delays."""
        if settings.seed != self.settings.seed:
            self.random = seeded(settings.seed, self.name)
        self.settings = settings

    def sampled(self, delay: Delay | None, *, peek: bool = False) -> float:
        """A delay in milliseconds; to `peek` uses nothing up."""
        source = copy(self.random) if peek else self.random
        if delay is None:
            return 0.0
        if delay.kind == "uniform":
            return source.uniform(delay.a, delay.b)
        if delay.kind == "lognormal":
            return min(delay.a * source.lognormvariate(0.0, delay.b), delay.c)
        return delay.a

    def armed_for(self, operation: Operation, facts: Facts) -> Armed | None:
        """The first that is armed for such a request; nothing is used up yet."""
        for armed in self.armed:
            if armed.operation == operation.id and all(c.fails(facts) is None for c in armed.when):
                return armed
        return None

    def use_up(self, armed: Armed) -> None:
        """Count one request; what has none left goes."""
        armed.used += 1
        if armed.left is not None:
            armed.left -= 1
            if not armed.left:
                self.armed.remove(armed)


class Sandboxes:
    """All sandboxes by name, the one used longest ago first. The default one is always there."""

    def __init__(
        self,
        settings: Settings,
        thrown_out: Callable[[str], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`settings` are those of new sandboxes; `thrown_out` is told the name of one whose place was needed."""
        self.settings = settings
        self._thrown_out = thrown_out
        self._monotonic = monotonic
        self._by_name: dict[str, Sandbox] = {}
        self._gone: dict[str, None] = {}
        self._forgot = False
        self.evictions = 0

    def use(self, name: str) -> Sandbox | None:
        """The sandbox of a name, made on first use; None where there is no place for one more."""
        now = self._monotonic()
        sandbox = self._by_name.pop(name, None)
        if sandbox is None:
            if not self._room(name, now):
                return None
            self._make_room(name)
            sandbox = self._new(name, now)
        sandbox.touched = now
        self._by_name[name] = sandbox
        return sandbox

    def find(self, name: str) -> Sandbox | None:
        """The sandbox of a name, if it is there; this is no use of it."""
        return self._by_name.get(name)

    def peek(self, name: str) -> Sandbox | None:
        """What `use` would give, without making a sandbox, throwing one out, or its being a use."""
        now = self._monotonic()
        return self.find(name) or (self._new(name, now) if self._room(name, now) else None)

    def lacks(self, name: str) -> bool:
        """Whether the sandbox of a name was thrown out since it was first used, be it there again or not."""
        sandbox = self.find(name)
        return self._left(name) if sandbox is None else sandbox.incomplete

    def drop(self, name: str) -> bool:
        """Forget a sandbox because somebody asked to; its next use begins afresh."""
        self._gone.pop(name, None)
        return self._by_name.pop(name, None) is not None

    def clear(self) -> None:
        """Forget all of them, and who was thrown out: each begins afresh."""
        self._by_name.clear()
        self._gone.clear()
        self._forgot = False

    def names(self) -> tuple[str, ...]:
        """The names of all sandboxes."""
        return tuple(self._by_name)

    def __iter__(self) -> Iterator[Sandbox]:
        """All sandboxes that are there now."""
        return iter(tuple(self._by_name.values()))

    def _new(self, name: str, now: float) -> Sandbox:
        source = seeded(self.settings.seed, name)
        return Sandbox(name, self.settings, Timepiece(), now, source, self._left(name))

    def _left(self, name: str) -> bool:
        return self._forgot or name in self._gone

    def _room(self, name: str, now: float) -> bool:
        """Whether there is a place for one more, or one that is idle would leave it."""
        if not name or not self._is_full():
            return True
        oldest = self._oldest()
        return oldest is not None and now - oldest.touched >= self.settings.sandbox_ttl

    def _is_full(self) -> bool:
        return len(self._by_name) - ("" in self._by_name) >= self.settings.max_sandboxes

    def _oldest(self) -> Sandbox | None:
        return next((sandbox for sandbox in self._by_name.values() if sandbox.name), None)

    def _make_room(self, name: str) -> None:
        oldest = self._oldest()
        if not name or oldest is None or not self._is_full():
            return
        del self._by_name[oldest.name]
        self._gone[oldest.name] = None
        if len(self._gone) > MOST_REMEMBERED:
            self._gone.clear()
            self._forgot = True
        self.evictions += 1
        self._thrown_out(oldest.name)


def seeded(seed: int, name: str) -> Random:
    """The random source of a sandbox: the same for the same seed and name."""
    return Random(f"{seed}/{name}")  # noqa: S311 - it has to be repeatable
