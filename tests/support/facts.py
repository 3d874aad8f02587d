"""Facts of a request that has little in it."""

from typing import Any

from mockserver import Engine, Request
from mockserver.core.model import MISSING, Facts, Settings
from mockserver.decision.document import read_document
from mockserver.engine.engine import run_sync


def some_facts(body: Any = MISSING, **more: Any) -> Facts:
    """The facts of a request with this body and nothing else but `more`, by attribute."""
    return Facts(Settings(), body=body, **more)


def request_facts(engine: Engine, request: Request) -> Facts:
    """The facts that decide about a request to the first operation of an engine."""
    sandbox, operation = run_sync(engine.storage.peek("")), engine.contract.operations[0]
    assert sandbox is not None
    document = read_document(operation, request, {}, sandbox.settings)
    return run_sync(sandbox.look(operation, document)).facts
