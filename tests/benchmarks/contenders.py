"""Who is measured: the mock, its peers and the limits, each given the same job and so many rules before the default.

The job: answer `R-0`, `R-1`, ... by a rule of their own and every other customer by default, with a fresh timestamp and
the customer echoed. Knows how each is configured and started; it measures nothing.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from measuring import HERE, PATH

RULES: Final = 16


@dataclass(frozen=True)
class Contender:
    """How one is started: `command` is given a folder of its own for files, a port and the number of rules.

    `echo`: it echoes the customer, so that its answers can be checked. `warm`: seconds before it is at its best.
    """

    version: str
    command: Callable[[Path, int, int], list[str]]
    echo: bool = True
    warm: int = 1


def contenders(cache: Path | None) -> dict[str, Contender]:
    """All by name; `cache` is where `run.sh` put the peers, without which there are only the mock's own."""
    found = {
        "mock": Contender(version("activation-mockserver"), _mock()),
        "mock, --log-format none": Contender(version("activation-mockserver"), _mock("--log-format", "none")),
        "mock, no log, no journal": Contender(
            version("activation-mockserver"), _mock("--log-format", "none", "--overlay", str(HERE / "no-journal"))
        ),
    }
    if cache is None:
        return found
    compiled = cache / "compiled" / "bin" / "python"
    if compiled.exists():
        library = _of_python(cache, "activation_mockserver", "compiled")
        found["mock, compiled"] = Contender(library, _mock(python=str(compiled)))
        found["mock, compiled, --log-format none"] = Contender(
            library, _mock("--log-format", "none", python=str(compiled))
        )
    python = str(cache / "peers" / "bin" / "python")
    aiohttp = f"aiohttp {_of_python(cache, 'aiohttp')}"
    found["aiohttp, constant, body not read"] = Contender(aiohttp, _script(python, "constant.py"), echo=False)
    found["aiohttp, constant, body read"] = Contender(aiohttp, _script(python, "constant.py", "read"), echo=False)
    found["hand-made minimum"] = Contender(aiohttp, _script(python, "minimum.py"))
    found["hand-made minimum, uvloop"] = Contender(aiohttp, _script(python, "minimum.py", "uvloop"))
    library = _of_python(cache, "pytest_httpserver")
    found["pytest-httpserver"] = Contender(library, _script(python, "httpserver.py"))
    modules = cache / "node_modules"
    if modules.is_dir():
        wiremock = _of_node(modules, "wiremock")
        found["WireMock"] = Contender(wiremock, _wiremock(modules), warm=5)
        found["WireMock, no request journal"] = Contender(wiremock, _wiremock(modules, "--no-request-journal"), warm=5)
        found["Mountebank"] = Contender(_of_node(modules, "@mbtest/mountebank"), _mountebank(modules), warm=2)
        found["Prism (static)"] = Contender(
            _of_node(modules, "@stoplight/prism-cli"), _prism(modules), echo=False, warm=2
        )
        found["Specmatic"] = Contender(_of_node(modules, "specmatic"), _specmatic(modules), warm=5)
        found["Mockoon"] = Contender(_of_node(modules, "@mockoon/cli"), _mockoon(modules), warm=2)
    return found


def _of_python(cache: Path, name: str, where: str = "peers") -> str:
    found = next((cache / where / "lib").glob(f"python*/site-packages/{name}-*.dist-info"))
    return found.name.removesuffix(".dist-info").rpartition("-")[2]


def _of_node(modules: Path, name: str) -> str:
    return str(json.loads((modules / name / "package.json").read_text(encoding="utf-8"))["version"])


# -- the mock and the limits --------------------------------------------------------------------------------


def _mock(*options: str, python: str = sys.executable) -> Callable[[Path, int, int], list[str]]:
    def command(at: Path, port: int, rules: int) -> list[str]:
        started = [python, "-m", "mockserver", "--port", str(port), *options]
        return started if rules == RULES else [*started, "--overlay", str(with_scenarios(at, rules))]

    return command


def with_scenarios(at: Path, count: int) -> Path:
    """An overlay of so many scenarios that are tried before the contract's own, one for each of `R-0`, `R-1`, ..."""
    scenarios = "".join(
        f"- scenario: rule-{number}\n"
        f"  documented: A rule.\n"
        f"  when: {{body.customer_id: R-{number}}}\n"
        f'  respond: {{success: {{card_id: card_{number}, customer_id: "R-{number}", status: activated}}}}\n'
        for number in range(count)
    )
    at.mkdir(parents=True, exist_ok=True)
    text = f"format: 1\noperation: activateCardForCustomer\nscenarios:\n{scenarios}"
    (at / "rules.yaml").write_text(text, encoding="utf-8")
    return at


