"""What a schema declares: the names of members, by place, and the places that it marks `writeOnly`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mockserver.core.model import Path
from mockserver.core.spelling import close_matches
from mockserver.schema.references import Located
from mockserver.schema.subschemas import DECLARE

MOST_PLACES: Final = 10_000
"""Places that are looked at for the names that a schema declares; one that refers to itself has no end of them."""

_HOLDERS: Final = frozenset([dict, list])
"""The types of values that may hold names."""


class Declared:
    """Member names by the place where they are declared, and secrets; `*` stands for any index of an array."""

    def __init__(self, known: Mapping[Path, tuple[str, ...]], secrets: tuple[Path, ...]) -> None:
        self.secrets = secrets
        self._known = known
        self._names = frozenset(known.get((), ()))
        self._inner = frozenset(at[:n] for at, names in known.items() if names for n in range(len(at) + 1))
        """The places at or below which names are declared."""

    def known(self, path: Path) -> tuple[str, ...]:
        """The member names that are declared at `path`; nothing where none are."""
        return self._known.get(tuple("*" if isinstance(p, int) else p for p in path), ())

    def unknown(self, instance: Any) -> Iterable[tuple[Path, tuple[str, ...]]]:
        """The members of `instance` that are not declared, each with near spellings."""
        # Most bodies have known names alone, and nothing that has names of its own.
        if (
            type(instance) is dict
            and instance.keys() <= self._names
            and _HOLDERS.isdisjoint(map(type, instance.values()))
        ):
            return ()
        return self._unknown(instance)

    def _unknown(self, instance: Any) -> Iterator[tuple[Path, tuple[str, ...]]]:
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
                        yield (*path, name), close_matches(name, names)
                    elif type(member) in _HOLDERS:
                        pending.append(((*path, name), (*place, name), member))


@dataclass(frozen=True, slots=True)
class _Visit:
    at: Path
    schema: Located
    seen: frozenset[int]


def declared_by(schema: Located) -> Declared:
    """What a schema declares, by way of references and branches too; `if` and `not` declare nothing."""
    known: dict[Path, dict[str, None]] = {}
    secrets: set[Path] = set()
    pending = deque([_Visit((), schema, frozenset())])
    for _ in range(MOST_PLACES):
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
        for step, part in visit.schema.parts():
            if step[0] == "properties":
                pending.append(_Visit((*at, step[1]), part, seen))
            elif step[0] in ("items", "prefixItems"):
                pending.append(_Visit((*at, "*"), part, seen))
            elif step[0] in DECLARE:
                pending.append(_Visit(at, part, seen))
        pending.extend(_Visit(at, target, seen) for target in visit.schema.targets())
    return Declared({at: tuple(found) for at, found in known.items()}, tuple(sorted(secrets, key=str)))
