"""Operations compared: method and path, schemas, envelopes, lookups, new ids, and their outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mockserver.base.values import equal
from mockserver.comparison.changes import Change, Place, Verdict, value_differences
from mockserver.comparison.outcomes import OPEN_POINTS, body_change, decision_changes, outcome_changes, status_change
from mockserver.comparison.plain_keywords import SchemaDifference, relation_of
from mockserver.comparison.schemas import schema_differences
from mockserver.comparison.versions import ContractVersion, OperationVersion
from mockserver.core.model import MISSING, Facts


def operations_changes(before: ContractVersion, now: ContractVersion) -> Iterator[Change]:
    """The changes of all operations."""
    operations, operations_now = before.operations, now.operations
    for name in {**operations, **operations_now}:
        place = Place("operation", name)
        old, new = operations.get(name), operations_now.get(name)
        if old is None and new is not None:
            yield Change(place, "", MISSING, new.request, "compatible", "no client calls it yet")
        elif new is None and old is not None:
            yield Change(place, "", old.request, MISSING, "breaking", "clients call it")
        elif old is not None and new is not None:
            yield from _route_changes(old, new, place)
            yield from _request_changes(old, new)
            yield from _envelope_changes(old, new)
            yield from outcome_changes(old, new)
            yield from _condition_schema_changes(old, new)
            yield from decision_changes(old, new)
            yield from _rule_changes(old.data, new.data, place)


def _route_changes(before: OperationVersion, now: OperationVersion, place: Place) -> Iterator[Change]:
    if before.request != now.request:
        one, other = before.operation, now.operation
        numbered = [o.fill_path({name: str(i) for i, name in enumerate(o.parameters)}) for o in (one, other)]
        same = one.method == other.method and numbered[0] == numbered[1]
        reason = "the names of path parameters alone" if same else "clients call it by method and path"
        yield Change(place, "request", before.request, now.request, "cosmetic" if same else "breaking", reason)


# -- schemas ----------------------------------------------------------------------------------------------

_UNKNOWN: Final = "unknown: its keywords do not tell whether more or less is accepted"
_REQUEST_VERDICTS: Final[Mapping[str, tuple[Verdict, str]]] = {
    "same": ("cosmetic", "the same requests are accepted"),
    "looser": ("compatible", "looser: requests that were refused are accepted"),
    "stricter": ("breaking", "stricter: requests that were accepted are refused"),
    "different": ("breaking", "looser and stricter: some requests that were accepted are refused"),
    "unknown": ("breaking", _UNKNOWN),
}
_ANSWER_VERDICTS: Final[Mapping[str, tuple[Verdict, str]]] = {
    "same": ("cosmetic", "the same answers are promised"),
    "looser": ("breaking", "looser: answers may be what they never were"),
    "stricter": ("compatible", "stricter: answers are still what they were"),
    "different": ("breaking", "looser and stricter: answers may be what they never were"),
    "unknown": ("breaking", _UNKNOWN),
}


def _request_changes(before: OperationVersion, now: OperationVersion) -> Iterator[Change]:
    for root in ("body", "query", "path"):
        place = Place("request", root, now.operation.id)
        schemas = (one.schema(one.operation.schema_files.get(root)) for one in (before, now))
        for found in schema_differences(*schemas):
            yield _schema_change(place, found, _request_verdict(found))


def _request_verdict(found: SchemaDifference) -> tuple[Verdict, str]:
    if found.keyword == "properties" and found.before is MISSING and found.relation in ("same", "stricter"):
        return "compatible", "a new optional member: no client sends it yet"
    if found.keyword == "properties" and found.now is MISSING and found.relation in ("same", "looser"):
        return "breaking", "clients may send it, and it is no longer looked at"
    return _REQUEST_VERDICTS[found.relation]


def _answer_verdict(found: SchemaDifference) -> tuple[Verdict, str]:
    """The verdict of a difference in the schema of an answer."""
    if found.keyword == "properties" and found.before is MISSING and found.relation in ("same", "looser"):
        return "compatible", "clients ignore members that they do not know"
    if found.keyword == "properties" and found.now is MISSING:
        return "breaking", "clients may read it"
    return _ANSWER_VERDICTS[found.relation]


def _schema_change(place: Place, found: SchemaDifference, verdict: tuple[Verdict, str]) -> Change:
    return Change(place, f"{found.at} {found.keyword}".strip(), found.before, found.now, *verdict)


def _condition_schema_changes(before: OperationVersion, now: OperationVersion) -> Iterator[Change]:
    """The changes of schema files that the conditions of outcomes name."""
    files = before.condition_schemas()
    for name, named in now.condition_schemas().items():
        for file in sorted(named & files.get(name, set())):
            found = schema_differences(before.schema(file), now.schema(file))
            if relation_of(found) != "same":
                place, at = Place("outcome", name, now.operation.id), f"condition schema {file}"
                old, new = (one.contract.definition["schemas"][file] for one in (before, now))
                yield Change(place, at, old, new, "breaking", "other requests get this outcome")


# -- envelopes ----------------------------------------------------------------------------------------------


def _assumed_changes(place: Place, shape: Mapping[str, Any], shape_now: Mapping[str, Any]) -> Iterator[Change]:
    for member in ("status_assumed", "assumed"):
        before, now = shape.get(member, []), shape_now.get(member, [])
        if before != now:
            yield Change(place, member, before, now, "cosmetic", OPEN_POINTS)


def _envelope_changes(before: OperationVersion, now: OperationVersion) -> Iterator[Change]:
    envelopes, envelopes_now, operation = before.data["envelopes"], now.data["envelopes"], now.operation.id
    for name in {**envelopes, **envelopes_now}:
        place = Place("envelope", name, operation)
        if name not in envelopes:
            yield Change(place, "", MISSING, name, "compatible", "what uses it is compared by itself")
        elif name not in envelopes_now:
            yield Change(place, "", name, MISSING, "breaking", "no answer has this shape any more")
        else:
            shape, shape_now = envelopes[name], envelopes_now[name]
            if not equal(shape["status"], shape_now["status"]):
                yield status_change(place, _status(before, name), _status(now, name))
            for difference in value_differences(shape["body"], shape_now["body"]):
                yield body_change(place, difference)
            code, code_now = shape.get("code", MISSING), shape_now.get("code", MISSING)
            if code != code_now and code is MISSING:
                yield Change(place, "code", code, code_now, "compatible", "tests may name its outcomes by their code")
            elif code != code_now:
                yield Change(place, "code", code, code_now, "breaking", "tests may name its outcomes by the old code")
            yield from _assumed_changes(place, shape, shape_now)
            schemas = before.schema(shape.get("schema")), now.schema(shape_now.get("schema"))
            for found in schema_differences(*schemas):
                yield _schema_change(Place("answer", name, operation), found, _answer_verdict(found))
            place = Place("open answer", name, operation)
            yield from _open_schema_changes(place, before, now, shape.get("open_schema"), shape_now.get("open_schema"))


def _open_schema_changes(
    place: Place, before: OperationVersion, now: OperationVersion, file: str | None, file_now: str | None
) -> Iterator[Change]:
    """The changes of what the documents leave open in an envelope: nothing, without such a schema."""
    if file is not None and file_now is not None:
        for found in schema_differences(before.schema(file), now.schema(file_now)):
            yield _schema_change(place, found, _answer_verdict(found))
    elif file_now is not None:
        yield Change(place, "", MISSING, file_now, "breaking", "answers may have forms that they never had")
    elif file is not None:
        yield Change(place, "", file, MISSING, "compatible", "answers have one form, which is one of the old ones")


def _status(version: OperationVersion, envelope: str) -> Any:
    """The status of an envelope; None where no outcome uses it."""
    used = (scenario.envelope for scenario in version.operation.scenarios if scenario.envelope.name == envelope)
    return next((one.status.render(Facts(version.contract.settings)) for one in used), None)


# -- what else an operation says ------------------------------------------------------------------------------

_RULES: Final[Mapping[str, tuple[Verdict, str]]] = {
    "lookups": ("breaking", "other records decide"),
    "new": ("breaking", "new ids have another form"),
    "warn": ("compatible", "warnings alone: the request gets the same answer"),
    "sensitive": ("compatible", "what the journal masks: the request gets the same answer"),
    "assumed": ("cosmetic", OPEN_POINTS),
    "verified": ("cosmetic", "what was found of the provider: the request gets the same answer"),
}
"""The members of an operation that are compared as they stand."""


def _rule_changes(before: Mapping[str, Any], now: Mapping[str, Any], place: Place) -> Iterator[Change]:
    for name, (verdict, reason) in _RULES.items():
        for found in value_differences(before.get(name, {}), now.get(name, {}), (name,)):
            at = found.at.removeprefix("/")
            if name == "new" and at.endswith(("/first", "/opaque")):
                yield Change(place, at, found.before, found.now, *_new_id_verdict(at, found.now))
            elif not found.order:
                yield Change(place, at, found.before, found.now, verdict, reason)


def _new_id_verdict(at: str, now: Any) -> tuple[Verdict, str]:
    """The verdict of another first number, or of another word on whether the form means something to clients."""
    if at.endswith("/first"):
        return "compatible", "new ids begin at another number"
    if now is True:
        return "breaking", "clients may rely on the form of new ids, which is left open now"
    return "compatible", "new ids keep their form"
