"""Mutation testing: small faults are put into the decision core, one at a time, and some test has to fail for each.

`python -m tests.robustness.mutation [MODULE...] [--sample N] [--seed S] [--results FILE] [--again]` prints, by module,
how many mutants were made and killed, and lists the survivors; then the share killed of all, with an interval of 95 %.
`--sample` takes so many of each module, by the seed. Results are kept in FILE, with the test that failed, so that a run
goes on where it was stopped; `--again` tries its survivors anew. `mutation.sh` beside this sets up what it needs.

The mutants are those of `mutmut`. Its own runner does not fit this code: it switches mutants as functions are called,
and here most of what decides is compiled before, into closures and values of modules and classes. So each mutant is a
source of its own, imported from the start in a process of its own, which forks from one that has only the libraries.
"""

from __future__ import annotations

import argparse
import difflib
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import itertools
import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import hypothesis
import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

ROOT: Final = Path(__file__).parents[2]
LIBRARIES: Final = (
    "aiohttp",
    "jsonschema",
    "jsonschema_rs",
    "msgspec",
    "prometheus_client",
    "re2",
    "referencing",
    "yaml",
)
SECONDS: Final = 120
"""Processor time after which a mutant counts as killed: it runs for ever."""
PATIENCE: Final = 900
MEMORY: Final = 3 * 2**30
"""Bytes that a mutant may take: some collect without end."""

FIRST: Final = {
    "core.model": ("core/model", "decision/decide", "base/values", "decision/rendering"),
    "contract.conditions": ("contract/conditions", "contract/operators"),
    "contract.operators": ("contract/operators", "contract/conditions"),
    "schema.validator": ("schema/validator", "schema/violations"),
    "schema.violations": ("schema/violations", "schema/validator"),
    "decision.decide": ("decision/decide", "documents"),
    "decision.index": ("decision", "decision/order"),
    "decision.near_misses": ("decision", "decision/order"),
    "decision.order": ("decision/order", "decision/decide"),
    "decision.rendering": ("decision/rendering", "documents"),
    "decision.view": ("decision/decide", "decision/order"),
    "storage.memory_records": ("storage",),
    "storage.memory_sandbox": ("storage",),
}
"""The modules, each with the tests that know it best: a file without `test_`, or a folder."""
REST: Final = (
    (
        "contract/conditions",
        "contract/operators",
        "schema/validator",
        "schema/violations",
        "decision/document",
        "decision/decide",
        "decision/rendering",
        "documents",
        "privacy/masks",
        "transcripts",
    ),
    (
        *(
            "decision/order",
            "contract/paths",
            "contract/templates",
            "admin/state",
            "engine/sequences",
            "server/limits",
            "contract/loading",
            "engine/properties",
            "core/model",
            "decision",
        ),
        "project/readme::test_the_tables_are_up_to_date",
    ),
    (
        "contract/second_operation",
        "core/directives",
        "contract/layers",
        "files/sources",
        "admin/contract",
        "engine/delays",
        "reports/bug_report",
        "contract/file_formats",
    ),
    ("base/values", "storage", "engine/explaining"),
)
"""The tests that are tried for a mutant of any module, in these steps: the quick ones first."""
LAST: Final = {
    "schema.validator": ("schema/reference_validator", "schema/json_schema_suite", "schema/limits"),
    "schema.violations": ("schema/reference_validator", "schema/limits"),
}
"""And slow ones, for the modules that they know."""

