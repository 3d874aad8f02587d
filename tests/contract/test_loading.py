"""Files that are wrong: each is reported at its place, with what was expected, what came and what to try."""

from __future__ import annotations

import contextlib
import copy
import functools
import gc
import json
import operator
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver import ConfigError, FileDiagnostic, check, load
from mockserver.contract.loading import MAX_RUNTIME_CONDITIONS, compile_runtime_conditions
from mockserver.core.diagnostics import Position
from mockserver.core.model import Path as At

BAD = Path(__file__).parent / "bad"
CASES = [(file.stem, case) for file in sorted(BAD.glob("*.yaml")) for case in yaml.safe_load(file.read_bytes())]
IDS = [f"{file}: {case['case']}" for file, case in CASES]


def arrange(case: dict[str, Any], folder: Path) -> Path:
    """The contract in good/ with the changes of a case."""
    shutil.copytree(BAD / "good", folder)
    for name, texts in case.get("change", {}).items():
        text = (folder / name).read_text("utf-8")
        for before, after in texts.items():
            assert text.count(before) == 1, f"{before!r} stands {text.count(before)} times in {name}"
            text = text.replace(before, after)
        (folder / name).write_text(text, "utf-8")
    for name, content in case.get("files", {}).items():
        if content is None:
            (folder / name).unlink()
        else:
            data = bytes.fromhex(content["hex"]) if isinstance(content, dict) else content.encode()
            (folder / name).write_bytes(data)
    return folder


def problems_of(folder: Path) -> tuple[bool, Sequence[FileDiagnostic]]:
    """Whether a contract loads, and all that is told of it."""
    try:
        contract = load(folder)
    except ConfigError as error:
        return False, error.diagnostics
    return True, check(contract)


def report_of(problems: Sequence[FileDiagnostic], folder: Path) -> str:
    """What is told, file names relative to the folder."""
    text = "".join(f"{problem}\n" for problem in problems)
    return text.replace(f"{folder}{os.sep}", "").replace(str(folder), ".")


@pytest.mark.parametrize(("file", "case"), CASES, ids=IDS)
def test_each_mistake_is_reported_at_its_place(file: str, case: dict[str, Any], tmp_path: Path) -> None:
    """File, line and column, expected, got and a hint; all at once, in order."""
    folder = arrange(case, tmp_path / "contract")
    loads, problems = problems_of(folder)
    assert report_of(problems, folder) == case["report"]
    assert loads is (file == "examples"), "only examples are left to check"


def test_the_contract_of_the_cases_is_sound() -> None:
    """A case's report comes from its change alone."""
    assert problems_of(BAD / "good") == (True, ())


def test_the_shipped_contract_is_sound() -> None:
    """It loads, and every example meets its scenario."""
    assert check(load()) == ()


def test_the_hash_ignores_layout_and_comments(tmp_path: Path) -> None:
    """It depends on the content alone."""
    good = load(BAD / "good").hash
    comment = {"change": {"contract.yaml": {"settings:": "# a comment\nsettings:  "}}}
    assert load(arrange(comment, tmp_path / "comment")).hash == good
    changes = {
        "contract.yaml": {"Names are any": "Names are no"},
        "scenarios.yaml": {"{code: 3}": "{code: 4}"},
        "answer.schema.json": {"The thing's id.": "Its id."},
    }
    hashes = {load(arrange({"change": {name: change}}, tmp_path / name)).hash for name, change in changes.items()}
    assert len(hashes | {good}) == 4


def test_the_error_holds_the_whole_report(tmp_path: Path) -> None:
    """The exception's text is the report."""
    folder = arrange(
        {"change": {"contract.yaml": {"error_status: 400": "errorstatus: 400", "open: true": "opne: true"}}},
        tmp_path / "c",
    )
    with pytest.raises(ConfigError, match=r"(?s)contract.yaml:3:3: .*\n.*contract.yaml:8:5: ") as raised:
        load(folder)
    assert str(raised.value) == "\n".join(map(str, raised.value.diagnostics))


SECRET_HEADERS = ["authorization", "Authorization-Extra", "proxy-authorization", "cookie", "Set-Cookie", "x-api-key"]
SECRET_HEADERS += ["X-Auth-Token", "X-Amz-Security-Token", "x-authorization", "referer"]


