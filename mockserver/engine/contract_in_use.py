"""A contract in use, with what is derived from it to answer requests."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from mockserver.core.contract import Contract
from mockserver.core.model import Document, Request, Settings
from mockserver.decision.document import read_document
from mockserver.decision.router import Route, Router
from mockserver.entries.entry_writer import EntryWriter
from mockserver.storage.observations import Observer


class ContractInUse:
    """A contract in use: its router, and the writers of entries and observations."""

    def __init__(
        self,
        contract: Contract,
        settings: Settings,
        sandbox_key: bytes,
        admin_endpoints: Callable[[], tuple[str, ...]],
    ) -> None:
        """Collect what is secret, and what the route of a request is found by."""
        self.contract = contract
        self.settings = settings
        self.cached: dict[Hashable, Any] = {}
        """Values derived from the contract on demand; see `Engine.cached`."""
        self.entry_writer = writer = EntryWriter(contract, settings)
        self.router = Router(contract, settings, sandbox_key, writer.secrets, writer.path_mask, admin_endpoints)
        self.observer = Observer(self.entry_writer.all_secrets, sandbox_key)

    def read(self, route: Route, request: Request, settings: Settings) -> Document:
        """The document of a request, its secrets masked."""
        operation = route.operation
        return read_document(operation, request, route.parameters, settings, self.entry_writer.secrets[operation.id])
