"""A fast first answer to "well formed?" by a compiled validator; it can say yes, never why not.

Knows the fast library for JSON Schema and is its one home. Only schemas are taken up that it reads just as the
reference does (`keywords`): those of plain keywords. Regular expressions go to it where the syntax means the same to
both engines, and to our own engine everywhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from jsonschema_rs import Draft202012Validator, RegexOptions, meta

from mockserver.schema.patterns import compile_pattern

Resolve = Callable[[Any, str], tuple[Any, Any] | None]
"""With a resolver and a reference: the schema referred to and the resolver there, or None."""

MOST_SCHEMAS: Final = 2_000
"""Schemas that one may come to when its references are filled in."""

DEEPEST: Final = 100
"""Levels of a value that are followed by a schema that refers to itself."""

_TOLD: Final = (
    "type",
    "enum",
    "const",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
) + ("minItems", "maxItems", "required", "minProperties", "maxProperties", "dependentRequired")
_INNER: Final = ("not", "if", "then", "else", "items", "additionalProperties", "propertyNames", "contains")
_LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED: Final = ("properties", "dependentSchemas")
_SILENT: Final = (
    "$schema",
    "$comment",
    "$defs",
    "title",
    "description",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
) + ("examples", "format")

_OWN: Final = "own-pattern"
"""The keyword in the filled-in schema that asks our own engine."""


class _Refused(Exception):  # noqa: N818 - no error: the reference alone answers then
    """A schema that is not taken up."""


class _OwnPattern:
    """A regular expression on our own engine."""

    def __init__(self, _: Mapping[str, Any], pattern: str, __: list[str | int]) -> None:
        self._found = compile_pattern(pattern)

    def validate(self, instance: Any) -> None:
        """Raise `ValueError` where a text does not match."""
        if isinstance(instance, str) and not self._found(instance):
            raise ValueError


def compile_wellformed(schema: Any, resolver: Any, resolve: Resolve) -> Callable[[Any], bool] | None:
    """Whether a value is certain to be well formed; None for a schema that is not taken up."""
    try:
        filler = _Filler(resolve)
        filled = filler.whole(schema, resolver)
        check = Draft202012Validator(
            filled, validate_formats=False, pattern_options=RegexOptions(), keywords={_OWN: _OwnPattern}
        ).is_valid
    except (_Refused, ValueError):
        return None

    def well_formed(value: Any) -> bool:
        try:
            return check(value)
        except (ValueError, TypeError, RecursionError):  # a value that it cannot take in, such as a lone surrogate
            return False

    if not filler.comes_back:
        return well_formed
    return lambda value: _is_shallow(value) and well_formed(value)


def is_schema(schema: Any) -> bool:
    """Whether a value is certain to be a JSON Schema by its text."""
    try:
        return meta.is_valid(schema)
    except (ValueError, TypeError, RecursionError):
        return False


def _is_shallow(value: Any) -> bool:
    """Whether a value is no deeper than a schema without an end may follow it: the library has no bound of its own."""
    level = [value]
    for _ in range(DEEPEST):
        inner = [v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)]
        level = [one for members in inner for one in members]
        if not level:
            return True
    return False


class _Filler:
    """Fills references in, so that a schema stands for itself; one that comes to itself again has a name."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._count = 0
        self._names: dict[int, str] = {}
        self._waiting: list[tuple[str, Any, Any]] = []

    @property
    def comes_back(self) -> bool:
        """Whether some schema refers to itself."""
        return bool(self._names)

    def whole(self, schema: Any, resolver: Any) -> Any:
        """The schema with what it refers to in the place of references. Raises `_Refused`."""
        filled = self._fill(schema, resolver, ())
        named = {}
        while self._waiting:
            name, inner, inside = self._waiting.pop()
            named[name] = self._fill(inner, inside, ())
        return {**filled, "$defs": named} if named else filled

    def _fill(self, schema: Any, resolver: Any, within: tuple[int, ...]) -> Any:
        self._count += 1
        if self._count > MOST_SCHEMAS:
            raise _Refused
        if not isinstance(schema, dict):
            return schema
        if id(schema) in within:
            return self._named(schema, resolver)
        if "$id" in schema and within:  # what it refers to would stand elsewhere
            raise _Refused
        within = (*within, id(schema))
        filled = dict(self._member(name, operand, resolver, within) for name, operand in schema.items() if _says(name))
        if "$ref" in schema:
            target = self._resolve(resolver, schema["$ref"])
            if target is None:
                raise _Refused
            filled["allOf"] = [*filled.get("allOf", ()), self._fill(*target, within)]
        return filled

    def _named(self, schema: Any, resolver: Any) -> Any:
        if id(schema) not in self._names:
            name = self._names[id(schema)] = f"s{len(self._names)}"
            self._waiting.append((name, schema, resolver))
        return {"$ref": f"#/$defs/{self._names[id(schema)]}"}

    def _member(self, keyword: str, operand: Any, resolver: Any, within: tuple[int, ...]) -> tuple[str, Any]:
        if keyword in _TOLD:
            return keyword, operand
        if keyword == "pattern":
            return _pattern(operand)
        if keyword in _INNER:
            return keyword, self._fill(operand, resolver, within)
        if keyword in _LISTS:
            return keyword, [self._fill(inner, resolver, within) for inner in operand]
        if keyword in _NAMED:
            return keyword, {name: self._fill(inner, resolver, within) for name, inner in operand.items()}
        raise _Refused


