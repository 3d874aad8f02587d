"""The rules of the code itself: who may import whom, what no module may know, what no file may hold."""

import ast
import graphlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {file.stem: file for file in sorted((ROOT / "mockserver").glob("*.py"))}

MAY_IMPORT: dict[int, dict[str, str]] = {
    0: {
        "model": "",
        "contract": "model",
        "values": "orjson",
        "clock": "",
        "lines": "",
        "version": "",
        "address": "",
    },
    1: {
        "references": "model contract clock values",
        "patterns": "model values re2",
        "wording": "model values",
        "keywords": "patterns jsonschema",
        "subschemas": "model",
        "tls": "",
        "asking": "tls values",
        "validation": "model values keywords patterns resolving subschemas wellformed wording",
        "resolving": "subschemas referencing",
        "wellformed": "patterns jsonschema_rs",
        "reading": "model values validation",
        "sources": "model values yaml",
    },
    2: {
        "assets": "contract",
        "client": "asking",
        "directives": "model contract rendering values",
        "layers": "model contract values sources",
        "logs": "contract values",
        "masks": "model values",
        "order": "model contract",
        "violations": "model contract",
        "matching": "model contract values references patterns validation violations",
        "metrics": "contract prometheus_client",
        "rendering": "model contract values",
        "routes": "contract rendering values",
        "safety": "contract rendering values",
        "store": "model values",
    },
    3: {
        "decide": "model contract values references order",
        "operations": "model contract values references validation reading layers",
        "scenarios": "model contract values references validation matching rendering layers operations directives",
        "compiling": "model contract values references patterns validation layers operations scenarios",
        "loading": "model contract values sources validation layers compiling",
        "coverage": "model contract masks",
        "coverage_page": "coverage_report",
        "coverage_report": "",
        "journal": "model contract values rendering decide",
        "recording": "model contract values journal masks",
        "shown": "model contract values clock decide journal",
        "verification": "contract decide journal shown",
        "coverage_merged": "",
        "report_words": "",
        "history": "shown client",
    },
    4: {
        "sandboxes": "model contract values masks order routes",
        "planning": "model contract directives sandboxes",
        "engine": "model contract values rendering store coverage decide directives journal metrics order planning "
        "recording routes sandboxes",
        "reloading": "model contract values loading order sandboxes engine",
        "linter": "model contract values sources validation engine",
        "report": "contract version clock journal shown report_words",
        "bundle": "model contract rendering decide journal loading masks shown order",
    },
    5: {
        "admin": "model contract values rendering engine routes safety validation",
        "admin_arming": "contract values rendering directives loading sandboxes admin admin_sandboxes model",
        "admin_console": "contract safety assets admin",
        "admin_contract": "model contract version admin",
        "admin_coverage": "contract coverage coverage_page listing meeting admin admin_journal",
        "admin_export": "contract values rendering exports admin",
        "admin_journal": "contract values version clock journal shown bundle admin admin_sandboxes model rendering "
        "report report_words",
        "admin_routes": "contract openapi admin admin_arming admin_coverage admin_export admin_journal "
        "admin_sandboxes admin_scenarios admin_settings admin_state admin_verify admin_console admin_contract",
        "admin_sandboxes": "address contract clock values version rendering metrics sandboxes admin",
        "admin_scenarios": "contract loading sandboxes admin admin_arming admin_sandboxes",
        "admin_settings": "contract clock sources directives loading admin admin_arming admin_sandboxes",
        "admin_state": "model contract values rendering store admin admin_sandboxes",
        "admin_verify": "model contract values rendering loading verification explaining admin admin_arming "
        "admin_journal masks",
        "connections": "model edge_log faults outbox overdue rendering wire aiohttp",
        "edge_log": "aiohttp",
        "export_openapi": "model contract directives validation rendering routes openapi outcomes version",
        "export_postman": "model contract values outcomes version",
        "export_typescript": "model contract values outcomes typescript_types version",
        "exports": "model contract export_openapi export_postman export_typescript",
        "faults": "model contract wire aiohttp",
        "wire": "contract version",
        "explaining": "model contract values shown engine",
        "listing": "model contract values linter",
        "meeting": "model contract values engine linter listing",
        "openapi": "version admin",
        "outbox": "",
        "overdue": "",
        "outcomes": "model contract values engine linter listing",
        "watching": "model contract engine loading reloading",
        "server": "address model contract rendering masks routes safety logs engine faults admin admin_routes aiohttp "
        "admin_console connections edge_log tls wire",
        "process": "edge_log server",
        "typescript_types": "model contract values",
    },
    6: {
        "remote": "asking click",
        "cli_arming": "remote click",
        "cli_coverage": "coverage_page coverage_report remote click",
        "cli_journal": "loading bundle remote click",
        "cli_health": "address asking remote click",
        "cli_state": "values remote click",
        "cli_options": "contract loading click",
        "cli_contract": "model contract values engine linter listing cli_journal cli_options click explaining",
        "cli_export": "exports cli_options remote click",
        "cli_new": "loading cli_options remote click",
        "cli_serve": "address model contract values clock version lines engine listing logs process safety server tls "
        "watching admin_routes cli_options click",
        "cli": "values version cli_arming cli_contract cli_coverage cli_export cli_journal cli_new "
        "cli_health cli_serve cli_state click",
        "__main__": "cli",
        "__init__": "model contract clock version sources loading engine linter client hosting",
        "pytest_plugin": "values history pytest_coverage __init__ pytest",
        "pytest_coverage": "client coverage_merged coverage_page coverage_report pytest",
        "hosting": "model contract values clock loading engine safety client server admin_routes",
    },
}
"""Modules by level, each with all that it imports of ours and of others; the standard library is below."""

