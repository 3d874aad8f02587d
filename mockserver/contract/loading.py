"""Files into a contract: finding them, checking their format, laying overlays over them.

Knows the layout of a contract folder and the two file formats; it decides no request. Everything that is
wrong is reported at once, each with file, line and column.
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
from mockserver.contract.sources import DEEPEST, Problem, SourceFile, read_json, read_text, read_yaml
from mockserver.core.contract import Condition, Contract, Operation, Scenario
from mockserver.core.model import MISSING, Diagnostic, Path, Position, Violation
from mockserver.core.values import close_matches, printable, read
from mockserver.schema.schema_set import SchemaSet
from mockserver.schema.validator import Validator
from mockserver.schema.violations import describe

GIVEN: Final = "request body"
"""The name, in reports, of what is no file."""

CONTRACT_FORMAT: Final = "contract.schema.json"
SCENARIOS_FORMAT: Final = "scenarios.schema.json"


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
            {"at": str(p.position), "what": p.what, "expected": p.expected, "came": p.came, "try": p.hint}
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
        found = _read_folder(root, own=folder is not None or root is not base)
        for source in found:
            _check_format(source)
        layers.add(found)
        sources += found
    contract = None
    # What a file that cannot be read, or is of a wrong form as a whole, holds would be missed: the rest waits.
    if all(source.data is not MISSING for source in sources):
        readable = {name: entry.data for name, entry in layers.schemas.items() if not entry.broken}
        schemas.unsound |= layers.schemas.keys() - readable.keys()
        schemas.add(readable, lambda name, fault: layers.schemas[name].source.report(fault))
        contract = compile_contract(layers, schemas)
    problems = [problem for source in sources for problem in sorted(source.problems, key=_line)]
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
        """A hash of what would be read now: names and contents, and what cannot be read."""
        digest = hashlib.sha256()
        for root in (self.folder or shipped(), *self.overlays):
            for name, data in _contents(root):
                digest.update(b"%d %d " % (len(name), len(data)) + name + data)
        return digest.hexdigest()


def _contents(root: FilePath) -> Iterator[tuple[bytes, bytes]]:
    try:
        files, beside = _listed(root)
    except OSError as error:
        yield _bytes(root), str(error.errno).encode()
        return
    yield _bytes(root), b""
    for file in (*files, *beside):
        try:
            yield _bytes(file), file.read_bytes()
        except OSError as error:
            yield _bytes(file) + b"!", str(error.errno).encode()


def _bytes(path: FilePath) -> bytes:
    return str(path).encode("utf-8", "surrogateescape")


# -- at run time ------------------------------------------------------------------------------------


def given_scenario(operation: Operation, body: bytes, name: str) -> Scenario:
    """A scenario given while the mock runs, in YAML or JSON as in a file, under a name. Raises `ConfigError`."""
    source = read_text(body, GIVEN)
    if isinstance(source.data, dict) and source.data.setdefault("scenario", name) != name:
        source.report(
            Diagnostic(
                ("scenario",), "another name than in the path", name, printable(str(source.data["scenario"]), 80)
            )
        )
    scenario = _given(source, "scenario", operation.run_time.scenario)
    return replace(scenario, source_text=body.decode("utf-8-sig"))


def given_conditions(operation: Operation, when: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The conditions of a `when` given while the mock runs. Raises `ConfigError`."""
    return _given(SourceFile(GIVEN, when), "when", operation.run_time.conditions)


_Given = TypeVar("_Given")


def _given(source: SourceFile, what: str, compile_entry: Callable[[ConfigNode], _Given | None]) -> _Given:
    compiled = None
    if source.data is not MISSING:
        for violation in _part(what).violations("body", source.data):
            source.report(_fault(violation, source.data))
        if not source.problems:
            compiled = compile_entry(ConfigNode(source, (), source.data, 0))
    if source.problems or compiled is None:
        raise ConfigError(sorted(source.problems, key=_line))
    return compiled


