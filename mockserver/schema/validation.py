"""Compiles JSON Schemas and finds violations: in a stable order, in our own wording, without the value.

Knows JSON Schema and how schemas refer to each other; it knows nothing of scenarios and of requests.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, cached_property, partial
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from mockserver.core.model import MISSING, Diagnostic, Path, Report, Violation
from mockserver.core.values import close_matches, kind, kind_of_absence, printable, write_ascii
from mockserver.schema.messages import message
from mockserver.schema.patterns import pattern_fault
from mockserver.schema.resolver import Resources, comes_back, contents, inside, lookup
from mockserver.schema.subschemas import DECLARE, ids, parts, references, rewritten, subschemas, walk
from mockserver.schema.wellformed import compile_wellformed, is_schema

MOST_VIOLATIONS: Final = 1_000
"""A value with more violations than this is described by the first ones found."""

MOST_PLACES: Final = 10_000
"""Places that are looked at for the names that a schema declares; one that refers to itself has no end of them."""

MOST_STEPS: Final = 50_000
"""Steps from schema to schema in which the references of a file are followed, to find one that comes back."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_NAMED: Final = frozenset([dict, list])  # the types of values that may hold names

Known: TypeAlias = Mapping[Path, tuple[str, ...]]
"""Member names by the place where they are declared; `*` stands for any index of an array."""


# -- violations ---------------------------------------------------------------------------------------


def value_at(instance: Any, path: Path) -> Any:
    """What stands at a path, or `MISSING`."""
    for step in path:
        if isinstance(instance, dict):
            instance = instance.get(step, MISSING)
        elif isinstance(instance, list) and isinstance(step, int):
            instance = instance[step]
        else:
            return MISSING
    return instance


def describe(violation: Violation, data: Any) -> tuple[str, str, str]:
    """A violation in a file that people write: what was expected, what came (shown), a hint."""
    value = value_at(data, violation.path)
    shown = "nothing" if value is MISSING else printable(write_ascii(value), 80)
    expected = violation.message.removeprefix("expected ").partition(", got ")[0]
    spelt = close_matches(value, violation.known) if isinstance(value, str) else ()
    return expected, shown, f"did you mean {spelt[0]}?" if spelt else violation.about


def _violation(root: str, error: Any, instance: Any) -> Violation:
    path: Path = tuple(error.absolute_path)
    value = value_at(instance, path)
    schema: Any = error.schema if isinstance(error.schema, dict) else {}
    keyword, operand = str(error.validator or "false"), error.validator_value
    known: tuple[str, ...] = ()
    about = schema.get("description", "")
    if keyword == "additionalProperties":
        known = tuple(schema.get("properties", ()))
    elif keyword == "enum":
        known = tuple(v for v in operand if isinstance(v, str))
    elif value is MISSING:
        member = schema.get("properties", {}).get(path[-1], {})
        about = member.get("description", "") if isinstance(member, dict) else ""
    what = "missing" if value is MISSING else kind_of_absence(value)
    return Violation(root, path, keyword, what, message(keyword, operand, schema, value), known, about)


def _checker(schema: Any, registry: Any = None, *, exact: bool = False) -> Any:
    """The reference for a schema, or (None) for schemas themselves; it tells what is wrong, and how.

    Most values are well formed, so that a server need not wait for its library to start.
    """
    from mockserver.schema.keywords import META, Checker, Exact, errors

    checker = Checker(META) if schema is None else (Exact if exact else Checker)(schema, registry=registry)
    return partial(errors, checker, MOST_VIOLATIONS)


def _has_whole_float(value: Any) -> bool:
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)
        elif isinstance(one, float) and one.is_integer():
            return True
    return False


def _order(violation: Violation) -> tuple[Any, ...]:
    return (tuple((isinstance(p, str), p) for p in violation.path), violation.keyword, violation.message)


