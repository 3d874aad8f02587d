"""References between schemas, followed so that a schema can be compared wherever it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from mockserver.base.json_pointer import json_pointer, json_pointer_steps
from mockserver.comparison.keywords import COMPARED, PLAIN
from mockserver.core.contract import Contract

_REFERENCES: Final = ("$ref", "$dynamicRef")


class LinkedSchema(Struct, frozen=True):
    """A schema, and the schemas by file name to which its references lead, each written `FILE#POINTER`."""

    schema: Any
    files: Mapping[str, Any]

    def target(self, reference: str) -> Any:
        """The schema at the end of a reference."""
        file, _, pointer = reference.partition("#")
        schema = self.files[file]
        for step in json_pointer_steps(pointer):
            schema = schema[int(step)] if isinstance(schema, list) else schema[step]
        return schema


def linked_schemas(contract: Contract) -> Mapping[str, Any]:
    """The schemas of a contract by file name, with references written `FILE#POINTER`."""
    return contract.rewrite_references(lambda file, path: f"{file}#{json_pointer(path)}")


class Inliner:
    """Puts schemas in the place of references; a schema that refers to itself stays the same object."""

    def __init__(self, root: LinkedSchema) -> None:
        self._root = root
        self._inlined: dict[int, Any] = {}

    def inline(self, schema: Any) -> Any:
        """The schema that a reference leads to, with the keywords beside it; as one of `allOf` if both have one."""
        if not isinstance(schema, dict):
            return schema
        if id(schema) not in self._inlined:
            self._inlined[id(schema)] = True  # a reference that only leads back here accepts all
            self._inlined[id(schema)] = self._without_reference(schema)
        return self._inlined[id(schema)]

    def _without_reference(self, schema: dict[str, Any]) -> Any:
        links = [{keyword: schema[keyword]} for keyword in _REFERENCES if keyword in schema]
        if not links:
            return schema
        beside = {name: value for name, value in schema.items() if name not in _REFERENCES}
        keywords = COMPARED & beside.keys()
        if len(links) == 1:
            target = self._root.target(next(iter(links[0].values())))
            if not keywords:
                return self.inline(target)
            if isinstance(target, dict) and keywords <= PLAIN - target.keys() and not {*_REFERENCES} & target.keys():
                return {**target, **beside}
        return {**beside, "allOf": [*beside.get("allOf", []), *links]}
