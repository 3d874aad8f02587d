"""The contract as TypeScript: what the types say, and the client compiled by tsc and run by node."""

import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mockserver import Contract, load
from mockserver.admin.journal import FILTERS
from mockserver.export.typescript import document
from mockserver.export.typescript_types import Types
from tests.support import BATCH, PATH, folder, run, serving
from tests.support.node_packages import done, installed
from tests.support.shelf import SHELF

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "mockserver" / "export" / "typescript_client" / "client.ts"
GUIDE = (ROOT / "docs" / "pages" / "reference" / "typescript.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```ts\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
CONSOLE = "declare const console: { log(...parts: unknown[]): void };\n"

USE = """\
import { Mock, MockError, outcomes } from "./mockserver.js";
import type { ActivateCardForCustomerRequest, Answers, Outcome } from "./mockserver.js";

declare const console: { log(line: string): void };
declare const process: { argv: [string, string, string, string] };
declare function fetch(url: string, init: object): Promise<{ status: number; json(): Promise<any> }>;

const [, , server, path] = process.argv;
const mock = new Mock(server, { sandbox: "from-ts", token: "secret" });
const request: ActivateCardForCustomerRequest = {
  customer: { first_name: "Laura", last_name: "Pérez" },
  card_identifier: "CARD-1",
  reference_batch: "BATCH",
  pin: null,
};
// @ts-expect-error a member of a wrong type
export const wrong: ActivateCardForCustomerRequest = { card_identifier: 1, reference_batch: "", customer_id: "1" };
// @ts-expect-error a member that is misspelt
export const spelt: ActivateCardForCustomerRequest = { ...request, card_identifier: "CARD-1", customerId: "1" };
// @ts-expect-error a member that is missing
export const short: ActivateCardForCustomerRequest = { card_identifier: "CARD-1" };

const send = async () => {
  const response = await fetch(mock.url + path, { method: "POST", body: JSON.stringify(request) });
  return await response.json();
};
const failing = async (promise: Promise<unknown>) => {
  const error = await promise.then(() => null, (reason: unknown) => reason);
  return error instanceof MockError ? [error.status, error.message] : String(error);
};

await mock.reset();
const armed = await mock.arm("rfc-invalid", { times: 2, when: { "body.card_identifier": "CARD-1" } });
const invalid: Answers["rfc-invalid"] = await send();
const delayed = await mock.requests({ scenario: "rfc-invalid", limit: 5 });
await mock.reset();
await mock.fault("reset", { commit: true });
const lost = await send().catch(() => "lost");
const again: Answers["card-already-activated"] = await send();
const some: Outcome = "pin-not-four";
console.log(JSON.stringify({
  url: mock.url,
  left: armed.left,
  code: invalid.error.code,
  seen: delayed.map((one) => [one.method, one.trigger]),
  lost,
  again: again.error.code,
  verified: await mock.verify({ scenario: "card-already-activated", exactly: 1 }),
  unverified: await failing(mock.verify({ when: { "body.card_identifier": "CARD-2" }, atLeast: 1, atMost: 2 })),
  // @ts-expect-error a misspelt outcome
  misspelt: await failing(mock.arm("rfc-invald")),
  token: await failing(new Mock(server).reset()),
  nobody: await failing(new Mock("http://127.0.0.1:1/").reset()),
  coverage: (await mock.coverage()).documented.of,
  known: outcomes.filter((one) => one.source === "documented").length,
  status: outcomes.find((one) => one.id === some)?.status,
  left_over: (await mock.reset(), (await mock.requests()).length),
}));
"""


def of(schema: Any, **files: Any) -> str:
    """The type of a schema, without the names that it brings along."""
    return Types(lambda place: {"a.json": schema, **files}, []).of(schema)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (True, "unknown"),
        (False, "never"),
        ({}, "unknown"),
        ({"type": "integer"}, "number"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"const": {"a": [1]}}, '{"a":[1]}'),
        ({"enum": ["a", 1, None]}, '"a" | 1 | null'),
        ({"enum": []}, "never"),
        ({"type": "array"}, "Array<unknown>"),
        ({"type": "array", "items": {"type": ["string", "null"]}}, "Array<string | null>"),
        ({"type": "array", "prefixItems": [{"type": "string"}], "items": False}, "[string, ...Array<never>]"),
        ({"type": "object"}, "Record<string, unknown>"),
        ({"type": "object", "maxProperties": 0}, "Record<string, never>"),
        ({"type": "object", "additionalProperties": False}, "Record<string, never>"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "{\n  [name: string]: number;\n}"),
        (
            {
                "properties": {
                    "a": {"description": "It\nends */ here.", "type": "string"},
                    "b-c": {"properties": {"d": True}},
                },
                "required": ["a", "z"],
                "additionalProperties": {"type": "string"},
            },
            """{
  /** It ends * / here. */
  a: string;
  "b-c"?: {
    d?: unknown;
  };
  z: unknown;
  [name: string]: unknown;
}""",
        ),
        ({"allOf": [{"type": "string"}, {"enum": ["{a", "b"]}]}, 'string & ("{a" | "b")'),
        ({"anyOf": [{"type": "string"}, {"allOf": [{"type": "number"}, {"const": 1}]}]}, "string | (number & 1)"),
        ({"oneOf": [{"type": "string"}, False]}, "string | never"),
        ({"if": {"type": "string"}}, "unknown"),
        ({"if": True, "then": {"required": ["a"]}}, "{\n  a: unknown;\n} | object"),
    ],
)
def test_a_schema_becomes_a_type(schema: Any, text: str) -> None:
    """Where types cannot tell, it is unknown."""
    assert of(schema) == text


