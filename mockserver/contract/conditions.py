"""Compiles `when` into conditions: on the value at a path, on violations, and on several of them together.

A condition is one function, `failure`; it holds if that returns None, and the evidence comes from the same function.
The input has passed `scenarios.schema.json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

from mockserver.contract.operators import Check, compares_value, compile_operand, is_literal, quoted
from mockserver.contract.paths import CompiledPath, Context, compile_path, is_secret
from mockserver.core.language import Condition, EqualValue, Evidence, EvidenceKind
from mockserver.core.model import MISSING, Facts, Violation
from mockserver.privacy.masks import mask_account_numbers_in_value, mask_value

LOGIC: Final = ("all", "any", "none")
"""Words of a `when` that take groups of conditions."""

Failure = Callable[[Facts], str | None]
"""Returns what was expected if a condition does not hold, otherwise None."""


def compile_when(when: Mapping[str, Any], context: Context) -> tuple[Condition, ...]:
    """The conditions of a `when`; all must hold."""
    return tuple(_compile_condition(name, operand, context.below(name)) for name, operand in when.items())


def _compile_condition(name: str, operand: Any, context: Context) -> Condition:
    if name in LOGIC:
        return _compile_group_condition(name, operand, context)
    if name == "violation":
        return _compile_violation_condition(operand)
    return _compile_value_condition(name, operand, context)


# -- the value at a path ------------------------------------------------------------------------------

_NEVER: Final = Condition("a condition that could not be compiled", lambda _facts: "", lambda _facts: (), {})


def _compile_value_condition(text: str, operand: Any, context: Context) -> Condition:
    place = compile_path(text, context)
    if place is None:
        return _NEVER
    check = compile_operand(operand, context)
    is_hidden = is_secret(place, context.scope)
    if mask_account_numbers_in_value(operand) != operand:
        context.report_error(
            "a payment account number, which no condition may compare",
            "a test value that is no account number",
            hint="a masked journal has to be able to explain every decision",
        )
    if is_hidden and compares_value(operand):
        context.report_error(
            f"{text} is a secret, whose value no condition may compare",
            "present, absent, empty or null; or a violation of its schema",
            quoted(operand),
            "a masked journal has to be able to explain every decision",
        )
    failure = _value_failure(place, check)

    def evidence(facts: Facts) -> tuple[Evidence, ...]:
        expected = failure(facts)
        if expected is None:
            return ()
        value = place.extract(facts)
        kind, condition = _kind_of(place, value), {text: _first_unmet_operand(operand, check, value, facts)}
        return (Evidence(text, expected, _described(value, kind, is_hidden), condition, kind),)

    return Condition(
        f"{text} {check.words}",
        failure,
        evidence,
        {text: operand},
        check.reads | {place.root},
        equals=EqualValue(text, place.extract, operand) if is_literal(operand) else None,
    )


def _value_failure(place: CompiledPath, check: Check) -> Failure:
    """The `failure` of a condition on a path."""
    extract, test, words = place.extract, check.test, check.words
    if check.parts:
        return lambda facts: _first_unmet(check.parts, extract(facts), facts)
    return lambda facts: None if test(extract(facts), facts) else words


def _first_unmet(parts: tuple[Check, ...], value: Any, facts: Facts) -> str | None:
    return next((part.words for part in parts if not part.test(value, facts)), None)


def _first_unmet_operand(operand: Any, check: Check, value: Any, facts: Facts) -> Any:
    """Of several operators that stand side by side the first whose check fails; otherwise the whole operand."""
    each = zip(operand.items(), check.parts, strict=True) if check.parts else ()
    return next(({name: inner} for (name, inner), part in each if not part.test(value, facts)), operand)


def _kind_of(place: CompiledPath, value: Any) -> EvidenceKind:
    """What the value at a path is, as evidence."""
    if value is MISSING:
        return "missing"
    return "record" if not place.steps and isinstance(value, dict) and "origin" in value else "value"


def _described(value: Any, kind: EvidenceKind, is_hidden: bool) -> str:
    """A value in words; a secret is masked."""
    if kind != "value":
        return "a record" if kind == "record" else "nothing (missing)"
    return quoted(mask_value(value) if is_hidden else value)


# -- violations ---------------------------------------------------------------------------------------


def _compile_violation_condition(operand: Any) -> Condition:
    """The condition of `violation`: `unclaimed`, or `at`, `keyword` and `came`; one violation has to match them."""
    if operand == "unclaimed":
        return _violation_condition(
            attrgetter("unclaimed"), "violation that no other scenario names", lambda _violation: True, operand
        )
    wanted = {name: _as_words(value) for name, value in operand.items()}
    places, keywords, kinds = (wanted.get(name) for name in ("at", "keyword", "came"))

    exact = frozenset(places or ())
    below = tuple(place[:-1] for place in places or () if place.endswith(".*"))

    def selects(violation: Violation) -> bool:
        return (
            (places is None or violation.where in exact or violation.where.startswith(below))
            and (keywords is None or violation.keyword in keywords)
            and (kinds is None or violation.got in kinds)
        )

    label = {"came": "got"}
    words = ", ".join(f"{label.get(name, name)} {' or '.join(map(str, value))}" for name, value in wanted.items())
    return _violation_condition(
        attrgetter("violations"), f"violation {words}", selects, operand, selects_violation=selects
    )


def _as_words(value: Any) -> tuple[Any, ...]:
    """The words of an operand; an unquoted `null` means the word."""
    return tuple("null" if word is None else word for word in (value if isinstance(value, list) else [value]))


def _violation_condition(
    violations_of: Callable[[Facts], tuple[Violation, ...]],
    words: str,
    selects: Callable[[Violation], bool],
    operand: Any,
    selects_violation: Callable[[Violation], bool] | None = None,
) -> Condition:
    """The condition that one of some violations is selected."""

    def first_violation(facts: Facts) -> Violation | None:
        return next(filter(selects, violations_of(facts)), None)

    def failure(facts: Facts) -> str | None:
        return None if first_violation(facts) is not None else words

    def evidence(facts: Facts) -> tuple[Evidence, ...]:
        if failure(facts) is None:
            return ()
        found = ", ".join(f"{one.where} {one.keyword} ({one.got})" for one in facts.violations[:5])
        return (Evidence("violation", words, found or "no violation", written, "violations"),)

    written = {"violation": operand}
    return Condition(
        words,
        failure,
        evidence,
        written,
        selects_violation=selects_violation,
        first_violation=first_violation,
        can_hold_without_violations=False,
    )


# -- several conditions together --------------------------------------------------------------------------


def _compile_group_condition(name: str, operand: Any, context: Context) -> Condition:
    """The condition that all, any or none of some groups hold; a group holds where all its conditions do."""
    groups = [compile_when(group, context.below(index)) for index, group in enumerate(operand)]
    members = [condition for group in groups for condition in group]
    words = f"{name} of ({'; '.join(' and '.join(condition.text for condition in group) for group in groups)})"
    failure = _groups_failure(name, words, [[condition.failure for condition in group] for group in groups])
    selectors = [condition.selects_violation for condition in members if condition.selects_violation is not None]

    def evidence(facts: Facts) -> tuple[Evidence, ...]:
        if failure(facts) is None:
            return ()
        if name == "none":
            return (Evidence(name, words, "one that holds", {name: operand}, "holds"),)
        return tuple(found for condition in members for found in condition.evidence(facts))

    return Condition(
        words,
        failure,
        evidence,
        {name: operand},
        frozenset[str]().union(*(condition.reads for condition in members)),
        selects_violation=(lambda violation: any(one(violation) for one in selectors)) if selectors else None,
        first_violation=next(
            (condition.first_violation for condition in members if condition.first_violation is not None), None
        ),
        can_hold_without_violations=_holds_without_violations(name, groups),
    )


def _groups_failure(name: str, words: str, groups: list[list[Failure]]) -> Failure:
    """The `failure` of groups: one that does not hold decides `all`, one that holds decides `any` and `none`."""
    deciding = name != "all"
    decided, undecided = (None, words) if name == "any" else (words, None)

    def failure(facts: Facts) -> str | None:
        for group in groups:
            holds = True
            for condition_failure in group:
                if condition_failure(facts) is not None:
                    holds = False
                    break
            if holds is deciding:
                return decided
        return undecided

    return failure


def _holds_without_violations(name: str, groups: list[tuple[Condition, ...]]) -> bool:
    """Whether groups may hold for a request without violations."""
    possible = [all(condition.can_hold_without_violations for condition in group) for group in groups]
    return name == "none" or (all(possible) if name == "all" else any(possible))
