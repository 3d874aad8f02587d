"""The matcher language: compiles `when` into conditions that yield evidence where they do not hold.

Knows operators, not operations. A condition is asked one question, `fails`; that it matched means that
there was nothing to say, and the evidence shown to people comes from that same answer. What is compiled
has passed `scenarios.schema.json`, which is the truth about names and kinds of operands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from mockserver.contract.references import Place, Scope, compile_path, is_sensitive
from mockserver.contract.violations import compile_violation
from mockserver.core.contract import Condition, Evidence
from mockserver.core.model import MISSING, Diagnostic, Facts, Path, Report
from mockserver.core.values import close_matches, equal, is_blank, printable, write_ascii
from mockserver.schema.patterns import compile_pattern, pattern_fault
from mockserver.schema.schema_set import SchemaSet

Check = Callable[[Any, Facts], str | None]
"""Asked with a value (`MISSING` where there is none): None if it matches, otherwise what was expected."""

Test = Callable[[Any], bool]
"""Asked with a value alone, which may be `MISSING`: whether it matches."""


class _Alone:
    """A check that looks at nothing but the value; it can be asked for its test."""

    __slots__ = ("test", "words")

    def __init__(self, words: str, test: Test) -> None:
        self.words = words
        self.test = test

    def __call__(self, value: Any, _: Facts) -> str | None:
        return None if self.test(value) else self.words


WORDS: Final = ("present", "absent", "empty")
"""Operators without an operand; as bare words they are operators, not texts."""

LOGIC: Final = ("all", "any", "none")
NESTING: Final = ("not", *LOGIC)


class Context(NamedTuple):
    """What compiling a condition needs beside its text."""

    scope: Scope
    schemas: SchemaSet
    report: Report


@dataclass(slots=True, eq=False)
class _Reads:
    """The roots that a condition turns out to look at, and whether it may look at what is not settled beforehand."""

    roots: set[str]
    more: bool


def compile_when(node: Mapping[str, Any], context: Context, at: Path) -> tuple[Condition, ...]:
    """The conditions of a `when`; all must hold."""
    return tuple(_term(name, operand, context, (*at, name)) for name, operand in node.items())


def _term(name: str, operand: Any, context: Context, at: Path) -> Condition:
    if name in LOGIC:
        return _logic(name, operand, context, at)
    if name == "violation":
        return compile_violation(operand)
    return _path(name, operand, context, at)


_NEVER: Final = Condition("a condition that could not be compiled", lambda _: "", lambda _: ())


# -- one path -----------------------------------------------------------------------------------------


def _path(text: str, operand: Any, context: Context, at: Path) -> Condition:
    place = compile_path(text, context.scope, at, context.report)
    if place is None:
        return _NEVER
    reads = _Reads({place.root}, not _may_be_settled(place, operand))
    words, check = _operand(operand, context, at, reads)
    if is_sensitive(place, context.scope) and _compares(operand):
        context.report(
            Diagnostic(
                at,
                f"{text} is a secret, whose value no condition may compare",
                "present, absent, empty or null; or a violation of its schema",
                _shown(operand),
                "a masked journal has to be able to explain every decision",
            )
        )
    extract = place.extract
    fails = (
        _alone(extract, check.test, words) if isinstance(check, _Alone) else lambda facts: check(extract(facts), facts)
    )

    def evidence(facts: Facts) -> tuple[Evidence, ...]:
        expected = fails(facts)
        return () if expected is None else (Evidence(text, expected, describe(place, facts)),)

    plain = operand is None or (isinstance(operand, str | int | float) and operand not in WORDS)
    equals = (extract, operand) if plain else None
    return Condition(
        f"{text} {words}", fails, evidence, frozenset(reads.roots), settled=not reads.more, place=text, equals=equals
    )


def _may_be_settled(place: Place, operand: Any) -> bool:
    """Whether what an operand says of a place can be known before its value is, as `Condition.settled` has it."""
    if place.root == "body":
        return len(place.steps) == 1 and _only_looks_there(operand)
    return not _may_be_key(place) or operand in ("present", "absent")


def _only_looks_there(operand: Any) -> bool:
    """Whether an operand tells nothing apart but what is not there, null, empty, and anything else."""
    if isinstance(operand, dict):
        inner = [i for o in operand.values() for i in (o if isinstance(o, list) else [o])]
        return all(n in WORDS or (n in NESTING and all(map(_only_looks_there, inner))) for n in operand)
    return operand is None or operand in WORDS


def _may_be_key(place: Place) -> bool:
    """Whether the value at a place is the key of a record, or a whole record with its key."""
    return not place.steps or place.steps[0] == "key"


def _alone(extract: Callable[[Facts], Any], test: Test, words: str) -> Callable[[Facts], str | None]:
    """Without a call of the check between the two, as it is asked at every request."""
    return lambda facts: None if test(extract(facts)) else words


def _compares(operand: Any) -> bool:
    """Whether an operand looks at a value, and not only at whether there is one."""
    if isinstance(operand, dict):
        inner = [i for n, o in operand.items() if n in NESTING for i in (o if isinstance(o, list) else [o])]
        return any(n not in NESTING and n not in WORDS for n in operand) or any(map(_compares, inner))
    return operand is not None and operand not in WORDS


def describe(place: Place, facts: Facts) -> str:
    """What stands at a place, in words, for evidence."""
    value = place.extract(facts)
    if value is MISSING:
        return "nothing (missing)"
    return "a record" if not place.steps and isinstance(value, dict) and "origin" in value else _shown(value)


def _shown(value: Any) -> str:
    return printable(write_ascii(value), 80)


def _operand(operand: Any, context: Context, at: Path, reads: _Reads) -> tuple[str, Check]:
    """The words and the check of what stands behind a path or an operator: a value, a word or operators."""
    if isinstance(operand, dict):
        return _both([OPERATORS[name](inner, context, (*at, name), reads) for name, inner in operand.items()])
    if isinstance(operand, str) and operand in WORDS:
        return OPERATORS[operand](True, context, at, reads)
    return _equals(operand, context, at, reads)


def _both(checks: list[tuple[str, Check]]) -> tuple[str, Check]:
    if len(checks) == 1:
        return checks[0]
    tests = [check for _, check in checks]

    def check(value: Any, facts: Facts) -> str | None:
        for test in tests:
            if (expected := test(value, facts)) is not None:
                return expected
        return None

    return " and ".join(words for words, _ in checks), check


# -- operators -----------------------------------------------------------------------------------------

Compile = Callable[[Any, Context, Path, _Reads], tuple[str, Check]]


def _simple(words: str, test: Test) -> tuple[str, Check]:
    return words, _Alone(words, lambda value: value is not MISSING and test(value))


def _equals(operand: Any, _: Context, __: Path, ___: _Reads) -> tuple[str, Check]:
    words = f"is {_shown(operand)}"
    if isinstance(operand, str):
        return words, _Alone(words, lambda value: bool(value == operand))
    return _simple(words, lambda value: equal(value, operand))


def _not(operand: Any, context: Context, at: Path, reads: _Reads) -> tuple[str, Check]:
    inner_words, inner = _operand(operand, context, at, reads)
    words = f"is not {inner_words.removeprefix('is ')}" if inner_words.startswith("is ") else f"not {inner_words}"
    if isinstance(inner, _Alone):
        test = inner.test
        return words, _Alone(words, lambda value: value is not MISSING and not test(value))
    return words, lambda value, facts: words if value is MISSING or inner(value, facts) is None else None


def _in(operand: Any, _: Context, __: Path, ___: _Reads) -> tuple[str, Check]:
    return _simple(f"in {_shown(operand)}", lambda value: any(equal(value, o) for o in operand))


def _matches(operand: Any, context: Context, at: Path, _: _Reads) -> tuple[str, Check]:
    if (fault := pattern_fault(at, operand)) is not None:
        context.report(fault)
        return _simple("matches nothing", lambda _: False)
    found = compile_pattern(operand)
    return _simple(f"matches {_shown(operand)}", lambda value: isinstance(value, str) and found(value))


def _contains(operand: Any, _: Context, __: Path, ___: _Reads) -> tuple[str, Check]:
    def test(value: Any) -> bool:
        if isinstance(value, str):
            return isinstance(operand, str) and operand in value
        return isinstance(value, list) and any(equal(item, operand) for item in value)

    return _simple(f"contains {_shown(operand)}", test)


def _affix(words: str, test: Callable[[str, str], bool]) -> Compile:
    def compile_affix(operand: Any, _: Context, __: Path, ___: _Reads) -> tuple[str, Check]:
        return _simple(f"{words} {_shown(operand)}", lambda value: isinstance(value, str) and test(value, operand))

    return compile_affix


def _compare(words: str, test: Callable[[Any, Any], bool]) -> Compile:
    def compile_comparison(operand: Any, _: Context, __: Path, ___: _Reads) -> tuple[str, Check]:
        return _simple(f"{words} {operand}", lambda value: _is_number(value) and test(value, operand))

    return compile_comparison


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _word(words: str, test: Test) -> Compile:
    """An operator without operand; the one kind that can hold where the value is missing."""

    def compile_word(_: Any, __: Context, ___: Path, ____: _Reads) -> tuple[str, Check]:
        return words, _Alone(words, test)

    return compile_word


def _same_as(operand: Any, context: Context, at: Path, reads: _Reads) -> tuple[str, Check]:
    place = compile_path(operand, context.scope, at, context.report)
    if place is None:
        return _simple("same as nothing", lambda _: False)
    if is_sensitive(place, context.scope):
        context.report(Diagnostic(at, f"{operand} is a secret", "a member whose value may be compared", operand))
    reads.roots.add(place.root)
    reads.more = reads.more or place.root == "body" or _may_be_key(place)
    words, other = f"same as {operand}", place.extract

    def check(value: Any, facts: Facts) -> str | None:
        right = other(facts)
        if value is MISSING or right is MISSING or not equal(value, right):
            return words
        return None

    return words, check


def _schema(operand: Any, context: Context, at: Path, _: _Reads) -> tuple[str, Check]:
    if isinstance(operand, str):
        validator = context.schemas.validator(operand)
        if validator is None and operand not in context.schemas.unsound:
            spelt = close_matches(operand, context.schemas.names)
            hint = f"did you mean {spelt[0]}?" if spelt else ""
            names = (
                f"one of {', '.join(context.schemas.names)}" if context.schemas.names else "nothing (there are none)"
            )
            context.report(Diagnostic(at, "unknown schema file", names, operand, hint))
    else:
        validator = context.schemas.inline(operand, at, context.report)
    if validator is None:
        return _simple("fits nothing", lambda _: False)
    violations = validator.violations
    return _simple("fits the schema", lambda value: not violations("value", value))


def _grouped(words: str, joined: Callable[[list[bool]], bool]) -> Compile:
    """`all`, `any` and `none` of several operands for one value."""

    def compile_group(operand: Any, context: Context, at: Path, reads: _Reads) -> tuple[str, Check]:
        members = [_operand(o, context, (*at, i), reads) for i, o in enumerate(operand)]
        said = f"{words} of ({'; '.join(w for w, _ in members)})"

        def check(value: Any, facts: Facts) -> str | None:
            if words == "none" and value is MISSING:
                return said
            return None if joined([test(value, facts) is None for _, test in members]) else said

        return said, check

    return compile_group


def _items(words: str, joined: Callable[[list[bool]], bool]) -> Compile:
    def compile_items(operand: Any, context: Context, at: Path, reads: _Reads) -> tuple[str, Check]:
        inner_words, inner = _operand(operand, context, at, reads)
        said = f"{words} {inner_words}"

        def check(value: Any, facts: Facts) -> str | None:
            held = isinstance(value, list) and joined([inner(item, facts) is None for item in value])
            return None if held else said

        return said, check

    return compile_items


OPERATORS: Final[Mapping[str, Compile]] = {
    "equals": _equals,
    "not": _not,
    "in": _in,
    "matches": _matches,
    "contains": _contains,
    "starts_with": _affix("starts with", str.startswith),
    "ends_with": _affix("ends with", str.endswith),
    "less_than": _compare("less than", lambda a, b: bool(a < b)),
    "at_most": _compare("at most", lambda a, b: bool(a <= b)),
    "greater_than": _compare("greater than", lambda a, b: bool(a > b)),
    "at_least": _compare("at least", lambda a, b: bool(a >= b)),
    "present": _word("is present", lambda value: value is not MISSING),
    "absent": _word("is absent", lambda value: value is MISSING),
    "empty": _word("is empty", lambda value: value is MISSING or is_blank(value)),
    "same_as": _same_as,
    "schema": _schema,
    "all": _grouped("all", all),
    "any": _grouped("any", any),
    "none": _grouped("none", lambda held: not any(held)),
    "some_item": _items("has an item that", any),
    "every_item": _items("has only items that", all),
}
"""Every operator of the scenario language; `scenarios.schema.json` describes each."""


# -- logic over several paths -------------------------------------------------------------------------------


def _logic(name: str, operand: Any, context: Context, at: Path) -> Condition:
    groups = [compile_when(node, context, (*at, i)) for i, node in enumerate(operand)]
    words = f"{name} of ({'; '.join(' and '.join(c.text for c in group) for group in groups)})"

    tests = [[condition.fails for condition in group] for group in groups]
    decisive = name != "all"  # a group that holds settles `any` and `none`, one that does not settles `all`
    settled, otherwise = (None, words) if name == "any" else (words, None)

    def fails(facts: Facts) -> str | None:
        for group in tests:
            for test in group:
                if test(facts) is not None:
                    held = False
                    break
            else:
                held = True
            if held is decisive:
                return settled
        return otherwise

    def evidence(facts: Facts) -> tuple[Evidence, ...]:
        if fails(facts) is None:
            return ()
        if name == "none":
            return (Evidence(name, words, "one that holds"),)
        return tuple(e for group in groups for c in group for e in c.evidence(facts))

    members = [c for group in groups for c in group]
    claims = [c.claims for c in members if c.claims is not None]
    return Condition(
        words,
        fails,
        evidence,
        frozenset[str]().union(*(c.reads for c in members)),
        claims=(lambda violation: any(claim(violation) for claim in claims)) if claims else None,
        first=next((c.first for c in members if c.first is not None), None),
        settled=all(c.settled for c in members),
        calm=name == "none" or (all if name == "all" else any)(all(c.calm for c in group) for group in groups),
    )
