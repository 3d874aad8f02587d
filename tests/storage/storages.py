"""Every storage there is, and a small contract to use them with: by the documented protocol alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from mockserver import Contract, Request, Settings, load
from mockserver.core.contract import Operation, Turn, Turns
from mockserver.core.model import Document, Write
from mockserver.core.reply import Effects
from mockserver.decision.document import read_document
from mockserver.decision.view import ArmedOutcome, View
from mockserver.storage.coverage import Observation, Outcome
from mockserver.storage.interface import CommitResult, Committed, Entry, FirstLook, Listener, Sandbox, Storage
from mockserver.storage.memory import MemoryStorage
from tests.support import folder
from tests.support.stores import close_stores, needs_redis, redis_storage


class MakeStorage(Protocol):
    """Makes a storage: fresh, with these clocks."""

    def __call__(
        self,
        contract: Contract,
        settings: Settings,
        now_ns: Callable[[], int] = ...,
        monotonic: Callable[[], float] = ...,
    ) -> Storage:
        """Make it."""


STORAGES: Final[Mapping[str, MakeStorage]] = {"memory": MemoryStorage, "redis": redis_storage}
"""All that there are; each has to pass all tests of this folder."""


@asynccontextmanager
async def storages(kind: str) -> AsyncIterator[MakeStorage]:
    """What makes a storage of a kind; those that it made are closed at the end."""
    if kind == "redis":
        needs_redis()
    yield STORAGES[kind]
    await close_stores()


FILES: Final = {
    "use.schema.json": "{}",
    "contract.yaml": """\
format: 1
collections:
  things:
    open: true
    default: {size: 0}
    members: {size: {}, owner: {}}
    seeds: {seeded: {size: 1}, gone: null}
  owners: {open: false, members: {name: {}}, seeds: {"2": {name: Second}}}
operations:
  use:
    request: POST /use
    body: use.schema.json
    lookups:
      thing: {in: things, key: body.thing}
      owner: {in: owners, key: body.owner}
    new: {id: {first: 1, unused_in: owners}, ticket: {first: 100, prefix: t_, opaque: true}}
    envelopes: {plain: {status: 200, body: "${respond}"}}
""",
    "scenarios.yaml": """\
format: 1
operation: use
scenarios:
- {scenario: flaky, documented: Flaky., when: {body.flaky: present}, responses: [{respond: {plain: 1}}, {pass: true}]}
- {scenario: other, documented: Flaky., when: {body.other: present}, responses: [{respond: {plain: 2}}, {pass: true}]}
- {scenario: rest, documented: Rest., respond: {plain: "${new.id} ${new.ticket}"}}
""",
}


def use_contract(at: Path, more: Mapping[str, str] | None = None) -> Contract:
    """The small contract, with other files in the place of some."""
    return load(folder(at, {**FILES, **(more or {})}))


NO_EFFECTS: Final = Effects()


@dataclass
class Clock:
    """Both clocks of a storage, as a test moves them."""

    now: int = 1_000
    idle: float = 0.0

    def now_ns(self) -> int:
        """Nanoseconds of real time."""
        return self.now

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        return self.idle


@dataclass
class Mock:
    """A storage, and requests to it as the engine makes them."""

    contract: Contract
    storage: Storage
    clock: Clock
    settings: Settings
    entries: list[str] = field(default_factory=list)
    """The ids of the entries that were committed, oldest first."""

    @property
    def operation(self) -> Operation:
        """The one operation."""
        return self.contract.operations[0]

    async def sandbox(self, name: str = "") -> Sandbox:
        """A sandbox, for which there has to be room."""
        sandbox = await self.storage.use_sandbox(name)
        assert sandbox is not None
        return sandbox

    def document(self, **body: Any) -> Document:
        """A request with this body."""
        return read_document(self.operation, Request("POST", "/use", json.dumps(body).encode()), {}, self.settings)

    async def look(self, name: str = "", **body: Any) -> View:
        """What is seen for a request with this body."""
        document = self.document(**body)
        sandbox = await self.storage.use_sandbox(name, FirstLook(self.operation, document))
        assert sandbox is not None
        return await sandbox.look(self.operation, document)

    async def commit(
        self,
        view: View,
        effects: Effects = NO_EFFECTS,
        data: bytes = b"{}",
        *,
        fault: str | None = None,
        sandbox: Sandbox | None = None,
    ) -> CommitResult:
        """Commit effects as a request that saw this view does, in the sandbox of its name or in one it has still."""
        sandbox = sandbox or await self.sandbox(view.sandbox)
        entry = Entry(await sandbox.next_entry_id(), view.sandbox, data)
        self.entries.append(entry.id)
        answered = Outcome("use", "rest", from_contract=True, fault=fault)
        observation = Observation(view.sandbox, self.clock.now, answered, "default", len(self.entries))
        return await sandbox.commit(view, effects, entry, observation)

    async def send(self, name: str = "", data: bytes = b"{}", *, complete: bool | None = True, fault: str = "") -> str:
        """One request from its look to the delivery of its answer (None: on its way); the id of its entry."""
        view = await self.look(name)
        assert await self.commit(view, NO_EFFECTS, data, fault=fault or None) == Committed()
        if complete is not None:
            await self.storage.delivered(name, self.entries[-1], complete=complete)
        return self.entries[-1]

    async def size(self, key: str = "x", name: str = "") -> Any:
        """The size of a thing."""
        record = await (await self.sandbox(name)).find_record("things", key)
        return None if record is None else record.visible["size"]

    async def arm(self, times: int | None = 1, name: str = "") -> ArmedOutcome:
        """Arm the ordinary answer."""
        sandbox = await self.sandbox(name)
        armed = await sandbox.arm(lambda number: ArmedOutcome(number, "use", Turns((Turn(),)), times, (), {}))
        assert isinstance(armed, ArmedOutcome)
        return armed


def write(key: str = "x", collection: str = "things", **members: Any) -> Effects:
    """The effects of one write."""
    return Effects(writes=(Write(collection, key, members),))


def new_ids(listener: Listener) -> list[str]:
    """The ids of the entries that a listener was told of since the last call; no deletion is among them."""
    news = listener.take()
    entries = [one for one in news if isinstance(one, Entry)]
    assert len(entries) == len(news)
    return [entry.id for entry in entries]


NewMock = Callable[..., Mock]
"""Makes a mock with these settings laid over the usual ones."""
