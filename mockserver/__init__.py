"""A contract mock server: answers from YAML scenarios, checks with JSON Schema, explains itself.

Knows which names are public, and nothing else. They load a contract and decide requests in process, without
a socket:

    from mockserver import Engine, Request, load

    engine = Engine(load())
    reply = engine.handle(Request("POST", "/path", b"{}"))
"""

from mockserver.check import check
from mockserver.clock import parse_instant
from mockserver.contract import Contract, Decision, Evidence, Miss, Reply, Scenario
from mockserver.engine import Engine, Explanation, frozen
from mockserver.loading import ConfigError, load
from mockserver.model import Request, Settings, Violation
from mockserver.sources import Problem
from mockserver.version import __version__

__all__ = [
    "ConfigError",
    "Contract",
    "Decision",
    "Engine",
    "Evidence",
    "Explanation",
    "Miss",
    "Problem",
    "Reply",
    "Request",
    "Scenario",
    "Settings",
    "Violation",
    "__version__",
    "check",
    "frozen",
    "load",
    "parse_instant",
]
