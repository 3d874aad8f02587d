"""Load a contract: find its files, check their format, apply overlays.

All that is wrong is reported at once, each with file, line and column.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path as FilePath
from typing import Any, Final, NamedTuple, TypeVar, cast

from mockserver.base.values import MAX_FILE_DEPTH, count_members, decode_json, printable
from mockserver.contract.compiler import compile_contract
from mockserver.contract.folders import CONTRACT_SCHEMA_FILE, SCENARIOS_SCHEMA_FILE, folder_contents, read_folder
from mockserver.contract.layers import ConfigNode, Layers, is_scenario_file, is_schema_file
from mockserver.contract.paths import unknown_name
from mockserver.core.contract import Contract, Operation, Scenario
from mockserver.core.diagnostics import Diagnostic, FileDiagnostic, Position
from mockserver.core.language import Condition
from mockserver.core.model import MISSING, Path, Violation
from mockserver.files.sources import SourceFile
from mockserver.files.yaml_source import read_yaml_text
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import Validator
from mockserver.schema.violations import mismatch_of

REQUEST_BODY_SOURCE: Final = "request body"
"""What reports call a text that comes in a request, not from a file."""


class ConfigError(Exception):
    """The files make no contract. `diagnostics` holds everything that is wrong, file by file."""

    def __init__(self, diagnostics: Sequence[FileDiagnostic]) -> None:
        """Keep the diagnostics; the message lists them all."""
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, diagnostics)))

    @property
    def as_json(self) -> list[dict[str, Any]]:
        """The diagnostics as members of a JSON document."""
        return [
            {
                "at": str(one.position),
                "what": one.what,
                "expected": one.expected,
                "came": one.got,
                "try": one.hint,
                "did_you_mean": [one.near] if one.near else [],
            }
            for one in self.diagnostics
        ]


def shipped_folder() -> FilePath:
    """The folder of the contract that comes with this package."""
    package = FilePath(__file__).parents[1]
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent


def load(folder: FilePath | str | None = None, overlays: Iterable[FilePath | str] = ()) -> Contract:
    """The contract of a folder (the shipped one, if none is given) with overlays laid over it in turn.

    A folder has `scenarios/` and `schemas/`, or all its files flat: `*.yaml`, `*.yml`, `*.json`. Names that
    begin with a dot are passed over. Raises `ConfigError`.
    """
    base = shipped_folder() if folder is None else FilePath(folder)
    roots = (base, *map(FilePath, overlays))
    return load_sources(
        [read_folder(root, full_names=folder is not None or root is not base) for root in roots], str(base)
    )


def load_sources(files: Sequence[Sequence[SourceFile]], name: str) -> Contract:
    """The contract of files that are read, those of each layer over those before it. Raises `ConfigError`."""
    layers, schemas = Layers(), SchemaSet()
    sources = [source for layer in files for source in layer]
    for source in sources:
        if not is_schema_file(source):
            check_format(source, SCENARIOS_SCHEMA_FILE if is_scenario_file(source) else CONTRACT_SCHEMA_FILE)
    for layer in files:
        layers.add(layer)
    contract = None
    # Parts of a file that cannot be read would be reported as missing in the others, so these wait.
    if all(source.data is not MISSING for source in sources):
        sound = {name: node.data for name, node in layers.schemas.items() if not node.is_broken}
        schemas.unsound |= layers.schemas.keys() - sound.keys()
        schemas.add(sound, lambda name, diagnostic: layers.schemas[name].source.report(diagnostic))
        for node in layers.schemas.values():
            node.warn_of_keywords()
        contract = compile_contract(layers, schemas)
    diagnostics = [diagnostic for source in sources for diagnostic in sorted(source.diagnostics, key=_line_and_column)]
    if not diagnostics and contract is not None and not contract.operations:
        diagnostics = [_no_operation(name)]
    if diagnostics or contract is None:
        raise ConfigError(diagnostics)
    return replace(contract, warnings=tuple(warning for source in sources for warning in source.warnings))


def _no_operation(name: str) -> FileDiagnostic:
    expected = "a contract file with operations: {NAME: {request: METHOD /path, ...}}"
    return FileDiagnostic(Position(name, 1, 1), "a contract without operations", expected, "none", "")


class ContractFiles(NamedTuple):
    """Where a contract is loaded from: its folder (None: the shipped one) and the overlays."""

    folder: FilePath | None = None
    overlays: tuple[FilePath, ...] = ()

    def load(self) -> Contract:
        """See `load`."""
        return load(self.folder, self.overlays)

    def fingerprint(self) -> str:
        """A hash of the files as they are now: names, contents, and why any cannot be read."""
        digest = hashlib.sha256()
        for root in (self.folder or shipped_folder(), *self.overlays):
            for name, data in folder_contents(root):
                digest.update(b"%d %d " % (len(name), len(data)) + name + data)
        return digest.hexdigest()


# -- at run time ------------------------------------------------------------------------------------


MAX_RUNTIME_CONDITIONS: Final = 400
"""Members of conditions that are added at run time: each request tries them, and thousands hold the server."""


def compile_runtime_scenario(operation: Operation, body: bytes, name: str, *, is_json: bool = False) -> Scenario:
    """A scenario added at run time under a name, in YAML or JSON as in a file. Raises `ConfigError`."""
    source = read_yaml_text(body, REQUEST_BODY_SOURCE, is_json=is_json)
    if isinstance(source.data, dict) and source.data.setdefault("scenario", name) != name:
        source.report(
            Diagnostic(
                ("scenario",), "another name than in the path", name, printable(str(source.data["scenario"]), 80)
            )
        )
    scenario = _compile_part(source, "scenario", operation.runtime_compiler.scenario)
    return replace(scenario, runtime_text=body.decode("utf-8-sig"))


def compile_runtime_conditions(operation: Operation, when: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The conditions of a `when` that is added at run time. Raises `ConfigError`."""
    return _compile_part(SourceFile(REQUEST_BODY_SOURCE, when), "when", operation.runtime_compiler.conditions)


