"""The report on a provider: a result for each outcome and each assumption, with everything secret masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote, quote_plus

from mockserver.base.instants import utc_millis
from mockserver.base.json_pointer import json_pointer
from mockserver.base.values import MAX_OWN_DEPTH, decode_json, encode_ascii_json, mask
from mockserver.contract.templates import place_of_respond
from mockserver.core.contract import Contract, Scenario
from mockserver.privacy.masks import mask_account_numbers_in_value
from mockserver.provider.bindings import Reason
from mockserver.provider.cases import Case
from mockserver.provider.differences import Difference, envelope_definition, place_in_body

Result: TypeAlias = Literal["same", "differs", "not-reached"]
Report: TypeAlias = Mapping[str, Any]
"""A report as `schemas/provider-report.schema.json` describes it."""

_ANOTHER_ANSWER: Final = ("missing", "value")
"""Kinds of difference that say, within the scenario's own part of the body, that another answer came."""

NO_API_ANSWER: Final = ("redirect", "not-json", "no-answer")
"""Kinds of difference that say that something else than the API answered, which tells nothing of an assumption."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of a case: its differences, or the reason for which it was not reached.

    instead: where it is not the answer of the expected outcome, the documented ones whose answer it is.
    """

    case: Case
    differences: tuple[Difference, ...] = ()
    reason: Reason | None = None
    instead: tuple[Scenario, ...] = ()

    @property
    def result(self) -> Result:
        """The result in one word."""
        return "not-reached" if self.reason else "differs" if self.differences else "same"

    def has(self, kinds: Sequence[str]) -> bool:
        """Whether there is a difference of one of these kinds."""
        return any(one.kind in kinds for one in self.differences)


def report(
    contract: Contract, target: str, now_ns: int, results: Sequence[CaseResult], secrets: Iterable[str]
) -> Report:
    """The report on a run; the texts in `secrets` are masked in what came, and never in the report's own words."""
    values = [*secrets]
    return {
        "target": without_secrets(target, values),
        "at": utc_millis(now_ns),
        "contract": contract.hash,
        "outcomes": [_outcome(one, values) for one in results],
        "assumptions": [
            _assumption(contract, name, results) for name in contract.assumptions if _resting_on(name, results)
        ],
    }


def counts(document: Report) -> dict[Result, int]:
    """The number of outcomes of each result."""
    found: dict[Result, int] = {"same": 0, "differs": 0, "not-reached": 0}
    for outcome in document["outcomes"]:
        found[outcome["result"]] += 1
    return found


def _outcome(one: CaseResult, secrets: Sequence[str]) -> dict[str, Any]:
    outcome = one.case.outcome
    reason = Reason("instead", {"outcomes": [scenario.id for scenario in one.instead]}) if one.instead else one.reason
    if reason is not None:  # a value, such as the name of a file, may have a secret in it
        reason = Reason(reason.key, without_secrets(dict(reason.values), secrets))
    return {
        "id": outcome.scenario.id,
        "operation": outcome.operation.id,
        "result": one.result,
        "differences": [_difference(difference, secrets) for difference in one.differences],
        "reason": reason.text() if reason is not None else None,
        "reason_key": reason.key if reason is not None else None,
        "reason_values": dict(reason.values) if reason is not None else {},
    }


def _difference(one: Difference, secrets: Sequence[str]) -> dict[str, Any]:
    return {
        "at": without_secrets(one.at, secrets),
        "kind": one.kind,
        "expected": without_secrets(one.expected, secrets),
        "came": without_secrets(one.came, secrets),
    }


def _resting_on(assumption: str, results: Sequence[CaseResult]) -> list[CaseResult]:
    return [one for one in results if assumption in one.case.assumptions]


def _assumption(contract: Contract, name: str, results: Sequence[CaseResult]) -> dict[str, Any]:
    """The result of an assumption: confirmed by an answer that rests on it, refuted if each such answer is another.

    One that a status rests on is refuted if each answer in an envelope has another status.
    """
    answered = [
        one
        for one in _resting_on(name, results)
        if not (one.reason or _is_not_from_api(one) or _may_rest_on_other_records(one))
    ]
    groups: dict[str, list[CaseResult]] = {}
    for one in answered:
        envelope = one.case.outcome.scenario.envelope.name if _concerns_status(contract, name, one) else ""
        groups.setdefault(envelope, []).append(one)
    refuting = [
        one for group in groups.values() if all(_contradicts(contract, name, other) for other in group) for one in group
    ]
    evidence = refuting or [one for one in answered if not _contradicts(contract, name, one)]
    result = "not-reached" if not evidence else "refuted" if refuting else "confirmed"
    return {"id": name, "result": result, "evidence": [one.case.outcome.scenario.id for one in evidence]}


