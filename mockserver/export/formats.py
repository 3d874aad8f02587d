"""What a contract can be exported as, each as text.

Knows the exports by name; what stands in them is theirs. Each is imported when it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from mockserver.core.contract import Contract
from mockserver.core.model import Settings


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _openapi(contract: Contract, settings: Settings, url: str) -> str:
    from mockserver.export import openapi as export_openapi

    return _json(export_openapi.document(contract, settings, url))


def _postman(contract: Contract, settings: Settings, url: str) -> str:
    from mockserver.export import postman as export_postman

    return _json(export_postman.document(contract, settings, url))


def _typescript(contract: Contract, settings: Settings, _: str) -> str:
    from mockserver.export import typescript as export_typescript

    return export_typescript.document(contract, settings)


EXPORTS: Final[Mapping[str, tuple[Callable[[Contract, Settings, str], str], str]]] = {
    "openapi": (_openapi, "application/json"),
    "postman": (_postman, "application/json"),
    "typescript": (_typescript, "text/plain; charset=utf-8"),
}
"""Export by name: what writes it for a contract, its settings and the URL where it is served, and its media type."""
