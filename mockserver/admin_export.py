"""The admin route that gives the running contract in the formats of other tools.

Knows which exports there are; what stands in them is theirs.
"""

from __future__ import annotations

from typing import Final

from mockserver.admin import PREFIX, Call, Route, as_text, refused
from mockserver.contract import Reply
from mockserver.exports import EXPORTS
from mockserver.rendering import or_else
from mockserver.values import near, printable


def _export(call: Call) -> Reply:
    kind = call.parameters["kind"]
    if kind not in EXPORTS:
        spelt = near(kind, EXPORTS)
        detail = f"There is no {printable(kind, 80)}.{or_else(spelt)}"
        raise refused(
            404, "unknown-export", "There is no such export", detail, did_you_mean=list(spelt), kinds=[*EXPORTS]
        )
    export, media = EXPORTS[kind]
    return as_text(export(call.engine.contract, call.engine.settings, call.url), media)


ROUTES: Final = (
    Route(
        "GET",
        f"{PREFIX}/export/{{kind}}",
        "The contract that is served, with an example of every outcome, as openapi, postman or typescript.",
        _export,
        answers={200: "The export."},
    ),
)
