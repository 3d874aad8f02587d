"""Admin routes that verify claims about received requests, and explain what a request would get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mockserver.admin.arming import bad_config, operation_of, scenario_of
from mockserver.admin.journal import entries_of, is_journal_incomplete
from mockserver.admin.sandboxes import unknown_sandbox
from mockserver.base.values import encode_json, printable
from mockserver.contract.loading import ConfigError, compile_runtime_conditions
from mockserver.core.model import Request
from mockserver.core.problems import problem
from mockserver.core.reply import Reply
from mockserver.engine.explaining import explanation_json, explanation_lines
from mockserver.entries import verification
from mockserver.entries.journal_entry import JournalEntry, decode_entry
from mockserver.entries.reconstruction import Reconstruction, reconstruct
from mockserver.http_api.api import ADMIN_PREFIX, Call, Route, json_reply, text_reply
from mockserver.http_api.errors import admin_error
from mockserver.http_api.parameters import SCOPE_PARAMETERS, bad_parameter, sandbox_names_of, scope_of, word_parameter
from mockserver.storage.interface import Entry
from mockserver.storage.pacing import Pacer

# -- claims -------------------------------------------------------------------------------------------

_COUNT: Final = {"type": "integer", "minimum": 0}
_HOW_MANY: Final = 'How many requests: "count": {"exactly": N}, or at_least, at_most or both; at least one by default.'
_CLAIM: Final[Mapping[str, Any]] = {
    "when": {"description": "Conditions as in a scenario.", "type": "object"},
    "scenario": {"description": "The scenario that answered.", "type": "string", "minLength": 1},
    "operation": {
        "description": "The operation; needed where the contract has several.",
        "type": "string",
        "minLength": 1,
    },
    "count": {
        "description": _HOW_MANY,
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {"exactly": _COUNT, "at_least": _COUNT, "at_most": _COUNT},
    },
}
_CLAIMS: Final[Mapping[str, Any]] = {
    "type": "array",
    "minItems": 1,
    "maxItems": 100,
    "items": {"description": _HOW_MANY, "type": "object", "additionalProperties": False, "properties": _CLAIM},
}
_VERIFY_BODY: Final[Mapping[str, Any]] = {
    **_CLAIMS,
    "description": _HOW_MANY,
    "type": ["object", "array"],
    "additionalProperties": False,
    "properties": {
        **_CLAIM,
        "in_order": {"description": "Claims that hold one after the other.", **_CLAIMS},
        "armed": {
            "description": "Claims that something was armed since the sandbox was made or reset, and that nothing of "
            "it is left: it was used, or disarmed.",
            "const": "used",
        },
    },
}


_NO_STORE: Final = {"Cache-Control": "no-store"}


async def _parse_claim(call: Call, spec: Mapping[str, Any]) -> verification.Claim:
    name, when, count = spec.get("scenario"), spec.get("when", {}), spec.get("count", {"at_least": 1})
    needs_operation = name or when or "operation" in spec
    operation = await operation_of(call, spec.get("operation"), name) if needs_operation else None
    definition = await scenario_of(call, operation, name) if operation is not None and name is not None else None
    try:
        conditions = compile_runtime_conditions(operation, when) if operation is not None and when else ()
    except ConfigError as error:
        raise bad_config(error, "when") from None
    low = count.get("exactly", count.get("at_least", 0))
    high = count.get("exactly", count.get("at_most"))
    if ("exactly" in count and len(count) > 1) or (high is not None and high < low):
        detail = "count is exactly N, or at_least N and at_most M with N not above M."
        raise admin_error(400, "bad-count", "The count cannot be used", detail)
    if not low and high is None:
        raise admin_error(400, "bad-count", "The count cannot be used", "Expected at_least above 0, or an upper bound.")
    scenario = definition.id if definition is not None else None  # the name may be its code
    return verification.Claim(
        operation.id if operation is not None else None, scenario, conditions, low, high, definition
    )


async def _verify(call: Call) -> Reply:
    spec, scope = call.body, scope_of(call)
    if isinstance(spec, dict) and ("in_order" in spec or "armed" in spec) and len(spec) > 1:
        raise admin_error(400, "bad-claim", "The claim cannot be used", "in_order and armed allow no other member.")
    names = await sandbox_names_of(call)
    if isinstance(spec, dict) and "armed" in spec:
        if scope.sandbox is None:
            raise bad_parameter("armed is a claim about one sandbox: it goes without all and sandbox_prefix.")
        verdict = await _unused_armed(call)
    else:
        entries = [entry for entry in reversed(await entries_of(call)) if scope.has(entry.sandbox)]
        names += [entry.sandbox for entry in entries]  # of evicted sandboxes as well
        has_lost_entries = await is_journal_incomplete(call.engine, dict.fromkeys(names))
        verdict = await _check_claims(call, entries, has_lost_entries=has_lost_entries)
    shown = {**verification.verdict_json(verdict), "text": verification.verdict_text(verdict, scope.label)}
    if verdict.holds:
        if scope.sandbox and await call.engine.storage.find(scope.sandbox) is None:
            raise await unknown_sandbox(call, scope.sandbox)
        if not names:
            detail = f"No sandbox has a name that begins with {printable(scope.prefix, 80)}."
            raise admin_error(404, "unknown-sandbox", "There is no such sandbox", detail)
        return json_reply(shown)
    detail = f"expected {verdict.expected}, got {verdict.got}."
    if verdict.incomplete:
        title = "The claim cannot be checked: the journal is incomplete"
        return problem(409, "claim-not-checked", title, detail, _NO_STORE, **shown)
    return problem(409, "claim-does-not-hold", "The claim does not hold", detail, _NO_STORE, **shown)


async def _check_claims(call: Call, entries: Sequence[Entry], *, has_lost_entries: bool) -> verification.ClaimResult:
    """The verdict on the claim, or on the claims in order, of a request about these entries, oldest first."""
    spec, read = call.body, _request_reader(call)
    ordered = spec if isinstance(spec, list) else spec.get("in_order")
    if ordered is None:
        claim = await _parse_claim(call, spec)
        return await verification.verify(claim, entries, read, has_lost_entries=has_lost_entries)
    claims, pacer = [], Pacer()
    for one in ordered:
        claims.append(await _parse_claim(call, one))
        await pacer.pause()
    return await verification.in_order(claims, entries, read, has_lost_entries=has_lost_entries)


def _request_reader(call: Call) -> verification.ReadRequest:
    contract, orders = call.engine.contract, call.engine.storage.orders

    def reconstruction(entry: JournalEntry) -> Reconstruction | None:
        return reconstruct(entry, contract, orders)

    return lambda entry: verification.RecordedRequest(decode_entry(entry.data), reconstruction)


async def _unused_armed(call: Call) -> verification.ClaimResult:
    sandbox = await call.engine.storage.find(call.sandbox)
    was_evicted = await call.engine.storage.was_evicted(call.sandbox)
    if sandbox is not None and not sandbox.armed_count and not was_evicted:
        return verification.ClaimResult(holds=False, expected="something armed, all of it used", got=0)
    left = [armed for armed in sandbox.armed if armed.left is not None] if sandbox is not None else []
    note = "; ".join(f"#{armed.id} {encode_json(dict(armed.spec)).decode()}: {armed.left} left" for armed in left)
    return verification.ClaimResult(
        not left and not was_evicted, "nothing armed that is left over", len(left), incomplete=was_evicted, note=note
    )


# -- explanations -------------------------------------------------------------------------------------

_TEXT_MEMBERS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_EXPLAIN_BODY: Final[Mapping[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "operation": {"description": "Gives method and path where they are missing.", "type": "string"},
        "method": {"type": "string"},
        "path": {"type": "string"},
        "headers": _TEXT_MEMBERS,
        "query": _TEXT_MEMBERS,
        "body": {"description": "A JSON value; a string is sent as raw text."},
    },
}


async def _explain(call: Call) -> Reply:
    as_text = word_parameter(call, "format", ("json", "text"), "json") == "text"
    spec = call.body
    path, method = spec.get("path"), spec.get("method")
    if path is None or method is None:
        operation = await operation_of(call, spec.get("operation"))
        path, method = path or operation.path, method or operation.method
    body = spec.get("body", "")
    headers = {"content-type": "application/json", **{n.lower(): v for n, v in spec.get("headers", {}).items()}}
    if call.sandbox and not path.startswith("/sandbox/"):
        headers["mock-sandbox"] = call.sandbox
    raw = body.encode("utf-8", "replace") if isinstance(body, str) else encode_json(body)
    request = Request(method, path, raw, headers, spec.get("query", {}))
    shown = explanation_json(request, await call.engine.explain(request))
    return text_reply("\n".join(explanation_lines(shown)) + "\n") if as_text else json_reply(shown)


ROUTES: Final = (
    Route(
        "POST",
        f"{ADMIN_PREFIX}/verify",
        "Verify a claim: how many requests of a kind were received, in which order, or that everything armed was used.",
        _verify,
        body=_VERIFY_BODY,
        query=SCOPE_PARAMETERS,
        responses={200: "It holds.", 409: "It does not, or cannot be checked; with the near misses."},
    ),
    Route(
        "POST",
        f"{ADMIN_PREFIX}/explain",
        "What a request would get and why; nothing changes.",
        _explain,
        body=_EXPLAIN_BODY,
        query={"format": "json or text"},
        media_types=("application/json", "text/plain"),
    ),
)
