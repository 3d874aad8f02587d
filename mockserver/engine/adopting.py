"""Another contract for a storage that servers share, before this one serves."""

from __future__ import annotations

import asyncio

from mockserver.core.contract import Contract
from mockserver.core.model import Settings
from mockserver.engine.engine import Engine
from mockserver.engine.reloading import ReloadedContract, serve
from mockserver.storage.interface import Storage


def carry_state_over(
    storage: Storage, served: Contract, settings_before: Settings, contract: Contract, settings: Settings
) -> tuple[str, ...]:
    """Carry the state under the contract that is served over to another; the notes say what sandboxes have lost.

    Raises `StorageError`. The storage is closed.
    """

    async def work() -> tuple[str, ...]:
        try:
            return await serve(
                Engine(served, settings=settings_before, storage=storage), ReloadedContract(contract), settings
            )
        finally:
            await storage.close()

    return asyncio.run(work())
