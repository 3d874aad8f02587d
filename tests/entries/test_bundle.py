"""Bundles: one request in one file, from which its decision can be made again, or told that it cannot."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict

from mockserver import Contract, Engine, Request, load
from mockserver.core.problems import no_room
from mockserver.engine.engine import run_sync
from mockserver.engine.linter import example_requests
from mockserver.entries.bundle import BundleError, bundle, replay
from tests.support import LASTING, ONCE, PATH, journal, problem


def bundled(engine: Engine, number: int) -> Any:
    """The bundle of an entry, as a file holds it."""
    entry = run_sync(engine.storage.entry(str(number)))
    assert entry is not None
    return json.loads(json.dumps(bundle(entry.data)))


def test_each_example_replays_from_its_bundle(contract: Contract) -> None:
    """Also after requests that changed state, and with masked secrets."""
    count = 0
    for operation in contract.operations:
        for scenario in operation.scenarios:
            for example in scenario.examples:
                engine = Engine(contract)
                for request in example_requests(operation, example):
                    engine.handle_sync(request)
                    count += 1
                replayed = replay(bundled(engine, len(journal(engine))), contract)
                assert (replayed.differences, replayed.same_contract) == ((), True), scenario.id
                assert replayed.scenario == scenario.id
    assert count > 20


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"", b"[1]", b'{"pin": "4821"', json.dumps(ONCE).encode()])
@pytest.mark.parametrize("headers", [{}, {"mock-scenario": "rfc-invalid"}])
def test_any_body_replays(contract: Contract, body: bytes, headers: dict[str, str]) -> None:
    """Also one that is not JSON or not UTF-8, and a forced answer."""
    engine = Engine(contract)
    engine.handle_sync(Request("POST", PATH, body, headers))
    given = bundled(engine, 1)
    assert replay(given, contract).differences == ()
    assert given["entry"]["decision"]["scenario"].get("forced", False) is bool(headers)


def test_a_repeated_header_has_its_first_value_in_a_bundle(tmp_path: Path) -> None:
    """The value that decided; the journal shows all."""
    kind = "{scenario: kind, assumed: [balance], when: {header.x-kind: first}, respond: {error: {code: 1}}}"
    text = f"format: 1\noperation: activateCardForCustomer\nscenarios: [{kind}]\n"
    (tmp_path / "kind.yaml").write_text(text, encoding="utf-8")
    engine = Engine(load(overlays=[tmp_path]))
    headers = CIMultiDict([("x-kind", "first"), ("x-kind", "second")])
    engine.handle_sync(Request("POST", PATH, json.dumps(ONCE).encode(), headers))
    given = bundled(engine, 1)
    assert given["entry"]["decision"]["scenario"]["scenario"] == "kind"
    assert replay(given, engine.contract).differences == ()
    (entry,) = journal(engine)
    assert entry.request.headers == (("x-kind", "first"), ("x-kind", "second"))


def test_an_account_number_as_key_replays(contract: Contract) -> None:
    """It is masked in request and records alike."""
    engine = Engine(contract)
    for _ in range(2):
        engine.handle_sync(Request("POST", PATH, json.dumps({**ONCE, "card_identifier": "4111111111111111"}).encode()))
    given = bundled(engine, 2)
    assert "4111111111111111" not in json.dumps(given)
    assert given["entry"]["decision"]["scenario"]["scenario"] == "card-already-activated"
    assert replay(given, contract).differences == ()


def test_a_bad_bundle_is_refused(contract: Contract) -> None:
    """Each mistake has its own message."""
    engine = Engine(contract)
    engine.handle_sync(Request("POST", PATH, json.dumps(LASTING).encode(), {"mock-scenario": "rfc-invalid"}))
    given = bundled(engine, 1)
    entry, decision = given["entry"], given["entry"]["decision"]
    scenario = decision["scenario"]

    def changed(**members: object) -> dict[str, Any]:
        return {**given, "entry": {**entry, "decision": {**decision, "scenario": {**scenario, **members}}}}

    def with_settings(**members: object) -> dict[str, Any]:
        settings = {**decision["settings"], **members}
        return {**given, "entry": {**entry, "decision": {**decision, "settings": settings}}}

    where = "as GET /__admin/requests/ID/bundle of this version gives it"
    for wrong, words in [
        ([], f"^expected a bundle with format: 3, {where}, got something else$"),
        ({**given, "format": 2}, f"^expected a bundle with format: 3, {where}, got format: 2$"),
        ({"format": 3}, "not whole: entry: expected an object, got null"),
        (changed(operation="x"), "no operation x"),
        ({**given, "entry": {k: v for k, v in entry.items() if k != "time"}}, "not whole: entry.time: is "),
        ({**given, "entry": {**entry, "request": None}}, "not whole: entry.request: expected an object, got null"),
        ({**given, "entry": {**entry, "contract": "\ud800"}}, "not whole: "),
        ({**given, "entry": {**entry, "time": "x"}}, "not whole: entry.time: "),
        ({**given, "entry": {**entry, "time": "2025-02-30T00:00:00.000000000Z"}}, "not whole: expected an instant of"),
        (with_settings(vary="7:ordr"), "not whole: expected kinds of variation, .* Did you mean order"),
        (with_settings(utc_offset="x"), "not whole: entry.decision.settings.utc_offset: "),
        ({**given, "entry": {**entry, "reply": {**entry["reply"], "body": {"encoding": "x"}}}}, "entry.reply.body"),
        ({**given, "entry": {k: v for k, v in entry.items() if k != "decision"}}, "not whole: entry: expected exactly"),
        (changed(scenario="gone"), "no scenario gone"),
    ]:
        with pytest.raises(BundleError, match=words):
            replay(wrong, contract)


def test_a_refused_request_cannot_be_replayed(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it was refused then or would be now."""
    engine = Engine(contract)
    engine.handle_sync(Request("POST", "/nothing", b"{}"))
    with pytest.raises(BundleError, match=r"a decision of the mock \(unknown-path\)"):
        replay(bundled(engine, 1), contract)
    engine.handle_sync(Request("POST", PATH, b"{}"))
    monkeypatch.setattr("mockserver.entries.bundle.decide", lambda *_: no_room("max_records", 7))
    with pytest.raises(BundleError, match=r"the mock refuses the request now: .*7"):
        replay(bundled(engine, 2), contract)


async def test_a_problem_has_no_bundle(url: str, client: aiohttp.ClientSession) -> None:
    """There was no decision."""
    async with client.post(url + "/nothing"):
        pass
    async with client.get(f"{url}/__admin/requests/1/bundle") as response:
        assert (response.status, problem(await response.read())["type"]) == (409, "urn:mockserver:problem:no-decision")
