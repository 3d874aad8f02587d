"""Diagnostics of a schema that people write: its text, its patterns, its references."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from jsonschema_rs import Draft202012Validator, Registry, ValidationErrorKind

from mockserver.base.spelling import close_matches, did_you_mean
from mockserver.base.values import encode_ascii_json, kind, printable
from mockserver.core.client_advice import LANGUAGES, texts_by_language
from mockserver.core.diagnostics import Diagnostic
from mockserver.core.model import Path
from mockserver.schema.messages import DESCRIPTION_KEYWORD, PATTERN_WORDS_KEYWORD
from mockserver.schema.patterns import pattern_diagnostic
from mockserver.schema.references import BASE_URI, LocatedSchema, SchemaRegistry, named_uris
from mockserver.schema.subschemas import KEYWORDS, OLDER_KEYWORDS, Reference, identities, references, walk_schemas
from mockserver.schema.validator import is_plain
from mockserver.schema.violations import mismatch_of, violations_from_errors

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_RESERVED_URIS: Final = ("http://json-schema.org/", "https://json-schema.org/")
"""Where the schemas of JSON Schema itself are, which the libraries know."""

MAX_STEPS: Final = 50_000
"""Steps from schema to schema while looking for references that lead back to themselves."""


@cache
def _meta_schema_validator() -> Draft202012Validator:
    return Draft202012Validator({"$ref": DIALECT}, validate_formats=False, offline=True)


def syntax_diagnostics(schema: Any) -> Iterator[Diagnostic]:
    """What is wrong with the text of a schema."""
    if not isinstance(schema, dict | bool):
        yield Diagnostic((), "no JSON Schema", "an object or a boolean", kind(schema))
        return
    dialect = schema.get("$schema", DIALECT) if isinstance(schema, dict) else DIALECT
    if dialect not in (DIALECT, DIALECT + "#"):
        hint = "only JSON Schema 2020-12 is understood"
        yield Diagnostic(("$schema",), "unknown dialect", DIALECT, encode_ascii_json(dialect), hint)
        return
    try:
        Draft202012Validator({"const": schema})
    except ValueError as error:  # too deep, or half of a surrogate pair
        reason = str(error).partition(":")[0]
        yield Diagnostic((), "no JSON Schema", "a JSON text that jsonschema-rs reads", reason)
        return
    yield from _keyword_diagnostics(schema) if _meta_schema_validator().is_valid(schema) else _meta_diagnostics(schema)


def _meta_diagnostics(schema: Any) -> Iterator[Diagnostic]:
    from jsonschema_specifications import REGISTRY  # a tenth of a start, which seldom needs it

    errors = []
    for error in _meta_schema_validator().iter_errors(schema):
        first = error.kind.context[0] if isinstance(error.kind, ValidationErrorKind.AnyOf) else [error]
        errors += first[:1]
    for violation in violations_from_errors(errors, "schema", schema, SchemaRegistry(REGISTRY).schema_of):
        what, words = f"no JSON Schema: wrong value for {violation.where}", mismatch_of(violation, schema)
        yield Diagnostic(violation.path, what, words.expected, words.got, words.hint)


def _keyword_diagnostics(schema: Any) -> Iterator[Diagnostic]:
    for at, sub in walk_schemas(schema):
        if isinstance(sub, dict):
            yield from _pattern_diagnostics(at, sub)
            yield from _words_diagnostics(at, sub)
            if not _is_uri(sub.get("$id", "")):
                hint = "most schemas need no $id"
                yield Diagnostic((*at, "$id"), "bad $id", "a URL or a file name", sub["$id"], hint)


def unknown_keywords(schema: Any) -> Iterator[Diagnostic]:
    """The keywords of a schema that do nothing, as JSON Schema has none of that name."""
    for at, sub in walk_schemas(schema):
        for name in sub if isinstance(sub, dict) else ():
            if name not in KEYWORDS and not name.startswith("x-"):
                near = OLDER_KEYWORDS.get(name) or close_matches(name, KEYWORDS)[:1]
                expected = "a keyword of JSON Schema 2020-12; one of your own begins with x-"
                yield Diagnostic((*at, name), f"{name} does nothing in a schema", expected, name, did_you_mean(near))


def _pattern_diagnostics(at: Path, schema: dict[str, Any]) -> Iterator[Diagnostic]:
    names = [((*at, "patternProperties", pattern), pattern) for pattern in schema.get("patternProperties", ())]
    own = [((*at, "pattern"), schema["pattern"])] if "pattern" in schema else []
    for place, pattern in (*names, *own):
        diagnostic = pattern_diagnostic(place, pattern)
        if diagnostic is not None:
            yield diagnostic
    for place, pattern in names:
        if pattern_diagnostic(place, pattern) is None and not is_plain(pattern, names=True):
            yield Diagnostic(
                place,
                "a regular expression for names of members that engines read differently",
                "characters, classes such as [a-z] and \\d, groups, repetitions, ^ and $",
                encode_ascii_json(pattern),
                "write white space out: [\\t\\n ]",
            )


def _words_diagnostics(at: Path, schema: dict[str, Any]) -> Iterator[Diagnostic]:
    """Texts for people by language that none of them could read."""
    by_language = f"a text by language: {', '.join(LANGUAGES)}"
    for keyword, expected in ((DESCRIPTION_KEYWORD, by_language), (PATTERN_WORDS_KEYWORD, f"a text, or {by_language}")):
        if keyword not in schema:
            continue
        words = schema[keyword]
        texts = texts_by_language(words) if keyword == PATTERN_WORDS_KEYWORD else words
        is_right = isinstance(texts, dict) and texts and texts.keys() <= set(LANGUAGES)
        if not is_right or not all(isinstance(text, str) and text for text in texts.values()):
            got = printable(encode_ascii_json(words), 80)
            yield Diagnostic((*at, keyword), f"wrong value for {keyword}", expected, got)


def _is_uri(text: str) -> bool:
    """Whether a text is a URI, relative or not, to both libraries."""
    try:
        urlsplit(text)
        Registry([(text, True)])
    except ValueError:
        return False
    return True


def name_clash_diagnostics(uri: str, schema: Any, taken: Collection[str]) -> Iterator[Diagnostic]:
    """The names in a schema at `uri` that another schema has: a reference to one could mean either.

    `taken`: the URIs of the others, and `uri`.
    """
    found = {*taken}
    for place, named in named_uris(uri, schema):
        is_own = place == ("$id",) and named == uri
        if (named in found and not is_own) or named.startswith(_RESERVED_URIS):
            hint = "most schemas need no $id" if place[-1] == "$id" else ""
            got = named.removeprefix(BASE_URI)
            yield Diagnostic(place, f"{place[-1]} that another schema has", "a name of its own", got, hint)
        found.add(named)


def reference_diagnostics(
    schema: LocatedSchema, sound: Collection[int], leads_nowhere: Callable[[Path, Reference], Diagnostic]
) -> Iterator[Diagnostic]:
    """What is wrong with the references of a schema whose text is sound, as that of all schemas in `sound` is."""
    known = {*sound, *identities(schema.schema), id(True), id(False)}
    left = iter(range(MAX_STEPS))
    pending: list[tuple[Path, LocatedSchema]] = [((), schema)]
    while pending:
        at, one = pending.pop()
        pending.extend(((*at, *step), part) for step, part in one.subschemas())
        for reference in references(one.schema):
            place, what = (*at, reference.keyword), reference.keyword
            target = one.resolve(reference.text)
            if target is None:
                yield leads_nowhere(place, reference)
                continue
            is_known = id(target.schema) in known
            if not is_known and any(syntax_diagnostics(target.schema)):
                wanted = "an object or a boolean that is one"
                yield Diagnostic(place, f"{what} to what is no JSON Schema", wanted, reference.text)
                continue
            back = target.leads_back_to(one.schema, left)
            if back is None:
                few = "schemas that refer to each other less"
                yield Diagnostic(place, f"{what} that leads through too many others", few, reference.text)
                return
            if back:
                yield Diagnostic(
                    place,
                    f"{what} that leads back to itself",
                    "a schema that refers to itself only from a member or an item",
                    reference.text,
                    "no value could ever be checked against it",
                )
            elif not is_known:
                known.add(id(target.schema))
                pending.append((place, target))
