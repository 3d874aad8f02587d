"""References between schemas: where one leads, what it reaches, and whether it comes back.

Nothing is ever fetched: a reference reaches the schema files of the contract, by file name, and what stands in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from mockserver.core.json_pointer import json_pointer_steps
from mockserver.core.model import Path
from mockserver.schema.subschemas import SAME_PLACE, references, subschemas

BASE: Final = "https://schemas.invalid/"
"""The URI of a schema that stands inside another file; a schema file's is its name below it."""


def file_uri(name: str) -> str:
    """The URI of a schema file."""
    return BASE + quote(name, safe=_SAFE)


def as_uri(reference: str) -> str:
    """The text of a reference as a URI: a file name may stand in it as it is, so `a b.json` is `a%20b.json`."""
    return quote(reference, safe=_SAFE + "/?#[]%")


_SAFE: Final = "!$&'()*+,;=:@~"


@dataclass(frozen=True, slots=True)
class Located:
    """A schema, and what resolves the references in it."""

    schema: Any
    resolver: Any

    @classmethod
    def enter(cls, schema: Any, resolver: Any) -> Located:
        """A schema that `resolver` leads to; it may have an `$id`, which its references are relative to."""
        if isinstance(schema, dict):
            resolver = resolver.in_subresource(DRAFT202012.create_resource(schema))
        return cls(schema, resolver)

    def parts(self) -> Iterator[tuple[Path, Located]]:
        """The schemas that stand right in it, each with the way to it."""
        return ((step, Located.enter(inner, self.resolver)) for step, inner in subschemas(self.schema))

    def follow(self, reference: str) -> Located | None:
        """Where a reference leads; None where it leads nowhere."""
        try:
            target = self.resolver.lookup(as_uri(reference))
        except (Unresolvable, ValueError):
            return None
        return Located.enter(target.contents, target.resolver)

    def targets(self) -> Iterator[Located]:
        """Where its references lead, as far as they lead anywhere."""
        found = (self.follow(reference.text) for reference in references(self.schema))
        return (target for target in found if target is not None)

    def reachable(self) -> Mapping[int, Located]:
        """It, and all schemas that stand in it or are referred to, however far, by identity."""
        found: dict[int, Located] = {}
        pending = [self]
        while pending:
            one = pending.pop()
            if id(one.schema) not in found:
                found[id(one.schema)] = one
                pending.extend(part for _, part in one.parts())
                pending.extend(one.targets())
        return found

    def same_place(self) -> Iterator[Located]:
        """The schemas that are asked about the same value."""
        yield from (part for step, part in self.parts() if step[0] in SAME_PLACE)
        yield from self.targets()

    def comes_back(self, start: Mapping[str, Any], left: Iterator[int]) -> bool | None:
        """Whether checking a value against it leads to `start` with the same value; None if no steps are `left`."""
        pending, seen = [self], set[int]()
        while pending:
            if next(left, None) is None:
                return None
            one = pending.pop()
            if one.schema is start:
                return True
            if id(one.schema) not in seen:
                seen.add(id(one.schema))
                pending.extend(one.same_place())
        return False


@dataclass(frozen=True, slots=True)
class Resources:
    """Schemas by URI, which may refer to each other."""

    registry: Registry[Any] = field(default_factory=Registry)

    def with_schemas(self, schemas: Mapping[str, Any]) -> Resources:
        """The same and more."""
        named = [(uri, DRAFT202012.create_resource(schema)) for uri, schema in schemas.items()]
        return Resources(self.registry.with_resources(named).crawl())

    def locate(self, uri: str) -> Located:
        """The schema of a URI."""
        return Located.enter(self.registry.contents(uri), self.registry.resolver(uri))

    def schema_of(self, keyword_location: str) -> Any:
        """The schema in which a keyword stands: a URI with a JSON Pointer to the keyword."""
        uri, _, pointer = keyword_location.partition("#")
        found = self.registry.contents(uri)
        for step in json_pointer_steps(unquote(pointer))[:-1]:
            found = found[int(step) if isinstance(found, list) else step]
        return found
