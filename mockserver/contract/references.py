"""Paths (`body.person.name`) and references (`${...}`): compiled once, then looked up, typed.

Knows the grammar of paths and templates; it runs nothing, reads no file, and knows no operator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from mockserver.core.instants import offset_nanos, utc_millis
from mockserver.core.language import Template
from mockserver.core.model import MISSING, Diagnostic, Facts, Path, Report, Settings
from mockserver.core.values import close_matches, is_blank, kind, write_ascii

_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_@$-]+)*")
_REFERENCE: Final = re.compile(r"\$\{([^{}]*)\}")

NOW: Final[Mapping[str, Callable[[Facts], Any]]] = {
    "utc_millis": lambda facts: utc_millis(facts["tick"].now_ns),
    "offset_nanos": lambda facts: offset_nanos(facts["tick"].now_ns, facts["settings"].utc_offset),
    "epoch_millis": lambda facts: facts["tick"].now_ns // 1_000_000,
}
"""What `${now.…}` can be: the two forms of timestamp, and milliseconds since the epoch."""

VIOLATION: Final = ("text", "where", "pointer", "keyword", "came", "message")
"""What `${violation.…}` can be, of the violation that the scenario rests on."""

SETTINGS: Final = tuple(Settings.__dataclass_fields__)

Extract = Callable[[Facts], Any]
Members = Callable[[str, tuple[str, ...]], tuple[str, ...]]


class Scope(NamedTuple):
    """What a path may begin with, and which members are known there.

    `members(root, path)` gives the names declared at a place, or () where any name may stand; the root
    `NAME[]` is one record of a lookup of many.
    """

    roots: tuple[str, ...]
    members: Members
    certain: frozenset[str] = frozenset({"now", "new", "settings"})
    sensitive: tuple[Path, ...] = ()
    many: frozenset[str] = frozenset()

    def with_item(self, lookup: str) -> Scope:
        """The scope inside `give`, where `item` is one of the records of `lookup`."""
        return self._replace(roots=(*self.roots, "item"), members=_with_item(self.members, lookup + "[]"))


def _with_item(members: Members, item: str) -> Members:
    return lambda root, path: members(item if root == "item" else root, path)


class Place(NamedTuple):
    """A compiled path."""

    text: str
    root: str
    steps: tuple[str, ...]
    extract: Extract


def compile_path(text: str, scope: Scope, at: Path, report: Report) -> Place | None:
    """The place that `text` names; None after a report where there is no such place."""
    if not _PATH.fullmatch(text):
        report(Diagnostic(at, "not a path", "a path such as body.member or header.x-name", write_ascii(text)))
        return None
    root, *rest = text.split(".")
    steps = tuple(s.lower() for s in rest) if root == "header" else tuple(rest)
    if root not in scope.roots:
        _unknown(at, f"unknown reference {text}", root, scope.roots, report)
        return None
    for index, step in enumerate(steps):
        known = scope.members(root, steps[:index])
        if known and step not in known and not step.isdigit():
            parent = ".".join((root, *steps[:index]))
            _unknown(at, f"unknown reference {text}: {parent} has no member {step}", step, known, report)
            return None
    return Place(text, root, steps, _extractor(root, steps))


def is_sensitive(place: Place, scope: Scope) -> bool:
    """Whether the value at `place` is, lies in or holds a secret."""
    path = (place.root, *place.steps)
    if place.root == "header" and (not place.steps or place.steps[0].startswith("authorization")):
        return True
    return any(path[: len(s)] == s or s[: len(path)] == path for s in scope.sensitive)


def _unknown(at: Path, what: str, name: str, names: tuple[str, ...], report: Report) -> None:
    spelt = close_matches(name, names)
    hint = f"did you mean {spelt[0]}?" if spelt else ""
    report(Diagnostic(at, what, f"one of {', '.join(names)}", name, hint))


def _extractor(root: str, steps: tuple[str, ...]) -> Extract:
    if root == "now" and steps:
        return NOW[steps[0]]
    if root == "settings" and steps:
        name = steps[0]
        return lambda facts: getattr(facts["settings"], name)
    if root == "header" and steps:
        header = steps[0]
        return lambda facts: _decoded(facts["header"].get(header, MISSING))
    if not steps:
        return lambda facts: facts.get(root, MISSING)
    if len(steps) == 1:
        step = steps[0]

        def member(facts: Facts) -> Any:
            try:  # what mostly is an object
                return facts[root].get(step, MISSING)
            except (AttributeError, KeyError):
                return _step(facts.get(root, MISSING), step)

        return member

    def descend(facts: Facts) -> Any:
        value = facts.get(root, MISSING)
        for step in steps:
            value = value.get(step, MISSING) if type(value) is dict else _step(value, step)
        return value

    return descend


def _step(value: Any, step: str) -> Any:
    if isinstance(value, list) and step.isdigit() and int(step) < len(value):
        return value[int(step)]
    return MISSING


def _decoded(value: Any) -> Any:
    """A header's text without the lone surrogates that stand for bytes that are not UTF-8."""
    return value if value is MISSING else value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


# -- templates ------------------------------------------------------------------------------------


def constant(value: Any) -> Template:
    """A template without references."""
    return Template(render=lambda _: value, constant=value)


