"""Compiles the layers into a contract: settings, collections, operations, and the checks across operations."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from mockserver.base.values import encode_ascii_json
from mockserver.contract.answers import report_directive
from mockserver.contract.layers import ConfigNode, Layers, MergedDefinition, Table, data_of, unbroken_member
from mockserver.contract.operations import PARAMETER, OperationCompiler
from mockserver.contract.paths import SETTING_NAMES
from mockserver.contract.scenarios import CheckRecord, compile_scenarios, runtime_compiler
from mockserver.core.client_advice import texts_by_language
from mockserver.core.contract import Contract
from mockserver.core.diagnostics import Diagnostic
from mockserver.core.directives import DirectiveError
from mockserver.core.model import Collection, Record, Settings, Violation
from mockserver.schema.patterns import compile_pattern, pattern_diagnostic
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.violations import mismatch_of
from mockserver.variation.setting import check_variation


class MemberSchemas(NamedTuple):
    """The schemas of a collection's members, compiled.

    `check` reports what in a record of a file breaks them; `violations` gives it for a record written at run time.
    """

    check: CheckRecord
    violations: Callable[[Any], tuple[Violation, ...]]


def compile_contract(layers: Layers, schemas: SchemaSet) -> Contract:
    """The contract that the layers make. What is wrong is reported at its place; then the result is of no use."""
    settings = _settings(layers.settings)
    assumptions = tuple(layers.assumptions)
    members = {
        name: _member_schemas(definition.tables["members"], schemas) for name, definition in layers.collections.items()
    }
    checks = {name: one.check for name, one in members.items()}
    collections = {
        name: _collection(name, definition, layers, members[name]) for name, definition in layers.collections.items()
    }
    operations = []
    for name, definition in layers.operations.items():
        if isinstance(definition.first.data, dict):
            compiler = OperationCompiler(name, definition, collections, schemas, assumptions, settings)
            scenarios = compile_scenarios(compiler, layers.scenarios.get(name, {}), checks)
            operations.append(compiler.finish(scenarios, runtime_compiler(compiler, checks)))
    _check_routes(layers.operations)
    _check_operations_have_scenarios(layers)
    return Contract(
        hash=_hash(layers, schemas),
        operations=tuple(operations),
        collections=collections,
        assumption_texts={name: texts_by_language(node.data) for name, node in layers.assumptions.items()},
        settings=settings,
        replaced=tuple(layers.replaced),
        rewrite_references=schemas.rewrite_references,
        definition={**layers.definition(), "schemas": schemas.data},
    )


def _settings(table: Table) -> Settings:
    values = {name: node.data for name, node in table.items() if name in SETTING_NAMES and not node.is_broken}
    if "require_headers" in values:
        values["require_headers"] = tuple(values["require_headers"])
    try:
        check_variation(values.get("vary", ""))
    except DirectiveError as error:
        report_directive(table["vary"], "a setting vary that cannot be understood", error)
    return replace(Settings(), **values)


def _hash(layers: Layers, schemas: SchemaSet) -> str:
    """Tells one set of files from another, whatever their comments and layout."""
    data = [
        data_of(layers.settings),
        data_of(layers.assumptions),
        {name: _data_of_definition(definition) for name, definition in layers.collections.items()},
        {name: _data_of_definition(definition) for name, definition in layers.operations.items()},
        {name: list(data_of(table).values()) for name, table in layers.scenarios.items()},
        schemas.data,
    ]
    return hashlib.sha256(encode_ascii_json(data).encode()).hexdigest()[:16]


def _data_of_definition(definition: MergedDefinition) -> list[Any]:
    return [data_of(definition.members), {name: data_of(table) for name, table in definition.tables.items()}]


def _check_routes(operations: Mapping[str, MergedDefinition]) -> None:
    """Report operations that have the route of one before them, whatever their path parameters are called."""
    names: dict[str, str] = {}
    for name, definition in operations.items():
        node = unbroken_member(definition.members, "request")
        if node is None:
            continue
        other = names.setdefault(PARAMETER.sub("{}", node.data), name)
        if other != name:
            position = operations[other].members["request"].position
            hint = f"{other} has it, at {position}"
            node.report_error("two operations on one route", "a route of its own", node.data, hint)


def _check_operations_have_scenarios(layers: Layers) -> None:
    """Report operations without scenarios and scenarios without an operation; a misspelt name is reported once."""
    unknown = layers.scenarios.keys() - layers.operations.keys()
    for name in unknown:
        for source in {id(node.source): node.source for node in layers.scenarios[name].values()}.values():
            file = ConfigNode(source, (), source.data, 0)
            file.report_unknown(f"unknown operation {name}", name, layers.operations, ("operation",))
    for name, definition in layers.operations.items():
        if isinstance(definition.first.data, dict) and not layers.scenarios.get(name) and not unknown:
            expected = f"a scenario file with operation: {name}"
            definition.first.report_error(f"operation {name} has no scenarios", expected, "nothing")


# -- collections ----------------------------------------------------------------------------------


def _collection(name: str, definition: MergedDefinition, layers: Layers, schemas: MemberSchemas) -> Collection:
    member, seeds, members = definition.members, definition.tables["seeds"], definition.tables["members"]
    is_reserved = _compile_reserved(unbroken_member(member, "reserved"))
    for taken in ("key", "origin"):
        if taken in members:
            members[taken].report_error(
                f"a member called {taken}", "another name", taken, "every record has it already"
            )
    default = unbroken_member(member, "default")
    if default is not None:
        schemas.check(default)
    fold = _fold_of(name, layers)
    constant = _constant_seeds(unbroken_member(member, "constant"), seeds)
    is_open = unbroken_member(member, "open")
    title = unbroken_member(member, "title")
    return Collection(
        name=name,
        title=title.data if title is not None else {},
        is_open=is_open is not None and is_open.data,
        default_members=default.data if default is not None else {},
        seeds=_seeds(seeds, fold, schemas.check),
        constant_seeds=frozenset(map(fold, constant)),
        is_reserved=is_reserved,
        test_values=tuple(key for key in seeds if is_reserved(key)),
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
            seed.report_error(f"two equal ids: seed {key}", "an id of its own", key, hint)
        if seed.is_broken:
            continue
        if seed.data is not None:
            check(seed)
        records[fold(key)] = None if seed.data is None else Record.make(fold(key), seed.data, "seed")
    return records


def _compile_reserved(node: ConfigNode | None) -> Callable[[str], bool]:
    """Tells the keys of the reserved form."""
    if node is None:
        return _is_not_reserved
    diagnostic = pattern_diagnostic((), node.data)
    if diagnostic is None:
        return compile_pattern(node.data)
    node.report_error(diagnostic.what, diagnostic.expected, diagnostic.got, diagnostic.hint)
    return _is_not_reserved


def _is_not_reserved(_key: str) -> bool:
    return False


def _constant_seeds(node: ConfigNode | None, seeds: Table) -> tuple[str, ...]:
    """The keys of the seeds that no request changes."""
    if node is None:
        return ()
    existing = [key for key, seed in seeds.items() if seed.data is not None]
    for index, key in enumerate(node.data):
        if key not in existing:
            node.report_unknown(f"{key} is no seed", key, existing, (index,))
    return tuple(node.data)


def _member_schemas(members: Table, schemas: SchemaSet) -> MemberSchemas:
    """The schemas of a collection's members; each is checked once, here."""
    properties: dict[str, Any] = {}
    for name, node in members.items():
        is_sound = not node.is_broken and schemas.compile_inline(node.data, node.at, node.source.report) is not None
        properties[name] = node.data if is_sound else True
        node.warn_of_keywords()
    validator = schemas.compile_inline({"properties": properties, "additionalProperties": False}, (), _ignore)

    def violations(record: Any) -> tuple[Violation, ...]:
        return validator.violations("record", record) if validator is not None else ()

    def check(node: ConfigNode) -> None:
        for violation in violations(node.data):
            name = str(violation.path[-1])
            if violation.keyword == "additionalProperties" and len(violation.path) == 1:
                node.report_unknown(f"unknown member {name}", name, members, violation.path)
            else:
                what, words = f"a record that breaks the schema of {name}", mismatch_of(violation, node.data)
                node.report_error(what, words.expected, words.got, words.hint, violation.path)

    return MemberSchemas(check, violations)


def _ignore(_diagnostic: Diagnostic) -> None:
    """Every diagnostic of a member's schema was reported before."""


def _fold_of(name: str, layers: Layers) -> Callable[[str], str]:
    """How the keys of a collection are written: in lower case if a lookup into it says so."""
    for definition in layers.operations.values():
        for node in definition.tables["lookups"].values():
            if not node.is_broken and node.data["in"] == name and node.data.get("fold") == "lower":
                return str.lower
    return str
