"""How a JSON Schema differs from another one, keyword by keyword: looser, stricter, or unknown where nobody can tell.

What a schema says is the sum of its keywords, so a schema in which every difference is looser accepts all that the old
one accepted. Where keywords depend on each other, as with `oneOf`, a difference is `unknown`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from mockserver.base.json_pointer import json_pointer
from mockserver.base.values import equal
from mockserver.comparison.keywords import COMPARED, CONTAINS, UNEVALUATED, Relation, flip, presence
from mockserver.comparison.plain_keywords import SchemaDifference, plain_differences, relation_of
from mockserver.comparison.references import Inliner, LinkedSchema
from mockserver.core.model import MISSING, Path

ANY: Final = "*"
"""The step of a path that stands for any item, or any member that is not declared."""


def schema_differences(before: LinkedSchema, now: LinkedSchema) -> tuple[SchemaDifference, ...]:
    """All differences, each once."""
    found: list[SchemaDifference] = []
    for one in _Walk(before, now).compare(before.schema, now.schema, ()):
        if one not in found:
            found.append(one)
    return tuple(found)


class _Walk:
    """Walks through two schemas together; a pair that refers to itself is compared once."""

    def __init__(self, before: LinkedSchema, now: LinkedSchema) -> None:
        self._before = Inliner(before)
        self._now = Inliner(now)
        self._open: set[tuple[int, int]] = set()

    def compare(self, before: Any, now: Any, at: Path) -> Iterator[SchemaDifference]:
        """The differences of two schemas that describe the value at a path."""
        before, now = self._before.inline(before), self._now.inline(now)
        pair = (id(before), id(now))
        if before is False or now is False:
            if before is not now:
                yield SchemaDifference(json_pointer(at), "false", _of_false(before), before, now)
        elif pair not in self._open:
            self._open.add(pair)
            one, other = _as_object(before), _as_object(now)
            found = _beside_composition([*self._keywords(one, other, at)], json_pointer(at))
            yield from _beside_unevaluated(one, other, found, at)
            self._open.discard(pair)

    def _keywords(self, before: Mapping[str, Any], now: Mapping[str, Any], at: Path) -> Iterator[SchemaDifference]:
        yield from plain_differences(before, now, json_pointer(at))
        yield from self._members(before, now, at)
        yield from self._patterns(before, now, at)
        yield from self._items(before, now, at)
        yield from self._contains(before, now, at)
        for keyword in ("allOf", "anyOf", "oneOf"):
            yield from self._list(keyword, before, now, at)
        yield from self._conditional(before, now, at)
        yield from self._flipped_not(before, now, at)
        yield from self._whole("propertyNames", before, now, at)
        for keyword in UNEVALUATED:
            yield from self._single(keyword, before, now, at)
        depend, depend_now = before.get("dependentSchemas", {}), now.get("dependentSchemas", {})
        for name in {**depend, **depend_now}:
            yield from self.compare(depend.get(name, True), depend_now.get(name, True), at)

    # -- objects --------------------------------------------------------------------------------------

    def _members(self, before: Mapping[str, Any], now: Mapping[str, Any], at: Path) -> Iterator[SchemaDifference]:
        declared, declared_now = before.get("properties", {}), now.get("properties", {})
        has_patterns = bool(before.get("patternProperties") or now.get("patternProperties"))
        for name in {**declared, **declared_now}:
            here = (*at, name)
            if name in declared and name in declared_now:
                yield from self.compare(declared[name], declared_now[name], here)
                continue
            one = declared.get(name, before.get("additionalProperties", True))
            other = declared_now.get(name, now.get("additionalProperties", True))
            relation: Relation = "unknown" if has_patterns else relation_of(self.compare(one, other, here))
            yield SchemaDifference(
                json_pointer(here), "properties", relation, declared.get(name, MISSING), declared_now.get(name, MISSING)
            )
        yield from self._single("additionalProperties", before, now, at)

    def _patterns(self, before: Mapping[str, Any], now: Mapping[str, Any], at: Path) -> Iterator[SchemaDifference]:
        patterns, patterns_now = before.get("patternProperties", {}), now.get("patternProperties", {})
        for name in {**patterns, **patterns_now}:
            one, other = patterns.get(name, MISSING), patterns_now.get(name, MISSING)
            if one is not MISSING and other is not MISSING:
                yield from self.compare(one, other, (*at, ANY))
                continue
            others = (before if one is MISSING else now).get("additionalProperties", True)
            relation = presence(one, other) if others is True or others == {} else "unknown"
            yield SchemaDifference(json_pointer((*at, ANY)), f"patternProperties {name}", relation, one, other)

    # -- arrays ---------------------------------------------------------------------------------------

    def _items(self, before: Mapping[str, Any], now: Mapping[str, Any], at: Path) -> Iterator[SchemaDifference]:
        first, first_now = before.get("prefixItems", []), now.get("prefixItems", [])
        for index in range(max(len(first), len(first_now))):
            one = first[index] if index < len(first) else before.get("items", True)
            other = first_now[index] if index < len(first_now) else now.get("items", True)
            yield from self.compare(one, other, (*at, index))
        yield from self._single("items", before, now, at)

    def _contains(self, before: Mapping[str, Any], now: Mapping[str, Any], at: Path) -> Iterator[SchemaDifference]:
        one, other = before.get("contains", MISSING), now.get("contains", MISSING)
        inside = [] if MISSING in (one, other) else [*self.compare(one, other, (*at, ANY))]
        if not any(keyword in schema for schema in (before, now) for keyword in CONTAINS[1:]):
            yield from inside
            if (one is MISSING) is not (other is MISSING):
                yield SchemaDifference(json_pointer(at), "contains", presence(one, other), one, other)
            return
        group, group_now = ({k: schema[k] for k in CONTAINS if k in schema} for schema in (before, now))
        if relation_of(inside) != "same" or not equal(group, group_now):
            yield SchemaDifference(json_pointer(at), "contains", "unknown", group, group_now)

    # -- schemas of the same value ----------------------------------------------------------------------

    def _single(
        self, keyword: str, before: Mapping[str, Any], now: Mapping[str, Any], at: Path
    ) -> Iterator[SchemaDifference]:
        """The differences under a keyword that has one schema, for items or members."""
        for one in self.compare(before.get(keyword, True), now.get(keyword, True), (*at, ANY)):
            whole = one.keyword == "false" and one.at == json_pointer((*at, ANY))
            yield replace(one, keyword=keyword, at=json_pointer(at)) if whole else one

    def _whole(
        self, keyword: str, before: Mapping[str, Any], now: Mapping[str, Any], at: Path
    ) -> Iterator[SchemaDifference]:
        """One difference for all that is under a keyword."""
        one, other = before.get(keyword, True), now.get(keyword, True)
        inside = [*self.compare(one, other, at)]
        if inside:
            yield SchemaDifference(json_pointer(at), keyword, relation_of(inside), one, other)

    def _list(
        self, keyword: str, before: Mapping[str, Any], now: Mapping[str, Any], at: Path
    ) -> Iterator[SchemaDifference]:
        one, other = before.get(keyword, MISSING), now.get(keyword, MISSING)
        if one is MISSING or other is MISSING:
            if one is not other:
                yield SchemaDifference(json_pointer(at), keyword, presence(one, other), one, other)
        else:
            yield from self._alternatives(keyword, one, other, at)

    def _alternatives(self, keyword: str, before: list[Any], now: list[Any], at: Path) -> Iterator[SchemaDifference]:
        """The differences of two lists of schemas: their order means nothing, so those that are the same are paired."""
        left, added, order = [*range(len(before))], [], []
        for new in now:
            same = next((index for index in left if self._is_same(before[index], new)), None)
            if same is None:
                added.append(new)
            else:
                left.remove(same)
                order.append(same)
                yield from self.compare(before[same], new, at)
        removed = [before[index] for index in left]
        if len(removed) != len(added):
            yield SchemaDifference(json_pointer(at), keyword, _length_relation(keyword, removed, added), before, now)
        elif not removed and order != sorted(order):
            yield SchemaDifference(json_pointer(at), keyword, "same", before, now)
        else:
            for old, new in zip(removed, added, strict=True):
                found = self.compare(old, new, at)
                yield from _unknown(found) if keyword == "oneOf" else found

    def _is_same(self, before: Any, now: Any) -> bool:
        return relation_of(self.compare(before, now, ())) == "same"

    def _conditional(self, before: Mapping[str, Any], now: Mapping[str, Any], at: Path) -> Iterator[SchemaDifference]:
        if "if" in before and "if" in now:
            inside = [*self.compare(before["if"], now["if"], at)]
            relation: Relation = "same" if relation_of(inside) == "same" else "unknown"
            if inside:
                yield SchemaDifference(json_pointer(at), "if", relation, before["if"], now["if"])
            if relation == "unknown":
                return
        for branch in ("then", "else"):
            one = before.get(branch, True) if "if" in before else True
            other = now.get(branch, True) if "if" in now else True
            yield from self.compare(one, other, at)

    def _flipped_not(self, before: Mapping[str, Any], now: Mapping[str, Any], at: Path) -> Iterator[SchemaDifference]:
        """What `not` excludes: nothing where it is missing."""
        one, other = before.get("not", False), now.get("not", False)
        inside = [*self.compare(one, other, at)]
        if inside:
            yield SchemaDifference(
                json_pointer(at), "not", flip(relation_of(inside)), before.get("not", MISSING), now.get("not", MISSING)
            )


def _as_object(schema: Any) -> Mapping[str, Any]:
    return schema if isinstance(schema, dict) else {}


def _length_relation(keyword: str, removed: list[Any], added: list[Any]) -> Relation:
    """The relation of two lists of schemas of another length: known if one only has more than the other."""
    if keyword == "oneOf" or (removed and added):
        return "unknown"
    return "looser" if bool(added) is (keyword == "anyOf") else "stricter"


def _of_false(before: Any) -> Relation:
    """The relation where one of two schemas accepts nothing."""
    return "looser" if before is False else "stricter"


def _beside_composition(found: list[SchemaDifference], at: str) -> Iterable[SchemaDifference]:
    """The differences; `unknown` if a keyword that composes schemas came or went: others may say now what it said."""
    composed = (one for one in found if one.at == at and one.keyword in ("allOf", "anyOf", "oneOf", "not"))
    has_changed = any(one.before is MISSING or one.now is MISSING for one in composed)
    return _unknown(found) if has_changed and relation_of(found) == "different" else found


def _beside_unevaluated(
    before: Mapping[str, Any], now: Mapping[str, Any], found: Iterable[SchemaDifference], at: Path
) -> Iterator[SchemaDifference]:
    """The differences; `unknown` beside a keyword that depends on all others, even on those that accept everything."""
    keyword = next((keyword for keyword in UNEVALUATED if keyword in before or keyword in now), None)
    if keyword is None:
        yield from found
        return
    relations = set()
    for one in found:
        relation: Relation = "unknown" if one.keyword in COMPARED or one.relation != "same" else "same"
        relations.add(relation)
        yield replace(one, relation=relation)
    if "unknown" not in relations and _shape(before) != _shape(now):
        one, other = before.get(keyword, MISSING), now.get(keyword, MISSING)
        yield SchemaDifference(json_pointer(at), keyword, "unknown", one, other)


def _shape(schema: Any) -> Any:
    """The keywords of a schema that are compared, without names of members."""
    if isinstance(schema, list):
        return [_shape(item) for item in schema]
    if isinstance(schema, dict):
        return {name: _shape(value) for name, value in schema.items() if name in COMPARED}
    return schema


def _unknown(found: Iterable[SchemaDifference]) -> Iterator[SchemaDifference]:
    return (one if one.relation == "same" else replace(one, relation="unknown") for one in found)
