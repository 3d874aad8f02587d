"""The contract as OpenAPI: valid, complete, and every example is what it claims to be."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from mockserver import Contract, Engine, load
from mockserver.admin.routes import endpoints
from mockserver.core.model import Settings
from mockserver.decision.rendering import MOCK_HEADERS
from mockserver.export.openapi import MALFORMED_EXAMPLES_KEY, ascii_pattern, document, make_portable
from mockserver.export.outcomes import outcomes
from mockserver.server.server import serving
from tests.support import PATH, folder, problem, run
from tests.support.shelf import SHELF

JSON: Final = "application/json"


@pytest.fixture(scope="module")
def exported(contract: Contract) -> dict[str, Any]:
    return document(contract, contract.settings)


@pytest.fixture
def shelf(tmp_path: Path) -> dict[str, Any]:
    loaded = load(folder(tmp_path, SHELF))
    return document(loaded, loaded.settings, "http://mock:1/")


def examples(part: Any, at: str = "#") -> Iterator[tuple[str, str, Any, Mapping[str, Any]]]:
    """Every example beside a schema: whether it claims to fit, its name, the example, the schema."""
    for name, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        yield from examples(value, f"{at}/{name}")
    if isinstance(part, dict) and "schema" in part and isinstance(part.get("examples", {}), dict):
        for claim in ("examples", MALFORMED_EXAMPLES_KEY):
            for name, example in part.get(claim, {}).items():
                yield claim, name, example, part["schema"]


def fits(whole: Mapping[str, Any], schema: Mapping[str, Any], value: Any) -> bool:
    registry: Registry[Any] = Registry().with_resource("urn:whole", DRAFT202012.create_resource(dict(whole)))
    schema = json.loads(json.dumps(schema).replace('"#/', '"urn:whole#/'))
    return Draft202012Validator(schema, registry=registry).is_valid(value)


def only(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The one operation of the shipped contract."""
    shown: dict[str, Any] = whole["paths"][PATH]["post"]
    return shown


def test_the_export_is_valid_openapi_with_all_statuses(exported: dict[str, Any]) -> None:
    """It marks secrets and describes problems."""
    OpenAPIV31SpecValidator(exported).validate()
    responses = only(exported)["responses"]
    assert set(responses) == {"200", "400", "401", "default"}
    assert responses["400"]["description"] == "error: 3 assumed and 14 documented"
    assert set(responses["400"]["content"]) == {JSON, "application/problem+json"}
    assert set(responses["200"]["headers"]) == set(MOCK_HEADERS)
    request = exported["components"]["schemas"]["activate-card-for-customer.request"]
    assert request["properties"]["pin"]["writeOnly"] is True
    assert request["else"]["properties"]["customer"]["$ref"] == (
        "#/components/schemas/activate-card-for-customer.request/$defs/customer"
    )
    assert "error-status" in exported["x-assumptions"]


def test_each_outcome_has_a_request_and_an_answer_example(exported: dict[str, Any], contract: Contract) -> None:
    """By its id, with heading and note; malformed ones stand apart."""
    content = only(exported)["requestBody"]["content"][JSON]
    answers = {
        name: answer
        for response in only(exported)["responses"].values()
        for name, answer in response.get("content", {}).get(JSON, {}).get("examples", {}).items()
    }
    assert (
        {*content["examples"], *content[MALFORMED_EXAMPLES_KEY]} == {s.id for s in contract.scenarios} == set(answers)
    )
    assert {"malformed", "pin-not-four", "first-name-empty"} <= set(content[MALFORMED_EXAMPLES_KEY])
    assert answers["last-name-empty"]["summary"] == "Lastname."
    assert answers["last-name-empty"]["description"].startswith("The document gives the hint of the FIRST name")
    assert "\n\nAdvice of this mock, not of the documents: The last name" in answers["last-name-empty"]["description"]
    assert answers["last-name-empty"]["x-advice"].keys() == {"en", "es"}
    assert answers["provider-communication"]["x-retry"] == "safe"
    assert answers["rfc-invalid"]["x-source"] == "documented"
    assert "rfc" in answers["rfc-invalid"]["x-assumed"]
    assert answers["rfc-invalid"]["x-trigger"] == "body.customer_id TEST-RFC-INVALID"
    assert answers["activated-existing-customer"]["value"]["timestamp"] == "2024-11-15T14:32:18.123Z"
    scenario = next(p for p in only(exported)["parameters"] if p.get("name") == "Mock-Scenario")
    names = scenario["schema"]["enum"]
    assert [name for name in names if "=" not in name] == [s.id for s in contract.scenarios]
    assert {"code=4433", "code=5001", "code=7000"} <= {*names}
    assert "code=4400" not in names  # which several have


