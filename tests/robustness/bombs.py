"""Small inputs that would take others down: each has to end soon, in little memory, with an answer or a `ConfigError`.

`python -m tests.robustness.bombs [--quick] [PART OF A NAME...]` prints, for each, the processor time, the memory that
it took on top, and what came; exit status 1 where a bound is broken. Each runs in a process of its own, which is ended
where it does not end by itself.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mockserver import ConfigError, Engine, load
from mockserver.contract.loading import compile_runtime_conditions, compile_runtime_scenario
from mockserver.core.model import Request
from tests.support import BATCH, PATH, folder
from tests.support.facts import some_facts

MEGABYTE: Final = 1_048_576
ANSWER: Final = 0.5
"""Seconds of processor time for an answer, whatever the megabyte of its request holds."""
FILE: Final = 8.0
"""Seconds of processor time to load a contract or to refuse it."""
QUICK_FACTOR: Final = 10
"""With `--quick` the bounds are so many times longer: other tests may have slowed the machine down.

What explodes takes hours and fails all the same.
"""
MEMORY: Final = 400
"""MiB on top of what the contract alone takes."""

CONTRACT: Final = """\
format: 1
operations: {op: {request: POST /op, body: b.json, envelopes: {ok: {status: 200, body: "${respond}"}}}}
"""
SCENARIOS: Final = """\
format: 1
operation: op
scenarios:
- {scenario: bad, assumed: [], when: {violation: unclaimed}, respond: {ok: bad}}
- {scenario: met, documented: Met., when: WHEN, respond: {ok: met}}
- {scenario: all, documented: All., respond: {ok: good}}
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a bomb ended."""

    seconds: float
    mebibytes: int
    came: str


def answered(body: bytes, **headers: str) -> Callable[[], str]:
    """What the shipped contract answers; the contract is loaded before the clock starts."""
    engine = Engine(SHIPPED)

    def asked() -> str:
        reply = engine.handle_sync(
            Request("POST", PATH, body, {name.replace("_", "-"): text for name, text in headers.items()})
        )
        json.loads(reply.body)
        return f"{reply.status} {dict(reply.all_headers).get('Mock-Violations', '')[:60]}"

    return asked


def loaded(schema: Any, value: Any = None, when: str = "{header.x-no: y}", **files: str) -> Callable[[], str]:
    """What a contract of one's own comes to, with this schema of a body and this condition, and what it answers."""

    def tried() -> str:
        with tempfile.TemporaryDirectory() as at:
            text = schema if isinstance(schema, str) else json.dumps(schema)
            own = {"c.yaml": CONTRACT, "s.yaml": SCENARIOS.replace("WHEN", when), "b.json": text}
            place = folder(Path(at) / "own", own | {name.replace("__", "."): text for name, text in files.items()})
            try:
                engine = Engine(load(place))
            except ConfigError as error:
                return f"{len(error.diagnostics)} problems: {error.diagnostics[0].what[:60]}"
        reply = engine.handle_sync(Request("POST", "/op", json.dumps(value).encode()))
        return f"{reply.status} {reply.body.decode()} {dict(reply.all_headers).get('Mock-Violations', '')[:60]}"

    return tried


def given(when: Mapping[str, Any], value: Any) -> Callable[[], str]:
    """A condition given while serving: as a scenario, and as a claim about the journal."""

    def tried() -> str:
        operation = SHIPPED.operations[0]
        body = json.dumps({"documented": "Given.", "when": when, "respond": {"error": {"code": 1}}}).encode()
        facts = some_facts(value)
        met = [
            scenario.alternatives[0].conditions[0].failure(facts)
            for scenario in [compile_runtime_scenario(operation, body, "x")]
        ]
        met += [condition.failure(facts) for condition in compile_runtime_conditions(operation, when)]
        return "met" if met == [None, None] else "not met"

    return tried


SHIPPED: Final = load()
SOUND: Final = f'"card_identifier":"C1","reference_batch":"{BATCH}"'
LONG: Final = "a" * 500_000 + "!"
CLASSIC: Final = ("(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*)*x$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a?){30}a{30}$")
"""Regular expressions that take other engines years."""


def body(members: str) -> bytes:
    """A request with these members beside those that have to be there."""
    return f"{{{members},{SOUND}}}".encode()


