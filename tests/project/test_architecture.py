"""The rules of the code itself: who may import whom, what no module may know, what no file may hold."""

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.tools import skip_without

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "mockserver"
ORDER: tuple[str, ...] = ("base", "core", "variation", "privacy", "schema", "files", "contract", "decision", "storage")
ORDER += (
    "redis_storage",
    "entries",
    "engine",
    "export",
    "reports",
    "comparison",
    "client",
    "provider",
    "recording",
    "http_api",
    "admin",
    "server",
    "testing",
    "remote",
    "agents",
    "workers",
    "cli",
)
"""The packages: each may import those before it and none after."""


MODULES = {str(file.relative_to(PACKAGE)): file for file in sorted(PACKAGE.rglob("*.py"))}
IN_PACKAGES = {name: file for name, file in MODULES.items() if "/" in name}

HOMES = {
    "aiohttp": {"provider", "recording", "server"},
    "click": {"cli", "remote"},
    "google-re2": {"schema"},
    "mcp": {"agents"},
    "jsonschema": {"schema"},
    "jsonschema_specifications": {"schema"},
    "jsonschema_rs": {"schema"},
    "msgspec": {
        "admin",
        "base",
        "comparison",
        "contract",
        "core",
        "decision",
        "engine",
        "entries",
        "export",
        "http_api",
    }
    | {"privacy", "provider", "recording", "redis_storage", "server", "storage", "variation"},
    "prometheus_client": {"engine"},
    "pytest": {"testing"},
    "redis": {"redis_storage"},
    "re2": {"schema"},
    "referencing": {"schema"},
    "yaml": {"files"},
    "yarl": {"recording"},
    # of the standard library, what touches the world or runs code
    "asyncio": {"admin", "engine", "http_api", "provider", "redis_storage", "server", "storage", "testing", "workers"},
    "importlib": set(),
    "logging": {"server"},
    "pickle": set(),
    "random": {"decision", "variation"},
    "resource": {"server"},
    "secrets": {"engine"},
    "signal": {"remote", "workers"},
    "socket": {"server"},
    "ssl": {"client", "server"},
    "subprocess": {"remote"},
    "urllib.request": {"client"},
}
"""The packages that may import a library."""


@cache
def parsed(file: Path) -> ast.Module:
    """A module; some tests ask for the same one."""
    return ast.parse(file.read_text(encoding="utf-8"))


