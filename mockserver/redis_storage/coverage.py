"""Coverage counts: on their way to the store, and there as fields of a hash.

`*OUTCOME` counts an outcome with its trigger, `=OUTCOME` retries, `<OUTCOME` and `>OUTCOME` have the shortest and the
longest time before one in microseconds, `/PLACE` counts violations; the others are named as in a `Tally`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from mockserver.core.faults import loses_answer
from mockserver.redis_storage.changes import encode
from mockserver.redis_storage.connection import Store
from mockserver.storage.coverage import (
    OTHER,
    Observation,
    Outcome,
    RetryStats,
    Tally,
    counted_outcome,
    other_outcome,
)
from mockserver.storage.interface import StorageError


class Deliveries:
    """Sends counts to the store: those that come while others are on their way go together with the next ones.

    Those that could not be sent go with the next ones too. The store may have them already; it counts none twice.
    """

    def __init__(self, store: Store) -> None:
        """Nothing waits."""
        self._store = store
        self._next: list[bytes] = []
        self._turn = asyncio.Lock()

    async def count(self, counts: Mapping[str, Any]) -> None:
        """Send the counts of one answer; they are in the store when this returns. Raises `StorageError`."""
        self._next.append(encode(counts))
        async with self._turn:
            group, self._next = self._next, []
            if group:  # nobody has sent them yet
                try:
                    await self._store.run("delivered", *group)
                except StorageError:
                    self._next = [*group, *self._next]
                    raise


def counts(observation: Observation, *, complete: bool) -> dict[str, Any]:
    """What the scripts are to count of a request."""
    outcome = observation.outcome
    fields = ["requests", *(["secrets_in_url"] if observation.secret_in_url else [])]
    if outcome is None:
        return {"sandbox": observation.sandbox, "fields": [*fields, "problems"], "bounded": [], "outcome": False}
    bounded = [["/" + place, "/" + OTHER] for place in observation.violation_places]
    counted = counted_outcome(outcome, complete=complete)
    if counted is not None:
        field = "*" + _text(counted, observation.trigger)
        if outcome.from_contract:
            fields.append(field)
        else:
            bounded.append([field, "*" + _text(other_outcome(counted), observation.trigger)])
    return {
        "sandbox": observation.sandbox,
        "fields": fields,
        "bounded": bounded,
        "outcome": _text(outcome),
        "other": _text(other_outcome(outcome)),
        "fingerprint": str(observation.fingerprint),
        "age": (time.perf_counter_ns() - observation.started_ns) // 1_000,
        "lost": observation.committed and (loses_answer(outcome.fault) or not complete),
    }


def tally_of(fields: Mapping[str, str]) -> Tally:
    """The counts of these fields."""
    requests, problems, retries_after_loss, secrets_in_url = (int(fields.get(name, 0)) for name in _NUMBERS)
    tally = Tally(
        requests=requests, problems=problems, retries_after_loss=retries_after_loss, secrets_in_url=secrets_in_url
    )
    for field, value in fields.items():
        kind, rest = field[0], field[1:]
        if kind == "*":
            outcome, trigger = _outcome(rest)
            tally.count_outcome(outcome, trigger, int(value))
        elif kind == "/":
            tally.count_violation(rest, int(value))
        elif kind == "=":
            low, high = (int(float(fields[bound + rest])) * 1_000 for bound in "<>")
            tally.add_retries(_outcome(rest)[0], RetryStats(int(value), low, high))
    return tally


_NUMBERS = ("requests", "problems", "retries_after_loss", "secrets_in_url")


def _text(outcome: Outcome, trigger: str = "") -> str:
    return msgspec.json.encode((outcome, trigger)).decode()


def _outcome(text: str) -> tuple[Outcome, str]:
    return msgspec.json.decode(text, type=tuple[Outcome, str])
