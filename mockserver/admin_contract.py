"""Admin route about the contract that is served: its operations, its collections, its open points.

Knows what to show of a contract; it decides nothing.
"""

from __future__ import annotations

from typing import Any, Final

from mockserver.admin import PREFIX, Call, Route, as_json
from mockserver.contract import Operation, Reply
from mockserver.model import Collection
from mockserver.version import __version__


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "operation": operation.id,
        "method": operation.method,
        "path": operation.path,
        "parameters": list(operation.parameters),
        "lookups": {lookup.name: lookup.collection.name for lookup in operation.lookups},
    }


def _collection(collection: Collection) -> dict[str, Any]:
    return {"collection": collection.name, "open": collection.open, "members": list(collection.members)}


def _contract(call: Call) -> Reply:
    contract = call.engine.contract
    return as_json(
        {
            "contract": contract.hash,
            "version": __version__,
            "url": call.url,
            "apart": call.apart,
            "operations": [_operation(one) for one in contract.operations],
            "collections": [_collection(one) for one in contract.collections.values()],
            "assumptions": dict(contract.assumptions),
        }
    )


ROUTES: Final = (
    Route(
        "GET",
        f"{PREFIX}/contract",
        "What is served, and where: the operations, the collections and the open points by id.",
        _contract,
    ),
)
