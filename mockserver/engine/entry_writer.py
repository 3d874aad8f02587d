"""Writes journal entries: secrets are masked before the document is encoded, and `masked` says where."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Raw

from mockserver.core.contract import Alternative, Operation, Scenario
from mockserver.core.instants import utc_nanos
from mockserver.core.masks import (
    SecretPlaces,
    changed_places,
    mask_account_numbers,
    mask_account_numbers_in,
    mask_members,
    mask_path,
    mask_query,
    mask_text_body,
    masked_headers,
    member_places,
    read_object,
)
from mockserver.core.model import NOTHING, Request, Settings
from mockserver.core.reply import Decision, Reply
from mockserver.core.values import encode_json
from mockserver.decision.view import View
from mockserver.engine.entries import (
    BASE64,
    JSON,
    TEXT,
    AddedScenario,
    Body,
    EntryDecision,
    EntryLookup,
    EntryReply,
    EntryRequest,
    EntrySettings,
    EntryViolation,
    JournalEntry,
    ScenarioInfo,
)
from mockserver.storage.interface import Entry

_encode: Final = msgspec.json.Encoder().encode


class EntryWriter:
    """Writes the entries of requests to one contract."""

    def __init__(self, contract: str, places: Mapping[str, SecretPlaces], anywhere: SecretPlaces) -> None:
        """`contract` is its hash; `places` are the secrets by operation, `anywhere` those of all operations."""
        self._contract = contract
        self._places = places
        self._anywhere = anywhere

    def decided(self, request: Request, view: View, decision: Decision, reply: Reply, micros: int) -> Entry:
        """The entry of a request that a scenario answers."""
        masked: list[str] = []
        document, places = decision.document, self._places[decision.operation.id]
        entry = JournalEntry(
            id=reply.entry_id,
            sandbox=view.sandbox,
            time=utc_nanos(view.facts["tick"].now_ns),
            micros=micros,
            contract=self._contract,
            request=_entry_request(
                request, document.body, document.parameters, places, masked, decision.operation.path
            ),
            reply=_entry_reply(reply),
            decision=_entry_decision(view, decision),
            problem=None,
            fault=decision.fault.kind if decision.fault is not None else None,
            delay_ms=decision.delay_ms or 0,  # 0.0 would be written
            masked=tuple(masked),
        )
        return Entry(reply.entry_id, view.sandbox, _mask_document(_encode(entry)))

    def refused(self, entry_id: str, request: Request, sandbox: str, reply: Reply, at_ns: int, micros: int) -> Entry:
        """The entry of a request that the mock refused."""
        masked: list[str] = []
        entry = JournalEntry(
            id=entry_id,
            sandbox=sandbox,
            time=utc_nanos(at_ns),
            micros=micros,
            contract=self._contract,
            request=_entry_request(request, read_object(request.body), NOTHING, self._anywhere, masked),
            reply=_entry_reply(reply),
            problem=reply.problem,
            masked=tuple(masked),
        )
        return Entry(entry_id, sandbox, _mask_document(_encode(entry)))


def _entry_request(
    request: Request,
    body: Any,
    parameters: Mapping[str, str],
    places: SecretPlaces,
    masked: list[str],
    operation_path: str = "",
) -> EntryRequest:
    """The request, masked; the places of what is masked are added to `masked`."""
    path, query = dict(parameters), dict(request.query) if request.query else {}
    target = request.path
    if target != operation_path:  # which is the contract's own text
        target = mask_path(target, [parameters[name] for name in places.path if name in parameters])
    if query:
        target += "?" + mask_query(urlencode(query))
    if query or places.path:
        names_of_path = [(name,) for name in places.path]
        names_of_query = [(name,) for name in query if places.hides(name)]
        in_path = member_places(path, names_of_path, "/request/path")
        masked += ["/request/target"] if query or in_path else []
        masked += in_path
        masked += member_places(query, names_of_query, "/request/query")
        path, query = mask_members(path, names_of_path), mask_members(query, names_of_query)
    headers = masked_headers(request.headers, places.headers, masked)
    return EntryRequest(
        method=request.method,
        target=target,
        headers=headers,
        body=_body(request.body, body, places, masked),
        path=path,
        query=query,
    )


def _body(data: bytes, value: Any, places: SecretPlaces, masked: list[str]) -> Body:
    """A request's body, masked. `value` is its JSON object, `MISSING` where it is none."""
    if type(value) is dict:
        if places.members.isdisjoint(value) and b"\\u00" not in data:
            return Body(JSON, Raw(data))
        # Written anew: the bytes may hold a member twice, and digits as escapes.
        masked += member_places(value, places.body, "/request/body/value")
        return Body(JSON, Raw(encode_json(mask_members(value, places.body))))
    hidden_data = mask_text_body(data, places.body)
    if hidden_data != data:
        masked.append("/request/body/value")
    try:
        return Body(TEXT, Raw(encode_json(hidden_data.decode())))
    except UnicodeDecodeError:
        return Body(BASE64, Raw(encode_json(base64.b64encode(hidden_data).decode())))


