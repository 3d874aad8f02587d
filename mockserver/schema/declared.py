"""What a schema declares by place: names of members, values, time stamps, and what it marks `writeOnly`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mockserver.base.spelling import close_matches
from mockserver.core.model import Path, UnknownMember
from mockserver.schema.patterns import compile_pattern
from mockserver.schema.references import LocatedSchema
from mockserver.schema.subschemas import DECLARING_KEYWORDS, OTHER_MEMBER_KEYWORDS

MAX_PLACES: Final = 10_000
"""Places that are searched for declared names; a recursive schema has no end of them."""

_ANY_MEMBER: Final = frozenset(
    ["items", "prefixItems", "contains", "unevaluatedItems"]
    + ["patternProperties", "additionalProperties", "unevaluatedProperties"]
)
"""Keywords whose schemas are those of items, or of members that are not named."""

_HOLDERS: Final = frozenset([dict, list])
"""The types of values that have members or items."""


@dataclass(frozen=True, slots=True)
class DeclaredNames:
    """The names of members that are declared at a place: as such, or by patterns.

    is_open: any other name has a schema as well (`additionalProperties: {...}`).
    values: what may stand at the place (`enum`), `is_date_time`: the text there has that format.
    """

    names: tuple[str, ...] = ()
    patterns: tuple[Callable[[str], bool], ...] = ()
    is_open: bool = False
    values: tuple[Any, ...] = ()
    is_date_time: bool = False

    def allow(self, name: str) -> bool:
        """Whether a member may have this name; where nothing is declared, any may."""
        if name in self.names or self.is_open or not (self.names or self.patterns):
            return True
        return any(matches(name) for matches in self.patterns)


class DeclaredMembers:
    """Member names by the place where they are declared, and secrets; `*` stands for any index or undeclared name."""

    def __init__(self, known: Mapping[Path, DeclaredNames], secrets: tuple[Path, ...]) -> None:
        self.write_only_places = secrets
        self._known = known
        self._names = frozenset(self.member_names(()).names)
        declaring = [at for at, one in known.items() if one.names or one.patterns]
        self._inner = frozenset(at[:n] for at in declaring for n in range(len(at) + 1))
        """The places at or below which names are declared."""

    @property
    def places(self) -> tuple[Path, ...]:
        """The places of all members that are declared."""
        return tuple((*at, name) for at, declared in self._known.items() for name in declared.names)

    def member_names(self, path: Path) -> DeclaredNames:
        """The names declared at `path`."""
        place: Path = ()
        for step in path:
            place = self._place_below(place, step)
        return self._known.get(place, _NOTHING)

    def _place_below(self, place: Path, step: str | int) -> Path:
        """The place of a member or an item of what stands at a place."""
        return (*place, step if step in self._known.get(place, _NOTHING).names else "*")

    def unknown_members(self, instance: Any) -> Iterable[UnknownMember]:
        """The members of `instance` that are not declared."""
        # Most bodies have known names alone, and nothing that has names of its own.
        if (
            type(instance) is dict
            and instance.keys() <= self._names
            and _HOLDERS.isdisjoint(map(type, instance.values()))
        ):
            return ()
        return self._unknown_members(instance)

    def _unknown_members(self, instance: Any) -> Iterator[UnknownMember]:
        pending: list[tuple[Path, Path, Any]] = [((), (), instance)]
        while pending:
            path, place, value = pending.pop()
            if isinstance(value, list):
                within = (*place, "*")
                if within in self._inner:
                    items = [(i, item) for i, item in enumerate(value) if type(item) in _HOLDERS]
                    pending.extend(((*path, i), within, item) for i, item in items)
            elif isinstance(value, dict) and (declared := self._known.get(place)) is not None:
                for name, member in value.items():
                    if not declared.allow(name):
                        yield UnknownMember((*path, name), close_matches(name, declared.names))
                    elif type(member) in _HOLDERS:
                        pending.append(((*path, name), self._place_below(place, name), member))


_NOTHING: Final = DeclaredNames()


@dataclass(slots=True)
class _Declarations:
    """What was found so far at one place; names in order."""

    names: dict[str, None] = field(default_factory=dict)
    patterns: dict[str, None] = field(default_factory=dict)
    is_open: bool = False
    values: list[Any] = field(default_factory=list)
    is_date_time: bool = False


@dataclass(frozen=True, slots=True)
class _Visit:
    at: Path
    schema: LocatedSchema
    seen: frozenset[int]


def declared_members(schema: LocatedSchema) -> DeclaredMembers:
    """What a schema declares, through references and branches too; `if` and `not` declare nothing."""
    known: dict[Path, _Declarations] = {}
    secrets: set[Path] = set()
    pending = deque([_Visit((), schema, frozenset())])
    for _ in range(MAX_PLACES):
        if not pending:
            break
        visit = pending.popleft()
        at, sub = visit.at, visit.schema.schema
        if not isinstance(sub, dict) or id(sub) in visit.seen:
            continue
        seen = visit.seen | {id(sub)}
        if sub.get("writeOnly") is True:
            secrets.add(at)
        declared = known.setdefault(at, _Declarations())
        declared.names.update(dict.fromkeys(sub.get("properties", ())))
        declared.patterns.update(dict.fromkeys(map(str, sub.get("patternProperties", ()))))
        declared.values += sub.get("enum", ())
        declared.is_date_time |= sub.get("format") == "date-time"
        # `true` and `{}` let pass what they do not describe.
        declared.is_open |= any(sub.get(keyword) not in (None, True, False, {}) for keyword in OTHER_MEMBER_KEYWORDS)
        for step, part in visit.schema.subschemas():
            if step[0] == "properties":
                pending.append(_Visit((*at, step[1]), part, seen))
            elif step[0] in _ANY_MEMBER:
                pending.append(_Visit((*at, "*"), part, seen))
                if step[0] == "patternProperties":
                    matches = compile_pattern(str(step[1]))
                    named = filter(matches, sub.get("properties", ()))
                    pending.extend(_Visit((*at, name), part, seen) for name in named)
            elif step[0] in DECLARING_KEYWORDS:
                pending.append(_Visit(at, part, seen))
        pending.extend(_Visit(at, target, seen) for target in visit.schema.targets())
    places = {
        at: DeclaredNames(
            tuple(one.names),
            tuple(map(compile_pattern, one.patterns)),
            one.is_open,
            tuple(one.values),
            one.is_date_time,
        )
        for at, one in known.items()
    }
    return DeclaredMembers(places, tuple(sorted(secrets, key=str)))
