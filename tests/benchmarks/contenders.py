"""Who is measured: the mock, its peers and what is written by hand, each given the same job and 16 rules before the default.

The job: answer `R-0`, `R-1`, ... by a rule of their own and every other customer by default, with a fresh timestamp and
the customer echoed; the mock has its shipped contract. Knows how each is configured and started; it measures nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from job import PATH, success
from measuring import HERE

RULES: Final = 16
PEERS: Final = Path(os.environ.get("PEERS") or Path.home() / ".cache" / "mockserver-peers")
"""Where `run.sh` puts what npm gives, unless it is told otherwise."""

MOCK: Final = "mock"
MINIMUM: Final = "hand-made minimum"
BARE: Final = "bare aiohttp"

Command = Callable[[Path, int], list[str]]
"""The command of a server that is given a folder of its own for files and a port."""


@dataclass(frozen=True)
class Contender:
    """How one is started. `echo`: its answers name the customer. `warm`: seconds before it is at its best."""

    version: str
    command: Command
    echo: bool = True
    warm: int = 1


def contenders(python: str, peers: Path) -> dict[str, Contender]:
    """All that are installed, by name, with an interpreter and a folder of peers."""
    libraries, modules = _libraries(python), peers / "node_modules"
    aiohttp = f"aiohttp {libraries['aiohttp']}"
    found = {
        MOCK: Contender(libraries["activation-mockserver"], lambda _, port: mock(python, port)),
        MINIMUM: Contender(aiohttp, _script(python, "minimum.py", str(RULES))),
        BARE: Contender(aiohttp, _script(python, "bare.py"), echo=False),
    }
    if "pytest-httpserver" in libraries:
        version = libraries["pytest-httpserver"]
        found["pytest-httpserver"] = Contender(version, _script(python, "httpserver.py", str(RULES)))
    if modules.is_dir():
        wiremock = _of_node(modules, "wiremock")
        found |= {
            "Prism": Contender(_of_node(modules, "@stoplight/prism-cli"), _prism(modules), echo=False, warm=2),
            "WireMock": Contender(wiremock, _wiremock(modules), warm=5),
            "WireMock, no journal": Contender(wiremock, _wiremock(modules, "--no-request-journal"), warm=5),
            "Mountebank": Contender(_of_node(modules, "@mbtest/mountebank"), _mountebank(modules), warm=2),
            "Mockoon": Contender(_of_node(modules, "@mockoon/cli"), _mockoon(modules), warm=2),
        }
    return found


def mock(python: str, port: int, *options: str) -> list[str]:
    """The command that starts the mock, as a user does."""
    return [str(Path(python).parent / "mockserver"), "--port", str(port), *options]


def bare(python: str, port: int) -> list[str]:
    """The command that starts the bare aiohttp program."""
    return [python, str(HERE / "bare.py"), str(port)]


def _script(python: str, name: str, *options: str) -> Command:
    return lambda _, port: [python, str(HERE / name), str(port), *options]


def _libraries(python: str) -> dict[str, str]:
    """The version of each library that an interpreter finds, by name."""
    source = (
        "import json; from importlib.metadata import distributions as all; "
        "print(json.dumps({one.name.lower().replace('_', '-'): one.version for one in all()}))"
    )
    done = subprocess.run([python, "-c", source], capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def _of_node(modules: Path, name: str) -> str:
    return str(json.loads((modules / name / "package.json").read_text(encoding="utf-8"))["version"])


def _written(at: Path, name: str, data: Mapping[str, Any]) -> str:
    at.mkdir(parents=True, exist_ok=True)
    (at / name).write_text(json.dumps(data), encoding="utf-8")
    return str(at / name)


def _wiremock(modules: Path, *options: str) -> Command:
    def command(at: Path, port: int) -> list[str]:
        answer = success("{{jsonPath request.body '$.customer_id'}}", timestamp="{{now}}")
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
            for number in range(RULES)
        ]
        mappings.append({"priority": 5, "request": request, "response": response})
        _written(at / "mappings", "all.json", {"mappings": mappings})
        jar = next((modules / "wiremock" / "build").glob("*.jar"))
        return ["java", "-jar", str(jar), "--port", str(port), "--root-dir", str(at), "--disable-banner", *options]

    return command


def _mountebank(modules: Path) -> Command:
    def command(at: Path, port: int) -> list[str]:
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
            for number in range(RULES)
        ]
        stubs.append({"predicates": [{"equals": {"method": "POST", "path": PATH}}], "responses": responses})
        imposter = {"port": port, "protocol": "http", "stubs": stubs}
        file = _written(at, "imposters.json", {"imposters": [imposter]})
        program = str(modules / "@mbtest" / "mountebank" / "bin" / "mb")
        own = ["--port", str(port + 1), "--pidfile", str(at / "mb.pid"), "--nologfile", "--host", "127.0.0.1"]
        return ["node", program, "start", "--configfile", file, "--allowInjection", *own]

    return command


def _prism(modules: Path) -> Command:
    def command(at: Path, port: int) -> list[str]:
        schema = HERE.parents[1] / "schemas" / "activate-card-for-customer.request.schema.json"
        request = json.loads(schema.read_text(encoding="utf-8"))
        rest = {name: member for name, member in request.items() if name not in ("$schema", "$defs", "if", "else")}
        example = success("12345678", timestamp="2024-11-15T14:32:18.123Z")
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


def _mockoon(modules: Path) -> Command:
    def command(at: Path, port: int) -> list[str]:
        answer = json.dumps(
            success("{{body 'customer_id'}}", timestamp="{{now \"yyyy-MM-dd'T'HH:mm:ss.SSSX\"}}")
        ).replace('\\"', '"')
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
        rules = [
            [{"target": "body", "modifier": "customer_id", "value": f"R-{n}", "operator": "equals", "invert": False}]
            for n in range(RULES)
        ]
        responses = [{**common, "uuid": str(uuid.uuid4()), "rules": rule, "default": not rule} for rule in [*rules, []]]
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
