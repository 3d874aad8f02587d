"""Fuzzing: whatever bytes come, a request is decided and a contract loads or is refused, soon.

`python -m tests.robustness.fuzz decision|contract [SECONDS] [SEED]` (1800 of processor time, and 1) changes what is
known to reach far (the shipped examples, the transcripts, the bad files of the tests) and prints figures; exit status 1
if anything but a `ConfigError` was raised, or if a case took more than 50 ms of processor time, three times in a row.
What it finds is kept in `mockserver-fuzz-...` in the folder for temporary files. With `atheris` installed the changes
are guided by the code that they reach; without it they are made by chance alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

try:
    import atheris
except ImportError:
    atheris = None

with atheris.instrument_imports(include=["mockserver"]) if atheris is not None else contextlib.nullcontext():
    from mockserver import ConfigError, Engine, load
    from mockserver.contract.loading import shipped_folder
    from mockserver.core.model import Request

TESTS: Final = Path(__file__).parents[1]
BAD: Final = TESTS / "contract" / "bad"
MOST_SECONDS: Final = 0.05
LONGEST: Final = 4_000
"""Bytes of a case; a file takes about 2 ms for each thousand."""
FILES: Final = ("contract.yaml", "scenarios.yaml", "use-thing.schema.json", "answer.schema.json")
"""The files of the good contract, by the first byte of a case."""
ODD: Final[tuple[Any, ...]] = (None, True, 0, -1, 1.5, 1e300, 10**18, "", " ", "a.b", "${body.name}", "\ud800", "null")
NESTED: Final[tuple[Any, ...]] = ([], {}, [[]], {"a": {}})
PIECES: Final = tuple(b'{ } [ ] " : , null 1e400 \\u0000 \xff &a *a !!'.split(b" ")) + (b"\n- ", b" ", b": ")
"""What is put between bytes."""


@dataclass(slots=True)
class Target:
    """What is fuzzed, and what came of it."""

    try_one: Callable[[bytes], None]
    seeds: list[bytes]
    most_seconds: float = MOST_SECONDS
    cases: int = 0
    slowest: float = 0.0
    found: dict[str, bytes] = field(default_factory=dict)

    def take(self, data: bytes) -> None:
        """One case; what is wrong with it is kept."""
        self.cases += 1
        try:
            seconds = self._spent(data)
            if seconds > self.most_seconds:  # it may have been its turn to collect garbage
                seconds = min(self._spent(data) for _ in range(3))
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are tried
            self.found.setdefault(f"{type(error).__name__} at {_place(error)}", data)
            return
        self.slowest = max(self.slowest, seconds)
        if seconds > self.most_seconds:
            self.found.setdefault(f"more than {self.most_seconds * 1000:.0f} ms", data)

    def _spent(self, data: bytes) -> float:
        began = time.process_time()
        self.try_one(data)
        return time.process_time() - began


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace is not None else "?"


# -- body to decision ---------------------------------------------------------------------------------


def decision(_: Path) -> Target:
    """The body of a request; its first byte forces a scenario, or none, and chooses headers."""
    contract = load()
    operation = contract.operations[0]
    forced = [scenario.id for scenario in operation.scenarios]
    engines = [Engine(contract)]
    count = itertools.count(1)

    def try_one(data: bytes) -> None:
        if next(count) % 10_000 == 0:  # a state of its own now and then
            engines[0] = Engine(contract)
        first, body = data[:1] or b"\0", data[1:]
        headers = {"mock-scenario": forced[first[0] - 200]} if 200 <= first[0] < 200 + len(forced) else {}
        if first[0] % 2:
            headers["content-type"] = "application/json"
        reply = engines[0].handle_sync(Request(operation.method, operation.path, body, headers))
        json.loads(reply.body)
        if reply.status not in (200, 400, 401):
            raise ValueError(reply.status)
        for name, value in reply.all_headers:
            if not (name + value).isascii() or not value.isprintable():
                raise ValueError(name)

    seeds = [example.body for scenario in operation.scenarios for example in scenario.examples]
    sent = [json.dumps(value).encode() for value in seeds if value is not None]
    for file in sorted((TESTS / "transcripts").glob("*.txt")):
        lines = file.read_text("utf-8").splitlines()
        sent += [line[2:].encode() for line in lines if line.startswith("> {")]
    return Target(try_one, [b"\1" + body for body in sent])


# -- file to contract ---------------------------------------------------------------------------------


def contract(place: Path) -> Target:
    """The bytes of one file of a small contract in a folder; the first byte chooses which."""
    good = {name: (BAD / "good" / name).read_bytes() for name in FILES}
    for name, data in good.items():
        (place / name).write_bytes(data)

    def try_one(data: bytes) -> None:
        name = FILES[(data[:1] or b"\0")[0] % len(FILES)]
        (place / name).write_bytes(data[1:])
        try:
            load(place)
        except ConfigError as error:
            str(error).encode()
        finally:
            (place / name).write_bytes(good[name])

    return Target(try_one, [seed for seed in [*contents(good)] if len(seed) < LONGEST])


def contents(good: dict[str, bytes]) -> Iterator[bytes]:
    """The good files, the bad ones of the tests, and those that are shipped."""
    yield from (bytes([index]) + good[name] for index, name in enumerate(FILES))
    cases = [case for file in sorted(BAD.glob("*.yaml")) for case in yaml.safe_load(file.read_bytes())]
    for case in cases:
        files = {name: text for name, text in case.get("files", {}).items() if isinstance(text, str)}
        for name, changes in case.get("change", {}).items():
            files[name] = good.get(name, b"").decode()
            for before, after in changes.items():
                files[name] = files[name].replace(before, after)
        yield from (bytes([FILES.index(name)]) + text.encode() for name, text in files.items() if name in FILES)
    for file in sorted(shipped_folder().rglob("*")):
        if file.suffix in (".yaml", ".json"):
            yield bytes([0 if file.suffix == ".yaml" else 2]) + file.read_bytes()


TARGETS: Final = {"decision": decision, "contract": contract}


# -- changes ------------------------------------------------------------------------------------------


def changed(data: bytes, chance: random.Random, seeds: list[bytes]) -> bytes:
    """A case made from another one."""
    head, rest = data[:1], data[1:]
    if chance.random() < 0.1:
        head = bytes([chance.randrange(256)])
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        rest = _as_value(rest, chance) if chance.random() < 0.6 else _as_bytes(rest, chance, seeds)
    return (head + rest)[:LONGEST]


def _as_value(data: bytes, chance: random.Random) -> bytes:
    """One node of the value put in another's place, taken away, or made odd."""
    try:
        value = json.loads(data) if data[:1] in b"{[" else yaml.safe_load(data)
    except (ValueError, RecursionError, yaml.YAMLError):
        return data
    nodes: list[tuple[Any, Any]] = []
    pending = [value]
    while pending and len(nodes) < 5_000:
        node = pending.pop()
        for key in list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            nodes.append((node, key))
            pending.append(node[key])
    if not nodes:
        return data
    try:
        _change(nodes, chance)
        return json.dumps(value, default=str, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):  # YAML can hold itself
        return data


