"""The outcome of a request: the decision, its effects and the reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from msgspec import Struct

from mockserver.core.contract import Alternative, Operation, Scenario
from mockserver.core.language import Evidence
from mockserver.core.model import Document, Facts, Fault, Provenance, Trigger, Write


class Effects(Struct, frozen=True):
    """What a decision changes in its sandbox, all of it or nothing.

    `new`: names of the ids that are used up. `armed`: the id of what was armed and used once. `turns`: scenarios with
    answers in turn that this request counts for. `delay`: whether a random delay was drawn.
    """

    writes: tuple[Write, ...] = ()
    new: tuple[str, ...] = ()
    armed: int | None = None
    turns: tuple[str, ...] = ()
    delay: bool = False


class Decision(Struct, frozen=True):
    """Which scenario answers, why, what it rests on, and what it changes.

    `alternative` is None where the scenario was forced or armed. `facts` is all that was looked at; `assumed` the ids
    of assumptions; `cause` the entry that wrote the record on which the decision rests, empty for none. `turns` counts,
    by scenario with answers in turn that this request met, the requests before it. `committed`: whether what the
    scenario changes is committed.
    """

    operation: Operation
    scenario: Scenario
    alternative: Alternative | None
    trigger: Trigger
    source: Provenance
    assumed: tuple[str, ...]
    document: Document
    facts: Facts
    cause: str = ""
    turns: Mapping[str, int] = {}
    effects: Effects = Effects()
    committed: bool = False
    fault: Fault | None = None
    delay_ms: float = 0.0


class NearMiss(Struct, frozen=True):
    """A scenario that was tried and did not apply: the evidence against its nearest alternative, and what held."""

    scenario: Scenario
    evidence: tuple[Evidence, ...]
    held: int


class Feed(Protocol):
    """What is sent bit by bit, until the client leaves or the server stops."""

    def open(self, wake: Callable[[], None]) -> None:
        """Begin; `wake` is called whenever there is something to take."""

    def take(self) -> bytes:
        """What is to be sent now."""

    def close(self) -> None:
        """Nobody takes any more."""


Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Headers as name and value."""


class Reply(Struct, frozen=True):
    """An answer: status, headers and body, with what has to happen on the way.

    `headers` are the same in all answers that were decided alike, `own_headers` those of this one. `decision` is None
    where the API did not answer. `problem` is the kind of problem where the mock refused. `entry` is the id of its
    journal entry, empty where it has none; `sandbox` is the one in which it was decided; `feed` is what follows the
    body, if anything.
    """

    status: int
    headers: Headers
    body: bytes
    own_headers: Headers = ()
    decision: Decision | None = None
    problem: str | None = None
    fault: Fault | None = None
    delay_ms: float = 0.0
    entry: str = ""
    sandbox: str = ""
    feed: Feed | None = None

    @property
    def all_headers(self) -> Headers:
        """Its headers, those that it shares with others first."""
        return self.headers + self.own_headers if self.own_headers else self.headers
