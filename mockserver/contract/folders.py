"""The files of a contract's folder: which ones are read, and what is reported of those that cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Final, NamedTuple

from mockserver.base.marks import START
from mockserver.core.model import MISSING
from mockserver.files.sources import SourceFile, read_json, read_regular_file
from mockserver.files.yaml_source import read_yaml

CONTRACT_SCHEMA_FILE: Final = "contract.schema.json"
SCENARIOS_SCHEMA_FILE: Final = "scenarios.schema.json"
ENTRY_SCHEMA_FILE: Final = "journal-entry.schema.json"
BUNDLE_SCHEMA_FILE: Final = "contract-bundle.schema.json"
COMPARISON_SCHEMA_FILE: Final = "comparison.schema.json"
COVERAGE_SCHEMA_FILE: Final = "coverage.schema.json"
BINDINGS_FORMAT: Final = "provider-bindings.schema.json"
PROVIDER_REPORT_FORMAT: Final = "provider-report.schema.json"
_OTHER_FORMATS: Final = (
    *(CONTRACT_SCHEMA_FILE, SCENARIOS_SCHEMA_FILE, ENTRY_SCHEMA_FILE, BUNDLE_SCHEMA_FILE, COMPARISON_SCHEMA_FILE),
    *(COVERAGE_SCHEMA_FILE, BINDINGS_FORMAT, PROVIDER_REPORT_FORMAT),
)
"""Schemas of other documents, which stand beside those of the shipped contract and are no part of it."""

_YAML: Final = (".yaml", ".yml")


def read_folder(root: FilePath, *, full_names: bool) -> list[SourceFile]:
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
    """The files of a contract in a folder, with what only reading reports: folders, devices, dead links."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix in (*_YAML, ".json") and not file.name.startswith(".") and file.name not in _OTHER_FORMATS
    )


def _read(file: FilePath, name: str) -> SourceFile:
    return read_yaml(file, name) if file.suffix in _YAML else read_json(file, name)


def _misplaced(file: FilePath) -> SourceFile | None:
    """A contract file beside `scenarios` and `schemas`, reported as it would not be read; None for any other file."""
    source = read_yaml(file, str(file)) if file.suffix in _YAML else None
    if source is None or not isinstance(source.data, dict) or "format" not in source.data:
        return None
    source.report_at(
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
    expected = "a folder with scenarios/ and schemas/, or with *.yaml and *.json files"
    hint = "is the path right, and is the folder mounted?"
    source.report_at(START, f"no contract can be read here: {reason}", expected, "", hint)
    return source


def folder_contents(root: FilePath) -> Iterator[tuple[bytes, bytes]]:
    """The names of the files of a folder, each with its bytes, or with the number of the error."""
    try:
        folder = _list_folder(root)
    except OSError as error:
        yield _as_bytes(root), str(error.errno).encode()
        return
    yield _as_bytes(root), b""
    for file in (*folder.files, *folder.beside):
        try:
            yield _as_bytes(file), read_regular_file(file)
        except OSError as error:
            yield _as_bytes(file) + b"!", str(error.errno).encode()


def _as_bytes(path: FilePath) -> bytes:
    return str(path).encode("utf-8", "surrogateescape")
