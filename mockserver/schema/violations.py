"""The library's errors as violations: in our own wording, in one order, without the value."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from jsonschema_rs import ValidationError, ValidationErrorKind

from mockserver.base.spelling import close_matches, did_you_mean
from mockserver.base.values import encode_ascii_json, kind_of_absence, printable
from mockserver.core.model import MISSING, Path, Violation, value_at
from mockserver.schema.messages import violation_message, violation_values
from mockserver.schema.references import BASE_URI
from mockserver.schema.subschemas import ends_with_keyword

MAX_VIOLATIONS: Final = 1_000
"""Violations of one value that are returned; the first ones found."""

OWN_PATTERN_KEYWORD: Final = "x-re2-pattern"
"""The keyword for a `pattern` that our own engine searches for."""

SchemaOf: TypeAlias = Callable[[str], Any]
"""Returns the schema that a keyword stands in, by the URI of the keyword."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A violation as people read it who write a file: what was expected, what was got (with the value), a hint."""

    expected: str
    got: str
    hint: str


def mismatch_of(violation: Violation, data: Any) -> Mismatch:
    """The words for a violation in data that people write."""
    value = value_at(data, violation.path)
    shown = "nothing" if value is MISSING else printable(encode_ascii_json(value), 80)
    expected = violation.message.removeprefix("expected ").partition(", got ")[0]
    near = close_matches(value, violation.known)[:1] if isinstance(value, str) else ()
    return Mismatch(expected, shown, did_you_mean(near) or violation.description)


def violations_from_errors(
    errors: Iterable[ValidationError], root: str, instance: Any, schema_of: SchemaOf
) -> tuple[Violation, ...]:
    """Errors of a value as violations, by place and keyword, without duplicates."""
    found = [
        v for error in itertools.islice(errors, MAX_VIOLATIONS) for v in _violations(error, root, instance, schema_of)
    ]
    by_order = {_order(v): v for v in sorted(found, key=lambda v: (v.description, v.known))}
    return tuple(by_order[key] for key in sorted(by_order)[:MAX_VIOLATIONS])


def _order(violation: Violation) -> tuple[Any, ...]:
    return (tuple((isinstance(p, str), p) for p in violation.path), violation.keyword, violation.message)


def _violations(error: ValidationError, root: str, instance: Any, schema_of: SchemaOf) -> Iterator[Violation]:
    """The violations of an error: the library has one error for all unknown members, at the object that has them."""
    at: Path = tuple(error.instance_path)
    kind, names = error.kind, error.schema_path
    keyword = "pattern" if names and names[-1] == OWN_PATTERN_KEYWORD else str(names[-1]) if names else ""
    paths: list[Path] = [at]
    if isinstance(kind, ValidationErrorKind.PropertyNames):
        paths, keyword = [(*at, str(kind.error.instance))], "propertyNames"
    elif isinstance(kind, ValidationErrorKind.Required):
        paths = [(*at, kind.property)]
    elif isinstance(kind, ValidationErrorKind.AdditionalProperties):
        paths = [(*at, name) for name in kind.unexpected]
    elif isinstance(kind, ValidationErrorKind.FalseSchema):
        if ends_with_keyword(error.evaluation_path, "items"):
            paths = [at[:-1]]
        elif ends_with_keyword(error.evaluation_path, "propertyNames", "additionalProperties"):
            paths = [(*at, name) for name in value_at(instance, at)]
        else:
            keyword = "false"
    has_schema = keyword not in ("false", "propertyNames")  # or what is said of them does not depend on it
    schema = schema_of(error.absolute_keyword_location or BASE_URI) if has_schema else {}
    yield from (_violation(root, path, instance, keyword, schema) for path in paths)


def _violation(root: str, path: Path, instance: Any, keyword: str, schema: Any) -> Violation:
    value = value_at(instance, path)
    operand = schema.get(keyword)
    known: tuple[str, ...] = ()
    about = schema.get("description", "")
    if keyword == "additionalProperties":
        known = tuple(schema.get("properties", ()))
    elif keyword == "enum":
        known = tuple(v for v in operand if isinstance(v, str))
    elif value is MISSING:
        member = schema.get("properties", {}).get(path[-1], {})
        about = member.get("description", "") if isinstance(member, dict) else ""
    got = "missing" if value is MISSING else kind_of_absence(value)
    return Violation(
        root=root,
        path=path,
        keyword=keyword,
        got=got,
        message=violation_message(keyword, operand, schema, value),
        known=known,
        description=about,
        values=violation_values(keyword, operand, schema, value),
    )
