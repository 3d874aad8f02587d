"""Loading a contract: finding its files, checking their format, laying overlays over them.

Everything that is wrong is reported at once, each with file, line and column.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path as FilePath
from typing import Any, Final, NamedTuple, TypeVar, cast

from mockserver.contract.compiler import compile_contract
from mockserver.contract.layers import ConfigNode, Layers, is_scenario_file, is_schema_file
from mockserver.contract.paths import unknown_name
from mockserver.contract.sources import DEEPEST, START, Problem, SourceFile, read_json
from mockserver.contract.yaml_source import read_text, read_yaml
from mockserver.core.contract import Contract, Operation, Scenario
from mockserver.core.language import Condition
from mockserver.core.model import MISSING, Diagnostic, Path, Position, Violation
from mockserver.core.values import printable, read
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import Validator
from mockserver.schema.violations import describe

GIVEN: Final = "request body"
"""The name in reports of a text that is no file."""

CONTRACT_FORMAT: Final = "contract.schema.json"
SCENARIOS_FORMAT: Final = "scenarios.schema.json"
ENTRY_FORMAT: Final = "journal-entry.schema.json"
_NOT_OF_A_CONTRACT: Final = (CONTRACT_FORMAT, SCENARIOS_FORMAT, ENTRY_FORMAT)


class ConfigError(Exception):
    """The files make no contract. `problems` holds everything that is wrong, file by file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems; the message lists them all."""
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))

    @property
    def shown(self) -> list[dict[str, str]]:
        """The problems as members of a JSON document."""
        return [
            {"at": str(p.position), "what": p.what, "expected": p.expected, "came": p.got, "try": p.hint}
            for p in self.problems
        ]


def shipped() -> FilePath:
    """The folder of the contract that comes with this package."""
    package = FilePath(__file__).parents[1]
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent


def load(folder: FilePath | str | None = None, overlays: Iterable[FilePath | str] = ()) -> Contract:
    """The contract of a folder (the shipped one, if none is given) with overlays laid over it in turn.

    A folder has `scenarios/` and `schemas/`, or all its files flat: `*.yaml`, `*.yml`, `*.json`. Names that
    begin with a dot are passed over. Raises `ConfigError`.
    """
    base = shipped() if folder is None else FilePath(folder)
    layers, schemas = Layers(), SchemaSet()
    sources: list[SourceFile] = []
    for root in (base, *map(FilePath, overlays)):
        files = _read_folder(root, full_names=folder is not None or root is not base)
        for source in files:
            _check_format(source)
        layers.add(files)
        sources += files
    contract = None
    # Parts of a file that cannot be read would be reported as missing in the others, so these wait.
    if all(source.data is not MISSING for source in sources):
        readable = {name: entry.data for name, entry in layers.schemas.items() if not entry.broken}
        schemas.unsound |= layers.schemas.keys() - readable.keys()
        schemas.add(readable, lambda name, fault: layers.schemas[name].source.report(fault))
        contract = compile_contract(layers, schemas)
    problems = [problem for source in sources for problem in sorted(source.problems, key=_line_and_column)]
    if not problems and contract is not None and not contract.operations:
        problems = [_no_operation(base)]
    if problems or contract is None:
        raise ConfigError(problems)
    return contract


class Files(NamedTuple):
    """Where a contract is loaded from: its folder (None: the shipped one) and the overlays."""

    folder: FilePath | None = None
    overlays: tuple[FilePath, ...] = ()

    def load(self) -> Contract:
        """See `load`."""
        return load(self.folder, self.overlays)

    def fingerprint(self) -> str:
        """A hash of the files as they are now: names, contents, and why any cannot be read."""
        digest = hashlib.sha256()
        for root in (self.folder or shipped(), *self.overlays):
            for name, data in _contents(root):
                digest.update(b"%d %d " % (len(name), len(data)) + name + data)
        return digest.hexdigest()


def _contents(root: FilePath) -> Iterator[tuple[bytes, bytes]]:
    """The names of the files of a folder, each with its bytes, or with the number of the error."""
    try:
        folder = _list_folder(root)
    except OSError as error:
        yield _as_bytes(root), str(error.errno).encode()
        return
    yield _as_bytes(root), b""
    for file in (*folder.files, *folder.beside):
        try:
            yield _as_bytes(file), file.read_bytes()
        except OSError as error:
            yield _as_bytes(file) + b"!", str(error.errno).encode()


def _as_bytes(path: FilePath) -> bytes:
    return str(path).encode("utf-8", "surrogateescape")


# -- at run time ------------------------------------------------------------------------------------


def compile_runtime_scenario(operation: Operation, body: bytes, name: str) -> Scenario:
    """A scenario given while the mock runs, in YAML or JSON as in a file, under a name. Raises `ConfigError`."""
    source = read_text(body, GIVEN)
    if isinstance(source.data, dict) and source.data.setdefault("scenario", name) != name:
        source.report(
            Diagnostic(
                ("scenario",), "another name than in the path", name, printable(str(source.data["scenario"]), 80)
            )
        )
    scenario = _compile_part(source, "scenario", operation.runtime_compiler.scenario)
    return replace(scenario, source_text=body.decode("utf-8-sig"))


def compile_runtime_conditions(operation: Operation, when: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The conditions of a `when` given while the mock runs. Raises `ConfigError`."""
    return _compile_part(SourceFile(GIVEN, when), "when", operation.runtime_compiler.conditions)


_Compiled = TypeVar("_Compiled")


