"""An overlay of what a run found: the verification of each outcome, and answers of the provider as scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, Final

from mockserver.base.json_pointer import json_pointer_steps
from mockserver.base.values import encode_json
from mockserver.contract.bundles import contract_bundle, load_bundle
from mockserver.contract.folders import CONTRACT_SCHEMA_FILE, SCENARIOS_SCHEMA_FILE
from mockserver.contract.loading import ConfigError, check_format
from mockserver.core.client_advice import texts_by_language
from mockserver.core.contract import Contract
from mockserver.core.model import MISSING, Path
from mockserver.files.yaml_source import read_yaml
from mockserver.provider.bindings_template import yaml_key
from mockserver.provider.differences import own_place
from mockserver.provider.report import NO_API_ANSWER, Report

VERIFIED: Final = "verified.yaml"
_ACCEPTED: Final = "Answers of the provider that `mockserver verify-provider --accept` took over. Review them."


class NotAcceptedError(Exception):
    """An answer of the provider that no scenario can give; the message says why."""


def verified_file(folder: FilePath, report: Report, accepted: Sequence[str] = ()) -> dict[FilePath, str]:
    """The file with the verification of each outcome that the API answered; what it says of others stays.

    Those that were `accepted` are the same from now on. Raises `ConfigError` if there is such a file and it cannot be
    read.
    """
    path = folder / VERIFIED
    operations: dict[str, dict[str, Any]] = {
        name: dict(data.get("verified", {}))
        for name, data in _existing(path, CONTRACT_SCHEMA_FILE).get("operations", {}).items()
    }
    for outcome in report["outcomes"]:
        is_answered = all(one["kind"] not in NO_API_ANSWER for one in outcome["differences"])
        if outcome["result"] != "not-reached" and is_answered:
            mark = {"on": report["at"][:10], "result": "same" if outcome["id"] in accepted else outcome["result"]}
            operations.setdefault(outcome["operation"], {})[outcome["id"]] = mark
    return {path: "\n".join(_verified_lines(operations)) + "\n"}


def _verified_lines(operations: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield "# What `mockserver verify-provider` found of each outcome, and when. Answers say so in Mock-Verified."
    yield "format: 1"
    yield "operations:" if operations else "operations: {}"
    for name, marks in operations.items():
        yield f"  {yaml_key(name)}:"
        yield "    verified:"
        yield from (
            f"      {yaml_key(outcome)}: {{on: {mark['on']}, result: {mark['result']}}}"
            for outcome, mark in marks.items()
        )


def accepted_files(
    folder: FilePath, contract: Contract, report: Report, accepted: Sequence[str]
) -> dict[FilePath, str]:
    """The files with a scenario for each accepted outcome, by operation; other scenarios in them stay.

    Raises `NotAcceptedError`, and `ConfigError` if there is such a file and it cannot be read.
    """
    by_operation: dict[str, dict[str, Any]] = {}
    for outcome in report["outcomes"]:
        if outcome["id"] in accepted:
            scenario = accepted_scenario(contract, outcome, report["at"][:10])
            by_operation.setdefault(outcome["operation"], {})[outcome["id"]] = scenario
    files = {}
    for operation, scenarios in by_operation.items():
        path = folder / f"accepted-{operation}.yaml"
        earlier = {one["scenario"]: one for one in _existing(path, SCENARIOS_SCHEMA_FILE).get("scenarios", [])}
        files[path] = "\n".join(scenario_lines(_ACCEPTED, operation, {**earlier, **scenarios}.values())) + "\n"
    return files


def accepted_scenario(contract: Contract, outcome: Mapping[str, Any], day: str) -> dict[str, Any]:
    """The scenario of an outcome, with what the provider answered in place of what differs."""
    name, operation = outcome["id"], outcome["operation"]
    if outcome["result"] != "differs":
        raise NotAcceptedError(f"{name} is {outcome['result'].replace('-', ' ')}: there is nothing to accept")
    scenario = next(one for one in contract.definition["scenarios"][operation] if one["scenario"] == name)
    if "respond" not in scenario:
        raise NotAcceptedError(f"{name} answers in turn: write its answers by hand")
    respond = dict(scenario["respond"])
    envelope = next(one for one in respond if one not in ("status", "headers"))
    place = own_place(contract, operation, envelope)
    # Items of a list that are gone come last, from its end, so that no other index moves.
    missing = [one for one in outcome["differences"] if one["kind"] == "missing"]
    changed = [one for one in outcome["differences"] if one["kind"] != "missing"]
    for one in (*changed, *reversed(missing)):
        at, came = _place_in_own_part(one, place), MISSING if one["kind"] == "missing" else one["came"]
        if one["kind"] == "status":
            respond = {"status": came, **respond}
        elif "${" in encode_json(one["came"]).decode():
            raise NotAcceptedError(f"{name}: {one['at']} has ${{, which a scenario would take for a reference")
        elif at is None:
            raise NotAcceptedError(f"{name}: {one['at']} ({one['kind']}) is not the scenario's own: change it by hand")
        else:
            respond[envelope] = _changed(respond[envelope], at, came)
    remark = f"Accepted from the provider on {day}."
    note = scenario.get("note", "")
    by_language = {language: f"{text} {remark}" for language, text in texts_by_language(note).items()}
    accepted = {**scenario, "note": f"{note} {remark}".strip() if isinstance(note, str) else by_language}
    accepted["respond"] = respond
    _check(contract, operation, accepted)
    return accepted


def _place_in_own_part(difference: Mapping[str, Any], own: Path | None) -> Sequence[str] | None:
    """Where in the scenario's own part of the body a value differs; None if it is not in there, or no value differs."""
    if own is None or difference["kind"] in ("form", "repeated") or not difference["at"].startswith("body /"):
        return None
    at = json_pointer_steps(difference["at"].removeprefix("body "))
    return at[len(own) :] if list(at[: len(own)]) == [*map(str, own)] else None


