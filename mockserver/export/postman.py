"""The contract as a Postman collection (v2.1): one request for each outcome, with tests of its answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from mockserver.base.values import MAX_OWN_DEPTH, decode_json, encode_ascii_json
from mockserver.core.contract import Contract
from mockserver.core.model import Path, Request, Settings
from mockserver.export.outcomes import Outcome, outcomes
from mockserver.version import __version__

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

_NEW_SANDBOX: Final = 'pm.collectionVariables.set("sandbox", "postman-" + pm.variables.replaceIn("{{$guid}}"));'
"""The script that gives each outcome a sandbox of its own: requests can run in any order, and repeatedly."""


def document(contract: Contract, settings: Settings, url: str) -> dict[str, Any]:
    """Write the collection of a contract that is served with these settings; `url` is without a sandbox."""
    found = [*outcomes(contract, settings)]
    names = [operation.id for operation in contract.operations]
    folders = {name: [*_folders_by_source([o for o in found if o.operation.id == name], settings)] for name in names}
    folders_by_operation = [{"name": name, "item": items} for name, items in folders.items()]
    return {
        "info": {
            "name": ", ".join(names),
            "description": f"Derived from contract {contract.hash} by mockserver {__version__}. One request an "
            "outcome, each in a sandbox of its own. baseUrl is the server's address, without a sandbox.",
            "schema": SCHEMA,
        },
        "item": folders_by_operation if len(folders_by_operation) > 1 else folders[names[0]],
        "variable": [{"key": "baseUrl", "value": url.rstrip("/")}, {"key": "sandbox", "value": "postman"}],
    }


def _folders_by_source(found: Sequence[Outcome], settings: Settings) -> Iterator[dict[str, Any]]:
    for source in ("documented", "assumed"):
        items = [_item(outcome, settings) for outcome in found if outcome.scenario.provenance == source]
        if items:
            yield {"name": source, "item": items}


def _item(outcome: Outcome, settings: Settings) -> dict[str, Any]:
    """The request of an outcome, in a folder if others have to be sent before it."""
    name, *before, last = outcome.scenario.id, *(_request(request, settings) for request in outcome.requests)
    new_sandbox = {"listen": "prerequest", "script": {"type": "text/javascript", "exec": [_NEW_SANDBOX]}}
    tests = {"listen": "test", "script": {"type": "text/javascript", "exec": [*_tests(outcome, settings)]}}
    item = {
        "name": name,
        "event": [tests] if before else [new_sandbox, tests],
        "request": {**last, "description": _description(outcome)},
        "response": [
            {
                "name": outcome.title,
                "originalRequest": last,
                "code": outcome.reply.status,
                "header": [{"key": "Content-Type", "value": "application/json"}],
                "body": _text(outcome.body),
                "_postman_previewlanguage": "json",
            }
        ],
    }
    if not before:
        return item
    first = [{"name": f"{name}, before: {n}", "request": request} for n, request in enumerate(before, 1)]
    return {"name": name, "item": [{**first[0], "event": [new_sandbox]}, *first[1:], item]}


def _request(request: Request, settings: Settings) -> dict[str, Any]:
    headers = {name: value for name, value in request.headers.items() if request.body or name != "content-type"}
    required_headers = {name.lower(): "any" for name in settings.require_headers}
    path = [quote(part, safe="%") for part in request.path.removeprefix("/").split("/")]
    query = f"?{urlencode(request.query)}" if request.query else ""
    shown: dict[str, Any] = {
        "method": request.method,
        "header": [
            *({"key": name.title(), "value": value} for name, value in (required_headers | headers).items()),
            {"key": "Mock-Sandbox", "value": "{{sandbox}}"},
        ],
        "url": {
            "raw": f"{{{{baseUrl}}}}/{'/'.join(path)}{query}",
            "host": ["{{baseUrl}}"],
            "path": path,
            **({"query": [{"key": k, "value": v} for k, v in request.query.items()]} if request.query else {}),
        },
    }
    if request.body:
        text = _text(decode_json(request.body, MAX_OWN_DEPTH))
        shown["body"] = {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}
    return shown


def _description(outcome: Outcome) -> str:
    scenario = outcome.scenario
    lines = [
        outcome.title,
        f"Source: {scenario.provenance}.",
        f"Met by: {outcome.trigger_text}." if outcome.example else "",
    ]
    return "\n\n".join(filter(None, [*lines, scenario.note, scenario.client_advice.description]))


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _tests(outcome: Outcome, settings: Settings) -> Iterator[str]:
    """The script that checks an answer: status, scenario, and the constant parts of the body."""
    if outcome.reply.fault is not None:
        return
    name, status = encode_ascii_json(outcome.scenario.id), outcome.reply.status
    yield f'pm.test("status {status}", () => pm.response.to.have.status({status}));'
    if settings.mock_headers:
        yield f'pm.test("scenario", () => pm.expect(pm.response.headers.get("Mock-Scenario")).to.eql({name}));'
    for at, value in outcome.constant_parts:
        where = encode_ascii_json("/".join(("body", *map(str, at))))
        yield f"pm.test({where}, () => pm.expect({_member(at)}).to.eql({encode_ascii_json(value)}));"


def _member(at: Path) -> str:
    return "pm.response.json()" + "".join(f"[{encode_ascii_json(step)}]" for step in at)
