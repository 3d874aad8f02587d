"""The table of admin routes, complete: it feeds routing, the OpenAPI document and the README.

Knows only where the routes are defined.
"""

from __future__ import annotations

from typing import Final

from mockserver import (
    admin_arming,
    admin_console,
    admin_contract,
    admin_coverage,
    admin_export,
    admin_journal,
    admin_sandboxes,
    admin_scenarios,
    admin_settings,
    admin_state,
    admin_verify,
    openapi,
)
from mockserver.admin import PREFIX, Call, Route, as_json
from mockserver.contract import Reply


def _openapi(_: Call) -> Reply:
    return as_json(openapi.document(ROUTES))


ROUTES: Final[tuple[Route, ...]] = (
    *admin_console.ROUTES,
    *admin_contract.ROUTES,
    *admin_sandboxes.ROUTES,
    *admin_state.ROUTES,
    *admin_arming.ROUTES,
    *admin_journal.ROUTES,
    *admin_verify.ROUTES,
    *admin_coverage.ROUTES,
    *admin_scenarios.ROUTES,
    *admin_settings.ROUTES,
    *admin_export.ROUTES,
    Route(
        "GET",
        f"{PREFIX}/openapi.json",
        "This table as an OpenAPI 3.1 document.",
        _openapi,
        answers={200: "The document."},
    ),
)

PATHS: Final = tuple(f"{route.method} {route.path}" for route in ROUTES)
