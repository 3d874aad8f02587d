"""JSON Schema's keywords as this package means them: places that are exact, patterns on our engine.

Knows the library for JSON Schema and is its one home; it knows neither wording nor files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from mockserver.patterns import compile_pattern

META: Final[Any] = Draft202012Validator.META_SCHEMA
"""The schema of schemas."""


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


def _property_names(validator: Any, schema: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        named = validator.evolve(schema=schema)
        yield from (_error(name) for name in instance if not named.is_valid(name))


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


Checker: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "required": _required,
        "dependentRequired": _dependent_required,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "propertyNames": _property_names,
        "additionalProperties": _additional_properties,
    },
)


def _descend(self: Any, instance: Any, schema: Any, path: Any = None, *more: Any, **named: Any) -> Iterator[Any]:
    """As the library's, which forgets where a value stands that a schema `false` refuses."""
    if schema is False:
        at = deque([] if path is None else [path])
        yield ValidationError("", validator="false", path=at, validator_value=None, instance=instance, schema=False)
    else:
        yield from _library_descend(self, instance, schema, path, *more, **named)


def _evolve(self: Any, **changes: Any) -> Any:
    """As the library's, which takes its own keywords, not ours, for a schema that names its dialect."""
    kept = {field.alias: getattr(self, field.name) for field in self.__attrs_attrs__ if field.init}
    return type(self)(**{**kept, **changes})


_library_descend = Checker.descend
Checker.descend, Checker.evolve = _descend, _evolve
