"""A second implementation of JSON Schema, with which `mockserver check` compares the validator of requests."""

from __future__ import annotations

import re
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from mockserver.base.json_pointer import json_pointer
from mockserver.core.contract import RewriteReferences


class ReferenceValidator:
    """The schemas of a contract in the reference implementation."""

    def __init__(self, schemas: RewriteReferences) -> None:
        """Take in the schemas with references that both implementations resolve alike."""
        self._schemas = schemas(lambda file, path: f"{file}#{json_pointer(path)}")
        resources = [(name, DRAFT202012.create_resource(schema)) for name, schema in self._schemas.items()]
        self._registry: Registry[Any] = Registry().with_resources(resources)

    def is_valid(self, name: str, instance: Any) -> bool | None:
        """Whether an instance is well formed by the schema of a file; None if the reference cannot tell."""
        validator = Draft202012Validator(self._schemas[name], registry=self._registry)
        try:
            return bool(validator.is_valid(instance))
        except (RecursionError, re.error):  # a pattern that Python's own engine does not take
            return None
