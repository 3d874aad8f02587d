"""The contract as a Postman collection: complete, and run by Postman's own runner against a real server."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mockserver import Contract, load
from mockserver.export.postman import SCHEMA, document
from tests.support import folder, run, serving
from tests.support.node_packages import installed, tried
from tests.support.shelf import SHELF


@pytest.fixture(scope="module")
def exported(contract: Contract) -> dict[str, Any]:
    return document(contract, contract.settings, "http://127.0.0.1:8080")


def requests(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The items that are requests, in the order in which they are run."""
    for item in items:
        yield from requests(item["item"]) if "item" in item else [item]


def test_each_outcome_is_one_request_of_the_collection(exported: dict[str, Any], contract: Contract) -> None:
    """In the folders documented and assumed, with the answer as an example."""
    assert exported["info"]["schema"] == SCHEMA
    named = {f["name"]: [item["name"] for item in f["item"]] for f in exported["item"]}
    assert named == {
        source: [s.id for s in contract.scenarios if s.provenance == source] for source in ("documented", "assumed")
    }
    items = {item["name"]: item for item in requests(exported["item"])}
    item = items["rfc-invalid"]
    assert item["request"]["url"]["raw"].startswith("{{baseUrl}}/debit/")
    assert json.loads(item["request"]["body"]["raw"])["customer_id"] == "TEST-RFC-INVALID"
    assert item["request"]["description"].startswith("Invalid RFC")
    assert "Advice of this mock, not of the documents: The customer's RFC" in item["request"]["description"]
    assert json.loads(item["response"][0]["body"])["error"]["code"] == 7000
    script = "\n".join(item["event"][1]["script"]["exec"])
    assert "pm.response.to.have.status(400)" in script
    assert 'pm.response.json()["error"]).to.eql({"code":7000,"text":"Server error",' in script
    assert "timestamp" not in script
    assert not any(h["key"] == "Mock-Scenario" for i in items.values() for h in i["request"]["header"])


def test_requests_before_an_outcome_are_in_its_folder(tmp_path: Path) -> None:
    """An outcome without an example is forced by name."""
    overlay = """\
format: 1
operation: activateCardForCustomer
scenarios:
- scenario: ours
  assumed: []
  when: {body.customer_id: nobody-at-all}
  respond: {error: {code: 1}}
  fault: reset
- scenario: card-already-activated
  documented: Card already activated.
  when: {card.status: activated}
  respond: {error: {code: 4433}}
  examples:
  - before: [{customer_id: "1", card_identifier: C, reference_batch: 7e4b85e27c4610824900af48f340394d}]
    request: {customer_id: "1", card_identifier: C, reference_batch: 7e4b85e27c4610824900af48f340394d}
"""
    loaded = load(overlays=[folder(tmp_path, {"ours.yaml": overlay})])
    found = document(loaded, loaded.settings, "http://mock/")
    assert found["variable"][0] == {"key": "baseUrl", "value": "http://mock"}
    (again,) = [i for f in found["item"] for i in f["item"] if i["name"] == "card-already-activated"]
    assert [item["name"] for item in again["item"]] == ["card-already-activated, before: 1", "card-already-activated"]
    assert [event["listen"] for item in again["item"] for event in item["event"]] == ["prerequest", "test"]
    (ours,) = [item for item in requests(found["item"]) if item["name"] == "ours"]
    assert {"key": "Mock-Scenario", "value": "ours"} in ours["request"]["header"]
    assert ours["event"][1]["script"]["exec"] == []


def test_several_operations_have_a_folder_each(tmp_path: Path) -> None:
    """With paths, queries and headers filled in, and nothing in the way of a body where there is none."""
    loaded = load(folder(tmp_path, SHELF))
    found = document(loaded, loaded.settings, "http://mock")
    assert [f["name"] for f in found["item"]] == ["findBook", "putBook"]
    items = {item["name"]: item["request"] for item in requests(found["item"])}
    assert items["bad-order"]["url"] == {
        "raw": "{{baseUrl}}/shelves/a/books/1?by=Eco&order=up&strange=x",
        "host": ["{{baseUrl}}"],
        "path": ["shelves", "a", "books", "1"],
        "query": [{"key": "by", "value": "Eco"}, {"key": "order", "value": "up"}, {"key": "strange", "value": "x"}],
    }
    assert {h["key"]: h["value"] for h in items["bad-order"]["header"]} == {
        "X-Shop": "any",
        "Accept": "any",
        "X-One": "two",
        "Mock-Sandbox": "{{sandbox}}",
    }
    assert "body" not in items["bad-order"]


async def test_the_admin_api_exports_the_contract(
    exported: dict[str, Any], url: str, client: aiohttp.ClientSession
) -> None:
    """With the server's settings and address; a misspelt parameter is refused."""
    async with client.get(f"{url}/__admin/export/postman") as response:
        shown = await response.json()
    assert shown["variable"][0]["value"] == url
    assert shown["item"] == exported["item"] == json.loads(run("export", "postman").stdout)["item"]


def test_newman_runs_the_collection(tmp_path: Path) -> None:
    """Every test passes, twice; against another server they fail."""
    newman = installed(tmp_path, "newman@6.2.2") / "newman"
    with serving() as server, serving("--error-status", "418") as other:
        written = run("export", "postman", "--base-url", server.url, "--output", str(tmp_path / "collection.json"))
        assert written.returncode == 0, written.stderr
        report = ["--reporters", "json", "--reporter-json-export", "report.json"]
        ran = tried(tmp_path, newman, "run", "collection.json", "--iteration-count", "2", *report)
        stats = json.loads((tmp_path / "report.json").read_bytes())["run"]
        assert ran.returncode == 0, [failure["error"]["message"] for failure in stats["failures"]]
        elsewhere = ["--env-var", f"baseUrl={other.url}"]
        assert tried(tmp_path, newman, "run", "collection.json", *elsewhere, *report).returncode == 1
        failures = json.loads((tmp_path / "report.json").read_bytes())["run"]["failures"]
    assert stats["stats"]["requests"] == {"total": 44, "pending": 0, "failed": 0}
    assert stats["stats"]["assertions"]["total"] >= 44 * 4
    assert {failure["error"]["test"] for failure in failures} == {"status 400"}
