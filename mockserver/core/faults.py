"""Delays, and faults: what goes wrong below the contract."""

from __future__ import annotations

from typing import Final, TypeAlias

from msgspec import Struct


class FixedDelay(Struct, frozen=True, gc=False):
    """An answer waits so many milliseconds."""

    ms: float


class UniformDelay(Struct, frozen=True, gc=False):
    """An answer waits a random time, uniformly distributed between `low` and `high`; in milliseconds."""

    low: float
    high: float


class LognormalDelay(Struct, frozen=True, gc=False):
    """An answer waits a random time of a log-normal distribution, at most `cap`; `median` and `cap` in milliseconds."""

    median: float
    sigma: float
    cap: float


Delay: TypeAlias = FixedDelay | UniformDelay | LognormalDelay


FAULTS: Final = ("hang", "reset", "empty", "truncate", "malformed", "garbage", "dribble", "gateway")


def loses_answer(fault: str | None) -> bool:
    """Whether a fault of this kind keeps the answer from its client: all do except `dribble`, which is only slow."""
    return fault is not None and fault != "dribble"


class Fault(Struct, frozen=True, gc=False):
    """What goes wrong below the contract instead of an answer, or with it.

    `commit`: whether what the request changes is committed all the same. `seconds`: how long a `hang` or a
    `dribble` lasts at most. `status`, `retry_after`, `html`: of a `gateway`'s answer.
    """

    kind: str
    commit: bool = False
    seconds: float = 30.0
    status: int = 503
    retry_after: int | None = None
    html: bool = True

    @property
    def keeps_changes(self) -> bool:
        """Whether what the request changes is committed: with `commit`, and where the answer arrives."""
        return self.commit or not loses_answer(self.kind)