def test_examples_fit_their_schema(exported: dict[str, Any], shelf: dict[str, Any]) -> None:
    """Those that stand apart break it."""
    checked = [
        (claim, name, fits(whole, schema, example["value"]))
        for whole in (exported, shelf)
        for claim, name, example, schema in examples(whole["paths"])
    ]
    assert len(checked) == 22 * 2 + 16
    assert [one for one in checked if one[2] != (one[0] == "examples")] == []


async def test_each_request_example_meets_its_outcome(
    exported: dict[str, Any], url: str, client: aiohttp.ClientSession
) -> None:
    """Sent to a real server, each in a sandbox of its own."""
    content = only(exported)["requestBody"]["content"][JSON]
    for name, example in {**content["examples"], **content[MALFORMED_EXAMPLES_KEY]}.items():
        for body in (*example.get("x-before", ()), example["value"]):
            async with client.post(url + PATH, json=body, headers={"Mock-Sandbox": name}) as response:
                met = response.headers["Mock-Scenario"]
        assert met == name


def test_paths_queries_headers_and_references_are_exported(shelf: dict[str, Any]) -> None:
    """Several operations, schema files, odd names, and no envelope schema."""
    OpenAPIV31SpecValidator(shelf).validate()
    (item,) = shelf["paths"].values()
    assert set(item) == {"get", "put"}
    assert [server["url"] for server in shelf["servers"]] == ["http://mock:1/", "http://mock:1/sandbox/{sandbox}"]
    parameters = {p["name"]: p for p in item["get"]["parameters"] if "name" in p}
    assert list(parameters) == ["shelf", "n", "by", "order", "a/b ~", "X-Shop", "Mock-Scenario"]
    assert parameters["shelf"]["schema"] == {"$ref": "#/components/schemas/path/properties/shelf"}
    assert parameters["n"]["schema"] == {"type": "string"}
    assert parameters["a/b ~"]["schema"] == {"$ref": "#/components/schemas/query/properties/a~1b%20~0"}
    assert {name for name, p in parameters.items() if p["required"]} == {"shelf", "n", "by", "X-Shop"}
    assert set(parameters["shelf"]["examples"]) == {"bad-order", "found"}
    assert set(parameters["shelf"][MALFORMED_EXAMPLES_KEY]) == {"bad-shelf"}
    assert parameters["order"][MALFORMED_EXAMPLES_KEY]["bad-order"]["x-headers"] == {"x-one": "two"}
    schemas = shelf["components"]["schemas"]
    assert schemas["query"]["properties"]["order"] == {"$ref": "#/components/schemas/words/$defs/order"}
    assert schemas["words"] == {"$defs": {"order": {"description": "How.", "enum": ["asc", "desc"]}}}
    assert schemas["book--1-"]["properties"]["near"] == {"$ref": "#/components/schemas/book--1-"}
    assert (schemas["book--1--2"], schemas["Problem-2"], "$id" in schemas["path"]) == (True, {}, False)
    responses = item["get"]["responses"]
    assert responses["422"]["content"][JSON]["schema"] == {}
    assert responses["422"]["content"][JSON]["examples"]["never"]["value"] == {"why": "never"}
    assert "requestBody" not in item["get"]
    assert item["put"]["requestBody"]["content"][JSON]["schema"] == {"$ref": "#/components/schemas/book--1-"}


def test_each_mock_header_is_described(contract: Contract) -> None:
    """In the exports and in the README."""
    seen = {name for o in outcomes(contract, contract.settings) for name, _ in o.reply.all_headers}
    assert {name for name in seen if name.startswith("Mock-")} <= set(MOCK_HEADERS)


async def test_the_admin_api_exports_the_contract(contract: Contract, client: aiohttp.ClientSession) -> None:
    """With the server's settings and address; a misspelt parameter is refused."""
    engine = Engine(
        contract,
        settings=Settings(error_status=409, mock_headers=False, max_body=1, max_records=0, require_sandbox=True),
        admin_endpoints=endpoints,
    )
    async with serving(engine) as url:
        async with client.get(f"{url}/__admin/export/openapi") as response:
            assert response.content_type == JSON
            shown = await response.json()
        async with client.get(f"{url}/__admin/export/openap") as response:
            assert response.status == 404
            assert problem(await response.read())["did_you_mean"] == ["openapi"]
    OpenAPIV31SpecValidator(shown).validate()
    assert set(only(shown)["responses"]) == {"200", "401", "409", "default"}
    assert "headers" not in only(shown)["responses"]["200"]
    assert shown["servers"][0]["url"] == url