LEVEL = {name: level for level, modules in MAY_IMPORT.items() for name in modules}
ALLOWED = {name: set(what.split()) for modules in MAY_IMPORT.values() for name, what in modules.items()}

HOMES = {
    "asyncio": {"connections", "edge_log", "faults", "hosting", "outbox", "overdue", "process", "server", "watching"},
    "http": {"asking", "cli_health", "faults", "wire"},
    "importlib": {"__init__"},
    "logging": {"edge_log"},
    "os": {"cli", "cli_health", "cli_serve", "lines", "pytest_plugin"},
    "pickle": set[str](),
    "random": {"sandboxes"},
    "resource": {"edge_log"},
    "secrets": {"engine"},
    "signal": {"process"},
    "socket": {"faults"},
    "ssl": {"tls"},
    "subprocess": set[str](),
    "sys": {
        "cli",
        "cli_contract",
        "cli_coverage",
        "cli_journal",
        "cli_options",
        "cli_serve",
        "cli_state",
        "lines",
        "process",
        "remote",
    },
    "threading": {"hosting", "lines", "watching"},
    "time": {"cli_serve", "engine", "hosting", "logs", "sandboxes", "server", "wire"},
    "urllib.request": {"asking"},
}
"""Where the parts of the standard library are at home that touch the world, or run code."""


