"""The contract as a Postman collection (v2.1): one request an outcome, with the tests that its answer has to pass.

Knows a contract, its outcomes and the format of collections; it knows no route and no file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from mockserver.core.contract import Contract
from mockserver.core.model import Path, Request, Settings
from mockserver.core.values import read, write_ascii
from mockserver.export.outcomes import Outcome, outcomes
from mockserver.version import __version__

SCHEMA: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

_FRESH: Final = 'pm.collectionVariables.set("sandbox", "postman-" + pm.variables.replaceIn("{{$guid}}"));'
"""Each outcome is met in a sandbox of its own, so that a collection can be run in any order and again."""


def document(contract: Contract, settings: Settings, url: str) -> dict[str, Any]:
    """The collection of a contract that is served at `url`, which names no sandbox, with these settings."""
    found = [*outcomes(contract, settings)]
    names = [operation.id for operation in contract.operations]
    folders = {name: [*_folders([o for o in found if o.operation.id == name], settings)] for name in names}
    several = [{"name": name, "item": items} for name, items in folders.items()]
    return {
        "info": {
            "name": ", ".join(names),
            "description": f"Derived from contract {contract.hash} by mockserver {__version__}. One request an "
            "outcome, each in a sandbox of its own. baseUrl is the server's address, without a sandbox.",
            "schema": SCHEMA,
        },
        "item": several if len(several) > 1 else folders[names[0]],
        "variable": [{"key": "baseUrl", "value": url.rstrip("/")}, {"key": "sandbox", "value": "postman"}],
    }


def _folders(found: Sequence[Outcome], settings: Settings) -> Iterator[dict[str, Any]]:
    for source in ("documented", "assumed"):
        items = [_item(outcome, settings) for outcome in found if outcome.scenario.source == source]
        if items:
            yield {"name": source, "item": items}


def _item(outcome: Outcome, settings: Settings) -> dict[str, Any]:
    """The request of an outcome, in a folder with those that are to be sent first."""
    name, *before, last = outcome.scenario.id, *(_request(request, settings) for request in outcome.requests)
    fresh = {"listen": "prerequest", "script": {"type": "text/javascript", "exec": [_FRESH]}}
    tests = {"listen": "test", "script": {"type": "text/javascript", "exec": [*_tests(outcome, settings)]}}
    met = {
        "name": name,
        "event": [tests] if before else [fresh, tests],
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
        return met
    first = [{"name": f"{name}, before: {n}", "request": request} for n, request in enumerate(before, 1)]
    return {"name": name, "item": [{**first[0], "event": [fresh]}, *first[1:], met]}


def _request(request: Request, settings: Settings) -> dict[str, Any]:
    headers = {name: value for name, value in request.headers.items() if request.body or name != "content-type"}
    demanded = {name.lower(): "any" for name in settings.require_headers}
    path = [quote(part, safe="") for part in request.path.removeprefix("/").split("/")]
    query = f"?{urlencode(request.query)}" if request.query else ""
    shown: dict[str, Any] = {
        "method": request.method,
        "header": [
            *({"key": name.title(), "value": value} for name, value in (demanded | headers).items()),
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
        text = _text(read(request.body, 1_000))
        shown["body"] = {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}
    return shown


def _description(outcome: Outcome) -> str:
    scenario = outcome.scenario
    lines = [outcome.title, f"Source: {scenario.source}.", f"Met by: {outcome.how}." if outcome.example else ""]
    return "\n\n".join([*filter(None, lines), *([scenario.note] if scenario.note else [])])


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _tests(outcome: Outcome, settings: Settings) -> Iterator[str]:
    """The script that checks an answer: status, scenario, and all of the body that is always the same."""
    if outcome.reply.fault is not None:
        return
    name, status = write_ascii(outcome.scenario.id), outcome.reply.status
    yield f'pm.test("status {status}", () => pm.response.to.have.status({status}));'
    if settings.mock_headers:
        yield f'pm.test("scenario", () => pm.expect(pm.response.headers.get("Mock-Scenario")).to.eql({name}));'
    for at, value in outcome.steady:
        where = write_ascii("/".join(("body", *map(str, at))))
        yield f"pm.test({where}, () => pm.expect({_member(at)}).to.eql({write_ascii(value)}));"


def _member(at: Path) -> str:
    return "pm.response.json()" + "".join(f"[{write_ascii(step)}]" for step in at)
