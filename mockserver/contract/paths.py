"""Paths such as `body.person.name`: what they may name, and how the value at a place is found in a request's facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final, NamedTuple

from mockserver.base.instants import offset_nanos, utc_millis
from mockserver.base.spelling import close_matches, did_you_mean
from mockserver.base.values import encode_ascii_json, replace_invalid_utf8
from mockserver.core.diagnostics import Diagnostic, Report
from mockserver.core.model import MISSING, Facts, Path, Settings, Violation, member_of
from mockserver.privacy.secrets import Secrets
from mockserver.schema.declared import DeclaredNames
from mockserver.schema.schema_set import SchemaSet

Extract = Callable[[Facts], Any]
"""Gives the value at a place; `MISSING` if there is none."""

MemberNames = Callable[[str, tuple[str, ...]], DeclaredNames]
"""Gives the names declared at a root and a path below it; () if any name may stand."""

_FACTS: Final = frozenset(Facts.__struct_fields__) - {"records"}
"""The roots of paths that are attributes of `Facts`; the others are names of lookups."""

_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_@$-]+)*")

NOW_MEMBERS: Final[Mapping[str, Extract]] = {
    "utc_millis": lambda facts: utc_millis(facts.now_ns),
    "offset_nanos": lambda facts: offset_nanos(facts.now_ns, facts.settings.utc_offset),
    "epoch_millis": lambda facts: facts.now_ns // 1_000_000,
}
"""The members of `now`: the two forms of timestamp, and milliseconds since the epoch."""

VIOLATION_MEMBERS: Final[Mapping[str, Callable[[Violation], str]]] = {
    "text": attrgetter("text"),
    "where": attrgetter("where"),
    "pointer": attrgetter("pointer"),
    "keyword": attrgetter("keyword"),
    "came": attrgetter("got"),
    "message": attrgetter("message"),
}
"""The members of `violation`, the violation that a scenario matched, and how each is read."""

SETTING_NAMES: Final = tuple(field.name for field in fields(Settings))
"""The members of `settings`."""


class Scope(NamedTuple):
    """What a path may name.

    `roots` are the words that it may begin with; `member_names` gives the names declared below them, where the root
    `NAME[]` stands for one record of a lookup of many. `certain` are the roots whose members have a value for every
    request, `secrets` says which places are secret, and `list_lookups` the lookups of many
    records.
    """

    roots: tuple[str, ...]
    member_names: MemberNames
    certain: frozenset[str] = frozenset({"now", "new", "settings"})
    secrets: Secrets = Secrets()
    list_lookups: frozenset[str] = frozenset()

    def with_item(self, lookup: str) -> Scope:
        """The scope inside `give`, where `item` is one of the records of `lookup`."""
        member_names = self.member_names
        return self._replace(
            roots=(*self.roots, "item"),
            member_names=lambda root, path: member_names(f"{lookup}[]" if root == "item" else root, path),
        )


def _ignore(_warning: Diagnostic) -> None:
    """What is added at run time has nobody who reads warnings."""


class Context(NamedTuple):
    """The context for compiling a part of a scenario: what it may name, where to report, its path in the file."""

    scope: Scope
    schemas: SchemaSet
    report: Report
    at: Path = ()
    warn: Report = _ignore

    def below(self, *steps: str | int) -> Context:
        """The context of a part of this part."""
        return self._replace(at=(*self.at, *steps))

    def report_error(self, what: str, expected: str, got: str = "", hint: str = "") -> None:
        """Report that something is wrong here."""
        self.report(Diagnostic(self.at, what, expected, got, hint))

    def report_unknown(self, what: str, name: str, names: Iterable[str]) -> None:
        """Report a name that is none of `names`, with a near spelling."""
        self.report(unknown_name(self.at, what, name, names))


def unknown_name(at: Path, what: str, name: str, names: Iterable[str]) -> Diagnostic:
    """The diagnostic for a name that is none of `names`, with a near spelling."""
    known = tuple(names)
    expected = f"one of {', '.join(known)}" if known else "nothing (there are none)"
    near = close_matches(name, known)[:1]
    return Diagnostic(at, what, expected, name, did_you_mean(near), "".join(near))


class CompiledPath(NamedTuple):
    """A compiled path: its root, the steps below it, and how the value there is found."""

    root: str
    steps: tuple[str, ...]
    extract: Extract


def compile_path(text: str, context: Context) -> CompiledPath | None:
    """Compile a path; None after a report if it names nothing."""
    if not _PATH.fullmatch(text):
        context.report_error("not a path", "a path such as body.member or header.x-name", encode_ascii_json(text))
        return None
    scope = context.scope
    root, *rest = text.split(".")
    steps = tuple(step.lower() for step in rest) if root == "header" else tuple(rest)
    if root not in scope.roots:
        what = f"unknown reference {text}"
        if not rest and "body" in scope.roots and root in scope.member_names("body", ()).names:
            expected, near = f"one of {', '.join(scope.roots)}", f"body.{text}"
            context.report(Diagnostic(context.at, what, expected, root, did_you_mean([near]), near))
        else:
            context.report_unknown(what, root, scope.roots)
        return None
    for index, step in enumerate(steps):
        known = scope.member_names(root, steps[:index])
        if not known.allow(step) and not step.isdigit():
            parent = ".".join((root, *steps[:index]))
            context.report_unknown(f"unknown reference {text}: {parent} has no member {step}", step, known.names)
            return None
    return CompiledPath(root, steps, _extractor(root, steps))


def is_secret(place: CompiledPath, scope: Scope) -> bool:
    """Whether the value at a place is a secret, lies in one or holds one."""
    return scope.secrets.covers(place.root, place.steps)


# -- finding values -----------------------------------------------------------------------------------


def _extractor(root: str, steps: tuple[str, ...]) -> Extract:
    whole: Extract = attrgetter(root) if root in _FACTS else lambda facts: facts.records.get(root, MISSING)
    if not steps:
        return whole
    first = steps[0]
    if root == "now":
        return NOW_MEMBERS[first]
    if root == "settings":
        return lambda facts: getattr(facts.settings, first)
    if root == "header":
        return lambda facts: _header(facts.header.get(first, MISSING))
    if len(steps) == 1:

        def member(facts: Facts) -> Any:
            parent = whole(facts)
            return parent.get(first, MISSING) if type(parent) is dict else member_of(parent, first)

        return member

    def descend(facts: Facts) -> Any:
        value = whole(facts)
        for step in steps:
            value = value.get(step, MISSING) if type(value) is dict else member_of(value, step)
        return value

    return descend


def _header(value: Any) -> Any:
    return value if value is MISSING else replace_invalid_utf8(value)
