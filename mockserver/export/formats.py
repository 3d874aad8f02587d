"""The formats in which a contract can be exported. Each module is imported when its format is first used."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mockserver.contract.bundles import contract_bundle
from mockserver.core.contract import Contract
from mockserver.core.model import Settings


@dataclass(frozen=True, slots=True)
class Export:
    """A format of exports.

    render: writes a contract with its settings, served at a URL; the last argument is for `mock_parameters`.
    takes_mock_parameters: whether the `Mock-…` request headers can be left out.
    """

    media_type: str
    render: Callable[[Contract, Settings, str, bool], str]
    takes_mock_parameters: bool = False


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _openapi(contract: Contract, settings: Settings, url: str, mock_parameters: bool) -> str:
    from mockserver.export import openapi

    return _json(openapi.document(contract, settings, url, mock_parameters=mock_parameters))


def _postman(contract: Contract, settings: Settings, url: str, _mock_parameters: bool) -> str:
    from mockserver.export import postman

    return _json(postman.document(contract, settings, url))


def _typescript(contract: Contract, settings: Settings, _url: str, _mock_parameters: bool) -> str:
    from mockserver.export import typescript

    return typescript.document(contract, settings)


def _bundle(contract: Contract, _settings: Settings, _url: str, _mock_parameters: bool) -> str:
    return _json(contract_bundle(contract))


EXPORTS: Final[Mapping[str, Export]] = {
    "openapi": Export("application/json", _openapi, takes_mock_parameters=True),
    "postman": Export("application/json", _postman),
    "typescript": Export("text/plain; charset=utf-8", _typescript),
    "bundle": Export("application/json", _bundle),
}
"""The exports by name."""
