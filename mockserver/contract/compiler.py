"""Parts of files into a contract: settings, collections, and the cross-checks between operations.

Knows what collections mean and reports every fault at its place; it reads no file and decides no request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mockserver.contract.layers import ConfigNode, Layers, Parts, Table, sound
from mockserver.contract.operations import PARAMETER, OperationCompiler
from mockserver.contract.references import SETTINGS
from mockserver.contract.scenarios import compile_scenarios
from mockserver.core.contract import Contract
from mockserver.core.model import Collection, Diagnostic, Record, Settings, Violation
from mockserver.core.values import write_ascii
from mockserver.schema.patterns import compile_pattern, pattern_fault
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.violations import describe

Violations = Callable[[Any], tuple[Violation, ...]]
"""What is wrong with a record."""


def compile_contract(layers: Layers, schemas: SchemaSet) -> Contract:
    """The contract of all parts. What is wrong is reported at its place; then the result is of no use."""
    settings = _settings(layers.settings)
    points = tuple(layers.assumptions)
    checks = {name: _record_check(parts.tables["members"], schemas) for name, parts in layers.collections.items()}
    fits = {name: fit for name, (fit, _) in checks.items()}
    collections = {name: _collection(name, parts, layers, *checks[name]) for name, parts in layers.collections.items()}
    operations = []
    for name, parts in layers.operations.items():
        if isinstance(parts.first.data, dict):
            compiler = OperationCompiler(name, parts, collections, schemas, points, settings)
            operations.append(compiler.finish(*compile_scenarios(compiler, layers.scenarios.get(name, {}), fits)))
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
    def parts_of(parts: Parts) -> Any:
        tables = {name: {k: e.data for k, e in table.items()} for name, table in parts.tables.items()}
        return [{k: e.data for k, e in parts.members.items()}, tables]

    whole = [
        {name: entry.data for name, entry in layers.settings.items()},
        {name: entry.data for name, entry in layers.assumptions.items()},
        {name: parts_of(parts) for name, parts in layers.collections.items()},
        {name: parts_of(parts) for name, parts in layers.operations.items()},
        {name: [entry.data for entry in table.values()] for name, table in layers.scenarios.items()},
        schemas.data,
    ]
    return hashlib.sha256(write_ascii(whole).encode()).hexdigest()[:16]


def _check_routes(operations: Mapping[str, Parts]) -> None:
    seen: dict[str, tuple[str, ConfigNode]] = {}
    for name, parts in operations.items():
        entry = sound(parts.members, "request")
        if entry is not None:
            other, first = seen.setdefault(PARAMETER.sub("{}", entry.data), (name, entry))
            if other != name:
                entry.fault(
                    "two operations on one route",
                    "a route of its own",
                    entry.data,
                    f"{other} has it, at {first.position}",
                )


def _check_names(layers: Layers) -> None:
    """Operations without scenarios and scenarios without an operation; a misspelt one is told of once."""
    strange = layers.scenarios.keys() - layers.operations.keys()
    for name in strange:
        for source in {id(e.source): e.source for e in layers.scenarios[name].values()}.values():
            whole = ConfigNode(source, (), source.data, 0)
            whole.unknown(f"unknown operation {name}", name, layers.operations, ("operation",))
    for name, parts in layers.operations.items():
        if isinstance(parts.first.data, dict) and not layers.scenarios.get(name) and not strange:
            expected = f"a scenario file with operation: {name}"
            parts.first.fault(f"operation {name} has no scenarios", expected, "nothing")


# -- collections ----------------------------------------------------------------------------------


def _collection(
    name: str, parts: Parts, layers: Layers, fits: Callable[[ConfigNode], None], violations: Violations
) -> Collection:
    member, seeds, members = parts.members, parts.tables["seeds"], parts.tables["members"]
    reserved = _reserved(sound(member, "reserved"))
    for taken in ("key", "origin"):
        if taken in members:
            members[taken].fault(f"a member called {taken}", "another name", taken, "every record has it already")
    default = sound(member, "default")
    if default is not None:
        fits(default)
    fold = _fold_of(name, layers)
    constant = _constant(sound(member, "constant"), seeds)
    is_open = sound(member, "open")
    return Collection(
        name=name,
        open=is_open is not None and is_open.data,
        default=default.data if default is not None else {},
        seeds=_seeds(seeds, fold, fits),
        constant=frozenset(map(fold, constant)),
        reserved=reserved,
        test_values=tuple(key for key in seeds if reserved(key)),
        members=tuple(members),
        fold=fold,
        violations=violations,
    )


def _seeds(seeds: Table, fold: Callable[[str], str], fits: Callable[[ConfigNode], None]) -> dict[str, Record | None]:
    records: dict[str, Record | None] = {}
    spelt: dict[str, ConfigNode] = {}
    for key, seed in seeds.items():
        first = spelt.setdefault(fold(key), seed)
        if first is not seed:
            hint = f"letters' case is ignored here; the first one stands at {first.position}"
            seed.fault(f"two equal ids: seed {key}", "an id of its own", key, hint)
        if seed.broken:
            continue
        if seed.data is not None:
            fits(seed)
        records[fold(key)] = None if seed.data is None else Record.make(fold(key), seed.data, "seed")
    return records


def _reserved(entry: ConfigNode | None) -> Callable[[str], bool]:
    if entry is None:
        return lambda _: False
    fault = pattern_fault((), entry.data)
    if fault is None:
        return compile_pattern(entry.data)
    entry.fault(fault.what, fault.expected, fault.came, fault.hint)
    return lambda _: False


def _constant(entry: ConfigNode | None, seeds: Table) -> tuple[str, ...]:
    if entry is None:
        return ()
    there = [key for key, seed in seeds.items() if seed.data is not None]
    for index, key in enumerate(entry.data):
        if key not in there:
            entry.unknown(f"{key} is no seed", key, there, (index,))
    return tuple(entry.data)


def _record_check(members: Table, schemas: SchemaSet) -> tuple[Callable[[ConfigNode], None], Violations]:
    """Checks that a record fits its collection, in a file and at run time; a member's schema is checked once, here."""
    properties: dict[str, Any] = {}
    for name, entry in members.items():
        fine = not entry.broken and schemas.inline(entry.data, entry.at, entry.source.report) is not None
        properties[name] = entry.data if fine else True
    validator = schemas.inline({"properties": properties, "additionalProperties": False}, (), _ignore)

    def violations(record: Any) -> tuple[Violation, ...]:
        return validator.violations("record", record) if validator is not None else ()

    def check(entry: ConfigNode) -> None:
        for violation in violations(entry.data):
            name = str(violation.path[-1])
            if violation.keyword == "additionalProperties" and len(violation.path) == 1:
                entry.unknown(f"unknown member {name}", name, members, violation.path)
            else:
                expected, came, hint = describe(violation, entry.data)
                entry.fault(f"a record that breaks the schema of {name}", expected, came, hint, violation.path)

    return check, violations


def _ignore(_: Diagnostic) -> None:
    """Everything that can be wrong here was reported before."""


def _fold_of(name: str, layers: Layers) -> Callable[[str], str]:
    """How keys of a collection are folded: as the first lookup into it says."""
    for parts in layers.operations.values():
        for entry in parts.tables["lookups"].values():
            if not entry.broken and entry.data["in"] == name and entry.data.get("fold") == "lower":
                return str.lower
    return str