def test_export_writes_to_a_file_or_standard_output(exported: dict[str, Any], tmp_path: Path) -> None:
    """A file that cannot be written is one line."""
    assert json.loads(run("export", "openapi", "--base-url", "/").stdout) == exported
    assert run("export", "openapi", "--base-url", "/", "--output", str(tmp_path / "api.json")).stdout == ""
    assert json.loads((tmp_path / "api.json").read_bytes()) == exported
    failed = run("export", "openapi", "--output", str(tmp_path / "none" / "api.json"))
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"mockserver: cannot write {tmp_path}")
    assert failed.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^[0-9]{4}$", "^[0-9]{4}$"),
        ("[\u1680\u00d1]", r"[\u1680\u00d1]"),
        ("\\\u00d1", r"\u00d1"),
        ("\\\\\u00d1", r"\\\u00d1"),
        ("a\\\\b\n", "a\\\\b\n"),
        ("[\U0001f600]", "[\U0001f600]"),
    ],
)
def test_a_pattern_is_exported_in_ascii(pattern: str, expected: str) -> None:
    """With the same meaning: an escape that is none goes, and a backslash stays one."""
    assert ascii_pattern(pattern) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {"if": {"type": ["string", "number", "boolean", "object", "array"], "pattern": "\u1680"}},
            {"if": {"not": {"type": "null"}, "pattern": r"\u1680"}},
        ),
        ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
        (
            {"type": ["null", "boolean", "object", "array", "integer", "string"]},
            {"type": ["null", "boolean", "object", "array", "integer", "string"]},
        ),
        (
            {"patternProperties": {"^\u00f1": {"patternProperties": {"\u1680": True}}, "x": {}}},
            {"patternProperties": {r"^\u00f1": {"patternProperties": {r"\u1680": True}}, "x": {}}},
        ),
        ({"properties": {"pattern": {"type": "string"}}}, {"properties": {"pattern": {"type": "string"}}}),
        ({"const": {"pattern": "\u1680"}}, {"const": {"pattern": "\u1680"}}),
    ],
)
def test_a_schema_is_exported_for_many_tools(schema: Any, expected: Any) -> None:
    """It stays the same schema; values are left alone."""
    make_portable(schema)
    assert schema == expected


def test_a_reference_below_a_pattern_of_names_is_exported(tmp_path: Path) -> None:
    """It leads to the pattern as it is exported."""
    schema = {
        "patternProperties": {"^\u00f1": {"type": "integer"}},
        "properties": {"a": {"$ref": "#/patternProperties/^\u00f1"}},
    }
    loaded = load(folder(tmp_path, {**SHELF, "extra.json": json.dumps(schema)}))
    exported = document(loaded, loaded.settings)["components"]["schemas"]["extra"]
    assert exported["patternProperties"] == {r"^\u00f1": {"type": "integer"}}
    assert exported["properties"]["a"]["$ref"] == "#/components/schemas/extra/patternProperties/%5E%5Cu00f1"


def test_no_pattern_of_the_contract_needs_more_than_ascii(exported: dict[str, Any]) -> None:
    """And no list of types stands where `not` says it."""
    text = json.dumps(exported["components"]["schemas"], ensure_ascii=False)
    patterns = re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', text)
    assert patterns
    assert all(pattern.isascii() for pattern in patterns)
    assert '"not": {"type": "null"}' in text


async def test_the_mock_parameters_can_be_left_out(url: str, client: aiohttp.ClientSession, contract: Contract) -> None:
    """By the admin API and the command; the other formats have none."""
    async with client.get(f"{url}/__admin/export/openapi?mock_parameters=false") as response:
        served = await response.json(content_type=None)
    printed = json.loads(run("export", "openapi", "--no-mock-parameters").stdout)
    plain = document(contract, contract.settings, mock_parameters=False)
    OpenAPIV31SpecValidator(plain).validate()
    for one in (served, printed, plain):
        (operation,) = next(iter(one["paths"].values())).values()
        assert not [p for p in operation["parameters"] if str(p.get("name", p.get("$ref"))).count("Mock-")]
        assert one["components"]["parameters"] == {}
    for query in ("openapi?mock_parameters=no", "postman?mock_parameters=false"):
        async with client.get(f"{url}/__admin/export/{query}") as response:
            assert response.status == 400
    assert run("export", "postman", "--no-mock-parameters").returncode == 2
