"""What comes of a request: the decision, its effects and the reply."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Protocol, TypeAlias

from msgspec import Struct

from mockserver.core.contract import Alternative, Operation, Scenario
from mockserver.core.faults import Fault
from mockserver.core.language import Evidence
from mockserver.core.model import Document, Facts, Provenance, Trigger, Write


class Effects(Struct, frozen=True):
    """What a decision changes in its sandbox, all of it or nothing.

    consumed_id_names: names of the drawn ids that are used up.
    armed_id: what was armed and is used once more, if anything.
    counted_scenarios: scenarios with answers in turn that this request counts for.
    drew_delay: whether a random delay was drawn.
    """

    writes: tuple[Write, ...] = ()
    consumed_id_names: tuple[str, ...] = ()
    armed_id: int | None = None
    counted_scenarios: tuple[str, ...] = ()
    drew_delay: bool = False


class Decision(Struct, frozen=True):
    """Which scenario answers, why, what it rests on, and what it changes.

    scenario: with answers in turn the copy that answers in this turn; its id is that of the contract's own.
    alternative: the one that matched; None if the scenario was forced or armed.
    assumed: ids of the assumptions that the answer rests on.
    facts: what the answer may show; what was looked at is in the view.
    cause_entry_id: the id of the entry that wrote the record on which the decision rests; empty for none.
    turn_counts: for each matching scenario with answers in turn, the requests that it had counted before this one.
    applies_changes: whether what the scenario changes is among the effects, to be committed with the entry.
    """

    operation: Operation
    scenario: Scenario
    alternative: Alternative | None
    trigger: Trigger
    provenance: Provenance
    assumed: tuple[str, ...]
    document: Document
    facts: Facts
    cause_entry_id: str = ""
    turn_counts: Mapping[str, int] = {}
    effects: Effects = Effects()
    applies_changes: bool = False
    fault: Fault | None = None
    delay_ms: float = 0.0


class NearMiss(Struct, frozen=True):
    """A scenario that was tried and did not apply.

    evidence: why not, against its nearest alternative.
    held: how many conditions of that one hold.
    near_seeds: the seeds that a key of the request is spelt nearly like, of the records that the evidence is about.
    """

    scenario: Scenario
    evidence: tuple[Evidence, ...]
    held: int
    near_seeds: tuple[str, ...] = ()


class Feed(Protocol):
    """What is sent bit by bit, until the client leaves or the server stops."""

    def open(self, wake: Callable[[], None]) -> None:
        """Begin; `wake` is called whenever there is something to take."""

    def take(self) -> bytes:
        """What is to be sent now."""

    def close(self) -> None:
        """Nobody takes any more."""


class BrokenOffError(Exception):
    """An answer that is passed on ended before its end.

    Its text says how. was_reset: the connection was reset, not closed.
    """

    def __init__(self, reason: str, *, was_reset: bool = False) -> None:
        """Keep how it ended."""
        super().__init__(reason)
        self.was_reset = was_reset


class Relay(Protocol):
    """The body of another server's answer, passed on as it comes, under a head that is sent as it came."""

    reason: str
    """The words of its status line."""
    entry_id: str
    """The id of its journal entry, once it is closed."""
    outcome: str
    """What it is to the contract, in words, once it is closed."""

    async def read(self) -> bytes:
        """The next piece; empty at the end. Raises `BrokenOffError`."""

    async def close(self, *, complete: bool) -> None:
        """End; `complete`: all of it was sent to the client."""


Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Headers as name and value."""


class Framing(Struct, frozen=True):
    """How the bytes of a reply are sent, where that varies.

    header_seed: what the case and the order of the headers depend on; empty: they are as always.
    chunk_ends: where the chunks of the body end, as shares of it; empty: it is sent with its length.
    packet_ends: the same for packets of head and body.
    """

    header_seed: str = ""
    chunk_ends: tuple[float, ...] = ()
    packet_ends: tuple[float, ...] = ()


class Reply(Struct, frozen=True):
    """An answer: status, headers and body, with what has to happen on the way.

    headers: shared by all replies that were decided alike, so that their lines are cached; `own_headers` are not.
    decision: None if the API did not answer.
    problem: the kind of problem, if the mock refused.
    entry_id: of its journal entry, empty if it has none.
    sandbox: the one in which it was decided.
    feed: what follows the body, if anything.
    pieces: a body that is made piece by piece as the client reads it.
    fallback: why the provider did not answer, in whose place the mock did; empty if there is none.
    relay: the body of another server's answer; status and headers are its own, and nothing is added to them.
    framing: how its bytes vary, if they do.
    """

    status: int
    headers: Headers
    body: bytes
    own_headers: Headers = ()
    decision: Decision | None = None
    problem: str | None = None
    fault: Fault | None = None
    delay_ms: float = 0.0
    entry_id: str = ""
    sandbox: str = ""
    feed: Feed | None = None
    pieces: AsyncGenerator[bytes, None] | None = None
    fallback: str = ""
    relay: Relay | None = None
    framing: Framing | None = None

    @property
    def all_headers(self) -> Headers:
        """Its headers, those that it shares with others first."""
        return self.headers + self.own_headers if self.own_headers else self.headers


Problem: TypeAlias = Reply
"""A reply that refuses a request, with `problem` set."""
