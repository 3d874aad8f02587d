"""References between schemas: what stands where one leads, and whether it comes back.

Knows the library that resolves them and is its one home; nothing is ever fetched. Most schemas have no names of their
own and refer by file and place; these are followed without the library, which takes longer to import than they take.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final, NamedTuple

from mockserver.subschemas import SAME_PLACE, references, subschemas
from mockserver.values import write

_NAMING: Final = re.compile(rb'"\$(?:id|anchor|dynamicAnchor)"')
"""Keywords that give a schema a name, by which it can be referred to."""

_PLAIN: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)?(?:#((?:/[A-Za-z0-9$._-]+)*))?")
"""A file, and a place in it without anything that is escaped."""


class Resources:
    """Schemas by file name, which may refer to each other."""

    def __init__(self) -> None:
        self.files: dict[str, Any] = {}
        self._named = False

    def add(self, schemas: Mapping[str, Any]) -> None:
        """Take in more."""
        self.files.update(schemas)
        self._named = self._named or _has_names(schemas)
        self.__dict__.pop("registry", None)

    @cached_property
    def registry(self) -> Any:
        """All of them, as the library has them."""
        from referencing import Registry
        from referencing.jsonschema import DRAFT202012

        named = [(name, DRAFT202012.create_resource(schema)) for name, schema in self.files.items()]
        return Registry().with_resources(named).crawl()

    def resolver(self, schema: Any) -> Any:
        """What resolves the references of a schema, one of these or another one."""
        plain = _Plain(self, "", schema)
        return plain.library() if self._named or _has_names(schema) else plain


def _has_names(schema: Any) -> bool:
    try:
        return _NAMING.search(write(schema)) is not None
    except TypeError:  # a value that cannot be written
        return True


class Found(NamedTuple):
    """Where a reference leads."""

    contents: Any
    resolver: Any


class _Plain(NamedTuple):
    """Resolves references in a schema, that of a file where it has a `name`."""

    resources: Resources
    name: str
    schema: Any

    def find(self, reference: str) -> Found | None:
        """Where it leads; None where the library has to be asked, which says so of all that leads nowhere."""
        found = _PLAIN.fullmatch(reference)
        if found is None:
            return None
        within = self
        if found[1] is not None:
            if found[1] not in self.resources.files:
                return None
            within = _Plain(self.resources, found[1], self.resources.files[found[1]])
        contents = within.schema
        for step in (found[2] or "").split("/")[1:]:
            if not isinstance(contents, dict) or step not in contents:
                return None
            contents = contents[step]
        return Found(contents, within)

    def library(self) -> Any:
        """The library's resolver in the place of this one."""
        from referencing.jsonschema import DRAFT202012

        if self.name:
            return self.resources.registry.resolver(base_uri=self.name)
        return self.resources.registry.resolver_with_root(DRAFT202012.create_resource(self.schema))


def inside(resolver: Any, schema: Mapping[str, Any]) -> Any:
    """The resolver for what stands in `schema`, which may have an `$id` of its own."""
    if isinstance(resolver, _Plain):
        return resolver
    from referencing.jsonschema import DRAFT202012

    return resolver.in_subresource(DRAFT202012.create_resource(schema))


def lookup(resolver: Any, reference: str) -> Found | None:
    """Where a reference leads; None where it leads nowhere."""
    if isinstance(resolver, _Plain):
        found = resolver.find(reference)
        if found is not None:
            return found
        resolver = resolver.library()
    from referencing.exceptions import Unresolvable

    try:
        resolved = resolver.lookup(reference)
    except (Unresolvable, ValueError):
        return None
    return Found(resolved.contents, resolved.resolver)


def comes_back(target: Found, start: Mapping[str, Any], left: Iterator[int]) -> bool | None:
    """Whether checking a value against `target` leads to `start` with the same value; None if no steps are `left`."""
    pending, seen = [(target.contents, target.resolver)], set[int]()
    while pending:
        if next(left, None) is None:
            return None
        sub, resolver = pending.pop()
        if sub is start:
            return True
        if isinstance(sub, dict) and id(sub) not in seen:
            seen.add(id(sub))
            resolver = inside(resolver, sub)
            pending.extend((inner, resolver) for step, inner in subschemas(sub) if step[0] in SAME_PLACE)
            found = [lookup(resolver, text) for _, text in references(sub)]
            pending.extend((t.contents, t.resolver) for t in found if t is not None)
    return False
