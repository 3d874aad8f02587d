"""The admin API: what is asked of the mock itself, under `/__admin/`.

Knows the engine and values; the table of routes is the one place that says what there is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mockserver.engine import Engine, Target
from mockserver.model import Reply
from mockserver.rendering import not_found, wrong_method
from mockserver.values import near, write
from mockserver.version import __version__

PREFIX: Final = "/__admin"
HEALTH: Final = f"{PREFIX}/health"


@dataclass(frozen=True, slots=True)
class Route:
    """One admin route; `answer` is handed the engine and the name of the sandbox."""

    methods: tuple[str, ...]
    path: str
    answer: Callable[[Engine, str], Reply]


def _json(value: object) -> Reply:
    return Reply(200, (("Content-Type", "application/json"), ("Cache-Control", "no-store")), write(value))


def _health(engine: Engine, _: str) -> Reply:
    return _json(
        {
            "status": "ok",
            "version": __version__,
            "contract": engine.contract.hash,
            "scenarios": sum(1 for _ in engine.contract.scenarios),
        }
    )


def _reset(engine: Engine, sandbox: str) -> Reply:
    engine.reset(sandbox)
    return _json({"status": "reset", "sandbox": sandbox})


ROUTES: Final = (
    Route(("GET", "HEAD"), HEALTH, _health),
    Route(("POST",), f"{PREFIX}/reset", _reset),
)

PATHS: Final = tuple(f"{route.methods[0]} {route.path}" for route in ROUTES)


def answer(engine: Engine, method: str, target: Target) -> Reply:
    """The reply to a request below `/__admin`."""
    for route in ROUTES:
        if route.path == target.path:
            if method in route.methods:
                return route.answer(engine, target.sandbox)
            return wrong_method(method, route.methods, {})
    paths = [route.path for route in ROUTES]
    return not_found(target.path, PATHS, near(target.path, paths))
