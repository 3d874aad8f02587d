"""JSON Schema's keywords as this package means them: places that are exact, patterns on our engine.

Knows the library for JSON Schema and is its one home; it knows neither wording nor files.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from mockserver.schema.patterns import compile_pattern

META: Final[Any] = Draft202012Validator.META_SCHEMA
"""The schema of schemas."""


MOST_REFERENCES: Final = 100_000
"""References followed for one value; schemas that refer to each other twice double with each level."""


class _TooMuch(Exception):  # noqa: N818 - the value is not checked then
    """More references than that."""


_LEFT: ContextVar[Iterator[int]] = ContextVar("references left")


_TOO_DEEP: Final = "nested too deep for its schema"


def errors(checker: Any, most: int, instance: Any) -> list[ValidationError] | str:
    """The first ones that are found, or why the value cannot be checked."""
    # The schema of schemas is known not to double.
    _LEFT.set(itertools.count() if checker.schema is META else iter(range(MOST_REFERENCES)))
    try:
        return list(itertools.islice(checker.iter_errors(instance), most))
    except RecursionError:
        return _TOO_DEEP
    except _TooMuch:
        return "takes too much to check against its schema"
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        return _TOO_DEEP  # the stack ended inside the library's maps, which panic then instead of raising


def _counted(keyword: str) -> Any:
    """The library's keyword for references, as long as some are left."""
    follow = Draft202012Validator.VALIDATORS[keyword]

    def counted(validator: Any, reference: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
        if next(_LEFT.get(), None) is None:
            raise _TooMuch
        yield from follow(validator, reference, instance, schema)

    return counted


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


def _unique_items(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    """As the library's, which compares each item with each where they cannot be sorted."""
    if wanted and isinstance(instance, list) and len(set(map(_hashable, instance))) < len(instance):
        yield ValidationError("")


def _hashable(value: Any) -> Any:
    """What is equal where two JSON values are."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, list):
        return ("array", *map(_hashable, value))
    if isinstance(value, dict):
        return frozenset((name, _hashable(member)) for name, member in value.items())
    return value


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
        "$ref": _counted("$ref"),
        "$dynamicRef": _counted("$dynamicRef"),
        "required": _required,
        "dependentRequired": _dependent_required,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "propertyNames": _property_names,
        "uniqueItems": _unique_items,
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


def _is_int(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


Exact: Any = extend(Checker, type_checker=Checker.TYPE_CHECKER.redefine("integer", _is_int))  # type: ignore[no-untyped-call]
"""The same for what a program goes on with, where 5.0 is no integer."""

_library_descend = Checker.descend
for _class in (Checker, Exact):
    _class.descend, _class.evolve = _descend, _evolve