@pytest.mark.parametrize("header", SECRET_HEADERS)
@pytest.mark.parametrize(
    ("file", "before", "after", "what"),
    [
        ("scenarios.yaml", "{thing.state: used}", "{PATH: a}", "is a secret, whose value no condition may compare"),
        ("scenarios.yaml", "{thing.state: used}", "{any: [{PATH: {matches: a}}]}", "is a secret, whose value no"),
        ("scenarios.yaml", "{thing.state: used}", "{body.name: {same_as: PATH}}", "is a secret"),
        ("scenarios.yaml", "{code: 3}", '{first_of: ["${PATH}", x]}', "is a secret"),
        ("scenarios.yaml", "{code: 3}", '{first_of: ["a ${PATH}", x]}', "is a secret"),
        ("scenarios.yaml", 'add: "${body.name}"', 'add: "${PATH}"', "is a secret"),
        ("scenarios.yaml", '{add: "${body.name}"}', '"${PATH}"', "is a secret"),
        ("contract.yaml", "key: body.name", "key: PATH", "a secret as a key"),
    ],
    ids=["when", "any", "same_as", "first_of", "text", "then add", "then", "key"],
)
def test_a_masked_header_is_a_secret(
    header: str, file: str, before: str, after: str, what: str, tmp_path: Path
) -> None:
    """No condition compares it, and it is neither echoed nor kept."""
    change = {before: after.replace("PATH", f"header.{header}")}
    loads, problems = problems_of(arrange({"change": {file: change}}, tmp_path / "c"))
    assert not loads
    assert [problem.what for problem in problems if what in problem.what]


@pytest.mark.parametrize("header", SECRET_HEADERS)
def test_a_condition_may_ask_whether_a_masked_header_is_there(header: str, tmp_path: Path) -> None:
    """Presence says nothing of its value."""
    change = {"{thing.state: used}": f"{{thing.state: used, header.{header}: {{not: empty}}}}"}
    load(arrange({"change": {"scenarios.yaml": change}}, tmp_path / "c"))


ODD: list[Any] = [None, True, -1, 1.5, "", "a.b", "${", "${body.name}", "${new.id}", [], {}, [None], {"a": {}}]
ODD += [{"first_of": 5}, {"each": {"a": 1}, "give": 5}, {"each": "others", "give": {}}, {"schema": {"$ref": "#"}}]
ODD += [{"not": {"not": "present"}}, {"some_item": {"in": [1]}}, {"add": "${thing.key}"}, 10**18, "\ud800", "\x00"]


def spots(data: Any, at: At = ()) -> Iterator[At]:
    """The paths of all parts below the root."""
    for key in data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield (*at, key)
        yield from spots(data[key], (*at, key))


GOOD = {file.name: yaml.safe_load(file.read_bytes()) for file in sorted((BAD / "good").iterdir())}
SPOTS = [(name, at) for name, data in GOOD.items() for at in spots(data)]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(SPOTS), st.sampled_from(ODD)), min_size=1, max_size=3))
def test_any_file_gives_a_contract_or_a_report(changes: list[tuple[tuple[str, At], Any]]) -> None:
    """Odd values anywhere raise nothing else."""
    files = copy.deepcopy(GOOD)
    for (name, at), value in changes:
        *around, last = at
        with contextlib.suppress(KeyError, IndexError, TypeError):  # another change has taken the place away
            functools.reduce(operator.getitem, around, files[name])[last] = copy.deepcopy(value)
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            Path(folder, name).write_text(json.dumps(data), "utf-8")
        loads, problems = problems_of(Path(folder))
    assert loads or problems
    assert all(problem.position.line > 0 and problem.what and problem.expected for problem in problems)


@pytest.mark.parametrize(
    ("when", "what"),
    [
        ({"nowhere.x": "present"}, "unknown reference nowhere.x"),
        ({"body.pin": {"like": "1"}}, "unknown member like"),
        ({"body.card_identifier": "4111111111111111"}, "a payment account number, which no condition may compare"),
        ([], "wrong value for when"),
        ({}, "wrong value for when"),
        (
            {"any": [{"body.pin": str(number)} for number in range(MAX_RUNTIME_CONDITIONS)]},
            "too many conditions for one that is added at run time",
        ),
    ],
)
def test_conditions_that_are_added_at_run_time_are_checked(when: Any, what: str) -> None:
    """As those of a file; a report has members for JSON."""
    operation = load().operations[0]
    (condition,) = compile_runtime_conditions(operation, {"body.pin": "present"})
    assert condition.text == "body.pin is present"
    with pytest.raises(ConfigError) as refused:
        compile_runtime_conditions(operation, when)
    assert [one["what"] for one in refused.value.as_json] == [what]
    assert "format: 1" not in str(refused.value)  # a hint for files


def test_a_report_without_a_hint_is_complete() -> None:
    """A diagnostic shows only the lines that it has."""
    position = Position("a.yaml", 2, 3)
    assert str(FileDiagnostic(position, "wrong", "right", "", "")) == "a.yaml:2:3: wrong\n    expected: right"


def test_garbage_collection_resumes_after_loading(tmp_path: Path) -> None:
    """Whether loading succeeds or fails."""
    load()
    assert gc.isenabled()
    with pytest.raises(ConfigError):
        load(tmp_path)
    assert gc.isenabled()
    gc.disable()
    try:
        load()
        assert not gc.isenabled()
    finally:
        gc.enable()
