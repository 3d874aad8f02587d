"""The schemas of the two file formats and the code hold together."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mockserver.base.values import KINDS_OF_ABSENCE
from mockserver.contract.conditions import LOGIC
from mockserver.contract.folders import CONTRACT_SCHEMA_FILE, SCENARIOS_SCHEMA_FILE
from mockserver.contract.loading import shipped_folder
from mockserver.contract.operators import OPERATORS, WORDS
from mockserver.core.faults import FAULTS
from mockserver.core.model import Settings
from mockserver.schema.schema_set import SchemaSet

FORMATS: dict[str, Any] = {
    name: json.loads((shipped_folder() / "schemas" / name).read_bytes())
    for name in (CONTRACT_SCHEMA_FILE, SCENARIOS_SCHEMA_FILE)
}
SCENARIOS = FORMATS[SCENARIOS_SCHEMA_FILE]["$defs"]


def declared(schema: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every member that a format declares, with its schema."""
    if isinstance(schema, dict):
        for name, member in schema.get("properties", {}).items():
            yield (*at, name), member
        for key, inner in schema.items():
            yield from declared(inner, (*at, key))
    elif isinstance(schema, list):
        for index, inner in enumerate(schema):
            yield from declared(inner, (*at, str(index)))


MEMBERS = [(name, at, member) for name, schema in FORMATS.items() for at, member in declared(schema)]


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_schemas(name: str) -> None:
    """Both are JSON Schema 2020-12, and pass what a contract's own schemas have to pass."""
    assert FORMATS[name]["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(FORMATS[name])
    reported: list[object] = []
    SchemaSet().add(FORMATS, lambda *fault: reported.append(fault))
    assert reported == []


@pytest.mark.parametrize(("name", "at", "member"), MEMBERS, ids=["/".join((name, *at)) for name, at, _ in MEMBERS])
def test_members_are_described(name: str, at: tuple[str, ...], member: Any) -> None:
    """Every member has a description, its own or that of what it refers to, for editors to show."""
    referred = FORMATS[name]
    for step in member.get("$ref", "#")[2:].split("/"):
        referred = referred[step] if step else {}
    assert member.get("description") or referred.get("description"), at


def test_operators_are_those_of_the_code() -> None:
    """The format names every operator, and no other."""
    assert set(SCENARIOS["operators"]["properties"]) == set(OPERATORS)
    words = {name for name, schema in SCENARIOS["operators"]["properties"].items() if schema.get("const") is True}
    assert words == set(WORDS)


def test_faults_are_those_of_the_code() -> None:
    """The format names every fault, and no other."""
    assert SCENARIOS["fault"]["properties"]["kind"]["enum"] == [*FAULTS]


def test_logic_and_violations_are_those_of_the_code() -> None:
    """The words that are not paths in `when` are those that the code knows."""
    assert set(SCENARIOS["when"]["properties"]) == {*LOGIC, "violation"}
    assert set(SCENARIOS["violation"]["then"]["properties"]) == {"at", "keyword", "came"}


def test_what_came_is_what_the_code_says() -> None:
    """The words for what came are those of violations; an unquoted null is the word."""
    assert SCENARIOS["came"]["enum"] == [*KINDS_OF_ABSENCE, None]


def test_settings_are_those_of_the_code() -> None:
    """The format names every setting, and no other."""
    named = FORMATS[CONTRACT_SCHEMA_FILE]["properties"]["settings"]["properties"]
    assert set(named) == {field.name for field in dataclasses.fields(Settings)}


def test_the_defaults_of_settings_fit_the_format() -> None:
    """A settings block with every default is a sound one."""
    schemas = SchemaSet()
    schemas.add(FORMATS, lambda *_: None)
    validator = schemas.validator(CONTRACT_SCHEMA_FILE)
    defaults = json.loads(json.dumps(dataclasses.asdict(Settings())))
    assert validator is not None
    assert validator.violations("file", {"format": 1, "settings": defaults}) == ()


def test_nothing_unknown_is_let_through() -> None:
    """Every object of the formats says which members it knows: all closed, or open with a schema for the rest."""
    loose = []
    for name, schema in FORMATS.items():
        pending = [schema]
        while pending:
            sub = pending.pop()
            pending += [s for s in (sub.values() if isinstance(sub, dict) else sub) if isinstance(s, dict | list)]
            if isinstance(sub, dict) and isinstance(sub.get("properties"), dict) and "additionalProperties" not in sub:
                loose.append((name, tuple(sub["properties"])))
    assert loose == [(SCENARIOS_SCHEMA_FILE, ("status", "headers"))], (
        "respond holds the name of an envelope, which the code checks"
    )


def test_shipped_files_name_their_format() -> None:
    """The shipped YAML files point editors to the schema of their format."""
    for file in sorted((shipped_folder() / "scenarios").glob("*.yaml")):
        first = file.read_text("utf-8").partition("\n")[0]
        target = first.removeprefix("# yaml-language-server: $schema=")
        assert (file.parent / Path(target)).resolve().name in FORMATS
