"""Drafts of scenarios from recorded answers: outcomes as the provider has them, and answers that nobody wrote down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from mockserver.base.json_pointer import json_pointer
from mockserver.base.values import encode_json, is_empty
from mockserver.contract.bundles import contract_bundle, load_bundle
from mockserver.contract.loading import ConfigError
from mockserver.contract.templates import place_of_respond
from mockserver.core.contract import Contract, Operation
from mockserver.core.model import value_at
from mockserver.engine.linter import ExampleRunner
from mockserver.entries.journal_entry import JSON, JournalEntry
from mockserver.privacy.secrets import Secrets, secrets_of
from mockserver.provider.overlay import NotAcceptedError, accepted_scenario, scenario_lines
from mockserver.provider.report import Report
from mockserver.recording.classification import NOT_NEAR

ASSUMPTION: Final = "recorded"
"""The id of the assumption that new scenarios rest on."""

_MEANING: Final = "Answers of the provider that `mockserver record` passed on, and that no scenario gave."
_COMMENT: Final = "Answers of the provider that `mockserver record` passed on. Review them."

MAX_NEW: Final = 50
"""New scenarios that are drafted from one journal; each is tried, which takes a moment."""


class Drafts(Struct, frozen=True):
    """The files of an overlay by name, and what could not be drafted and why."""

    files: Mapping[str, str]
    notes: Sequence[str]


def drafts(contract: Contract, report: Report, entries: Sequence[JournalEntry]) -> Drafts:
    """The drafts from a drift report, and from the entries, newest first, whose answer is unknown.

    Without any there is one file that changes nothing: a folder without files is no overlay.
    """
    notes: list[str] = []
    changed = [*_changed_scenarios(contract, report, notes)]
    new = [*_new_scenarios(contract, entries, notes)]
    files = {}
    for operation in contract.operations:
        found = [one.scenario for one in (*new, *changed) if one.operation == operation.id]
        if found:
            lines = scenario_lines(_COMMENT, operation.id, found)
            files[f"recorded-{operation.id}.yaml"] = "\n".join(lines) + "\n"
    assumptions = f"assumptions:\n  {ASSUMPTION}: {_MEANING}\n" if new else ""
    files["recorded.yaml"] = f"# {_COMMENT}\nformat: 1\n{assumptions}"
    return Drafts(files, notes)


class _Draft(Struct, frozen=True):
    """A scenario of an operation, as YAML has it."""

    operation: str
    scenario: Mapping[str, Any]


def _changed_scenarios(contract: Contract, report: Report, notes: list[str]) -> Iterator[_Draft]:
    """The outcomes that differ, with what the provider answered; those that cannot be drafted are noted."""
    for outcome in report["outcomes"]:
        if outcome["result"] == "differs":
            try:
                yield _Draft(outcome["operation"], accepted_scenario(contract, outcome, report["at"][:10]))
            except NotAcceptedError as error:
                notes.append(str(error))


def _new_scenarios(contract: Contract, entries: Sequence[JournalEntry], notes: list[str]) -> Iterator[_Draft]:
    """A scenario for each kind of request with an unknown answer, those with the most conditions first."""
    operations = contract.operations_by_id
    found: dict[str, _Draft] = {}
    for entry in entries:
        recorded = entry.recorded
        operation = operations.get(recorded.operation or "") if recorded is not None else None
        if recorded is None or recorded.result != "unknown":
            continue
        if operation is None or recorded.reason != NOT_NEAR or entry.reply.body.encoding != JSON:
            notes.append(f"entry {entry.id}: {recorded.reason}")
            continue
        draft = _new_scenario(contract, operation, entry)
        if isinstance(draft, str):
            notes.append(f"entry {entry.id}: {draft}: write it by hand")
            continue
        other = found.get(str(draft.scenario["when"]))
        if other is None and len(found) < MAX_NEW:
            found[str(draft.scenario["when"])] = draft
        elif other is None or other.scenario["respond"] != draft.scenario["respond"]:
            why = f"{MAX_NEW} were drafted before it" if other is None else f"other than {other.scenario['scenario']}"
            notes.append(f"entry {entry.id}: {why}: write it by hand")
    yield from sorted(found.values(), key=lambda one: -len(one.scenario["when"]))


def _new_scenario(contract: Contract, operation: Operation, entry: JournalEntry) -> _Draft | str:
    """A scenario that gives the answer of an entry to its request; or why there can be none."""
    request = {"body": entry.request.body.shown, "query": entry.request.query, "path": entry.request.path}
    when = _conditions(operation, request, secrets_of([operation]))
    respond = _respond(contract, operation, entry)
    if not when:
        return "nothing in its request tells it from others"
    if any(_is_masked(entry, place) for place in when):
        return "what tells its request from others is masked"
    if respond is None:
        return "its body has the form of no envelope"
    if "${" in encode_json(respond).decode():
        return "its body has ${, which a scenario would take for a reference"
    example = {"request": request["body"], **{name: request[name] for name in ("path", "query") if request[name]}}
    scenario = {
        "scenario": f"recorded-{entry.id}",
        "assumed": [ASSUMPTION],
        "note": f"Recorded from the provider on {entry.time[:10]}, entry {entry.id}. Say when it comes, and why.",
        "when": when,
        "respond": respond,
        "examples": [example],
    }
    why_not = _why_not(contract, operation, scenario)
    return _Draft(operation.id, scenario) if why_not is None else why_not


def _is_masked(entry: JournalEntry, place: str) -> bool:
    """Whether the value at a place of the request is masked in the entry, so that no request has it."""
    root, *steps = place.split(".")
    pointer = json_pointer(["request", *(["body", "value"] if root == "body" else [root]), *steps])
    return any(f"{pointer}/".startswith(f"{masked}/") for masked in entry.masked)


def _conditions(operation: Operation, request: Mapping[str, Any], secrets: Secrets) -> dict[str, Any]:
    """Conditions on the keys of records in a request; without such, on the values in its body."""
    keys = _values(request, [lookup.path for lookup in operation.lookups], secrets)
    body = request["body"] if isinstance(request["body"], dict) else {}
    return keys or _values(request, [f"body.{name}" for name in body if "." not in name], secrets)


def _values(request: Mapping[str, Any], places: Sequence[str], secrets: Secrets) -> dict[str, Any]:
    """The values at places of a request; without secrets, and without those that have parts or say nothing."""
    found = {}
    for place in places:
        root, *steps = place.split(".")
        value = value_at(request, [root, *steps])
        is_plain = isinstance(value, str | int | float) and not is_empty(value)
        if is_plain and not secrets.covers(root, tuple(steps)):
            found[place] = value
    return found


def _respond(contract: Contract, operation: Operation, entry: JournalEntry) -> dict[str, Any] | None:
    """The answer of an entry in the first envelope whose form it has; None if there is none."""
    envelopes = contract.definition["contract"]["operations"][operation.id]["envelopes"]
    for name, envelope in envelopes.items():
        value = entry.reply.body.shown
        place = place_of_respond(envelope["body"])
        if place is not None and _fits(envelope["body"], value):
            return {"status": entry.reply.status, name: value_at(value, place)}
    return None


def _fits(template: Any, value: Any) -> bool:
    """Whether a value has the members of a template, and its constants."""
    if isinstance(template, dict):
        same_members = isinstance(value, dict) and template.keys() == value.keys()
        return same_members and all(_fits(part, value[name]) for name, part in template.items())
    return template == value or (isinstance(template, str) and "${" in template)


def _why_not(contract: Contract, operation: Operation, scenario: Mapping[str, Any]) -> str | None:
    """Why a contract cannot have a scenario before its others; None if it can."""
    bundle = contract_bundle(contract)
    definition = bundle["contract"]
    bundle["contract"] = {**definition, "assumptions": {**definition.get("assumptions", {}), ASSUMPTION: _MEANING}}
    scenarios = [scenario, *bundle["scenarios"][operation.id]]
    bundle["scenarios"] = {**bundle["scenarios"], operation.id: scenarios}
    try:
        extended = load_bundle(bundle, scenario["scenario"])
    except ConfigError as error:
        return f"{error.diagnostics[0].what} ({error.diagnostics[0].expected})"
    own = extended.operations_by_id[operation.id]
    reply = ExampleRunner(extended).run(own, own.scenarios[0].examples[0])
    answers = reply.decision is not None and reply.decision.scenario.id == scenario["scenario"]
    return None if answers else "another answer comes first"
