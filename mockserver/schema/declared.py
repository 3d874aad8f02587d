"""What a schema declares: the names of members, by place, and the places that it marks `writeOnly`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mockserver.base.spelling import close_matches
from mockserver.core.model import Path, UnknownMember
from mockserver.schema.patterns import compile_pattern
from mockserver.schema.references import LocatedSchema
from mockserver.schema.subschemas import DECLARING_KEYWORDS

MAX_PLACES: Final = 10_000
"""Places that are searched for declared names; a recursive schema has no end of them."""

_ANY_MEMBER: Final = frozenset(
    ["items", "prefixItems", "contains", "unevaluatedItems"]
    + ["patternProperties", "additionalProperties", "unevaluatedProperties"]
)
"""Keywords whose schemas are those of items, or of members that are not named."""

_HOLDERS: Final = frozenset([dict, list])
"""The types of values that have members or items."""


class DeclaredMembers:
    """Member names by the place where they are declared, and secrets; `*` stands for any index or undeclared name."""

    def __init__(self, known: Mapping[Path, tuple[str, ...]], secrets: tuple[Path, ...]) -> None:
        self.write_only_places = secrets
        self._known = known
        self._names = frozenset(known.get((), ()))
        self._inner = frozenset(at[:n] for at, names in known.items() if names for n in range(len(at) + 1))
        """The places at or below which names are declared."""

    @property
    def places(self) -> tuple[Path, ...]:
        """The places of all members that are declared."""
        return tuple((*at, name) for at, names in self._known.items() for name in names)

    def member_names(self, path: Path) -> tuple[str, ...]:
        """The member names declared at `path`; empty if none are."""
        return self._known.get(tuple("*" if isinstance(p, int) else p for p in path), ())

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
            elif isinstance(value, dict) and (names := self._known.get(place)):
                for name, member in value.items():
                    if name not in names:
                        yield UnknownMember((*path, name), close_matches(name, names))
                    elif type(member) in _HOLDERS:
                        pending.append(((*path, name), (*place, name), member))


@dataclass(frozen=True, slots=True)
class _Visit:
    at: Path
    schema: LocatedSchema
    seen: frozenset[int]


def declared_members(schema: LocatedSchema) -> DeclaredMembers:
    """What a schema declares, through references and branches too; `if` and `not` declare nothing."""
    known: dict[Path, dict[str, None]] = {}
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
        known.setdefault(at, {}).update(dict.fromkeys(sub.get("properties", ())))
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
    return DeclaredMembers({at: tuple(found) for at, found in known.items()}, tuple(sorted(secrets, key=str)))