def imported(file: Path) -> Iterator[str]:
    """The dotted names that a module imports, anywhere in it."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name}:{node.lineno}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_packages_are_those_of_the_architecture() -> None:
    """Beside them there are three modules, and the marker for type checkers."""
    assert {folder.name for folder in PACKAGE.iterdir() if (folder / "__init__.py").exists()} == set(ORDER)
    assert {file.name for file in PACKAGE.iterdir() if file.is_file()} == {
        *("__init__.py", "__main__.py", "py.typed", "version.py")
    }


def test_a_package_has_few_modules_and_a_docstring() -> None:
    """At most twelve modules beside `__init__`."""
    for package in ORDER:
        assert len([*(PACKAGE / package).glob("*.py")]) - 1 <= 12, package
        assert ast.get_docstring(parsed(PACKAGE / package / "__init__.py")), package


def test_a_module_imports_packages_before_its_own() -> None:
    """Those that stand before its own package in the order, or its own; the public names of `mockserver`."""
    for name, file in IN_PACKAGES.items():
        before = ("", "version", *ORDER[: ORDER.index(name.partition("/")[0]) + 1])
        for found in imported(file):
            root, _, rest = found.partition(".")
            assert root != "mockserver" or rest.partition(".")[0] in before, f"{name} imports {found}"


def test_imports_are_not_circular() -> None:
    """Not through any number of modules."""
    dotted = {"mockserver." + name.removesuffix(".py").replace("/", "."): file for name, file in IN_PACKAGES.items()}
    graph = {
        name: {other for found in imported(file) for other in (found, found.rpartition(".")[0]) if other in dotted}
        for name, file in dotted.items()
    }
    graphlib.TopologicalSorter(graph).prepare()


def test_each_library_has_one_home() -> None:
    """A library of others, and what touches the world, is imported by one package, or by those that are named."""
    for name, file in IN_PACKAGES.items():
        package = name.partition("/")[0]
        for found in imported(file):
            first = found.partition(".")[0]
            if first != "mockserver" and first not in sys.stdlib_module_names:
                assert first in HOMES, f"{name}: {found} has no home"
            for library, homes in HOMES.items():
                assert not f"{found}.".startswith(f"{library}.") or package in homes, f"{name} imports {found}"


def test_no_text_is_run_as_code() -> None:
    """By no function that does so."""
    for name, file in IN_PACKAGES.items():
        calls = {n.func.id for n in ast.walk(parsed(file)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        assert not calls & {"eval", "exec", "compile", "__import__"}, name


def private_names(file: Path) -> Iterator[str]:
    """Names with an underscore in front that a module takes from elsewhere, or overrides in a class of a library."""
    tree = parsed(file)
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    own |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    own |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and re.match(r"_(?!_)", node.attr):
            known = node.attr in own or node.attr in ("_replace", "_fields", "_asdict")
            of_self = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            if not known or not (of_self or node.attr in ("_replace", "_fields", "_asdict")):
                yield f"{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.lineno}: {alias.name}" for alias in node.names if re.match(r"_(?!_)", alias.name))


def test_no_private_name_of_others_is_used() -> None:
    """Neither of a library, of a class of ours from outside it, nor through `self` in a subclass of a library."""
    assert [f"{name}:{found}" for name, file in MODULES.items() for found in private_names(file)] == []


def test_a_module_is_short() -> None:
    """At most 300 lines, with a docstring."""
    for name, file in MODULES.items():
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 300, name
        assert ast.get_docstring(parsed(file)), name


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
def test_words_of_the_api_are_found_as_words(text: str, found: bool) -> None:
    """The next test looks for them so."""
    assert bool(WORDS.search(text)) is found


def package_files() -> list[str]:
    """All that is in the package but the contract that is shipped with it."""
    names = [file.relative_to(PACKAGE) for file in sorted(PACKAGE.rglob("*")) if file.is_file()]
    return [str(name) for name in names if not {"shipped", "__pycache__"} & {*name.parts}]


def test_no_word_of_the_card_api_is_in_the_package() -> None:
    """In any language; the console has everything from the admin API."""
    found = [
        f"{name}:{number}: {line}"
        for name in package_files()
        for number, line in enumerate((PACKAGE / name).read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if WORDS.search(line)
    ]
    assert found == []


AS_CODE = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function|srcdoc"
    r"|https?://(?!www\.w3\.org/)"
)


def test_the_console_never_parses_text_as_markup() -> None:
    """No module turns text into elements or code, or loads anything from elsewhere."""
    for file in (PACKAGE / "admin" / "console").glob("*.js"):
        text = file.read_text(encoding="utf-8")
        assert AS_CODE.findall(text) == [], file.name
        assert text.startswith("// "), file.name
        assert len(text.splitlines()) <= 400, file.name


BANNED = re.compile(
    "|".join(
        ["TO" + "DO", "FIX" + "ME", "/wo" + "rk/", "/tmp/v" + "311", "/ro" + "ot/"]
        + [re.escape(host + end) for host, end in [("pypi", ".org"), ("registry.npmjs", ".org")]]
        + [re.escape(host + end) for host, end in [("deb.debian", ".org"), ("docker", ".io")]]
    )
)


def files_of_the_project() -> list[str]:
    """The names of what is in the checkout, and not ignored."""
    skip_without("git")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("needs a checkout, not a source archive")
    return listed.stdout.splitlines()


TOP_LEVEL = {"mockserver", "scenarios", "schemas", "tests", "examples", "docs"}
TOP_LEVEL |= {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "Dockerfile"}


def test_nothing_else_is_at_the_top_level() -> None:
    """No download, no output of a tool; files that begin with a dot are settings of tools."""
    found = {name.partition("/")[0] for name in files_of_the_project()}
    assert {name for name in found if not name.startswith(".")} - TOP_LEVEL == set()


def test_no_file_names_a_machine_or_a_reminder() -> None:
    """No path of a machine, no host of a registry."""
    files = [ROOT / name for name in files_of_the_project()]
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in files
        if file.is_file()
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if BANNED.search(line)
    ]
    assert found == []