def test_referenced_schemas_become_named_types(tmp_path: Path) -> None:
    """Across files, recursive, and shared by operations."""
    loaded = load(folder(tmp_path, SHELF))
    text = document(loaded, loaded.settings)
    assert "export type FindBookBook = {\n  near?: FindBookBook;\n  at: unknown;\n};" in text
    assert "export type PutBookRequest = FindBookBook;" in text
    assert '  "bad-shelf": unknown;\n' in text
    assert (
        '{ id: "bad-shelf", operation: "findBook", source: "documented", status: 422, heading: "No such shelf",' in text
    )


def test_outcomes_become_a_union_and_envelopes_types(contract: Contract) -> None:
    """One file without imports, with the contract's hash."""
    text = document(contract, contract.settings)
    union = text.partition("export type Outcome =\n")[2].partition(";")[0]
    assert [line.strip('| "') for line in union.splitlines()] == [scenario.id for scenario in contract.scenarios]
    assert contract.hash in text.splitlines()[0]
    assert "import " not in text
    assert "  pin?: string | null;" in text
    assert '  "rfc-invalid": ActivateCardForCustomerError;' in text
    assert '    status: "activated";' in text
    assert "\n} & (object | {\n" in text


async def test_the_admin_api_exports_the_contract(contract: Contract, url: str, client: aiohttp.ClientSession) -> None:
    """With the server's settings and address; a misspelt parameter is refused."""
    async with client.get(f"{url}/__admin/export/typescript") as response:
        assert response.content_type == "text/plain"
        assert await response.text() == document(contract, contract.settings) == run("export", "typescript").stdout


async def test_the_client_names_what_the_admin_api_gives(url: str, client: aiohttp.ClientSession) -> None:
    """Every member of a request, of coverage, and every filter."""
    async with client.post(url + PATH, json={}):
        pass
    async with client.get(f"{url}/__admin/requests") as response:
        (row,) = (await response.json())["requests"]
    async with client.get(f"{url}/__admin/coverage") as response:
        coverage = await response.json()
    text = CLIENT.read_text(encoding="utf-8")
    assert _members(text, "RecordedRequest") == [*row]
    assert _members(text, "Coverage") == [*coverage]
    assert {*_members(text, "Filters")} == {*FILTERS, "limit", "before"}


def _members(text: str, interface: str) -> list[str]:
    """The members of an interface in their order."""
    body = text.partition(f"export interface {interface} {{\n")[2].partition("\n}")[0]
    return re.findall(r"^  (\w+)\??:", body, re.MULTILINE)


def test_the_client_compiles_strictly_and_works(tmp_path: Path) -> None:
    """`tsc --strict` takes it and the documentation's lines; node runs them."""
    tsc = installed(tmp_path, "typescript@5.9.3") / "tsc"
    folder(tmp_path, {"package.json": '{"type": "module"}', "use.ts": USE.replace("BATCH", BATCH)})
    guide = {f"guide{n}.ts": f"{CONSOLE}{text}" for n, text in enumerate(BLOCKS)}
    folder(tmp_path, guide)
    assert run("export", "typescript", "--output", str(tmp_path / "mockserver.ts")).returncode == 0
    strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noUnusedLocals"]
    options = ["--target", "es2022", "--module", "nodenext", "--lib", "es2022"]
    done(tmp_path, tsc, *strict, *options, "use.ts", *guide)
    with serving("--admin-token", "secret") as server:
        told = json.loads(done(tmp_path, "node", "use.js", server.url, PATH))
    with serving() as other:
        for script in guide:
            code = (tmp_path / script).with_suffix(".js")
            code.write_text(code.read_text(encoding="utf-8").replace("http://127.0.0.1:8080", other.url))
            assert done(tmp_path, "node", code) == "0 0\n"
    problems = {name: told.pop(name) for name in ("unverified", "misspelt", "token", "nobody")}
    assert told == {
        "url": f"{server.url}/sandbox/from-ts",
        "left": 2,
        "code": 7000,
        "seen": [["POST", "armed"]],
        "lost": "lost",
        "again": 4433,
        "verified": 1,
        "coverage": 18,
        "known": 18,
        "status": 400,
        "left_over": 0,
    }
    assert {name: status for name, (status, _) in problems.items()} == {
        "unverified": 409,
        "misspelt": 400,
        "token": 401,
        "nobody": 0,
    }
    assert re.search(r'nearest misses:\n.*expected "CARD-2"\n *got +"CARD-1"', problems["unverified"][1], re.DOTALL)
    assert problems["misspelt"][1].endswith("Did you mean rfc-invalid?")
    assert "Authorization: Bearer" in problems["token"][1]
    assert problems["nobody"][1].startswith("POST http://127.0.0.1:1/__admin/reset: ")
