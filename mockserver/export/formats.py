"""The formats in which a contract can be exported. Each module is imported when its format is first used."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from mockserver.contract.bundles import contract_bundle
from mockserver.core.contract import Contract
from mockserver.core.model import Settings

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "openapi": "application/json",
    "postman": "application/json",
    "typescript": "text/plain; charset=utf-8",
    "bundle": "application/json",
}
"""The media types of the exports by name."""


def render(kind: str, contract: Contract, settings: Settings, url: str, *, mock_parameters: bool) -> str:
    """Write a contract, served with these settings at a URL, in a format of `MEDIA_TYPES`.

    mock_parameters: whether `openapi` has the `Mock-…` request headers; the others have none.
    """
    match kind:
        case "openapi":
            from mockserver.export import openapi

            shown = openapi.document(contract, settings, url, mock_parameters=mock_parameters)
        case "postman":
            from mockserver.export import postman

            shown = postman.document(contract, settings, url)
        case "typescript":
            from mockserver.export import typescript

            return typescript.document(contract, settings)
        case _:
            shown = contract_bundle(contract)
    return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"
