"""The contract as an OpenAPI 3.1 document: operations, schemas, and every outcome as a named example."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final
from urllib.parse import quote

from mockserver.base.json_pointer import json_pointer
from mockserver.core.codes import own_codes
from mockserver.core.contract import Contract, Operation
from mockserver.core.directives import DURATION
from mockserver.core.faults import FAULTS
from mockserver.core.model import MISSING, Path, Settings
from mockserver.core.problems import PROBLEM_RESPONSE, PROBLEM_SCHEMA
from mockserver.decision.rendering import MOCK_HEADERS
from mockserver.decision.sandbox_names import SANDBOX_NAME
from mockserver.export.outcomes import Outcome, outcomes
from mockserver.schema.diagnostics import DIALECT
from mockserver.schema.subschemas import walk_schemas
from mockserver.version import __version__

MOCK_REQUEST_HEADERS: Final[Mapping[str, tuple[str, str]]] = {
    "Mock-Delay": ("How long the answer takes, such as 1500ms or 1.5s; at most 300 s.", DURATION.pattern),
    "Mock-Fault": (
        "What goes wrong instead of the answer, such as reset, or gateway; status=502.",
        f"({'|'.join(FAULTS)}) *(;.*)?",
    ),
    "Mock-Sandbox": ("The sandbox, a name; each has a state of its own.", SANDBOX_NAME.pattern),
}
"""Request headers that every operation takes, with description and pattern; Mock-Scenario is added by operation."""

MALFORMED_EXAMPLES_KEY: Final = "x-malformed-examples"
"""The extension for examples that violate the schema on purpose; those of `examples` have to be valid."""

_JSON_TYPES: Final = ("null", "boolean", "object", "array", "number", "string")
_SCHEMA_REFERENCE_PREFIX: Final = "#/components/schemas/"
_DESCRIBED_ELSEWHERE: Final = ("accept", "content-type", "authorization")
"""Headers that OpenAPI describes in other places than parameters."""


def document(contract: Contract, settings: Settings, url: str = "/", *, mock_parameters: bool = True) -> dict[str, Any]:
    """Describe a contract that is served at `url` with these settings.

    mock_parameters: with the `Mock-…` request headers; a fuzzer would send them, and meet faults such as `hang`.
    """
    names = component_names(contract.rewrite_references(lambda *_: ""))
    schemas = contract.rewrite_references(lambda file, at: _SCHEMA_REFERENCE_PREFIX + names[file] + _fragment(at))
    for schema in schemas.values():
        make_portable(schema)
    found = [*outcomes(contract, settings)]
    paths: dict[str, dict[str, Any]] = {}
    for operation in contract.operations:
        selected = [outcome for outcome in found if outcome.operation is operation]
        shown = _operation(operation, selected, settings, schemas, names, mock_parameters=mock_parameters)
        paths.setdefault(operation.path, {})[operation.method.lower()] = shown
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": ", ".join(operation.id for operation in contract.operations),
            "version": contract.hash,
            "description": f"Derived from contract {contract.hash} by mockserver {__version__}. Every outcome is an "
            "example, named by its id.",
        },
        "servers": [
            {"url": url, "description": "The default sandbox."},
            {
                "url": f"{url.rstrip('/')}/sandbox/{{sandbox}}",
                "description": "A named sandbox, made on first use.",
                "variables": {"sandbox": {"default": "qa"}},
            },
        ],
        "paths": paths,
        "components": {
            "schemas": {names[file]: schema for file, schema in schemas.items()} | {"Problem": PROBLEM_SCHEMA},
            "parameters": {
                name: _header(name, text, {"type": "string", "pattern": f"^{form}$"})
                for name, (text, form) in (MOCK_REQUEST_HEADERS.items() if mock_parameters else ())
            },
            "headers": {
                name: {"description": text, "schema": {"type": "string"}} for name, text in MOCK_HEADERS.items()
            },
            "responses": {"Problem": PROBLEM_RESPONSE},
        },
        "x-assumptions": dict(contract.assumptions),
    }


def make_portable(schema: Any) -> None:
    """Change a schema so that more tools read it: patterns in ASCII, a list of all types but one as `not` that one."""
    for _, sub in walk_schemas(schema):
        if isinstance(sub, dict):
            if isinstance(sub.get("pattern"), str):
                sub["pattern"] = ascii_pattern(sub["pattern"])
            if "patternProperties" in sub:
                sub["patternProperties"] = {ascii_pattern(name): one for name, one in sub["patternProperties"].items()}
            types = sub.get("type")
            missing = [name for name in _JSON_TYPES if name not in types] if isinstance(types, list) else []
            if len(missing) == 1 and "not" not in sub and not (missing == ["number"] and "integer" in sub["type"]):
                del sub["type"]
                sub["not"] = {"type": missing[0]}


def ascii_pattern(pattern: str) -> str:
    r"""The pattern with `\uXXXX` in place of other characters than ASCII, but for those beyond 16 bits."""

    def escaped(match: re.Match[str]) -> str:
        char = match[0][-1]
        return match[0] if char.isascii() or ord(char) > 0xFFFF else f"\\u{ord(char):04x}"

    return re.sub(r"\\.|[^\\]", escaped, pattern, flags=re.DOTALL)


def component_names(files: Iterable[str]) -> dict[str, str]:
    """Name each schema file in the characters that OpenAPI allows."""
    names: dict[str, str] = {}
    for file in files:
        name = re.sub(r"[^A-Za-z0-9._-]", "-", file.removesuffix(".json").removesuffix(".schema"))
        candidates = (name if n == 1 else f"{name}-{n}" for n in count(1))
        names[file] = next(one for one in candidates if one != "Problem" and one not in names.values())
    return names


def _fragment(at: Path) -> str:
    """A JSON Pointer into an exported schema, encoded for the fragment of a URL."""
    steps = [
        ascii_pattern(str(step)) if before == "patternProperties" else step
        for before, step in zip(("", *at), at, strict=False)
    ]
    return quote(json_pointer(steps), safe="/~$!&'()*+,;=:@")


def _header(name: str, text: str, schema: Mapping[str, Any] | None = None, *, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": text,
        "schema": schema or {"type": "string"},
    }


# -- requests -----------------------------------------------------------------------------------------


def _operation(
    operation: Operation,
    found: Sequence[Outcome],
    settings: Settings,
    schemas: Mapping[str, Any],
    names: Mapping[str, str],
    *,
    mock_parameters: bool,
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.id,
        "description": "The request of an example gets its outcome, and so does the header Mock-Scenario.",
        "parameters": [
            *_parameters(operation, found, "path", schemas, names),
            *_parameters(operation, found, "query", schemas, names),
            *(
                _header(name, "Required; without it the request has a violation.", required=True)
                for name in settings.require_headers
                if name.lower() not in _DESCRIBED_ELSEWHERE
            ),
            *(_mock_parameters(operation) if mock_parameters else ()),
        ],
        "responses": _responses(found, settings, names),
    }
    body = operation.schema_files.get("body")
    if body is not None:
        content = {"schema": {"$ref": _SCHEMA_REFERENCE_PREFIX + names[body]}}
        content |= _examples(found, "body")
        shown["requestBody"] = {"required": True, "content": {"application/json": content}}
    if operation.assumed:
        shown["x-assumed"] = list(operation.assumed)
    return shown


def _mock_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    """The request headers of the mock."""
    text = "The outcome to answer with, whatever the request is: its id, or its code if no other has that."
    names = [scenario.id for scenario in operation.scenarios]
    yield _header("Mock-Scenario", text, {"type": "string", "enum": [*names, *own_codes(operation.scenarios)]})
    yield from ({"$ref": f"#/components/parameters/{name}"} for name in MOCK_REQUEST_HEADERS)


def _parameters(
    operation: Operation,
    found: Sequence[Outcome],
    where: str,
    schemas: Mapping[str, Any],
    names: Mapping[str, str],
) -> Iterator[dict[str, Any]]:
    """The parameters of the path, or those that the schema of the query declares."""
    file = operation.schema_files.get(where)
    schema = schemas[file] if file is not None and isinstance(schemas[file], dict) else {}
    declared = {
        n: _SCHEMA_REFERENCE_PREFIX + names[str(file)] + _fragment(("properties", n))
        for n in schema.get("properties", {})
    }
    for name in operation.parameters if where == "path" else declared:
        yield {
            "name": name,
            "in": where,
            "required": where == "path" or name in schema.get("required", ()),
            "schema": {"$ref": declared[name]} if name in declared else {"type": "string"},
            **_examples(found, where, name),
        }


def _examples(found: Sequence[Outcome], root: str, name: str = "") -> dict[str, dict[str, Any]]:
    """The bodies or parameters of the requests by outcome, those that violate the schema apart."""
    shown: dict[str, dict[str, Any]] = {}
    for outcome in found:
        example = outcome.example
        if example is None:
            continue
        value = getattr(example, root).get(name, MISSING) if name else example.body
        if value is MISSING:
            continue
        is_malformed = any(
            violation.root == root and (not name or violation.path[:1] == (name,))
            for violation in outcome.decision.document.violations
        )
        more = {
            **({"x-before": list(example.bodies_before)} if example.bodies_before else {}),
            **({"x-headers": dict(example.headers)} if example.headers else {}),
        }
        shown.setdefault(MALFORMED_EXAMPLES_KEY if is_malformed else "examples", {})[outcome.scenario.id] = (
            _example(outcome, value) | more
        )
    return shown


def _example(outcome: Outcome, value: Any) -> dict[str, Any]:
    note = outcome.scenario.note
    return {"summary": outcome.title, **({"description": note} if note else {}), "value": value}


# -- answers ------------------------------------------------------------------------------------------


def _responses(found: Sequence[Outcome], settings: Settings, names: Mapping[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for status in sorted({outcome.reply.status for outcome in found}):
        selected = [outcome for outcome in found if outcome.reply.status == status]
        envelopes = dict.fromkeys(outcome.scenario.envelope.name for outcome in selected)
        sources = [outcome.scenario.provenance for outcome in selected]
        counts = [f"{sources.count(s)} {s}" for s in dict.fromkeys(sources)]
        content = {
            "schema": _response_schema(selected, names),
            "examples": {o.scenario.id: _response_example(o) for o in selected},
        }
        shown[str(status)] = {
            "description": f"{' or '.join(envelopes)}: {' and '.join(counts)}",
            "content": {"application/json": content} | (PROBLEM_RESPONSE["content"] if status == 400 else {}),
        }
        headers: dict[str, Any] = {
            header.name: {"description": f"Sent by {outcome.scenario.id}.", "schema": {"type": "string"}}
            for outcome in selected
            for header in outcome.scenario.headers
            if header.name.lower() != "content-type"  # OpenAPI describes it as the key of content
        }
        if settings.mock_headers:
            headers |= {n: {"$ref": f"#/components/headers/{n}"} for n in MOCK_HEADERS}
        if headers:
            shown[str(status)]["headers"] = headers
    return shown | {"default": {"$ref": "#/components/responses/Problem"}}


def _response_schema(found: Sequence[Outcome], names: Mapping[str, str]) -> dict[str, Any]:
    """The schema of answers in any of these envelopes; empty if one of them has no schema."""
    files = dict.fromkeys(outcome.scenario.envelope.schema for outcome in found)
    schemas = [{"$ref": _SCHEMA_REFERENCE_PREFIX + names[file]} for file in files if file is not None]
    if len(schemas) < len(files):
        return {}
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _response_example(outcome: Outcome) -> dict[str, Any]:
    advice = outcome.scenario.client_advice
    description = "\n\n".join(filter(None, [outcome.scenario.note, advice.description]))
    return {
        **_example(outcome, outcome.body),
        **({"description": description} if description else {}),
        **{f"x-{name}": value for name, value in advice.members.items() if value},
        "x-source": outcome.decision.provenance,
        "x-assumed": list(outcome.decision.assumed),
        "x-trigger": outcome.trigger_text,
    }
