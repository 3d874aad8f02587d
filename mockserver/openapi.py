"""The table of admin routes as an OpenAPI 3.1 document.

Knows routes as the table describes them; it answers none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from mockserver.admin import Route
from mockserver.version import __version__

PROBLEM: Final[Mapping[str, Any]] = {
    "description": "What was wrong, and what to try (RFC 9457).",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
"""The schema of a problem document; it is called Problem among the components."""

_PROBLEM_CONTENT: Final[Mapping[str, Any]] = {
    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
}
PROBLEM_ANSWER: Final[Mapping[str, Any]] = {"description": "The request was refused.", "content": _PROBLEM_CONTENT}
"""An answer that is a problem."""


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The document; every route stands in it, and nothing else."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mockserver admin API",
            "version": __version__,
            "description": "What is asked of the mock itself, of the default sandbox or of a named one.",
        },
        "servers": [
            {"url": "/", "description": "The default sandbox; the header Mock-Sandbox names another one."},
            {
                "url": "/sandbox/{sandbox}",
                "description": "A named sandbox.",
                "variables": {"sandbox": {"default": "worker-1"}},
            },
        ],
        "security": [{"token": []}, {}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Where --admin-token was given."}
            },
            "schemas": {"Problem": PROBLEM},
            "responses": {"Problem": PROBLEM_ANSWER},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    words = re.findall(r"[A-Za-z]+", route.path.removeprefix("/__admin"))
    shown: dict[str, Any] = {
        "operationId": route.method.lower() + "".join(word.title() for word in words),
        "summary": route.summary,
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in re.findall(r"\{([^{}]*)\}", route.path)
            ),
            *(
                {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
                for name, text in route.query.items()
            ),
        ],
        "responses": {str(status): _answer(route, status, text) for status, text in route.answers.items()}
        | {"default": {"$ref": "#/components/responses/Problem"}},
    }
    if route.body is not None:
        content = {"application/json": {"schema": dict(route.body)}}
        shown["requestBody"] = {"required": route.needs_body, "content": content}
    if route.is_open:
        shown["security"] = []
    return shown


def _answer(route: Route, status: int, text: str) -> dict[str, Any]:
    if status >= 400:
        return {"description": text, "content": _PROBLEM_CONTENT}
    return {"description": text, "content": {route.media: {}}}
