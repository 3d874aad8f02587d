"""What all sandboxes of the storage in memory share: contract, clock, journal and counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockserver.core.contract import Contract
from mockserver.core.model import Settings
from mockserver.decision.order import Order, compile_order
from mockserver.storage.coverage import Coverage
from mockserver.storage.memory_journal import Journal


class Shared:
    """One for all sandboxes; `use_contract` replaces the contract for all of them at once."""

    def __init__(
        self, contract: Contract, settings: Settings, now_ns: Callable[[], int], sandbox_exists: Callable[[str], bool]
    ) -> None:
        """`now_ns` is the real clock."""
        self.now_ns = now_ns
        self.journal = Journal(settings.journal_entries, settings.journal_bytes)
        self.coverage = Coverage(sandbox_exists, settings.max_sandboxes)
        self.state_bytes = 0
        """What all sandboxes keep: records, armed outcomes and run-time scenarios."""
        self.use_contract(contract, settings)

    def use_contract(self, contract: Contract, settings: Settings) -> None:
        """Serve a contract from now on."""
        self.contract = contract
        self.settings = settings
        self.orders: Mapping[str, Order] = {one.id: compile_order(one.scenarios) for one in contract.operations}
        self.journal.max_entries, self.journal.max_bytes = settings.journal_entries, settings.journal_bytes
