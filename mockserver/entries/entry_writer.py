"""Writes journal entries: secrets are masked before the document is encoded, and `masked` says where."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote_plus

import msgspec
from msgspec import Raw

from mockserver.base.instants import utc_nanos
from mockserver.base.json_pointer import json_pointer
from mockserver.base.trace_context import trace_id
from mockserver.base.values import encode_json, mask, printable
from mockserver.core.contract import Alternative, Contract, Scenario
from mockserver.core.model import MISSING, Document, Path, Request, Settings
from mockserver.core.reply import Decision, Reply
from mockserver.decision.document import read_object
from mockserver.decision.view import View
from mockserver.entries.journal_entry import (
    BASE64,
    JSON,
    TEXT,
    Body,
    EntryDecision,
    EntryLookup,
    EntryReply,
    EntryRequest,
    EntrySettings,
    EntryViolation,
    JournalEntry,
    RecordedAnswer,
    RuntimeScenarioText,
    ScenarioInfo,
)
from mockserver.privacy.masks import (
    MAX_TARGET,
    PathMask,
    changed_pointers,
    mask_account_numbers,
    mask_account_numbers_in_value,
    mask_at,
    mask_headers,
    mask_text_body,
    mask_value,
    masked_pointers,
    secret_parts,
)
from mockserver.privacy.secrets import Secrets, secrets_of
from mockserver.storage.interface import Entry

_encode: Final = msgspec.json.Encoder().encode

_EXPONENT: Final = re.compile(rb"[:,\[\s]-?[0-9.]+[eE]")
"""How a number with an exponent begins in JSON; a text may look so too."""


class EntryWriter:
    """Writes the entries of requests to one contract; they are empty where the settings keep no journal."""

    def __init__(self, contract: Contract, settings: Settings) -> None:
        """Collect what is secret in requests to each operation, and to any."""
        self._keeps_journal = settings.journal_entries > 0
        self._contract_hash = contract.hash
        self.secrets: Mapping[str, Secrets] = {one.id: secrets_of([one]) for one in contract.operations}
        self.all_secrets = secrets_of(contract.operations)
        self.path_mask = PathMask(contract.operations, self.all_secrets)

    def encode_decision(self, view: View, decision: Decision, reply: Reply, micros: int) -> Entry:
        """The entry of a request that a scenario answers."""
        if not self._keeps_journal:
            return Entry(reply.entry_id, view.sandbox, b"")
        masked: list[str] = []
        document, secrets = decision.document, self.secrets[decision.operation.id]
        entry = JournalEntry(
            id=reply.entry_id,
            sandbox=view.sandbox,
            time=utc_nanos(view.facts.now_ns),
            duration_us=micros,
            contract_hash=self._contract_hash,
            request=self._request(document, secrets, masked, decision.operation.path),
            reply=_entry_reply(reply, secrets if decision.scenario.headers else None, masked),
            decision=_entry_decision(view, decision),
            problem=None,
            trace=_trace(document.request),
            fault=decision.fault.kind if decision.fault is not None else None,
            fallback=reply.fallback or None,
            delay_ms=decision.delay_ms or 0,  # 0.0 would be written
            masked=tuple(masked),
        )
        return Entry(reply.entry_id, view.sandbox, _mask_document(_encode(entry)))

    def encode_refusal(
        self, entry_id: str, request: Request, sandbox: str, reply: Reply, at_ns: int, micros: int
    ) -> Entry:
        """The entry of a request that the mock refused."""
        if not self._keeps_journal:
            return Entry(entry_id, sandbox, b"")
        masked: list[str] = []
        entry = JournalEntry(
            id=entry_id,
            sandbox=sandbox,
            time=utc_nanos(at_ns),
            duration_us=micros,
            contract_hash=self._contract_hash,
            request=self._request(self.unread_document(request), self.all_secrets, masked),
            reply=_entry_reply(reply, None, masked),
            problem=reply.problem,
            trace=_trace(request),
            fault=reply.fault.kind if reply.fault is not None else None,
            masked=tuple(masked),
        )
        return Entry(entry_id, sandbox, _mask_document(_encode(entry)))

    def encode_recorded(
        self, entry_id: str, sandbox: str, document: Document, secrets: Secrets, recorded: RecordedAnswer
    ) -> Entry:
        """The entry of a request that the provider answered; `secrets` are those of its operation, or of any."""
        masked = [*recorded.masked]
        request = self._request(document, secrets, masked)
        headers = mask_headers(recorded.headers, secrets, "/reply/headers", masked)
        reply = EntryReply(recorded.status, headers, _reply_body(recorded.body, secrets, masked))
        entry = JournalEntry(
            id=entry_id,
            sandbox=sandbox,
            time=utc_nanos(recorded.at_ns),
            duration_us=recorded.micros,
            contract_hash=self._contract_hash,
            request=request,
            reply=reply,
            recorded=recorded.comparison,
            trace=_trace(document.request),
            masked=tuple(masked),
        )
        return Entry(entry_id, sandbox, _mask_document(_encode(entry)))

    def unread_document(self, request: Request) -> Document:
        """The document of a request whose body was not read: it was refused before, or goes to no operation."""
        secrets, body = self.all_secrets, read_object(request.body)
        places = secrets.find(body) if body is not MISSING else ()
        return Document(request, body=mask_at(body, places) if places else body, secret_places=tuple(places))

    def _request(
        self, document: Document, secrets: Secrets, masked: list[str], operation_path: str = ""
    ) -> EntryRequest:
        """The request, masked; the pointers of what is masked are added to `masked`."""
        request, parameters = document.request, document.parameters
        target, path_parameters = request.path, dict(parameters)
        if target != operation_path:  # the contract's own text needs no mask
            target = self.path_mask.mask(target)
        is_path_masked = target not in (request.path, printable(request.path, MAX_TARGET))
        query: dict[str, str] = {}
        pointers: list[str] = []
        for name, value in parameters.items():
            if secrets.covers("path", (name,)):
                path_parameters[name] = mask(value)
                pointers.append("/request/path" + json_pointer([name]))
        if request.query:
            sent = [*request.query.items()]
            shown = []
            for (name, value), secret in zip(sent, secret_parts(sent, secrets), strict=True):
                shown_name, shown_value = mask(name) if secret.name else name, mask(value) if secret.value else value
                query.setdefault(shown_name, shown_value)  # of a repeated one the first counts
                shown.append(quote_plus(shown_name) + (f"={quote_plus(shown_value)}" if value else ""))
                if secret.name or (secret.value and value):
                    pointers.append("/request/query" + json_pointer([shown_name]))
            target += "?" + printable("&".join(shown), MAX_TARGET)
        if pointers or is_path_masked:
            masked.append("/request/target")
            masked += pointers
        headers = mask_headers(request.headers.items(), secrets, "/request/headers", masked)
        return EntryRequest(
            method=request.method,
            target=target,
            headers=headers,
            body=_request_body(document, secrets, masked),
            path=path_parameters,
            query=query,
        )


def _trace(request: Request) -> str | None:
    traceparent = request.headers.get("traceparent")
    return trace_id(traceparent) if traceparent is not None else None


def _request_body(document: Document, secrets: Secrets, masked: list[str]) -> Body:
    """A request's body, masked; the pointers of what is masked are added to `masked`."""
    return _body(document.request.body, document.body, document.secret_places, secrets, "/request/body/value", masked)


