"""Files into a contract: finding them, checking their format, laying overlays over them.

Knows the layout of a contract folder and the two file formats; it decides no request. Everything that is
wrong is reported at once, each with file, line and column.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path as FilePath
from typing import Final

from mockserver.compiling import compile_contract
from mockserver.layers import Layers, is_scenario_file
from mockserver.model import MISSING, Contract, Fault, Path, Position, Violation
from mockserver.sources import Problem, Source, read_json, read_yaml
from mockserver.validation import SchemaSet, Validator, value_at
from mockserver.values import near, printable, write_ascii

CONTRACT_FORMAT: Final = "contract.schema.json"
SCENARIOS_FORMAT: Final = "scenarios.schema.json"


class ConfigError(Exception):
    """The files make no contract. `problems` holds everything that is wrong, file by file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems; the message lists them all."""
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))


def shipped() -> FilePath:
    """The folder of the contract that comes with this package."""
    package = FilePath(__file__).parent
    inside = package / "contract"
    return inside if inside.is_dir() else package.parent


def load(folder: FilePath | str | None = None, overlays: Iterable[FilePath | str] = ()) -> Contract:
    """The contract of a folder (the shipped one, if none is given) with overlays laid over it in turn.

    A folder has `scenarios/` and `schemas/`, or all its files flat: `*.yaml`, `*.yml`, `*.json`. Names that
    begin with a dot are passed over. Raises `ConfigError`.
    """
    base = shipped() if folder is None else FilePath(folder)
    layers, schemas, sources = Layers(), SchemaSet(), []
    for root in (base, *map(FilePath, overlays)):
        found = _read_folder(root, base if folder is None and root is base else None)
        sources += [*found.schemas, *found.texts]
        by_name = {FilePath(source.name).name: source for source in found.schemas}
        readable = {name: source.data for name, source in by_name.items() if not source.problems}
        schemas.add(readable, partial(_report, by_name))
        for source in found.texts:
            _check_format(source)
        layers.add(found.texts)
    # What cannot be read at all would be missed everywhere; then the rest waits.
    contract = None if any(source.data is None for source in sources) else compile_contract(layers, schemas)
    problems = [problem for source in sources for problem in sorted(source.problems, key=_line)]
    if problems or contract is None:
        raise ConfigError(problems)
    return contract


def _report(sources: Mapping[str, Source], name: str, fault: Fault) -> None:
    sources[name].report(fault)


def _line(problem: Problem) -> tuple[int, int]:
    return problem.position.line, problem.position.column


# -- folders --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Folder:
    texts: list[Source]
    schemas: list[Source]


def _read_folder(root: FilePath, hide: FilePath | None) -> _Folder:
    """The files of a folder. Names are as the user gave the folder; below `hide` they are relative."""
    nested = [root / name for name in ("scenarios", "schemas") if (root / name).is_dir()]
    files = []
    try:
        for folder in nested or [root]:
            files += sorted(f for f in folder.iterdir() if not f.name.startswith(".") and f.is_file())
    except OSError as error:
        raise ConfigError([_no_folder(root, error.strerror or str(error))]) from None
    texts, schemas = [], []
    for file in files:
        name = str(file.relative_to(hide) if hide is not None else file)
        if file.suffix in (".yaml", ".yml"):
            texts.append(read_yaml(file, name))
        elif file.suffix == ".json" and file.name not in (CONTRACT_FORMAT, SCENARIOS_FORMAT):
            schemas.append(read_json(file, name))
    if not texts:
        raise ConfigError([_no_folder(root, "no *.yaml or *.yml in it")])
    return _Folder(texts, schemas)


def _no_folder(root: FilePath, reason: str) -> Problem:
    return Problem(
        Position(str(root), 1, 1),
        f"no contract can be read here: {reason}",
        "a folder with scenarios/ and schemas/, or with *.yaml and *.json files",
        "",
        "is the path right, and is the folder mounted?",
    )


# -- formats --------------------------------------------------------------------------------------


@cache
def _formats() -> tuple[Validator, Validator]:
    folder = shipped() / "schemas"
    formats = SchemaSet()
    wrong: list[Fault] = []
    for name in (CONTRACT_FORMAT, SCENARIOS_FORMAT):
        formats.add({name: json.loads((folder / name).read_bytes())}, lambda _, fault: wrong.append(fault))
    compiled = [formats.validator(name) for name in (CONTRACT_FORMAT, SCENARIOS_FORMAT)]
    if wrong or compiled[0] is None or compiled[1] is None:
        raise RuntimeError(f"the package's own format schemas are broken: {wrong}")
    return compiled[0], compiled[1]


def _check_format(source: Source) -> None:
    if source.data is None:
        return
    contract, scenarios = _formats()
    validator = scenarios if is_scenario_file(source) else contract
    for violation in validator.violations("file", source.data):
        source.report(_fault(violation, source.data))


def _fault(violation: Violation, data: object) -> Fault:
    at: Path = violation.path
    value = value_at(data, at)
    place = ".".join(map(str, at)) or "the file"
    last = str(at[-1]) if at else ""
    came = "nothing" if value is MISSING else printable(write_ascii(value), 80)
    if violation.keyword == "additionalProperties":
        spelt = near(last, violation.known)
        hint = f"did you mean {spelt[0]}?" if spelt else ""
        return Fault(at, f"unknown member {last}", f"one of {', '.join(violation.known)}", last, hint)
    if violation.came == "missing":
        return Fault(at, f"missing member {last}", f"{place}: {violation.about or 'a value'}", "nothing")
    expected = violation.message.removeprefix("expected ").partition(", got ")[0]
    spelt = near(str(value), violation.known)
    hint = f"did you mean {spelt[0]}?" if spelt else violation.about
    return Fault(at, f"wrong value for {place}", expected, came, hint)