_Compiled = TypeVar("_Compiled")


def _compile_part(source: SourceFile, part: str, compile_node: Callable[[ConfigNode], _Compiled | None]) -> _Compiled:
    """Check and compile a part of a scenario file that is added at run time. Raises `ConfigError`."""
    compiled = None
    if source.data is not MISSING:
        _limit_conditions(source, part)  # before work that takes long for many
        if not source.diagnostics:
            for violation in _part_validator(part).violations("body", source.data):
                source.report(_diagnostic(violation, source.data, part))
        if not source.diagnostics:
            compiled = compile_node(ConfigNode(source, (), source.data, 0))
    if source.diagnostics or compiled is None:
        raise ConfigError(sorted(source.diagnostics, key=_line_and_column))
    return compiled


def _limit_conditions(source: SourceFile, part: str) -> None:
    """Report conditions that are too many; what is no mapping has none."""
    if not isinstance(source.data, Mapping):
        return
    data = source.data
    count = count_members(data if part == "when" else [data.get("when"), data.get("also")])
    if count > MAX_RUNTIME_CONDITIONS:
        expected = f"at most {MAX_RUNTIME_CONDITIONS} members; a contract file may have more"
        source.report(Diagnostic((), "too many conditions for one that is added at run time", expected, str(count)))


def _line_and_column(diagnostic: FileDiagnostic) -> tuple[int, int]:
    return diagnostic.position.line, diagnostic.position.column


# -- formats --------------------------------------------------------------------------------------


@cache
def _format_set(name: str) -> SchemaSet:
    """The schema of a kind of document, compiled."""
    formats = SchemaSet(exact=True)
    formats.add_trusted({name: decode_json((shipped_folder() / "schemas" / name).read_bytes(), MAX_FILE_DEPTH)})
    return formats


@cache
def format_validator(name: str) -> Validator:
    """The validator of a kind of document."""
    return cast(Validator, _format_set(name).validator(name))


@cache
def _part_validator(name: str) -> Validator:
    """The validator of a part of a scenario file; nothing is reported, as the formats are sound."""
    reference = {"$ref": f"{SCENARIOS_SCHEMA_FILE}#/$defs/{name}"}
    return cast(Validator, _format_set(SCENARIOS_SCHEMA_FILE).compile_inline(reference, (), lambda _: None))


def check_format(source: SourceFile, name: str) -> None:
    """Report what in a file breaks the schema of its kind of document; a file that is unusable loses its data."""
    if source.data is MISSING:
        return
    reported = set(source.broken_paths)
    found = format_validator(name).violations("file", source.data)
    violations = [one for one in found if one.path not in reported]
    for violation in violations:
        source.report(_diagnostic(violation, source.data, "the file", "begin with format: 1"))
    if any(len(violation.path) < 2 for violation in violations):
        source.data = MISSING


def _diagnostic(violation: Violation, data: object, whole: str, whole_hint: str = "") -> Diagnostic:
    """The diagnostic for a violation of a format; `whole` names what has it, for which there may be a hint."""
    at: Path = violation.path
    last, place = str(at[-1]) if at else "", ".".join(map(str, at)) or whole
    if violation.keyword == "additionalProperties":
        return unknown_name(at, f"unknown member {last}", last, violation.known)
    words = mismatch_of(violation, data)
    if violation.got == "missing":
        return Diagnostic(at, f"missing member {last}", f"{place}: {violation.description}", words.got)
    hint = words.hint if at else whole_hint
    return Diagnostic(at, f"wrong value for {place}", words.expected, words.got, hint)