def _says(keyword: str) -> bool:
    """Whether a keyword has a say in what is well formed, or in ways that are not known here."""
    return keyword not in ("$id", "$ref", *_SILENT) and not keyword.startswith("x-")


# -- regular expressions --------------------------------------------------------------------------------

_CLASSES: Final = {
    "\\d": "0-9",
    "\\w": "0-9A-Za-z_",
    "\\s": r"\t\n\f\r ",
    "\\v": r"\x0b",
    # What no longer changes from one Unicode version to the next.
    "\\p{Z}": r"\p{Z}",
    "\\p{Cc}": r"\p{Cc}",
}
# Said by what they are not: to compile a class of all that they are takes five times as long.
_BEYOND: Final = r"[^\x00-\xa0\ud800-\udfff\ufffe-\U0010ffff]"
"""U+00A1 to U+FFFD, no surrogates."""
_END: Final = r"[^\x00\ -/:-@\[-`{-~\ud800-\udfff\ufffe-\U0010ffff]"
"""Where a range may begin or end: a letter, a digit, U+0001 to U+001F, U+007F to U+FFFD, no surrogates."""
_TOKEN: Final = re.compile(
    rf"""
      [A-Za-z0-9\ _@\#%=:;,<>!"'`/~&-] | {_BEYOND} | \\[.^$*+?()\[\]{{}}|/-] | [|^$)] | \((?:\?:)?
    | (?P<any> \. )
    | (?P<some> \\[dwsv] | \\p\{{(?:Z|Cc)\}} )
    | \[ \^? (?P<items> (?: \\[dwsv] | \\p\{{(?:Z|Cc)\}} | \\[.^$*+?()\[\]{{}}|/tnfr-]
          | (?: {_END} | \\x[0-9A-Fa-f]{{2}} ) (?: - (?: {_END} | \\x[0-9A-Fa-f]{{2}} ) )?
          | [\ _@\#%=:;,<>!"'`/.*+?(){{}}|$] | &(?!&) )+ ) -? \]
    | [*+?]\?? | \{{[0-9]{{1,3}}(?:,[0-9]{{0,3}})?\}}\??
    """,
    re.VERBOSE,
)
_ITEM: Final = re.compile(r"\\p\{(?:Z|Cc)\}|\\[dwsv]|\\.")


def _pattern(pattern: str) -> tuple[str, str]:
    """The keyword and the operand that ask for a regular expression, on whichever engine."""
    parts, at = [], 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            return _OWN, pattern
        parts.append(_told_alike(token))
        at = token.end()
    return "pattern", "".join(parts)


def _told_alike(token: re.Match[str]) -> str:
    """What a token is to the other engine, whose classes are Unicode's."""
    if token["any"]:
        return r"[^\n]"
    if token["some"]:
        return f"[{_CLASSES[token['some']]}]"
    if token["items"]:
        return _ITEM.sub(lambda item: _CLASSES.get(item[0], item[0]), token[0])
    return token[0]
