"""Messages of violations: what was expected and the kind of what was got, never the value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from mockserver.base.spelling import one_of
from mockserver.base.values import encode_ascii_json, kind, kind_of_absence
from mockserver.core.client_advice import texts_by_language
from mockserver.core.model import MISSING

PATTERN_WORDS_KEYWORD: Final = "x-expected"
"""The keyword with a schema's own words for its `pattern`: a text in English, or a text by language."""

DESCRIPTION_KEYWORD: Final = "x-description"
"""The keyword with a schema's `description` in other languages than English: a text by language."""

_KINDS: Final = {
    "null": "null",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "array": "an array",
    "object": "an object",
}


def _count(value: Any) -> str:
    return f"{len(value)}"


_MEASURES: Final[Mapping[str, tuple[str, Callable[[Any], str]]]] = {
    "minLength": ("at least {} character", _count),
    "maxLength": ("at most {} character", _count),
    "minItems": ("at least {} item", _count),
    "maxItems": ("at most {} item", _count),
    "minProperties": ("at least {} member", _count),
    "maxProperties": ("at most {} member", _count),
    "minimum": ("a number of at least {}", lambda _: "a smaller one"),
    "maximum": ("a number of at most {}", lambda _: "a greater one"),
    "exclusiveMinimum": ("a number greater than {}", lambda _: "another one"),
    "exclusiveMaximum": ("a number less than {}", lambda _: "another one"),
    "multipleOf": ("a multiple of {}", lambda _: "another number"),
}

_FIXED: Final = {
    "additionalProperties": "is not a member that is known here",
    "anyOf": "fits none of the forms that are allowed",
    "contains": "an item that has to be there is missing",
    "false": "is not allowed",
    "items": "has more items than are allowed",
    "maxContains": "has too many items of one form",
    "minContains": "has too few items of one form",
    "not": "is of a form that is not allowed",
    "oneOf": "expected exactly one of the forms that are allowed to fit",
    "propertyNames": "is a member whose name is not allowed",
    "unevaluatedItems": "has an item that is not known",
    "unevaluatedProperties": "has a member that is not known",
    "uniqueItems": "expected items that are all different",
}


def violation_message(keyword: str, operand: Any, schema: Any, value: Any) -> str:
    """The message for a value (or `MISSING`) that breaks a keyword of a schema."""
    if value is MISSING:
        return "is required, but missing"
    if keyword == "type":
        wanted = [operand] if isinstance(operand, str) else list(operand)
        got = "a number with a fraction" if "integer" in wanted and kind(value) == "a number" else kind(value)
        return f"expected {one_of([_KINDS[name] for name in wanted])}, got {got}"
    if keyword == "pattern":
        expected = _expected_words(schema).get("en") or f"text that matches {operand}"
        return f"expected {expected}, got {_other_text(value)}"
    if keyword in _MEASURES:
        words, got_text = _MEASURES[keyword]
        plural = "s" if got_text is _count and operand != 1 else ""
        return f"expected {words.format(operand)}{plural}, got {got_text(value)}"
    if keyword == "enum":
        return f"expected one of {', '.join(map(encode_ascii_json, operand))}, got {_other(value, operand)}"
    if keyword == "const":
        return f"expected {encode_ascii_json(operand)}, got {_other(value, [operand])}"
    return _FIXED.get(keyword, f"breaks the keyword {keyword}")


def violation_values(keyword: str, operand: Any, schema: Any, value: Any) -> dict[str, Any]:
    """What the message for a value (or `MISSING`) says, by name.

    `operand` is that of the keyword, `expected` the schema's own words by language; `got` is the type of the value, or
    what a keyword counts.
    """
    if value is MISSING:
        return {}
    if keyword == "pattern":
        return {"operand": operand, "expected": _expected_words(schema)}
    if keyword in _MEASURES:
        return {"operand": operand, "got": len(value)} if _MEASURES[keyword][1] is _count else {"operand": operand}
    if keyword in ("type", "enum", "const"):
        return {"operand": operand, "got": kind(value).rpartition(" ")[2]}
    return {}


def _expected_words(schema: Any) -> Mapping[str, str]:
    """A schema's own words for its pattern, by language; those without a language are English."""
    return texts_by_language(schema.get(PATTERN_WORDS_KEYWORD, {}))


def _other_text(value: Any) -> str:
    return {"empty": "empty text", "blank": "only white space"}.get(kind_of_absence(value), "other text")


def _other(value: Any, wanted: list[Any]) -> str:
    """The type of a value; `another …` if a value of that type is allowed."""
    if isinstance(value, str):
        return _other_text(value)
    noun = kind(value)
    return "another " + noun.split(" ", 1)[1] if noun in map(kind, wanted) and " " in noun else noun