def _reply_body(data: bytes, secrets: Secrets, masked: list[str]) -> Body:
    """The body of the provider's answer, likewise."""
    value = read_object(data)
    places = secrets.find(value) if value is not MISSING else ()
    return _body(data, mask_at(value, places) if places else value, places, secrets, "/reply/body/value", masked)


def _body(data: bytes, value: Any, paths: Sequence[Path], secrets: Secrets, pointer: str, masked: list[str]) -> Body:
    """A body of which `value` is the JSON object, with the secrets at `paths` masked; `MISSING` if it is none."""
    if type(value) is dict:
        if not paths and not _hides_digits(data) and not secrets.has_secret_name_in(data):
            return Body(JSON, Raw(data))
        # Encoded anew: the bytes may hold a second member of the same name, or digits otherwise than they are shown.
        # The value is masked already (see `Document`), unless all of it is a secret.
        masked += masked_pointers(value, paths, pointer)
        return Body(JSON, Raw(encode_json(mask_value(value) if () in paths else value)))
    masked_data = mask_text_body(data, secrets)
    if masked_data != data:
        masked.append(pointer)
    try:
        return Body(TEXT, Raw(encode_json(masked_data.decode())))
    except UnicodeDecodeError:
        return Body(BASE64, Raw(encode_json(base64.b64encode(masked_data).decode())))


def _hides_digits(data: bytes) -> bool:
    """Whether JSON may hold digits otherwise than they are shown: in an escape, or in a number with an exponent."""
    return b"\\u" in data or _EXPONENT.search(data) is not None


def _entry_reply(reply: Reply, secrets: Secrets | None, masked: list[str]) -> EntryReply:
    """The reply; `secrets` is None where no scenario sends headers, as the mock's own hold no secret."""
    headers = reply.all_headers
    if secrets is not None:
        headers = mask_headers(headers, secrets, "/reply/headers", masked)
    return EntryReply(reply.status, headers, Body(JSON, Raw(reply.body)))


def _entry_decision(view: View, decision: Decision) -> EntryDecision:
    facts, document, scenario = view.facts, decision.document, decision.scenario
    added, keys, found = view.order.added, view.lookups.keys, view.lookups.found
    return EntryDecision(
        scenario=scenario_info(scenario, decision.alternative),
        trigger=decision.trigger,
        settings=_entry_settings(facts.settings),
        assumed=decision.assumed,
        cause_entry_id=decision.cause_entry_id,
        committed=decision.applies_changes,
        violations=tuple(
            [EntryViolation(v.root, v.path, v.keyword, v.got, v.message, v.values) for v in document.violations]
        ),
        warnings=document.warnings,
        lookups={
            one.name: EntryLookup(one.collection.name, keys[one.name], found[one.name])
            for one in decision.operation.lookups
            if keys[one.name] is not None or found[one.name]
        },
        new=facts.new,
        writes=decision.effects.writes,
        turns=dict(decision.turn_counts),
        added=tuple([RuntimeScenarioText(one.operation, one.id, one.runtime_text or "") for one in added]),
        forced_text=scenario.runtime_text if decision.alternative is None else None,
    )


def scenario_info(scenario: Scenario, alternative: Alternative | None) -> ScenarioInfo:
    """The scenario that answered and the alternative that held, as an entry shows them."""
    because = tuple(condition.text for condition in alternative.conditions) if alternative is not None else ()
    return ScenarioInfo(
        operation=scenario.operation,
        id=scenario.id,
        position=str(scenario.position),
        source=alternative.provenance if alternative is not None else scenario.provenance,
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
        settings.vary,
    )


def _mask_document(data: bytes) -> bytes:
    """A document without payment account numbers, wherever they stand; it says where they were."""
    if mask_account_numbers(data) is data:
        return data
    value = msgspec.json.decode(data)
    hidden = mask_account_numbers_in_value(value)
    known = hidden.pop("masked", [])
    value.pop("masked", None)
    hidden["masked"] = list(dict.fromkeys([*known, *changed_pointers(value, hidden, "")]))
    return mask_account_numbers(_encode(hidden))
