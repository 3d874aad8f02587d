"""References between schemas: where one leads, what it reaches, and whether it comes back.

Nothing is ever fetched: a reference reaches the schema files of the contract, by file name, and what stands in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, unquote, urljoin

from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from mockserver.base.json_pointer import json_pointer_steps
from mockserver.core.model import Path
from mockserver.schema.subschemas import IN_PLACE_KEYWORDS, references, subschemas

BASE_URI: Final = "https://schemas.invalid/"
"""The URI of a schema that is written inside another file; a schema file has this URI with its name behind it."""


def file_uri(name: str) -> str:
    """The URI of a schema file."""
    return BASE_URI + quote(name, safe=_SAFE)


def quote_reference(reference: str) -> str:
    """The text of a reference as a URI: a file name may stand in it as it is, so `a b.json` is `a%20b.json`."""
    return quote(reference, safe=_SAFE + "/?#[]%")


_SAFE: Final = "!$&'()*+,;=:@~"


def named_uris(uri: str, schema: Any) -> Iterator[tuple[Path, str]]:
    """The URIs that `$id` and anchors give to schemas in a schema at `uri`, with the place of the keyword."""
    pending: list[tuple[Path, str, Any]] = [((), uri, schema)]
    while pending:
        at, base, one = pending.pop()
        names = one if isinstance(one, dict) else {}
        if "$id" in names:
            base = urljoin(base, quote_reference(names["$id"])).removesuffix("#")
            yield (*at, "$id"), base
        yield from (((*at, word), f"{base}#{names[word]}") for word in ("$anchor", "$dynamicAnchor") if word in names)
        pending.extend(((*at, *step), base, inner) for step, inner in subschemas(one))


@dataclass(frozen=True, slots=True)
class LocatedSchema:
    """A schema, and what resolves the references in it."""

    schema: Any
    resolver: Any

    @classmethod
    def enter(cls, schema: Any, resolver: Any) -> LocatedSchema:
        """A schema that `resolver` leads to; it may have an `$id`, which its references are relative to."""
        if isinstance(schema, dict):
            resolver = resolver.in_subresource(DRAFT202012.create_resource(schema))
        return cls(schema, resolver)

    def subschemas(self) -> Iterator[tuple[Path, LocatedSchema]]:
        """The schemas directly in it, each with the path to it."""
        return ((step, LocatedSchema.enter(inner, self.resolver)) for step, inner in subschemas(self.schema))

    def resolve(self, reference: str) -> LocatedSchema | None:
        """Where a reference leads; None if it leads nowhere."""
        try:
            target = self.resolver.lookup(quote_reference(reference))
        except (Unresolvable, ValueError):
            return None
        return LocatedSchema.enter(target.contents, target.resolver)

    def targets(self) -> Iterator[LocatedSchema]:
        """Where its references lead, as far as they lead anywhere."""
        found = (self.resolve(reference.text) for reference in references(self.schema))
        return (target for target in found if target is not None)

    def reachable(self) -> Mapping[int, LocatedSchema]:
        """Itself and every schema that it holds or refers to, directly or through others, by identity."""
        found: dict[int, LocatedSchema] = {}
        pending = [self]
        while pending:
            one = pending.pop()
            if id(one.schema) not in found:
                found[id(one.schema)] = one
                pending.extend(part for _, part in one.subschemas())
                pending.extend(one.targets())
        return found

    def in_place_schemas(self) -> Iterator[LocatedSchema]:
        """The schemas that apply to the same value."""
        yield from (part for step, part in self.subschemas() if step[0] in IN_PLACE_KEYWORDS)
        yield from self.targets()

    def leads_back_to(self, start: Mapping[str, Any], left: Iterator[int]) -> bool | None:
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
                pending.extend(one.in_place_schemas())
        return False


@dataclass(frozen=True, slots=True)
class SchemaRegistry:
    """Schemas by URI, which may refer to each other."""

    registry: Registry[Any] = field(default_factory=Registry)

    def with_schemas(self, schemas: Mapping[str, Any]) -> SchemaRegistry:
        """The same and more."""
        named = [(uri, DRAFT202012.create_resource(schema)) for uri, schema in schemas.items()]
        return SchemaRegistry(self.registry.with_resources(named).crawl())

    def locate(self, uri: str) -> LocatedSchema:
        """The schema of a URI."""
        return LocatedSchema.enter(self.registry.contents(uri), self.registry.resolver(uri))

    def schema_of(self, keyword_location: str) -> Any:
        """The schema in which a keyword stands: a URI with a JSON Pointer to the keyword."""
        uri, _, pointer = keyword_location.partition("#")
        found = self.registry.contents(uri)
        for step in json_pointer_steps(unquote(pointer))[:-1]:
            found = found[int(step) if isinstance(found, list) else step]
        return found
