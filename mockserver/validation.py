"""Compiles JSON Schemas and finds violations: in a stable order, in our own wording, without the value.

Knows JSON Schema and regular expressions and is the one home of both libraries; it knows nothing of
scenarios. Patterns run on a linear-time engine with one meaning: classes are ASCII, `$` is the true end.
"""

from __future__ import annotations

import functools
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import re2
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from mockserver.model import MISSING, Document, Fault, Path, Report, Request, Settings, Violation, Warn
from mockserver.values import NotJsonError, came, is_blank, kind, near, printable, read, write_ascii

MOST_VIOLATIONS = 1_000
"""A request with more violations than this is described by the first ones found."""

Known: TypeAlias = Mapping[Path, tuple[str, ...]]
"""Member names by the place where they are declared; `*` stands for any index of an array."""

MOST_WARNINGS = 100
"""A request with more unknown members than this is described by the first ones found."""

EXPECTED = "x-expected"
"""A schema's own words for what its `pattern` asks for."""


# -- patterns -------------------------------------------------------------------------------------


@functools.cache
def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


@functools.lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Callable[[str], bool]:
    """A search for `pattern` in a text. Raises `ValueError` with the engine's reason."""
    try:
        search = re2.compile(pattern, _options()).search
    except re2.error as error:
        reason = error.args[0]
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from None
    return lambda text: search(text.encode()) is not None


# -- keywords that speak our way --------------------------------------------------------------------


def _error(name: str) -> ValidationError:
    return ValidationError("", path=deque([name]))


def _required(_: Any, names: list[str], instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        yield from (_error(name) for name in names if name not in instance)


def _dependent_required(_: Any, by: Mapping[str, list[str]], instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for trigger, names in by.items():
            if trigger in instance:
                yield from _required(_, names, instance, __)


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not compile_pattern(pattern)(instance):
        yield ValidationError("")


def _pattern_properties(validator: Any, by: Mapping[str, Any], instance: Any, _: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for pattern, schema in by.items():
            found = compile_pattern(pattern)
            for name, value in instance.items():
                if found(name):
                    yield from validator.descend(value, schema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, schema: Any, instance: Any, parent: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        known = parent.get("properties", {})
        patterns = [compile_pattern(p) for p in parent.get("patternProperties", {})]
        for name, value in instance.items():
            if name in known or any(found(name) for found in patterns):
                continue
            if schema is False:
                yield _error(name)
            else:
                yield from validator.descend(value, schema, path=name)


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "required": _required,
        "dependentRequired": _dependent_required,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    },
)


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


_KINDS = {
    "null": "null",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "array": "an array",
    "object": "an object",
}

_MEASURES: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "minLength": ("at least {} characters", lambda v: f"{len(v)}"),
    "maxLength": ("at most {} characters", lambda v: f"{len(v)}"),
    "minItems": ("at least {} items", lambda v: f"{len(v)}"),
    "maxItems": ("at most {} items", lambda v: f"{len(v)}"),
    "minProperties": ("at least {} members", lambda v: f"{len(v)}"),
    "maxProperties": ("at most {} members", lambda v: f"{len(v)}"),
    "minimum": ("a number of at least {}", lambda _: "a smaller one"),
    "maximum": ("a number of at most {}", lambda _: "a greater one"),
    "exclusiveMinimum": ("a number greater than {}", lambda _: "another one"),
    "exclusiveMaximum": ("a number less than {}", lambda _: "another one"),
    "multipleOf": ("a multiple of {}", lambda _: "another number"),
}

_FIXED = {
    "uniqueItems": "expected items that are all different",
    "anyOf": "fits none of the forms that are allowed",
    "oneOf": "expected exactly one of the forms that are allowed to fit",
    "not": "is of a form that is not allowed",
    "contains": "an item that has to be there is missing",
    "unevaluatedProperties": "has a member that is not known",
    "unevaluatedItems": "has an item that is not known",
    "propertyNames": "has a member whose name is not allowed",
}


def _or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1]


def _other_text(value: Any) -> str:
    return {"empty": "empty text", "blank": "only white space"}.get(came(value), "other text")


def _message(keyword: str, operand: Any, schema: Any, value: Any) -> str:
    if value is MISSING:
        return "is required, but missing"
    if keyword == "additionalProperties":
        return "is not a member that is known here"
    if keyword == "type":
        wanted = [operand] if isinstance(operand, str) else list(operand)
        got = "a number with a fraction" if "integer" in wanted and kind(value) == "a number" else kind(value)
        return f"expected {_or([_KINDS[name] for name in wanted])}, got {got}"
    if keyword == "pattern":
        return f"expected {schema.get(EXPECTED) or 'text that matches ' + operand}, got {_other_text(value)}"
    if keyword in _MEASURES:
        wanted_text, got_text = _MEASURES[keyword]
        return f"expected {wanted_text.format(operand)}, got {got_text(value)}"
    if keyword == "enum":
        return f"expected one of {', '.join(map(write_ascii, operand))}, got {_other_kind(value)}"
    if keyword == "const":
        return f"expected {write_ascii(operand)}, got {_other_kind(value)}"
    return _FIXED.get(keyword, f"breaks the keyword {keyword}")


