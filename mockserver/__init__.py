"""A contract mock server: answers from YAML scenarios, checks with JSON Schema, explains itself.

Each public name is imported on first use, so that `import mockserver` costs nothing. In process, without a socket:

    from mockserver import Engine, Request, load

    engine = Engine(load())
    reply = engine.handle_sync(Request("POST", "/path", b"{}"))

Over HTTP, in a thread of its own:

    with mockserver.running() as mock:
        ...  # any client, at mock.url
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mockserver.version import __version__

if TYPE_CHECKING:
    from mockserver.base.instants import parse_instant
    from mockserver.client.admin_client import MockError
    from mockserver.client.mock import Mock
    from mockserver.contract.loading import ConfigError, load
    from mockserver.core.contract import Contract, Scenario
    from mockserver.core.diagnostics import FileDiagnostic
    from mockserver.core.language import Evidence
    from mockserver.core.model import Request, Settings, Violation
    from mockserver.core.reply import Decision, NearMiss, Reply
    from mockserver.engine.engine import Engine, Explanation, frozen_clock
    from mockserver.engine.linter import check
    from mockserver.testing.running import running

__all__ = [
    "ConfigError",
    "Contract",
    "Decision",
    "Engine",
    "Evidence",
    "Explanation",
    "FileDiagnostic",
    "Mock",
    "MockError",
    "NearMiss",
    "Reply",
    "Request",
    "Scenario",
    "Settings",
    "Violation",
    "__version__",
    "check",
    "frozen_clock",
    "load",
    "parse_instant",
    "running",
]


_NAMES_BY_MODULE = {
    "base.instants": ("parse_instant",),
    "client.admin_client": ("MockError",),
    "client.mock": ("Mock",),
    "contract.loading": ("ConfigError", "load"),
    "core.contract": ("Contract", "Scenario"),
    "core.diagnostics": ("FileDiagnostic",),
    "core.reply": ("Decision", "NearMiss", "Reply"),
    "core.language": ("Evidence",),
    "core.model": ("Request", "Settings", "Violation"),
    "engine.engine": ("Engine", "Explanation", "frozen_clock"),
    "engine.linter": ("check",),
    "testing.running": ("running",),
}

if not TYPE_CHECKING:  # a type checker would accept any name

    def __getattr__(name: str) -> Any:
        """Import a public name on first use."""
        module = next((module for module, names in _NAMES_BY_MODULE.items() if name in names), None)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
        return value


def __dir__() -> list[str]:
    return [*__all__]
