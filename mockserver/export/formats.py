"""The formats in which a contract can be exported. Each module is imported when its format is first used."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mockserver.core.contract import Contract
from mockserver.core.model import Settings


@dataclass(frozen=True, slots=True)
class Export:
    """A format: its media type, and the function that writes a contract with its settings, served at a URL."""

    media_type: str
    write: Callable[[Contract, Settings, str], str]


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _openapi(contract: Contract, settings: Settings, url: str) -> str:
    from mockserver.export import openapi

    return _json(openapi.document(contract, settings, url))


def _postman(contract: Contract, settings: Settings, url: str) -> str:
    from mockserver.export import postman

    return _json(postman.document(contract, settings, url))


def _typescript(contract: Contract, settings: Settings, url: str) -> str:  # noqa: ARG001 - as every export
    from mockserver.export import typescript

    return typescript.document(contract, settings)


EXPORTS: Final[Mapping[str, Export]] = {
    "openapi": Export("application/json", _openapi),
    "postman": Export("application/json", _postman),
    "typescript": Export("text/plain; charset=utf-8", _typescript),
}
"""The exports by name."""
