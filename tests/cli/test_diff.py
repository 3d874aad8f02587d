"""The command `diff`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from mockserver import load
from mockserver.comparison.contracts import compare
from mockserver.comparison.formats import MAX_ROWS, document, markdown, text
from mockserver.contract.bundles import contract_bundle, load_bundle
from mockserver.contract.folders import COMPARISON_SCHEMA_FILE
from mockserver.contract.loading import format_validator, shipped_folder
from tests.support import serving
from tests.support.invoke import invoke

RFC = "when: {body.customer_id: TEST-RFC-INVALID}, respond: {error: {code: %d, hints: [x]}}"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `contract`, the shipped one with a breaking, a compatible and a cosmetic change."""
    for name in ("scenarios", "schemas"):
        shutil.copytree(shipped_folder() / name, tmp_path / "contract" / name)
    for name, before, now in (
        ("schemas/activate-card-for-customer.request.schema.json", '"maxLength": 4', '"maxLength": 6'),
        ("scenarios/activate-card-for-customer.yaml", "code: 4433", "code: 4434"),
        (
            "scenarios/activate-card-for-customer.yaml",
            "documented: Card already",
            "note: As told.\n  documented: Card already",
        ),
    ):
        file = tmp_path / "contract" / name
        data = file.read_text(encoding="utf-8")
        assert before in data
        file.write_text(data.replace(before, now), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_json_fits_its_schema(here: Path) -> None:
    """Each change with its place, values, verdict and reason."""
    output = here / "comparison.json"
    assert invoke("diff", "shipped", "contract", "--format", "json", "--output", str(output)).output == ""
    data = json.loads(output.read_text(encoding="utf-8"))
    assert format_validator(COMPARISON_SCHEMA_FILE).violations("comparison", data) == ()
    assert (data["verdict"], data["counts"]["cosmetic"]) == ("breaking", 1)
    code = next(change for change in data["changes"] if change["at"] == "body /error/code")
    assert (code["before"], code["now"], code["operation"]) == (4433, 4434, "activateCardForCustomer")


@pytest.mark.usefixtures("here")
def test_junit_fails_what_fails_the_command() -> None:
    """Breaking changes; with `--fail-on compatible`, those as well."""
    failures = []
    for options in ([], ["--fail-on", "compatible"]):
        suite = ET.fromstring(invoke("diff", "shipped", "contract", "--format", "junit", *options).output)[0]
        cases = suite.findall("testcase")
        assert suite.get("tests") == str(len(cases))
        assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
        failures.append({case.get("classname") for case in cases if case.find("failure") is not None})
    assert failures == [{"contract.breaking"}, {"contract.breaking", "contract.compatible"}]


def test_equal_contracts_have_no_change(here: Path) -> None:
    """Whatever they are: the shipped one, a folder, a bundle."""
    bundle = here / "bundle.json"
    invoke("export", "bundle", "--output", str(bundle))
    for name in ("shipped", str(shipped_folder()), str(bundle)):
        result = invoke("diff", "shipped", name, "--fail-on", "compatible")
        assert (result.exit_code, result.output.splitlines()[-1]) == (0, "no change")
    suite = ET.fromstring(invoke("diff", "shipped", "shipped", "--format", "junit").output)[0]
    assert [(case.get("name"), len(case)) for case in suite] == [("no change", 0)]
    assert json.loads(invoke("diff", "shipped", "shipped", "--format", "json").output)["verdict"] == "none"


def test_overlays_lie_over_the_new_contract(here: Path) -> None:
    """As a server lays them, one over the other; what has its overlays in it takes none."""
    for name, code in (("one", 1), ("two", 2)):
        (here / name).mkdir()
        overlay = (
            f"operation: activateCardForCustomer\nscenarios: [{{scenario: rfc-invalid, documented: x, {RFC % code}}}]\n"
        )
        (here / name / "ours.yaml").write_text(f"format: 1\n{overlay}")
    result = invoke("diff", "shipped", "shipped", "--overlay", "one", "--overlay", "two", "--format", "json")
    data = json.loads(result.output)
    assert data["new"]["name"] == "shipped + one + two"
    assert [c["now"] for c in data["changes"] if c["at"] == "body /error/code"] == [2]
    (here / "bundle.json").write_text(json.dumps(contract_bundle(load())))
    for source in ("bundle.json", "http://127.0.0.1:9"):
        result = invoke("diff", "shipped", source, "--overlay", "one")
        assert result.exit_code == 2
        assert f"--overlay lies over a folder or shipped; {source} has its overlays in it" in result.output
    (here / "shipped").write_text("")
    assert invoke("diff", "shipped", "shipped", "--overlay", "one").exit_code == 0


@pytest.mark.parametrize(
    ("edit", "fail_on", "status"),
    [
        ("code: 4434", "breaking", 1),
        ("code: 4434", "compatible", 1),
        ("code: 4433, pages: 1", "breaking", 0),
        ("code: 4433, pages: 1", "compatible", 1),
        ("code: 4433 # a comment", "compatible", 0),
    ],
)
def test_the_exit_status_is_that_of_the_worst_verdict(here: Path, edit: str, fail_on: str, status: int) -> None:
    """1 from the verdict of `--fail-on` on, and always 0 without it."""
    bundle = contract_bundle(load())
    data: Any = json.loads(json.dumps(bundle))
    scenario = next(
        s for s in data["scenarios"]["activateCardForCustomer"] if s["scenario"] == "card-already-activated"
    )
    scenario["respond"]["error"] |= yaml.safe_load(f"{{{edit}\n}}")
    data["schemas"]["activate-card-for-customer.error.schema.json"]["properties"]["error"]["properties"]["pages"] = {}
    for name, one in (("old.json", {**data, "scenarios": bundle["scenarios"]}), ("new.json", data)):
        (here / name).write_text(json.dumps(one))
    assert invoke("diff", "old.json", "new.json", "--fail-on", fail_on).exit_code == status
    assert invoke("diff", "old.json", "new.json").exit_code == 0


@pytest.mark.usefixtures("here")
def test_what_cannot_be_read_is_told_with_status_2() -> None:
    """A folder, a file, a server, an output."""
    Path("bad.json").write_text("{}")
    for source, message in (
        ("missing", "no contract can be read here"),
        ("bad.json", "no contract bundle"),
        ("http://127.0.0.1:9", "is the server up, and is the URL right?"),
        ("http://[", "mockserver: "),
    ):
        result = invoke("diff", "shipped", source)
        assert (result.exit_code, message in result.output) == (2, True), result.output
    result = invoke("diff", "shipped", "contract", "--output", "missing/file")
    assert result.exit_code == 2
    assert result.stderr == "mockserver: cannot write missing/file: No such file or directory\n"
    assert result.stdout == invoke("diff", "shipped", "contract").stdout  # it is not lost


def test_the_contract_of_a_running_server(here: Path) -> None:
    """By its URL, with `/__admin/contract` at the end or without; the token of the admin API is needed where it is."""
    with serving("--contract", str(here / "contract"), "--admin-token", "s3cret-token") as served:
        for url in (served.url, f"{served.url}/__admin/contract"):
            result = invoke("diff", str(here / "contract"), url, MOCKSERVER_ADMIN_TOKEN="s3cret-token")
            assert (result.exit_code, result.output.splitlines()[-1]) == (0, "no change"), result.output
        result = invoke("diff", "shipped", served.url)
        assert (result.exit_code, "token" in result.output) == (2, True)


# -- what values look like ----------------------------------------------------------------------------------


def changed_hint(hint: str) -> Any:
    """A comparison in which one hint is another text."""
    bundle = json.loads(json.dumps(contract_bundle(load())))
    bundle["scenarios"]["activateCardForCustomer"][2]["respond"]["error"]["hints"] = [hint]
    return compare(load(), load_bundle(bundle, "new"), "a|b", "`c`")


def test_values_stay_in_their_cell() -> None:
    """Whatever characters they have, however long they are."""
    shown = markdown(changed_hint("a | `b` \n <b>\u202e *c*" + "x" * 500))
    row = next(line for line in shown.splitlines() if "body /error/hints/0" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
    assert "\\u202e" in row
    assert len(row) < 500
    assert "`a\\|b`" in shown
    assert "`` `c` ``" in shown
    assert "\u202e" not in text(changed_hint("\u202e"))


def test_a_comment_is_not_too_long_for_github() -> None:
    """Tables are cut, and say so."""
    bundle = json.loads(json.dumps(contract_bundle(load())))
    bundle["contract"]["assumptions"] |= {f"more-{number}": "x" * 300 for number in range(MAX_ROWS + 7)}
    comparison = compare(load(), load_bundle(bundle, "new"), "old", "new")
    shown = markdown(comparison)
    assert "and 7 more: `mockserver diff` lists them all" in shown
    assert len(shown) < 65_536
    assert len(document(comparison)["changes"]) == MAX_ROWS + 7


def test_the_workflow_of_a_pull_request_runs(here: Path) -> None:
    """Its two comparisons; the second one fails the job."""
    steps = yaml.safe_load((ROOT / "examples" / "contract-diff.yaml").read_text())["jobs"]["diff"]["steps"]
    commands = [step["run"] for step in steps if step.get("run", "").startswith("mockserver diff")]
    base, checkout = here / "base", here / "checkout"
    for name in ("scenarios", "schemas"):
        shutil.copytree(shipped_folder() / name, base / "contract" / name)
    checkout.mkdir()
    (here / "contract").rename(checkout / "contract")
    variables = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "GITHUB_STEP_SUMMARY": str(here / "summary")}
    statuses = [subprocess.run(c, shell=True, cwd=checkout, env=variables, check=False).returncode for c in commands]
    assert statuses == [0, 1]
    assert (here / "summary").read_text() == (here / "comment.md").read_text()
    comment = (here / "comment.md").read_text(encoding="utf-8")
    marker = re.findall(r'startswith\("(.*?)"\)', json.dumps(steps).replace('\\"', '"'))
    assert [comment.startswith(start) for start in marker] == [True]
