"""The admin route of coverage: which outcomes of the contract were met, and how the client behaved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import msgspec

from mockserver.admin.sandboxes import settings_of
from mockserver.core.contract import Contract
from mockserver.core.reply import Reply
from mockserver.engine.engine import Engine
from mockserver.engine.listing import iter_scenario_rows
from mockserver.engine.sample_requests import curl, triggering_request
from mockserver.http_api.api import ADMIN_PREFIX, Call, Route, json_reply, text_reply
from mockserver.http_api.parameters import Scope, scope_of, word_parameter
from mockserver.reports.coverage_page import MEDIA_TYPES, render
from mockserver.reports.coverage_report import share_met
from mockserver.reports.translations import language, language_headers
from mockserver.storage.coverage import Outcome, RetryStats, Tally
from mockserver.storage.pacing import Pacer


async def coverage_json(call: Call, tally: Tally, scope: Scope) -> dict[str, Any]:
    """The coverage of a scope as JSON.

    An outcome is met once its full answer was sent; `faults` counts faulted answers too.
    """
    engine, name = call.engine, scope.sandbox or ""
    contract, error_status = engine.contract, (await settings_of(engine, name)).error_status
    # Examples have the error status of this sandbox, but no headers that the server requires.
    example_contract = replace(contract, settings=replace(contract.settings, error_status=error_status))
    rows = []
    by_id = contract.operations_by_id
    pacer = Pacer()
    for row in await _scenario_rows(engine, example_contract):
        await pacer.pause()
        operation = by_id[row["operation"]]
        scenario = operation.by_id[row["id"]]
        counts = tally.counts_of(scenario)
        request = await triggering_request(engine, name, operation, scenario)
        rows.append(
            {
                "scenario": scenario.id,
                "operation": operation.id,
                "code": scenario.code,
                "source": scenario.provenance,
                "heading": scenario.heading,
                "note": scenario.note,
                "notes": dict(scenario.notes),
                "verified": scenario.verified.members if scenario.verified is not None else None,
                **scenario.client_advice.members,
                "status": row["status"],
                "error": row["error"] or None,
                "met": counts.delivered,
                "triggers": dict(counts.triggers),
                "faults": dict(counts.faults),
                "retried": counts.retries,
                "how": row["trigger"],
                "values": row["values"],
                "conditions": row["conditions"],
                "record_titles": {
                    one.name: dict(one.collection.title) or {"en": one.collection.name} for one in operation.lookups
                },
                "curl": curl(request, call.operations_url),
                "body": request.body.decode(),
            }
        )
    return {
        "sandbox": scope.sandbox,
        "sandbox_prefix": scope.prefix or None,
        "incomplete": tally.incomplete,
        "contract": contract.hash,
        "requests": tally.requests,
        "problems": tally.problems,
        "documented": share_met(row["met"] for row in rows if row["source"] == "documented"),
        "assumed": share_met(row["met"] for row in rows if row["source"] == "assumed"),
        "scenarios": rows,
        "behaviour": _client_behaviour(tally),
    }


async def _scenario_rows(engine: Engine, contract: Contract) -> list[dict[str, Any]]:
    """The rows of all scenarios, made in steps once for a contract and its error status."""
    cached: list[dict[str, Any]] = engine.cached(("scenarios", contract.settings.error_status), list)
    if cached:
        return cached
    rows, pacer = [], Pacer()
    for row in iter_scenario_rows(contract):
        rows.append(row)
        await pacer.pause()
    cached[:] = rows
    return rows


def _client_behaviour(tally: Tally) -> dict[str, Any]:
    retries: dict[Outcome, RetryStats] = {}
    for outcome, stats in tally.retries.items():
        key = msgspec.structs.replace(outcome, from_contract=True)  # adds run-time scenarios of the same id
        retries.setdefault(key, RetryStats()).add(stats)
    ranked = sorted(retries.items(), key=lambda item: -item[1].count)
    return {
        "retries": [
            {
                "after": outcome.scenario,
                "fault": outcome.fault,
                "count": stats.count,
                "shortest_ms": round(stats.shortest_ns / 1e6, 1),
                "longest_ms": round(stats.longest_ns / 1e6, 1),
            }
            for outcome, stats in ranked
        ],
        "sent_again_after_answer_lost": tally.retries_after_loss,
        "secrets_in_url": tally.secrets_in_url,
        "malformed": dict(sorted(tally.violations.items(), key=lambda item: -item[1])),
    }


async def _get_coverage(call: Call) -> Reply:
    name = word_parameter(call, "format", ("json", *MEDIA_TYPES), "json")
    scope, storage = scope_of(call), call.engine.storage
    tally = await (storage.tally_of_prefix(scope.prefix) if scope.prefix else storage.tally(scope.sandbox))
    coverage = await coverage_json(call, tally, scope)
    if name == "json":
        return json_reply(coverage)
    language_code = language(call.headers.get("accept-language", ""))
    reply = text_reply(render(coverage, name, language_code), MEDIA_TYPES[name])
    if name == "html":
        return msgspec.structs.replace(reply, headers=(*reply.headers, *language_headers(language_code)))
    return reply


ROUTES: Final = (
    Route(
        "GET",
        f"{ADMIN_PREFIX}/coverage",
        "Which outcomes of the contract were met, how each of the others can be, and how the client behaved.",
        _get_coverage,
        query={
            "all": "true: of all sandboxes, deleted ones too",
            "sandbox_prefix": "Of the sandboxes whose names begin so, those before a reset or delete too",
            "format": "json, text, junit or html, which is in English or Spanish by `Accept-Language`",
        },
        media_types=("application/json", *(kind.partition(";")[0] for kind in MEDIA_TYPES.values())),
    ),
)