def _other_kind(value: Any) -> str:
    return _other_text(value) if isinstance(value, str) else f"{kind(value)} that is not"


def _violation(root: str, error: ValidationError, instance: Any) -> Violation:
    path: Path = tuple(error.absolute_path)
    value = value_at(instance, path)
    schema = error.schema if isinstance(error.schema, dict) else {}
    if error.validator is None:
        return Violation(root, path, "false", came(value), "is not allowed")
    keyword, operand = str(error.validator), error.validator_value
    known: tuple[str, ...] = ()
    about = schema.get("description", "")
    if keyword == "additionalProperties":
        known = tuple(schema.get("properties", ()))
    elif keyword == "enum":
        known = tuple(v for v in operand if isinstance(v, str))  # type: ignore[union-attr]
    elif value is MISSING:
        member = schema.get("properties", {}).get(path[-1], {})
        about = member.get("description", "") if isinstance(member, dict) else ""
    came_word = "missing" if value is MISSING else came(value)
    return Violation(root, path, keyword, came_word, _message(keyword, operand, schema, value), known, about)


def _order(violation: Violation) -> tuple[Any, ...]:
    return (tuple((isinstance(p, str), p) for p in violation.path), violation.keyword, violation.message)


class Validator:
    """One compiled schema."""

    def __init__(self, compiled: Any, known: Known, secrets: tuple[Path, ...]) -> None:
        self._compiled = compiled
        self._known = known
        self.secrets = secrets
        """The places whose schema is marked `writeOnly`."""

    def violations(self, root: str, instance: Any) -> tuple[Violation, ...]:
        """All that is wrong with `instance` (at most `MOST_VIOLATIONS`), sorted by place and keyword."""
        try:
            errors = list(itertools.islice(self._compiled.iter_errors(instance), MOST_VIOLATIONS))
        except RecursionError:
            return (Violation(root, (), "parse", "other", "nested too deep for its schema"),)
        if not errors:
            return ()
        return tuple(sorted({_violation(root, error, instance) for error in errors}, key=_order))

    def known(self, path: Path) -> tuple[str, ...]:
        """The member names that the schema declares at `path`; nothing where it declares none."""
        return self._known.get(tuple("*" if isinstance(p, int) else p for p in path), ())

    def unknown(self, instance: Any) -> Iterator[tuple[Path, tuple[str, ...]]]:
        """The members of `instance` that the schema does not declare, each with near spellings."""
        pending: list[tuple[Path, Any]] = [((), instance)]
        while pending:
            path, value = pending.pop()
            if isinstance(value, list):
                pending.extend(((*path, i), item) for i, item in enumerate(value))
            elif isinstance(value, dict) and (names := self.known(path)):
                for name, member in value.items():
                    if name not in names:
                        yield (*path, name), near(name, names)
                    elif type(member) in (dict, list):
                        pending.append(((*path, name), member))


# -- sets of schemas ------------------------------------------------------------------------------------

_IN_PLACE = ("if", "then", "else", "not")
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_ITEMS = ("items", "contains", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "propertyNames")
_BY_NAME = ("properties", "patternProperties", "$defs", "dependentSchemas")


def _subschemas(schema: Any) -> Iterator[tuple[Path, Any]]:
    if isinstance(schema, dict):
        for keyword in (*_IN_PLACE, *_ITEMS):
            if keyword in schema:
                yield (keyword,), schema[keyword]
        for keyword in (*_IN_PLACE_LISTS, "prefixItems"):
            yield from (((keyword, i), s) for i, s in enumerate(schema.get(keyword, ())))
        for keyword in _BY_NAME:
            yield from (((keyword, name), s) for name, s in schema.get(keyword, {}).items())