def _script(python: str, name: str, *options: str) -> Callable[[Path, int, int], list[str]]:
    return lambda _, port, rules: [python, str(HERE / name), str(port), str(rules), *options]


# -- peers --------------------------------------------------------------------------------------------------


def _body(timestamp: str, customer: str, card: str = "card_987654321") -> dict[str, Any]:
    payload = {"card_id": card, "customer_id": customer, "status": "activated"}
    return {"text": "Success", "timestamp": timestamp, "endpoint": PATH[1:], "error": {}, "payload": payload}


def _written(at: Path, name: str, data: Mapping[str, Any]) -> str:
    at.mkdir(parents=True, exist_ok=True)
    (at / name).write_text(json.dumps(data), encoding="utf-8")
    return str(at / name)


def _wiremock(modules: Path, *options: str) -> Callable[[Path, int, int], list[str]]:
    def command(at: Path, port: int, rules: int) -> list[str]:
        answer = _body("{{now}}", "{{jsonPath request.body '$.customer_id'}}")
        response = {
            "status": 200,
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps(answer),
            "transformers": ["response-template"],
        }
        request = {"method": "POST", "urlPath": PATH}
        mappings: list[dict[str, Any]] = [
            {
                "priority": 1,
                "request": {
                    **request,
                    "bodyPatterns": [{"matchesJsonPath": {"expression": "$.customer_id", "equalTo": f"R-{number}"}}],
                },
                "response": response,
            }
            for number in range(rules)
        ]
        mappings.append({"priority": 5, "request": request, "response": response})
        _written(at / "mappings", "all.json", {"mappings": mappings})
        jar = next((modules / "wiremock" / "build").glob("*.jar"))
        return ["java", "-jar", str(jar), "--port", str(port), "--root-dir", str(at), "--disable-banner", *options]

    return command


def _mountebank(modules: Path) -> Callable[[Path, int, int], list[str]]:
    def command(at: Path, port: int, rules: int) -> list[str]:
        source = (
            "function (config) { return { statusCode: 200, headers: { 'Content-Type': 'application/json' }, body: { "
            f"text: 'Success', timestamp: new Date().toISOString(), endpoint: '{PATH[1:]}', error: {{}}, payload: {{ "
            "card_id: 'card_987654321', customer_id: JSON.parse(config.request.body).customer_id, status: 'activated' } } }; }"
        )
        responses = [{"inject": source}]
        stubs: list[dict[str, Any]] = [
            {
                "predicates": [
                    {"equals": {"method": "POST", "path": PATH}},
                    {"equals": {"body": {"customer_id": f"R-{number}"}}},
                ],
                "responses": responses,
            }
            for number in range(rules)
        ]
        stubs.append({"predicates": [{"equals": {"method": "POST", "path": PATH}}], "responses": responses})
        imposter = {"port": port, "protocol": "http", "stubs": stubs}
        file = _written(at, "imposters.json", {"imposters": [imposter]})
        program = str(modules / "@mbtest" / "mountebank" / "bin" / "mb")
        own = ["--port", str(port + 1), "--pidfile", str(at / "mb.pid"), "--nologfile", "--host", "127.0.0.1"]
        return ["node", program, "start", "--configfile", file, "--allowInjection", *own]

    return command


def _prism(modules: Path) -> Callable[[Path, int, int], list[str]]:
    def command(at: Path, port: int, _: int) -> list[str]:
        schema = HERE.parents[1] / "schemas" / "activate-card-for-customer.request.schema.json"
        told = json.loads(schema.read_text(encoding="utf-8"))
        rest = {name: member for name, member in told.items() if name not in ("$schema", "$defs", "if", "else")}
        example = _body("2024-11-15T14:32:18.123Z", "12345678")
        answers = {"200": {"description": "Success.", "content": {"application/json": {"example": example}}}}
        content = {"required": True, "content": {"application/json": {"schema": rest}}}
        document = {
            "openapi": "3.1.0",
            "info": {"title": "static", "version": "1"},
            "paths": {PATH: {"post": {"requestBody": content, "responses": answers}}},
        }
        file = _written(at, "api.json", document)
        return ["node", str(modules / "@stoplight" / "prism-cli" / "dist" / "index.js"), "mock", "-p", str(port), file]

    return command