def _change(nodes: list[tuple[Any, Any]], chance: random.Random) -> None:
    (parent, key), (other, its) = chance.choice(nodes), chance.choice(nodes)
    what = chance.randrange(5)
    if what == 0:
        del parent[key]
    elif what == 1:
        parent[key] = chance.choice(ODD + NESTED)
    elif what == 2:
        parent[key] = json.loads(json.dumps(other[its], default=str))
    elif what == 3 and isinstance(parent, dict):
        parent[chance.choice((*map(str, parent), "x", "", "a.b", "null"))] = parent.pop(key)
    else:
        parent[key] = [parent[key], parent[key]] if chance.random() < 0.5 else {str(its): parent[key]}


def _as_bytes(data: bytes, chance: random.Random, seeds: list[bytes]) -> bytes:
    at, to = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    to = min(to, at + chance.choice((0, 1, 4, 16, 64)))
    other = chance.choice(seeds)
    start = chance.randrange(len(other))
    put = chance.choice((b"", bytes([chance.randrange(256)]), chance.choice(PIECES), other[start : start + 32]))
    return data[:at] + put * chance.choice((1, 1, 1, 50)) + data[to:]


# -- running ------------------------------------------------------------------------------------------


def by_chance(target: Target, cases: int, seed: int, until: float = float("inf")) -> Target:
    """So many cases, or until so much processor time is spent."""
    chance = random.Random(seed)
    pool = list(target.seeds)
    for data in target.seeds:
        target.take(data)
    while target.cases < cases and time.process_time() < until:
        data = changed(chance.choice(pool), chance, target.seeds)
        target.take(data)
        if chance.random() < 0.02:
            pool.append(data)
    return target


def guided(target: Target, take: Callable[[bytes], None], corpus: Path, seed: int) -> None:
    """Cases by `atheris`, without end."""
    corpus.mkdir()
    for data in target.seeds:
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)

    def mutated(data: bytes, most: int, number: int) -> bytes:
        chance = random.Random(number)
        if not data or chance.random() < 0.4:
            return bytes(atheris.Mutate(data, most))
        return changed(data, chance, target.seeds)[:most]

    options = [f"-seed={seed}", f"-max_len={LONGEST}", "-rss_limit_mb=2048"]
    atheris.Setup(
        [sys.argv[0], str(corpus), *options, "-timeout=60", "-print_final_stats=0", "-verbosity=0"],
        take,
        custom_mutator=mutated,
    )
    atheris.Fuzz()


def told(name: str, target: Target, how: str, seconds: float) -> int:
    """Print figures and keep what was found; the exit status."""
    print(f"{name}: {target.cases} cases {how} in {seconds:.0f} s, slowest {target.slowest * 1000:.1f} ms")
    for what, data in target.found.items():
        file = Path(tempfile.gettempdir()) / f"mockserver-fuzz-{hashlib.sha256(data).hexdigest()[:12]}"
        file.write_bytes(data)
        print(f"  {what}: {file}")
    sys.stdout.flush()
    return 1 if target.found else 0


def main(place: Path, name: str, seconds: int = 1_800, seed: int = 1) -> int:
    """Run it with a folder of its own; the exit status."""
    target, began = TARGETS[name](place), time.process_time()
    if atheris is None:
        by_chance(target, sys.maxsize, seed, began + seconds)
        return told(name, target, "by chance", time.process_time() - began)
    take = target.take

    told_at = began

    def take_or_end(data: bytes) -> None:
        nonlocal told_at
        take(data)
        now = time.process_time()
        if now - began > seconds:  # atheris would end the process without a word
            shutil.rmtree(place)
            os._exit(told(name, target, "guided by coverage", now - began))
        if now - told_at > 60:  # a run that is stopped has figures too
            told_at = now
            told(name, target, "guided by coverage", now - began)

    guided(target, take_or_end, place / "corpus", seed)
    return 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(main(Path(folder), sys.argv[1], *map(int, sys.argv[2:4])))