def _contradicts(contract: Contract, name: str, one: CaseResult) -> bool:
    """Whether an answer speaks against an assumption that it rests on.

    What all answers of an operation rest on, such as its method, is wrong only if the status is another as well.
    """
    has_other_status = one.has(("status",))
    if _concerns_status(contract, name, one):
        return has_other_status
    return _is_another_outcome(contract, one) and (has_other_status or not _concerns_all_requests(name, one))


def _concerns_status(contract: Contract, name: str, one: CaseResult) -> bool:
    return name in _envelope(contract, one).get("status_assumed", ())


def _envelope(contract: Contract, one: CaseResult) -> Mapping[str, Any]:
    outcome = one.case.outcome
    return envelope_definition(contract, outcome.operation.id, outcome.scenario.envelope.name)


def _is_not_from_api(one: CaseResult) -> bool:
    """Whether something else than the API answered: also JSON without any member of the body, as a gateway's."""
    expected = decode_json(one.case.reply.body, MAX_OWN_DEPTH)
    places = [place_in_body((name,)) for name in expected] if isinstance(expected, dict) else []
    missing = {difference.at for difference in one.differences if difference.kind == "missing"}
    is_other_body = any(difference.at == "body" for difference in one.differences)
    return one.has(NO_API_ANSWER) or is_other_body or (bool(places) and missing.issuperset(places))


def _may_rest_on_other_records(one: CaseResult) -> bool:
    """Whether the provider's records explain that another outcome came: one of both depends on such a record.

    It may have none with the key that the bindings give, or one in another state than they need.
    """
    expected = one.case.outcome.decision.alternative
    alternatives = [alternative for scenario in one.instead for alternative in scenario.alternatives]
    alternatives += [expected] if one.instead and expected is not None else []
    return any(not one.case.bound_lookups.isdisjoint(alternative.lookup_names) for alternative in alternatives)


def _is_another_outcome(contract: Contract, one: CaseResult) -> bool:
    """Whether the answer is another than the expected one: another code, or another documented outcome.

    Where the envelope has no code, the scenario's own part of the body decides. What differs in the rest, or in the
    words of a hint, concerns the form.
    """
    definition = _envelope(contract, one)
    code = tuple(definition["code"].split(".")) if "code" in definition else None
    place = f"body {json_pointer(code or place_of_respond(definition['body']) or ())}"
    return bool(one.instead) or any(
        difference.kind in _ANOTHER_ANSWER
        and (f"{difference.at}/".startswith(f"{place}/") or f"{place}/".startswith(f"{difference.at}/"))
        for difference in one.differences
    )


def _concerns_all_requests(name: str, one: CaseResult) -> bool:
    """Whether an assumption concerns all requests to the operation: its method, or what clients are warned about."""
    operation = one.case.outcome.operation
    rules = operation.warning_rules
    warned = [rule.assumption for rule in (rules.content_type, rules.any_header) if rule is not None]
    return name in (*operation.assumed, rules.unknown_members_assumption_id, *warned)


def without_secrets(value: Any, secrets: Iterable[str]) -> Any:
    """A JSON value with these secrets, and all payment account numbers, masked in its texts.

    A secret is masked as it is, and as it is written in a URL and in a text of JSON.
    """
    return mask_account_numbers_in_value(mask_secrets(value, secrets))


def mask_secrets(value: Any, secrets: Iterable[str]) -> Any:
    """A JSON value with these secrets masked in its texts, however they are written there."""
    forms = {form for secret in secrets for form in _forms(secret)}
    return _masked(value, sorted(forms, key=len, reverse=True))


def _forms(secret: str) -> Sequence[str]:
    return secret, quote(secret), quote(secret, safe=""), quote_plus(secret), encode_ascii_json(secret)[1:-1]


def _masked(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, mask(secret))
        return value
    if isinstance(value, dict):
        return {name: _masked(member, secrets) for name, member in value.items()}
    return [_masked(item, secrets) for item in value] if isinstance(value, list) else value