def _compile_part(source: SourceFile, part: str, compile_node: Callable[[ConfigNode], _Compiled | None]) -> _Compiled:
    """A part of a scenario file that is given at run time: checked, then compiled. Raises `ConfigError`."""
    compiled = None
    if source.data is not MISSING:
        for violation in _part_format(part).violations("body", source.data):
            source.report(_fault(violation, source.data))
        if not source.problems:
            compiled = compile_node(ConfigNode(source, (), source.data, 0))
    if source.problems or compiled is None:
        raise ConfigError(sorted(source.problems, key=_line_and_column))
    return compiled


def _line_and_column(problem: Problem) -> tuple[int, int]:
    return problem.position.line, problem.position.column


# -- folders --------------------------------------------------------------------------------------

_YAML: Final = (".yaml", ".yml")


def _read_folder(root: FilePath, *, full_names: bool) -> list[SourceFile]:
    """The files of a folder, named as the user gave the folder, or (not `full_names`) relative to it.

    A folder that cannot be read is a source without data.
    """
    try:
        folder = _list_folder(root)
    except OSError as error:
        return [_no_folder(root, error.strerror or str(error))]
    sources = [_read(file, str(file if full_names else file.relative_to(root))) for file in folder.files]
    if full_names:
        misplaced = [_misplaced(file) for file in folder.beside]
        sources += [source for source in misplaced if source is not None]
    return sources or [_no_folder(root, "no *.yaml, *.yml or *.json in it")]


class _Folder(NamedTuple):
    """The files of a folder that are read, and those beside its folders `scenarios` and `schemas`, if it has them."""

    files: list[FilePath]
    beside: list[FilePath]


def _list_folder(root: FilePath) -> _Folder:
    """The files of a folder by name. Raises `OSError`."""
    nested = [root / name for name in ("scenarios", "schemas") if (root / name).is_dir()]
    if not nested:
        return _Folder(_files(root), [])
    return _Folder([file for folder in nested for file in _files(folder)], _files(root))


def _files(folder: FilePath) -> list[FilePath]:
    """The files of a contract in a folder; a link that leads nowhere is one, so that it is reported."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix in (*_YAML, ".json")
        and not file.name.startswith(".")
        and file.name not in _NOT_OF_A_CONTRACT
        and (file.is_file() or not file.exists())
    )


def _read(file: FilePath, name: str) -> SourceFile:
    return read_yaml(file, name) if file.suffix in _YAML else read_json(file, name)


def _misplaced(file: FilePath) -> SourceFile | None:
    """A contract file beside `scenarios` and `schemas`, which nobody reads, as a problem; None for any other file."""
    source = read_yaml(file, str(file)) if file.suffix in _YAML else None
    if source is None or not isinstance(source.data, dict) or "format" not in source.data:
        return None
    source.problem(
        START,
        "a file that would not be read",
        "all files in scenarios/ and schemas/, or all in one folder",
        "a contract file beside them",
        "move it into scenarios/",
    )
    source.data = MISSING
    return source


def _no_folder(root: FilePath, reason: str) -> SourceFile:
    source = SourceFile(str(root))
    source.problem(
        START,
        f"no contract can be read here: {reason}",
        "a folder with scenarios/ and schemas/, or with *.yaml and *.json files",
        "",
        "is the path right, and is the folder mounted?",
    )
    return source


def _no_operation(root: FilePath) -> Problem:
    expected = "a contract file with operations: {NAME: {request: METHOD /path, ...}}"
    return Problem(Position(str(root), 1, 1), "a contract without operations", expected, "none", "")


# -- formats --------------------------------------------------------------------------------------


@cache
def _format(name: str) -> SchemaSet:
    """The format of a kind of documents: a schema of ours."""
    formats = SchemaSet(exact=True)
    formats.trust({name: read((shipped() / "schemas" / name).read_bytes(), DEEPEST)})
    return formats


@cache
def format_validator(name: str) -> Validator:
    """The compiled format of a kind of documents."""
    return cast(Validator, _format(name).validator(name))


@cache
def _part_format(name: str) -> Validator:
    """The compiled format of a part of a scenario file; nothing is reported, as the formats are sound."""
    reference = {"$ref": f"{SCENARIOS_FORMAT}#/$defs/{name}"}
    return cast(Validator, _format(SCENARIOS_FORMAT).inline(reference, (), lambda _: None))


def _check_format(source: SourceFile) -> None:
    if source.data is MISSING or is_schema_file(source):
        return
    validator = format_validator(SCENARIOS_FORMAT if is_scenario_file(source) else CONTRACT_FORMAT)
    reported = set(source.faults)
    violations = [one for one in validator.violations("file", source.data) if one.path not in reported]
    for violation in violations:
        source.report(_fault(violation, source.data))
    if any(len(violation.path) < 2 for violation in violations):
        source.data = MISSING


def _fault(violation: Violation, data: object) -> Diagnostic:
    """A violation of a format as a fault of the file."""
    at: Path = violation.path
    last, place = str(at[-1]) if at else "", ".".join(map(str, at)) or "the file"
    if violation.keyword == "additionalProperties":
        return unknown_name(at, f"unknown member {last}", last, violation.known)
    expected, got, hint = describe(violation, data)
    if violation.got == "missing":
        return Diagnostic(at, f"missing member {last}", f"{place}: {violation.about}", got)
    return Diagnostic(at, f"wrong value for {place}", expected, got, hint if at else "begin with format: 1")