OPTIONS: Final = (
    "--deselect=tests/contract/test_loading.py::test_any_file_gives_a_contract_or_a_report",  # slow
    *("-x", "-q", "--assert=plain", "--hypothesis-profile", "mutants", "-pno:cacheprovider"),
    *("-ppytest_asyncio.plugin", "-ppytest_aiohttp.plugin", "-p_hypothesis_pytestplugin"),
    *("-Wignore::pytest.PytestAssertRewriteWarning", "-Wignore::pytest.PytestConfigWarning"),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault: where it is, and the source with it."""

    module: str
    number: int
    line: int
    source: str
    change: str


# -- making them --------------------------------------------------------------------------------------


def is_plain(node: Any) -> bool:
    """Whether a node says nothing that happens: imports, types, and the calls that mutmut passes over."""
    if isinstance(node, cst.Annotation | cst.Import | cst.ImportFrom):
        return True
    if isinstance(node, cst.AnnAssign):
        return code(node.annotation.annotation) == "TypeAlias"
    if isinstance(node, cst.Assign):
        return code(node.value).startswith(("Callable[", "bytes | Callable["))
    return isinstance(node, cst.Call) and code(node.func) in ("len", "isinstance")


def code(node: Any) -> str:
    return str(cst.Module(body=[]).code_for_node(node))


def visited(node: Any) -> Iterator[Any]:
    if is_plain(node):
        return
    yield node
    # The first argument of cast is a type.
    children = node.args[1:] if isinstance(node, cst.Call) and code(node.func) == "cast" else node.children
    for child in children:
        yield from visited(child)


@dataclass(frozen=True, slots=True)
class Module:
    """A module and the faults that can be put into it, in a stable order: line, what stands there, and what instead."""

    name: str
    tree: Any
    faults: tuple[tuple[int, Any, Any], ...]

    def mutant(self, number: int) -> Mutant:
        line, before, after = self.faults[number]
        source = self.tree.deep_replace(before, after).code
        return Mutant(self.name, number, line, source, changed(self.tree.code, source))


def source_file(module: str) -> Path:
    return ROOT / "mockserver" / f"{module.replace('.', '/')}.py"


def tests_of(name: str) -> str:
    """The folder or the file, which may be followed by one of its tests."""
    path = ROOT / "tests" / name
    if path.is_dir():
        return str(path)
    file, separator, test = path.name.partition("::")
    return f"{path.parent}/test_{file}.py{separator}{test}"


def read(name: str) -> Module:
    tree = cst.parse_module(source_file(name).read_text(encoding="utf-8"))
    places = MetadataWrapper(tree, unsafe_skip_copy=True).resolve(PositionProvider)
    found: dict[tuple[int, str], tuple[int, Any, Any]] = {}
    for node in visited(tree):
        for kind, operator in mutation_operators:
            for mutated in operator(node) if isinstance(node, kind) else ():
                text = code(mutated)
                if text != code(node):
                    found.setdefault(
                        (id(node), text), (places[node].start.line if node in places else 0, node, mutated)
                    )
    return Module(name, tree, tuple(found.values()))


def changed(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


# -- trying one ---------------------------------------------------------------------------------------


class Loader(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Gives out the source of a mutant for the module that it is of."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.name = f"mockserver.{mutant.module}"

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_loader(name, self, origin=str(source_file(self.mutant.module)))

    def get_source(self, _: str) -> str:
        return self.mutant.source


class Quick:
    """Transcripts without a socket, and with the shipped contract loaded once; tells what fails."""

    def __init__(self, told: int) -> None:
        self.told = told

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os.write(self.told, report.nodeid.encode()[:1_000])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            os.write(self.told, report.nodeid.encode()[:1_000])

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for module in {item.module for item in items if isinstance(item, pytest.Function)}:
            if isinstance(module, ModuleType) and module.__name__ == "test_transcripts":
                known: Any = module
                known.load = functools.cache(known.load)
                known.converse = functools.partial(converse, known, known.converse)


async def converse(module: Any, over_sockets: Any, conversation: Any) -> Any:
    """What `converse` of `test_transcripts` gives."""
    from mockserver.core.model import Request

    if any("/__admin" in exchange.sent[0] for exchange in conversation.exchanges):
        return await over_sockets(conversation)
    engine = module.Engine(module.load(), clock=module.frozen_clock(module.parse_instant(conversation.clock)))
    results = []
    for exchange in conversation.exchanges:
        first, headers, body = module.split(exchange.sent)
        method, path = first.split(" ")
        lower = {name.lower(): value for name, value in headers.items()}
        reply = engine.handle_sync(Request(method, path, body.encode(), lower))
        named = {name.lower() for name in module.split(exchange.due)[1]}
        shown = [
            f"{name}: {value}"
            for name, value in reply.all_headers
            if name.lower() in named or (name.startswith("Mock-") and name not in ("Mock-Contract", "Mock-Entry"))
        ]
        results.append((exchange.due, [str(reply.status), *shown, "", reply.body.decode()]))
    return results


def fails(mutant: Mutant | None, told: int) -> bool:
    """Whether a test fails, and which one is written to a pipe; in a process that ends afterwards."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if mutant is not None:
        sys.meta_path.insert(0, Loader(mutant))
    null = os.open(os.devnull, os.O_RDWR)
    if mutant is not None:
        for number in (0, 1, 2):
            os.dup2(null, number)
    first = FIRST[mutant.module] if mutant is not None else ()
    last = LAST.get(mutant.module, ()) if mutant is not None else tuple(itertools.chain(*LAST.values()))
    done: set[str] = set()
    for stage in (first, *REST, last):
        files = [tests_of(name) for name in stage if name not in done]
        done |= set(stage)
        if files and pytest.main([*OPTIONS, *files], plugins=[Quick(told)]) != 0:
            return True
    return False


def tried(mutant: Mutant | None) -> tuple[str, str]:
    """What became of a mutant, `survived` or how it was killed, and by which test."""
    reading, told = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 3 if fails(mutant, told) else 0
        finally:
            os._exit(status)
    os.close(told)
    result = ended(child)
    with os.fdopen(reading, encoding="utf-8", errors="replace") as file:
        return result, file.read()


def ended(child: int) -> str:
    """How a process ended: `survived`, or how its mutant was killed."""
    ends = time.monotonic() + PATIENCE
    while True:
        which, status = os.waitpid(child, os.WNOHANG)
        if which:
            break
        if time.monotonic() > ends:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "no end"
        time.sleep(0.05)
    if os.WIFSIGNALED(status):
        return "no end" if os.WTERMSIG(status) == signal.SIGXCPU else "died"
    return {0: "survived", 3: "failed"}.get(os.waitstatus_to_exitcode(status), "died")


def main(arguments: Sequence[str]) -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="*", default=list(FIRST))
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path("mutation.jsonl"))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--count", action="store_true", help="only count the mutants")
    asked = parser.parse_args(arguments)

    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.path.insert(0, str(ROOT))
    made = {name: read(name) for name in asked.modules}
    if asked.count:
        print(*(f"{name}: {len(module.faults)}" for name, module in made.items()), sep="\n")
        return 0
    for name in LIBRARIES:
        importlib.import_module(name)
    hypothesis.settings.register_profile("mutants", deadline=None, database=None, derandomize=True, max_examples=10)
    known: dict[tuple[str, str, int], str] = {}
    if asked.results.exists():
        for line in asked.results.read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            known[one["module"], one["change"], one["number"]] = one["result"]
    if not known and (without := tried(None))[0] != "survived":
        print("the tests fail without a mutant:", without[1])
        return 2
    # In turn and in an order by chance: a run that is stopped is a sample too.
    orders = {
        name: random.Random(f"{asked.seed} {name}").sample(range(len(of.faults)), len(of.faults))
        for name, of in made.items()
    }
    taken = {name: order[: asked.sample or len(order)] for name, order in orders.items()}
    outcome: dict[str, dict[str, list[Mutant]]] = {name: {} for name in made}
    began = os.times()
    with asked.results.open("a", encoding="utf-8") as results:
        for name, number in (
            (n, order[i]) for i in range(max(map(len, taken.values()))) for n, order in taken.items() if i < len(order)
        ):
            mutant = made[name].mutant(number)
            result = known.get((name, mutant.change, number), "")
            if not result or (asked.again and result == "survived"):
                result, by = tried(mutant)
                row = {key: value for key, value in asdict(mutant).items() if key != "source"}
                results.write(json.dumps({**row, "result": result, "by": by}) + "\n")
                results.flush()
            outcome[name].setdefault(result, []).append(mutant)
    spent = sum(os.times()[2:4]) - sum(began[2:4])
    for name, of in made.items():
        survivors = sorted(outcome[name].get("survived", []), key=lambda mutant: mutant.number)
        killed = 100 * (1 - len(survivors) / len(taken[name]))
        print(f"{name}: {len(of.faults)} mutants, {len(taken[name])} tried, {len(survivors)} survived: {killed:.1f} %")
        for mutant in survivors:
            print(
                f"  {source_file(name).relative_to(ROOT)}:{mutant.line} #{mutant.number}",
                *mutant.change.splitlines(),
                sep="\n    ",
            )
    print(of_all([(len(of.faults), len(taken[n]), len(outcome[n].get("survived", []))) for n, of in made.items()]))
    print(f"{spent:.0f} s of processor time")
    return 0


def of_all(modules: Sequence[tuple[int, int, int]]) -> str:
    """The share killed of all mutants, from how many there are by module, were tried and survived.

    Each module counts as much as it has mutants. The interval is that of Wilson, for as many mutants as would make
    one sample as sure as these are together; a module of which none or all survived is not taken for certain.
    """
    whole = sum(there for there, _, _ in modules)
    share = sum(there * (1 - left / tried) for there, tried, left in modules) / whole
    variance = 0.0
    for there, tried, left in modules:
        about = (left + 1) / (tried + 2)
        variance += (there / whole) ** 2 * about * (1 - about) / tried * (1 - tried / there)
    if not variance:
        return f"all: {whole} mutants: {100 * share:.1f} %"
    about = sum(there * (1 - (left + 1) / (tried + 2)) for there, tried, left in modules) / whole
    size, z = about * (1 - about) / variance, 1.96
    middle = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z * (share * (1 - share) / size + z * z / (4 * size * size)) ** 0.5 / (1 + z * z / size)
    return f"all: {whole} mutants: {100 * share:.1f} %, in {100 * (middle - half):.1f} to {100 * (middle + half):.1f} %"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