def _entry_reply(reply: Reply) -> EntryReply:
    return EntryReply(reply.status, reply.all_headers, Body(JSON, Raw(reply.body)))


def _entry_decision(view: View, decision: Decision) -> EntryDecision:
    facts, document, scenario = view.facts, decision.document, decision.scenario
    added, lookups = view.order.added, decision.operation.lookups
    return EntryDecision(
        scenario=scenario_info(scenario, decision.alternative),
        trigger=decision.trigger,
        settings=_entry_settings(facts["settings"]),
        assumed=decision.assumed,
        cause=decision.cause,
        committed=decision.committed,
        violations=tuple([EntryViolation(v.root, v.path, v.keyword, v.got, v.message) for v in document.violations]),
        warnings=document.warnings,
        lookups={
            one.name: EntryLookup(one.collection.name, view.keys[one.name], view.found[one.name])
            for one in lookups
            if view.keys[one.name] is not None or view.found[one.name]
        },
        new=facts["new"],
        writes=decision.effects.writes,
        turns=dict(decision.turn_counts),
        added=tuple([AddedScenario(one.operation, one.id, one.source_text or "") for one in added]),
        forced_text=scenario.source_text if decision.alternative is None else None,
    )


def scenario_info(scenario: Scenario, alternative: Alternative | None) -> ScenarioInfo:
    """The scenario that answered and the alternative that held, as an entry shows them."""
    because = tuple(condition.text for condition in alternative.conditions) if alternative is not None else ()
    return ScenarioInfo(
        operation=scenario.operation,
        scenario=scenario.id,
        position=str(scenario.position),
        source=alternative.source if alternative is not None else scenario.source,
        heading=scenario.heading,
        note=scenario.note,
        because=because,
        forced=alternative is None,
    )


def _entry_settings(settings: Settings) -> EntrySettings:
    return EntrySettings(
        settings.error_status,
        settings.mock_headers,
        settings.require_headers,
        settings.seed,
        settings.utc_offset,
        settings.max_depth,
    )


def _mask_document(data: bytes) -> bytes:
    """A document without payment account numbers, wherever they stand; it says where they were."""
    if mask_account_numbers(data) is data:
        return data
    value = msgspec.json.decode(data)
    hidden = mask_account_numbers_in(value)
    known = hidden.pop("masked", [])
    value.pop("masked", None)
    hidden["masked"] = list(dict.fromkeys([*known, *changed_places(value, hidden, "")]))
    return mask_account_numbers(_encode(hidden))


def secret_places(operations: tuple[Operation, ...]) -> Mapping[str, SecretPlaces]:
    """What is secret in requests to each operation."""
    return {operation.id: SecretPlaces.of(operation.sensitive) for operation in operations}
