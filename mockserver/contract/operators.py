"""The operators of conditions: each compiles its operand into a check of a value, in words and as a test.

The operands have passed `scenarios.schema.json`, which says which kind of operand each operator takes. No operator
matches a missing value but `absent` and `empty`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import ge, gt, le, lt
from typing import Any, Final, NamedTuple

from mockserver.base.values import encode_ascii_json, equal, is_empty, printable
from mockserver.contract.paths import Context, compile_path, is_secret
from mockserver.core.diagnostics import move_diagnostic
from mockserver.core.model import MISSING, Facts
from mockserver.schema.diagnostics import unknown_keywords
from mockserver.schema.patterns import compile_pattern, pattern_diagnostic

Test = Callable[[Any, Facts], bool]
"""Whether a value matches; it is `MISSING` if there is none."""


class Check(NamedTuple):
    """What is expected of a value: in words, and as a test.

    `reads` names the roots that the test looks at beside the value. `parts` are the checks of several operators that
    stand side by side; all must match.
    """

    words: str
    test: Test
    reads: frozenset[str] = frozenset()
    parts: tuple[Check, ...] = ()


WORDS: Final = ("present", "absent", "empty")
"""Operators without an operand; as bare words they are operators, not texts."""


def compile_operand(operand: Any, context: Context) -> Check:
    """Compile what follows a path or an operator: a value, a word or operators."""
    if isinstance(operand, dict):
        return _all_together([_compile_operator(name, inner, context.below(name)) for name, inner in operand.items()])
    if isinstance(operand, str) and operand in WORDS:
        return _compile_operator(operand, True, context)
    return _equals(operand)


def is_literal(operand: Any) -> bool:
    """Whether an operand is a text, a number, a boolean or null, which the value has to equal."""
    return operand is None or (isinstance(operand, str | int | float) and operand not in WORDS)


def compares_value(operand: Any) -> bool:
    """Whether an operand looks at a value, and not only at whether there is one."""
    if isinstance(operand, dict):
        return any(
            any(map(compares_value, inner if isinstance(inner, list) else [inner]))
            if name in NESTING
            else name not in WORDS
            for name, inner in operand.items()
        )
    return operand is not None and operand not in WORDS


def quoted(value: Any) -> str:
    """A value as conditions and evidence show it."""
    return printable(encode_ascii_json(value), 80)


def _compile_operator(name: str, operand: Any, context: Context) -> Check:
    if name in _CONSTANT_OPERATORS:
        return _CONSTANT_OPERATORS[name](operand)
    return _CONTEXT_OPERATORS[name](operand, context)


def _all_together(parts: list[Check]) -> Check:
    if len(parts) == 1:
        return parts[0]
    tests = [part.test for part in parts]
    return Check(
        " and ".join(part.words for part in parts),
        lambda value, facts: all(test(value, facts) for test in tests),
        _reads(parts),
        tuple(parts),
    )


def _reads(checks: Iterable[Check]) -> frozenset[str]:
    return frozenset[str]().union(*(check.reads for check in checks))


# -- operators whose operand is a constant ----------------------------------------------------------------


def _equals(operand: Any) -> Check:
    words = f"is {quoted(operand)}"
    if operand is None:
        return Check(words, lambda value, _facts: value is None)
    if isinstance(operand, str):
        return Check(words, lambda value, _facts: bool(value == operand))
    return Check(words, lambda value, _facts: equal(value, operand))


def _in(operand: Any) -> Check:
    if all(isinstance(choice, str) for choice in operand):
        texts = frozenset(operand)
        return Check(f"in {quoted(operand)}", lambda value, _facts: isinstance(value, str) and value in texts)
    return Check(f"in {quoted(operand)}", lambda value, _facts: any(equal(value, choice) for choice in operand))


def _contains(operand: Any) -> Check:
    def test(value: Any, _facts: Facts) -> bool:
        if isinstance(value, str):
            return isinstance(operand, str) and operand in value
        return isinstance(value, list) and any(equal(item, operand) for item in value)

    return Check(f"contains {quoted(operand)}", test)


def _on_text(words: str, test: Callable[[str, str], bool]) -> Callable[[Any], Check]:
    """An operator that compares a text with its operand."""
    return lambda operand: Check(
        f"{words} {quoted(operand)}", lambda value, _facts: isinstance(value, str) and test(value, operand)
    )


def _on_number(words: str, test: Callable[[float, float], bool]) -> Callable[[Any], Check]:
    """An operator that compares a number with its operand."""
    return lambda operand: Check(f"{words} {operand}", lambda value, _facts: _is_number(value) and test(value, operand))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _word(words: str, test: Test) -> Callable[[Any], Check]:
    """An operator without an operand (in operator form it has the operand `true`)."""
    check = Check(words, test)
    return lambda _operand: check


_CONSTANT_OPERATORS: Final[Mapping[str, Callable[[Any], Check]]] = {
    "equals": _equals,
    "in": _in,
    "contains": _contains,
    "starts_with": _on_text("starts with", str.startswith),
    "ends_with": _on_text("ends with", str.endswith),
    "less_than": _on_number("less than", lt),
    "at_most": _on_number("at most", le),
    "greater_than": _on_number("greater than", gt),
    "at_least": _on_number("at least", ge),
    "present": _word("is present", lambda value, _facts: value is not MISSING),
    "absent": _word("is absent", lambda value, _facts: value is MISSING),
    "empty": _word("is empty", lambda value, _facts: value is MISSING or is_empty(value)),
}


# -- operators that take paths, patterns, schemas or other operands ---------------------------------------


def _matches(operand: Any, context: Context) -> Check:
    diagnostic = pattern_diagnostic(context.at, operand)
    if diagnostic is not None:
        context.report(diagnostic)
        return _never("matches nothing")
    search = compile_pattern(operand)
    return Check(f"matches {quoted(operand)}", lambda value, _facts: isinstance(value, str) and search(value))


def _never(words: str) -> Check:
    """The check of an operand that was reported: it matches nothing."""
    return Check(words, lambda _value, _facts: False)


def _same_as(operand: Any, context: Context) -> Check:
    place = compile_path(operand, context)
    if place is None:
        return _never("same as nothing")
    if is_secret(place, context.scope):
        context.report_error(f"{operand} is a secret", "a member whose value may be compared", operand)
    extract = place.extract

    def test(value: Any, facts: Facts) -> bool:
        other = extract(facts)
        return value is not MISSING and other is not MISSING and equal(value, other)

    return Check(f"same as {operand}", test, frozenset({place.root}))


def _schema(operand: Any, context: Context) -> Check:
    schemas = context.schemas
    if isinstance(operand, str):
        validator = schemas.validator(operand)
        if validator is None and operand not in schemas.unsound:
            context.report_unknown("unknown schema file", operand, schemas.names)
    else:
        validator = schemas.compile_inline(operand, context.at, context.report)
        for warning in unknown_keywords(operand) if validator is not None else ():
            context.warn(move_diagnostic(warning, context.at))
    if validator is None:
        return _never("fits nothing")
    violations = validator.violations
    return Check("fits the schema", lambda value, _facts: value is not MISSING and not violations("value", value))


def _not(operand: Any, context: Context) -> Check:
    inner = compile_operand(operand, context)
    test = inner.test
    words = f"is not {inner.words.removeprefix('is ')}" if inner.words.startswith("is ") else f"not {inner.words}"
    return Check(
        words,
        lambda value, facts: value is not MISSING and not test(value, facts),
        inner.reads,
    )


def _of(name: str, holds: Callable[[Any, Iterable[bool]], bool]) -> Callable[[Any, Context], Check]:
    """An operator that takes several operands; `holds` is given the value, and whether each of them matches."""

    def compile_operator(operands: Any, context: Context) -> Check:
        checks = [compile_operand(operand, context.below(index)) for index, operand in enumerate(operands)]
        words = f"{name} of ({'; '.join(check.words for check in checks)})"
        return Check(
            words, lambda value, facts: holds(value, (check.test(value, facts) for check in checks)), _reads(checks)
        )

    return compile_operator


def _on_items(words: str, holds: Callable[[Iterable[bool]], bool]) -> Callable[[Any, Context], Check]:
    """An operator whose operand checks the items of a list."""

    def compile_operator(operand: Any, context: Context) -> Check:
        inner = compile_operand(operand, context)
        return Check(
            f"{words} {inner.words}",
            lambda value, facts: isinstance(value, list) and holds(inner.test(item, facts) for item in value),
            inner.reads,
        )

    return compile_operator


NESTING: Final = ("not", "all", "any", "none")
"""Operators whose operands check the same value."""

_CONTEXT_OPERATORS: Final[Mapping[str, Callable[[Any, Context], Check]]] = {
    "matches": _matches,
    "same_as": _same_as,
    "schema": _schema,
    "not": _not,
    "all": _of("all", lambda _value, matches: all(matches)),
    "any": _of("any", lambda _value, matches: any(matches)),
    "none": _of("none", lambda value, matches: value is not MISSING and not any(matches)),
    "some_item": _on_items("has an item that", any),
    "every_item": _on_items("has only items that", all),
}

OPERATORS: Final = (*_CONSTANT_OPERATORS, *_CONTEXT_OPERATORS)
"""Every operator of the scenario language; `scenarios.schema.json` describes each."""
