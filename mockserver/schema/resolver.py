"""References between schemas: what stands where one leads, and whether it comes back.

Knows the library that resolves them and is its one home; nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from mockserver.schema.subschemas import SAME_PLACE, references, subschemas


class Resources:
    """Schemas by file name, which may refer to each other."""

    def __init__(self) -> None:
        self.registry: Registry[Any] = Registry()

    def add(self, schemas: Mapping[str, Any]) -> None:
        """Take in more."""
        named = [(name, DRAFT202012.create_resource(schema)) for name, schema in schemas.items()]
        self.registry = self.registry.with_resources(named).crawl()

    def resolver(self, schema: Any) -> Any:
        """What resolves the references of a schema, one of these or another one."""
        return self.registry.resolver_with_root(DRAFT202012.create_resource(schema))


def inside(resolver: Any, schema: Mapping[str, Any]) -> Any:
    """The resolver for what stands in `schema`, which may have an `$id` of its own."""
    return resolver.in_subresource(DRAFT202012.create_resource(schema))


def lookup(resolver: Any, reference: str) -> Any:
    """Where a reference leads: `contents`, and the `resolver` there; None where it leads nowhere."""
    try:
        return resolver.lookup(reference)
    except (Unresolvable, ValueError):
        return None


def contents(resolver: Any, reference: str) -> tuple[Any, Any] | None:
    """The same as a pair."""
    target = lookup(resolver, reference)
    return None if target is None else (target.contents, target.resolver)


def comes_back(target: Any, start: Mapping[str, Any], left: Iterator[int]) -> bool | None:
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