@cache
def _part(name: str) -> Validator:
    """The compiled format of a part of a scenario file."""
    formats = SchemaSet(exact=True)
    formats.trust({SCENARIOS_FORMAT: _format(SCENARIOS_FORMAT)})
    return cast(Validator, formats.inline({"$ref": f"{SCENARIOS_FORMAT}#/$defs/{name}"}, (), lambda _: None))


def _line(problem: Problem) -> tuple[int, int]:
    return problem.position.line, problem.position.column


# -- folders --------------------------------------------------------------------------------------

_TEXTS: Final = (".yaml", ".yml")


def _read_folder(root: FilePath, *, own: bool) -> list[SourceFile]:
    """The files of a folder, named as the user gave the folder (`own`), or else relative to it.

    A folder that cannot be read is a source without data.
    """
    try:
        files, beside = _listed(root)
    except OSError as error:
        return [_no_folder(root, error.strerror or str(error))]
    sources = [_read(file, root, own=own) for file in files]
    if own:
        sources += [s for s in map(_misplaced, beside) if s is not None]
    return sources or [_no_folder(root, "no *.yaml, *.yml or *.json in it")]


def _listed(root: FilePath) -> tuple[list[FilePath], list[FilePath]]:
    """The files of a folder that are read, and those beside its two folders, where it has them. Raises `OSError`."""
    nested = [root / name for name in ("scenarios", "schemas") if (root / name).is_dir()]
    return [file for folder in nested or [root] for file in _files(folder)], _files(root) if nested else []


def _files(folder: FilePath) -> list[FilePath]:
    """The files of a contract in a folder; a link that leads nowhere is one, to be told of."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix in (*_TEXTS, ".json")
        and not file.name.startswith(".")
        and file.name not in (CONTRACT_FORMAT, SCENARIOS_FORMAT)
        and (file.is_file() or not file.exists())
    )


def _read(file: FilePath, root: FilePath, *, own: bool) -> SourceFile:
    name = str(file if own else file.relative_to(root))
    return read_yaml(file, name) if file.suffix in _TEXTS else read_json(file, name)


def _misplaced(file: FilePath) -> SourceFile | None:
    source = read_yaml(file, str(file)) if file.suffix in _TEXTS else None
    if source is None or not isinstance(source.data, dict) or "format" not in source.data:
        return None
    source.problem(
        (1, 1),
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
        (1, 1),
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
def _formats() -> tuple[Validator, ...]:
    """The compiled formats of contract files and of scenario files."""
    formats, names = SchemaSet(exact=True), (CONTRACT_FORMAT, SCENARIOS_FORMAT)
    formats.trust({name: _format(name) for name in names})
    return tuple(cast(Validator, formats.validator(name)) for name in names)


def _format(name: str) -> Any:
    """The format of a kind of files: a schema of ours."""
    return read((shipped() / "schemas" / name).read_bytes(), DEEPEST)


def _check_format(source: SourceFile) -> None:
    if source.data is MISSING or is_schema_file(source):
        return
    validator = _formats()[is_scenario_file(source)]
    known = set(source.faults)
    found = [v for v in validator.violations("file", source.data) if v.path not in known]
    for violation in found:
        source.report(_fault(violation, source.data))
    if any(len(violation.path) < 2 for violation in found):
        source.data = MISSING


def _fault(violation: Violation, data: object) -> Diagnostic:
    at: Path = violation.path
    last, place = str(at[-1]) if at else "", ".".join(map(str, at)) or "the file"
    if violation.keyword == "additionalProperties":
        spelt = close_matches(last, violation.known)
        hint = f"did you mean {spelt[0]}?" if spelt else ""
        return Diagnostic(at, f"unknown member {last}", f"one of {', '.join(violation.known)}", last, hint)
    expected, came, hint = describe(violation, data)
    if violation.came == "missing":
        return Diagnostic(at, f"missing member {last}", f"{place}: {violation.about}", came)
    return Diagnostic(at, f"wrong value for {place}", expected, came, hint if at else "begin with format: 1")
