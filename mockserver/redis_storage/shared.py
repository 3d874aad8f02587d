"""What all sandboxes of one server share: the store, the contract, and answers that are on their way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mockserver.core.contract import Contract
from mockserver.core.model import Settings
from mockserver.redis_storage.changes import Change, encode
from mockserver.redis_storage.connection import Store
from mockserver.redis_storage.queues import Queues
from mockserver.redis_storage.values import ContractValues
from mockserver.storage.coverage import Observation


class Shared:
    """One for all sandboxes of a server."""

    def __init__(
        self,
        store: Store,
        contract: Contract,
        settings: Settings,
        now_ns: Callable[[], int],
        registered: Sequence[tuple[str, str]],
    ) -> None:
        """`now_ns` is the real clock; `registered` is what all servers have in common beside the contract."""
        self.store = store
        self._registered = registered
        self.now_ns = now_ns
        self.queues = Queues()
        self.pending: dict[str, Observation] = {}
        """Of answers that are on their way, by entry; each server delivers its own."""
        self.use_contract(contract, settings)

    def use_contract(self, contract: Contract, settings: Settings) -> None:
        """Serve a contract from now on."""
        self.contract = contract
        self.settings = settings
        self.values = ContractValues(contract)
        self.identity = (("contract", contract.hash), *self._registered)
        """What all servers of the store have in common: by name, in the order in which it is compared."""
        self.packed_identity = encode(self.identity)

    @property
    def journal_limits(self) -> dict[str, int]:
        """The limits of the journal, as the scripts take them."""
        return {"max_entries": self.settings.journal_entries, "max_bytes": self.settings.journal_bytes}

    async def change(self, change: Change) -> str:
        """Change a sandbox: ok (or the id of what was armed), conflict, gone, or the setting whose limit it passes.

        Raises `StorageError` where the sandbox is gone because another contract has adopted the state.
        """
        result: bytes = await self.store.run("change", encode(change))
        if result == b"gone":
            await self.store.check(self.identity)
        return result.decode()

    async def next_entry_id(self) -> str:
        """An unused id; ids count up."""
        return str(await self.store.command("HINCRBY", "totals", "ids", 1))
