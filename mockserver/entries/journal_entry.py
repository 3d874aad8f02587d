"""A journal entry: one JSON document of what came in, what was decided and why, and what went out.

Everything secret is masked before it is encoded, and the document says where (`masked`). It is described by
`schemas/journal-entry.schema.json`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Raw, Struct, field, structs

from mockserver.base.instants import parse_instant
from mockserver.core.faults import loses_answer
from mockserver.core.model import Record, RequestWarning, Settings, Write
from mockserver.core.reply import Headers

JSON: Final = "json"
TEXT: Final = "text"
BASE64: Final = "base64"


class Body(Struct, frozen=True, gc=False):
    """A body: a JSON value as it was sent, text, or (what is no UTF-8) base64."""

    encoding: str
    value: Raw

    @property
    def data(self) -> bytes:
        """The bytes of the body, masked."""
        if self.encoding == JSON:
            return bytes(self.value)
        text = msgspec.json.decode(self.value, type=str)
        return base64.b64decode(text) if self.encoding == BASE64 else text.encode()

    @property
    def shown(self) -> Any:
        """The JSON value, or the text."""
        if self.encoding == JSON:
            return msgspec.json.decode(self.value)
        return self.data.decode("utf-8", "replace")


class EntryRequest(Struct, frozen=True, gc=False, omit_defaults=True):
    """The request as it was sent. `target` is path and query; `path` and `query` are the decoded parameters."""

    method: str
    target: str
    headers: Headers
    body: Body
    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)


class EntryReply(Struct, frozen=True, gc=False):
    """The reply as it was decided; a fault may have kept it from the client."""

    status: int
    headers: Headers
    body: Body


class EntryViolation(Struct, frozen=True, gc=False, omit_defaults=True):
    """A violation: what JSON Schema found wrong at a place, without the value."""

    root: str
    path: tuple[str | int, ...]
    keyword: str
    got: str = field(name="came")
    message: str
    values: Mapping[str, Any] = field(default_factory=dict)


class ScenarioInfo(Struct, frozen=True, gc=False, omit_defaults=True):
    """The scenario that answered, and the conditions that held."""

    operation: str
    id: str = field(name="scenario")
    position: str
    source: str
    heading: str | None = None
    note: str | None = None
    because: tuple[str, ...] = ()
    forced: bool = False


class EntryLookup(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a lookup asked for, and the records that it found; a lookup by a list of keys has no `key`."""

    collection: str
    key: str | None = None
    records: tuple[Record, ...] = ()


class EntrySettings(Struct, frozen=True, gc=False, omit_defaults=True):
    """The settings that a sandbox can have of its own; the others decide nothing. `vary` names the request's number."""

    error_status: int
    mock_headers: bool
    require_headers: tuple[str, ...]
    seed: int
    utc_offset: str
    max_depth: int
    vary: str = ""

    @property
    def as_settings(self) -> Settings:
        """Settings with these among them."""
        return Settings(**msgspec.structs.asdict(self))


class RuntimeScenarioText(Struct, frozen=True, gc=False):
    """A scenario that was added at run time, as its text."""

    operation: str
    scenario: str
    text: str


class EntryDecision(Struct, frozen=True, gc=False, omit_defaults=True):
    """The decision, with all that it looked at beside the request; lookups that came to nothing are left out."""

    scenario: ScenarioInfo
    trigger: str
    settings: EntrySettings
    assumed: tuple[str, ...] = ()
    cause_entry_id: str = field(name="cause", default="")
    committed: bool = False
    violations: tuple[EntryViolation, ...] = ()
    warnings: tuple[RequestWarning, ...] = ()
    lookups: dict[str, EntryLookup] = field(default_factory=dict)
    new: Mapping[str, str] = field(default_factory=dict)
    writes: tuple[Write, ...] = ()
    turns: dict[str, int] = field(default_factory=dict)
    added: tuple[RuntimeScenarioText, ...] = ()
    forced_text: str | None = None


class EntryDifference(Struct, frozen=True, gc=False):
    """One thing of the provider's answer that is not as the contract says; secrets are masked."""

    at: str
    kind: str
    expected: Any
    came: Any


