"""The table of admin routes, and its OpenAPI document.

The modules with the routes are imported at the first admin request, which keeps the start of a server short.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from mockserver.core.problems import PROBLEM_CONTENT, PROBLEM_RESPONSE, PROBLEM_SCHEMA
from mockserver.core.reply import Reply
from mockserver.http_api.api import ADMIN_PREFIX, Call, Route, json_reply
from mockserver.version import __version__


async def _get_openapi(call: Call) -> Reply:  # noqa: ARG001 - as every route
    return json_reply(openapi_document(routes()))


@cache
def routes() -> tuple[Route, ...]:
    """All routes."""
    from mockserver.admin import (
        arming,
        console_files,
        contract,
        coverage,
        events,
        journal,
        recordings,
        sandboxes,
        snapshots,
        state,
        verify,
    )

    modules = (
        console_files,
        contract,
        sandboxes,
        snapshots,
        state,
        arming,
        journal,
        events,
        verify,
        coverage,
        recordings,
    )
    return (
        *(route for module in modules for route in module.ROUTES),
        Route(
            "GET",
            f"{ADMIN_PREFIX}/openapi.json",
            "This table as an OpenAPI 3.1 document.",
            _get_openapi,
            responses={200: "The document."},
        ),
    )


def endpoints() -> tuple[str, ...]:
    """Method and path of each route, for the problem of an unknown path."""
    return tuple(f"{route.method} {route.path}" for route in routes())


def openapi_document(routes: Iterable[Route]) -> dict[str, Any]:
    """Describe the routes as an OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mockserver admin API",
            "version": __version__,
            "description": "Controls the mock: its default sandbox, or a named one.",
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
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Needed where the server has an admin token (--admin-token).",
                }
            },
            "schemas": {"Problem": PROBLEM_SCHEMA},
            "responses": {"Problem": PROBLEM_RESPONSE},
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    words = re.findall(r"[A-Za-z]+", route.path.removeprefix("/__admin"))
    operation: dict[str, Any] = {
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
        "responses": {str(status): _response(route, status, text) for status, text in route.responses.items()}
        | {"default": {"$ref": "#/components/responses/Problem"}},
    }
    if route.body is not None:
        content = {"application/json": {"schema": dict(route.body)}}
        operation["requestBody"] = {"required": route.needs_body, "content": content}
    elif route.raw_body:
        operation["requestBody"] = {"required": True, "content": {kind: {} for kind in route.raw_body}}
    if route.is_public:
        operation["security"] = []
    return operation


def _response(route: Route, status: int, text: str) -> dict[str, Any]:
    if status >= 400:
        return {"description": text, "content": PROBLEM_CONTENT}
    return {"description": text, "content": {kind: {} for kind in route.media_types}}