class SchemaSet:
    """The schemas of a contract, by file name. A `$ref` reaches these files and nothing else."""

    def __init__(self) -> None:
        self._schemas: dict[str, Any] = {}
        self.unsound: set[str] = set()
        """Names of files that are there but were reported."""
        self._registry: Registry[Any] = Registry()

    @property
    def names(self) -> tuple[str, ...]:
        """The file names that can be referred to."""
        return tuple(self._schemas)

    @property
    def data(self) -> Mapping[str, Any]:
        """The schemas by file name."""
        return self._schemas

    def add(self, schemas: Mapping[str, Any], report: Callable[[str, Fault], None]) -> None:
        """Take in schemas by file name; what is wrong with them is reported by file name and path."""
        sound: dict[str, Any] = {}
        for name, schema in schemas.items():
            faults = list(_meta_faults(schema))
            for fault in faults:
                report(name, fault)
            if not faults:
                sound[name] = schema
        self._schemas.update(sound)
        self._registry = self._registry.with_resources(
            [(name, DRAFT202012.create_resource(schema)) for name, schema in sound.items()]
        ).crawl()
        for name, schema in sound.items():
            for fault in self._reference_faults(schema):
                report(name, fault)
                self._schemas.pop(name, None)
        self.unsound |= {name for name in schemas if name not in self._schemas}

    def _reference_faults(self, schema: Any) -> Iterator[Fault]:
        pending: list[tuple[Path, Any, Any]] = [((), schema, self._resolver(schema))]
        while pending:
            at, sub, resolver = pending.pop()
            if isinstance(sub, dict):
                if "$id" in sub and at:
                    resolver = resolver.in_subresource(DRAFT202012.create_resource(sub))
                for keyword in ("$ref", "$dynamicRef"):
                    try:
                        if keyword in sub:
                            resolver.lookup(sub[keyword])
                    except (Unresolvable, ValueError):
                        yield Fault(
                            (*at, keyword),
                            f"{keyword} that leads nowhere",
                            "a place in this schema or in another schema file of this contract",
                            write_ascii(sub[keyword]),
                            "schemas are never fetched; put the file beside this one"
                            + "".join(f"; did you mean {n}?" for n in near(sub[keyword], self.names)[:1]),
                        )
            pending.extend(((*at, *step), s, resolver) for step, s in _subschemas(sub))

    def validator(self, name: str) -> Validator | None:
        """The compiled schema of a file, or None where there is no sound one of that name."""
        if name not in self._schemas:
            return None
        return self._compile(self._schemas[name])

    def inline(self, schema: Any, at: Path, report: Report) -> Validator | None:
        """The compiled form of a schema that stands inside another file."""
        faults = list(_meta_faults(schema)) or list(self._reference_faults(schema))
        for fault in faults:
            report(Fault((*at, *fault.at), fault.what, fault.expected, fault.came, fault.hint))
        return None if faults else self._compile(schema)

    def _resolver(self, schema: Any) -> Any:
        return self._registry.resolver_with_root(DRAFT202012.create_resource(schema))

    def _compile(self, schema: Any) -> Validator:
        known: dict[Path, tuple[str, ...]] = {}
        secrets: set[Path] = set()
        pending: list[tuple[Path, Any, Any, frozenset[int]]] = [((), schema, self._resolver(schema), frozenset())]
        while pending:
            at, sub, resolver, seen = pending.pop()
            if not isinstance(sub, dict) or id(sub) in seen:
                continue
            seen |= {id(sub)}
            if sub.get("writeOnly") is True:
                secrets.add(at)
            for name, member in sub.get("properties", {}).items():
                known[at] = tuple(dict.fromkeys((*known.get(at, ()), name)))
                pending.append(((*at, name), member, resolver, seen))
            if "items" in sub:
                pending.append(((*at, "*"), sub["items"], resolver, seen))
            for step, inner in _subschemas(sub):
                if step[0] in ("allOf", "anyOf", "oneOf", "then", "else", "dependentSchemas"):
                    pending.append((at, inner, resolver, seen))
            if "$ref" in sub:
                resolved = resolver.lookup(sub["$ref"])
                pending.append((at, resolved.contents, resolved.resolver, seen))
        return Validator(_Validator(schema, registry=self._registry), known, tuple(sorted(secrets, key=str)))


def _meta_faults(schema: Any) -> Iterator[Fault]:
    if not isinstance(schema, dict | bool):
        yield Fault((), "no JSON Schema", "an object or a boolean", kind(schema))
        return
    dialect = schema.get("$schema") if isinstance(schema, dict) else None
    if dialect not in (None, "https://json-schema.org/draft/2020-12/schema"):
        yield Fault(
            ("$schema",),
            "unknown dialect",
            "https://json-schema.org/draft/2020-12/schema",
            write_ascii(dialect),
            "only JSON Schema 2020-12 is understood",
        )
        return
    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    wrong = sorted({_violation("", e, schema) for e in meta.iter_errors(schema)}, key=_order)
    for violation in wrong:
        value = value_at(schema, violation.path)
        yield Fault(
            violation.path,
            f"no JSON Schema: {violation.message}",
            "a schema that the 2020-12 meta-schema accepts",
            printable(write_ascii(value), 60),
        )
    if not wrong:
        yield from _pattern_faults(schema)