class Recorded(Struct, frozen=True, gc=False, omit_defaults=True):
    """How an answer of the provider, which `record` passed on, compares with the contract.

    scenario: the outcome that it is the same as, or differs from. expected: the one that the mock would have given.
    reason: why it is unknown. latency_ms: from the request to the head of the answer. target: the URL of the provider.
    """

    result: Literal["same", "differs", "unknown"]
    latency_ms: float
    target: str
    operation: str | None = None
    scenario: str | None = None
    expected: str | None = None
    differences: tuple[EntryDifference, ...] = ()
    reason: str | None = None

    @property
    def words(self) -> str:
        """The result in words: `differs from ID`."""
        return recorded_words(self.result, self.scenario)


FALLBACK: Final = " (fallback)"
"""Stands behind the scenario by which the mock answered in the place of a provider."""


def recorded_words(result: str, scenario: str | None) -> str:
    """The result of a comparison in words: `same as ID`, `differs from ID`, `unknown`."""
    return f"{result} {'as' if result == 'same' else 'from'} {scenario}" if scenario is not None else result


class RecordedAnswer(Struct, frozen=True):
    """An answer of the provider as an entry keeps it.

    body: without content encoding. at_ns: by the clock of the sandbox. masked: where something in
    it is masked already.
    """

    status: int
    headers: Headers
    body: bytes
    comparison: Recorded
    at_ns: int
    micros: int
    masked: tuple[str, ...] = ()


class JournalEntry(Struct, frozen=True, gc=False, omit_defaults=True):
    """The document. `time` is the sandbox's, in UTC with nine decimals. `problem` is set where the mock refused.

    `recorded` is set where a provider answered; such an entry has no decision. `trace`: the trace id of the request's
    `traceparent`. `client_left`: before the full answer was sent, though no fault kept it back.
    `fallback`: why the provider, in whose place the mock answered, did not.
    """

    id: str
    sandbox: str
    time: str
    duration_us: int = field(name="micros")
    contract_hash: str = field(name="contract")
    request: EntryRequest
    reply: EntryReply
    decision: EntryDecision | None = None
    problem: str | None = None
    recorded: Recorded | None = None
    trace: str | None = None
    fault: str | None = None
    fallback: str | None = None
    delay_ms: float = 0
    client_left: bool = False
    masked: tuple[str, ...] = ()

    @property
    def scenario_id(self) -> str | None:
        """The scenario that answered, or that the provider's answer is the same as or differs from; None for none."""
        if self.decision is not None:
            return self.decision.scenario.id
        return self.recorded.scenario if self.recorded is not None else None

    @property
    def answered_by(self) -> str:
        """What answered, in words: the scenario, the kind of problem, or how the provider's answer compares."""
        if self.decision is not None:
            return self.decision.scenario.id + (FALLBACK if self.fallback is not None else "")
        return self.recorded.words if self.recorded is not None else str(self.problem)

    @property
    def at_ns(self) -> int:
        """Its time in nanoseconds since 1970."""
        return parse_instant(self.time)

    @property
    def answer_lost(self) -> bool:
        """Whether the client did not get the answer of the contract: a fault took it, or the client left before."""
        return self.client_left or loses_answer(self.fault)

    @property
    def is_forwarded(self) -> bool:
        """Whether the request went to the provider behind `record`, which may have done what was asked."""
        return self.recorded is not None or (self.problem or "").startswith("provider-")

    @property
    def first_headers(self) -> dict[str, str]:
        """The request's headers by name in lower case; of one that came several times the first, which decides."""
        found: dict[str, str] = {}
        for name, value in self.request.headers:
            found.setdefault(name.lower(), value)
        return found


_decode: Final = msgspec.json.Decoder(JournalEntry).decode


def decode_entry(data: bytes) -> JournalEntry:
    """The document of an entry. Raises `ValueError` for what is none."""
    return _decode(data)


def with_client_left(data: bytes) -> bytes:
    """The document of an entry that says that its client left before the full answer was sent."""
    return msgspec.json.encode(structs.replace(_decode(data), client_left=True))