def _specmatic(modules: Path) -> Callable[[Path, int, int], list[str]]:
    """Its examples can make a timestamp, but the same for all answers."""

    def command(at: Path, port: int, rules: int) -> list[str]:
        text = {"type": "string"}
        members = ("customer_id", "card_identifier", "reference_batch")
        asked = {"type": "object", "required": members[1:], "properties": dict.fromkeys(members, text)}
        payload = {"type": "object", "properties": dict.fromkeys(("card_id", "customer_id", "status"), text)}
        told = {
            "text": text,
            "timestamp": {"type": "string", "format": "date-time"},
            "endpoint": text,
            "error": {"type": "object"},
            "payload": payload,
        }
        content = {"application/json": {"schema": {"type": "object", "properties": told}}}
        operation = {
            "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
            "responses": {"200": {"description": "Success.", "content": content}},
        }
        document = {"openapi": "3.0.3", "info": {"title": "job", "version": "1"}, "paths": {PATH: {"post": operation}}}
        names = [(f"R-{number}", f"R-{number}") for number in range(rules)] + [("(CUSTOMER:string)", "$(CUSTOMER)")]
        head = {"Content-Type": "application/json"}
        for number, (customer, echoed) in enumerate(names):
            body = {"customer_id": customer, **dict.fromkeys(members[1:], "(string)")}
            example = {
                "http-request": {"method": "POST", "path": PATH, "headers": head, "body": body},
                "http-response": {"status": 200, "headers": head, "body": _body("(datetime)", echoed)},
            }
            _written(at / "api_examples", f"{number:05}.json", example)
        jar, file = str(modules / "specmatic" / "specmatic.jar"), _written(at, "api.json", document)
        return ["java", "-jar", jar, "stub", file, "--port", str(port), "--host", "127.0.0.1"]

    return command


def _mockoon(modules: Path) -> Callable[[Path, int, int], list[str]]:
    def command(at: Path, port: int, rules: int) -> list[str]:
        answer = json.dumps(_body("{{now \"yyyy-MM-dd'T'HH:mm:ss.SSSX\"}}", "{{body 'customer_id'}}")).replace(
            '\\"', '"'
        )
        common = {
            "body": answer,
            "latency": 0,
            "statusCode": 200,
            "label": "",
            "headers": [{"key": "Content-Type", "value": "application/json"}],
            "bodyType": "INLINE",
            "filePath": "",
            "databucketID": "",
            "sendFileAsBody": False,
            "rulesOperator": "OR",
            "disableTemplating": False,
            "fallbackTo404": False,
            "crudKey": "id",
            "callbacks": [],
        }
        asked = [
            [{"target": "body", "modifier": "customer_id", "value": f"R-{n}", "operator": "equals", "invert": False}]
            for n in range(rules)
        ]
        responses = [{**common, "uuid": str(uuid.uuid4()), "rules": rule, "default": not rule} for rule in [*asked, []]]
        route = {
            "uuid": str(uuid.uuid4()),
            "type": "http",
            "documentation": "",
            "method": "post",
            "endpoint": PATH[1:],
            "responses": responses,
            "responseMode": None,
            "streamingMode": None,
            "streamingInterval": 0,
        }
        environment = {
            "uuid": str(uuid.uuid4()),
            "lastMigration": 33,
            "name": "job",
            "endpointPrefix": "",
            "latency": 0,
            "port": port,
            "hostname": "127.0.0.1",
            "routes": [route],
            "rootChildren": [{"type": "route", "uuid": route["uuid"]}],
            "folders": [],
            "proxyMode": False,
            "proxyHost": "",
            "proxyRemovePrefix": False,
            "proxyReqHeaders": [],
            "proxyResHeaders": [],
            "tlsOptions": {
                "enabled": False,
                "type": "CERT",
                "pfxPath": "",
                "certPath": "",
                "keyPath": "",
                "caPath": "",
                "passphrase": "",
            },
            "cors": True,
            "headers": [],
            "data": [],
            "callbacks": [],
        }
        file = _written(at, "environment.json", environment)
        program = str(modules / "@mockoon" / "cli" / "bin" / "run.js")
        return ["node", program, "start", "--data", file, "--port", str(port), "--disable-log-to-file", "--repair"]

    return command
