"""The contract of all parts: settings, collections, operations, and the checks across operations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from mockserver.contract.layers import ConfigNode, Layers, Parts, Table, sound
from mockserver.contract.operations import PARAMETER, OperationCompiler
from mockserver.contract.paths import SETTINGS
from mockserver.contract.scenarios import CheckRecord, compile_scenarios, runtime_compiler
from mockserver.core.contract import Contract
from mockserver.core.model import Collection, Diagnostic, Record, Settings, Violation
from mockserver.core.values import write_ascii
from mockserver.schema.patterns import compile_pattern, pattern_fault
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.violations import describe


class MemberSchemas(NamedTuple):
    """The schemas of a collection's members, compiled.

    `check` reports what in a record of a file breaks them; `violations` gives it for a record written at run time.
    """

    check: CheckRecord
    violations: Callable[[Any], tuple[Violation, ...]]


def compile_contract(layers: Layers, schemas: SchemaSet) -> Contract:
    """The contract of all parts. What is wrong is reported at its place; then the result is of no use."""
    settings = _settings(layers.settings)
    assumptions = tuple(layers.assumptions)
    members = {name: _member_schemas(parts.tables["members"], schemas) for name, parts in layers.collections.items()}
    checks = {name: one.check for name, one in members.items()}
    collections = {name: _collection(name, parts, layers, members[name]) for name, parts in layers.collections.items()}
    operations = []
    for name, parts in layers.operations.items():
        if isinstance(parts.first.data, dict):
            compiler = OperationCompiler(name, parts, collections, schemas, assumptions, settings)
            scenarios = compile_scenarios(compiler, layers.scenarios.get(name, {}), checks)
            operations.append(compiler.finish(scenarios, runtime_compiler(compiler, checks)))
    _check_routes(layers.operations)
    _check_names(layers)
    return Contract(
        hash=_hash(layers, schemas),
        operations=tuple(operations),
        collections=collections,
        assumptions={name: str(entry.data) for name, entry in layers.assumptions.items()},
        settings=settings,
        replaced=tuple(layers.replaced),
        schemas=schemas.relinked,
    )


def _settings(table: Table) -> Settings:
    values = {name: entry.data for name, entry in table.items() if name in SETTINGS and not entry.broken}
    if "require_headers" in values:
        values["require_headers"] = tuple(values["require_headers"])
    return replace(Settings(), **values)


def _hash(layers: Layers, schemas: SchemaSet) -> str:
    """Tells one set of files from another, whatever their comments and layout."""
    data = [
        _data_of(layers.settings),
        _data_of(layers.assumptions),
        {name: _data_of_parts(parts) for name, parts in layers.collections.items()},
        {name: _data_of_parts(parts) for name, parts in layers.operations.items()},
        {name: list(_data_of(table).values()) for name, table in layers.scenarios.items()},
        schemas.data,
    ]
    return hashlib.sha256(write_ascii(data).encode()).hexdigest()[:16]


def _data_of(table: Table) -> dict[str, Any]:
    return {name: entry.data for name, entry in table.items()}


def _data_of_parts(parts: Parts) -> list[Any]:
    return [_data_of(parts.members), {name: _data_of(table) for name, table in parts.tables.items()}]


def _check_routes(operations: Mapping[str, Parts]) -> None:
    """Report operations that have the route of one before them, whatever their path parameters are called."""
    names: dict[str, str] = {}
    for name, parts in operations.items():
        entry = sound(parts.members, "request")
        if entry is None:
            continue
        other = names.setdefault(PARAMETER.sub("{}", entry.data), name)
        if other != name:
            position = operations[other].members["request"].position
            hint = f"{other} has it, at {position}"
            entry.fault("two operations on one route", "a route of its own", entry.data, hint)


def _check_names(layers: Layers) -> None:
    """Report operations without scenarios and scenarios without an operation; a misspelt name is reported once."""
    unknown = layers.scenarios.keys() - layers.operations.keys()
    for name in unknown:
        for source in {id(entry.source): entry.source for entry in layers.scenarios[name].values()}.values():
            file = ConfigNode(source, (), source.data, 0)
            file.unknown(f"unknown operation {name}", name, layers.operations, ("operation",))
    for name, parts in layers.operations.items():
        if isinstance(parts.first.data, dict) and not layers.scenarios.get(name) and not unknown:
            expected = f"a scenario file with operation: {name}"
            parts.first.fault(f"operation {name} has no scenarios", expected, "nothing")


# -- collections ----------------------------------------------------------------------------------


def _collection(name: str, parts: Parts, layers: Layers, schemas: MemberSchemas) -> Collection:
    member, seeds, members = parts.members, parts.tables["seeds"], parts.tables["members"]
    reserved = _reserved(sound(member, "reserved"))
    for taken in ("key", "origin"):
        if taken in members:
            members[taken].fault(f"a member called {taken}", "another name", taken, "every record has it already")
    default = sound(member, "default")
    if default is not None:
        schemas.check(default)
    fold = _fold_of(name, layers)
    constant = _constant(sound(member, "constant"), seeds)
    is_open = sound(member, "open")
    return Collection(
        name=name,
        open=is_open is not None and is_open.data,
        default=default.data if default is not None else {},
        seeds=_seeds(seeds, fold, schemas.check),
        constant=frozenset(map(fold, constant)),
        reserved=reserved,
        test_values=tuple(key for key in seeds if reserved(key)),
        members=tuple(members),
        fold=fold,
        violations=schemas.violations,
    )


def _seeds(seeds: Table, fold: Callable[[str], str], check: CheckRecord) -> dict[str, Record | None]:
    """The seeds by their folded keys; None stands for a key that does not exist."""
    records: dict[str, Record | None] = {}
    first_of_key: dict[str, ConfigNode] = {}
    for key, seed in seeds.items():
        first = first_of_key.setdefault(fold(key), seed)
        if first is not seed:
            hint = f"letters' case is ignored here; the first one stands at {first.position}"
            seed.fault(f"two equal ids: seed {key}", "an id of its own", key, hint)
        if seed.broken:
            continue
        if seed.data is not None:
            check(seed)
        records[fold(key)] = None if seed.data is None else Record.make(fold(key), seed.data, "seed")
    return records


def _reserved(entry: ConfigNode | None) -> Callable[[str], bool]:
    """Tells the keys of the reserved form."""
    if entry is None:
        return _is_not_reserved
    fault = pattern_fault((), entry.data)
    if fault is None:
        return compile_pattern(entry.data)
    entry.fault(fault.what, fault.expected, fault.got, fault.hint)
    return _is_not_reserved


def _is_not_reserved(_key: str) -> bool:
    return False


def _constant(entry: ConfigNode | None, seeds: Table) -> tuple[str, ...]:
    """The keys of the seeds that no request changes."""
    if entry is None:
        return ()
    existing = [key for key, seed in seeds.items() if seed.data is not None]
    for index, key in enumerate(entry.data):
        if key not in existing:
            entry.unknown(f"{key} is no seed", key, existing, (index,))
    return tuple(entry.data)


def _member_schemas(members: Table, schemas: SchemaSet) -> MemberSchemas:
    """The schemas of a collection's members; each is checked once, here."""
    properties: dict[str, Any] = {}
    for name, entry in members.items():
        is_sound = not entry.broken and schemas.inline(entry.data, entry.at, entry.source.report) is not None
        properties[name] = entry.data if is_sound else True
    validator = schemas.inline({"properties": properties, "additionalProperties": False}, (), _ignore)

    def violations(record: Any) -> tuple[Violation, ...]:
        return validator.violations("record", record) if validator is not None else ()

    def check(entry: ConfigNode) -> None:
        for violation in violations(entry.data):
            name = str(violation.path[-1])
            if violation.keyword == "additionalProperties" and len(violation.path) == 1:
                entry.unknown(f"unknown member {name}", name, members, violation.path)
            else:
                expected, got, hint = describe(violation, entry.data)
                entry.fault(f"a record that breaks the schema of {name}", expected, got, hint, violation.path)

    return MemberSchemas(check, violations)


def _ignore(_fault: Diagnostic) -> None:
    """Every fault of a member's schema was reported before."""


def _fold_of(name: str, layers: Layers) -> Callable[[str], str]:
    """How the keys of a collection are written: in lower case if a lookup into it says so."""
    for parts in layers.operations.values():
        for entry in parts.tables["lookups"].values():
            if not entry.broken and entry.data["in"] == name and entry.data.get("fold") == "lower":
                return str.lower
    return str
