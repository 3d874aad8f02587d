"""The linter: what `check` says of the examples of a contract."""

from pathlib import Path

from mockserver import load
from mockserver.schema.reference_validator import ReferenceValidator
from tests.support import folder, run

DIGITS = {
    "door.yaml": """\
format: 1
operations:
  open:
    request: POST /door
    body: code.schema.json
    envelopes:
      success: {status: 200, body: "${respond}"}
""",
    "open.yaml": """\
format: 1
operation: open
scenarios:
- scenario: refused
  documented: Refused.
  when: {violation: {at: body.code}}
  respond: {success: {open: false}}
  examples: [{request: {code: "١٢"}}]
- scenario: opened
  documented: Opened.
  respond: {success: {open: true}}
  examples: [{request: {code: "12"}}]
""",
    "code.schema.json": '{"properties": {"code": {"pattern": "^\\\\d+$"}}}',
}
"""Two digits of another script: `\\d` is ASCII here, and any digit to Python's own engine."""


def test_check_reports_examples_that_the_reference_judges_differently(tmp_path: Path) -> None:
    """The reference is the library `jsonschema`."""
    at = folder(tmp_path / "contract", DIGITS)
    checked = run("check", str(at))
    assert checked.returncode == 1
    assert "open.yaml:8:" in checked.stderr + checked.stdout
    assert "an example of refused whose form two implementations of JSON Schema judge differently" in (
        checked.stderr + checked.stdout
    )
    (at / "open.yaml").write_text(DIGITS["open.yaml"].replace("١٢", "ab"), encoding="utf-8")
    assert run("check", str(at)).returncode == 0


def test_check_skips_patterns_that_the_reference_lacks(tmp_path: Path) -> None:
    r"""`\pZ` is no escape of Python's own engine."""
    files = {**DIGITS, "code.schema.json": '{"properties": {"code": {"pattern": "^[0-9]+$|\\\\pZ"}}}'}
    at = folder(tmp_path / "contract", files)
    contract = load(at)
    body = contract.operations[0].schema_files["body"]
    assert ReferenceValidator(contract.rewrite_references).is_valid(body, {"code": "12"}) is None
    assert run("check", str(at)).returncode == 0
