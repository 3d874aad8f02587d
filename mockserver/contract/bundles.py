"""Contract bundles: a contract with all its layers as one JSON document, which `load_bundle` reads back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, Final

from mockserver.base.values import printable
from mockserver.contract.folders import BUNDLE_SCHEMA_FILE
from mockserver.contract.loading import ConfigError, format_validator, load_sources
from mockserver.core.contract import Contract
from mockserver.core.diagnostics import FileDiagnostic, Position
from mockserver.core.model import MISSING
from mockserver.files.sources import SourceFile, read_json

BUNDLE_VERSION: Final = 1


def contract_bundle(contract: Contract) -> dict[str, Any]:
    """The bundle of a contract; see `schemas/contract-bundle.schema.json`."""
    return {"bundle": BUNDLE_VERSION, "hash": contract.hash, **contract.definition}


def load_bundle_file(file: FilePath) -> Contract:
    """The contract of a bundle in a file. Raises `ConfigError`."""
    source = read_json(file, str(file))
    if source.data is MISSING or source.diagnostics:
        raise ConfigError(source.diagnostics)
    return load_bundle(source.data, str(file))


def load_bundle(bundle: Any, name: str) -> Contract:
    """The contract of a bundle; `name` says in errors where it comes from. Raises `ConfigError`."""
    wrong = format_validator(BUNDLE_SCHEMA_FILE).violations("bundle", bundle)
    if wrong:
        expected = "a bundle, as mockserver export bundle writes it"
        hint = (
            "mockserver replay reads the bundle of a request" if isinstance(bundle, dict) and "entry" in bundle else ""
        )
        diagnostic = FileDiagnostic(
            Position(name, 1, 1), "no contract bundle", expected, printable(wrong[0].text, 200), hint
        )
        raise ConfigError([diagnostic])
    return load_sources([[*_sources(bundle, name)]], name)


def _sources(bundle: Any, name: str) -> Iterator[SourceFile]:
    """The parts of a bundle as the files of a folder."""
    yield SourceFile(f"{name}: contract", bundle["contract"])
    for operation, scenarios in bundle["scenarios"].items():
        data = {"format": 1, "operation": operation, "scenarios": scenarios}
        yield SourceFile(f"{name}: scenarios of {operation}", data)
    for file, schema in bundle["schemas"].items():
        yield SourceFile(f"{name}: schemas/{file}", schema)
