"""One of the two versions that are compared: of a contract with its schemas, and of each of its operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mockserver.comparison.references import LinkedSchema, linked_schemas
from mockserver.core.contract import Contract, Operation, Scenario
from mockserver.core.model import Facts


class ContractVersion(Struct, frozen=True):
    """A contract and its schemas by file name, with references that can be followed."""

    contract: Contract
    schemas: Mapping[str, Any]

    @classmethod
    def of(cls, contract: Contract) -> ContractVersion:
        """A contract, with its schemas linked."""
        return cls(contract, linked_schemas(contract))

    @property
    def operations(self) -> dict[str, OperationVersion]:
        """The operations by id."""
        return {name: OperationVersion(self, one) for name, one in self.contract.operations_by_id.items()}


class OperationVersion(Struct, frozen=True):
    """An operation in its version of the contract."""

    parent: ContractVersion
    operation: Operation

    @property
    def contract(self) -> Contract:
        """The contract that it is of."""
        return self.parent.contract

    @property
    def request(self) -> str:
        """Method and path."""
        return f"{self.operation.method} {self.operation.path}"

    @property
    def data(self) -> Mapping[str, Any]:
        """The operation as it stands in the contract file."""
        data: Mapping[str, Any] = self.contract.definition["contract"]["operations"][self.operation.id]
        return data

    @property
    def scenarios(self) -> dict[str, Any]:
        """Its scenarios by id, as they stand in their files."""
        return {one["scenario"]: one for one in self.contract.definition["scenarios"][self.operation.id]}

    def schema(self, file: str | None) -> LinkedSchema:
        """The schema of a file; without a file, one that accepts everything."""
        return LinkedSchema(True if file is None else self.parent.schemas[file], self.parent.schemas)

    def status(self, scenario: Scenario) -> Any:
        """The status with which a scenario answers."""
        return scenario.status.render(Facts(self.contract.settings))

    def condition_schemas(self) -> dict[str, set[str]]:
        """The schema files that the conditions of its scenarios name, by the id of the scenario."""
        return {name: self._files([one.get("when"), one.get("also")]) for name, one in self.scenarios.items()}

    def _files(self, value: Any) -> set[str]:
        """The schema files that are named in a value, itself (`schema: FILE`) or in a reference (`FILE#/PLACE`)."""
        if isinstance(value, str):
            return {value.partition("#")[0]} & self.parent.schemas.keys()
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return {file for part in parts for file in self._files(part)}
