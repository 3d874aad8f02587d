"""JSON Schemas as TypeScript types, as far as types can express them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, pairwise
from typing import Any, Final

from mockserver.base.values import encode_ascii_json
from mockserver.core.contract import RewriteReferences
from mockserver.core.model import Path

_PLAIN: Final = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"}
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_LITERAL: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_ANY_OBJECT: Final[Mapping[str, Any]] = {}
_OF_OBJECTS: Final = ("properties", "required", "additionalProperties")


def union(types: Iterable[str]) -> str:
    """The union of these types."""
    return " | ".join(dict.fromkeys(types))


def comment(text: str, indent: str = "") -> str:
    """A documentation comment, or nothing without a text."""
    return f"{indent}/** {' '.join(text.split()).replace('*/', '* /')} */\n" if text else ""


def _parenthesized(text: str, operator: str) -> str:
    """Put a type in parentheses if it has this operator outside of all brackets."""
    depth = 0
    for char, following in pairwise(_LITERAL.sub('""', text)):
        depth += (char in "{[(<") - (char in "}])>")
        if depth == 0 and char == " " and following == operator:
            return f"({text})"
    return text


class Types:
    """The types of a contract's schemas; each schema that is referred to gets a name."""

    def __init__(self, schemas: RewriteReferences, reserved: Iterable[str]) -> None:
        """Avoid the names in `reserved`."""
        self._used_names = set(reserved)
        self._addresses: dict[str, tuple[str, Path]] = {}
        self._schemas = schemas(self._reference)
        self._names: dict[str, str] = {}
        self._aliases: list[str] = []

    def _reference(self, file: str, at: Path) -> str:
        reference = encode_ascii_json([file, *at])
        self._addresses[reference] = file, at
        return reference

    def declare(self, title: str, file: str) -> None:
        """Name the type of a schema file by a title; a file that has a name already gets an alias."""
        reference, name = self._reference(file, ()), self._unused_name(title)
        if reference in self._names:
            self._aliases.append(f"export type {name} = {self._names[reference]};")
        else:
            self._names[reference] = name

    def named(self, file: str) -> str:
        """The name of the type of a schema file."""
        return self._name(self._reference(file, ()))

    def declarations(self) -> Iterator[str]:
        """Declare all named types, and those that they refer to."""
        done = 0
        while done < len(self._names):
            reference, name = [*self._names.items()][done]
            schema = self._schema_at(*self._addresses[reference])
            about = schema.get("description") or schema.get("title", "") if isinstance(schema, dict) else ""
            yield f"{comment(about)}export type {name} = {self.of(schema)};"
            done += 1
        yield from self._aliases

    def _schema_at(self, file: str, at: Path) -> Any:
        schema = self._schemas[file]
        for step in at:
            schema = schema[step]
        return schema

    def _unused_name(self, title: str) -> str:
        name = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", title))
        name = name if _IDENTIFIER.fullmatch(name) else f"T{name}"
        name = next(n for n in (f"{name}{i if i > 1 else ''}" for i in count(1)) if n not in self._used_names)
        self._used_names.add(name)
        return name

    def _name(self, reference: str) -> str:
        if reference not in self._names:
            file, at = self._addresses[reference]
            whole = self._names.get(self._reference(file, ())) or file.removesuffix(".json").removesuffix(".schema")
            self._names[reference] = self._unused_name(f"{whole} {at[-1]}" if at else whole)
        return self._names[reference]

    # -- one schema -----------------------------------------------------------------------------------

    def of(self, schema: Any, indent: str = "") -> str:
        """The type of the values that a schema allows; `unknown` where types cannot express it."""
        if not isinstance(schema, dict):
            return "unknown" if schema else "never"
        parts = [*self._parts(schema, indent)]
        return parts[0] if len(parts) == 1 else " & ".join(_parenthesized(part, "|") for part in parts) or "unknown"

    def _parts(self, schema: Mapping[str, Any], indent: str) -> Iterator[str]:
        """The types whose intersection a value has."""
        yield from (self._name(schema[keyword]) for keyword in ("$ref", "$dynamicRef") if keyword in schema)
        if "const" in schema:
            yield encode_ascii_json(schema["const"])
        elif "enum" in schema:
            yield union(map(encode_ascii_json, schema["enum"])) or "never"
        elif "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            yield union(self._plain(one, schema, indent) for one in types)
        elif any(keyword in schema for keyword in _OF_OBJECTS):
            yield self._object_type(schema, indent)
        yield from (self.of(inner, indent) for inner in schema.get("allOf", ()))
        several = [schema[keyword] for keyword in ("anyOf", "oneOf") if keyword in schema]
        if "if" in schema and not {"then", "else"}.isdisjoint(schema):
            several.append([schema.get(branch, _ANY_OBJECT) for branch in ("then", "else")])
        for inners in several:
            yield union(_parenthesized("object" if s is _ANY_OBJECT else self.of(s, indent), "&") for s in inners)

    def _plain(self, kind: str, schema: Mapping[str, Any], indent: str) -> str:
        if kind == "object":
            return self._object_type(schema, indent)
        if kind == "array":
            first = [self.of(item, indent) for item in schema.get("prefixItems", ())]
            rest = self.of(schema.get("items", True), indent)
            return f"[{', '.join((*first, f'...Array<{rest}>'))}]" if first else f"Array<{rest}>"
        return _PLAIN[kind]

    def _object_type(self, schema: Mapping[str, Any], indent: str) -> str:
        members: Mapping[str, Any] = schema.get("properties", {})
        required, more = schema.get("required", ()), schema.get("additionalProperties")
        lines = []
        for name in dict.fromkeys((*members, *required)):
            member = members.get(name, True)
            about = member.get("description", "") if isinstance(member, dict) else ""
            key = name if _IDENTIFIER.fullmatch(name) else encode_ascii_json(name)
            optional = "" if name in required else "?"
            lines.append(f"{comment(about, indent + '  ')}{indent}  {key}{optional}: {self.of(member, indent + '  ')};")
        if more not in (None, False):
            lines.append(f"{indent}  [name: string]: {'unknown' if lines else self.of(more, indent + '  ')};")
        if not lines:
            closed = more is False or schema.get("maxProperties") == 0
            return "Record<string, never>" if closed else "Record<string, unknown>"
        return "\n".join(("{", *lines, f"{indent}}}"))
