"""A compiled JSON Schema: its violations, and the members that it declares.

jsonschema-rs does the checking. It checks a `pattern` itself if its engine and ours (`patterns`) read it alike;
otherwise our engine checks it through a custom keyword.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, cached_property, lru_cache
from typing import Any, Final

from jsonschema_rs import Draft202012Validator, RegexOptions, Registry

from mockserver.core.model import Path, UnknownMember, Violation
from mockserver.schema.declared import DeclaredMembers, declared_members
from mockserver.schema.limits import MAX_CHECKS, MAX_ERRORS, TOO_DEEP, Limits
from mockserver.schema.patterns import compile_pattern
from mockserver.schema.references import BASE_URI, LocatedSchema, SchemaRegistry, quote_reference
from mockserver.schema.subschemas import references, replace_schemas
from mockserver.schema.violations import OWN_PATTERN_KEYWORD, violations_from_errors

NOT_UNICODE: Final = "holds half of a surrogate pair, which is no text"

_ATOM: Final = r"""
    [^\\.^$*+?()\[\]{}|] | \\[.^$*+?()\[\]{}|/-] | \\[dDwWtnrf] | \\x[0-9A-Fa-f]{2} | [|^$)] | \((?:\?:)?
  | \[ \^? (?: [^\\\[\]^&~-] | \\[.^$*+?()\[\]{}|/-] | \\[dwtnrf] | \\x[0-9A-Fa-f]{2} | [&~-](?![&~-]) )+ \]
  | [*+?]\?? | \{[0-9]{1,3}(?:,[0-9]{0,3})?\}\??
"""
_PLAIN: Final = re.compile(f"(?:{_ATOM})*", re.VERBOSE)
"""Regular expressions that both engines read in one way: no white space as a class, no `.`, no flags."""
_PLAIN_FOR_NAMES: Final = re.compile(rf"(?:{_ATOM}|\.)*", re.VERBOSE)
"""The same with `.`, which to the library is no U+000D, U+2028 or U+2029 either: hardly in the name of a member."""


@lru_cache(maxsize=4096)
def is_plain(pattern: str, *, names: bool = False) -> bool:
    """Whether a regular expression that our engine takes means the same to the library; `names`: for `.` as well."""
    if (_PLAIN_FOR_NAMES if names else _PLAIN).fullmatch(pattern) is None:
        return False
    try:
        Draft202012Validator({"pattern": pattern}, pattern_options=RegexOptions())
    except ValueError:
        return False
    return True


class _OwnPattern:
    """A keyword: a regular expression on our own engine."""

    def __init__(self, parent: Mapping[str, Any], pattern: str, at: list[str | int]) -> None:
        del parent, at
        self._found = compile_pattern(pattern)

    def validate(self, instance: Any) -> None:
        """Raise `ValueError` where a text does not match."""
        if isinstance(instance, str) and not self._found(instance):
            raise ValueError


_TYPES: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


class _ExactType:
    """The keyword `type` where 5.0 is no integer."""

    def __init__(self, parent: Mapping[str, Any], types: str | list[str], at: list[str | int]) -> None:
        del parent, at
        self._types = {types} if isinstance(types, str) else set(types)
        self._types |= {"integer"} if "number" in self._types else set()

    def validate(self, instance: Any) -> None:
        """Raise `ValueError` for a value of another type."""
        if _TYPES[type(instance)] not in self._types:
            raise ValueError


def prepare_schema(schema: LocatedSchema) -> Any:
    """A schema as the library takes it: a `pattern` that is not plain is our own keyword, and references are URIs."""
    prepared_schemas: dict[int, dict[str, Any]] = {}
    for node, one in schema.reachable().items():
        if isinstance(one.schema, dict) and (changed := _prepare(one.schema)) != one.schema:
            prepared_schemas[node] = changed
    return replace_schemas(schema.schema, prepared_schemas) if prepared_schemas else schema.schema


def _prepare(schema: Mapping[str, Any]) -> dict[str, Any]:
    changed = {**schema, **{reference.keyword: quote_reference(reference.text) for reference in references(schema)}}
    if not is_plain(schema.get("pattern", "")):
        changed[OWN_PATTERN_KEYWORD] = changed.pop("pattern")
    return changed


class Validator:
    """One compiled schema. What it declares is looked up on first use.

    Raises `ValueError` for a schema that the library does not take. `exact`: 5.0 is no integer.
    """

    def __init__(
        self, entry: Any, schema: LocatedSchema, resources: SchemaRegistry, files: Registry, *, exact: bool
    ) -> None:
        """`entry` leads the library to `schema`; `files` has the schemas by URI as the library takes them."""
        compiled = Draft202012Validator(
            entry,
            registry=files,
            base_uri=BASE_URI,
            keywords={OWN_PATTERN_KEYWORD: _OwnPattern} | ({"type": _ExactType} if exact else {}),
            pattern_options=RegexOptions(),
            validate_formats=False,
            offline=True,
        )
        self._is_valid, self._iter_errors = compiled.is_valid, compiled.iter_errors
        self._schema = schema
        self._schema_of = cache(resources.schema_of)  # as many as there are keywords in the schemas
        self.limits = Limits(schema)

    @cached_property
    def declared(self) -> DeclaredMembers:
        """What the schema declares, by place."""
        return declared_members(self._schema)

    def values_at(self, path: Path) -> tuple[Any, ...]:
        """The values that the schema lists at `path` (`enum`)."""
        return self.declared.member_names(path).values

    def is_date_time(self, path: Path) -> bool:
        """Whether the schema gives the text at `path` the format `date-time`."""
        return self.declared.member_names(path).is_date_time

    def unknown_members(self, instance: Any) -> Iterable[UnknownMember]:
        """The members of `instance` that the schema does not declare."""
        return self.declared.unknown_members(instance)

    def violations(self, root: str, instance: Any) -> tuple[Violation, ...]:
        """All that is wrong with `instance` (at most `MAX_VIOLATIONS`), sorted by place and keyword.

        A value that cannot be checked has one violation, with the keyword `parse`.
        """
        try:
            reason = "" if self.limits.is_small else self.limits.reason_to_refuse(instance, MAX_CHECKS)
            if not reason and self._is_valid(instance):
                return ()
            reason = reason or self.limits.reason_to_refuse(instance, MAX_ERRORS)
            if not reason:
                return violations_from_errors(self._iter_errors(instance), root, instance, self._schema_of)
        except UnicodeEncodeError:
            reason = NOT_UNICODE
        except ValueError:  # the library compares and copies values of so many levels
            reason = TOO_DEEP
        return (Violation(root, (), "parse", "other", reason),)
