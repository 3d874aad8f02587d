"""RFC 9457: the title of a type of problem is the same in every occurrence."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import mockserver
from mockserver.reports.translations import TRANSLATIONS

PACKAGE = Path(mockserver.__file__).parent
MAKERS = {"problem": (1, 2), "admin_error": (1, 2), "violation_error": (0, 1)}
"""The functions that make problems, with the positions of kind and title."""


def test_each_type_of_problem_has_one_title() -> None:
    """Whatever differs stands in the detail; console and reference give the same title."""
    titles: dict[str, set[str]] = defaultdict(set)
    for file in PACKAGE.rglob("*.py"):
        for kind, title in problems(ast.parse(file.read_text(encoding="utf-8"))):
            titles[kind].add(title)
    assert len(titles) > 40
    assert {kind: found for kind, found in titles.items() if len(found) > 1} == {}
    words = {repr(name.removeprefix("problem.")): repr(text) for name, text in TRANSLATIONS["en"].items()}
    assert {kind: found for kind, found in titles.items() if found != {words[kind]}} == {}


def problems(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Kind and title of each problem that a module makes."""
    constants = {
        target.id: node.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id != "title"
    }
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MAKERS:
                    at_kind, at_title = MAKERS[call.func.id]
                    if len(call.args) > at_title and isinstance(call.args[at_kind], ast.Constant):
                        title = call.args[at_title]
                        values = titles_of(function, call) if isinstance(title, ast.Name) else [ast.unparse(title)]
                        if isinstance(title, ast.Name) and title.id in constants:
                            values = [repr(constants[title.id])]
                        for value in values:
                            yield ast.unparse(call.args[at_kind]), value


def titles_of(function: ast.AST, call: ast.Call) -> list[str]:
    """The value of the name `title` at a call: that of the last assignment before it."""
    found = []
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and node.lineno < call.lineno:
            (target,) = node.targets
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for name, value in zip(names, values, strict=False):
                if isinstance(name, ast.Name) and name.id == "title":
                    found.append((node.lineno, ast.unparse(value)))
    return [max(found)[1]] if found else []