def _check(contract: Contract, operation: str, accepted: Mapping[str, Any]) -> None:
    """Raise `NotAcceptedError` if the contract would be none with a scenario."""
    name, bundle = accepted["scenario"], contract_bundle(contract)
    scenarios = [accepted if one["scenario"] == name else one for one in bundle["scenarios"][operation]]
    bundle["scenarios"] = {**bundle["scenarios"], operation: scenarios}
    try:
        load_bundle(bundle, name)
    except ConfigError as error:
        first = error.diagnostics[0]
        raise NotAcceptedError(f"{name}: {first.what} ({first.expected}): change the schema by hand") from None


def _changed(value: Any, at: Sequence[str], came: Any) -> Any:
    """A part of a scenario's answer with another value at a place, or none if that is `MISSING`."""
    if not at:
        return came
    head, *rest = at
    if isinstance(value, list):
        items = [*value, *([MISSING] if int(head) == len(value) else [])]
        items[int(head)] = _changed(items[int(head)], rest, came)
        return [item for item in items if item is not MISSING]
    members = dict(value) if isinstance(value, dict) else {}
    members[head] = _changed(members.get(head), rest, came)
    return {name: member for name, member in members.items() if member is not MISSING}


def scenario_lines(comment: str, operation: str, scenarios: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of a file of scenarios, with a comment at its beginning."""
    yield f"# {comment}"
    yield "format: 1"
    yield f"operation: {yaml_key(operation)}"
    yield "scenarios:"
    for scenario in scenarios:
        for index, (name, value) in enumerate(scenario.items()):
            yield f"{'  ' if index else '- '}{yaml_key(name)}: {encode_json(value).decode()}"


def _existing(path: FilePath, form: str) -> Mapping[str, Any]:
    """The data of a file that an earlier run wrote; empty if there is none. Raises `ConfigError`."""
    if not path.exists():
        return {}
    source = read_yaml(path, str(path))
    check_format(source, form)
    if source.diagnostics or not isinstance(source.data, dict):
        raise ConfigError(source.diagnostics)
    return source.data