def imported(file: Path) -> Iterator[str]:
    """The dotted names that a module imports, anywhere in it; one of ours as `mockserver.NAME`."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name}:{node.lineno}: a relative import"
            module = str(node.module)
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "mockserver" else [module]


def ours_or_others(name: str) -> str | None:
    """The module of ours, or the package of others, that an import names; None for the standard library."""
    first, *rest = name.split(".")
    if first == "mockserver":
        return rest[0] if rest else "__init__"
    return None if first in sys.stdlib_module_names else first


def test_every_module_has_its_place() -> None:
    """The table names all modules and no others."""
    assert set(LEVEL) == set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_what_the_table_says(name: str) -> None:
    """Neither more nor, lest the table rot, less."""
    assert {found for i in imported(MODULES[name]) if (found := ours_or_others(i))} == ALLOWED[name]


@pytest.mark.parametrize("name", MODULES)
def test_the_standard_library_is_used_where_it_is_at_home(name: str) -> None:
    """One place reads the clock, one opens sockets; nothing runs code."""
    for found in imported(MODULES[name]):
        for part, homes in HOMES.items():
            assert not f"{found}.".startswith(f"{part}.") or name in homes, f"{name} imports {found}"
    nodes = ast.walk(ast.parse(MODULES[name].read_text()))
    calls = {n.func.id for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert not calls & {"eval", "exec", "compile", "__import__"}


def test_imports_point_downwards_without_a_circle() -> None:
    """A module imports from its own level or a lower one, and nothing comes back to where it began."""
    for name, what in ALLOWED.items():
        assert not [other for other in what if LEVEL.get(other, 0) > LEVEL[name]], name
    graphlib.TopologicalSorter(ALLOWED).prepare()


COMMANDS = {"remote", *(name for name in LEVEL if name == "cli" or name.startswith("cli_"))}
SHARED = {
    "aiohttp": {"connections", "edge_log", "faults", "server"},
    "click": COMMANDS,
    "pytest": {"pytest_coverage", "pytest_plugin"},
}
"""The libraries of a layer: the wire, and the command line."""


def test_each_library_has_one_home() -> None:
    """A library of others is imported by one module, or by the few of one layer."""
    homes: dict[str, set[str]] = {}
    for name, what in ALLOWED.items():
        for library in what - set(LEVEL):
            homes.setdefault(library, set()).add(name)
    assert {library: modules for library, modules in homes.items() if len(modules) > 1} == SHARED
    assert set(homes) - set(SHARED) == {
        "orjson",
        "jsonschema",
        "jsonschema_rs",
        "referencing",
        "re2",
        "yaml",
        "prometheus_client",
    }


WORDS = re.compile(
    r"(?<![A-Za-z])(?:cards?|pins?|batch(?:es)?|customers?|rfcs?(?! ?[0-9])|e-?mails?|debits?|activat\w*|mexic\w*)"
    r"(?![a-z])|(?<![0-9])(?:4400|4433|5001|7000)(?![0-9])",
    re.IGNORECASE,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("wildcard discard mapping spinning RFC 3339 rfc9457 inactive 14400 emailed", False),
        *(
            (text, True)
            for text in ("card_id", "the PIN", "Customer", "activateX", "rfc", "= 4400", "e-mail", "batches")
        ),
    ],
)
def test_words_of_the_api_are_told_from_others(text: str, found: bool) -> None:
    """What the next test looks for is found where it stands for itself."""
    assert bool(WORDS.search(text)) is found


def package_files() -> list[str]:
    """All that is in the package but the contract that is shipped with it."""
    package = ROOT / "mockserver"
    names = [file.relative_to(package) for file in sorted(package.rglob("*")) if file.is_file()]
    return [str(name) for name in names if not {"shipped", "__pycache__"} & {*name.parts}]


@pytest.mark.parametrize("name", package_files())
def test_the_engine_knows_no_card(name: str) -> None:
    """No word of the API that is mocked stands in the package, whatever the language."""
    lines = (ROOT / "mockserver" / name).read_text(encoding="utf-8", errors="replace").splitlines()
    assert [f"{number}: {line}" for number, line in enumerate(lines, 1) if WORDS.search(line)] == []


CONSOLE = sorted((ROOT / "mockserver" / "console").iterdir())


@pytest.mark.parametrize("file", CONSOLE, ids=lambda file: file.name)
def test_the_console_knows_no_card(file: Path) -> None:
    """Nor does a word of it stand in the page, its styles or its modules; everything comes from the admin API."""
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [f"{number}: {line}" for number, line in enumerate(lines, 1) if WORDS.search(line)] == []


def test_what_is_compiled_is_there_and_lies_elsewhere() -> None:
    """A build compiles modules by name; what one left beside the sources would be tested in their place."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    named = build["targets"]["wheel"]["hooks"]["mypyc"]["include"]
    assert named == sorted(named)
    assert [name for name in named if not (ROOT / name).is_file()] == []
    left = [file.name for file in (ROOT / "mockserver").iterdir() if file.suffix in (".so", ".pyd")]
    assert left == [], "A compiled build left these; take them away: rm -f mockserver/*.so mockserver/*.pyd"


AS_CODE = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|srcdoc"
    r"|https?://(?!www\.w3\.org/)"
)


@pytest.mark.parametrize("file", [f for f in CONSOLE if f.suffix == ".js"], ids=lambda file: file.name)
def test_the_console_makes_text_of_what_comes(file: Path) -> None:
    """No module turns a text into elements or code or loads anything from elsewhere; none but the words is long."""
    text = file.read_text(encoding="utf-8")
    assert AS_CODE.findall(text) == []
    assert text.startswith("// ")
    assert file.name == "words.js" or len(text.splitlines()) <= 400


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_short_and_says_what_it_must_not_know(name: str) -> None:
    """At most 400 lines; a docstring of purpose and limits."""
    text = MODULES[name].read_text()
    assert len(text.splitlines()) <= 400
    assert re.search(r"\bknows\b", ast.get_docstring(ast.parse(text)) or "", re.IGNORECASE)


BANNED = re.compile(
    "|".join(
        ["TO" + "DO", "FIX" + "ME", "/wo" + "rk/", "/tmp/v" + "311", "/ro" + "ot/"]
        + [re.escape(host + end) for host, end in [("pypi", ".org"), ("registry.npmjs", ".org")]]
        + [re.escape(host + end) for host, end in [("deb.debian", ".org"), ("docker", ".io")]]
    )
)


def test_no_file_holds_what_belongs_to_one_machine_or_is_left_to_do() -> None:
    """No path of a machine, no host of a registry, no reminder."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("no git, or no checkout: what belongs to the project cannot be told")
    files = [ROOT / name for name in listed.stdout.splitlines()]
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in files
        if file.is_file()
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if BANNED.search(line)
    ]
    assert found == []
