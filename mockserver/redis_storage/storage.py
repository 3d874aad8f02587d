"""The storage that several servers share: sandboxes, journal and coverage counts in one store."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final
from weakref import WeakSet

from mockserver.core.contract import Contract
from mockserver.core.model import Settings
from mockserver.decision.order import Order
from mockserver.redis_storage.adoption import adopt, carry_over
from mockserver.redis_storage.changes import Wanted, decode_reading, encode
from mockserver.redis_storage.connection import Address, Store, other_served
from mockserver.redis_storage.coverage import Deliveries, counts, tally_of
from mockserver.redis_storage.listener import News, RedisListener
from mockserver.redis_storage.sandbox import RedisSandbox
from mockserver.redis_storage.shared import Shared
from mockserver.storage.coverage import Observation, Tally
from mockserver.storage.interface import Cleared, Entry, FirstLook, Gauges, ReloadedSandbox
from mockserver.storage.memory_journal import entry_number

EVERY: Final = b"*"
"""Stands for every sandbox where the store keeps what was deleted; no sandbox has this name."""

PAGE: Final = 500
"""Entries that are read at once, so that the store can answer others between."""


class RedisStorage:
    """See `interface.Storage`."""

    def __init__(
        self,
        address: Address,
        contract: Contract,
        settings: Settings,
        now_ns: Callable[[], int] = time.time_ns,
        idle_clock: Callable[[], float] | None = None,
        *,
        adopts: bool = False,
        registered: Sequence[tuple[str, str]] = (),
    ) -> None:
        """`idle_clock` replaces the clock of the store, by which sandboxes get idle.

        `registered`: see `connection.Registration`.
        `adopts`: another contract can be used, after `adoption.freeze`.
        """
        self._store = Store(address)
        self._shared = Shared(self._store, contract, settings, now_ns, registered)
        self._deliveries = Deliveries(self._store)
        self._idle_clock = idle_clock
        self._adopts = adopts
        self._listeners: WeakSet[RedisListener] = WeakSet()

    @property
    def orders(self) -> Mapping[str, Order]:
        """The order of the contract's scenarios, by operation."""
        return self._shared.values.orders

    async def check(self) -> None:
        """Raise `StorageError` where the store cannot be used now, or its servers have another contract or key."""
        await self._store.check(self._shared.identity)

    # -- sandboxes --------------------------------------------------------------------------------------

    def queue(self, name: str) -> AbstractAsyncContextManager[None]:
        """Wait for the requests to a sandbox that came before; see `Queues`."""
        return self._shared.queues.wait(name)

    async def _sandbox(self, name: str, mode: str, wanted: Wanted | None = None) -> RedisSandbox | None:
        now = "" if self._idle_clock is None else self._idle_clock()
        limits = (self._shared.settings.sandbox_ttl, self._shared.settings.max_sandboxes)
        identity, reads = self._shared.packed_identity, encode(wanted or Wanted())
        answer = await self._store.run("sandbox", name, mode, now, *limits, identity, reads)
        if answer[0] == b"other":
            which, served = (part.decode() for part in answer[1:])
            raise other_served(self._store.address, which, served, dict(self._shared.identity)[which])
        if answer[0] == b"full":
            return None
        reading = decode_reading(answer[2])
        if mode == "find" and not reading.sandbox:
            return None
        entry_id, first_reading = answer[1].decode(), None if wanted is None else reading
        return RedisSandbox(self._shared, name, reading.sandbox, entry_id, first_reading)

    async def use_sandbox(self, name: str, first_look: FirstLook | None = None) -> RedisSandbox | None:
        """The sandbox of a name, made on first use; None where there is no room for one more."""
        if first_look is None:
            return await self._sandbox(name, "use")
        unread = RedisSandbox(self._shared, name, {})
        return await self._sandbox(name, "use", unread.wanted(first_look.operation, first_look.document))

    async def find(self, name: str) -> RedisSandbox | None:
        """The sandbox of a name, if it exists; this does not count as use."""
        return await self._sandbox(name, "find")

    async def peek(self, name: str) -> RedisSandbox | None:
        """What `use_sandbox` would give; a new sandbox is not kept, and this does not count as use."""
        return await self._sandbox(name, "peek")

    async def delivered(self, sandbox: str, entry_id: str, *, complete: bool) -> None:  # noqa: ARG002 - of the entry
        """Count the outcome of a request whose answer is out; `complete`: all of it was sent."""
        observation = self._shared.pending.pop(entry_id, None)
        if observation is not None:
            await self._deliveries.count({**counts(observation, complete=complete), "entry": entry_id})

    async def sandbox_names(self) -> tuple[str, ...]:
        """The names of all sandboxes."""
        return tuple(name.decode() for name in await self._store.command("ZRANGE", "sandboxes", 0, -1))

    async def sandboxes(self) -> Sequence[RedisSandbox]:
        """All sandboxes."""
        found = [await self.find(name) for name in await self.sandbox_names()]
        return tuple(one for one in found if one is not None)

    async def was_evicted(self, name: str) -> bool:
        """Whether a sandbox of this name was evicted, whether or not there is one again."""
        if await self._store.command("SISMEMBER", "evicted", name):
            return True
        sandbox = await self.find(name)
        if sandbox is not None:
            return sandbox.evicted_before
        return bool(await self._store.command("HGET", "totals", "evicted_others"))

    async def reset(self, name: str) -> bool:
        """Reset a sandbox to its seeds and settings, with an empty journal; whether it existed."""
        return bool(await self._store.run("reset", name))

    async def reset_all(self) -> tuple[str, ...]:
        """Reset every sandbox, and forget those that were evicted; the names of those that existed."""
        return tuple(name.decode() for name in await self._store.run("reset_all"))

    async def use_contract(
        self,
        contract: Contract,
        settings: Settings,
        reloaded: Mapping[str, ReloadedSandbox],
        id_offsets: Mapping[str, int],
    ) -> None:
        """Serve the files as they are now, if they make the same contract. Raises `StorageError` for another one."""
        served = self._shared.contract.hash
        if contract.hash != served:
            if not self._adopts:
                raise other_served(self._store.address, "contract", served, contract.hash)
            sandboxes = [
                carry_over(one, reloaded[one.name], contract, settings, id_offsets) for one in await self.sandboxes()
            ]
            await adopt(self._store, served, contract, sandboxes)
        self._shared.use_contract(contract, settings)

    # -- journal ----------------------------------------------------------------------------------------

    async def next_entry_id(self) -> str:
        """The id of the entry of a request without a sandbox."""
        return await self._shared.next_entry_id()

    async def add_entry(self, entry: Entry, observation: Observation) -> None:
        """Keep the entry of a request that the mock refused, and count it."""
        kept = {"id": entry.id, "data": entry.data.decode(), **self._shared.journal_limits}
        await self._store.run("refused", encode(kept), encode(counts(observation, complete=True)))

    async def entries(
        self, sandbox: str | None, *, before: str = "", after: str = "", limit: int = sys.maxsize
    ) -> Sequence[Entry]:
        """See `Storage`. What is newer is what was committed later: ids are drawn before."""
        low = f"({await self._place(after)}" if after else "-inf"
        high = f"({await self._place(before)}" if before else "+inf"
        key = "order" if sandbox is None else f"order:{sandbox}"
        if after:
            ids = await self._store.command("ZRANGEBYSCORE", key, low, high, "LIMIT", 0, limit)
            return await self._entries(ids[::-1])
        return await self._entries(await self._store.command("ZREVRANGEBYSCORE", key, high, low, "LIMIT", 0, limit))

    async def _place(self, entry_id: str) -> float:
        """The sequence number of an entry; if it is not kept, a place behind the last one that has a lower id."""
        number = entry_number(entry_id)
        found = await self._store.command("ZSCORE", "order", entry_id)
        if found is not None:
            return float(found)
        places = await self._store.command("ZRANGE", "order", 0, -1, "WITHSCORES")
        return max((place for one, place in places if int(one) < number), default=0.0) + 0.5

    async def _entries(self, ids: Sequence[bytes]) -> list[Entry]:
        entries = []
        for start in range(0, len(ids), PAGE):
            page = ids[start : start + PAGE]
            for one, value in zip(page, await self._store.command("HMGET", "entries", *page), strict=True):
                if value is not None:  # dropped meanwhile
                    entries.append(_entry(one.decode(), value))
        return entries

    async def entry(self, entry_id: str) -> Entry | None:
        """The entry of an id, if it is still there."""
        value = await self._store.command("HGET", "entries", entry_id)
        return None if value is None else _entry(entry_id, value)

    async def replace_entry(self, entry: Entry) -> None:
        """Keep an entry in place of the one with its id, if that is still there; listeners are not told."""
        kept = {"id": entry.id, "data": entry.data.decode(), **self._shared.journal_limits}
        await self._store.run("replace", entry.sandbox, encode(kept))

    async def clear_entries(self, sandbox: str) -> int:
        """Delete the entries of a sandbox; how many there were."""
        return int(await self._store.run("clear", sandbox))

    async def lost_entries(self, sandbox: str) -> int:
        """How many entries of a sandbox, at least, were dropped because the journal was full."""
        lost = await self._store.command("HGET", "lost", sandbox)
        return int(lost or await self._store.command("HGET", "totals", "lost_by_others") or 0)

    async def listen(self, sandbox: str | None, wake: Callable[[], None]) -> RedisListener:
        """Listen to every server from now on, to a sandbox or to all (None); within a tenth of a second."""
        newest = (await self._news_since(None)).newest
        listener = RedisListener(self._news_since, newest, sandbox, wake)
        self._listeners.add(listener)
        return listener

    async def _news_since(self, sequence: int | None) -> News:
        newest = int(await self._store.command("HGET", "totals", "sequence") or 0)
        if sequence is None or newest <= sequence:  # the store may have lost what it had
            return News((), newest)
        ids = await self._store.command("ZRANGEBYSCORE", "order", f"({sequence}", newest)
        cleared = await self._store.command("ZRANGEBYSCORE", "cleared", f"({sequence}", newest)
        deletions = [Cleared(None if name == EVERY else name.decode()) for name in cleared]
        return News([*deletions, *await self._entries(ids)], newest)

    async def close(self) -> None:
        """Stop listening, and close the connections to the store."""
        for listener in self._listeners:
            listener.close()
        await self._store.close()

    # -- counts -----------------------------------------------------------------------------------------

    async def _total(self, keys: Iterable[str]) -> Tally:
        total = Tally()
        for key in keys:
            total.add(tally_of(await self._store.fields(key)))
        return total

    async def tally_of_prefix(self, prefix: str) -> Tally:
        """See `Storage`."""
        await self.check()
        dropped = [name.decode() for name in await self._store.command("ZRANGE", "dropped", 0, -1)]
        names = {*await self.sandbox_names(), *await self._strays()}
        keys = [f"dropped:{name}" for name in dropped if name.startswith(prefix)]
        total = await self._total([*keys, *(f"coverage:{name}" for name in names if name.startswith(prefix))])
        total.incomplete = bool(await self._store.command("HGET", "totals", "forgotten"))
        return total

    async def _strays(self) -> set[str]:
        """Names that have counts but no sandbox: all their requests were refused."""
        return {name.decode() for name in await self._store.command("SMEMBERS", "strays")}

    async def tally(self, sandbox: str | None) -> Tally:
        """The coverage counts of a sandbox, or of all that ever were (None)."""
        await self.check()
        if sandbox is not None:
            return await self._total([f"coverage:{sandbox}"])
        names = {*await self.sandbox_names(), *await self._strays()}
        return await self._total(["coverage", *(f"coverage:{name}" for name in names)])

    async def gauges(self) -> Gauges:
        """The figures of this moment."""
        totals = await self._store.fields("totals")
        sandboxes = await self._store.command("ZCARD", "sandboxes")
        entries = await self._store.command("ZCARD", "order")
        evictions, armed, size, dropped, state = (
            int(totals.get(name, 0))
            for name in ("evictions", "armed", "journal_bytes", "journal_evictions", "state_bytes")
        )
        return Gauges(sandboxes, evictions, armed, entries, size, dropped, state)


def _entry(entry_id: str, value: bytes) -> Entry:
    sandbox, _, data = value.partition(b"\n")
    return Entry(entry_id, sandbox.decode(), data)
