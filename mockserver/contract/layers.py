"""Overlays: which file each part of the contract comes from, and what it replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from mockserver.contract.paths import Context, Scope, unknown_name
from mockserver.core.contract import Replacement
from mockserver.core.diagnostics import Diagnostic, Position, move_diagnostic
from mockserver.core.model import Path
from mockserver.files.sources import SourceFile
from mockserver.schema.diagnostics import unknown_keywords
from mockserver.schema.schema_set import SchemaSet


class ConfigNode(NamedTuple):
    """A part of a file: the source, the path in it, the data there, and the layer (0 is the base)."""

    source: SourceFile
    at: Path
    data: Any
    layer: int

    @property
    def position(self) -> Position:
        """Where the part stands."""
        return self.source.position(self.at)

    @property
    def is_broken(self) -> bool:
        """Whether something wrong in it was already reported."""
        return self.source.is_broken(self.at)

    def member(self, name: str) -> ConfigNode:
        """The part of this part under a key."""
        return ConfigNode(self.source, (*self.at, name), self.data[name], self.layer)

    def context(self, scope: Scope, schemas: SchemaSet, at: Path = ()) -> Context:
        """The context for compiling this part, or the part at a path in it."""
        return Context(scope, schemas, self.source.report, (*self.at, *at), self.source.warn)

    def report_error(self, what: str, expected: str, got: str = "", hint: str = "", at: Path = ()) -> None:
        """Report that something is wrong here, or at a path in it."""
        self.source.report(Diagnostic((*self.at, *at), what, expected, got, hint))

    def warn(self, what: str, expected: str, got: str, hint: str, at: Path) -> None:
        """Warn of something at a path in this part, which stays in use."""
        self.source.warn(Diagnostic((*self.at, *at), what, expected, got, hint))

    def warn_of_keywords(self) -> None:
        """Warn of keywords that this part, a schema in which nothing is wrong, has and JSON Schema does not."""
        for diagnostic in () if self.is_broken else unknown_keywords(self.data):
            self.source.warn(move_diagnostic(diagnostic, self.at))

    def report_unknown(self, what: str, name: str, names: Iterable[str], at: Path = ()) -> None:
        """Report a name that is none of `names`, with a near spelling."""
        self.source.report(unknown_name((*self.at, *at), what, name, names))


Table = dict[str, ConfigNode]
"""Parts by name."""


def unbroken_member(table: Table, name: str) -> ConfigNode | None:
    """The part of this name, if nothing wrong in it was reported; otherwise None."""
    node = table.get(name)
    return node if node is not None and not node.is_broken else None


class MergedDefinition(NamedTuple):
    """A collection or an operation: its first mention, its plain members, and its tables of parts by name."""

    first: ConfigNode
    members: Table
    tables: dict[str, Table]

    def require(self, name: str, found: bool, what: str, expected: str) -> None:
        """Report that a member was not found, unless something that explains it was already reported."""
        first = self.first
        if not found and isinstance(first.data, dict) and not first.source.is_broken((*first.at, name)):
            first.report_error(what, expected, "nothing")

    @property
    def data(self) -> dict[str, Any]:
        """All members, as one layer would have them."""
        return data_of(self.members) | {name: data_of(table) for name, table in self.tables.items() if table}


def data_of(table: Table) -> dict[str, Any]:
    """The data of each part."""
    return {name: node.data for name, node in table.items()}


COLLECTION_TABLES: Final = {"members": "record member", "seeds": "seed"}
OPERATION_TABLES: Final = {"lookups": "lookup", "new": "new id", "envelopes": "envelope", "verified": "verification"}
"""The members that are tables of parts, each with the word for one part in reports."""


class Layers:
    """The parts of all files, each from the last layer that has it."""

    def __init__(self) -> None:
        self.settings: Table = {}
        self.assumptions: Table = {}
        self.collections: dict[str, MergedDefinition] = {}
        self.operations: dict[str, MergedDefinition] = {}
        self.scenarios: dict[str, Table] = {}
        self.schemas: Table = {}
        self.replaced: list[Replacement] = []
        self._layer = 0
        """The number of the layer that is added; 0 is the base."""

    def add(self, sources: Sequence[SourceFile]) -> None:
        """Lay the files of one folder over what is there. Ids must differ within a layer."""
        added: dict[str, Table] = {}
        for source in sources:
            if is_schema_file(source):
                name = source.name.replace("\\", "/").rpartition("/")[2]
                self._put(self.schemas, name, ConfigNode(source, (), source.data, self._layer), "schema")
            elif is_scenario_file(source):
                self._add_scenarios(source, added)
            elif isinstance(source.data, dict):
                self._add_contract(source)
        for operation, table in added.items():
            # The scenarios that an overlay adds are tried before those that are there.
            self.scenarios[operation] = {**table, **self.scenarios.get(operation, {})}
        self._layer += 1

    def definition(self) -> dict[str, Any]:
        """The contract file, the scenarios of each operation, and the settings that all layers together make."""
        return {
            "contract": {
                "format": 1,
                "settings": data_of(self.settings),
                "assumptions": data_of(self.assumptions),
                "collections": {name: one.data for name, one in self.collections.items()},
                "operations": {name: one.data for name, one in self.operations.items()},
            },
            "scenarios": {name: [*data_of(table).values()] for name, table in self.scenarios.items()},
        }

    def _add_contract(self, source: SourceFile) -> None:
        whole = ConfigNode(source, (), source.data, self._layer)
        for name, node in _members(whole, "settings").items():
            self._put(self.settings, name, node, "setting")
        for name, node in _members(whole, "assumptions").items():
            self._put(self.assumptions, name, node, "assumption")
        for name, node in _members(whole, "collections").items():
            self._put_definition(self.collections, name, node, COLLECTION_TABLES, "collection")
        for name, node in _members(whole, "operations").items():
            self._put_definition(self.operations, name, node, OPERATION_TABLES, "operation")

    def _put_definition(
        self,
        definitions: dict[str, MergedDefinition],
        name: str,
        node: ConfigNode,
        tables: Mapping[str, str],
        what: str,
    ) -> None:
        parts = definitions.setdefault(name, MergedDefinition(node, {}, {table: {} for table in tables}))
        if not isinstance(node.data, dict):
            return
        for member in node.data:
            if member in tables:
                for key, part in _members(node, member).items():
                    self._put(parts.tables[member], key, part, tables[member], f" of {what} {name}")
            else:
                self._put(parts.members, member, node.member(member), "member", f" of {what} {name}")

    def _add_scenarios(self, source: SourceFile, added: dict[str, Table]) -> None:
        operation = source.data["operation"]
        standing = self.scenarios.setdefault(operation, {})
        for index, scenario in enumerate(source.data["scenarios"]):
            name = scenario.get("scenario") if isinstance(scenario, dict) else None
            if isinstance(name, str):
                node = ConfigNode(source, ("scenarios", index), scenario, self._layer)
                table = standing if name in standing else added.setdefault(operation, {})
                self._put(table, name, node, "scenario", f" of {operation}")

    def _put(self, table: Table, name: str, node: ConfigNode, kind: str, of: str = "") -> None:
        what = f"{kind} {name}{of}"
        before = table.get(name)
        if before is not None and before.layer == self._layer:
            node.report_error(
                f"two equal ids: {what}",
                "an id of its own",
                name,
                f"the first one stands at {before.position}",
            )
            return
        if self._layer:
            self.replaced.append(Replacement(what, node.position, before.position if before else None))
        table[name] = node


def is_schema_file(source: SourceFile) -> bool:
    """Whether a file holds a JSON Schema."""
    return source.name.endswith(".json")


def is_scenario_file(source: SourceFile) -> bool:
    """Whether a file holds scenarios; any other is a contract file."""
    data = source.data
    return isinstance(data, dict) and ("scenarios" in data or isinstance(data.get("operation"), str))


def _members(node: ConfigNode, name: str) -> Table:
    data = node.data.get(name)
    if not isinstance(data, dict):
        return {}
    part = node.member(name)
    return {key: part.member(key) for key in data}
