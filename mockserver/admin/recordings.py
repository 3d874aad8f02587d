"""The admin route of what `record` kept: drift report, drafts of scenarios, delays."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from mockserver.admin.journal import entries_of
from mockserver.core.contract import Contract
from mockserver.core.reply import Reply
from mockserver.entries.journal_entry import JournalEntry, decode_entry
from mockserver.http_api.api import ADMIN_PREFIX, Call, Route, json_reply
from mockserver.http_api.errors import admin_error
from mockserver.recording.delays import delays
from mockserver.recording.drafts import drafts
from mockserver.recording.drift import drift_report
from mockserver.storage.pacing import Pacer


async def _get_recordings(call: Call) -> Reply:
    recorded, pacer = [], Pacer()
    for entry in await entries_of(call):
        decoded = decode_entry(entry.data)
        if decoded.recorded is not None:
            recorded.append(decoded)
        await pacer.pause()
    if not recorded:
        where = "all sandboxes" if call.query.get("all") == "true" else "this sandbox"
        detail = f"The journal of {where} has no answer of a provider. mockserver record --target URL keeps them."
        raise admin_error(409, "no-recordings", "Nothing was recorded", detail)
    # Examples of the contract are run and drafts are tried: other requests are answered meanwhile.
    return json_reply(await asyncio.to_thread(_recordings, call.engine.contract, recorded, call.engine.clock()))


def _recordings(contract: Contract, recorded: list[JournalEntry], now_ns: int) -> dict[str, Any]:
    report = drift_report(contract, recorded, now_ns)
    found = drafts(contract, report, recorded)
    return {"report": report, "drafts": found.files, "notes": found.notes, "delays": delays(recorded)}


ROUTES: Final = (
    Route(
        "GET",
        f"{ADMIN_PREFIX}/recordings",
        "What `mockserver record` kept: a report on the provider, drafts of scenarios, delays.",
        _get_recordings,
        query={"all": "true: of every sandbox"},
        responses={200: "The report (as of `verify-provider`), the files of an overlay by name, what was not drafted."},
    ),
)