def _pattern_faults(schema: Any) -> Iterator[Fault]:
    pending: list[tuple[Path, Any]] = [((), schema)]
    while pending:
        at, sub = pending.pop()
        pending.extend(((*at, *step), s) for step, s in _subschemas(sub))
        if not isinstance(sub, dict):
            continue
        patterns = [((*at, "patternProperties", p), p) for p in sub.get("patternProperties", ())]
        if "pattern" in sub:
            patterns.append(((*at, "pattern"), sub["pattern"]))
        for place, pattern in patterns:
            if (fault := pattern_fault(place, pattern)) is not None:
                yield fault
        if "patternProperties" in sub and "unevaluatedProperties" in sub:
            yield Fault(
                (*at, "unevaluatedProperties"),
                "patternProperties and unevaluatedProperties together",
                "one of them",
                "both",
                "use additionalProperties, whose patterns run in linear time",
            )


def pattern_fault(at: Path, pattern: str) -> Fault | None:
    """What is wrong with a regular expression, or None."""
    try:
        compile_pattern(pattern)
    except ValueError as error:
        return Fault(
            at,
            f"bad regular expression: {error}",
            "a regular expression in RE2 syntax (no look-around, no back-references)",
            write_ascii(pattern),
        )
    return None


# -- requests ---------------------------------------------------------------------------------------------


def read_body(data: bytes, max_depth: int) -> tuple[Any, tuple[Violation, ...]]:
    """The JSON object in a body, or `MISSING` and the violation (keyword `parse`) that says why there is none."""
    try:
        value = read(data, max_depth)
    except NotJsonError as error:
        return MISSING, (Violation("body", (), "parse", "other" if data.strip() else "missing", str(error)),)
    if not isinstance(value, dict):
        message = f"expected a JSON object, got {kind(value)}"
        return MISSING, (Violation("body", (), "parse", came(value), message),)
    return value, ()


@dataclass(frozen=True, slots=True)
class Expected:
    """What a client is warned about, each with the open point that accepting it rests on."""

    unknown_members: str | None = None
    content_type: tuple[str, str] | None = None
    any_header: tuple[tuple[str, ...], str] | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns a request into a document: what is wrong with it, and what is accepted with a warning."""

    body: Validator | None
    others: tuple[tuple[str, Validator], ...]
    expected: Expected

    def read(self, request: Request, parameters: Mapping[str, str], settings: Settings) -> Document:
        """The document of a request. Violations come header, path, query, body; each sorted."""
        found = [
            _header_violation(name, request.headers.get(name.lower()))
            for name in settings.require_headers
            if is_blank(request.headers.get(name.lower()))
        ]
        for root, validator in self.others:
            found += validator.violations(root, dict(parameters if root == "path" else request.query))
        if self.body is None:
            return Document(MISSING, tuple(found))
        body, faults = read_body(request.body, settings.max_depth)
        violations = faults or self.body.violations("body", body)
        return Document(body, (*found, *violations), self._warnings(request, body))

    def _warnings(self, request: Request, body: Any) -> tuple[Warn, ...]:
        found: list[Warn] = []
        expected = self.expected
        if expected.content_type is not None:
            wanted, point = expected.content_type
            sent = request.headers.get("content-type", "")
            if sent.partition(";")[0].strip().lower() != wanted:
                got = "another one" if sent else "none"
                found.append(Warn("header", "/content-type", "content-type", f"expected {wanted}, got {got}", point))
        if expected.any_header is not None:
            names, point = expected.any_header
            if not any(name.lower() in request.headers for name in names):
                message = f"none of {', '.join(names)} was sent; none is required here"
                found.append(Warn("header", "", "authentication", message, point))
        if expected.unknown_members is not None and self.body is not None and body is not MISSING:
            for path, spelt in itertools.islice(self.body.unknown(body), MOST_WARNINGS):
                found.append(_unknown_member(path, spelt, expected.unknown_members))
        return tuple(found)


def _header_violation(name: str, value: str | None) -> Violation:
    message = "is required, but missing" if value is None else "is required, but blank"
    return Violation("header", (name.lower(),), "required", "missing" if value is None else came(value), message)


def _unknown_member(path: Path, spelt: tuple[str, ...], point: str) -> Warn:
    meant = f", did you mean {spelt[0]}?" if spelt else ""
    message = f"{printable(str(path[-1]), 40)} is not a documented member{meant}"
    return Warn("body", Violation("body", path, "", "", "").pointer, "unknown-member", message, point)