def many(text: str, joined: str = ",") -> str:
    """As often as a megabyte takes, `%d` counting."""
    return joined.join(text.replace("%d", str(n)) for n in range((MEGABYTE - 200) // (len(text) + 5)))


def doubling(keyword: str) -> dict[str, Any]:
    """A schema of thirty levels, each of which asks the next one twice."""
    levels = {f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)}
    return {"$ref": "#/$defs/d0", "$defs": {**levels, "d30": {"type": "string"}}}


def chain(length: int) -> dict[str, Any]:
    """Schemas, each of which is the next one."""
    links = {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(length)}
    return {"$ref": "#/$defs/d0", "$defs": {**links, f"d{length}": {}}}


TREE: Final = {"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}}
UNIQUE: Final = {"properties": {"x": {"uniqueItems": True}}}
LAUGHS: Final = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
DIGITS: Final = "9" * 1_000_000

ANSWERS: Final[Mapping[str, Callable[[], str]]] = {
    "json: arrays without end": answered(b"[" * MEGABYTE),
    "json: arrays in arrays": answered(b"[" * 500_000 + b"]" * 500_000),
    "json: objects without end": answered(b'{"a":' * 200_000),
    "json: 1e400": answered(body('"balance":{"id":1e400}')),
    "json: a million digits": answered(body(f'"balance":{{"id":{DIGITS}}}')),
    "json: a million decimals": answered(body(f'"balance":{{"id":0.{DIGITS}}}')),
    "json: a million digits in an exponent": answered(body(f'"balance":{{"id":1e{DIGITS}}}')),
    "json: NaN": answered(body('"balance":{"id":NaN}')),
    "json: equal names": answered(body(many('"customer_id":"%d"'))),
    "json: unknown names": answered(body(many('"x%d":1'))),
    "json: names nearly known": answered(body(many('"customer_i%d":1'))),
    "json: unknown names below": answered(body(f'"customer":{{{many(chr(34) + "first_nam%d" + chr(34) + ":1")}}}')),
    "json: a name of a megabyte": answered(body(f'"{"customer_id" * 90_000}":1')),
    "json: an array of numbers": answered(body(f'"customer":[{many("0")}]')),
    "json: an array of numbers, a colon in a text": answered(body(f'"customer":[{many("0")}],"a":":"')),
    "json: an array of texts with colons": answered(body(f'"customer":[{many(chr(34) + ":" + chr(34))}]')),
    "json: an array of objects": answered(body(f'"customer":[{many("{}")}]')),
    "json: a text of a megabyte": answered(body(f'"customer_id":"{"x" * 1_000_000}"')),
    "json: white space": answered(body(f'"customer_id":"{" " * 1_000_000}"')),
    "json: a reserved value of a megabyte": answered(f'{{"card_identifier":"TEST-{"CARD" * 200_000}"}}'.encode()),
    "json: a secret of a megabyte": answered(body(f'"customer_id":"1","pin":"{"1" * 1_000_000}"')),
    "header: a long scenario": answered(b"{}", mock_scenario="activated" * 900),
    "header: a long sandbox": answered(b"{}", mock_sandbox="a" * 8_000),
}
TEN_THOUSAND: Final = "".join(f"- {{scenario: s{n}, when: {{body.x: {n}}}, respnd: 1}}\n" for n in range(10_000))
FILES: Final[Mapping[str, Callable[[], str]]] = {
    **{f"pattern: {p}": loaded({"properties": {"x": {"pattern": p}}}, {"x": LONG}) for p in CLASSIC},
    **{f"matches: {p}": loaded({}, {"x": LONG}, f"{{body.x: {{matches: {json.dumps(p)}}}}}") for p in CLASSIC},
    **{f"given: {p}": given({"body.customer_id": {"matches": p}}, {"customer_id": LONG}) for p in CLASSIC},
    "pattern: half a million characters": loaded({"properties": {"x": {"pattern": LONG}}}, {"x": LONG}),
    "pattern: thousands of groups": loaded({"properties": {"x": {"pattern": "(" * 5_000 + ")" * 5_000}}}, {"x": LONG}),
    "pattern: counted a thousand times a thousand": loaded({"pattern": "(a{1000}){1000}"}),
    "yaml: aliases of aliases": loaded({}, more__yaml=LAUGHS),
    "yaml: nested": loaded({}, more__yaml="a: " + "[" * 100_000),
    "yaml: nested by lines": loaded({}, more__yaml="\n".join(" " * n + "a:" for n in range(1_000))),
    "yaml: a million digits": loaded({}, more__yaml=f"format: {DIGITS}"),
    "yaml: 1e400": loaded({}, more__yaml="format: 1e400"),
    "yaml: equal keys": loaded({}, more__yaml="format: 1\n" * 10_000),
    "schema: a million digits": loaded(f'{{"maximum": {DIGITS}}}'),
    "schema: 1e400": loaded('{"maximum": 1e400}'),
    "schema: equal keys": loaded("{" + ",".join('"type": "object"' for _ in range(10_000)) + "}"),
    "schema: allOf in allOf": loaded('{"allOf":[' * 5_000 + "{}" + "]}" * 5_000),
    "schema: a wide allOf": loaded({"allOf": [{"minProperties": 1}] * 2_000}, {}),
    "schema: a chain of references": loaded(chain(5_000), {}),
    "schema: properties that double": loaded(
        {"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}}, {"a": {"b": {}}}
    ),
    "value: ten thousand violations": loaded(
        {"properties": {"x": {"items": {"type": "string"}}}}, {"x": list(range(10_000))}
    ),
    "value: unique objects": loaded(UNIQUE, {"x": [{"a": n} for n in range(60_000)]}),
    "value: unique numbers and arrays": loaded(UNIQUE, {"x": [[n] if n % 2 else n for n in range(60_000)]}),
    "value: a multiple of little": loaded({"properties": {"x": {"multipleOf": 1e-300}}}, {"x": 1e308}),
    "value: a multiple of a hundredth": loaded({"properties": {"x": {"multipleOf": 0.01}}}, {"x": 1e308}),
    "value: many patterns of names": loaded(
        {"patternProperties": {f"^a{n}": {"type": "string"} for n in range(20)}}, {f"b{n}": 1 for n in range(20_000)}
    ),
}
SLOW: Final[Mapping[str, Callable[[], str]]] = {
    "yaml: ten thousand mistakes": loaded({}, more__yaml=f"format: 1\noperation: op\nscenarios:\n{TEN_THOUSAND}"),
    "schema: allOf that doubles": loaded(doubling("allOf"), {}),
    "schema: anyOf that doubles": loaded(doubling("anyOf"), {}),
}
"""Those that are refused only after so many steps, and reports of so much."""

BOMBS: Final = {
    **{name: (bomb, ANSWER) for name, bomb in ANSWERS.items()},
    **{name: (bomb, FILE) for name, bomb in FILES.items()},
    **{name: (bomb, 20.0) for name, bomb in SLOW.items()},
}


def ended(bomb: Callable[[], str], most: float) -> Ended:
    """A bomb, in a process of its own."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        used = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        resource.setrlimit(resource.RLIMIT_CPU, (int(used + most * 4) + 2, int(used + most * 4) + 3))
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        try:
            came = bomb()
        except BaseException as error:  # noqa: BLE001 - told of as what it is
            came = f"RAISED {error!r:.200}"
        seconds = time.process_time() - began
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
        os.write(write, json.dumps([seconds, more, came]).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return Ended(*json.loads(told)) if told else Ended(most * 4, 0, "NO END")


def broken(result: Ended, most: float) -> bool:
    """Whether a bound is broken."""
    return result.seconds > most or result.mebibytes > MEMORY or result.came.startswith(("RAISED", "NO END"))


def main(parts: list[str]) -> int:
    """Run them; the exit status."""
    worst, is_quick = 0, "--quick" in parts
    names = [name for name in BOMBS if not is_quick or name not in SLOW]
    parts = [part for part in parts if part != "--quick"]
    for name in names:
        if not parts or any(part in name for part in parts):
            bomb, most = BOMBS[name]
            most *= QUICK_FACTOR if is_quick else 1
            result = ended(bomb, most)
            bad = broken(result, most)
            worst |= bad
            figures = f"{result.seconds * 1000:8.1f} ms {result.mebibytes:4} MiB"
            print(f"{'!' if bad else ' '} {name:48} {figures}  {result.came}")
            sys.stdout.flush()
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