def _sorted(found: list[Violation]) -> tuple[Violation, ...]:
    """In order of place and keyword, what is said twice only once."""
    by_order = {_order(v): v for v in sorted(found, key=lambda v: (v.about, v.known))}
    return tuple(by_order[key] for key in sorted(by_order))


class Validator:
    """One compiled schema. What it declares is looked up when that is first asked for."""

    def __init__(
        self,
        compiled: Callable[[], Any],
        declared: Callable[[], tuple[Known, tuple[Path, ...]]],
        well_formed: Callable[[Any], bool] | None,
        *,
        exact: bool = False,
    ) -> None:
        self._compiled = cache(compiled)
        self._declared = cache(declared)
        self._well_formed = well_formed
        self._exact = exact

    @property
    def secrets(self) -> tuple[Path, ...]:
        """The places whose schema is marked `writeOnly`."""
        return self._declared()[1]

    @cached_property
    def _known(self) -> Known:
        return self._declared()[0]

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self._known.get((), ()))

    @cached_property
    def _inner(self) -> frozenset[Path]:
        """The places at or below which names are declared."""
        known = self._known.items()
        return frozenset(at[:length] for at, names in known if names for length in range(len(at) + 1))

    def violations(self, root: str, instance: Any) -> tuple[Violation, ...]:
        """All that is wrong with `instance` (at most `MOST_VIOLATIONS`), sorted by place and keyword."""
        exact = self._exact and _has_whole_float(instance)
        if self._well_formed is not None and not exact and self._well_formed(instance):
            return ()
        found = self._compiled()(instance)
        if isinstance(found, str):
            return (Violation(root, (), "parse", "other", found),)
        return _sorted([_violation(root, error, instance) for error in found])

    def known(self, path: Path) -> tuple[str, ...]:
        """The member names that the schema declares at `path`; nothing where it declares none."""
        return self._known.get(tuple("*" if isinstance(p, int) else p for p in path), ())

    def unknown(self, instance: Any) -> Iterable[tuple[Path, tuple[str, ...]]]:
        """The members of `instance` that the schema does not declare, each with near spellings."""
        # Most bodies have known names alone, and nothing that has names of its own.
        if (
            type(instance) is dict
            and instance.keys() <= self._names
            and _NAMED.isdisjoint(map(type, instance.values()))
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
                    items = [(i, item) for i, item in enumerate(value) if type(item) in (dict, list)]
                    pending.extend(((*path, i), within, item) for i, item in items)
            elif isinstance(value, dict) and (names := self._known.get(place)):
                for name, member in value.items():
                    if name not in names:
                        yield (*path, name), close_matches(name, names)
                    elif type(member) in (dict, list):
                        pending.append(((*path, name), (*place, name), member))


# -- sets of schemas ------------------------------------------------------------------------------------


class SchemaSet:
    """The schemas of a contract, by file name. A `$ref` reaches these files and nothing else.

    `exact`: an integer is one without a fraction; to JSON Schema 5.0 is one as well.
    """

    def __init__(self, *, exact: bool = False) -> None:
        self._exact = exact
        self._schemas: dict[str, Any] = {}
        self.unsound: set[str] = set()
        """Names of files that are there but were reported."""
        self._resources = Resources()
        self._own: set[int] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The file names that can be referred to."""
        return tuple(self._schemas)

    @property
    def data(self) -> Mapping[str, Any]:
        """The schemas by file name."""
        return self._schemas

    def trust(self, schemas: Mapping[str, Any]) -> None:
        """Take in schemas by file name that are known to be sound."""
        self._schemas.update(schemas)
        self._resources.add(schemas)

    def add(self, schemas: Mapping[str, Any], report: Callable[[str, Diagnostic], None]) -> None:
        """Take in schemas by file name; what is wrong with them is reported by file name and path."""
        sound: dict[str, Any] = {}
        for name, schema in schemas.items():
            faults = list(_meta_faults(schema))
            for fault in faults:
                report(name, fault)
            if not faults:
                sound[name] = schema
        self.unsound |= schemas.keys() - sound.keys()
        self.trust(sound)
        self._own.update(itertools.chain.from_iterable(map(ids, sound.values())))
        for name, schema in sound.items():
            for fault in self._reference_faults(schema):
                report(name, fault)
                self._schemas.pop(name, None)
                self.unsound.add(name)

    def _reference_faults(self, schema: Any) -> Iterator[Diagnostic]:
        """What is wrong with the references of a schema whose text is sound."""
        own = self._own | ids(schema)
        left = iter(range(MOST_STEPS))
        pending: list[tuple[Path, Any, Any]] = [((), schema, self._resources.resolver(schema))]
        while pending:
            at, sub, resolver = pending.pop()
            if not isinstance(sub, dict):
                continue
            resolver = inside(resolver, sub)
            pending.extend(((*at, *step), s, resolver) for step, s in subschemas(sub))
            for keyword, text in references(sub):
                place, target = (*at, keyword), lookup(resolver, text)
                if target is None:
                    yield self._leads_nowhere(place, keyword, text)
                elif id(target.contents) not in own and any(_meta_faults(target.contents)):
                    yield Diagnostic(
                        place, f"{keyword} to what is no JSON Schema", "an object or a boolean that is one", text
                    )
                elif (back := comes_back(target, sub, left)) is None:
                    few = "schemas that refer to each other less"
                    yield Diagnostic(place, f"{keyword} that leads through too many others", few, text)
                    return
                elif back:
                    yield Diagnostic(
                        place,
                        f"{keyword} that leads back to itself",
                        "a schema that refers to itself only from a member or an item",
                        text,
                        "no value could ever be checked against it",
                    )
                elif id(target.contents) not in own:
                    own.add(id(target.contents))
                    pending.append((place, target.contents, target.resolver))

    def _leads_nowhere(self, place: Path, keyword: str, text: str) -> Diagnostic:
        files = [name for name in (*self._schemas, *sorted(self.unsound)) if name not in text]
        file, hash_, pointer = text.partition("#")
        meant = [f"did you mean {name}{hash_}{pointer}?" for name in close_matches(file, files)[:1]]
        return Diagnostic(
            place,
            f"{keyword} that leads nowhere",
            "a place in this schema or in another schema file of this contract",
            text,
            "; ".join(["schemas are never fetched; put the file beside this one", *meant]),
        )

    def validator(self, name: str) -> Validator | None:
        """The compiled schema of a file, or None where there is no sound one of that name."""
        if name not in self._schemas:
            return None
        return self._compile(self._schemas[name])

    def inline(self, schema: Any, at: Path, report: Report) -> Validator | None:
        """The compiled form of a schema that stands inside another file."""
        faults = list(_meta_faults(schema)) or list(self._reference_faults(schema))
        for fault in faults:
            report(Diagnostic((*at, *fault.at), fault.what, fault.expected, fault.came, fault.hint))
        return None if faults else self._compile(schema)

    def relinked(self, place: Callable[[str, Path], str]) -> dict[str, Any]:
        """The schemas by file name, without names of their own; each reference is what `place(file, path)` gives."""
        places = {id(part): (name, at) for name, schema in self._schemas.items() for at, part in parts(schema)}
        links: dict[int, dict[str, str]] = {}
        pending = [(schema, self._resources.resolver(schema)) for schema in self._schemas.values()]
        while pending:
            sub, resolver = pending.pop()
            if not isinstance(sub, dict) or id(sub) in links:
                continue
            resolver, links[id(sub)] = inside(resolver, sub), {}
            pending.extend((inner, resolver) for _, inner in subschemas(sub))
            for keyword, text in references(sub):
                target = resolver.lookup(text)
                pending.append((target.contents, target.resolver))
                links[id(sub)][keyword] = place(*places[id(target.contents)])
        return {name: rewritten(schema, links) for name, schema in self._schemas.items()}

    def _compile(self, schema: Any) -> Validator:
        resolver = self._resources.resolver(schema)
        return Validator(
            partial(_checker, schema, self._resources.registry, exact=self._exact),
            partial(_declared, schema, resolver),
            compile_wellformed(schema, resolver, contents),
            exact=self._exact,
        )


def _declared(schema: Any, resolver: Any) -> tuple[Known, tuple[Path, ...]]:
    """The names that a schema declares, and the places that it marks `writeOnly`."""
    known: dict[Path, dict[str, None]] = {}
    secrets: set[Path] = set()
    start: tuple[Path, Any, Any, frozenset[int]] = ((), schema, resolver, frozenset())
    pending = deque([start])
    for _ in range(MOST_PLACES):
        if not pending:
            break
        at, sub, resolver, seen = pending.popleft()
        if not isinstance(sub, dict) or id(sub) in seen:
            continue
        resolver, seen = inside(resolver, sub), seen | {id(sub)}
        if sub.get("writeOnly") is True:
            secrets.add(at)
        known.setdefault(at, {}).update(dict.fromkeys(sub.get("properties", ())))
        for step, inner in subschemas(sub):
            if step[0] == "properties":
                pending.append(((*at, step[1]), inner, resolver, seen))
            elif step[0] in ("items", "prefixItems"):
                pending.append(((*at, "*"), inner, resolver, seen))
            elif step[0] in DECLARE:
                pending.append((at, inner, resolver, seen))
        for _keyword, text in references(sub):
            target = resolver.lookup(text)
            pending.append((at, target.contents, target.resolver, seen))
    return {at: tuple(found) for at, found in known.items()}, tuple(sorted(secrets, key=str))


def _meta_faults(schema: Any) -> Iterator[Diagnostic]:
    """What is wrong with the text of a schema."""
    if not isinstance(schema, dict | bool):
        yield Diagnostic((), "no JSON Schema", "an object or a boolean", kind(schema))
        return
    dialect = schema.get("$schema", DIALECT) if isinstance(schema, dict) else DIALECT
    if dialect not in (DIALECT, DIALECT + "#"):
        hint = "only JSON Schema 2020-12 is understood"
        yield Diagnostic(("$schema",), "unknown dialect", DIALECT, write_ascii(dialect), hint)
        return
    wrong: tuple[Violation, ...] = ()
    if not is_schema(schema):
        found = _checker(None)(schema)
        firsts = [inner for error in found for inner in (error.context or [error])[:1]]
        wrong = _sorted([_violation("schema", error, schema) for error in firsts])
    for violation in wrong:
        expected, shown, hint = describe(violation, schema)
        yield Diagnostic(violation.path, f"no JSON Schema: wrong value for {violation.where}", expected, shown, hint)
    if not wrong:
        yield from _text_faults(schema)


def _text_faults(schema: Any) -> Iterator[Diagnostic]:
    found = [(at, sub) for at, sub in walk(schema) if isinstance(sub, dict)]
    patterned = any("patternProperties" in sub for _, sub in found)
    for at, sub in found:
        patterns = [((*at, "patternProperties", p), p) for p in sub.get("patternProperties", ())]
        if "pattern" in sub:
            patterns.append(((*at, "pattern"), sub["pattern"]))
        yield from (fault for place, pattern in patterns if (fault := pattern_fault(place, pattern)) is not None)
        if patterned and "unevaluatedProperties" in sub:
            yield Diagnostic(
                (*at, "unevaluatedProperties"),
                "patternProperties and unevaluatedProperties in one file",
                "one of them",
                "both",
                "use additionalProperties, whose patterns run in linear time",
            )
        try:
            urlsplit(sub.get("$id", ""))
        except ValueError:
            yield Diagnostic((*at, "$id"), "bad $id", "a URL or a file name", sub["$id"], "most schemas need no $id")
