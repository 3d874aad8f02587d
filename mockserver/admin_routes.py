"""The table of admin routes, complete: it feeds routing, the OpenAPI document and the README.

Knows only where the routes are defined, and imports them when they are first asked for: a server that nobody asks
about itself starts without them.
"""

from __future__ import annotations

from functools import cache

from mockserver.admin import PREFIX, Call, Route, as_json
from mockserver.contract import Reply


def _openapi(_: Call) -> Reply:
    from mockserver import openapi

    return as_json(openapi.document(routes()))


@cache
def routes() -> tuple[Route, ...]:
    """All routes."""
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
    )

    return (
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


def paths() -> tuple[str, ...]:
    """Method and path of each, for who asked for one that there is not."""
    return tuple(f"{route.method} {route.path}" for route in routes())