def compile_template(node: Any, scope: Scope, at: Path, report: Report, respond: Template | None = None) -> Template:
    """The compiled form of a YAML value with references in it; whatever is wrong is reported.

    `respond` stands where the text `${respond}` is (in an envelope).
    """
    if isinstance(node, str):
        return _text(node, scope, at, report, respond)
    if isinstance(node, list):
        return _array([compile_template(n, scope, (*at, i), report, respond) for i, n in enumerate(node)])
    if isinstance(node, dict):
        if "first_of" in node:
            return _first_of(node, scope, at, report)
        if "each" in node or "give" in node:
            return _each(node, scope, at, report)
        return _object({k: compile_template(v, scope, (*at, k), report, respond) for k, v in node.items()})
    return constant(node)


def _joined(parts: list[Template]) -> dict[str, Any]:
    return {
        "reads": frozenset().union(*(p.reads for p in parts)),
        "new": frozenset().union(*(p.new for p in parts)),
        "certain": all(p.certain for p in parts),
    }


def _object(members: Mapping[str, Template]) -> Template:
    if all(m.constant is not MISSING for m in members.values()):
        return constant({k: m.constant for k, m in members.items()})

    def render(facts: Facts) -> Any:
        values = {k: m.render(facts) for k, m in members.items()}
        return {k: v for k, v in values.items() if v is not MISSING}

    return Template(render, members=members, **_joined(list(members.values())))


def _array(items: list[Template]) -> Template:
    if all(i.constant is not MISSING for i in items):
        return constant([i.constant for i in items])

    def render(facts: Facts) -> Any:
        return [v for v in (i.render(facts) for i in items) if v is not MISSING]

    return Template(render, items=tuple(items), **_joined(items))


def _text(node: str, scope: Scope, at: Path, report: Report, respond: Template | None) -> Template:
    if "${" not in node:
        return constant(node)
    if node == "${respond}" and respond is not None:
        return respond
    whole = _REFERENCE.fullmatch(node)
    if whole:
        return _reference(whole[1], scope, at, report)
    parts = _REFERENCE.split(node)
    if any("${" in text for text in parts[::2]):
        report(Diagnostic(at, "a reference that does not end", "${path}", write_ascii(node)))
        return constant(node)
    inner = [_reference(path, scope, at, report) for path in parts[1::2]]
    texts = parts[::2]

    def render(facts: Facts) -> Any:
        values = [i.render(facts) for i in inner]
        if MISSING in values:
            return MISSING
        shown = [v if isinstance(v, str) else write_ascii(v) for v in values]
        return "".join(a + b for a, b in zip(texts, [*shown, ""], strict=True))

    return Template(render, **_joined(inner))


def _reference(text: str, scope: Scope, at: Path, report: Report) -> Template:
    place = compile_path(text, scope, at, report)
    if place is None:
        return constant(None)
    if is_sensitive(place, scope):
        report(
            Diagnostic(
                at, f"{text} is a secret", "a member that may be shown", text, "secrets are never answered or kept"
            )
        )
    if place.root in scope.certain and not place.steps:
        names = scope.members(place.root, ())
        report(Diagnostic(at, f"{text} is no value", f"{text}.NAME, one of {', '.join(names)}", text))
    certain = place.root in scope.certain and len(place.steps) == 1
    new = frozenset(place.steps[:1]) if place.root == "new" else frozenset[str]()
    return Template(place.extract, reads=frozenset({place.root}), certain=certain, new=new)


def _only(node: dict[str, Any], names: tuple[str, ...], at: Path, report: Report) -> bool:
    for name in node:
        if name not in names:
            _unknown((*at, name), f"unknown member {name}", name, names, report)
            return False
    return True


def _first_of(node: dict[str, Any], scope: Scope, at: Path, report: Report) -> Template:
    choices = node["first_of"]
    if not _only(node, ("first_of",), at, report):
        return constant(None)
    if not isinstance(choices, list) or not choices:
        report(
            Diagnostic(
                (*at, "first_of"), "first_of without choices", "a list of values, the last one certain", kind(choices)
            )
        )
        return constant(None)
    compiled = [compile_template(c, scope, (*at, "first_of", i), report) for i, c in enumerate(choices)]
    if not compiled[-1].certain:
        report(
            Diagnostic(
                (*at, "first_of", len(choices) - 1),
                "the last choice of first_of may be missing",
                "a plain value, or a reference to new, now or settings",
                write_ascii(choices[-1]),
                "a scenario can be forced on any request, so its answer must not depend on one",
            )
        )
    last = compiled[-1].render

    def render(facts: Facts) -> Any:
        for choice in compiled[:-1]:
            value = choice.render(facts)
            if value is not MISSING and not is_blank(value):
                return value
        return last(facts)

    joined = _joined(compiled)
    return Template(render, reads=joined["reads"], new=joined["new"], certain=compiled[-1].certain)


def _each(node: dict[str, Any], scope: Scope, at: Path, report: Report) -> Template:
    name = node.get("each")
    if not _only(node, ("each", "give"), at, report):
        return constant(None)
    if not isinstance(name, str) or name not in scope.many or "give" not in node:
        report(
            Diagnostic(
                (*at, "each") if "each" in node else at,
                "each needs a lookup of many records, and give",
                f"each: one of {', '.join(sorted(scope.many)) or 'the lookups with keys (there are none)'}",
                write_ascii(name) if "give" in node else "no give",
            )
        )
        return constant(None)
    give = compile_template(node["give"], scope.with_item(name), (*at, "give"), report)

    def render(facts: Facts) -> Any:
        records = facts.get(name, MISSING)
        views = records if records is not MISSING else []
        return [value for item in views if (value := give.render({**facts, "item": item})) is not MISSING]

    return Template(render, reads=give.reads | {name}, new=give.new)
